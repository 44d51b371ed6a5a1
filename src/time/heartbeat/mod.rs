//! The heartbeat: a loop at a fixed rate.

mod control;
mod error;
mod figures;
mod pace;
#[cfg(test)]
mod tests;

pub use control::{HeartbeatControl, HeartbeatHandle};
pub use error::HeartbeatError;
pub use figures::{HeartbeatFigures, Quantiles};

use super::Clock;
use crate::domain::Domain;
use crate::panics::drop_quietly;
use crate::signal::Signal;
use figures::Entry;
use pace::Pace;
use spin_sleep::SpinSleeper;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

/// One beat, as the slots of its phases get it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Beat {
    /// Which one it is: the first one is 1. Skipped ones have numbers too.
    pub number: u64,
    /// When it is due, since the start: `number / hz`, to the nanosecond. The time of a simulation.
    pub time: Duration,
    /// How much later that is than the beat that was run before: `1 / hz`, and more after a skip. All of them add up to `time`.
    pub delta: Duration,
    /// How long after its due time it has begun, in the time of the clock.
    pub late: Duration,
    /// How many beats were skipped just before it.
    pub skipped: u64,
}

/// What happens to beats whose time passes while another one runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Overrun {
    /// They are run at once, one after the other, until the heartbeat is on time again.
    CatchUp {
        /// So many can be in arrears; older ones are skipped.
        most: u32,
    },
    /// They are skipped, and the next one comes at its due time.
    Skip,
}

impl Default for Overrun {
    /// Five are caught up with.
    fn default() -> Self {
        Self::CatchUp { most: 5 }
    }
}

/// The signals of a heartbeat, emitted in each beat in this order. Clones are of the same signals.
///
/// A slot that captures one keeps the signals, and itself, alive: it should capture a [`HeartbeatControl`] instead.
#[derive(Debug, Clone)]
pub struct Phases(Arc<[Signal<Beat>; 3]>);

impl Phases {
    fn new_in(domain: &Domain) -> Self {
        Self(Arc::new(std::array::from_fn(|_| Signal::new_in(domain))))
    }

    /// First: simulate.
    pub fn stepped(&self) -> &Signal<Beat> {
        &self.0[0]
    }

    /// Second: what follows from the simulation.
    pub fn heartbeat(&self) -> &Signal<Beat> {
        &self.0[1]
    }

    /// Third: show it.
    pub fn render_stepped(&self) -> &Signal<Beat> {
        &self.0[2]
    }
}

/// Drives a loop at a fixed rate, without drift: the beat *n* is due *n* / *hz* after the start, to the nanosecond, however
/// many there were before, and however late they were.
///
/// Each beat emits its three [phases](Phases), and then calls the maintenance hooks. It runs on the caller's thread
/// ([`run`](Self::run), [`step`](Self::step), or [`try_step`](Self::try_step) inside another loop) or on one of its own
/// ([`spawn`](Self::spawn)).
///
/// With a [clock driven by hand](crate::ManualClock) it does not sleep, but moves the clock to when the next beat is due: a
/// simulated hour takes as long as its slots do.
///
/// ```
/// use pulsebus::{Heartbeat, ManualClock, Overrun};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), pulsebus::HeartbeatError> {
/// let hand = ManualClock::new();
/// let mut heartbeat = Heartbeat::at(60.0)?.overrun(Overrun::Skip).clock(hand.clock());
/// heartbeat.stepped().connect(|beat| println!("simulate {:?}, up to {:?}", beat.delta, beat.time));
/// let mut beats = 0..3_600;
/// heartbeat.run(|| beats.next().is_some());
/// assert_eq!(hand.now(), Duration::from_secs(60));
/// # Ok(())
/// # }
/// ```
pub struct Heartbeat {
    pace: Pace,
    overrun: Overrun,
    clock: Clock,
    sleeper: SpinSleeper,
    phases: Phases,
    control: HeartbeatControl,
    maintenance: Vec<Maintenance>,
    /// When beat zero would have been, by the clock. `None` before the first step.
    start: Option<Duration>,
    /// The last beat, run or skipped.
    number: u64,
    /// The due time of the last beat that was run, since the start.
    time: Duration,
    /// How many were skipped since then.
    skipped: u64,
}

