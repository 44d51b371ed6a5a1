//! An object with what its pool has to know of it.

use super::core::Core;
use crate::sync::diagnostic::{AtomicPtr as Note, AtomicU64 as Word, Relaxed};
use std::cell::Cell;
use std::panic::Location;
use std::ptr::{self, NonNull};
use std::sync::Arc;

/// What is the same whatever the object is. A pointer to it is one to its [`Node`].
pub(crate) struct Header {
    /// Its place in the list of tracked nodes; under the lock of that list.
    pub(super) index: Cell<u32>,
    /// Its pool's number; [`NOWHERE`](super::numbers::NOWHERE) if it cannot return to a magazine as it is.
    number: u32,
    /// Of a tracked node that is out: where it was taken, and when, in nanoseconds by the pool's clock, plus one. Zero: not out.
    place: Note<Location<'static>>,
    since: Word,
}

/// An object of a pool, on the heap. It belongs to whoever holds the pointer: a guard, a key's cell, a magazine or a round.
///
/// On cache lines of its own, for two threads that use two objects; and that begin with the header, so that returning it needs
/// none that using it has not brought.
#[repr(C, align(64))]
pub(super) struct Node<T> {
    pub(super) header: Header,
    /// Keeps the pool's inside alive for as long as there is an object.
    pub(super) core: Arc<Core<T>>,
    pub(super) value: T,
}

impl Header {
    pub(crate) fn new(number: u32) -> Self {
        Self { index: Cell::new(0), number, place: Note::new(ptr::null_mut()), since: Word::new(0) }
    }

    /// What the magazine that it returns to is found by; none is, if more has to be done before.
    #[inline(always)]
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Notes that it is taken.
    #[inline]
    pub(super) fn note_taken(&self, place: &'static Location<'static>, now: u64) {
        self.place.store(ptr::from_ref(place).cast_mut(), Relaxed);
        self.since.store(now.saturating_add(1), Relaxed);
    }

    /// Notes that it is back.
    #[inline]
    pub(super) fn note_returned(&self) {
        self.since.store(0, Relaxed);
    }

    /// Where and when it was taken, if it is out. (Of one that changes hands meanwhile, either of both.)
    pub(super) fn taken(&self) -> Option<(&'static Location<'static>, u64)> {
        let since = self.since.load(Relaxed).checked_sub(1)?;
        // SAFETY: null, or a `&'static Location`.
        let place = unsafe { self.place.load(Relaxed).as_ref() }?;
        Some((place, since))
    }
}

impl<T> Node<T> {
    /// Puts an object on the heap, with its node. When it returns, magazines are found by that number.
    pub(super) fn allocate(core: Arc<Core<T>>, number: u32, value: T) -> NonNull<Header> {
        let node = Box::new(Self { header: Header::new(number), core, value });
        NonNull::from(Box::leak(node)).cast()
    }

    /// The object. (A pointer, because others may be looking at the header, so that nobody has the node for himself.)
    ///
    /// # Safety
    /// `header` is one of a `Node<T>`, which has not been freed.
    #[inline(always)]
    pub(super) unsafe fn value(header: NonNull<Header>) -> *mut T {
        // `repr(C)`: the header comes first.
        // SAFETY: as the caller says.
        unsafe { &raw mut (*header.as_ptr().cast::<Self>()).value }
    }

    /// Its pool's inside.
    ///
    /// # Safety
    /// As for [`value`](Self::value), for as long as the reference is used.
    #[inline(always)]
    pub(super) unsafe fn core<'a>(header: NonNull<Header>) -> &'a Arc<Core<T>> {
        // SAFETY: as the caller says; written by `allocate`, and never after it.
        unsafe { &(*header.as_ptr().cast::<Self>()).core }
    }

    /// The node as it was allocated, to be dropped or taken apart.
    ///
    /// # Safety
    /// As for [`value`](Self::value), and the caller owns it; nobody looks at the header any more.
    pub(super) unsafe fn into_box(header: NonNull<Header>) -> Box<Self> {
        // SAFETY: made by `allocate`, and no longer anybody else's.
        unsafe { Box::from_raw(header.as_ptr().cast()) }
    }
}
