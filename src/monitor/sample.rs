//! One look at everything.

use super::gauges::Reading;
use super::series::{self, Unit};
use crate::alloc::HeapFigures;
use crate::bus::{Kind, Name};
use crate::objects::PoolFigures;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

/// What there was at a time; from [`Monitor::sample_now`](crate::Monitor::sample_now) and
/// [`Monitor::latest`](crate::Monitor::latest). It prints as a line for each series. What could not be had is `None`, and
/// [`missing`](Self::missing) says why.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Sample {
    /// When it was taken, by the monitor's clock.
    pub time: Duration,
    /// What taking it has cost, by the system's clock.
    pub cost: Duration,
    /// The resident set: what of the program is in memory.
    pub resident_bytes: Option<u64>,
    /// What is on the heap, if a [counting allocator](crate::alloc) is installed.
    pub heap: Option<HeapFigures>,
    /// What is on the bus.
    pub bus: Option<BusSample>,
    /// What is in the domain.
    pub domain: Option<DomainSample>,
    /// The pools, in the order in which they were made.
    pub pools: Vec<PoolFigures>,
    /// The user's own figures.
    pub gauges: Vec<Reading>,
    /// What could not be had.
    pub missing: Vec<Missing>,
}

/// A figure that could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Missing {
    /// Which one.
    pub what: Name,
    /// Why.
    pub why: &'static str,
}

/// Totals of a bus. Connections that ended behind the bus's back count until the bus has looked
/// ([`Bus::maintain`](crate::Bus::maintain)).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct BusSample {
    /// Connections that there are.
    pub connections: usize,
    /// The same by kind. Only kinds that there are.
    pub kinds: Vec<(Kind, usize)>,
    /// The most connections that there were at a time.
    pub peak: usize,
    /// How many there may be.
    pub limit: Option<usize>,
    /// Connections that were made.
    pub made: u64,
    /// Connections that ended.
    pub ended: u64,
    /// Connections that were refused because of a limit.
    pub rejected: u64,
    /// Connections that were made although a limit was reached.
    pub over_limit: u64,
    /// Callbacks of the user's that panicked: at cleanups, in hooks.
    pub callback_panics: u64,
    /// What waits for its time: timers, debounces. Some that were cancelled included.
    pub timers: usize,
}

/// Totals of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DomainSample {
    /// Signals that were ever connected to and still exist.
    pub signals: Option<usize>,
    /// Chunks of slots that the domain holds.
    pub chunks: usize,
    /// The most chunks it held at a time.
    pub chunks_peak: usize,
    /// Chunks that the process has made, for all domains.
    pub chunks_made: usize,
    /// Slots that have ended and whose captures are not dropped yet, as far as sweeps have found them.
    pub pending_drops: usize,
    /// How often the domain's epoch moved.
    pub grace_periods: u64,
    /// Panics of slots.
    pub slot_panics: u64,
    /// Panics of destructors of what slots captured.
    pub drop_panics: u64,
    /// The emission or tick that holds reclamation up, if any thread is inside one.
    pub oldest_pin: Option<StandingPin>,
}

/// An emission or tick that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StandingPin {
    /// For how long it has been seen standing, by the monitor's clock: since the first sample that met it.
    pub age: Duration,
    /// The `emit`, `emit_batch` or `tick` that it is.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::places::as_text"))]
    pub place: Option<&'static Location<'static>>,
}

/// So many pools have a series of their own.
pub(super) const POOLS: usize = 64;

impl Sample {
    /// The bytes that all pools take up.
    pub fn pool_bytes(&self) -> usize {
        self.pools.iter().map(|pool| pool.bytes).fold(0, usize::saturating_add)
    }

    /// The value of a series, as it is called in [reports](crate::MonitorReport::series).
    pub fn value(&self, series: &str) -> Option<f64> {
        let mut found = None;
        self.each(|name, _, value| {
            if **name == *series {
                found = value;
            }
        });
        found
    }

    /// The value of each series.
    pub(super) fn each(&self, mut f: impl FnMut(&Name, Unit, Option<f64>)) {
        let mut fixed = |name: &'static str, unit, value| f(&Name::from(name), unit, value);
        let count = |value: usize| Some(value as f64);
        let (bus, domain) = (self.bus.as_ref(), self.domain.as_ref());
        fixed(series::RESIDENT, Unit::Bytes, self.resident_bytes.map(|bytes| bytes as f64));
        fixed(series::HEAP, Unit::Bytes, self.heap.map(|heap| heap.live_bytes as f64));
        fixed(series::CONNECTIONS, Unit::Count, bus.and_then(|bus| count(bus.connections)));
        fixed(series::TIMERS, Unit::Count, bus.and_then(|bus| count(bus.timers)));
        fixed(series::SIGNALS, Unit::Count, domain.and_then(|domain| count(domain.signals?)));
        fixed(series::CHUNKS, Unit::Count, domain.and_then(|domain| count(domain.chunks)));
        fixed(series::PENDING, Unit::Count, domain.and_then(|domain| count(domain.pending_drops)));
        fixed(series::LAG, Unit::Seconds, domain.map(DomainSample::lag));
        if !self.pools.is_empty() {
            fixed(series::POOL_BYTES, Unit::Bytes, count(self.pool_bytes()));
        }
        let (own, others) = self.pools.split_at(self.pools.len().min(POOLS));
        for (at, pool) in own.iter().enumerate() {
            // Those of one name are one series, at the first of them.
            if own[..at].iter().all(|before| before.name != pool.name) {
                let alike = own.iter().filter(|other| other.name == pool.name);
                let out: usize = alike.map(|pool| pool.outstanding).sum();
                f(&series::of_pool(&pool.name), Unit::Count, count(out));
            }
        }
        if !others.is_empty() {
            let out: usize = others.iter().map(|pool| pool.outstanding).sum();
            f(&series::OTHER_POOLS.into(), Unit::Count, count(out));
        }
        for reading in &self.gauges {
            f(&reading.name, Unit::Count, reading.value);
        }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "at {:.1?}, for {:.1?}", self.time, self.cost)?;
        let mut result = Ok(());
        self.each(|name, unit, value| {
            if let Some(value) = value {
                result = result.and_then(|()| writeln!(f, "{name:<24} {:>12}", unit.show(value)));
            }
        });
        result?;
        self.missing.iter().try_for_each(|missing| writeln!(f, "{:<24} not known: {}", missing.what, missing.why))
    }
}

impl DomainSample {
    /// For how many seconds reclamation has been held up.
    pub(super) fn lag(&self) -> f64 {
        self.oldest_pin.map_or(0.0, |pin| pin.age.as_secs_f64())
    }
}
