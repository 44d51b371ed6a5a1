//! Upkeep: what has to be done now and then, within a budget, and a thread that does it.

use super::inner::Inner;
use super::{Bus, WeakBus};
use crate::domain::Collected;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What [`Bus::maintain`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Maintained {
    /// Timers that were run.
    pub timers: usize,
    /// Connections that were stale, and were ended.
    pub stale: usize,
    /// Topics that nobody used, and that were forgotten.
    pub topics: usize,
    /// What the domain collected.
    pub collected: Collected,
}

/// How far the upkeep has come.
#[derive(Default)]
pub(super) struct Upkeep {
    /// The page of the registry to sweep next, if a sweep is under way.
    page: Option<usize>,
    /// When the next sweep is due, by the bus's clock; `None` before the first look.
    due: Option<Duration>,
}

/// So many pages are swept before the time is looked at.
const PAGES_PER_LOOK: usize = 4;

impl Bus {
    /// Runs what timers are due, and does what has to be done now and then, as far as `budget` allows: takes samples for call
    /// statistics, sweeps what is stale and forgets topics that nobody uses (every
    /// [`stale_sweep_every`](crate::Config::stale_sweep_every)), and [maintains](crate::Domain::maintain) the bus's domain.
    /// Made for each tick of a server. What there is no time for is done by the next call. Timers run whatever the budget.
    ///
    /// With nothing to do it costs a few locks that nobody holds.
    pub fn maintain(&self, budget: Duration) -> Maintained {
        // Too far away to be named means: no deadline.
        let deadline = Instant::now().checked_add(budget);
        let in_time = || deadline.is_none_or(|deadline| Instant::now() < deadline);
        let timers = self.run_timers();
        self.inner.turn_window();
        let (stale, topics) = self.inner.sweep_if_due(in_time);
        let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
        Maintained { timers, stale, topics, collected: self.inner.domain.maintain(left) }
    }

    /// Has a thread of its own [maintain](Self::maintain) the bus every `interval`, with that budget, until the handle or the
    /// bus is dropped. For servers without a [heartbeat](crate::Heartbeat). Timers are as exact as `interval`.
    ///
    /// # Errors
    /// What the system says if it makes no thread.
    ///
    /// ```
    /// use pulsebus::Bus;
    /// use std::time::Duration;
    ///
    /// let bus = Bus::new();
    /// let upkeep = bus.maintain_every(Duration::from_millis(50), Duration::from_millis(1))?;
    /// // …
    /// drop(upkeep); // stops it
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn maintain_every(&self, interval: Duration, budget: Duration) -> std::io::Result<MaintenanceThread> {
        let stop = Arc::new(Stop::default());
        let (theirs, bus) = (Arc::clone(&stop), self.downgrade());
        let thread = std::thread::Builder::new()
            .name("bus-maintenance".into())
            .spawn(move || theirs.maintain(&bus, interval.max(SHORTEST), budget))?;
        Ok(MaintenanceThread { stop, thread: Some(thread) })
    }
}

/// A maintenance thread never spins.
const SHORTEST: Duration = Duration::from_micros(100);

impl Inner {
    fn turn_window(&self) {
        self.with(|registry, _| {
            let time = registry.time();
            registry.windows.turn(Instant::now(), time);
        });
    }

    /// Goes on with the sweep of what is stale, if one is due or under way. How many connections were, and topics that
    /// nobody used.
    fn sweep_if_due(&self, in_time: impl Fn() -> bool) -> (usize, usize) {
        // One at a time; another thread's sweep is as good as ours.
        let Ok(mut upkeep) = self.upkeep.try_lock() else { return (0, 0) };
        let now = self.clock.now();
        let every = self.config.load().stale_sweep_every;
        let due = *upkeep.due.get_or_insert(now.saturating_add(every));
        let first = match upkeep.page {
            Some(page) => page,
            None if now >= due => 0,
            None => return (0, 0),
        };
        // Where the next call goes on, should a callback of this one call it.
        upkeep.page = None;
        upkeep.due = Some(now.saturating_add(every));
        drop(upkeep);
        let mut stale = 0;
        for page in first.. {
            let swept =
                self.with(|registry, ended| (page < registry.pages()).then(|| registry.sweep_page(page, true, ended)));
            let Some(swept) = swept else { break };
            stale += swept;
            if page % PAGES_PER_LOOK == PAGES_PER_LOOK - 1 && !in_time() {
                self.upkeep.lock().unwrap_or_else(PoisonError::into_inner).page = Some(page + 1);
                return (stale, 0);
            }
        }
        self.take_audit_look();
        (stale, self.topics.collect())
    }
}

/// Maintains a bus; from [`Bus::maintain_every`]. Dropping it stops the thread, and waits for it.
#[derive(Debug)]
#[must_use = "the thread stops when this is dropped"]
pub struct MaintenanceThread {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Stop {
    stopped: Mutex<bool>,
    change: Condvar,
}

impl Stop {
    fn maintain(&self, bus: &WeakBus, interval: Duration, budget: Duration) {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        while !*stopped {
            drop(stopped);
            match bus.upgrade() {
                Some(bus) => drop(bus.maintain(budget)),
                None => return,
            }
            stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
            if !*stopped {
                stopped = self.change.wait_timeout(stopped, interval).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

impl Drop for MaintenanceThread {
    fn drop(&mut self) {
        *self.stop.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.change.notify_all();
        if let Some(thread) = self.thread.take() {
            // From one of its own callbacks there is nothing to wait for.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}
