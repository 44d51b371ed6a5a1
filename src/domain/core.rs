//! What a domain consists of: its epoch, its limbo, its figures.

use super::hook::HookPlace;
use crate::epoch::{Draining, Epoch, Limbo, Turn};
use crate::list::{CHUNK_SLOTS, Chunk, Done, finish};
use crate::panics::Hook;
use crate::pool::{Immortal, Ticket};
use crate::sync::diagnostic::{AtomicU64 as Count, Relaxed};
use crate::sync::{AtomicU64, Ordering, const_unless_loom};
use crate::world::world;

/// So many slots are retired before a connect asks for a grace period: the barrier (17 µs where it was measured) then
/// costs a disconnection 4 ns, and 4,096 slots keep 256 KiB.
const GRACE_DEBT: u64 = 4096;

/// A domain. Immortal, and used again when its last handle has gone.
#[repr(align(128))]
pub(crate) struct DomainCore {
    pub(crate) epoch: Epoch,
    limbo: Limbo<Chunk>,
    /// Handles of the domain, its signals included. Not counted for the global one.
    handles: AtomicU64,
    /// Closures that sweeps or the ends of signals have found dead, and those of them that have been dropped.
    retired: AtomicU64,
    dropped: AtomicU64,
    manual: Count,
    /// Slots retired since the last grace period was asked for.
    debt: Count,
    /// Where the next maintenance goes on.
    cursor: Count,
    pub(super) figures: Figures,
    hook: HookPlace,
    ticket: Ticket,
}

/// Counters. (Of chunks, whether a domain that has ended is done with.)
pub(super) struct Figures {
    pub(super) chunks: Count,
    pub(super) chunks_peak: Count,
    /// Ever, for whatever [`Domain`](crate::Domain); and what it was when the present one began.
    pub(super) chunks_taken: Count,
    pub(super) chunks_taken_before: Count,
    pub(super) slot_panics: Count,
    pub(super) drop_panics: Count,
    pub(super) grace_periods: Count,
}

// SAFETY: `ticket` serves nothing else.
unsafe impl Immortal for DomainCore {
    const SLAB: usize = 1;

    fn fresh() -> Self {
        Self::new()
    }

    fn ticket(&self) -> &Ticket {
        &self.ticket
    }
}

