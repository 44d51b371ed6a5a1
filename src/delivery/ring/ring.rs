//! The ring, as its publishers have it.

use super::error::{AfterError, RingFull};
use super::figures::RingFigures;
use super::gated::Publishers;
use super::reader::RingReader;
use super::shared::{MAX_CAPACITY, Shared};
use crate::delivery::feed::Feed;
use crate::delivery::{CapacityError, Wait};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A broadcast ring: one write per event, whatever the number of readers, each of which has its own place in it.
///
/// A handle to publish and to subscribe with, cheap to clone and to share. When the last one is dropped, readers find the end behind
/// what was published.
///
/// | | [`lossy`](Self::lossy) | [`gated`](Self::gated) |
/// | --- | --- | --- |
/// | a slow reader | is told how many events it has lost, and goes on at the oldest that is left | holds the publishers back |
/// | `publish` | never waits for anybody | waits for the slowest reader |
/// | no reader | events are overwritten unseen | likewise: nobody holds the publishers back |
/// | readers that [go after](RingReader::then) others | no | yes |
/// | cost of publishing | three exchanges | an exchange; [with a single publisher](super::RingPublisher) a store |
/// | cost of reading, per event | two exchanges | a load; per batch a store |
///
/// The capacity is exact: so many events are kept, neither more nor fewer, whether it is a power of two or not. (In a lossy ring a
/// power of two saves a division per event.)
///
/// # What is promised
/// - Every reader gets the events in one and the same order; those of one publisher in the order in which it has published them;
///   a batch in a row. (A batch of more than the capacity: its parts.)
/// - Every event is dropped once: at the latest with the ring, that is with its last handle and reader. What is overwritten is
///   dropped by who overwrites it, after its own event has been published; or by the last reader that is still reading it. In a gated ring events
///   are kept until they are overwritten, though everybody has read them.
/// - After it is made, and beyond what it has ever needed, a ring makes no heap call. Only a lossy one that is overtaking readers
///   *while they read* needs more than at first: room for one event for each of them, and for each publisher.
///
/// # What is not
/// - A publisher that stands still between claiming its place and writing there (in the `next` of an iterator that it publishes,
///   say) holds readers back at this place, or, of a batch in a gated ring, up to 32 before it: until it goes on, or, in a lossy
///   ring, is overwritten. So it holds back publishers who come round to those places.
/// - Do not publish to a gated ring from where the thread itself holds it back: inside `read` of its own reader, inside a clone
///   or an iterator of a batch, or in the destructor of an event that a batch overwrites. If there is no room, it waits for itself.
///
/// If an iterator, a clone, or the destructor of something overwritten panics in the middle of a batch, the batch ends there; the
/// ring goes on.
///
/// ```
/// use pulsebus::Ring;
///
/// let ring = Ring::gated(1024)?;
/// let (mut store, mut index) = (ring.subscribe(), ring.subscribe());
/// std::thread::scope(|scope| {
///     scope.spawn(move || ring.publish_iter(0..10_000_u32)); // dropped there: the end
///     scope.spawn(move || {
///         let mut stored = 0;
///         while let Ok(count) = store.read(256, |event| _ = event) {
///             stored += count;
///         }
///         assert_eq!(stored, 10_000);
///     });
///     scope.spawn(move || while let Ok(event) = index.recv() {
///         assert!(event < 10_000);
///     });
/// });
/// # Ok::<(), pulsebus::CapacityError>(())
/// ```
///
/// Several readers look at one event at the same time, so between threads events have to be `Send` and `Sync`:
///
/// ```compile_fail
/// let ring = pulsebus::Ring::gated(8).expect("a capacity");
/// ring.publish(std::rc::Rc::new(1));
/// std::thread::spawn(move || drop(ring));
/// ```
/// ```
/// let ring = pulsebus::Ring::gated(8).expect("a capacity");
/// ring.publish(std::sync::Arc::new(1));
/// std::thread::spawn(move || drop(ring));
/// ```
pub struct Ring<E> {
    shared: Arc<Shared<E>>,
    wait: Wait,
}

