//! Taking a sample.

use super::sample::{BusSample, DomainSample, Missing, Sample, StandingPin};
use super::{Shared, series};
use crate::bus::{Bus, Glance};
use crate::domain::{Domain, DomainGlance};
use crate::panics::isolated;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Signals are counted one by one. More than so many take longer than a sample may.
const SIGNALS: usize = 250_000;

/// The pin that the last sample met.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PinSeen(Option<((usize, u64), Duration)>);

impl PinSeen {
    /// For how long this pin has been seen.
    fn see(&mut self, identity: Option<(usize, u64)>, now: Duration) -> Duration {
        let since = match (self.0, identity) {
            (Some((before, since)), Some(identity)) if before == identity => since,
            _ => now,
        };
        self.0 = identity.map(|identity| (identity, since));
        now.saturating_sub(since)
    }
}

/// Runs what may run code of the user's in passing.
pub(super) fn guarded<R>(f: impl FnOnce() -> R) -> Option<R> {
    isolated(f).ok()
}

/// What could not be had, and why.
#[derive(Default)]
struct Misses(Vec<Missing>);

impl Misses {
    /// The value, or a note.
    fn or_note<T>(&mut self, what: &'static str, value: Result<T, &'static str>) -> Option<T> {
        value.map_err(|why| self.0.push(Missing { what: what.into(), why })).ok()
    }
}

impl Shared {
    /// Looks at everything. Runs gauges: outside of all locks.
    pub(super) fn look(&self) -> Sample {
        let time = self.clock.now();
        let mut misses = Misses::default();
        let bus = self.upgrade();
        let resident_bytes = misses.or_note(series::RESIDENT, self.resident());
        let heap = crate::alloc::figures().ok_or("no counting allocator is installed");
        let heap = misses.or_note(series::HEAP, heap);
        let domain = self.watched_domain(bus.as_ref()).ok_or("its bus is gone");
        let domain = misses.or_note("domain", domain).map(|domain| self.look_at_domain(&domain));
        if domain.as_ref().is_some_and(|domain| domain.signals.is_none()) {
            let _ = misses.or_note::<()>(series::SIGNALS, Err("there are too many to be counted with each sample"));
        }
        let bus = match (&self.bus, bus) {
            (None, _) => Err("the monitor was given no bus"),
            (Some(_), None) => Err("the bus is gone"),
            (Some(_), Some(bus)) => Ok(look_at_bus(&bus)),
        };
        let bus = misses.or_note("bus", bus);
        let pools = self.pools.as_ref().ok_or("the monitor was given no pools");
        // The last handle of a pool may be ours to drop, and its objects with it.
        let pools = pools.and_then(|pools| guarded(|| pools.figures()).ok_or("one of them panicked"));
        let pools = misses.or_note("pools", pools).unwrap_or_default();
        let gauges = self.gauges.read();
        for gauge in &gauges {
            misses.0.extend(gauge.missing.map(|why| Missing { what: gauge.name.clone(), why }));
        }
        let cost = Duration::ZERO;
        Sample { time, cost, resident_bytes, heap, bus, domain, pools, gauges, missing: misses.0 }
    }

    /// How often code of the user's that is asked for figures has panicked.
    pub(super) fn gauge_panics(&self) -> u64 {
        self.gauges.panics() + self.memory_panics.load(Relaxed)
    }

    fn resident(&self) -> Result<u64, &'static str> {
        let Some(memory) = &self.memory else {
            let stats = memory_stats::memory_stats().ok_or("the system does not tell")?;
            return Ok(stats.physical_mem as u64);
        };
        let answer = self.memory_turn.ask(&self.memory_panics, memory)?;
        answer.ok_or("the source of the user's has no figure")
    }

    fn look_at_domain(&self, domain: &Domain) -> DomainSample {
        // Not when the sample began: code of the user's may have taken its time since.
        let now = self.clock.now();
        let glance = domain.glance(SIGNALS);
        let pin = glance.oldest_pin;
        let age = self.state().pin.see(pin.map(|pin| pin.identity), now);
        let DomainGlance { signals, chunks, chunks_peak, chunks_made, pending_drops, .. } = glance;
        let DomainGlance { grace_periods, slot_panics, drop_panics, .. } = glance;
        DomainSample {
            signals,
            chunks,
            chunks_peak,
            chunks_made,
            pending_drops,
            grace_periods,
            slot_panics,
            drop_panics,
            oldest_pin: pin.map(|pin| StandingPin { age, place: pin.place }),
        }
    }
}

fn look_at_bus(bus: &Bus) -> BusSample {
    let Glance { live, peak, made, ended, rejected, over_limit, callback_panics, kinds, timers, limit } = bus.glance();
    BusSample { connections: live, kinds, peak, limit, made, ended, rejected, over_limit, callback_panics, timers }
}
