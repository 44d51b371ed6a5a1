//! A thread that drives the monitor.

use super::{Monitor, Shared};
use crate::bus::Alarm;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

/// Drives a monitor; from [`Monitor::spawn`] and [`Monitor::maintain_every`]. Dropping it stops the thread, and waits for it.
#[derive(Debug)]
#[must_use = "the thread stops when this is dropped"]
pub struct MonitorThread {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Stop {
    stopped: AtomicBool,
    /// The monitor's; it outlives the monitor.
    alarm: Arc<Alarm>,
}

/// The thread never spins.
const SHORTEST: Duration = Duration::from_millis(1);
/// A clock that is driven by hand is looked at so often.
const BY_HAND: Duration = Duration::from_millis(10);

/// What the thread does.
#[derive(Clone, Copy)]
enum Work {
    Sample,
    Maintain { every: Duration, budget: Duration },
}

impl Monitor {
    /// Has a thread of its own take the samples, until the handle or the last monitor is dropped.
    ///
    /// # Errors
    /// What the system says if it makes no thread.
    ///
    /// ```
    /// let monitor = pulsebus::Monitor::builder().build()?;
    /// let thread = monitor.spawn()?;
    /// // …
    /// drop(thread); // stops it
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spawn(&self) -> io::Result<MonitorThread> {
        self.start(Work::Sample)
    }

    /// The same, and has the thread [maintain](Self::maintain) bus and pools as well, so often and with that budget. For servers
    /// without a heartbeat. (Timers of the bus are as exact as `every`; [`Bus::maintain_every`](crate::Bus::maintain_every) is
    /// more so.)
    ///
    /// # Errors
    /// What the system says if it makes no thread.
    pub fn maintain_every(&self, every: Duration, budget: Duration) -> io::Result<MonitorThread> {
        self.start(Work::Maintain { every, budget })
    }

    fn start(&self, work: Work) -> io::Result<MonitorThread> {
        let stop = Arc::new(Stop { stopped: AtomicBool::new(false), alarm: Arc::clone(&self.shared.alarm) });
        let (theirs, monitor) = (Arc::clone(&stop), Arc::downgrade(&self.shared));
        let thread =
            std::thread::Builder::new().name("bus-monitor".into()).spawn(move || theirs.drive(&monitor, work))?;
        Ok(MonitorThread { stop, thread: Some(thread) })
    }
}

impl Stop {
    fn drive(&self, monitor: &Weak<Shared>, work: Work) {
        while let Some(shared) = monitor.upgrade() {
            let monitor = Monitor { shared };
            match work {
                Work::Sample => drop(monitor.poll()),
                Work::Maintain { budget, .. } => drop(monitor.maintain(budget)),
            }
            let rung = self.alarm.rung();
            // Relaxed, here and below: the alarm's lock orders it.
            if self.stopped.load(Relaxed) {
                return;
            }
            let pause = match work {
                Work::Maintain { every, .. } => every,
                Work::Sample if monitor.clock().is_manual() => BY_HAND,
                Work::Sample => monitor.next_sample().saturating_sub(monitor.clock().now()),
            };
            // It may be the last one, and then rings.
            drop(monitor);
            self.alarm.sleep(rung, pause.max(SHORTEST));
        }
    }
}

impl Drop for MonitorThread {
    fn drop(&mut self) {
        self.stop.stopped.store(true, Relaxed);
        self.stop.alarm.ring();
        if let Some(thread) = self.thread.take() {
            // From one of its own callbacks there is nothing to wait for.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}
