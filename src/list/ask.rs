//! Asking: an emission that takes an answer from each slot, and stops when it has enough.

use super::chunk::Chunk;
use super::delivery::Delivery;
use super::emission::{Span, run_through, sweep_in_passing};
use super::slot::Slot;
use super::{List, Root, Slots, elaborate};
use crate::emitted::Emitted;
use crate::epoch;
use crate::panics::Propagation;
use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::panic::Location;
use std::ptr;

/// Calls each slot in turn, and folds the answers until `fold` breaks.
///
/// # Panics
/// With what `fold` panics; and under [`PanicPolicy::Propagate`](crate::PanicPolicy::Propagate) with the first panic of a slot.
///
/// # Safety
/// The slots at `root` are made by [`Closure::answer`](super::Closure::answer), for an `A` and an `R`.
#[inline]
pub(crate) unsafe fn ask<A, R, S>(
    root: &Root,
    arguments: &A,
    start: S,
    fold: impl FnMut(S, R) -> ControlFlow<S, S>,
    place: &'static Location<'static>,
) -> ControlFlow<S, S> {
    let asking = Asking {
        arguments,
        fold: UnsafeCell::new(fold),
        has_panicked: Cell::new(false),
        types: PhantomData::<fn(R) -> S>,
    };
    // SAFETY: as demanded of the caller.
    unsafe {
        match root.slots() {
            Slots::None => ControlFlow::Continue(start),
            Slots::Plain(list) => match epoch::pin_outermost(&list.domain().epoch, place) {
                Some(pin) => ask_under(pin, root, list, start, &asking),
                None => ask_under(epoch::pin(&list.domain().epoch, place), root, list, start, &asking),
            },
            Slots::Elaborate => match elaborate::deliver(root, &asking, start, place) {
                (Emitted::Stopped, state) => ControlFlow::Break(state),
                (_, state) => ControlFlow::Continue(state),
            },
        }
    }
}

/// # Safety
/// `pin` pins the list's domain, and as for [`ask`].
#[inline(always)]
unsafe fn ask_under<D: Delivery, P>(
    pin: P,
    root: &Root,
    list: &'static List,
    start: D::State,
    asking: D,
) -> ControlFlow<D::State, D::State> {
    let mut propagation = Propagation::default();
    // SAFETY: pinned, and as demanded of the caller.
    let ran = unsafe { run_through(root, asking, start, Span::of(list), &mut propagation) };
    drop(pin);
    if ran.is_worth_sweeping() {
        sweep_in_passing(root);
    }
    propagation.resume();
    ran.flow()
}

/// A question under way.
struct Asking<'a, A, R, S, F> {
    arguments: &'a A,
    fold: UnsafeCell<F>,
    /// Has `fold` panicked?
    has_panicked: Cell<bool>,
    types: PhantomData<fn(R) -> S>,
}

impl<A, R, S, F: FnMut(S, R) -> ControlFlow<S, S>> Delivery for &Asking<'_, A, R, S, F> {
    type Answer = R;
    type State = S;

    #[inline(always)]
    unsafe fn give(self, _: &Chunk, slot: &Slot) -> R {
        // SAFETY: as demanded of the caller, whose slots answer with an `R`.
        unsafe { slot.call_for::<R>(ptr::from_ref(self.arguments).cast()) }
    }

    #[inline(always)]
    fn take(self, state: S, answer: R) -> ControlFlow<S, S> {
        let panicked = Panicked(&self.has_panicked);
        // SAFETY: nobody else comes to `fold`: this question is asked here only, and it can't get at itself.
        let flow = unsafe { (*self.fold.get())(state, answer) };
        std::mem::forget(panicked);
        flow
    }

    fn is_under_way(self) -> bool {
        false
    }

    fn has_panicked(self) -> bool {
        self.has_panicked.get()
    }
}

/// Notes that it was dropped, by a panic.
struct Panicked<'a>(&'a Cell<bool>);

impl Drop for Panicked<'_> {
    fn drop(&mut self) {
        self.0.set(true);
    }
}
