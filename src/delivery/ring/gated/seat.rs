//! Where a reader of a gated ring is.

use super::super::readers::Cursor;
use crate::sync::{AtomicU64, Ordering};

/// One reader's place in a gated ring. Apart from what others write, wherever its owner keeps it.
#[repr(align(128))]
pub(in crate::delivery::ring) struct Seat {
    cursor: Cursor,
    /// The next position to read.
    pub(super) next: u64,
    /// All before it may be read. Not used by who reads marks.
    pub(super) known: u64,
    /// Those that it goes after.
    pub(super) after: Vec<Cursor>,
}

impl Seat {
    pub(in crate::delivery::ring) fn new((cursor, next): (Cursor, u64), after: Vec<Cursor>) -> Self {
        Self { cursor, next, known: next, after }
    }

    pub(in crate::delivery::ring) fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The next position to read.
    #[inline(always)]
    pub(in crate::delivery::ring) fn position(&self) -> u64 {
        self.next
    }

    /// The reader leaves, and holds nobody back any more. It reads nothing after it.
    pub(in crate::delivery::ring) fn leave(&mut self) {
        self.cursor.leave(self.next);
    }

    /// May it read further than it knows of?
    #[inline(always)]
    pub(super) fn look(&mut self, tail: &AtomicU64) -> bool {
        let known = self.known;
        self.known = self.bound(tail);
        self.known != known
    }

    /// How far those have come that it goes after.
    #[inline(always)]
    pub(super) fn bound(&self, tail: &AtomicU64) -> u64 {
        let ahead = self.after.iter().map(|ahead| ahead.progress().position).min();
        // Acquire; partner: the Release in `Run::drop`. (With many publishers a number only.)
        ahead.unwrap_or_else(|| tail.load(Ordering::Acquire))
    }
}

/// A reader that is on its way, and shows how far it has come when it stops.
pub(super) struct Passing<'a> {
    pub(super) next: u64,
    pub(super) seat: &'a mut Seat,
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
