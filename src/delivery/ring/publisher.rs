//! The single publisher of a ring.

use super::error::{AfterError, RingFull};
use super::figures::RingFigures;
use super::gated::{Own, Publishers};
use super::reader::RingReader;
use super::shared::Shared;
use crate::delivery::feed::Feed;
use crate::delivery::{CapacityError, Wait};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The only publisher of a gated ring: what [`Ring`](super::Ring) does without any exchange, for a store per event or batch.
///
/// That there is no other one is decided here, and for ever: it cannot be cloned, and publishing takes `&mut self`. All else is as
/// with a gated `Ring`. When it is dropped, readers find the end behind what was published.
///
/// ```
/// use pulsebus::{RingPublisher, Wait};
///
/// let mut publisher = RingPublisher::gated(1024)?.with_wait(Wait::Spin);
/// let mut reader = publisher.subscribe();
/// let reading = std::thread::spawn(move || {
///     let mut sum = 0;
///     while reader.read(256, |n: &u32| sum += u64::from(*n)).is_ok() {}
///     sum
/// });
/// publisher.publish_iter(1..10_001);
/// drop(publisher);
/// assert_eq!(reading.join().expect("it adds"), 50_005_000);
/// # Ok::<(), pulsebus::CapacityError>(())
/// ```
pub struct RingPublisher<E> {
    shared: Arc<Shared<E>>,
    /// The only one of this ring.
    own: Own,
    wait: Wait,
}

impl<E> RingPublisher<E> {
    /// A gated ring for so many events, with a single publisher.
    ///
    /// # Errors
    /// As of [`Ring::gated`](super::Ring::gated).
    pub fn gated(capacity: usize) -> Result<Self, CapacityError> {
        let shared = Shared::gated(capacity, Publishers::Single)?;
        Ok(Self { shared, own: Own::new(), wait: Wait::default() })
    }

    /// How it waits for room, and how readers that subscribe from now on wait for events, unless
    /// [told otherwise](RingReader::set_wait).
    #[must_use]
    pub fn with_wait(mut self, wait: Wait) -> Self {
        self.wait = wait;
        self
    }

    /// Publishes an event, waiting for room. See [`Ring::publish`](super::Ring::publish).
    #[inline]
    pub fn publish(&mut self, event: E) {
        self.publish_with(move || event);
    }

    /// Makes an event in its place in the ring, and publishes it, waiting for room. See
    /// [`Ring::publish_with`](super::Ring::publish_with).
    #[inline]
    pub fn publish_with(&mut self, make: impl FnOnce() -> E) {
        if let Err(RingFull(make)) = self.try_publish_with(make) {
            let sent = self.send_waiting(make, None);
            debug_assert!(sent.is_ok(), "it has waited for as long as it takes");
        }
    }

    /// Publishes an event if there is room.
    ///
    /// # Errors
    /// [`RingFull`], with the event.
    #[inline]
    pub fn try_publish(&mut self, event: E) -> Result<(), RingFull<E>> {
        self.try_publish_with(move || event).map_err(|full| RingFull((full.0)()))
    }

    /// Makes an event in its place in the ring, and publishes it, if there is room. See
    /// [`Ring::publish_with`](super::Ring::publish_with).
    ///
    /// # Errors
    /// [`RingFull`], with what would have made it, and has not been called.
    #[inline]
    pub fn try_publish_with<F: FnOnce() -> E>(&mut self, make: F) -> Result<(), RingFull<F>> {
        // SAFETY: the ring was made with this `own`, and nobody else has one.
        unsafe { self.shared.send_single(&mut self.own, make) }.map_err(|(make, _)| RingFull(make))
    }

    /// Publishes an event, waiting for room so long at the most.
    ///
    /// # Errors
    /// [`RingFull`], with the event.
    pub fn publish_timeout(&mut self, event: E, timeout: Duration) -> Result<(), RingFull<E>> {
        self.try_publish_with(move || event)
            .or_else(|RingFull(make)| self.send_waiting(make, Instant::now().checked_add(timeout)))
            .map_err(|full| RingFull((full.0)()))
    }