struct Maintenance {
    budget: Duration,
    hook: Box<dyn FnMut(Duration) + Send>,
}

/// The least that a maintenance hook gets, as a share of its budget.
const LEAST_SHARE: u32 = 8;

impl Heartbeat {
    /// So many beats per second, from 0.001 to 100,000. Its signals are in the global domain.
    ///
    /// # Errors
    /// [`HeartbeatError::Rate`] for another rate, or what is no number.
    pub fn at(hz: f64) -> Result<Self, HeartbeatError> {
        Self::at_in(&Domain::global(), hz)
    }

    /// The same, with signals in `domain`.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn at_in(domain: &Domain, hz: f64) -> Result<Self, HeartbeatError> {
        let pace = Pace::new(hz).ok_or(HeartbeatError::Rate { hz })?;
        Ok(Self {
            pace,
            overrun: Overrun::default(),
            clock: Clock::system(),
            sleeper: SpinSleeper::default(),
            phases: Phases::new_in(domain),
            control: HeartbeatControl::new(),
            maintenance: Vec::new(),
            start: None,
            number: 0,
            time: Duration::ZERO,
            skipped: 0,
        })
    }

    /// Sets what happens after an overrun. [`Overrun::CatchUp`] with five beats at first.
    #[must_use]
    pub fn overrun(mut self, overrun: Overrun) -> Self {
        self.overrun = overrun;
        self
    }

    /// Sets the clock. The system's at first. To be called before the first beat.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets for how long it spins at the end of each wait, because the system may sleep so much longer than it was asked to:
    /// longer is more exact, and burns that much of a core in each beat. 125 µs at first, a millisecond on Windows. At most
    /// four seconds.
    #[must_use]
    pub fn spin(mut self, spin: Duration) -> Self {
        self.sleeper = SpinSleeper::new(u32::try_from(spin.as_nanos()).unwrap_or(u32::MAX));
        self
    }

    /// Has `hook` called in each beat after the phases, in the order of these calls, with the time that it may take: what is
    /// left until the next beat is due, `budget` at most, and an eighth of `budget` at least, also when there is no time left;
    /// a heartbeat that is always late is maintained still.
    ///
    /// A hook that panics is [counted](HeartbeatFigures::maintenance_panics), and called again in the next beat.
    ///
    /// ```
    /// use pulsebus::{Heartbeat, ManualClock};
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), pulsebus::HeartbeatError> {
    /// let mut heartbeat = Heartbeat::at(60.0)?
    ///     .clock(ManualClock::new().clock())
    ///     .on_maintain(Duration::from_micros(200), |budget| drop(pulsebus::maintain(budget)));
    /// heartbeat.step();
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn on_maintain(mut self, budget: Duration, hook: impl FnMut(Duration) + Send + 'static) -> Self {
        self.maintenance.push(Maintenance { budget, hook: Box::new(hook) });
        self
    }

    /// Its signals, to keep: they outlive the heartbeat.
    pub fn phases(&self) -> Phases {
        self.phases.clone()
    }

    /// The first phase of a beat: simulate.
    pub fn stepped(&self) -> &Signal<Beat> {
        self.phases.stepped()
    }

    /// The second phase of a beat: what follows from the simulation.
    pub fn heartbeat(&self) -> &Signal<Beat> {
        self.phases.heartbeat()
    }

    /// The third phase of a beat: show it.
    pub fn render_stepped(&self) -> &Signal<Beat> {
        self.phases.render_stepped()
    }

    /// What stops it, and reads its figures, from elsewhere.
    pub fn control(&self) -> HeartbeatControl {
        self.control.clone()
    }

    /// What it has done so far; see [`HeartbeatControl::figures`].
    pub fn figures(&self) -> HeartbeatFigures {
        self.control.figures()
    }

    /// Runs beats on this thread, until it is [stopped](HeartbeatControl::stop) or `keep_going`, which is asked before each
    /// beat, says no. The time between two runs counts for nothing: the first beat is due `1 / hz` after the call.
    ///
    /// # Panics
    /// As [`step`](Self::step).
    pub fn run(&mut self, mut keep_going: impl FnMut() -> bool) {
        let paused = self.clock.now().saturating_sub(self.pace.due(self.number));
        self.start = Some(self.start().max(paused));
        while keep_going() && self.step().is_some() {}
    }

    /// Runs beats on a thread of its own, until it is stopped or the handle is dropped.
    ///
    /// # Errors
    /// [`HeartbeatError::Thread`] if the system makes no thread.
    pub fn spawn(mut self) -> Result<HeartbeatHandle, HeartbeatError> {
        let (control, phases) = (self.control.clone(), self.phases.clone());
        let thread = std::thread::Builder::new().name("heartbeat".into()).spawn(move || self.run(|| true));
        let thread = thread.map_err(|error| HeartbeatError::Thread { kind: error.kind() })?;
        Ok(HeartbeatHandle::new(control, phases, thread))
    }

    /// Waits for the next beat, and runs it; `None` if it was stopped. The start is at the first call.
    ///
    /// # Panics
    /// Only if the policy of a phase's signal is [`PanicPolicy::Propagate`](crate::PanicPolicy::Propagate). The beat is
    /// finished before.
    pub fn step(&mut self) -> Option<Beat> {
        let due = self.next_due();
        self.control.wait_until(due, &self.clock, self.sleeper).then(|| self.beat())
    }

    /// Runs the next beat if it is due, without waiting: for a loop that has a rhythm of its own. The start is at the first
    /// call.
    ///
    /// # Panics
    /// As [`step`](Self::step).
    pub fn try_step(&mut self) -> Option<Beat> {
        let due = self.next_due();
        (self.clock.now() >= due && !self.control.is_stopped()).then(|| self.beat())
    }

    fn start(&mut self) -> Duration {
        *self.start.get_or_insert_with(|| self.clock.now())
    }

    fn next_due(&mut self) -> Duration {
        self.start().saturating_add(self.pace.due(self.number + 1))
    }

    /// Runs a beat; some are due.
    fn beat(&mut self) -> Beat {
        let (start, began) = (self.start(), self.clock.now());
        let last_due = self.pace.last_due(began.saturating_sub(start)).max(self.number + 1);
        let most = match self.overrun {
            Overrun::CatchUp { most } => u64::from(most),
            Overrun::Skip => 0,
        };
        let number = last_due.saturating_sub(most).max(self.number + 1);
        let skipped = number - self.number - 1;
        let time = self.pace.due(number);
        let late = began.saturating_sub(start.saturating_add(time));
        let beat = Beat { number, time, delta: time - self.time, late, skipped: self.skipped + skipped };
        (self.number, self.time, self.skipped) = (number, time, 0);

        let outcome = catch_unwind(AssertUnwindSafe(|| {
            self.phases.0.iter().for_each(|phase| {
                phase.emit(&beat);
            })
        }));
        let maintenance_panics = self.maintain();
        let ended = self.clock.now();
        if self.overrun == Overrun::Skip {
            self.skip_until(ended);
        }
        self.control.record(&Entry {
            work: ended.saturating_sub(began),
            jitter: late,
            skipped: skipped + self.skipped,
            is_caught_up: number < last_due,
            maintenance_panics,
        });
        if let Err(payload) = outcome {
            resume_unwind(payload);
        }
        beat
    }

    /// Skips what was due before `now`.
    fn skip_until(&mut self, now: Duration) {
        let start = self.start();
        let before = now.saturating_sub(start).saturating_sub(Duration::from_nanos(1));
        let last_missed = self.pace.last_due(before).max(self.number);
        self.skipped = last_missed - self.number;
        self.number = last_missed;
    }

    /// Calls the maintenance hooks; tells how many have panicked.
    fn maintain(&mut self) -> u64 {
        let (next_due, clock) = (self.next_due(), &self.clock);
        let calls = self.maintenance.iter_mut().map(|maintenance| {
            let left = next_due.saturating_sub(clock.now());
            let budget = left.clamp(maintenance.budget / LEAST_SHARE, maintenance.budget);
            let outcome = catch_unwind(AssertUnwindSafe(|| (maintenance.hook)(budget)));
            u64::from(outcome.map_err(drop_quietly).is_err())
        });
        calls.sum()
    }
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heartbeat")
            .field("period", &self.pace.due(1))
            .field("overrun", &self.overrun)
            .field("beats", &self.number)
            .field("is_stopped", &self.control.is_stopped())
            .finish_non_exhaustive()
    }
}