impl<E> Ring<E> {
    /// The most that [`lossy`](Self::lossy) and [`gated`](Self::gated) can be asked for: 4,194,304. (Less, of events so large that so many
    /// would not fit into the address space.)
    pub const MAX_CAPACITY: usize = MAX_CAPACITY;

    /// A ring for so many events, which overwrites the oldest.
    ///
    /// # Errors
    /// [`CapacityError`], of zero, of more than [`MAX_CAPACITY`](Self::MAX_CAPACITY), and where there is no memory for so many.
    ///
    /// ```
    /// use pulsebus::{CapacityError, Ring};
    ///
    /// assert!(Ring::<u32>::lossy(1000).is_ok());
    /// assert_eq!(Ring::<u32>::lossy(0).err(), Some(CapacityError::Zero));
    /// ```
    pub fn lossy(capacity: usize) -> Result<Self, CapacityError> {
        Ok(Self { shared: Shared::lossy(capacity)?, wait: Wait::default() })
    }

    /// A ring for so many events, whose slowest reader holds the publishers back.
    ///
    /// # Errors
    /// As of [`lossy`](Self::lossy).
    pub fn gated(capacity: usize) -> Result<Self, CapacityError> {
        Ok(Self { shared: Shared::gated(capacity, Publishers::Many)?, wait: Wait::default() })
    }

    /// How this handle, and those cloned from it, wait for room; and how readers that subscribe through it wait for events,
    /// unless [told otherwise](RingReader::set_wait).
    #[must_use]
    pub fn with_wait(mut self, wait: Wait) -> Self {
        self.wait = wait;
        self
    }

    pub(super) fn shared(&self) -> &Arc<Shared<E>> {
        &self.shared
    }

    // --- publishing --------------------------------------------------------------------------------------------------

    /// Publishes an event. A gated ring that is full is waited for.
    ///
    /// ```
    /// let ring = pulsebus::Ring::lossy(16)?;
    /// let mut reader = ring.subscribe();
    /// ring.publish("hello");
    /// assert_eq!(reader.recv(), Ok("hello"));
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    #[inline]
    pub fn publish(&self, event: E) {
        self.publish_with(move || event);
    }

    /// Makes an event in its place in the ring, and publishes it: what is large need not be made elsewhere, and copied. (In a lossy ring,
    /// and if events have destructors, it is made before, and moved there.) A gated ring that is full is waited for.
    ///
    /// If `make` panics, so does this, and nothing is published; the ring goes on. Until it returns, readers of a gated ring are held back at
    /// its place: so it is to be quick, and does not publish to this ring itself.
    ///
    /// ```
    /// let ring = pulsebus::Ring::gated(16)?;
    /// let mut reader = ring.subscribe();
    /// ring.publish_with(|| [7_u8; 1024]);
    /// assert_eq!(reader.try_read(1, |event| assert_eq!(event, &[7; 1024])), Ok(1));
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    #[inline]
    pub fn publish_with(&self, make: impl FnOnce() -> E) {
        if let Err(RingFull(make)) = self.try_publish_with(make) {
            let sent = self.send_waiting(make, None);
            debug_assert!(sent.is_ok(), "it has waited for as long as it takes");
        }
    }

    /// Publishes an event if there is room. In a lossy ring there always is.
    ///
    /// # Errors
    /// [`RingFull`], with the event. (Also while a reader is just joining that was overtaken by a whole round of events meanwhile, or
    /// while another publisher has stood still for as long.)
    ///
    /// ```
    /// use pulsebus::{Ring, RingFull};
    ///
    /// let ring = Ring::gated(1)?;
    /// let reader = ring.subscribe();
    /// assert_eq!(ring.try_publish(1), Ok(()));
    /// assert_eq!(ring.try_publish(2), Err(RingFull(2)));
    /// drop(reader);
    /// assert_eq!(ring.try_publish(2), Ok(()));
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    #[inline]
    pub fn try_publish(&self, event: E) -> Result<(), RingFull<E>> {
        self.try_publish_with(move || event).map_err(|full| RingFull((full.0)()))
    }

