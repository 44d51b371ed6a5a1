//! The single publisher of a gated ring: it knows where it is, and the tail tells the others.

use super::{Gated, Value, put};
use crate::sync::Ordering;

impl<E> Gated<E> {
    /// Is there room for so many more?
    #[inline]
    pub(in crate::delivery::ring) fn has_room(&self, own: &mut Own, count: u64) -> bool {
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
    pub(in crate::delivery::ring) unsafe fn begin<'a>(&'a self, own: &'a mut Own) -> Run<'a, E> {
        Run { places: self.plain(), next: own.next, own, ring: self }
    }
}

/// What the single publisher of a ring knows of it.
#[derive(Debug)]
pub(in crate::delivery::ring) struct Own {
    next: u64,
    limit: u64,
}

impl Own {
    pub(in crate::delivery::ring) fn new() -> Self {
        Self { next: 0, limit: 0 }
    }
}

/// What the single publisher writes in one go, published when it goes.
pub(in crate::delivery::ring) struct Run<'a, E> {
    places: &'a [Value<E>],
    next: u64,
    own: &'a mut Own,
    ring: &'a Gated<E>,
}

impl<E> Run<'_, E> {
    /// Makes the next one; hands out what was there before, to be dropped by the caller.
    #[inline(always)]
    pub(in crate::delivery::ring) fn write(&mut self, make: impl FnOnce() -> E) -> Option<E> {
        assert!(self.next < self.own.limit, "a publisher writes what it has room for");
        let is_occupied = self.next > self.ring.mask;
        self.ring.prefetch.for_writing_behind(self.next, |later| self.ring.place(self.places, later));
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
