//! Blocking: a pause of one slot, counted.
//!
//! A slot that is blocked for the first time becomes gated, for good: to an emission it looks dead at first, and then it looks
//! at the count. So slots that never are cost no look. That the way back is missing is what keeps a disconnection
//! wait-free: it meets a live slot, or a gated one, and no third thing.

use super::Root;
use super::chunk::{CHUNK_SLOTS, Chunk};
use super::tag::Tag;
use crate::sync::{AtomicU64, Ordering};
use std::array;
use std::panic::Location;

/// How often each slot of a chunk is blocked at present, and in which generation: the count in the lower half of the word, the
/// lower half of the generation in the upper one. The end of a signal waits for no pin, so a handle may be at it while the chunk
/// changes hands: the word itself tells whose it is.
pub(super) struct Blocks([AtomicU64; CHUNK_SLOTS]);

const fn word(live: Tag, count: u32) -> u64 {
    (live.generation() << u32::BITS) | count as u64
}

impl Blocks {
    /// For slots of the generation of `live`, or any later one.
    pub(super) fn new(live: Tag) -> Self {
        Self(array::from_fn(|_| AtomicU64::new(word(live, 0))))
    }

    #[inline]
    fn holds(&self, tag: Tag) -> bool {
        // Relaxed: a block stands for itself. An emission that comes after it reads the count that it left, or a later one.
        let found = self.0[tag.index()].load(Ordering::Relaxed);
        found > word(tag, 0) && found <= word(tag, u32::MAX)
    }

    /// Changes the count of the slot that `live` names, unless the word is a later one's by now. So many that they can't be
    /// counted stay for ever.
    fn change(&self, live: Tag, change: impl Fn(u32) -> Option<u32>) {
        let changed = |found: u64| {
            // What an earlier one has left, or whoever made the counters, counts for nothing.
            let age = (word(live, 0) >> u32::BITS) as u32;
            let ahead = age.wrapping_sub((found >> u32::BITS) as u32) as i32;
            let count = match ahead {
                0 => found as u32,
                1.. => 0,
                _ => return None,
            };
            if count == u32::MAX { None } else { change(count).map(|count| word(live, count)) }
        };
        // Relaxed: as in `holds`.
        let _ = self.0[live.index()].fetch_update(Ordering::Relaxed, Ordering::Relaxed, changed);
    }

    /// As at first, for a slot of a chunk that is nobody's, in its next generation.
    pub(super) fn reset(&self, next: Tag) {
        // Relaxed: the pool's Release passes it on; a stale handle that comes after it finds a later generation. (An exchange, for
        // loom, which does not keep a store from coming between what another thread's exchange reads and writes.)
        self.0[next.index()].swap(word(next, 0), Ordering::Relaxed);
    }
}

impl Chunk {
    /// Is the slot that a tag names, of whatever phase, blocked at present?
    #[inline(always)]
    pub(super) fn is_blocked(&self, tag: Tag) -> bool {
        self.blocks().is_some_and(|blocks| blocks.holds(tag))
    }

    /// Blocks the slot that `live` names once more, if it is connected still; whether it was.
    pub(crate) fn block(&self, live: Tag) -> bool {
        // Lest a stale handle makes counters.
        self.is_live(live) && {
            // Counted first: nobody who comes after us finds the gate open.
            self.blocks_or_new(live).change(live, |count| count.checked_add(1));
            self.slot(live).gate(live)
        }
    }

    /// Takes one block back, if the connection's memory does not serve another one.
    pub(crate) fn unblock(&self, live: Tag) {
        if let Some(blocks) = self.blocks() {
            blocks.change(live, |count| count.checked_sub(1));
        }
    }

    /// Is the connection that `live` names there, and blocked?
    pub(crate) fn is_live_and_blocked(&self, live: Tag) -> bool {
        self.is_blocked(live) && self.is_live(live)
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