    /// Makes an event in its place in the ring, and publishes it, if there is room: see [`publish_with`](Self::publish_with).
    ///
    /// # Errors
    /// [`RingFull`], with what would have made it, and has not been called.
    #[inline]
    pub fn try_publish_with<F: FnOnce() -> E>(&self, make: F) -> Result<(), RingFull<F>> {
        self.shared.send(make).map_err(|(make, _)| RingFull(make))
    }

    /// Publishes an event, waiting for room so long at the most.
    ///
    /// # Errors
    /// [`RingFull`], with the event.
    pub fn publish_timeout(&self, event: E, timeout: Duration) -> Result<(), RingFull<E>> {
        // Too far away to be named means: no deadline.
        self.try_publish_with(move || event)
            .or_else(|RingFull(make)| self.send_waiting(make, Instant::now().checked_add(timeout)))
            .map_err(|full| RingFull((full.0)()))
    }

    #[cold]
    fn send_waiting<F: FnOnce() -> E>(&self, make: F, deadline: Option<Instant>) -> Result<(), RingFull<F>> {
        let mut make = Some(make);
        let sent = self.shared.wait_for_room(self.wait, deadline, || {
            let attempt = make.take().expect("given back by each attempt that fails");
            self.shared.send(attempt).map_err(|(back, refused)| {
                make = Some(back);
                refused
            })
        });
        sent.ok_or_else(|| RingFull(make.expect("as above")))
    }

    /// Publishes clones of all of them: with one exchange for all that of each. A gated ring is waited for; a batch of more than the
    /// capacity goes by parts, each of which is in a row.
    ///
    /// ```
    /// let ring = pulsebus::Ring::lossy(16)?;
    /// let mut reader = ring.subscribe();
    /// ring.publish_batch(&[1, 2, 3]);
    /// assert_eq!(reader.drain(16).collect::<Vec<_>>(), [1, 2, 3]);
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    pub fn publish_batch(&self, events: &[E])
    where
        E: Clone,
    {
        self.publish_iter(events.iter().cloned());
    }

