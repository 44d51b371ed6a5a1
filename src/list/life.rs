//! A signal's life: what remembers a signal without keeping it.

use super::{List, Root};
use crate::sync::diagnostic::Relaxed;
use std::ptr;

/// One signal's use of a list.
#[derive(Clone, Copy)]
pub(crate) struct Life {
    list: &'static List,
    number: u64,
}

impl Life {
    /// Has the signal been dropped? What a drop of the signal ended is known to be so.
    pub(crate) fn is_over(self) -> bool {
        self.list.work.lives.load(Relaxed) != self.number
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
        Life { list: self, number: self.work.lives.load(Relaxed) }
    }

    /// How many signals have ended that used it.
    pub(crate) fn lives(&self) -> u64 {
        self.work.lives.load(Relaxed)
    }

    /// Its signal ends. Before any slot does by that: a slot's death passes it on.
    pub(super) fn end_life(&self) {
        self.work.lives.fetch_add(1, Relaxed);
    }
}
