//! The count of a named topic's handles, which decides between taking one more and taking the topic away.
//!
//! A look-up finds a topic in a snapshot that may be old, and makes a handle; the collection takes topics away that nobody
//! holds. Were it to take one away that somebody is just getting a handle to, a third thread could make another topic of
//! the same name, and the two would never hear of each other. So both go through one word: the look-up adds one to it, the
//! collection exchanges zero for *closed*. Whichever is first in the word's order, the other sees it.
//!
//! ```text
//!              acquire, add            try_close               the topic leaves the table
//!   n handles ◀────────────▶ none ─────────────────▶ closed ──────────────────────────────▶ closed, for ever
//!              release         ▲                       │
//!                              └───────────────────────┘ reopen: it turned out to be in use
//! ```

use crate::sync::{AtomicU64, Ordering, const_unless_loom};

/// Set while the collection looks closer, and for good once it has taken the topic away.
const CLOSED: u64 = 1 << 63;

/// How many handles there are, or that there will be none any more.
pub(super) struct Handles {
    /// Handles, and those that `acquire` is about to take back; plus [`CLOSED`].
    count: AtomicU64,
}

impl Handles {
    const_unless_loom! {
        /// One handle: the maker's.
        pub(super) fn one() -> Self {
            Self { count: AtomicU64::new(1) }
        }
    }

    /// One handle more, for who has none; `false` if the topic is closed. Then the table's lock has to be taken, under which
    /// it is either open, or not in the table any more. Wait-free.
    #[inline]
    pub(super) fn acquire(&self) -> bool {
        // Relaxed; partner: the exchange in `try_close`. Before it in the order of the word: the exchange finds a handle and
        // fails. After it: we find the mark. Neither side reads anything that the other one wrote before; the topic itself
        // is passed on by the table.
        if self.count.fetch_add(1, Ordering::Relaxed) & CLOSED == 0 {
            return true;
        }
        // Not Release: this one was never a handle, and nothing was done through it.
        self.count.fetch_sub(1, Ordering::Relaxed);
        false
    }

    /// One handle more, for who has one: it cannot be closed.
    #[inline]
    pub(super) fn add(&self) {
        // Relaxed: made from a handle that exists.
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// One handle less.
    #[inline]
    pub(super) fn release(&self) {
        // Release; partner: the Acquire in `try_close`. If the exchange finds zero, it has read this or a change after it, and
        // sees what was connected through the handle. If it does not, it fails, and reads nothing.
        self.count.fetch_sub(1, Ordering::Release);
    }

    /// Closes it if there is no handle; whether it did. Only under the table's lock.
    pub(super) fn try_close(&self) -> bool {
        // The look spares those in use a locked instruction, and orders nothing.
        // Acquire; partner: the Release in `release`, of each handle that there was: all changes in between are exchanges and
        // continue its release sequence.
        self.count.load(Ordering::Relaxed) == 0
            && self.count.compare_exchange(0, CLOSED, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Takes the closing back. Only under the table's lock, by who has closed it.
    pub(super) fn reopen(&self) {
        // Relaxed; partner: `acquire`. Before this in the order of the word, it finds the mark, and asks again under the lock;
        // after it, it has a handle. (A subtraction, since failed attempts may be counted beside the mark.)
        self.count.fetch_sub(CLOSED, Ordering::Relaxed);
    }

    /// Has it been closed? Only under the table's lock, where nobody else closes or reopens.
    pub(super) fn is_closed(&self) -> bool {
        self.count.load(Ordering::Relaxed) & CLOSED != 0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_closed_and_what_is_closed_gives_no_handle() {
        let handles = Handles::one();
        assert!(handles.acquire());
        handles.release();
        assert!(!handles.try_close());
        handles.release();
        assert!(handles.try_close() && handles.is_closed());
        assert!(!handles.acquire());
        assert!(!handles.try_close());
        handles.reopen();
        assert!(!handles.is_closed() && handles.acquire());
    }
}
