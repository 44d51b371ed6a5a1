//! Asking: an emission that takes an answer from each slot, and stops when it has enough.

use super::chunk::Chunk;
use super::delivery::Delivery;
use super::emission::{Span, WORTH_SWEEPING, run_through, sweep_in_passing};
use super::slot::Slot;
use super::{List, Root, Slots, elaborate};
use crate::epoch;
use crate::panics::Propagation;
use std::cell::{Cell, UnsafeCell};
use std::ops::ControlFlow;
use std::panic::Location;
use std::ptr;

/// What the slots of a query get: the arguments, and a place for the answer.
pub(crate) struct Question<A, R> {
    arguments: *const A,
    answer: Cell<Option<R>>,
}

impl<A, R> Question<A, R> {
    /// Has a slot's closure answer.
    #[inline(always)]
    pub(crate) fn put(&self, answer: impl FnOnce(&A) -> R) {
        // SAFETY: made of a reference in `ask`, which outlives the emission.
        self.answer.set(Some(answer(unsafe { &*self.arguments })));
    }
}

/// Calls each slot in turn, and `take` with each answer, until that breaks. Whether it did.
///
/// # Panics
/// With what `take` panics; and under [`PanicPolicy::Propagate`](crate::PanicPolicy::Propagate) with the first panic of a slot.
///
/// # Safety
/// The slots at `root` take `Question<A, R>`.
#[inline]
pub(crate) unsafe fn ask<A, R>(
    root: &Root,
    arguments: &A,
    take: impl FnMut(R) -> ControlFlow<()>,
    place: &'static Location<'static>,
) -> bool {
    let asking = Asking {
        question: Question { arguments, answer: Cell::new(None) },
        take: UnsafeCell::new(take),
        is_over: Cell::new(false),
    };
    // SAFETY: as demanded of the caller.
    unsafe {
        match root.slots() {
            Slots::None => {}
            Slots::Plain(list) => match epoch::pin_outermost(&list.domain().epoch, place) {
                Some(pin) => ask_under(pin, root, list, &asking),
                None => ask_under(epoch::pin(&list.domain().epoch, place), root, list, &asking),
            },
            Slots::Elaborate => _ = elaborate::deliver(root, &asking, place),
        }
    }
    asking.is_over.get()
}

/// # Safety
/// `pin` pins the list's domain, and as for [`ask`].
#[inline(always)]
unsafe fn ask_under<D: Delivery, P>(pin: P, root: &Root, list: &'static List, asking: D) {
    let mut propagation = Propagation::default();
    // SAFETY: pinned, and as demanded of the caller.
    let dead = unsafe { run_through(root, asking, Span::of(list), &mut propagation) };
    drop(pin);
    if dead >= WORTH_SWEEPING {
        sweep_in_passing(root);
    }
    propagation.resume();
}

/// A question under way.
struct Asking<A, R, F> {
    question: Question<A, R>,
    take: UnsafeCell<F>,
    /// There is enough; or `take` is running, which is enough if it panics.
    is_over: Cell<bool>,
}

impl<A, R, F: FnMut(R) -> ControlFlow<()>> Delivery for &Asking<A, R, F> {
    #[inline(always)]
    unsafe fn give(self, _: &Chunk, slot: &Slot) {
        // SAFETY: as demanded of the caller.
        unsafe { slot.call(ptr::from_ref(&self.question).cast()) };
        if let Some(answer) = self.question.answer.take() {
            self.is_over.set(true);
            // SAFETY: nobody else comes to `take`: this question is asked here only, and it can't get at itself.
            let flow = unsafe { (*self.take.get())(answer) };
            self.is_over.set(flow.is_break());
        }
    }

    fn is_under_way(self) -> bool {
        false
    }

    #[inline(always)]
    fn is_stopped(self) -> bool {
        self.is_over.get()
    }

    fn has_panicked(self) -> bool {
        self.is_over.get()
    }
}
