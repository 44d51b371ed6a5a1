//! What a domain holds.

use super::DomainCore;
use super::collect::lists_of;
use crate::epoch::OldestPin;
use crate::list::CHUNK_SLOTS;
use crate::sync::diagnostic::Relaxed;
use crate::world::world;
use std::panic::Location;
use std::time::{Duration, Instant};

/// What a domain holds now, and what it has held; from [`Domain::statistics`](crate::Domain::statistics).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// The lists of signals: one for each signal that was ever connected to and still exists, or as many as it has
    /// [priorities](crate::Priority).
    pub signals: usize,
    /// The slots of the domain's chunks.
    pub slots: SlotCounts,
    /// Chunks (of 32 slots, 2 KiB) that the domain holds, in limbo included.
    pub chunks: usize,
    /// The most chunks it held at a time.
    pub chunks_peak: usize,
    /// How often it took a chunk, from the pool or from the system.
    pub chunks_taken: u64,
    /// Chunks that the process has made, for all domains. They are never given back to the system.
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
    pub oldest_pin: Option<PinAge>,
}

/// The slots of a domain's chunks, by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SlotCounts {
    /// Connected.
    pub live: usize,
    /// Not used yet.
    pub free: usize,
    /// Ended, and kept until the whole chunk can be used again.
    pub retired: usize,
}

/// An emission or tick that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PinAge {
    /// For how long it has been seen standing: since the first call of [`statistics`](crate::Domain::statistics) that
    /// met it, for emissions never read a clock. Zero at that first call.
    pub age: Duration,
    /// The `emit`, `emit_batch` or `tick` that pinned.
    pub place: Option<&'static Location<'static>>,
}

pub(super) fn statistics(domain: &'static DomainCore) -> Statistics {
    let mut signals = 0;
    let mut slots = SlotCounts::default();
    for counted in lists_of(domain).filter_map(|list| list.count(domain)) {
        signals += 1;
        slots.live += counted.live as usize;
        slots.free += counted.free as usize;
    }
    let figures = &domain.figures;
    let chunks = figures.chunks.load(Relaxed) as usize;
    slots.retired = (chunks * CHUNK_SLOTS).saturating_sub(slots.live + slots.free);
    let oldest = domain.epoch.oldest_pin(Instant::now());
    Statistics {
        signals,
        slots,
        chunks,
        chunks_peak: figures.chunks_peak.load(Relaxed) as usize,
        chunks_taken: figures.chunks_taken.load(Relaxed) - figures.chunks_taken_before.load(Relaxed),
        chunks_made: world().chunks.made(),
        pending_drops: usize::try_from(domain.pending()).unwrap_or(usize::MAX),
        grace_periods: figures.grace_periods.load(Relaxed),
        slot_panics: figures.slot_panics.load(Relaxed),
        drop_panics: figures.drop_panics.load(Relaxed),
        oldest_pin: oldest.map(|pin| PinAge { age: pin.age, place: pin.place }),
    }
}

/// What a monitor reads of a domain. Sweeps nothing.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(loom, allow(dead_code))]
pub(crate) struct Glance {
    /// `None` if there are too many lists in the process to look at each.
    pub(crate) signals: Option<usize>,
    pub(crate) chunks: usize,
    pub(crate) chunks_peak: usize,
    pub(crate) chunks_made: usize,
    pub(crate) pending_drops: usize,
    pub(crate) grace_periods: u64,
    pub(crate) slot_panics: u64,
    pub(crate) drop_panics: u64,
    pub(crate) oldest_pin: Option<OldestPin>,
}

/// Costs a load for each list of the process, if they are `most` at most, and one for each thread.
#[cfg_attr(loom, allow(dead_code))]
pub(super) fn glance(domain: &'static DomainCore, most: usize) -> Glance {
    let figures = &domain.figures;
    Glance {
        signals: (world().lists.made() <= most).then(|| lists_of(domain).count()),
        chunks: figures.chunks.load(Relaxed) as usize,
        chunks_peak: figures.chunks_peak.load(Relaxed) as usize,
        chunks_made: world().chunks.made(),
        pending_drops: usize::try_from(domain.pending()).unwrap_or(usize::MAX),
        grace_periods: figures.grace_periods.load(Relaxed),
        slot_panics: figures.slot_panics.load(Relaxed),
        drop_panics: figures.drop_panics.load(Relaxed),
        oldest_pin: domain.epoch.oldest_pin(Instant::now()),
    }
}

/// What all domains of the process hold together, and have held.
#[derive(Default)]
pub(crate) struct Census {
    /// Domains, but for the global one.
    pub(crate) domains: usize,
    pub(crate) chunks: usize,
    pub(crate) chunks_taken: u64,
    pub(crate) lists: usize,
    pub(crate) lists_taken: u64,
    /// Slots that are connected, and those of lists that are not used yet.
    pub(crate) live: usize,
    pub(crate) free: usize,
}

/// Counts it. Cost: a look at each chunk of each signal.
pub(crate) fn census() -> Census {
    let domains = world().domains.all().filter(|domain| domain.is_in_use()).count();
    let mut census = Census { domains, ..Census::default() };
    for domain in std::iter::once(&world().global).chain(world().domains.all()) {
        census.chunks += domain.figures.chunks.load(Relaxed) as usize;
        census.chunks_taken += domain.figures.chunks_taken.load(Relaxed);
    }
    for list in world().lists.all() {
        census.lists_taken += list.lives();
        if let Some(counted) = list.last_domain().and_then(|domain| list.count(domain)) {
            census.lists += 1;
            census.lists_taken += 1;
            census.live += counted.live as usize;
            census.free += counted.free as usize;
        }
    }
    census
}
