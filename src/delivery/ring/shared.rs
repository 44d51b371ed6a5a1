//! A ring's inside: what its publishers and readers share.

use super::error::AfterError;
use super::gated::{Gated, Own, Publishers, Refused, Seat};
use super::lossy::{Lossy, MAX_READERS};
use super::readers::Cursor;
use crate::delivery::feed::Feed;
use crate::delivery::wait::is_over;
use crate::delivery::{Bell, CapacityError, CloseReason, TryRecvError, Wait};
use crate::sync::diagnostic::{AtomicU32 as Count, AtomicU64 as Total, Relaxed};
use crate::sync::{AtomicBool, AtomicU32, Ordering, pause};
use std::sync::Arc;
use std::time::Instant;

/// Room for more events than this cannot be asked for.
pub(super) const MAX_CAPACITY: usize = 1 << 22;

pub(super) enum Core<E> {
    Gated(Gated<E>),
    Lossy(Lossy<E>),
}

pub(super) struct Shared<E> {
    pub(super) core: Core<E>,
    /// Rung by publishers, when there is something to read; and by readers, for those that go after them.
    arrivals: Bell,
    /// Rung by the readers of a gated ring, when there is room.
    room: Bell,
    /// Publishers' handles.
    handles: AtomicU32,
    /// Have all of them gone?
    closed: AtomicBool,
    /// Has a reader that goes after others ever joined?
    chained: Count,
    readers: Count,
    lost: Total,
    refused: Total,
}

/// Where a reader is.
pub(super) enum Place {
    Gated(Seat),
    Lossy(u64),
}

/// Rings when it goes, also if that is because of a panic.
struct Ringing<'a>(&'a Bell);

impl Drop for Ringing<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.ring();
    }
}

impl<E> Shared<E> {
    pub(super) fn lossy(capacity: usize) -> Result<Arc<Self>, CapacityError> {
        check::<E>(capacity)?;
        Ok(Self::new(Core::Lossy(Lossy::new(capacity)?)))
    }

    pub(super) fn gated(capacity: usize, publishers: Publishers) -> Result<Arc<Self>, CapacityError> {
        check::<E>(capacity)?;
        Ok(Self::new(Core::Gated(Gated::new(capacity, publishers)?)))
    }

    fn new(core: Core<E>) -> Arc<Self> {
        Arc::new(Self {
            core,
            arrivals: Bell::new(),
            room: Bell::new(),
            handles: AtomicU32::new(1),
            closed: AtomicBool::new(false),
            chained: Count::new(0),
            readers: Count::new(0),
            lost: Total::new(0),
            refused: Total::new(0),
        })
    }

    pub(super) fn capacity(&self) -> usize {
        // It was a usize.
        (match &self.core {
            Core::Gated(gated) => gated.capacity(),
            Core::Lossy(lossy) => lossy.capacity(),
        }) as usize
    }

    pub(super) fn is_lossy(&self) -> bool {
        matches!(self.core, Core::Lossy(_))
    }

    /// How many positions were claimed.
    pub(super) fn tail(&self) -> u64 {
        match &self.core {
            // Relaxed: a number.
            Core::Gated(gated) => gated.tail().load(Ordering::Relaxed),
            Core::Lossy(lossy) => lossy.tail(),
        }
    }

    // --- handles -----------------------------------------------------------------------------------------------------

    pub(super) fn add_handle(&self) {
        // Relaxed: who adds one has one. So many cannot be made without leaking them; then it must not come round.
        let before = self.handles.fetch_add(1, Ordering::Relaxed);
        assert!(before < u32::MAX / 2, "pulsebus: too many handles of one ring");
    }

