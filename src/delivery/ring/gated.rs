//! The gated ring: what is written stays until every reader has read it.
//!
//! ```text
//! tail      how far publishers have claimed (or, with a single publisher, published)
//! limit     how far they may claim before they have to look at the readers again
//! places    the events, in a row; a position's place is its lower bits. In each a value, and before it a mark: of which round
//!           it is. With a single publisher there are no marks: the tail says it all
//! readers   how far each reader has come
//! ```
//!
//! Who publishes claims positions by an exchange of the tail, writes the values, and marks them, the last one first: so a reader
//! that has caught up, and waits at the first, gets them together. A reader goes on for as long as the marks are of its round,
//! and shows how far it has come once per batch. Nothing on its way is exchanged.
//!
//! | a value | is touched by |
//! | --- | --- |
//! | position not claimed, or claimed and not marked | who has claimed it, alone |
//! | marked (or before the tail, with a single publisher) | all readers that are not past it, shared |
//! | all readers past it | nobody, until its place is claimed for the next round |

use super::line::Line;
use super::readers::{Cursor, Readers};
use super::shared::row;
use crate::delivery::{CapacityError, CloseReason};
use crate::panics::drop_quietly;
use crate::prefetch::{Prefetch, ahead};
use crate::sync::{AtomicU32, AtomicU64, Ordering, UnsafeCell};
use std::mem::{self, MaybeUninit};

pub(super) struct Gated<E> {
    /// So many may wait, counted from the slowest reader.
    capacity: u64,
    /// One less than there are places.
    mask: u64,
    places: Places<E>,
    tail: Line<AtomicU64>,
    limit: Line<AtomicU64>,
    prefetch: Prefetch,
    pub(super) readers: Readers,
}

enum Places<E> {
    Marked(Box<[Marked<E>]>),
    Plain(Box<[Value<E>]>),
}

type Value<E> = UnsafeCell<MaybeUninit<E>>;

/// A place where several publishers write.
struct Marked<E> {
    mark: AtomicU32,
    value: Value<E>,
}

// SAFETY: the module's table says who touches a value when: one who has claimed it, alone, which takes `E: Send`, and readers
// on several threads, together, which takes `E: Sync`. The rest is atomic, or never written.
unsafe impl<E: Send + Sync> Sync for Gated<E> {}
// SAFETY: owns its events.
unsafe impl<E: Send> Send for Gated<E> {}

/// How many publish to a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Publishers {
    /// Any number.
    Many,
    /// Only one at a time, for ever: whoever has the ring's [`Own`].
    Single,
}

/// A mark is the round that a place is in, one more than that of its position, shifted; and in the lower bits how it went.
const ROUND_SHIFT: u32 = 2;
/// Nothing was written at this position: read on.
const SKIPPED: u32 = 1;
/// Something was written at this place, now or in an earlier round: there is something to drop.
const OCCUPIED: u32 = 2;
const HOW: u32 = SKIPPED | OCCUPIED;

/// Why no positions were claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// A reader holds the ring back.
    Full,
    /// Another publisher has not yet written what it has claimed a whole round ago. It will, and nobody rings for that.
    Behind,
}

impl<E> Gated<E> {
    /// For `capacity` events, which is not zero.
    pub(super) fn new(capacity: usize, publishers: Publishers) -> Result<Self, CapacityError> {
        let count = capacity.next_power_of_two();
        let value = || UnsafeCell::new(MaybeUninit::uninit());
        let places = match publishers {
            Publishers::Many => {
                Places::Marked(row(capacity, count, |_| Marked { mark: AtomicU32::new(0), value: value() })?)
            }
            Publishers::Single => Places::Plain(row(capacity, count, |_| value())?),
        };
        Ok(Self {
            capacity: capacity as u64,
            mask: count as u64 - 1,
            places,
            tail: Line::new(AtomicU64::new(0)),
            limit: Line::new(AtomicU64::new(0)),
            prefetch: Prefetch::new(),
            readers: Readers::new(),
        })
    }

    pub(super) fn capacity(&self) -> u64 {
        self.capacity
    }

    pub(super) fn tail(&self) -> &AtomicU64 {
        &self.tail
    }

    #[inline(always)]
    fn value(&self, position: u64) -> &Value<E> {
        match &self.places {
            Places::Marked(places) => &self.place(places, position).value,
            Places::Plain(places) => self.place(places, position),
        }
    }