    /// Publishes clones of all of them, or none.
    ///
    /// # Errors
    /// [`RingFull`], if there is not enough room for all.
    pub fn try_publish_batch<'a>(&self, events: &'a [E]) -> Result<(), RingFull<&'a [E]>>
    where
        E: Clone,
    {
        self.try_publish_iter(events.iter().cloned()).map_err(|_| RingFull(events))
    }

    /// Publishes what the iterator yields, as [`publish_batch`](Self::publish_batch) does. (If it yields less than it has promised,
    /// that; never more.)
    pub fn publish_iter<I>(&self, events: I)
    where
        I: IntoIterator<Item = E>,
        I::IntoIter: ExactSizeIterator,
    {
        let mut events = Feed::new(events.into_iter());
        let sent = self.shared.send_parts(events.len(), |count| {
            self.shared.wait_for_room(self.wait, None, || self.shared.send_all(count, &mut events))
        });
        debug_assert!(sent.is_some(), "it has waited for as long as it takes");
    }

    /// Publishes what the iterator yields, all of it or nothing.
    ///
    /// # Errors
    /// [`RingFull`], with the iterator, if there is not enough room for all.
    pub fn try_publish_iter<I>(&self, events: I) -> Result<(), RingFull<I::IntoIter>>
    where
        I: IntoIterator<Item = E>,
        I::IntoIter: ExactSizeIterator,
    {
        let events = events.into_iter();
        let count = events.len();
        if self.shared.is_lossy() {
            self.publish_iter(events);
            return Ok(());
        }
        if count == 0 {
            return Ok(());
        }
        if count > self.shared.capacity() {
            return Err(RingFull(events));
        }
        let mut events = Feed::new(events);
        match self.shared.send_all(count, &mut events) {
            Ok(_) => Ok(()),
            Err(_) => Err(RingFull(events.into_rest())),
        }
    }

    /// Publishes clones of all of them, as far as there is room in time; counts the others.
    pub(super) fn publish_patiently(&self, events: &[E], patience: Duration)
    where
        E: Clone,
    {
        let mut left = Feed::new(events.iter().cloned());
        // The clock is only read if there is no room.
        if self.try_publish_batch(events).is_err() && self.send_one_by_one(&mut left, patience).is_none() {
            self.shared.note_refused(left.len() as u64);
        }
    }

    fn send_one_by_one(&self, events: &mut Feed<impl ExactSizeIterator<Item = E>>, patience: Duration) -> Option<()> {
        let deadline = Instant::now().checked_add(patience);
        while events.len() > 0 {
            self.shared.wait_for_room(self.wait, deadline, || self.shared.send_all(1, events))?;
        }
        Some(())
    }

    // --- subscribing -------------------------------------------------------------------------------------------------

    /// A reader of what is published from now on: of everything that this thread publishes after it, and of nothing that was published
    /// before.
    ///
    /// Cost: the collecting side of the barrier ([`pin_flavour`](crate::pin_flavour)) in a gated ring, some microseconds; and
    /// the first time a heap call.
    ///
    /// # Panics
    /// If the ring has 16,383 readers already.
    pub fn subscribe(&self) -> RingReader<E> {
        RingReader::new(self.shared.clone(), self.shared.join(), self.wait, None)
    }

    /// A reader that begins with the oldest event there is. In a gated ring: where the slowest reader is; what all have read
    /// is gone.
    ///
    /// # Panics
    /// As [`subscribe`](Self::subscribe).
    ///
    /// ```
    /// let ring = pulsebus::Ring::lossy(2)?;
    /// ring.publish_batch(&[1, 2, 3]);
    /// assert_eq!(ring.subscribe_oldest().drain(16).collect::<Vec<_>>(), [2, 3]);
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    pub fn subscribe_oldest(&self) -> RingReader<E> {
        RingReader::new(self.shared.clone(), self.shared.join_oldest(), self.wait, None)
    }

    /// A reader that goes after all of those: it reads an event when each of them has read it, or has left it behind; and what they did
    /// before comes before that. It begins where the slowest of them is. So pipelines are made
    /// ([`then`](RingReader::then)), and diamonds:
    ///
    /// ```
    /// let ring = pulsebus::Ring::gated(8)?;
    /// let (mut log, mut index) = (ring.subscribe(), ring.subscribe());
    /// let mut answer = ring.subscribe_after(&[&log, &index]).expect("readers of a gated ring");
    /// ring.publish("request");
    /// log.recv().expect("published");
    /// assert!(answer.try_recv().is_err());
    /// index.recv().expect("published");
    /// assert_eq!(answer.recv(), Ok("request"));
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    ///
    /// When one of them is dropped, it reads what that one has left behind, and finds
    /// [`Closed`](crate::CloseReason::ReaderAheadGone) then. The others are held back until it is dropped itself.
    ///
    /// # Errors
    /// [`AfterError`].
    ///
    /// # Panics
    /// As [`subscribe`](Self::subscribe).
    pub fn subscribe_after(&self, readers: &[&RingReader<E>]) -> Result<RingReader<E>, AfterError> {
        RingReader::after(&self.shared, readers, self.wait, None)
    }

    /// What is known of the ring.
    pub fn figures(&self) -> RingFigures {
        self.shared.figures()
    }
}

impl<E> Clone for Ring<E> {
    fn clone(&self) -> Self {
        self.shared.add_handle();
        Self { shared: self.shared.clone(), wait: self.wait }
    }
}

impl<E> Drop for Ring<E> {
    /// With the last one, readers find the end behind what was published.
    fn drop(&mut self) {
        self.shared.remove_handle();
    }
}

impl<E> fmt::Debug for Ring<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring").field("figures", &self.figures()).finish_non_exhaustive()
    }
}
