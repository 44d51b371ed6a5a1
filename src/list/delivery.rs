//! What an emission brings to each slot: one event, or many; and whether it may be stopped.

use super::chunk::Chunk;
use super::slot::{Batch, Slot};
use super::stop::Stop;
use std::ptr;

/// What an emission brings to each slot.
pub(super) trait Delivery: Copy {
    /// # Safety
    /// The slot, one of `chunk`'s, was found live under a pin that is still held, and takes such events.
    unsafe fn give(self, chunk: &Chunk, slot: &Slot);

    /// After a panic: has the slot still something to get?
    fn is_under_way(self) -> bool;

    /// Is there nothing more to give? Never, unless it is [`Stoppable`], or asks for answers.
    #[inline(always)]
    fn is_stopped(self) -> bool {
        false
    }

    /// After a panic: was it not the slot's, but the one of whoever emits?
    fn has_panicked(self) -> bool {
        false
    }
}

#[derive(Clone, Copy)]
pub(super) struct One {
    pub(super) event: *const (),
}

impl Delivery for One {
    #[inline(always)]
    unsafe fn give(self, _: &Chunk, slot: &Slot) {
        // SAFETY: as demanded of the caller.
        unsafe { slot.call(self.event) };
    }

    fn is_under_way(self) -> bool {
        false
    }
}

#[derive(Clone, Copy)]
pub(super) struct Many<'a>(&'a Batch);

impl<'a> Many<'a> {
    pub(super) fn of(batch: &'a Batch) -> Self {
        Self(batch)
    }
}

impl Delivery for Many<'_> {
    #[inline(always)]
    unsafe fn give(self, chunk: &Chunk, slot: &Slot) {
        let batch = self.0;
        // The same slot again, after a panic, goes on with the next event.
        if !ptr::eq(batch.slot.replace(slot), slot) {
            batch.next.set(0);
            batch.chunk.set(chunk);
        }
        // SAFETY: as demanded of the caller; the functions are those of this very slot.
        unsafe { slot.call_batch(chunk.ops(index_in(chunk, slot)), batch) };
    }

    fn is_under_way(self) -> bool {
        self.0.next.get() < self.0.count
    }
}

/// What a slot may stop.
#[derive(Clone, Copy)]
pub(super) struct Stoppable<'a, D> {
    pub(super) what: D,
    pub(super) stop: &'a Stop,
}

impl<D: Delivery> Delivery for Stoppable<'_, D> {
    #[inline(always)]
    unsafe fn give(self, chunk: &Chunk, slot: &Slot) {
        // SAFETY: as demanded of the caller.
        unsafe { self.what.give(chunk, slot) };
    }

    fn is_under_way(self) -> bool {
        self.what.is_under_way()
    }

    #[inline(always)]
    fn is_stopped(self) -> bool {
        self.stop.is_requested() || self.what.is_stopped()
    }

    fn has_panicked(self) -> bool {
        self.what.has_panicked()
    }
}

/// The index of a slot, or of the end of the slots.
pub(super) fn index_in(chunk: &Chunk, slot: *const Slot) -> usize {
    (slot.addr() - chunk.slots().as_ptr().addr()) / size_of::<Slot>()
}
