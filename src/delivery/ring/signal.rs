//! A ring behind a signal: what is emitted is published.

use super::error::AfterError;
use super::figures::RingFigures;
use super::reader::RingReader;
use super::ring::Ring;
use super::shared::Shared;
use crate::connection::Connection;
use crate::delivery::origin::Origin;
use crate::delivery::{CapacityError, CloseReason, Wait};
use crate::signal::Signal;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The connection of a ring to its signal, for as long as somebody has a handle or a reader.
pub(super) struct Link(Origin);

impl Link {
    /// Why the ring's publisher has gone.
    pub(super) fn reason(&self) -> CloseReason {
        self.0.end().unwrap_or(CloseReason::Disconnected)
    }

    /// Has the signal been dropped? Then all that was emitted has been published, though the publisher may be waiting to be
    /// collected.
    pub(super) fn is_over(&self) -> bool {
        self.0.end() == Some(CloseReason::SignalDropped)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.0.connection().disconnect();
    }
}

/// A ring that a signal's events are published to; see [`Signal::ring`].
///
/// Cheap to clone. The connection ends when the last handle and the last reader have gone; the readers' stream ends when the
/// signal has been dropped.
pub struct SignalRing<E> {
    shared: Arc<Shared<E>>,
    wait: Wait,
    link: Arc<Link>,
}

impl<E: Clone + Send + Sync + 'static> Signal<E> {
    /// Connects a lossy [`Ring`] for so many events: each reader that subscribes to it gets a clone of each event, on its own
    /// thread, at its own pace. One clone per event and emission, whatever the number of readers.
    ///
    /// An emission never waits for a reader. A reader that does not keep up loses the oldest events, and is told how many. What
    /// an emission overwrites is dropped inside of it, as `E::clone` runs inside of it: of events that are expensive to clone or to
    /// drop, emit an `Arc`. A batch is published as a batch. If `E::clone` panics that is a panic of the slot, and the rest of the batch
    /// is not published.
    ///
    /// # What ends it
    /// - The last [`SignalRing`] and reader are dropped: the connection ends.
    /// - The signal is dropped: readers get what is left, then
    ///   [`Closed(SignalDropped)`](CloseReason::SignalDropped). A reader that sleeps looks for that 20 times a second.
    /// - The connection is [ended](SignalRing::connection) otherwise (by `disconnect_all`, say): readers find
    ///   [`Closed(Disconnected)`](CloseReason::Disconnected) when the slot is dropped, which is at the domain's next
    ///   [`collect`](crate::collect), or earlier.
    ///
    /// # Errors
    /// [`CapacityError`]; nothing is connected then.
    ///
    /// ```
    /// use pulsebus::{CloseReason, RecvError, Signal};
    ///
    /// let signal = Signal::<u32>::new();
    /// let ring = signal.ring(1024)?;
    /// let mut audit = ring.subscribe();
    /// let auditing = std::thread::spawn(move || {
    ///     let mut sum = 0;
    ///     loop {
    ///         match audit.recv() {
    ///             Ok(n) => sum += n,
    ///             Err(RecvError::Lagged(lost)) => eprintln!("too slow for {lost} events"),
    ///             Err(RecvError::Closed(reason)) => return (sum, reason),
    ///             Err(other) => panic!("{other}"),
    ///         }
    ///     }
    /// });
    /// signal.emit(&1);
    /// signal.emit_batch(&[2, 3]);
    /// drop(signal);
    /// assert_eq!(auditing.join().expect("it adds"), (6, CloseReason::SignalDropped));
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    #[track_caller]
    pub fn ring(&self, capacity: usize) -> Result<SignalRing<E>, CapacityError> {
        let ring = Ring::lossy(capacity)?;
        let shared = ring.shared().clone();
        let connection = self.connect_batch(move |events| ring.publish_batch(events));
        Ok(self.linked(shared, connection))
    }

    /// The same with a gated ring: no reader loses anything, because *an emission waits* for the slowest of them, as long as
    /// `patience` for each call of the slot. What finds no room by then is not published, to nobody, and counted
    /// ([`RingFigures::refused`]).
    ///
    /// While it waits, the emission's thread stands still, inside an emission: what was disconnected meanwhile is not reclaimed in
    /// the whole domain. And a reader that is read by the same thread, inside the emission, waits for itself. Ask for it
    /// where that is what you want: a step of a pipeline that has to hold up the one before it.
    ///
    /// # Errors
    /// [`CapacityError`]; nothing is connected then.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let signal = pulsebus::Signal::<u32>::new();
    /// let ring = signal.ring_gated(2, Duration::from_millis(1))?;
    /// let mut reader = ring.subscribe();
    /// signal.emit_batch(&[1, 2, 3]); // nobody reads meanwhile
    /// assert_eq!(reader.drain(10).collect::<Vec<_>>(), [1, 2]);
    /// assert_eq!(ring.figures().refused, 1);
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    #[track_caller]
    pub fn ring_gated(&self, capacity: usize, patience: Duration) -> Result<SignalRing<E>, CapacityError> {
        let ring = Ring::gated(capacity)?;
        let shared = ring.shared().clone();
        let connection = self.connect_batch(move |events| ring.publish_patiently(events, patience));
        Ok(self.linked(shared, connection))
    }

    fn linked(&self, shared: Arc<Shared<E>>, connection: Connection) -> SignalRing<E> {
        let link = Arc::new(Link(Origin::new(self, connection)));
        SignalRing { shared, wait: Wait::default(), link }
    }
}

impl<E> SignalRing<E> {
    /// How readers wait that subscribe through this handle from now on, unless [told otherwise](RingReader::set_wait).
    #[must_use]
    pub fn with_wait(mut self, wait: Wait) -> Self {
        self.wait = wait;
        self
    }

    /// A reader of what is emitted from now on.
    ///
    /// # Panics
    /// As [`Ring::subscribe`].
    pub fn subscribe(&self) -> RingReader<E> {
        RingReader::new(self.shared.clone(), self.shared.join(), self.wait, Some(self.link.clone()))
    }

    /// A reader that begins with the oldest event there is. See [`Ring::subscribe_oldest`].
    ///
    /// # Panics
    /// As [`Ring::subscribe`].
    pub fn subscribe_oldest(&self) -> RingReader<E> {
        RingReader::new(self.shared.clone(), self.shared.join_oldest(), self.wait, Some(self.link.clone()))
    }

    /// A reader that goes after those. See [`Ring::subscribe_after`].
    ///
    /// # Errors
    /// As there.
    pub fn subscribe_after(&self, readers: &[&RingReader<E>]) -> Result<RingReader<E>, AfterError> {
        RingReader::after(&self.shared, readers, self.wait, Some(self.link.clone()))
    }

    /// The connection to the signal, as of any other slot.
    pub fn connection(&self) -> Connection {
        self.link.0.connection()
    }

    /// What is known of the ring.
    pub fn figures(&self) -> RingFigures {
        self.shared.figures()
    }
}

impl<E> Clone for SignalRing<E> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), wait: self.wait, link: self.link.clone() }
    }
}

impl<E> fmt::Debug for SignalRing<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalRing")
            .field("connection", &self.connection())
            .field("figures", &self.figures())
            .finish_non_exhaustive()
    }
}
