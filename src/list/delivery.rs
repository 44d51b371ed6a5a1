//! What an emission brings to each slot: one event, or many; and whether it goes on.

use super::chunk::Chunk;
use super::slot::{Batch, Slot};
use super::stop::Stop;
use std::ops::ControlFlow;
use std::ptr;

/// What an emission brings to each slot.
///
/// A visit has two halves: what the slot does, whose panics are the slot's, and what the emission makes of it. What it has
/// made so far is passed along by value, so that it can stay in registers; of most emissions it is nothing.
pub(super) trait Delivery: Copy {
    /// What a slot returns.
    type Answer;

    /// What has been made of the answers so far.
    type State;

    /// # Safety
    /// The slot, one of `chunk`'s, was found live under a pin that is still held, and takes such events.
    unsafe fn give(self, chunk: &Chunk, slot: &Slot) -> Self::Answer;

    /// `Break` ends the emission; what never says so costs no look.
    fn take(self, state: Self::State, answer: Self::Answer) -> ControlFlow<Self::State, Self::State>;

    /// After a panic: has the slot still something to get?
    fn is_under_way(self) -> bool;

    /// After a panic: was it that of `take`?
    fn has_panicked(self) -> bool {
        false
    }
}

#[derive(Clone, Copy)]
pub(super) struct One {
    pub(super) event: *const (),
}

impl Delivery for One {
    type Answer = ();
    type State = ();

    #[inline(always)]
    unsafe fn give(self, _: &Chunk, slot: &Slot) {
        // SAFETY: as demanded of the caller.
        unsafe { slot.call(self.event) };
    }

    #[inline(always)]
    fn take(self, (): (), (): ()) -> ControlFlow<()> {
        ControlFlow::Continue(())
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
    type Answer = ();
    type State = ();

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

    #[inline(always)]
    fn take(self, (): (), (): ()) -> ControlFlow<()> {
        ControlFlow::Continue(())
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
    type Answer = D::Answer;
    type State = D::State;

    #[inline(always)]
    unsafe fn give(self, chunk: &Chunk, slot: &Slot) -> D::Answer {
        // SAFETY: as demanded of the caller.
        unsafe { self.what.give(chunk, slot) }
    }

    #[inline(always)]
    fn take(self, state: D::State, answer: D::Answer) -> ControlFlow<D::State, D::State> {
        match self.what.take(state, answer) {
            ControlFlow::Continue(state) if self.stop.is_requested() => ControlFlow::Break(state),
            flow => flow,
        }
    }

    fn is_under_way(self) -> bool {
        self.what.is_under_way()
    }

    fn has_panicked(self) -> bool {
        self.what.has_panicked()
    }
}

/// The index of a slot, or of the end of the slots.
pub(super) fn index_in(chunk: &Chunk, slot: *const Slot) -> usize {
    (slot.addr() - chunk.slots().as_ptr().addr()) / size_of::<Slot>()
}
