//! A chunk's way through limbo.
//!
//! A chunk waits in limbo at most once at a time. What comes up while it waits, more dead slots or the unlinking of the
//! whole chunk, must not profit from the grace period that began before it: it has to wait for one of its own. So it
//! leaves a note, and the chunk is sent again when it comes back.
//!
//! ```text
//!            depart                      arrive
//!   idle ───────────────▶ flying ─────────────────────────▶ idle           nothing came up
//!                           │  ▲ │
//!                    depart │  └─┼──────────────────────── flying          something did: once more, stamped anew
//!                           ▼    │
//!                      flying + again
//!
//!   flying + unlinked, nothing new since ───────────────────────────────▶ free for the pool
//! ```

use crate::sync::{AtomicU32, Ordering};

const FLYING: u32 = 0b001;
/// Something came up after it departed.
const AGAIN: u32 = 0b010;
/// It is out of its list; when it arrives with nothing new, it is free.
const UNLINKED: u32 = 0b100;

/// The state of a chunk in respect of limbo.
pub(crate) struct Flight {
    /// Set by the holder of the sweep flag, or whoever has torn the list down; cleared by whoever completes a grace period.
    state: AtomicU32,
    /// Dead slots whose closures have not departed yet, one bit each.
    waiting: AtomicU32,
    /// The slots whose closures are on their way. Written by whoever sends the chunk off; read when it arrives.
    load: AtomicU32,
}

/// What becomes of a chunk whose grace period is over.
pub(crate) enum Arrival {
    /// It serves on in its list, and is no longer the caller's.
    Landed,
    /// It has to be retired once more, by the caller.
    Again,
    /// It belongs to the caller, for good.
    Free,
}

impl Flight {
    pub(crate) fn new() -> Self {
        Self { state: AtomicU32::new(0), waiting: AtomicU32::new(0), load: AtomicU32::new(0) }
    }

    /// Sends the closures of `slots` off, and the chunk with them if it is `unlinked`. Returns whether the caller has
    /// to retire the chunk; if not, it is under way already, and whoever completes that flight sees to this one.
    ///
    /// Only for the holder of the sweep flag.
    pub(crate) fn depart(&self, slots: u32, unlinked: bool) -> bool {
        let unlinked = if unlinked { UNLINKED } else { 0 };
        // Release; partner: the Acquire in `board`, which may run before the note below is left, for an earlier one. What
        // boards has been seen dead, and its death comes before its destructor.
        self.waiting.fetch_or(slots, Ordering::Release);
        // Release; partner: the Acquire in `arrive`. Whoever sees the note sees what is waiting, and the unlinking.
        // Acquire; partner: the Release in `arrive`. If the chunk has landed, its last load is gone.
        let before = self.state.fetch_or(FLYING | AGAIN | unlinked, Ordering::AcqRel);
        if before & FLYING != 0 {
            return false;
        }
        // Ours: no one else sends a chunk off, and it can't arrive before it is retired.
        self.board();
        self.state.store(FLYING | unlinked, Ordering::Relaxed);
        true
    }

    /// Takes the chunk out of its list for good. Returns whether it is the caller's now; if not, it is under way, and
    /// free when it arrives. Only for whoever has torn the list down.
    pub(crate) fn detach(&self) -> bool {
        // As in `depart`.
        self.state.fetch_or(FLYING | AGAIN | UNLINKED, Ordering::AcqRel) & FLYING == 0
    }

    /// The slots whose closures have arrived.
    pub(crate) fn arrived(&self) -> u32 {
        // Relaxed: written before the chunk was retired.
        self.load.load(Ordering::Relaxed)
    }

    /// Ends a flight, after the closures were moved out. Only for whoever the limbo returned the chunk to.
    pub(crate) fn arrive(&self) -> Arrival {
        loop {
            // Relaxed: of a note we see more below; without one, the limbo has passed on all there is.
            let state = self.state.load(Ordering::Relaxed);
            if state & AGAIN != 0 {
                // Acquire; partner: the Release in `depart` and `detach`, also of a note that was left since the load.
                self.state.fetch_and(!AGAIN, Ordering::Acquire);
                self.board();
                return Arrival::Again;
            }
            if state & UNLINKED != 0 {
                return Arrival::Free;
            }
            // Release; partner: the Acquire in `depart` and `detach`. The next to send it off finds the load gone.
            if self.state.compare_exchange(FLYING, 0, Ordering::Release, Ordering::Relaxed).is_ok() {
                return Arrival::Landed;
            }
        }
    }

    /// Moves what is waiting into the load.
    fn board(&self) {
        // Acquire; partner: the Release in `depart`. The load itself is passed on by the limbo.
        self.load.store(self.waiting.swap(0, Ordering::Acquire), Ordering::Relaxed);
    }

    pub(super) fn reset(&self) {
        // Relaxed: the pool's Release passes it on. Nothing waits: a chunk is free only when all has departed.
        self.state.store(0, Ordering::Relaxed);
        self.load.store(0, Ordering::Relaxed);
    }
}
