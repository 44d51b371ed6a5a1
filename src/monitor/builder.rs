//! How a monitor is made.

use super::backoff::Pauses;
use super::error::MonitorError;
use super::gauges::{Gauges, Read};
use super::watch::Rules;
use super::{Callback, Memory, Monitor, Parts};
use crate::bus::{Bus, Name, WeakBus};
use crate::domain::Domain;
use crate::objects::Pools;
use crate::panics::drop_quietly;
use crate::time::{Clock, HeartbeatControl};
use std::fmt;
use std::time::Duration;

use super::alert::Alert;

/// What a [`Monitor`] watches, and what it has to tell; from [`Monitor::builder`]. Everything is optional.
#[must_use = "a monitor is made by `build`"]
pub struct MonitorBuilder {
    rules: Rules,
    shortest: Duration,
    bus: Option<WeakBus>,
    bus_clock: Option<Clock>,
    clock: Option<Clock>,
    domain: Option<Domain>,
    pools: Option<Pools>,
    heartbeat: Option<HeartbeatControl>,
    memory: Option<Memory>,
    gauges: Vec<(Name, Read)>,
    callbacks: Vec<Callback>,
}

/// Samples are not closer than this.
const CLOSEST: Duration = Duration::from_millis(100);
/// Nor further apart, for trends to have something to go by.
const FURTHEST: Duration = Duration::from_secs(120);
/// Trends are judged over half an hour, or what there is of it.
const JUDGED_FOR: std::ops::RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(1800);

impl MonitorBuilder {
    pub(super) fn new() -> Self {
        let seconds = Duration::from_secs;
        let rules = Rules {
            budget: None,
            warning: 0.8,
            critical: 0.96,
            connections: None,
            stall: (seconds(10), seconds(60)),
            growth: (0.05, seconds(600)),
            pauses: Pauses { first: seconds(30), longest: seconds(300) },
            spacing: seconds(30),
        };
        Self {
            rules,
            shortest: seconds(5),
            bus: None,
            bus_clock: None,
            clock: None,
            domain: None,
            pools: None,
            heartbeat: None,
            memory: None,
            gauges: Vec::new(),
            callbacks: Vec::new(),
        }
    }

    /// Watches a bus, and its domain. It does not keep the bus.
    pub fn bus(mut self, bus: &Bus) -> Self {
        self.bus = Some(bus.downgrade());
        self.bus_clock = Some(bus.clock().clone());
        self
    }

    /// Watches this domain, and keeps it. Otherwise it is that of the bus; without a bus, the global one.
    pub fn domain(mut self, domain: &Domain) -> Self {
        self.domain = Some(domain.clone());
        self
    }

    /// Watches the pools of a list, and resizes them in [`maintain`](Monitor::maintain).
    pub fn pools(mut self, pools: &Pools) -> Self {
        self.pools = Some(pools.clone());
        self
    }

    /// Has the figures of a heartbeat in reports and metrics.
    pub fn heartbeat(mut self, heartbeat: &HeartbeatControl) -> Self {
        self.heartbeat = Some(heartbeat.clone());
        self
    }

    /// How many bytes the program may have in memory. Alerts are told at [80 % and 96 %](Self::thresholds) of it.
    ///
    /// It is compared with the resident set; where there is no such figure, with the bytes on the heap, if a
    /// [counting allocator](crate::alloc) is installed.
    pub fn budget(mut self, bytes: u64) -> Self {
        self.rules.budget = Some(bytes);
        self
    }

    /// From which shares on there are alerts: of the budget, of the connections there may be, of the objects of a pool. 0.8 and
    /// 0.96, if nothing is said. An alert is over when the value is five per cent below its threshold.
    pub fn thresholds(mut self, warning: f64, critical: f64) -> Self {
        (self.rules.warning, self.rules.critical) = (warning, critical);
        self
    }

    /// How many connections there should be at most. What the [bus allows](crate::Limits), if nothing is said.
    pub fn connections(mut self, most: usize) -> Self {
        self.rules.connections = Some(most);
        self
    }

    /// For how long an emission or tick may stand. 10 s and 60 s, if nothing is said. It is seen when two samples meet the same
    /// one, so that times below the interval between samples tell nothing.
    pub fn stalled_after(mut self, warning: Duration, critical: Duration) -> Self {
        self.rules.stall = (warning, critical);
        self
    }

    /// What growth has to be for an alert: by that share (of the lowest value in the last half hour), over that time at least.
    /// 0.05 and 10 min, if nothing is said.
    ///
    /// Less time finds leaks sooner; but what comes and goes more slowly than that looks like one until it goes.
    pub fn growth(mut self, share: f64, over: Duration) -> Self {
        self.rules.growth = (share, over);
        self
    }

