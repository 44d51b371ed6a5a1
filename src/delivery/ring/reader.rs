//! Who reads a ring.

use super::drain::Drain;
use super::error::AfterError;
use super::shared::{Core, Place, Shared};
use super::signal::Link;
use crate::delivery::wait::{is_over, next_look};
use crate::delivery::{CloseReason, RecvError, RecvTimeoutError, TryRecvError, Wait};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Reads a [`Ring`](super::Ring): each reader gets every event that is published while it is there.
///
/// It has a place of its own in the ring, and is used by one thread at a time; it may be sent to another one. Dropping it lets
/// publishers of a gated ring go on.
///
/// Events can be had as clones (`recv` and its kin) or lent for the time of a call (`read` and its kin), which clones nothing. A
/// publisher never waits for what a reader of a *lossy* ring does with an event; in a *gated* one the whole batch is held until
/// the call ends.
///
/// # What it may come to
/// - `Lagged(n)`: in a lossy ring `n` events were overwritten before they were read. It is said once, in their place in the
///   order; what comes next is the oldest that is left. (Places of which nothing came, since making the event has panicked, are
///   counted, too, if they were overwritten.)
/// - `Closed`: everything was read, and nothing more will come.
/// - A panic of a clone or of the closure reaches the caller; the event that it panicked with has been read.
///
/// ```
/// use pulsebus::{Ring, RecvError, CloseReason};
///
/// let ring = Ring::lossy(2)?;
/// let mut reader = ring.subscribe();
/// ring.publish_batch(&["a", "b", "c"]);
/// assert_eq!(reader.recv(), Err(RecvError::Lagged(1)));
/// assert_eq!(reader.recv(), Ok("b"));
/// drop(ring);
/// assert_eq!(reader.recv(), Ok("c"));
/// assert_eq!(reader.recv(), Err(RecvError::Closed(CloseReason::PublishersGone)));
/// # Ok::<(), pulsebus::CapacityError>(())
/// ```
pub struct RingReader<E> {
    /// Dropped before `shared`, which it points into.
    place: Place,
    shared: Arc<Shared<E>>,
    wait: Wait,
    link: Option<Arc<Link>>,
}

impl<E> RingReader<E> {
    pub(super) fn new(shared: Arc<Shared<E>>, place: Place, wait: Wait, link: Option<Arc<Link>>) -> Self {
        Self { place, shared, wait, link }
    }

    /// How it waits from now on; as its ring does at first.
    pub fn set_wait(&mut self, wait: Wait) {
        self.wait = wait;
    }

    // --- lent --------------------------------------------------------------------------------------------------------

    /// Lends up to `max` events that are there to `f`, in order, and returns how many they were: one at the least, unless `max` is
    /// zero. (Fewer than `max` does not mean that there are no more: the next call may find some.)
    ///
    /// Publishers of a gated ring see once per call how far the reader is. Cost: a load per event and a store per call; in a lossy
    /// ring two exchanges per event.
    ///
    /// # Errors
    /// [`Empty`](TryRecvError::Empty), [`Lagged`](TryRecvError::Lagged) and [`Closed`](TryRecvError::Closed), see
    /// [there](Self#what-it-may-come-to).
    ///
    /// ```
    /// let ring = pulsebus::Ring::gated(8)?;
    /// let mut reader = ring.subscribe();
    /// ring.publish_batch(&[1, 2, 3]);
    /// let mut sum = 0;
    /// assert_eq!(reader.try_read(64, |n| sum += n), Ok(3));
    /// assert_eq!(sum, 6);
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    #[inline]
    pub fn try_read(&mut self, max: usize, mut f: impl FnMut(&E)) -> Result<usize, TryRecvError> {
        if max == 0 {
            return Ok(0);
        }
        match self.shared.read(&mut self.place, max, &mut f) {
            Err(TryRecvError::Empty) if self.link.is_some() => self.look_for_end(max, f),
            found => found.map_err(|error| self.explained(error)),
        }
    }

