//! The mailbox: a queue per subscriber, filled by emissions and emptied by one receiver.

use super::bell::Ticket;
use super::channel::{Instead, Outlet, channel};
use super::error::{CapacityError, CloseReason, RecvError, RecvTimeoutError, TryRecvError};
use super::figures::MailboxFigures;
use super::origin::Origin;
#[cfg(feature = "async")]
use super::origin::Vigil;
use super::overflow::Overflow;
use super::wait::Wait;
use crate::connection::Connection;
use crate::signal::Signal;
use crate::sync::{Ordering, fence};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

impl<E> Signal<E> {
    /// Connects a mailbox: each event that is emitted from now on is cloned into a queue, from which the [`Receiver`] takes it, on whatever
    /// thread.
    ///
    /// The emission runs no slot of the receiver's, waits for nobody (but under [`Overflow::Block`]), and makes no heap call but those of
    /// `E`'s own `Clone`. Room for `capacity` events is allocated here, and given back when the receiver has been dropped and its slot
    /// [collected](crate::collect). Room for the next power of two is, to be exact; for 16 events at the least where old events make
    /// room. To share what is expensive to clone, see [`Shared`](crate::Shared).
    ///
    /// Events are received in the order in which they were queued: those of one emitting thread in their order; of two threads that emit
    /// at the same time, either may come first.
    ///
    /// # Errors
    /// [`CapacityError`]: for no event, or for more than there is memory for. Nothing is connected then.
    ///
    /// ```
    /// use pulsebus::{Overflow, Signal};
    ///
    /// let chat = Signal::<String>::new();
    /// let mut inbox = chat.mailbox(100, Overflow::DropOldest)?;
    /// let reader = std::thread::spawn(move || {
    ///     // Ends when the signal is dropped.
    ///     inbox.iter().flatten().count()
    /// });
    /// chat.emit(&"hello".to_string());
    /// chat.emit(&"world".to_string());
    /// drop(chat);
    /// assert_eq!(reader.join().unwrap(), 2);
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    #[track_caller]
    pub fn mailbox(&self, capacity: usize, overflow: Overflow) -> Result<Receiver<E>, CapacityError>
    where
        E: Clone + Send + 'static,
    {
        let (inlet, outlet) = channel(capacity, overflow)?;
        let own = Arc::new(OnceLock::<Connection>::new());
        let found = own.clone();
        let connection = self.connect_batch(move |events| {
            if !inlet.send(events) {
                // Partner: the fence below. If the connection is not known yet, since somebody emits while we connect, it is
                // found below that the mailbox has overflowed.
                fence(Ordering::SeqCst);
                found.get().map(Connection::disconnect);
            }
        });
        // Nobody else sets it.
        let _ = own.set(connection);
        // Partner: the fence above. Of two fences one is first: if it is the slot's, we see the overflow that it has noted before;
        // if it is this one, the slot finds the connection.
        fence(Ordering::SeqCst);
        let receiver = Receiver::new(outlet, Origin::new(self, connection));
        if receiver.outlet.is_overflowed() {
            connection.disconnect();
        }
        Ok(receiver)
    }
}

/// Receives the events of a [mailbox](Signal::mailbox). One thread at a time: receiving takes `&mut self`.
///
/// # The end
/// Dropping the receiver ends the connection, and drops what is queued, here. If the connection is ended in another way, or the signal is
/// dropped, what was queued before can still be received; then it is [`Closed`](TryRecvError::Closed), for good.
///
/// Ending a connection is wait-free and wakes nobody. So a thread that sleeps looks for the end 20 times a second; a task learns of it when
/// the slot is [collected](crate::collect). By the end of the signal, and by [`disconnect_all`](Signal::disconnect_all), tasks are woken.
///
/// # What is not promised
/// An emission that is under way on another thread when the connection ends may still put its event in, or not.
#[must_use = "the mailbox is disconnected as soon as this is dropped"]
pub struct Receiver<E> {
    outlet: Outlet<E>,
    /// The mailbox's own, and before it that of the hub whose events it gets, if it is one's.
    origins: Origins,
    wait: Wait,
    /// Where a task waits.
    ticket: Ticket,
    #[cfg(feature = "async")]
    vigils: [Vigil; 2],
}