    #[cold]
    fn send_waiting<F: FnOnce() -> E>(&mut self, make: F, deadline: Option<Instant>) -> Result<(), RingFull<F>> {
        let (shared, own) = (&self.shared, &mut self.own);
        let mut make = Some(make);
        let sent = shared.wait_for_room(self.wait, deadline, || {
            let attempt = make.take().expect("given back by each attempt that fails");
            // SAFETY: as in `try_publish_with`.
            unsafe { shared.send_single(own, attempt) }.map_err(|(back, refused)| {
                make = Some(back);
                refused
            })
        });
        sent.ok_or_else(|| RingFull(make.expect("as above")))
    }

    /// Publishes clones of all of them, waiting for room; a part of at most the capacity at a time.
    pub fn publish_batch(&mut self, events: &[E])
    where
        E: Clone,
    {
        self.publish_iter(events.iter().cloned());
    }

    /// Publishes clones of all of them, or none.
    ///
    /// # Errors
    /// [`RingFull`], if there is not enough room for all.
    pub fn try_publish_batch<'a>(&mut self, events: &'a [E]) -> Result<(), RingFull<&'a [E]>>
    where
        E: Clone,
    {
        self.try_publish_iter(events.iter().cloned()).map_err(|_| RingFull(events))
    }

    /// Publishes what the iterator yields, waiting for room; a part of at most the capacity at a time. Readers see a part when it is
    /// complete.
    pub fn publish_iter<I>(&mut self, events: I)
    where
        I: IntoIterator<Item = E>,
        I::IntoIter: ExactSizeIterator,
    {
        let mut events = Feed::new(events.into_iter());
        let (shared, own, wait) = (&self.shared, &mut self.own, self.wait);
        let sent = shared.send_parts(events.len(), |count| {
            // SAFETY: as in `try_publish_with`.
            shared.wait_for_room(wait, None, || unsafe { shared.send_all_single(own, count, &mut events) })
        });
        debug_assert!(sent.is_some(), "it has waited for as long as it takes");
    }

    /// Publishes what the iterator yields, all of it or nothing.
    ///
    /// # Errors
    /// [`RingFull`], with the iterator, if there is not enough room for all.
    pub fn try_publish_iter<I>(&mut self, events: I) -> Result<(), RingFull<I::IntoIter>>
    where
        I: IntoIterator<Item = E>,
        I::IntoIter: ExactSizeIterator,
    {
        let events = events.into_iter();
        let count = events.len();
        if count > self.shared.capacity() {
            return Err(RingFull(events));
        }
        let mut events = Feed::new(events);
        // SAFETY: as in `try_publish_with`.
        match unsafe { self.shared.send_all_single(&mut self.own, count, &mut events) } {
            Ok(_) => Ok(()),
            Err(_) => Err(RingFull(events.into_rest())),
        }
    }

    /// A reader of what is published from now on. See [`Ring::subscribe`](super::Ring::subscribe).
    pub fn subscribe(&self) -> RingReader<E> {
        RingReader::new(self.shared.clone(), self.shared.join(), self.wait, None)
    }

    /// A reader that begins where the slowest reader is. See [`Ring::subscribe_oldest`](super::Ring::subscribe_oldest).
    pub fn subscribe_oldest(&self) -> RingReader<E> {
        RingReader::new(self.shared.clone(), self.shared.join_oldest(), self.wait, None)
    }

    /// A reader that goes after those. See [`Ring::subscribe_after`](super::Ring::subscribe_after).
    ///
    /// # Errors
    /// As there.
    pub fn subscribe_after(&self, readers: &[&RingReader<E>]) -> Result<RingReader<E>, AfterError> {
        RingReader::after(&self.shared, readers, self.wait, None)
    }

    /// What is known of the ring.
    pub fn figures(&self) -> RingFigures {
        self.shared.figures()
    }
}

impl<E> Drop for RingPublisher<E> {
    /// Readers find the end behind what was published.
    fn drop(&mut self) {
        self.shared.remove_handle();
    }
}

impl<E> fmt::Debug for RingPublisher<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingPublisher").field("figures", &self.figures()).finish_non_exhaustive()
    }
}