    /// The same, waiting for the first one.
    ///
    /// # Errors
    /// [`Lagged`](RecvError::Lagged) and [`Closed`](RecvError::Closed), see [there](Self#what-it-may-come-to).
    pub fn read(&mut self, max: usize, mut f: impl FnMut(&E)) -> Result<usize, RecvError> {
        let mut found = self.try_read(max, &mut f);
        if found == Err(TryRecvError::Empty) {
            found = self.read_waiting(max, None, f);
        }
        found.map_err(|error| match error {
            TryRecvError::Lagged(lost) => RecvError::Lagged(lost),
            TryRecvError::Closed(reason) => RecvError::Closed(reason),
            TryRecvError::Empty => unreachable!("it has waited for as long as it takes"),
        })
    }

    /// The same, waiting for the first one so long at the most.
    ///
    /// # Errors
    /// [`Timeout`](RecvTimeoutError::Timeout), [`Lagged`](RecvTimeoutError::Lagged) and [`Closed`](RecvTimeoutError::Closed), see
    /// [there](Self#what-it-may-come-to).
    pub fn read_timeout(
        &mut self,
        max: usize,
        timeout: Duration,
        mut f: impl FnMut(&E),
    ) -> Result<usize, RecvTimeoutError> {
        let mut found = self.try_read(max, &mut f);
        if found == Err(TryRecvError::Empty) {
            // Too far away to be named means: no deadline.
            found = self.read_waiting(max, Instant::now().checked_add(timeout), f);
        }
        found.map_err(|error| match error {
            TryRecvError::Lagged(lost) => RecvTimeoutError::Lagged(lost),
            TryRecvError::Closed(reason) => RecvTimeoutError::Closed(reason),
            TryRecvError::Empty => RecvTimeoutError::Timeout,
        })
    }

    fn read_waiting(
        &mut self,
        max: usize,
        deadline: Option<Instant>,
        mut f: impl FnMut(&E),
    ) -> Result<usize, TryRecvError> {
        loop {
            // Behind a signal somebody may have to look for the end.
            let until = || if self.link.is_some() { next_look(deadline) } else { deadline };
            match self.shared.read_waiting(&mut self.place, self.wait, until, max, &mut f) {
                Err(TryRecvError::Empty) => {}
                found => return found.map_err(|error| self.explained(error)),
            }
            match self.look_for_end(max, &mut f) {
                Err(TryRecvError::Empty) if !is_over(deadline) => {}
                found => return found,
            }
        }
    }

    /// Nothing was there. Behind a signal that has been dropped nobody publishes any more, though the publisher's handle may still be
    /// waiting to be collected: then what was published before that is read.
    #[cold]
    fn look_for_end(&mut self, max: usize, f: impl FnMut(&E)) -> Result<usize, TryRecvError> {
        if !self.link.as_ref().is_some_and(|link| link.is_over()) {
            return Err(TryRecvError::Empty);
        }
        self.shared.read_none(&mut self.place, max, f, true).map_err(|error| self.explained(error))
    }

    /// A reader behind a signal knows why the signal's publisher has gone.
    fn explained(&self, error: TryRecvError) -> TryRecvError {
        match (&self.link, error) {
            (Some(link), TryRecvError::Closed(CloseReason::PublishersGone)) => TryRecvError::Closed(link.reason()),
            _ => error,
        }
    }

    // --- cloned ------------------------------------------------------------------------------------------------------

    /// A clone of the next event, if it is there.
    ///
    /// # Errors
    /// As of [`try_read`](Self::try_read).
    #[inline]
    pub fn try_recv(&mut self) -> Result<E, TryRecvError>
    where
        E: Clone,
    {
        let mut event = None;
        self.try_read(1, |next| event = Some(next.clone()))?;
        Ok(event.expect("one was read"))
    }