type Origins = (Option<Origin>, Origin);

impl<E> Receiver<E> {
    fn new(outlet: Outlet<E>, origin: Origin) -> Self {
        Self {
            outlet,
            origins: (None, origin),
            wait: Wait::default(),
            ticket: Ticket::default(),
            #[cfg(feature = "async")]
            vigils: Default::default(),
        }
    }

    /// It gets its events from somewhere else, through its own signal; and ends with that.
    pub(super) fn behind(mut self, origin: Origin) -> Self {
        self.origins.0 = Some(origin);
        self
    }

    /// The next event, if there is one. Does not wait.
    ///
    /// # Errors
    /// - [`TryRecvError::Lagged`]: events were lost at this place. Said once; the next call goes on behind them.
    /// - [`TryRecvError::Empty`]: there is none at present.
    /// - [`TryRecvError::Closed`]: there never will be.
    ///
    /// ```
    /// use pulsebus::{CloseReason, Overflow, Signal, TryRecvError};
    ///
    /// let signal = Signal::<u32>::new();
    /// let mut receiver = signal.mailbox(2, Overflow::DropOldest)?;
    /// signal.emit_batch(&[1, 2, 3]);
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(1)));
    /// assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(2), Ok(3)));
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// drop(signal);
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed(CloseReason::SignalDropped)));
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    #[inline]
    pub fn try_recv(&mut self) -> Result<E, TryRecvError> {
        let origins = &self.origins;
        self.outlet.try_recv(|| end(origins), TryRecvError::from)
    }

    /// Is there an event, which is there until it is taken? `wanted` is how many the caller is about to ask for.
    pub(super) fn ready(&mut self, wanted: usize) -> Result<(), TryRecvError> {
        let origins = &self.origins;
        self.outlet.ready(wanted, || end(origins)).map_err(TryRecvError::from)
    }

    /// Waits for the next event, for as long as it takes; how: see [`wait_strategy`](Self::wait_strategy).
    ///
    /// Not inside a slot or a tick of the emitting thread: it would wait for itself.
    ///
    /// # Errors
    /// - [`RecvError::Lagged`]: events were lost at this place. Said once; the next call goes on behind them.
    /// - [`RecvError::Closed`]: there will be none.
    ///
    /// ```
    /// use pulsebus::{Overflow, Signal};
    ///
    /// let signal = Signal::<u32>::new();
    /// let mut receiver = signal.mailbox(8, Overflow::DropNewest)?;
    /// let reader = std::thread::spawn(move || receiver.recv());
    /// signal.emit(&7);
    /// assert_eq!(reader.join().unwrap(), Ok(7));
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    pub fn recv(&mut self) -> Result<E, RecvError> {
        let origins = &self.origins;
        let told = |instead| match instead {
            Instead::Lagged(count) => RecvError::Lagged(count),
            Instead::Closed(reason) => RecvError::Closed(reason),
            Instead::Empty => unreachable!("it has waited for as long as it takes"),
        };
        self.outlet.recv(self.wait, None, || end(origins), told)
    }

    /// Waits for the next event, for so long at the most.
    ///
    /// # Errors
    /// As [`recv`](Self::recv), and [`RecvTimeoutError::Timeout`].
    ///
    /// ```
    /// use pulsebus::{Overflow, RecvTimeoutError, Signal};
    /// use std::time::Duration;
    ///
    /// let signal = Signal::<u32>::new();
    /// let mut receiver = signal.mailbox(8, Overflow::DropNewest)?;
    /// assert_eq!(receiver.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<E, RecvTimeoutError> {
        // Too far away to be named means: no deadline.
        let Some(deadline) = Instant::now().checked_add(timeout) else {
            return self.recv().map_err(RecvTimeoutError::from);
        };
        let origins = &self.origins;
        let told = |instead| match instead {
            Instead::Lagged(count) => RecvTimeoutError::Lagged(count),
            Instead::Closed(reason) => RecvTimeoutError::Closed(reason),
            Instead::Empty => RecvTimeoutError::Timeout,
        };
        self.outlet.recv(self.wait, Some(deadline), || end(origins), told)
    }

    /// How many events are waiting, those included that are just being put in. At most the [capacity](Self::capacity); where old
    /// events make room, some more if a [`drain`](Self::drain) was not taken to its end.
    pub fn len(&self) -> usize {
        self.outlet.len()
    }

    /// Is no event waiting?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many events can wait.
    pub fn capacity(&self) -> usize {
        self.outlet.capacity()
    }

    /// What has become of the events so far.
    ///
    /// ```
    /// use pulsebus::{Overflow, Signal};
    ///
    /// let signal = Signal::<u32>::new();
    /// let receiver = signal.mailbox(2, Overflow::DropNewest)?;
    /// signal.emit_batch(&[1, 2, 3, 4, 5]);
    /// let figures = receiver.figures();
    /// assert_eq!((figures.sent, figures.queued, figures.dropped_newest), (5, 2, 3));
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    pub fn figures(&self) -> MailboxFigures {
        let (sent, received, lost) = self.outlet.counts();
        let mut figures = MailboxFigures { sent, received, queued: self.len(), ..MailboxFigures::default() };
        *match self.outlet.overflow() {
            Overflow::Block(_) => &mut figures.timed_out,
            Overflow::DropOldest => &mut figures.dropped_oldest,
            Overflow::DropNewest => &mut figures.dropped_newest,
            Overflow::KeepLatest => &mut figures.replaced,
            Overflow::Disconnect => &mut figures.overflowed,
        } = lost;
        figures
    }

    /// The connection of the mailbox's slot, as a weak handle. To end it from here, rather drop the receiver.
    pub fn connection(&self) -> Connection {
        self.origins.1.connection()
    }

    /// Sets how [`recv`](Self::recv) and the like wait; [`Wait::Park`] at first.
    pub fn wait_strategy(&mut self, wait: Wait) {
        self.wait = wait;
    }

    /// Has the task woken when something comes, and by the end of the signal.
    #[cfg(feature = "async")]
    pub(super) fn enter(&mut self, waker: &std::task::Waker) {
        self.outlet.bell().enter(&mut self.ticket, waker);
        let origins = self.origins.0.iter().chain([&self.origins.1]);
        self.vigils.iter_mut().zip(origins).for_each(|(vigil, origin)| vigil.enter(origin, waker));
    }

    /// Nobody is to be woken any more.
    pub(super) fn leave(&mut self) {
        self.outlet.bell().leave(&mut self.ticket);
        #[cfg(feature = "async")]
        self.vigils.iter_mut().for_each(Vigil::leave);
    }

    pub(super) fn outlet(&mut self) -> &mut Outlet<E> {
        &mut self.outlet
    }
}

impl From<Instead> for TryRecvError {
    fn from(instead: Instead) -> Self {
        match instead {
            Instead::Lagged(count) => Self::Lagged(count),
            Instead::Empty => Self::Empty,
            Instead::Closed(reason) => Self::Closed(reason),
        }
    }
}

// Events are moved in and out, never pinned.
impl<E> Unpin for Receiver<E> {}

/// Has it ended where the events come from, and why?
fn end((behind, own): &Origins) -> Option<CloseReason> {
    let reason = behind.as_ref().and_then(Origin::end);
    if reason.is_some() {
        // Nobody is to put anything in any more, or to wait for room.
        own.connection().disconnect();
    }
    reason.or_else(|| own.end())
}

impl<E> Drop for Receiver<E> {
    fn drop(&mut self) {
        self.connection().disconnect();
        self.leave();
    }
}

impl<E> fmt::Debug for Receiver<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("event", &std::any::type_name::<E>())
            .field("overflow", &self.outlet.overflow())
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("connection", &self.connection())
            .finish_non_exhaustive()
    }
}
