//! What other threads have of a heartbeat: stopping it, its figures, its thread.

use super::Phases;
use super::figures::{Entry, HeartbeatFigures, Recorder};
use crate::panics::drop_quietly;
use crate::sync::lock;
use crate::time::Clock;
use spin_sleep::SpinSleeper;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// So much of a wait is slept exactly, and cannot be interrupted; the rest before it can.
const LAST: Duration = Duration::from_millis(20);

/// Stops a heartbeat, and reads its figures, from any thread, inside its slots too. Clones are of the same heartbeat.
///
/// It keeps neither the heartbeat nor its signals alive, so a slot may capture one.
///
/// ```
/// use pulsebus::{Heartbeat, ManualClock};
///
/// # fn main() -> Result<(), pulsebus::HeartbeatError> {
/// let mut heartbeat = Heartbeat::at(60.0)?.clock(ManualClock::new().clock());
/// let control = heartbeat.control();
/// heartbeat.stepped().connect(move |beat| {
///     if beat.number == 10 {
///         control.stop();
///     }
/// });
/// heartbeat.run(|| true);
/// assert_eq!(heartbeat.figures().beats, 10);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HeartbeatControl(Arc<Shared>);

struct Shared {
    is_stopped: Mutex<bool>,
    stopped: Condvar,
    recorder: Mutex<Recorder>,
}

impl HeartbeatControl {
    pub(super) fn new() -> Self {
        Self(Arc::new(Shared {
            is_stopped: Mutex::new(false),
            stopped: Condvar::new(),
            recorder: Mutex::new(Recorder::new()),
        }))
    }

    /// Stops the heartbeat, for good. The beat under way runs to its end, and no other one begins. A heartbeat that waits
    /// notices within 20 ms.
    pub fn stop(&self) {
        *lock(&self.0.is_stopped) = true;
        self.0.stopped.notify_all();
    }

    /// Was it stopped? Its last beat may still be under way.
    pub fn is_stopped(&self) -> bool {
        *lock(&self.0.is_stopped)
    }

    /// What the heartbeat has done so far. Costs some ten microseconds, hardly any of which a beat could have to wait for.
    pub fn figures(&self) -> HeartbeatFigures {
        let recorder = lock(&self.0.recorder).clone();
        recorder.figures()
    }

    pub(super) fn record(&self, entry: &Entry) {
        lock(&self.0.recorder).record(entry);
    }

    /// Waits until then; `false` if it was stopped before. A clock that is driven by hand is moved there.
    pub(super) fn wait_until(&self, due: Duration, clock: &Clock, sleeper: SpinSleeper) -> bool {
        loop {
            let left = due.saturating_sub(clock.now());
            let is_stopped = lock(&self.0.is_stopped);
            if *is_stopped || left.is_zero() {
                return !*is_stopped;
            }
            if let Some(hand) = clock.hand() {
                hand.set(due);
            } else if left > LAST {
                let wait = self.0.stopped.wait_timeout(is_stopped, left - LAST / 2);
                drop(wait.unwrap_or_else(PoisonError::into_inner));
            } else {
                drop(is_stopped);
                sleeper.sleep(left);
            }
        }
    }
}

impl fmt::Debug for HeartbeatControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeartbeatControl").field("is_stopped", &self.is_stopped()).finish_non_exhaustive()
    }
}

/// A heartbeat on a thread of its own; from [`Heartbeat::spawn`](super::Heartbeat::spawn). Dropping it stops the heartbeat.
pub struct HeartbeatHandle {
    control: HeartbeatControl,
    phases: Phases,
    thread: Option<JoinHandle<()>>,
}

impl HeartbeatHandle {
    pub(super) fn new(control: HeartbeatControl, phases: Phases, thread: JoinHandle<()>) -> Self {
        Self { control, phases, thread: Some(thread) }
    }

    /// The signals of the heartbeat.
    pub fn phases(&self) -> &Phases {
        &self.phases
    }

    /// What stops it, and reads its figures, from elsewhere.
    pub fn control(&self) -> HeartbeatControl {
        self.control.clone()
    }

    /// What it has done so far; see [`HeartbeatControl::figures`].
    pub fn figures(&self) -> HeartbeatFigures {
        self.control.figures()
    }

    /// Stops it, waits for its thread to end, and tells what it has done. On the heartbeat's own thread, inside a slot, it
    /// does not wait.
    ///
    /// # Panics
    /// With what the heartbeat's thread has panicked with: only a slot's panic under
    /// [`PanicPolicy::Propagate`](crate::PanicPolicy::Propagate) ends it so.
    pub fn stop(mut self) -> HeartbeatFigures {
        if let Err(payload) = self.end() {
            resume_unwind(payload);
        }
        self.control.figures()
    }

    fn end(&mut self) -> std::thread::Result<()> {
        self.control.stop();
        match self.thread.take() {
            Some(thread) if thread.thread().id() != std::thread::current().id() => thread.join(),
            _ => Ok(()),
        }
    }
}

impl Drop for HeartbeatHandle {
    fn drop(&mut self) {
        if let Err(payload) = self.end() {
            let _ = drop_quietly(payload);
        }
    }
}

impl fmt::Debug for HeartbeatHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeartbeatHandle").field("is_stopped", &self.control.is_stopped()).finish_non_exhaustive()
    }
}
