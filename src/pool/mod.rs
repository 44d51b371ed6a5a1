//! Memory that is made once, never given back, and used again and again.
//!
//! A handle may point to a chunk long after its slot has gone, and a late disconnect may still leave its hint in a
//! list that serves another signal by then. Both are harmless because what they point to never changes its type.

mod directory;
mod stack;

use crate::sync::{Ordering, const_unless_loom, immortal};
use directory::Directory;
pub(crate) use stack::{Stack, Ticket};

/// Something that is kept in a [`Pool`].
///
/// # Safety
/// `ticket` must return the same field at each call, one that nothing but pool and stack touch.
pub(crate) unsafe trait Immortal: Sync + Sized + 'static {
    /// At most so many are made in one allocation.
    const SLAB: usize;

    fn fresh() -> Self;
    fn ticket(&self) -> &Ticket;
}

/// A stack of free things, and a directory of all that were ever made.
pub(crate) struct Pool<T: Immortal> {
    free: Stack<T>,
    directory: Directory<T>,
}

impl<T: Immortal> Pool<T> {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self { free: Stack::new(), directory: Directory::new() }
        }
    }

    /// Takes a free thing, or makes some. As it was when it was put back, or [`Immortal::fresh`].
    pub(crate) fn take(&'static self) -> &'static T {
        self.pop(&self.free).unwrap_or_else(|| self.grow())
    }

    /// Puts a thing back that nothing uses any more.
    pub(crate) fn put(&self, thing: &'static T) {
        self.free.push(thing);
    }

    /// Takes the topmost thing of a stack of this pool's things.
    pub(crate) fn pop(&self, stack: &Stack<T>) -> Option<&'static T> {
        stack.pop(&self.directory)
    }

    /// Makes a slab of things: one to return, the others to keep. A slab is as large as all before it, up to
    /// [`Immortal::SLAB`].
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

    /// The thing of that number, free or in use.
    pub(crate) fn get(&self, number: u32) -> Option<&'static T> {
        self.directory.get(number)
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
