//! Whose turn it is at one slot of a state: newer values only, and one thread at a time.
//!
//! ```text
//!          admit(n), n is newer                     admit(n), n is newer: somebody is inside
//!  idle ───────────────────────▶ busy, has seen n ──────────────────────────────────────────▶ busy, and missed one
//!    ▲                             │                                                                 │
//!    └──────────── leave ──────────┴──────────────────── leave: and emits the newest value ──────────┘
//! ```
//!
//! A number of the last version alone would not do: of two threads that bring two values, the one with the older value
//! may be admitted first, sleep, and call the slot when the other one has called it with the newer one. So whoever
//! comes while another is inside leaves a note, and goes on; who is inside finds the note when it leaves, and sees to
//! it that the slot gets what is newest then. Nobody waits, and it makes no difference whether the other is another
//! thread or the slot itself, that sets the state it listens to.

use crate::sync::{AtomicU64, Ordering, const_unless_loom};
use std::cell::Cell;

/// Somebody is calling the slot.
const BUSY: u64 = 1;
/// Somebody else has brought a newer value meanwhile, and has gone on.
const MISSED: u64 = 2;
const VERSION_SHIFT: u32 = 2;

/// The word of one slot: the version that it was called with last, and who is about it.
pub(crate) struct Gate(AtomicU64);

impl Gate {
    const_unless_loom! {
        /// Nothing seen yet; versions begin with one.
        pub(crate) fn new() -> Self {
            Self(AtomicU64::new(0))
        }
    }

    /// The right to call the slot with this version, if it has not been called with it or a newer one, and nobody is
    /// calling it.
    ///
    /// `missed` is set when the right is given back, if a newer version has come meanwhile: then the slot has to be
    /// offered the newest one. Lock-free: repeats only if another thread has got on.
    #[inline]
    pub(crate) fn admit<'a>(&'a self, version: u64, missed: &'a Cell<bool>) -> Option<Inside<'a>> {
        let inside = (version << VERSION_SHIFT) | BUSY;
        // What it is most of the time: idle, with the version before this one.
        let mut word = (version - 1) << VERSION_SHIFT;
        loop {
            let found = if version <= word >> VERSION_SHIFT {
                return None;
            } else if word & BUSY == 0 {
                // Acquire; partner: the Release in `leave`. What the slot did in the call before comes before this one.
                self.0.compare_exchange(word, inside, Ordering::Acquire, Ordering::Relaxed)
            } else {
                // Relaxed: whoever reads the note in `leave` asks for the newest version then, under the lock under
                // which ours was made the newest. Had it asked before that, its `leave` would come before this note.
                self.0.compare_exchange(word, word | MISSED, Ordering::Relaxed, Ordering::Relaxed)
            };
            match found {
                Ok(_) if word & BUSY == 0 => return Some(Inside { gate: self, missed }),
                Ok(_) => return None,
                Err(found) => word = found,
            }
        }
    }

    fn leave(&self) -> bool {
        // Release; partner: the Acquire in `admit`. (Changes by notes in between are exchanges, and continue it.)
        self.0.fetch_and(!(BUSY | MISSED), Ordering::Release) & MISSED != 0
    }
}

/// The right to call a slot. It is given back also when the slot unwinds.
pub(crate) struct Inside<'a> {
    gate: &'a Gate,
    missed: &'a Cell<bool>,
}

impl Drop for Inside<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.gate.leave() {
            self.missed.set(true);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn only_newer_versions_are_admitted() {
        let (gate, missed) = (Gate::new(), Cell::new(false));
        assert!(gate.admit(3, &missed).is_some());
        assert!(gate.admit(3, &missed).is_none() && gate.admit(2, &missed).is_none());
        assert!(gate.admit(4, &missed).is_some());
        assert!(!missed.get(), "nobody was inside");
    }

    #[test]
    fn who_is_inside_learns_of_what_came_meanwhile_if_it_was_newer() {
        let (gate, missed, other) = (Gate::new(), Cell::new(false), Cell::new(false));
        let inside = gate.admit(2, &missed);
        assert!(gate.admit(1, &other).is_none() && gate.admit(2, &other).is_none());
        drop(inside);
        assert!(!missed.get());

        let inside = gate.admit(3, &missed);
        assert!(gate.admit(5, &other).is_none() && gate.admit(4, &other).is_none());
        drop(inside);
        assert!(missed.get() && !other.get());
        assert!(gate.admit(5, &other).is_some(), "a note is not a call");
    }
}
