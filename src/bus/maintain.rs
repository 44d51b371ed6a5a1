//! Upkeep: what has to be done now and then, within a budget, and a thread that does it.

use super::alarm::Alarm;
use super::audit::Counting;
use super::inner::Inner;
use super::{Bus, WeakBus};
use crate::domain::Collected;
use crate::sync::lock;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
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
    /// The audit's look that is taken along.
    look: Option<Counting>,
    /// When the last sweep was, by the bus's clock; before the first one, when it was thought of first.
    last: Option<Duration>,
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

    /// Has a thread of its own [maintain](Self::maintain) the bus every `interval` and whenever a timer is due, with that
    /// budget, until the handle or the bus is dropped. For servers without a [heartbeat](crate::Heartbeat). (Of a clock that is
    /// driven by hand it does not know when a timer is due: such timers are as exact as `interval`.)
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
        let stop = Arc::new(Stop { stopped: AtomicBool::new(false), alarm: Arc::clone(self.inner.timers.alarm()) });
        let (theirs, bus) = (Arc::clone(&stop), self.downgrade());
        let thread = std::thread::Builder::new()
            .name("bus-maintenance".into())
            .spawn(move || theirs.maintain(&bus, interval, budget))?;
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
        let last = *upkeep.last.get_or_insert(now);
        let first = match upkeep.page {
            Some(page) => page,
            None if now.saturating_sub(last) >= every => 0,
            None => return (0, 0),
        };
        let look = upkeep.look.take();
        let mut look = if first == 0 { self.begin_audit_look() } else { look };
        // Where the next call goes on, should a callback of this one call it.
        upkeep.page = None;
        upkeep.last = Some(now);
        drop(upkeep);
        let mut stale = 0;
        for page in first.. {
            let is_there = self.at_page(page, |registry, ended| {
                stale += registry.sweep_page(page, true, ended);
                look.iter_mut().for_each(|look| look.count(registry, page));
            });
            if !is_there {
                break;
            }
            if page % PAGES_PER_LOOK == PAGES_PER_LOOK - 1 && !in_time() {
                let mut upkeep = lock(&self.upkeep);
                (upkeep.page, upkeep.look) = (Some(page + 1), look);
                return (stale, 0);
            }
        }
        if let Some(look) = look {
            self.end_audit_look(look);
        }
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

#[derive(Debug)]
struct Stop {
    stopped: AtomicBool,
    /// The bus's; it outlives the bus.
    alarm: Arc<Alarm>,
}

impl Stop {
    fn maintain(&self, bus: &WeakBus, interval: Duration, budget: Duration) {
        while let Some(bus) = bus.upgrade() {
            bus.maintain(budget);
            let rung = self.alarm.rung();
            // Relaxed, here and below: the alarm's lock orders it.
            if self.stopped.load(Relaxed) {
                return;
            }
            let pause = bus.inner.timers.pause(bus.clock(), interval).max(SHORTEST);
            // It may be the last one, and then rings.
            drop(bus);
            self.alarm.sleep(rung, pause);
        }
    }
}

impl Drop for MaintenanceThread {
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