    /// That of a position among all of them.
    #[inline(always)]
    fn place<'a, P>(&self, places: &'a [P], position: u64) -> &'a P {
        debug_assert_eq!(places.len() as u64, self.mask + 1, "the ring's places");
        // SAFETY: there are `mask + 1` of them.
        unsafe { places.get_unchecked((position & self.mask) as usize) }
    }

    /// With many publishers.
    #[inline(always)]
    fn marked(&self) -> &[Marked<E>] {
        match &self.places {
            Places::Marked(places) => places,
            Places::Plain(_) => unreachable!("a ring with a single publisher"),
        }
    }

    /// With a single one.
    #[inline(always)]
    fn plain(&self) -> &[Value<E>] {
        match &self.places {
            Places::Plain(places) => places,
            Places::Marked(_) => unreachable!("a ring with many publishers"),
        }
    }

    /// The mark of a position that is written, in the bits that are the round's. The place was marked so one round later than
    /// what [`before`](Self::before) says.
    #[inline(always)]
    fn round(&self, position: u64) -> u32 {
        // Wraps; but a place is of this round or of the one before it when it is looked at.
        (((position >> self.mask.count_ones()) + 1) as u32) << ROUND_SHIFT
    }

    /// The mark that a position's place has before it is claimed.
    #[inline(always)]
    fn before(&self, position: u64) -> u32 {
        ((position >> self.mask.count_ones()) as u32) << ROUND_SHIFT
    }

    /// Reads up to `max` events, in order, and shows how far it has come; also if `f` panics: then past the event it panicked with.
    /// Returns how many.
    #[inline]
    pub(super) fn read(&self, seat: &mut Seat, max: usize, mut f: impl FnMut(&E)) -> usize {
        let marked = match &self.places {
            Places::Marked(places) if seat.after.is_empty() => return self.read_marked(places, seat, max, f),
            Places::Marked(places) => Some(places),
            Places::Plain(_) => None,
        };
        let mut passing = Passing { next: seat.next, seat };
        let mut count = 0;
        while count < max {
            let position = passing.next;
            if position == passing.seat.known && !passing.seat.look(&self.tail) {
                break;
            }
            passing.next += 1;
            // Relaxed: those that we go after have read the mark.
            if marked.is_some_and(|places| self.place(places, position).mark.load(Ordering::Relaxed) & SKIPPED != 0) {
                continue;
            }
            count += 1;
            lend(self.value(position), &mut f);
        }
        count
    }

    /// The same where the marks say how far one may read.
    #[inline]
    fn read_marked(&self, places: &[Marked<E>], seat: &mut Seat, max: usize, mut f: impl FnMut(&E)) -> usize {
        let mut passing = Passing { next: seat.next, seat };
        let mut count = 0;
        while count < max {
            let position = passing.next;
            let place = self.place(places, position);
            // Acquire; partner: the Release in `Claim::mark`: the event is written.
            let mark = place.mark.load(Ordering::Acquire);
            if mark & !HOW != self.round(position) {
                break;
            }
            passing.next += 1;
            if mark & SKIPPED == 0 {
                count += 1;
                lend(&place.value, &mut f);
            }
        }
        count
    }

    /// How many wait for the reader: at the most, beside others.
    pub(super) fn waiting(&self, seat: &Seat) -> u64 {
        seat.bound(&self.tail).saturating_sub(seat.next)
    }

    /// Why nothing more will come for the reader, if so. `closed` says that all publishers have gone, and was read before the reader
    /// looked in vain.
    pub(super) fn end(&self, seat: &Seat, closed: bool) -> Option<CloseReason> {
        // Relaxed: they have gone before.
        if closed && self.tail.load(Ordering::Relaxed) == seat.next {
            return Some(CloseReason::PublishersGone);
        }
        let mut ahead = seat.after.iter().map(Cursor::progress);
        ahead.any(|ahead| ahead.has_left && ahead.position == seat.next).then_some(CloseReason::ReaderAheadGone)
    }

    // --- many publishers ---------------------------------------------------------------------------------------------

    /// Claims so many positions in a row, not zero, if all readers are so far.
    #[inline]
    pub(super) fn claim(&self, count: u64) -> Result<Claim<'_, E>, Refused> {
        let places = self.marked();
        let mut tail = self.tail.load(Ordering::Relaxed);
        loop {
            // Acquire; partner: the Release in `look`: what the readers have read comes before what we write, also if another
            // publisher has looked.
            if tail + count > self.limit.load(Ordering::Acquire) && !self.look(tail, count) {
                return Err(Refused::Full);
            }
            if !(tail..tail + count).all(|position| self.is_done_with(places, position)) {
                // Or somebody has claimed it meanwhile.
                match self.tail.load(Ordering::Relaxed) {
                    now if now == tail => return Err(Refused::Behind),
                    now => tail = now,
                }
                continue;
            }
            // Relaxed: it hands out positions; what is written there is passed on by the marks, and how far we may go was read
            // above.
            match self.tail.compare_exchange_weak(tail, tail + count, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(Claim { ring: self, places, unmarked: tail, next: tail, end: tail + count }),
                Err(found) => tail = found,
            }
        }
    }

    /// Has the publisher that had the place before, a round ago, done with it? (With no reader, or with one that has come later,
    /// nothing else says so.)
    #[inline(always)]
    fn is_done_with(&self, places: &[Marked<E>], position: u64) -> bool {
        // Acquire; partner: the Release in `Claim::mark`.
        self.place(places, position).mark.load(Ordering::Acquire) & !HOW == self.before(position)
    }

    /// Looks how far the readers are, and whether that is enough.
    #[cold]
    #[inline(never)]
    fn look(&self, tail: u64, count: u64) -> bool {
        let limit = self.readers.least(tail) + self.capacity;
        // Release; partner: the Acquire in `claim`. Perhaps below what another one has found meanwhile: then somebody looks again.
        self.limit.store(limit, Ordering::Release);
        tail + count <= limit
    }

    // --- a single publisher ------------------------------------------------------------------------------------------

    /// Is there room for so many more?
    #[inline]
    pub(super) fn has_room(&self, own: &mut Own, count: u64) -> bool {
        own.next + count <= own.limit || self.look_single(own, count)
    }

    #[cold]
    #[inline(never)]
    fn look_single(&self, own: &mut Own, count: u64) -> bool {
        own.limit = self.readers.least(own.next) + self.capacity;
        own.next + count <= own.limit
    }

    /// Begins to write what there is room for.
    ///
    /// # Safety
    /// `own` is the ring's only one, and [`has_room`](Self::has_room) for all that will be written.
    #[inline(always)]
    pub(super) unsafe fn begin<'a>(&'a self, own: &'a mut Own) -> Run<'a, E> {
        Run { places: self.plain(), next: own.next, own, ring: self }
    }
}