    /// A clone of the next event, waiting for it.
    ///
    /// # Errors
    /// As of [`read`](Self::read).
    pub fn recv(&mut self) -> Result<E, RecvError>
    where
        E: Clone,
    {
        let mut event = None;
        self.read(1, |next| event = Some(next.clone()))?;
        Ok(event.expect("one was read"))
    }

    /// A clone of the next event, waiting for it so long at the most.
    ///
    /// # Errors
    /// As of [`read_timeout`](Self::read_timeout).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<E, RecvTimeoutError>
    where
        E: Clone,
    {
        let mut event = None;
        self.read_timeout(1, timeout, |next| event = Some(next.clone()))?;
        Ok(event.expect("one was read"))
    }

    /// Clones of up to `max` events that are there, one by one as the iterator is asked for them. It ends before what is lost,
    /// which the next call to anything else tells.
    ///
    /// ```
    /// let ring = pulsebus::Ring::lossy(8)?;
    /// let mut reader = ring.subscribe();
    /// ring.publish_batch(&[1, 2, 3]);
    /// assert_eq!(reader.drain(2).collect::<Vec<_>>(), [1, 2]);
    /// assert_eq!(reader.len(), 1);
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    pub fn drain(&mut self, max: usize) -> Drain<'_, E>
    where
        E: Clone,
    {
        Drain::new(self, max)
    }

    #[inline]
    pub(super) fn next_there(&mut self) -> Option<E>
    where
        E: Clone,
    {
        let mut event = None;
        self.shared.read_some(&mut self.place, 1, |next| event = Some(next.clone()));
        event
    }

    // --- where it is -------------------------------------------------------------------------------------------------

    /// How many events wait for it, those included that are being published. In a lossy ring no more than its capacity.
    pub fn len(&self) -> usize {
        self.shared.waiting(&self.place) as usize
    }

    /// Does nothing wait for it?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A reader that goes after this one: it reads an event when this one has read it, or has left it behind, and what this one
    /// did before comes before that. It begins where this one is. For a second step of a pipeline; for several to go after see
    /// [`Ring::subscribe_after`](super::Ring::subscribe_after).
    ///
    /// When this one is dropped, the other reads what it has left behind, and finds
    /// [`Closed`](CloseReason::ReaderAheadGone) then.
    ///
    /// # Errors
    /// [`AfterError::Lossy`].
    ///
    /// ```
    /// let ring = pulsebus::Ring::gated(8)?;
    /// let mut first = ring.subscribe();
    /// let mut second = first.then().expect("a gated ring");
    /// ring.publish(7);
    /// assert!(second.try_recv().is_err()); // the first has not been there
    /// first.try_recv().expect("published");
    /// assert_eq!(second.try_recv(), Ok(7));
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    pub fn then(&self) -> Result<Self, AfterError> {
        Self::after(&self.shared, &[self], self.wait, self.link.clone())
    }

    /// # Errors
    /// As `Ring::subscribe_after`.
    pub(super) fn after(
        shared: &Arc<Shared<E>>,
        readers: &[&Self],
        wait: Wait,
        link: Option<Arc<Link>>,
    ) -> Result<Self, AfterError> {
        if matches!(shared.core, Core::Lossy(_)) {
            return Err(AfterError::Lossy);
        }
        if readers.iter().any(|reader| !Arc::ptr_eq(&reader.shared, shared)) {
            return Err(AfterError::OtherRing);
        }
        let places: Vec<&Place> = readers.iter().map(|reader| &reader.place).collect();
        let place = shared.join_after(&places)?;
        Ok(Self::new(shared.clone(), place, wait, link))
    }
}

impl<E> Drop for RingReader<E> {
    /// Lets publishers of a gated ring go on, and ends what goes after it.
    fn drop(&mut self) {
        self.shared.leave(&mut self.place);
    }
}

impl<E> fmt::Debug for RingReader<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingReader").field("len", &self.len()).field("wait", &self.wait).finish_non_exhaustive()
    }
}
