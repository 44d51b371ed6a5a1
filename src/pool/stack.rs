//! A stack of things of one [`Pool`](super::Pool).

use super::Immortal;
use super::directory::Directory;
use crate::sync::{AtomicU32, AtomicU64, Ordering, const_unless_loom};
use std::marker::PhantomData;

/// The pool's own field in what it keeps.
pub(crate) struct Ticket {
    /// Its number in the directory. Written once, before it is taken or put for the first time.
    pub(super) number: AtomicU32,
    /// While it is on a stack: the number of the one below it, or zero.
    next: AtomicU32,
}

impl Ticket {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self { number: AtomicU32::new(0), next: AtomicU32::new(0) }
        }
    }

    /// The thing's number in its pool, for [`Pool::get`](super::Pool::get).
    pub(crate) fn number(&self) -> u32 {
        // Relaxed: written before the thing was taken for the first time.
        self.number.load(Ordering::Relaxed)
    }
}

/// A stack of immortal things, each of which is on one stack at most.
///
/// The head holds the number of the topmost thing and a tag that moves with each change. A pointer would leave
/// too few bits for the tag: a thread that is preempted between reading the head and exchanging it must not find the
/// same tag again, and 32 bits take minutes of nothing else to come round.
pub(crate) struct Stack<T: Immortal> {
    /// `tag << 32 | number`, number zero meaning empty.
    head: AtomicU64,
    _things: PhantomData<&'static T>,
}

const NUMBER_MASK: u64 = u32::MAX as u64;
const TAG_STEP: u64 = 1 << 32;

impl<T: Immortal> Stack<T> {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self { head: AtomicU64::new(0), _things: PhantomData }
        }
    }

    /// Puts a thing on top, which is on no stack.
    pub(crate) fn push(&self, thing: &'static T) {
        let ticket = thing.ticket();
        let number = u64::from(ticket.number());
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

    /// Takes the topmost thing. The directory is the one of the pool that made it.
    pub(super) fn pop(&self, directory: &Directory<T>) -> Option<&'static T> {
        // Acquire, here and where the exchange fails; partner: the Release in `push`.
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            let top = directory.get((head & NUMBER_MASK) as u32)?;
            // Perhaps stale: another thread may have taken `top` meanwhile. Then the tag has moved, and the exchange
            // fails, even if `top` is back on top.
            let next = u64::from(top.ticket().next.load(Ordering::Relaxed));
            let new = (head & !NUMBER_MASK).wrapping_add(TAG_STEP) | next;
            // Relaxed on success: the head we loaded was read with Acquire, and an exchange continues the release
            // sequence of the `push` below it.
            match self.head.compare_exchange_weak(head, new, Ordering::Relaxed, Ordering::Acquire) {
                Ok(_) => return Some(top),
                Err(found) => head = found,
            }
        }
    }
}