impl<E> Drop for Gated<E> {
    fn drop(&mut self) {
        if !mem::needs_drop::<E>() {
            return;
        }
        // Relaxed, here and below: ours alone.
        let tail = self.tail.load(Ordering::Relaxed);
        for place in 0..=self.mask {
            let is_written = match &self.places {
                Places::Marked(places) => self.place(places, place).mark.load(Ordering::Relaxed) & OCCUPIED != 0,
                Places::Plain(_) => place < tail,
            };
            if is_written {
                // SAFETY: ours alone, written, and not touched again.
                self.value(place).with_mut(|value| _ = drop_quietly(unsafe { (*value).assume_init_read() }));
            }
        }
    }
}

/// Hands out what a reader that is not past the place has found to be written, and that is not claimed before the reader shows that it
/// is.
#[inline(always)]
fn lend<E>(value: &Value<E>, f: &mut impl FnMut(&E)) {
    // SAFETY: as it says.
    value.with(|value| f(unsafe { (*value).assume_init_ref() }));
}

/// Makes an event in its place; hands out what was there before.
///
/// # Safety
/// The caller alone may touch the place; `is_occupied` says whether it was written before.
#[inline(always)]
unsafe fn put<E>(value: &Value<E>, make: impl FnOnce() -> E, is_occupied: bool) -> Option<E> {
    if !mem::needs_drop::<E>() {
        // SAFETY: ours.
        value.with_mut(|value| _ = unsafe { (*value).write(make()) });
        return None;
    }
    // Made first: what is there stays there if that panics.
    let event = make();
    value.with_mut(|value| {
        // SAFETY: ours.
        let value = unsafe { &mut *value };
        if is_occupied {
            // SAFETY: it was written.
            return Some(mem::replace(unsafe { value.assume_init_mut() }, event));
        }
        value.write(event);
        None
    })
}

/// Positions that a publisher has claimed. What it has not written when it goes is skipped by the readers.
pub(super) struct Claim<'a, E> {
    ring: &'a Gated<E>,
    places: &'a [Marked<E>],
    /// The first one that is not marked.
    unmarked: u64,
    /// The first one that is not written.
    next: u64,
    end: u64,
}

/// So many events are marked together.
const RUN: u64 = 32;

