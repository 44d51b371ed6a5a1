//! Receiving more than one event.

use super::error::{Lagged, RecvError, TryRecvError};
use super::mailbox::Receiver;

/// So many events an iterator takes before it tells senders of the room.
const ROUND: u32 = 32;

impl<E> Receiver<E> {
    /// Up to `max` events that are waiting, in order. Does not wait, and makes no heap call. At least one event comes, or an error says why
    /// not; it ends before a place where events were lost, which the next call says.
    ///
    /// The cheapest way to receive many: senders are told of the room once for some tens of events, and when the iterator is dropped.
    /// What it was not asked for stays in the mailbox. (Where old events make room for new ones, up to 31 of those that it was about
    /// to hand out next make no room any more: they are received next, before all else, and beside the capacity.)
    ///
    /// # Errors
    /// As [`try_recv`](Self::try_recv). With `max` of zero, [`TryRecvError::Empty`].
    ///
    /// ```
    /// use pulsebus::{Overflow, Signal};
    ///
    /// let signal = Signal::<u32>::new();
    /// let mut receiver = signal.mailbox(8, Overflow::DropNewest)?;
    /// signal.emit_batch(&[1, 2, 3]);
    /// let mut batch = Vec::new();
    /// batch.extend(receiver.drain(100).unwrap());
    /// assert_eq!(batch, [1, 2, 3]);
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    pub fn drain(&mut self, max: usize) -> Result<Drain<'_, E>, TryRecvError> {
        if max == 0 {
            return Err(TryRecvError::Empty);
        }
        self.ready(max)?;
        Ok(Drain { receiver: self, left: max, untold: 0 })
    }

    /// The events, one after another, waiting for each. Ends with the stream; says where events were lost.
    ///
    /// ```
    /// use pulsebus::{Lagged, Overflow, Signal};
    ///
    /// let signal = Signal::<u32>::new();
    /// let mut receiver = signal.mailbox(2, Overflow::DropOldest)?;
    /// signal.emit_batch(&[1, 2, 3]);
    /// drop(signal);
    /// assert!(receiver.iter().eq([Err(Lagged(1)), Ok(2), Ok(3)]));
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    pub fn iter(&mut self) -> Iter<'_, E> {
        Iter(self)
    }

    /// The events that are waiting, one after another, until there is none. Says where events were lost.
    ///
    /// ```
    /// use pulsebus::{Overflow, Signal};
    ///
    /// let signal = Signal::<u32>::new();
    /// let mut receiver = signal.mailbox(8, Overflow::DropOldest)?;
    /// signal.emit_batch(&[1, 2, 3]);
    /// assert_eq!(receiver.try_iter().flatten().sum::<u32>(), 6);
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    pub fn try_iter(&mut self) -> TryIter<'_, E> {
        TryIter(self)
    }
}

/// Events that were waiting; from [`Receiver::drain`].
#[derive(Debug)]
#[must_use = "nothing is received but what is asked for"]
pub struct Drain<'a, E> {
    receiver: &'a mut Receiver<E>,
    left: usize,
    /// How many events senders have not been told to be gone.
    untold: u32,
}

impl<E> Iterator for Drain<'_, E> {
    type Item = E;

    #[inline]
    fn next(&mut self) -> Option<E> {
        if self.left == 0 {
            return None;
        }
        let outlet = self.receiver.outlet();
        match outlet.take(self.left) {
            Some(event) => {
                self.left -= 1;
                self.untold += 1;
                if self.untold == ROUND {
                    self.untold = 0;
                    outlet.pass();
                }
                Some(event)
            }
            None => {
                self.left = 0;
                None
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

impl<E> Drop for Drain<'_, E> {
    fn drop(&mut self) {
        if self.untold > 0 {
            self.receiver.outlet().pass();
        }
    }
}

/// Events as they come; from [`Receiver::iter`].
#[derive(Debug)]
pub struct Iter<'a, E>(&'a mut Receiver<E>);

impl<E> Iterator for Iter<'_, E> {
    type Item = Result<E, Lagged>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.0.recv() {
            Ok(event) => Some(Ok(event)),
            Err(RecvError::Lagged(count)) => Some(Err(Lagged(count))),
            Err(RecvError::Closed(_)) => None,
        }
    }
}

/// Events that are waiting; from [`Receiver::try_iter`].
#[derive(Debug)]
pub struct TryIter<'a, E>(&'a mut Receiver<E>);

impl<E> Iterator for TryIter<'_, E> {
    type Item = Result<E, Lagged>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.0.try_recv() {
            Ok(event) => Some(Ok(event)),
            Err(TryRecvError::Lagged(count)) => Some(Err(Lagged(count))),
            Err(TryRecvError::Empty | TryRecvError::Closed(_)) => None,
        }
    }
}

/// Events as they come; from a [`Receiver`] that nobody else needs. Dropped, it disconnects.
#[derive(Debug)]
pub struct IntoIter<E>(Receiver<E>);

impl<E> Iterator for IntoIter<E> {
    type Item = Result<E, Lagged>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.iter().next()
    }
}

/// As [`Receiver::iter`].
impl<E> IntoIterator for Receiver<E> {
    type Item = Result<E, Lagged>;
    type IntoIter = IntoIter<E>;

    fn into_iter(self) -> IntoIter<E> {
        IntoIter(self)
    }
}

impl<'a, E> IntoIterator for &'a mut Receiver<E> {
    type Item = Result<E, Lagged>;
    type IntoIter = Iter<'a, E>;

    fn into_iter(self) -> Iter<'a, E> {
        self.iter()
    }
}
