//! What frees memory: collecting, and the emergency cleanup.

use super::outcome::{Collection, Emergency};
use crate::bus::Bus;
use crate::objects::Pools;

/// Forgets topics that nobody uses, and collects the bus's domain.
pub(super) fn collect(bus: &Bus) -> Collection {
    let topics = bus.collect_topics();
    let collected = bus.domain().collect();
    Collection {
        dropped: collected.dropped,
        recycled: collected.recycled,
        pending: collected.pending,
        complete: collected.complete,
        topics,
    }
}

/// What an emergency cleanup would do.
pub(super) fn plan(bus: &Bus, pools: &Pools) -> Emergency {
    let endable = bus.endable();
    let spare = |figures: &crate::PoolFigures| figures.idle.min(figures.objects().saturating_sub(figures.min));
    Emergency {
        done: false,
        stale: endable.stale,
        unmanaged: endable.unmanaged,
        pool_objects: pools.figures().iter().map(spare).sum(),
        collected: None,
    }
}

/// Frees what can be freed without ending what belongs to somebody; see [`Emergency`].
pub(super) fn cleanup(bus: &Bus, pools: &Pools) -> Emergency {
    let stale = bus.cleanup_stale();
    let unmanaged = bus.end_unmanaged();
    // First what slots captured: objects of pools may be among it, which go back, and can then be dropped.
    let mut collected = collect(bus);
    let pool_objects = pools.shrink_to_fit();
    if pool_objects > 0 {
        // Their destructors may have ended slots in turn.
        let more = collect(bus);
        collected = Collection {
            dropped: collected.dropped + more.dropped,
            recycled: collected.recycled + more.recycled,
            topics: collected.topics + more.topics,
            ..more
        };
    }
    Emergency { done: true, stale, unmanaged, pool_objects, collected: Some(collected) }
}