    pub(super) fn remove_handle(&self) {
        // AcqRel: what was published through one handle comes before the closing by another.
        if self.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Release; partner: the Acquire in `is_closed`: who finds it closed finds all that was published.
            self.closed.store(true, Ordering::Release);
            self.arrivals.ring();
        }
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(super) fn readers(&self) -> u32 {
        self.readers.load(Relaxed)
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    pub(super) fn note_refused(&self, count: u64) {
        self.refused.fetch_add(count, Relaxed);
    }

    // --- publishing --------------------------------------------------------------------------------------------------

    /// Makes one and publishes it, or gives back what would have made it.
    #[inline(always)]
    pub(super) fn send<F: FnOnce() -> E>(&self, make: F) -> Result<(), (F, Refused)> {
        // Rings after the claim has gone, also if `make` panics: then a gated ring's position is skipped.
        let (old, ringing) = match &self.core {
            Core::Gated(gated) => {
                let claim = match gated.claim(1) {
                    Ok(claim) => claim,
                    Err(refused) => return Err((make, refused)),
                };
                let (ringing, mut claim) = (Ringing(&self.arrivals), claim);
                ((claim.write(make), None), ringing)
            }
            Core::Lossy(lossy) => {
                // Made first: it is moved to its place anyway, and holds no reader up.
                let event = make();
                let (ringing, mut claim) = (Ringing(&self.arrivals), lossy.claim(1));
                (claim.write(event), ringing)
            }
        };
        drop(ringing);
        // Foreign code last.
        drop(old);
        Ok(())
    }

    /// Publishes so many of them in a row, not zero and no more than the capacity; or none. (If there are fewer, or one panics: those
    /// before it.) Returns how many there were.
    pub(super) fn send_all(&self, count: usize, events: &mut Feed<impl Iterator<Item = E>>) -> Result<usize, Refused> {
        Ok(match &self.core {
            Core::Gated(gated) => {
                let claim = gated.claim(count as u64)?;
                // Rings after the claim has gone, which skips what was not written.
                let (_ringing, mut claim) = (Ringing(&self.arrivals), claim);
                events.with(|events| claim.write_all(events))
            }
            Core::Lossy(lossy) => {
                let (_ringing, mut claim) = (Ringing(&self.arrivals), lossy.claim(count as u64));
                events.with(|events| events.take(count).map(|event| drop(claim.write(event))).count())
            }
        })
    }

    /// The same for the single publisher of a ring.
    ///
    /// # Safety
    /// `own` is the only one of this ring.
    #[inline(always)]
    pub(super) unsafe fn send_single<F: FnOnce() -> E>(&self, own: &mut Own, make: F) -> Result<(), (F, Refused)> {
        let gated = self.single();
        if !gated.has_room(own, 1) {
            return Err((make, Refused::Full));
        }
        // SAFETY: there is room for one; the rest as the caller says.
        let old = unsafe { gated.begin(own) }.write(make);
        self.arrivals.ring();
        drop(old);
        Ok(())
    }

    /// # Safety
    /// As for [`send_single`](Self::send_single).
    #[inline]
    pub(super) unsafe fn send_all_single(
        &self,
        own: &mut Own,
        count: usize,
        events: &mut Feed<impl Iterator<Item = E>>,
    ) -> Result<usize, Refused> {
        let gated = self.single();
        if !gated.has_room(own, count as u64) {
            return Err(Refused::Full);
        }
        // SAFETY: there is room for `count`; the rest as the caller says.
        let (_ringing, mut run) = (Ringing(&self.arrivals), unsafe { gated.begin(own) });
        Ok(events.with(|events| events.take(count).map(|event| drop(run.write(|| event))).count()))
    }

    #[inline(always)]
    fn single(&self) -> &Gated<E> {
        match &self.core {
            Core::Gated(gated) => gated,
            Core::Lossy(_) => unreachable!("a ring with a single publisher is gated"),
        }
    }

    /// Publishes by parts what an iterator of that length yields; `send` publishes at most the capacity at a time.
    pub(super) fn send_parts(&self, mut left: usize, mut send: impl FnMut(usize) -> Option<usize>) -> Option<()> {
        while left > 0 {
            let count = left.min(self.capacity());
            // Who yields less than promised has no more.
            left = if send(count)? < count { 0 } else { left - count };
        }
        Some(())
    }

    /// Waits until the attempt succeeds; `None` if it did not in time. It is made at least once.
    pub(super) fn wait_for_room<R>(
        &self,
        wait: Wait,
        deadline: Option<Instant>,
        mut attempt: impl FnMut() -> Result<R, Refused>,
    ) -> Option<R> {
        let mut rounds = 0;
        loop {
            let found = match attempt() {
                Err(Refused::Full) => {
                    let ready = || Some(attempt()).filter(|found| !matches!(found, Err(Refused::Full)));
                    self.room.wait(wait, || deadline, ready)?
                }
                found => found,
            };
            match found {
                Ok(result) => return Some(result),
                Err(_) if is_over(deadline) => return None,
                // For a publisher that has claimed and not written: nobody rings for that.
                Err(_) => pause(&mut rounds),
            }
        }
    }

    // --- reading -----------------------------------------------------------------------------------------------------

    pub(super) fn join(&self) -> Place {
        self.count_reader();
        match &self.core {
            Core::Gated(gated) => self.joined(gated.readers.join_at(gated.tail())),
            Core::Lossy(lossy) => Place::Lossy(lossy.tail()),
        }
    }

    pub(super) fn join_oldest(&self) -> Place {
        self.count_reader();
        match &self.core {
            Core::Gated(gated) => self.joined(gated.readers.join_oldest(gated.tail())),
            Core::Lossy(lossy) => Place::Lossy(lossy.oldest()),
        }
    }

    /// While it was joining, it has held publishers back from where the tail was before; and some may sleep for that.
    fn joined(&self, begun: (Cursor, u64)) -> Place {
        self.room.ring();
        Place::Gated(Seat::new(begun, Vec::new()))
    }

    /// One that goes after those, which are this ring's.
    pub(super) fn join_after(&self, places: &[&Place]) -> Result<Place, AfterError> {
        let Core::Gated(gated) = &self.core else { return Err(AfterError::Lossy) };
        let seats = places.iter().map(|place| match place {
            Place::Gated(seat) => seat.cursor(),
            Place::Lossy(_) => unreachable!("a lossy ring's place"),
        });
        let cursors: Vec<&Cursor> = seats.collect();
        let start = cursors.iter().map(|cursor| cursor.progress().position).min().ok_or(AfterError::Nobody)?;
        self.count_reader();
        let place = gated.readers.join_with(start);
        let after = cursors.into_iter().map(Cursor::share).collect();
        // Before those that we go after read on, who see it: they are borrowed.
        self.chained.store(1, Relaxed);
        Ok(Place::Gated(Seat::new(place, after)))
    }

    fn count_reader(&self) {
        let more = |readers| (readers < MAX_READERS).then(|| readers + 1);
        let counted = self.readers.fetch_update(Relaxed, Relaxed, more);
        assert!(counted.is_ok(), "pulsebus: a ring has {MAX_READERS} readers at the most");
    }

    pub(super) fn leave(&self, place: &mut Place) {
        if let Place::Gated(seat) = place {
            seat.leave();
            self.room.ring();
            // For those that go after it, which get no further.
            self.arrivals.ring();
        }
        self.readers.fetch_sub(1, Relaxed);
    }

    /// Lends up to `max` events, not zero. Returns how many; zero if there are none at present, or if some were lost before.
    #[inline(always)]
    pub(super) fn read_some(&self, place: &mut Place, max: usize, f: impl FnMut(&E)) -> usize {
        match (&self.core, place) {
            (Core::Gated(gated), Place::Gated(seat)) => {
                let before = seat.position();
                let passed = Passed(self);
                let count = gated.read(seat, max, f);
                if seat.position() == before {
                    std::mem::forget(passed);
                }
                count
            }
            (Core::Lossy(lossy), Place::Lossy(next)) => lossy.read(next, max, f),
            _ => unreachable!("another ring's place"),
        }
    }

    /// The same, and why it was none.
    #[inline(always)]
    pub(super) fn read(&self, place: &mut Place, max: usize, mut f: impl FnMut(&E)) -> Result<usize, TryRecvError> {
        let count = self.read_some(place, max, &mut f);
        if count > 0 { Ok(count) } else { self.read_none(place, max, f, false) }
    }

    /// Nothing was there: why? The caller may know, before this call, that nobody publishes any more, though a handle is left.
    #[cold]
    pub(super) fn read_none(
        &self,
        place: &mut Place,
        max: usize,
        mut f: impl FnMut(&E),
        is_known_closed: bool,
    ) -> Result<usize, TryRecvError> {
        self.look_for_lost(place)?;
        // Acquire; partner: the Release in `remove_handle`.
        let is_closed = self.is_closed() || is_known_closed;
        if is_closed {
            // What was published before it was closed.
            let count = self.read_some(place, max, &mut f);
            if count > 0 {
                return Ok(count);
            }
            self.look_for_lost(place)?;
        }
        let end = match (&self.core, place) {
            (Core::Gated(gated), Place::Gated(seat)) => gated.end(seat, is_closed),
            (Core::Lossy(lossy), Place::Lossy(next)) => {
                (is_closed && *next == lossy.tail()).then_some(CloseReason::PublishersGone)
            }
            _ => unreachable!("another ring's place"),
        };
        Err(end.map_or(TryRecvError::Empty, TryRecvError::Closed))
    }

    fn look_for_lost(&self, place: &mut Place) -> Result<(), TryRecvError> {
        let (Core::Lossy(lossy), Place::Lossy(next)) = (&self.core, place) else { return Ok(()) };
        match lossy.skip_lost(next) {
            0 => Ok(()),
            lost => {
                self.lost.fetch_add(lost, Relaxed);
                Err(TryRecvError::Lagged(lost))
            }
        }
    }

    /// The same, waiting until there is something to say; `Empty` if there was not in time.
    pub(super) fn read_waiting(
        &self,
        place: &mut Place,
        wait: Wait,
        deadline: impl FnOnce() -> Option<Instant>,
        max: usize,
        mut f: impl FnMut(&E),
    ) -> Result<usize, TryRecvError> {
        let attempt = || match self.read(place, max, &mut f) {
            Err(TryRecvError::Empty) => None,
            found => Some(found),
        };
        self.arrivals.wait(wait, deadline, attempt).unwrap_or(Err(TryRecvError::Empty))
    }

    /// How many wait for the reader, at the most.
    pub(super) fn waiting(&self, place: &Place) -> u64 {
        match (&self.core, place) {
            (Core::Gated(gated), Place::Gated(seat)) => gated.waiting(seat),
            (Core::Lossy(lossy), Place::Lossy(next)) => lossy.tail().saturating_sub(*next).min(lossy.capacity()),
            _ => unreachable!("another ring's place"),
        }
    }
}

/// Rings for those who wait for a reader that has moved on, also if it has panicked.
struct Passed<'a, E>(&'a Shared<E>);