    /// The time between samples: the shortest one if there is an alert or one is near, the longest one if nothing moves. 5 s and
    /// 30 s, if nothing is said.
    pub fn intervals(mut self, shortest: Duration, longest: Duration) -> Self {
        (self.shortest, self.rules.spacing) = (shortest, longest);
        self
    }

    /// The pauses between repeats of an alert: the first one, and the longest one that doubling it comes to. 30 s and 300 s, if
    /// nothing is said.
    pub fn repeats(mut self, first: Duration, longest: Duration) -> Self {
        self.rules.pauses = Pauses { first, longest };
        self
    }

    /// The clock to go by. That of the bus, if nothing is said; without a bus, the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Where the resident set comes from, instead of from the system: the figure of a container, say. `None` means that there
    /// is no figure now.
    pub fn memory(mut self, bytes: impl Fn() -> Option<u64> + Send + Sync + 'static) -> Self {
        let before = self.memory.replace(Box::new(bytes));
        let _ = drop_quietly(before);
        self
    }

    /// Has a number of the user's in each sample; see [`Monitor::count`].
    pub fn count(self, name: impl Into<Name>, count: impl Fn() -> usize + Send + Sync + 'static) -> Self {
        self.gauge(name, move || count() as f64)
    }

    /// Has a figure of the user's in each sample; see [`Monitor::gauge`].
    pub fn gauge(mut self, name: impl Into<Name>, value: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.gauges.push((name.into(), Box::new(value)));
        self
    }

    /// Calls `callback` with each alert, also when it is [over](crate::AlertPhase::Over), on the thread that took the sample, or
    /// on one that was at it already, outside of all locks. May be said several times.
    ///
    /// One that panics hurts nobody. While one blocks, other threads go on to take samples; what they have to tell waits until
    /// it returns (and the oldest falls out when there are 256). It may call everything of the monitor. One that captures the
    /// monitor keeps it for ever.
    pub fn on_alert(mut self, callback: impl Fn(&Alert) + Send + Sync + 'static) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// The monitor. It does nothing until it is [polled](Monitor::poll), or has a [thread](Monitor::spawn).
    ///
    /// # Errors
    /// If something that was said makes no sense; the error says what would.
    pub fn build(self) -> Result<Monitor, MonitorError> {
        let checked = self.check();
        let Self { rules, shortest, bus, bus_clock, clock, domain, pools, heartbeat, memory, gauges: named, callbacks } =
            self;
        let (gauges, mut named) = (Gauges::default(), named.into_iter());
        if let Err(error) = checked.and_then(|()| named.try_for_each(|(name, read)| gauges.add(name, read))) {
            // The user's, one by one: several may panic.
            named.for_each(|(_, read)| _ = drop_quietly(read));
            callbacks.into_iter().for_each(|callback| _ = drop_quietly(callback));
            let _ = drop_quietly(memory);
            return Err(error);
        }
        let clock = clock.or(bus_clock).unwrap_or_default();
        Ok(Monitor::of(Parts { rules, shortest, bus, clock, domain, pools, heartbeat, memory, gauges, callbacks }))
    }

    fn check(&self) -> Result<(), MonitorError> {
        let Rules { warning, critical, stall, growth, pauses, spacing: longest, .. } = self.rules;
        let shortest = self.shortest;
        if self.rules.budget == Some(0) {
            return Err(MonitorError::ZeroBudget);
        }
        if self.rules.connections == Some(0) {
            return Err(MonitorError::ZeroConnections);
        }
        // (Not a number is in no order.)
        if !(0.0 < warning && warning < critical && critical <= 1.0) {
            return Err(MonitorError::Thresholds { warning, critical });
        }
        if !(CLOSEST <= shortest && shortest <= longest && longest <= FURTHEST) {
            return Err(MonitorError::Intervals { shortest, longest });
        }
        if pauses.first.is_zero() || pauses.first > pauses.longest {
            return Err(MonitorError::Backoff { first: pauses.first, longest: pauses.longest });
        }
        if stall.0.is_zero() || stall.0 >= stall.1 {
            return Err(MonitorError::Stall { warning: stall.0, critical: stall.1 });
        }
        if !((0.001..=10.0).contains(&growth.0) && JUDGED_FOR.contains(&growth.1)) {
            return Err(MonitorError::Growth { share: growth.0, over: growth.1 });
        }
        Ok(())
    }
}

impl fmt::Debug for MonitorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gauges: Vec<_> = self.gauges.iter().map(|(name, _)| name).collect();
        f.debug_struct("MonitorBuilder").field("rules", &self.rules).field("gauges", &gauges).finish_non_exhaustive()
    }
}