impl<E> Claim<'_, E> {
    /// Makes the next one; hands out what was there before, to be dropped by the caller. Readers find it when the claim has gone, at
    /// the latest.
    #[inline(always)]
    pub(super) fn write(&mut self, make: impl FnOnce() -> E) -> Option<E> {
        assert!(self.next < self.end, "a publisher writes what it has claimed");
        if self.next - self.unmarked == RUN {
            self.mark_written();
        }
        let place = self.ring.place(self.places, self.next);
        let later = self.ring.place(self.places, self.next + const { ahead::<Marked<E>>() });
        self.ring.prefetch.for_writing(later);
        // SAFETY: claimed: all readers are past what was there, and its publisher has done with it.
        let old = unsafe { put(&place.value, make, is_occupied(place)) };
        self.next += 1;
        old
    }

    /// Lets readers find what is written, all of it or none: the last one first.
    #[inline(always)]
    fn mark_written(&mut self) {
        for position in (self.unmarked..self.next).rev() {
            self.mark(position, OCCUPIED);
        }
        self.unmarked = self.next;
    }

    #[inline(always)]
    fn mark(&self, position: u64, how: u32) {
        let place = self.ring.place(self.places, position);
        // Release; partners: the Acquires in `read_marked` and `is_done_with`.
        place.mark.store(self.ring.round(position) | how, Ordering::Release);
    }

    #[cold]
    #[inline(never)]
    fn skip_rest(&mut self) {
        while self.next < self.end {
            let how = if is_occupied(self.ring.place(self.places, self.next)) { SKIPPED | OCCUPIED } else { SKIPPED };
            self.mark(self.next, how);
            self.next += 1;
        }
    }
}

/// Was something written there before?
#[inline(always)]
fn is_occupied<E>(place: &Marked<E>) -> bool {
    // Relaxed: `claim` has read it, and nobody writes it but us.
    place.mark.load(Ordering::Relaxed) & OCCUPIED != 0
}

impl<E> Drop for Claim<'_, E> {
    #[inline(always)]
    fn drop(&mut self) {
        self.mark_written();
        if self.next < self.end {
            self.skip_rest();
        }
    }
}

/// What the single publisher of a ring knows of it.
#[derive(Debug)]
pub(super) struct Own {
    next: u64,
    limit: u64,
}

impl Own {
    pub(super) fn new() -> Self {
        Self { next: 0, limit: 0 }
    }
}

/// What the single publisher writes in one go, published when it goes.
pub(super) struct Run<'a, E> {
    places: &'a [Value<E>],
    next: u64,
    own: &'a mut Own,
    ring: &'a Gated<E>,
}

impl<E> Run<'_, E> {
    /// Makes the next one; hands out what was there before, to be dropped by the caller.
    #[inline(always)]
    pub(super) fn write(&mut self, make: impl FnOnce() -> E) -> Option<E> {
        assert!(self.next < self.own.limit, "a publisher writes what it has room for");
        let is_occupied = self.next > self.ring.mask;
        // SAFETY: as in `begin`; all readers are past what was there.
        let old = unsafe { put(self.ring.place(self.places, self.next), make, is_occupied) };
        self.next += 1;
        old
    }
}

impl<E> Drop for Run<'_, E> {
    #[inline(always)]
    fn drop(&mut self) {
        self.own.next = self.next;
        // Release; partner: the Acquire in `Seat::bound`: what is before it is written.
        self.ring.tail.store(self.next, Ordering::Release);
    }
}

/// One reader's place in a gated ring.
pub(super) struct Seat {
    cursor: Cursor,
    /// The next position to read.
    next: u64,
    /// All before it may be read. Not used by who reads marks.
    known: u64,
    /// Those that it goes after.
    after: Vec<Cursor>,
}

impl Seat {
    pub(super) fn new((cursor, next): (Cursor, u64), after: Vec<Cursor>) -> Self {
        Self { cursor, next, known: next, after }
    }

    pub(super) fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The next position to read.
    #[inline(always)]
    pub(super) fn position(&self) -> u64 {
        self.next
    }

    /// The reader leaves, and holds nobody back any more. It reads nothing after it.
    pub(super) fn leave(&mut self) {
        self.cursor.leave(self.next);
    }

    /// May it read further than it knows of?
    #[inline(always)]
    fn look(&mut self, tail: &AtomicU64) -> bool {
        let known = self.known;
        self.known = self.bound(tail);
        self.known != known
    }

    /// How far those have come that it goes after.
    #[inline(always)]
    fn bound(&self, tail: &AtomicU64) -> u64 {
        let ahead = self.after.iter().map(|ahead| ahead.progress().position).min();
        // Acquire; partner: the Release in `Run::drop`. (With many publishers a number only.)
        ahead.unwrap_or_else(|| tail.load(Ordering::Acquire))
    }
}

/// A reader that is on its way, and shows how far it has come when it stops.
struct Passing<'a> {
    next: u64,
    seat: &'a mut Seat,
}

impl Drop for Passing<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.next != self.seat.next {
            self.seat.next = self.next;
            self.seat.cursor.pass(self.next);
        }
    }
}
