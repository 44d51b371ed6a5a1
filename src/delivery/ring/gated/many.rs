//! Several publishers of a gated ring: positions are claimed, written, and marked.

use super::{Gated, HOW, Marked, OCCUPIED, ROUND_SHIFT, SKIPPED, put};
use crate::delivery::run::{Moving, RUN};
use crate::sync::Ordering;

/// Why no positions were claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::delivery::ring) enum Refused {
    /// A reader holds the ring back.
    Full,
    /// Another publisher has not yet written what it has claimed a whole round ago. It will, and nobody rings for that.
    Behind,
}

impl<E> Gated<E> {
    /// The mark of a position that is written, in the bits that are the round's. The place was marked so one round later than
    /// what [`before`](Self::before) says.
    #[inline(always)]
    pub(super) fn round(&self, position: u64) -> u32 {
        // Wraps; but a place is of this round or of the one before it when it is looked at.
        (((position >> self.mask.count_ones()) + 1) as u32) << ROUND_SHIFT
    }

    /// The mark that a position's place has before it is claimed.
    #[inline(always)]
    fn before(&self, position: u64) -> u32 {
        ((position >> self.mask.count_ones()) as u32) << ROUND_SHIFT
    }

    /// Claims so many positions in a row, not zero, if all readers are so far.
    #[inline]
    pub(in crate::delivery::ring) fn claim(&self, count: u64) -> Result<Claim<'_, E>, Refused> {
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
    /// nothing else says so.) Asks for the lines of later places: who claims comes here first, and writes what it has read here.
    #[inline(always)]
    fn is_done_with(&self, places: &[Marked<E>], position: u64) -> bool {
        self.prefetch.for_writing_behind(position, |later| self.place(places, later));
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
}

/// Positions that a publisher has claimed. What it has not written when it goes is skipped by the readers.
pub(in crate::delivery::ring) struct Claim<'a, E> {
    ring: &'a Gated<E>,
    places: &'a [Marked<E>],
    /// The first one that is not marked.
    unmarked: u64,
    /// The first one that is not written.
    next: u64,
    end: u64,
}

impl<E> Claim<'_, E> {
    /// Makes the next one; hands out what was there before, to be dropped by the caller. Readers find it when the claim has gone.
    #[inline(always)]
    pub(in crate::delivery::ring) fn write(&mut self, make: impl FnOnce() -> E) -> Option<E> {
        assert!(self.next < self.end, "a publisher writes what it has claimed");
        let place = self.ring.place(self.places, self.next);
        // SAFETY: claimed: all readers are past what was there, and its publisher has done with it.
        let old = unsafe { put(&place.value, make, is_occupied(place)) };
        self.next += 1;
        old
    }

    /// Writes what the iterator yields, as long as there are positions, and returns how many those were. What was there before is dropped one
    /// by one. Readers find them run by run.
    #[inline]
    pub(in crate::delivery::ring) fn write_all(&mut self, events: &mut impl Iterator<Item = E>) -> usize {
        let first = self.next;
        while self.next < self.end {
            let end = self.end.min(self.next + RUN);
            self.write_run(end, events);
            let is_over = self.next < end;
            self.mark_written();
            if is_over {
                break;
            }
        }
        (self.next - first) as usize
    }

    /// Writes up to `end`, or until there are no more.
    #[inline(always)]
    fn write_run(&mut self, end: u64, events: &mut impl Iterator<Item = E>) {
        let (ring, places) = (self.ring, self.places);
        let mut writing = Moving::new(&mut self.next);
        while writing.next < end {
            let Some(event) = events.next() else { return };
            let place = ring.place(places, writing.next);
            // SAFETY: as in `write`.
            let old = unsafe { put(&place.value, || event, is_occupied(place)) };
            writing.next += 1;
            drop(old);
        }
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

/// Was something written there before, that is to be dropped?
#[inline(always)]
fn is_occupied<E>(place: &Marked<E>) -> bool {
    // Relaxed: `claim` has read it, and nobody writes it but us.
    std::mem::needs_drop::<E>() && place.mark.load(Ordering::Relaxed) & OCCUPIED != 0
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
