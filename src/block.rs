//! Blocking: a pause of a connection, or of a whole signal, for as long as a guard lives.

use crate::connection::Connection;
use crate::signal::Signal;
use std::fmt;
use std::panic::Location;

/// Blocks a connection for as long as it lives; from [`Connection::block`].
///
/// Forgotten (`mem::forget`), it blocks for ever; the connection can be ended all the same.
#[must_use = "the slot is called again as soon as this is dropped"]
pub struct ConnectionBlock {
    connection: Connection,
    /// Was there anything to block?
    counts: bool,
}

impl Connection {
    /// Blocks the slot: emissions pass it by for as long as the guard lives, or any other one of this connection. What is
    /// emitted meanwhile is not kept for it. It is a pause, no end: the connection stays, in its place.
    ///
    /// Once it has returned, no emission that starts after it calls the slot, and an emission under way on this thread passes
    /// it by, in mid-batch too. Another thread may be inside the slot. Blocks add up, also those that were made through copies of this
    /// handle: the slot runs again when the last guard has gone. If the connection has ended, nothing happens.
    ///
    /// Lock-free; two atomic exchanges, and a heap call for the first block ever in a chunk of 32 slots. A slot
    /// that was blocked once costs each later visit of an emission a few instructions more, and its
    /// [`disconnect`](Self::disconnect) a second atomic exchange.
    ///
    /// ```
    /// let signal = pulsebus::Signal::<u32>::new();
    /// let connection = signal.connect(|n| assert_eq!(*n, 2));
    /// {
    ///     let _quiet = connection.block();
    ///     signal.emit(&1);
    /// }
    /// signal.emit(&2);
    /// ```
    pub fn block(&self) -> ConnectionBlock {
        let (chunk, tag) = self.slot();
        ConnectionBlock { connection: *self, counts: chunk.block(tag) }
    }

    /// Is it connected, and blocked at present?
    pub fn is_blocked(&self) -> bool {
        let (chunk, tag) = self.slot();
        chunk.is_live_and_blocked(tag)
    }
}

impl ConnectionBlock {
    /// The connection that it blocks.
    pub fn connection(&self) -> Connection {
        self.connection
    }
}

impl Drop for ConnectionBlock {
    fn drop(&mut self) {
        if self.counts {
            let (chunk, tag) = self.connection.slot();
            chunk.unblock(tag);
        }
    }
}

impl fmt::Debug for ConnectionBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConnectionBlock").field(&self.connection).finish()
    }
}

/// Blocks a signal for as long as it lives; from [`Signal::block`].
#[must_use = "the signal is emitted again as soon as this is dropped"]
pub struct SignalBlock<'a, E> {
    signal: &'a Signal<E>,
}

impl<E> Signal<E> {
    /// Blocks the whole signal: emissions that start while the guard lives, or any other one, run no slot, and say so
    /// ([`Emitted::Blocked`](crate::Emitted::Blocked)). Emissions under way go on.
    ///
    /// From the first block on, each emission of this signal costs some hundred instructions more, as with a
    /// [priority](crate::SlotBuilder).
    ///
    /// ```
    /// let signal = pulsebus::Signal::<u32>::new();
    /// signal.connect(|n| assert_eq!(*n, 2));
    /// let quiet = signal.block();
    /// assert!(signal.emit(&1).is_blocked());
    /// drop(quiet);
    /// assert!(signal.emit(&2).is_completed());
    /// ```
    #[track_caller]
    pub fn block(&self) -> SignalBlock<'_, E> {
        self.root().block(Location::caller());
        SignalBlock { signal: self }
    }

    /// Is the whole signal blocked at present?
    pub fn is_blocked(&self) -> bool {
        self.root().is_blocked()
    }
}

impl<E> Drop for SignalBlock<'_, E> {
    fn drop(&mut self) {
        self.signal.root().unblock();
    }
}

impl<E> fmt::Debug for SignalBlock<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SignalBlock").field(self.signal).finish()
    }
}