impl DomainCore {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self {
                epoch: Epoch::new(),
                limbo: Limbo::new(),
                handles: AtomicU64::new(0),
                retired: AtomicU64::new(0),
                dropped: AtomicU64::new(0),
                manual: Count::new(0),
                debt: Count::new(0),
                cursor: Count::new(0),
                figures: Figures {
                    chunks: Count::new(0),
                    chunks_peak: Count::new(0),
                    chunks_taken: Count::new(0),
                    chunks_taken_before: Count::new(0),
                    slot_panics: Count::new(0),
                    drop_panics: Count::new(0),
                    grace_periods: Count::new(0),
                },
                hook: HookPlace::new(),
                ticket: Ticket::new(),
            }
        }
    }

    /// Starts over for a new [`Domain`](crate::Domain), with one handle.
    pub(super) fn begin(&self) {
        self.handles.store(1, Ordering::Relaxed);
        self.manual.store(0, Relaxed);
        self.debt.store(0, Relaxed);
        self.hook.set(None);
        let Figures { chunks_taken, slot_panics, drop_panics, grace_periods, .. } = &self.figures;
        for figure in [slot_panics, drop_panics, grace_periods] {
            figure.store(0, Relaxed);
        }
        self.figures.chunks_taken_before.store(chunks_taken.load(Relaxed), Relaxed);
        self.figures.chunks_peak.store(self.figures.chunks.load(Relaxed), Relaxed);
    }

    pub(super) fn add_handle(&self) {
        // Relaxed: made from a handle that exists.
        self.handles.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes one handle away; whether it was the last.
    pub(super) fn remove_handle(&self) -> bool {
        // Release; partner: the Acquire half of the last one: all that was done through handles comes before the end.
        self.handles.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Does somebody have it, or has it ended with something left to reclaim?
    pub(super) fn is_in_use(&self) -> bool {
        self.handles.load(Ordering::Relaxed) > 0 || self.holds_anything()
    }

    pub(super) fn cursor(&self) -> u32 {
        self.cursor.load(Relaxed) as u32
    }

    pub(super) fn set_cursor(&self, number: u32) {
        self.cursor.store(number.into(), Relaxed);
    }

    pub(super) fn set_manual(&self, manual: bool) {
        self.manual.store(u64::from(manual), Relaxed);
    }

    pub(super) fn is_manual(&self) -> bool {
        self.manual.load(Relaxed) != 0
    }

    /// A chunk from the pool.
    pub(crate) fn take_chunk(&self) -> &'static Chunk {
        let chunks = self.figures.chunks.fetch_add(1, Relaxed) + 1;
        self.figures.chunks_peak.fetch_max(chunks, Relaxed);
        self.figures.chunks_taken.fetch_add(1, Relaxed);
        world().chunks.take()
    }

    /// A chunk back to the pool.
    pub(crate) fn return_chunk(&self, chunk: &'static Chunk) {
        self.figures.chunks.fetch_sub(1, Relaxed);
        world().chunks.put(chunk);
    }

    /// Sends the closures of a chunk's dead slots into limbo, with the chunk itself if it was unlinked. Only for the
    /// holder of its list's sweep flag.
    pub(crate) fn retire(&self, chunk: &'static Chunk, drops: u32, unlinked: bool) {
        let closures = drops.count_ones();
        self.expect_drops(closures.into());
        self.owe(closures as usize + if unlinked { CHUNK_SLOTS } else { 0 });
        if chunk.flight().depart(drops, unlinked) {
            self.limbo.retire(chunk);
        }
    }

    /// Counts slots that wait for a grace period.
    pub(crate) fn owe(&self, slots: usize) {
        self.debt.fetch_add(slots as u64, Relaxed);
    }

    /// Counts closures that will be dropped, before the list that holds them changes, under its sweep flag.
    pub(crate) fn expect_drops(&self, closures: u64) {
        // Relaxed: a collector that finds the list changed has taken its sweep flag after us.
        self.retired.fetch_add(closures, Ordering::Relaxed);
    }

    /// Counts closures that have been dropped.
    pub(crate) fn note_dropped(&self, closures: usize) {
        // Release; partner: the Acquire in `pending`: their destructors have returned.
        self.dropped.fetch_add(closures as u64, Ordering::Release);
    }

    /// Sends a chunk into limbo once more, whose flight has just ended and found something new.
    pub(crate) fn retire_again(&self, chunk: &'static Chunk) {
        self.limbo.retire(chunk);
    }

    /// Closures in limbo, or on their way to their destructors. With zero, all destructors of closures that were
    /// retired before have returned.
    pub(super) fn pending(&self) -> u64 {
        // Acquire; partner: the Release in `note_dropped`. First the dropped, then the retired: both only grow, and the
        // former never passes the latter, so that equality means that there was nothing between them.
        let dropped = self.dropped.load(Ordering::Acquire);
        self.retired.load(Ordering::Relaxed).saturating_sub(dropped)
    }

    /// Is anything left to reclaim, closures or chunks? For a domain without signals.
    pub(super) fn holds_anything(&self) -> bool {
        self.pending() > 0 || self.figures.chunks.load(Relaxed) > 0
    }

    /// One step towards reclaiming what is in limbo. Runs destructors.
    pub(super) fn reclaim(&'static self, draining: &Draining, go_on: impl FnMut() -> bool) -> Step {
        match self.limbo.turn(&self.epoch) {
            Turn::Empty => Step::Empty,
            Turn::Busy | Turn::Blocked => Step::Stuck,
            Turn::Ready(ready) => {
                self.figures.grace_periods.fetch_add(1, Relaxed);
                Step::Done(finish(ready, self, draining, go_on))
            }
        }
    }

    /// The step that connects make after thousands of retirements, where destructors may run.
    pub(crate) fn reclaim_if_due(&'static self) {
        if self.debt.load(Relaxed) < GRACE_DEBT || self.is_manual() {
            return;
        }
        if let Some(draining) = Draining::start() {
            self.debt.store(0, Relaxed);
            if let Step::Stuck = self.reclaim(&draining, || true) {
                // Most probably by the pin of a thread that will soon have gone, which cost no barrier to find out.
                self.owe(GRACE_DEBT as usize - CHUNK_SLOTS * 16);
            }
        }
    }

    pub(crate) fn count_slot_panic(&self) {
        self.figures.slot_panics.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_drop_panic(&self) {
        self.figures.drop_panics.fetch_add(1, Relaxed);
    }

    pub(super) fn hook(&self) -> &HookPlace {
        &self.hook
    }

    /// Shows the panic hook to `f`, if there is one.
    pub(crate) fn with_hook(&self, f: impl FnOnce(&Hook)) {
        self.hook.with(f);
    }
}

/// What one step came to.
pub(super) enum Step {
    /// There is nothing in limbo.
    Empty,
    /// Another thread is pinned in an older epoch, or at it.
    Stuck,
    /// The epoch moved; perhaps nothing was old enough yet.
    Done(Done),
}
