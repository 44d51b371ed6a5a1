//! Blocking: a pause of one slot, counted.
//!
//! A slot that is blocked for the first time becomes gated, for good: to an emission it looks dead at first, and then it looks
//! at the count. So slots that never are cost no look. That the way back is missing is what keeps a disconnection
//! wait-free: it meets a live slot, or a gated one, and no third thing.

use super::Root;
use super::chunk::{CHUNK_SLOTS, Chunk};
use super::tag::Tag;
use crate::epoch;
use crate::sync::{AtomicU32, Ordering};
use std::array;
use std::panic::Location;

/// How often each slot of a chunk is blocked at present.
pub(super) struct Blocks([AtomicU32; CHUNK_SLOTS]);

impl Blocks {
    pub(super) fn new() -> Self {
        Self(array::from_fn(|_| AtomicU32::new(0)))
    }

    #[inline]
    fn holds(&self, index: usize) -> bool {
        // Relaxed: a block stands for itself. An emission that comes after it reads the count that it left, or a later one.
        self.0[index].load(Ordering::Relaxed) > 0
    }

    /// So many that they can't be counted stay for ever.
    fn change(&self, index: usize, change: impl Fn(u32) -> Option<u32>) {
        let change = |count| if count == u32::MAX { None } else { change(count) };
        // Release; partner: the fence in `is_generation`. Who reads it through a stale handle sees that it is stale.
        let _ = self.0[index].fetch_update(Ordering::Release, Ordering::Relaxed, change);
    }

    /// As at first. The chunk is nobody's.
    pub(super) fn reset(&self) {
        // Relaxed: the pool's Release passes it on.
        self.0.iter().for_each(|count| count.store(0, Ordering::Relaxed));
    }
}

impl Chunk {
    /// Is a slot blocked at present?
    #[inline(always)]
    pub(super) fn is_blocked(&self, index: usize) -> bool {
        self.blocks().is_some_and(|blocks| blocks.holds(index))
    }

    /// Blocks the slot that `live` names once more, if it is connected still; whether it was.
    pub(crate) fn block(&'static self, live: Tag, place: &'static Location<'static>) -> bool {
        self.while_live(live, place, || {
            // Counted first: nobody who comes after us finds the gate open.
            self.blocks_or_new().change(live.index(), |count| count.checked_add(1));
            self.slot(live).gate(live)
        })
    }

    /// Takes one block back, if the connection has not ended.
    pub(crate) fn unblock(&'static self, live: Tag, place: &'static Location<'static>) {
        self.while_live(live, place, || {
            if let Some(blocks) = self.blocks() {
                blocks.change(live.index(), |count| count.checked_sub(1));
            }
            true
        });
    }

    /// Is the connection that `live` names there, and blocked?
    pub(crate) fn is_live_and_blocked(&self, live: Tag) -> bool {
        // In this order: if it was live after the look, it was its own count.
        let blocked = self.is_blocked(live.index());
        blocked && self.is_generation(live) && self.is_live(live)
    }

    /// Runs `f` while the slot that `live` names stays what it is, if it is connected still; whether it was.
    fn while_live(&'static self, live: Tag, place: &'static Location<'static>, f: impl FnOnce() -> bool) -> bool {
        // In this order, as in `emit_to`: if the tag still fits, this was the domain of its signal.
        let _pin = epoch::pin(&self.domain().epoch, place);
        self.is_live(live) && f()
    }
}

/// Of the whole signal.
impl Root {
    /// Is it blocked at present?
    pub(crate) fn is_blocked(&self) -> bool {
        // Relaxed: as the count of a slot.
        self.blocks.load(Ordering::Relaxed) > 0
    }

    /// Blocks it once more.
    pub(crate) fn block(&self, place: &'static Location<'static>) {
        self.make_elaborate(place);
        let _ = self.blocks.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| count.checked_add(1));
    }

    /// Takes one block back.
    pub(crate) fn unblock(&self) {
        let less = |count| if count == u32::MAX { None } else { Some(count - 1) };
        let _ = self.blocks.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}
