//! Passing events on: mapped, to a slot or to another signal.

use super::{SlotBuilder, When};
use crate::connection::Connection;
use crate::signal::Signal;
use std::cell::Cell;
use std::fmt;
use std::ops::ControlFlow;
use std::panic::Location;
use std::sync::{Arc, Weak};

/// So many signals may forward to each other in a row.
///
/// Signals that forward in a circle would never come to an end: the slot that would forward once more panics instead, with
/// a message that says so, under the panic policy that it has. So do all that try after it, until the first one of the row
/// has returned.
pub const FORWARD_LIMIT: u32 = 64;

impl<E> Signal<E> {
    /// Emits on another signal what a function makes of each event. As
    /// [`slot().forward(target, map)`](SlotBuilder::forward).
    ///
    /// ```
    /// use pulsebus::Signal;
    /// use std::sync::Arc;
    ///
    /// let (hit, scored) = (Signal::<(u32, u32)>::new(), Arc::new(Signal::<u32>::new()));
    /// hit.forward(&scored, |(_, amount)| *amount);
    /// scored.connect(|amount| assert_eq!(*amount, 10));
    /// hit.emit(&(7, 10));
    /// ```
    #[track_caller]
    pub fn forward<U, T, M>(&self, target: T, map: M) -> Connection
    where
        T: ForwardTarget<U>,
        M: Fn(&E) -> U + Send + Sync + 'static,
    {
        self.slot().forward(target, map)
    }
}

impl<'a, E, W: When<E>> SlotBuilder<'a, E, W> {
    /// Emits on another signal what a function makes of each event that passes the filters; of a batch, one by one. The other
    /// signal is kept alive during the call only: when it has gone, the connection ends, at the next event. If a call holds the
    /// last reference, the signal is dropped inside the emission, by the slot.
    ///
    /// The slots of the other signal run inside the call, on this thread. What stops its emission does not stop this one.
    ///
    /// # Panics
    /// The slot, not this method: if more than [`FORWARD_LIMIT`] signals forward in a row.
    #[track_caller]
    pub fn forward<U, T, M>(self, target: T, map: M) -> Connection
    where
        T: ForwardTarget<U>,
        M: Fn(&E) -> U + Send + Sync + 'static,
    {
        let reach = target.reach();
        self.attach(Location::caller(), move |event, own| {
            pass_on(&reach, own, || map(event));
            ControlFlow::Continue(())
        })
    }
}

/// What can be forwarded to: `&'static Signal<U>`, and `&Arc<Signal<U>>`, which is held weakly. Not for others to implement.
pub trait ForwardTarget<U>: sealed::Sealed {
    #[doc(hidden)]
    type Reach: Reach<U>;

    #[doc(hidden)]
    fn reach(self) -> Self::Reach;
}

/// A signal that may have gone.
#[doc(hidden)]
pub trait Reach<U>: Send + Sync + 'static {
    /// Emits; whether the signal was still there.
    fn emit(&self, event: impl FnOnce() -> U) -> bool;
}

mod sealed {
    pub trait Sealed {}
}

impl<U> sealed::Sealed for &'static Signal<U> {}
impl<U> sealed::Sealed for &Arc<Signal<U>> {}

impl<U: 'static> ForwardTarget<U> for &'static Signal<U> {
    type Reach = Self;

    fn reach(self) -> Self {
        self
    }
}

impl<U: 'static> Reach<U> for &'static Signal<U> {
    fn emit(&self, event: impl FnOnce() -> U) -> bool {
        Signal::emit(self, &event());
        true
    }
}

impl<U: 'static> ForwardTarget<U> for &Arc<Signal<U>> {
    type Reach = Weak<Signal<U>>;

    fn reach(self) -> Self::Reach {
        Arc::downgrade(self)
    }
}

impl<U: 'static> Reach<U> for Weak<Signal<U>> {
    fn emit(&self, event: impl FnOnce() -> U) -> bool {
        let signal = self.upgrade();
        if let Some(signal) = &signal {
            signal.emit(&event());
        }
        signal.is_some()
    }
}

thread_local! {
    static ROW: Row = const { Row { depth: Cell::new(0), is_refused: Cell::new(false) } };
}

/// The row of forwards that this thread is inside.
struct Row {
    depth: Cell<u32>,
    /// Was it too long once? Then it is a circle, which may branch: nothing goes on before it has come back.
    is_refused: Cell<bool>,
}

/// One more in the row.
struct Step;

impl Step {
    fn take() -> Self {
        let is_refused = ROW.with(|row| {
            row.depth.set(row.depth.get() + 1);
            row.is_refused.set(row.is_refused.get() || row.depth.get() > FORWARD_LIMIT);
            row.is_refused.get()
        });
        let step = Self;
        assert!(
            !is_refused,
            "more than {FORWARD_LIMIT} signals forward to each other in a row, in a circle perhaps: break it, with a filter or by disconnecting"
        );
        step
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        ROW.with(|row| {
            row.depth.set(row.depth.get() - 1);
            row.is_refused.set(row.is_refused.get() && row.depth.get() > 0);
        });
    }
}

fn pass_on<U>(reach: &impl Reach<U>, own: Connection, event: impl FnOnce() -> U) {
    let _step = Step::take();
    if !reach.emit(event) {
        own.disconnect();
    }
}

/// A slot for what a function makes of the events; from [`SlotBuilder::map`].
#[must_use = "nothing is connected before `.connect(..)`"]
pub struct MappedSlot<'a, E, W, M> {
    builder: SlotBuilder<'a, E, W>,
    map: M,
}

impl<'a, E, W, M> MappedSlot<'a, E, W, M> {
    pub(super) fn new(builder: SlotBuilder<'a, E, W>, map: M) -> Self {
        Self { builder, map }
    }
}

impl<E, W: When<E>, M> MappedSlot<'_, E, W, M> {
    /// Connects the slot; see [`SlotBuilder::connect`].
    #[track_caller]
    pub fn connect<U, F>(self, slot: F) -> Connection
    where
        M: Fn(&E) -> U + Send + Sync + 'static,
        F: Fn(&U) + Send + Sync + 'static,
    {
        let Self { builder, map } = self;
        builder.connect(move |event| slot(&map(event)))
    }

    /// Connects a slot that may stop the emission; see [`SlotBuilder::connect_flow`].
    #[track_caller]
    pub fn connect_flow<U, F>(self, slot: F) -> Connection
    where
        M: Fn(&E) -> U + Send + Sync + 'static,
        F: Fn(&U) -> ControlFlow<()> + Send + Sync + 'static,
    {
        let Self { builder, map } = self;
        builder.connect_flow(move |event| slot(&map(event)))
    }

    /// Emits on another signal; see [`SlotBuilder::forward`].
    #[track_caller]
    pub fn forward<U, T>(self, target: T) -> Connection
    where
        M: Fn(&E) -> U + Send + Sync + 'static,
        T: ForwardTarget<U>,
    {
        let Self { builder, map } = self;
        builder.forward(target, map)
    }
}

impl<E, W, M> fmt::Debug for MappedSlot<'_, E, W, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MappedSlot").field(&self.builder).finish()
    }
}
