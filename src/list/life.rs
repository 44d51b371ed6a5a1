//! A signal's life: what remembers a signal without keeping it.

use super::{List, Root};
#[cfg(all(feature = "async", not(loom)))]
use crate::delivery::Bell;
use crate::sync::Ordering;
use std::ptr;

/// One signal's use of a list.
#[derive(Clone, Copy)]
pub(crate) struct Life {
    list: &'static List,
    number: u64,
}

impl Life {
    /// Has the signal been dropped? What a drop of the signal ended is known to be so. Who finds it over finds all that its emissions have
    /// done.
    pub(crate) fn is_over(self) -> bool {
        // Acquire; partner: the Release in `end_life`.
        self.list.work.lives.load(Ordering::Acquire) != self.number
    }

    /// Rings when the signal is dropped, and when all of its connections are ended; and now and then for nothing. Who has entered looks
    /// for the end after it.
    #[cfg(all(feature = "async", not(loom)))]
    pub(crate) fn bell(self) -> &'static Bell {
        self.list.work.end.bell()
    }
}

impl PartialEq for Life {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.list, other.list) && self.number == other.number
    }
}

impl Root {
    /// The signal's life; `None` if nothing was ever connected, or if it has lanes, each of which has one.
    pub(crate) fn life(&self) -> Option<Life> {
        self.list().map(List::life)
    }
}

impl List {
    /// That of the signal that uses it now.
    pub(crate) fn life(&'static self) -> Life {
        // Relaxed: its signal is there.
        Life { list: self, number: self.work.lives.load(Ordering::Relaxed) }
    }

    /// How many signals have ended that used it.
    pub(crate) fn lives(&self) -> u64 {
        // Relaxed: a number.
        self.work.lives.load(Ordering::Relaxed)
    }

    /// Wakes tasks that wait for the end, after slots were ended. Runs wakers, foreign code.
    pub(super) fn ring_end(&self) {
        #[cfg(all(feature = "async", not(loom)))]
        self.work.end.ring();
    }

    /// Its signal ends. Before any slot does by that: a slot's death passes it on.
    pub(super) fn end_life(&self) {
        // Release; partner: the Acquire in `is_over`. Emissions have returned before.
        self.work.lives.fetch_add(1, Ordering::Release);
    }
}
