//! The end of a list: its signal is dropped.

use super::chunk::{CHUNK_SLOTS, Chunk, bits};
use super::grace::Dead;
use super::sweep::Depth;
use super::{Cut, List};
use crate::domain::DomainCore;
use crate::epoch::{self, Draining};
use crate::world::world;
use std::panic::Location;
use std::ptr;

impl List {
    /// Ends every slot, drops at once what was not retired yet, and gives the list and its chunks back.
    ///
    /// Only for the last owner of the signal: no emission, no connect is under way or will ever come. What may still come
    /// are handles, which only know tags, and collectors, which take the sweep flag first.
    pub(super) fn tear_down(&'static self, domain: &'static DomainCore) {
        self.close(domain).dismantle(domain);
    }

    /// The first half: ends every slot, and runs nobody's destructor.
    pub(super) fn close(&'static self, domain: &'static DomainCore) -> Closed {
        let first = self.undisturbed(|| {
            let first = self.head();
            // First: whoever finds a slot dead by this finds the signal's end.
            self.end_life();
            // All of them, before any destructor runs: one that disconnects its neighbour must not win.
            let drops = chain(first).map(|chunk| {
                end_all(chunk, CHUNK_SLOTS);
                chunk.census().drops.count_ones()
            });
            // Counted before a collector can find the list gone: it is not complete as long as we are at it.
            domain.expect_drops(drops.map(u64::from).sum());
            self.set_head(ptr::null());
            // What it says does not concern the next signal.
            self.take_hint();
            first
        });
        Closed { list: self, first }
    }
}

/// A list whose signal has ended, with all that it held.
#[must_use = "it is to be dismantled"]
pub(super) struct Closed {
    list: &'static List,
    first: *const Chunk,
}

impl Closed {
    /// Wakes those who wait for the end. Before any destructor runs, which may wait for one of them.
    pub(super) fn tell(&self) {
        self.list.ring_end();
    }

    /// The second half: drops, and gives back.
    pub(super) fn dismantle(self, domain: &'static DomainCore) {
        // Destructors of captures do not run inside one another, as far as `collect` has a say in it.
        let _draining = Draining::start();
        for chunk in chain(self.first) {
            let mut dead = Dead::default();
            // SAFETY: dead, not retired and so never sent off, and no emission can be in them.
            dead.extend(unsafe { chunk.take_out(chunk.census().drops) });
            chunk.retire_all();
            if chunk.flight().detach() {
                // SAFETY: out of the list, out of limbo, with no closure left. Walkers there are none.
                unsafe { chunk.recycle() };
                domain.return_chunk(chunk);
            } else {
                domain.owe(CHUNK_SLOTS);
            }
            dead.drop_all(domain);
        }
        world().lists.put(self.list);
    }
}

impl List {
    /// Ends every slot that was connected before this call; how many it ended. What is due then is left to
    /// [`sweep_ended`](Self::sweep_ended).
    pub(super) fn end_all(&self, place: &'static Location<'static>) -> usize {
        self.walk(place, |chunk, limit| {
            let ended = end_all(chunk, limit);
            if ended > 0 {
                chunk.hint();
            }
            ended
        })
    }

    /// Sweeps what was ended by the many, and may run destructors.
    pub(super) fn sweep_ended(&'static self) {
        self.sweep(self.domain(), Depth::Hinted);
        self.domain().reclaim_if_due();
    }

    /// How many slots are live.
    pub(crate) fn live(&self, place: &'static Location<'static>) -> usize {
        self.walk(place, |chunk, limit| live_in(chunk, limit).count())
    }

    /// Is any slot live?
    pub(crate) fn any_live(&self, place: &'static Location<'static>) -> bool {
        let mut any = false;
        self.visit_chunks(place, |chunk, limit| {
            any = live_in(chunk, limit).next().is_some();
            !any
        });
        any
    }

    fn walk(&self, place: &'static Location<'static>, mut f: impl FnMut(&Chunk, usize) -> usize) -> usize {
        let mut sum = 0;
        self.visit_chunks(place, |chunk, limit| {
            sum += f(chunk, limit);
            true
        });
        sum
    }

    /// Shows each chunk up to the cut, with the number of its slots that lie before it, until `f` has seen enough.
    fn visit_chunks(&self, place: &'static Location<'static>, mut f: impl FnMut(&Chunk, usize) -> bool) {
        let _pin = epoch::pin(&self.domain().epoch, place);
        let cut: Cut = self.cut();
        let mut next = self.head();
        // SAFETY: chunks that were linked under our pin stay in place as long as it is held.
        while let Some(chunk) = unsafe { next.as_ref() } {
            let limit = cut.limit(chunk);
            if limit == 0 || !f(chunk, limit) {
                return;
            }
            next = chunk.next();
        }
    }
}

/// The chunks from `first` on, of a list that is the caller's: one that was torn down, or whose sweep flag it holds. Each
/// may be given away as soon as it has been returned.
fn chain(first: *const Chunk) -> impl Iterator<Item = &'static Chunk> {
    let mut next = first;
    std::iter::from_fn(move || {
        // SAFETY: chunks are immortal; one that is linked in the caller's list is nobody else's to relink or recycle.
        let chunk = unsafe { next.as_ref() }?;
        next = chunk.next();
        Some(chunk)
    })
}

/// The indices of the live slots below `limit`.
fn live_in(chunk: &Chunk, limit: usize) -> impl Iterator<Item = usize> {
    bits(chunk.unretired(limit)).filter(|&index| chunk.slots()[index].tag().is_live())
}

/// Ends the live slots below `limit`; how many.
fn end_all(chunk: &Chunk, limit: usize) -> usize {
    live_in(chunk, limit)
        .filter(|&index| {
            let slot = &chunk.slots()[index];
            let tag = slot.tag();
            tag.is_live() && slot.end(tag.live())
        })
        .count()
}
