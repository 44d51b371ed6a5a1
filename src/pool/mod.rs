//! Memory that is made once, never given back, and used again and again.
//!
//! A handle may point to a chunk long after its slot has gone, and a late disconnect may still leave its hint in a
//! list that serves another signal by then. Both are harmless because what they point to never changes its type.

mod directory;

use crate::sync::{AtomicU32, AtomicU64, Ordering, const_unless_loom, immortal};
use directory::Directory;

/// Something that is kept in a [`Pool`].
///
/// # Safety
/// `ticket` must return the same field at each call, one that nothing but the pool touches.
pub(crate) unsafe trait Pooled: Sync + Sized + 'static {
    /// At most so many are made in one allocation.
    const SLAB: usize;

    fn fresh() -> Self;
    fn ticket(&self) -> &Ticket;
}

/// The pool's own field in what it keeps.
pub(crate) struct Ticket {
    /// Its number in the directory. Written once, before it is taken or put for the first time.
    number: AtomicU32,
    /// While it is free: the number of the next free one, or zero.
    next: AtomicU32,
}

impl Ticket {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self { number: AtomicU32::new(0), next: AtomicU32::new(0) }
        }
    }
}

/// A stack of free things, and a directory of all that were ever made.
///
/// The head holds the number of the topmost free thing and a tag that moves with each change. A pointer would leave
/// too few bits for the tag: a thread that is preempted between reading the head and exchanging it must not find the
/// same tag again, and 32 bits take minutes of nothing else to come round.
pub(crate) struct Pool<T: Pooled> {
    /// `tag << 32 | number`, number zero meaning empty.
    head: AtomicU64,
    directory: Directory<T>,
}

const NUMBER_MASK: u64 = u32::MAX as u64;
const TAG_STEP: u64 = 1 << 32;

impl<T: Pooled> Pool<T> {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self { head: AtomicU64::new(0), directory: Directory::new() }
        }
    }

    /// Takes a free thing, or makes some. As it was when it was put back, or [`Pooled::fresh`].
    pub(crate) fn take(&'static self) -> &'static T {
        self.pop().unwrap_or_else(|| self.grow())
    }

    /// Puts a thing back that nothing uses any more.
    pub(crate) fn put(&self, thing: &'static T) {
        let ticket = thing.ticket();
        // Relaxed: written before the thing was taken for the first time.
        let number = u64::from(ticket.number.load(Ordering::Relaxed));
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            ticket.next.store((head & NUMBER_MASK) as u32, Ordering::Relaxed);
            let new = (head & !NUMBER_MASK).wrapping_add(TAG_STEP) | number;
            // Release; partner: the Acquire loads in `pop`. Whoever takes the thing has seen the link above, and all
            // that was done to the thing before it was put back.
            match self.head.compare_exchange_weak(head, new, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(found) => head = found,
            }
        }
    }

    fn pop(&self) -> Option<&'static T> {
        // Acquire, here and where the exchange fails; partner: the Release in `put`.
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            let top = self.directory.get((head & NUMBER_MASK) as u32)?;
            // Perhaps stale: another thread may have taken `top` meanwhile. Then the tag has moved, and the exchange
            // fails, even if `top` is back on top.
            let next = u64::from(top.ticket().next.load(Ordering::Relaxed));
            let new = (head & !NUMBER_MASK).wrapping_add(TAG_STEP) | next;
            // Relaxed on success: the head we loaded was read with Acquire, and an exchange continues the release
            // sequence of the `put` below it.
            match self.head.compare_exchange_weak(head, new, Ordering::Relaxed, Ordering::Acquire) {
                Ok(_) => return Some(top),
                Err(found) => head = found,
            }
        }
    }

    /// Makes a slab of things: one to return, the others to keep. A slab is as large as all before it, up to
    /// [`Pooled::SLAB`].
    #[cold]
    fn grow(&'static self) -> &'static T {
        let size = self.made().clamp(1, T::SLAB);
        let slab = immortal((0..size).map(|_| T::fresh()).collect());
        for thing in slab {
            thing.ticket().number.store(self.directory.add(thing), Ordering::Relaxed);
        }
        let (first, rest) = slab.split_first().expect("a slab holds at least one");
        rest.iter().for_each(|thing| self.put(thing));
        first
    }

    /// How many were ever made.
    pub(crate) fn made(&self) -> usize {
        self.directory.len()
    }

    /// All that were ever made, free or in use.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'static T> {
        self.all_from(0).map(|(_, thing)| thing)
    }

    /// The same with their numbers, from the one after `start` round to it.
    pub(crate) fn all_from(&self, start: u32) -> impl Iterator<Item = (u32, &'static T)> {
        let made = self.made() as u32;
        let start = start.min(made);
        (start + 1..=made).chain(1..=start).filter_map(|number| Some((number, self.directory.get(number)?)))
    }
}
