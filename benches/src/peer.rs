//! What a peer offers to be measured.

use std::iter;

use crate::event::Event;

/// Delivers an event to a number of callbacks.
///
/// The receiver is `&mut self` because some peers are for one thread only, or own the receiving
/// ends of their queues; a thread-safe peer is a cheap clone per thread (see [`Bus`]).
pub trait Emitter: Sized + 'static {
    /// The name in tables.
    const NAME: &'static str;

    /// Lists longer than this are not built: growing them one by one costs quadratic time.
    const LARGEST: usize = usize::MAX;

    /// A fresh bus with this many callbacks.
    fn with_slots(slots: usize) -> Self;

    /// Delivers one event to all callbacks, in the peer's fastest documented way.
    fn emit(&mut self, event: &Event);

    /// The same event several times in a row, as a server does in one heartbeat.
    #[inline(always)]
    fn emit_in_tick(&mut self, event: &Event, times: usize) {
        for _ in 0..times {
            self.emit(event);
        }
    }

    /// A slice of events.
    #[inline(always)]
    fn emit_batch(&mut self, events: &[Event]) {
        for event in events {
            self.emit(event);
        }
    }
}

/// An [`Emitter`] whose callbacks come and go.
///
/// One that is also `Clone + Send` is thread-safe: a clone is another handle to the same bus.
pub trait Bus: Emitter + Default {
    /// What connecting or disconnecting costs as the list grows.
    const CHANGE: Change;

    /// Whether an emission runs the callbacks itself, whichever handle it came through. A queue
    /// does not: the receivers belong to one handle.
    const CALLS_SLOTS: bool = true;

    /// What names a connected callback.
    type Connection;

    /// Adds the callback.
    fn connect(&mut self) -> Self::Connection;

    /// Removes it.
    fn disconnect(&mut self, connection: Self::Connection);

    /// What the peer does in a server's idle moments, if it knows such a thing.
    fn maintain(&mut self) {}
}

/// How the cost of a connect or a disconnect grows with the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Not at all.
    Constant,
    /// Linearly.
    Linear,
}

/// A bus with this many callbacks, connected one by one.
pub fn filled<B: Bus>(slots: usize) -> B {
    connected(slots).0
}

/// Likewise, with its connections.
pub fn connected<B: Bus>(slots: usize) -> (B, Vec<B::Connection>) {
    let mut bus = B::default();
    let connections = iter::repeat_with(|| bus.connect()).take(slots).collect();
    (bus, connections)
}
