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

mod many;
mod seat;
mod single;

pub(super) use many::Refused;
pub(super) use seat::Seat;
pub(super) use single::Own;

use super::line::Line;
use super::readers::{Cursor, Readers};
use super::shared::row;
use crate::delivery::{CapacityError, CloseReason};
use crate::panics::drop_quietly;
use crate::prefetch::Prefetch;
use crate::sync::{AtomicU32, AtomicU64, Ordering, UnsafeCell};
use seat::Passing;
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

    /// Reads up to `max` events, in order, and shows how far it has come; also if `f` panics: then past the event it panicked with.
    /// Returns how many.
    #[inline]
    pub(super) fn read(&self, seat: &mut Seat, max: usize, f: impl FnMut(&E)) -> usize {
        match &self.places {
            Places::Marked(places) if seat.after.is_empty() => self.read_marked(places, seat, max, f),
            Places::Marked(places) => self.read_known(seat, max, f, |position| {
                let place = self.place(places, position);
                // Relaxed: those that we go after have read the mark.
                (place.mark.load(Ordering::Relaxed) & SKIPPED == 0).then_some(&place.value)
            }),
            Places::Plain(places) => self.read_known(seat, max, f, |position| Some(self.place(places, position))),
        }
    }

    /// The same where the tail, or those ahead, say how far one may read. `at` is what is at a position, if it was not skipped.
    #[inline(always)]
    fn read_known<'a>(
        &'a self,
        seat: &mut Seat,
        max: usize,
        mut f: impl FnMut(&E),
        at: impl Fn(u64) -> Option<&'a Value<E>>,
    ) -> usize {
        let mut passing = Passing { next: seat.next, seat };
        let mut left = max;
        while left > 0 && (passing.next < passing.seat.known || passing.seat.look(&self.tail)) {
            let end = passing.seat.known.min(passing.next.saturating_add(left as u64));
            while passing.next < end {
                let position = passing.next;
                passing.next += 1;
                if let Some(value) = at(position) {
                    left -= 1;
                    lend(value, &mut f);
                }
            }
        }
        max - left
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