impl<E> Drop for Passed<'_, E> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.room.ring();
        if self.0.chained.load(Relaxed) != 0 {
            self.0.arrivals.ring();
        }
    }
}

/// So many things in a row, for a ring of that capacity.
pub(super) fn row<T>(capacity: usize, length: usize, make: impl FnMut(usize) -> T) -> Result<Box<[T]>, CapacityError> {
    let mut row = Vec::new();
    row.try_reserve_exact(length).map_err(|_| CapacityError::NoMemory { asked: capacity })?;
    row.extend((0..length).map(make));
    Ok(row.into_boxed_slice())
}

/// Is that a capacity?
fn check<E>(capacity: usize) -> Result<(), CapacityError> {
    // What a place takes, at the most: an event, its position and round, and who is reading it.
    let most = MAX_CAPACITY.min(isize::MAX as usize / 2 / (size_of::<E>() + 64));
    match capacity {
        0 => Err(CapacityError::Zero),
        asked if asked > most => Err(CapacityError::TooLarge { asked, most }),
        _ => Ok(()),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::check;
    use crate::CapacityError;

    /// Here, and not by a ring of such events, whose code some tools cannot compile.
    #[test]
    fn events_too_large_for_the_address_space_are_refused() {
        type Huge = [u8; isize::MAX as usize / 64];
        let error = CapacityError::TooLarge { asked: 1 << 10, most: 31 };
        assert_eq!(check::<Huge>(1 << 10), Err(error));
        assert_eq!(check::<Huge>(31), Ok(()));
    }
}
