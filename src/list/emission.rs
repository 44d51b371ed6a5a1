//! Emitting: the hot path.

use super::chunk::{CHUNK_SLOTS, Chunk, bits};
use super::slot::{Batch, Slot};
use super::{Cut, List};
use crate::domain::DomainCore;
use crate::epoch;
use crate::panics::{Policy, Propagation};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::ptr;

/// Runs every live slot that was connected before this call, in connection order.
///
/// # Safety
/// The list serves a signal of events like the one that `event` points to, which outlives the call.
#[inline(never)]
pub(crate) unsafe fn emit(list: &'static List, event: *const (), policy: &Policy, place: &'static Location<'static>) {
    // SAFETY: as demanded of the caller.
    unsafe { deliver(list, &mut One { event }, policy, place) }
}

/// The same for a slice of events, slot by slot: one pin and one walk.
///
/// # Safety
/// As for [`emit`], for all `count` events.
#[inline(never)]
pub(crate) unsafe fn emit_batch(
    list: &'static List,
    events: *const (),
    count: usize,
    policy: &Policy,
    place: &'static Location<'static>,
) {
    let mut many = Many { batch: Batch { events, count, next: 0 }, slot: ptr::null() };
    // SAFETY: as demanded of the caller.
    unsafe { deliver(list, &mut many, policy, place) }
}

/// # Safety
/// `what` holds events of the list's signal.
#[inline(always)]
unsafe fn deliver<D: Delivery>(list: &'static List, what: &mut D, policy: &Policy, place: &'static Location<'static>) {
    let pin = epoch::pin(&list.domain().epoch, place);
    let domain = list.domain();
    let mut walk = Walk { domain, cut: list.cut(), chunk: list.head(), index: 0, checked: 0, dead: 0 };
    let mut propagation = Propagation::default();
    // One catch for the whole walk costs nothing per slot; the walk knows where it was.
    // SAFETY: pinned; the events are of the list's signal.
    while let Err(payload) = catch_unwind(AssertUnwindSafe(|| unsafe { walk.run(what) })) {
        walk.after_panic(payload, what, policy, &mut propagation);
    }
    drop(pin);
    if walk.met_many_dead() {
        list.sweep_in_passing();
    }
    propagation.resume();
}

/// What an emission brings to each slot.
trait Delivery {
    /// # Safety
    /// The slot, one of `chunk`'s, was found live under a pin that is still held, and takes such events.
    unsafe fn give(&mut self, chunk: &Chunk, slot: &Slot);

    /// After a panic: has the slot still something to get?
    fn is_under_way(&self) -> bool;
}

struct One {
    event: *const (),
}

impl Delivery for One {
    #[inline(always)]
    unsafe fn give(&mut self, _: &Chunk, slot: &Slot) {
        // SAFETY: as demanded of the caller.
        unsafe { slot.call(self.event) };
    }

    fn is_under_way(&self) -> bool {
        false
    }
}

struct Many {
    batch: Batch,
    /// The slot that is getting it.
    slot: *const Slot,
}

impl Delivery for Many {
    unsafe fn give(&mut self, chunk: &Chunk, slot: &Slot) {
        // The same slot again, after a panic, goes on with the next event.
        if !ptr::eq(self.slot, slot) {
            self.slot = slot;
            self.batch.next = 0;
        }
        // SAFETY: as demanded of the caller; the functions are those of this very slot.
        unsafe { slot.call_batch(chunk.ops(index_in(chunk, slot)), &mut self.batch) };
    }

    fn is_under_way(&self) -> bool {
        self.batch.next < self.batch.count
    }
}

/// Where an emission stands.
struct Walk {
    domain: &'static DomainCore,
    cut: Cut,
    /// The chunk that is being walked.
    chunk: *const Chunk,
    /// The slot in it to go on with. Behind while the walk runs; up to date when it has been interrupted by a panic.
    index: usize,
    /// How many slots it has looked at, and how many of them were not live.
    checked: usize,
    dead: usize,
}

impl Walk {
    /// Walks on, from wherever it stands, to the cut.
    ///
    /// # Safety
    /// The pin under which the walk was started is held, and `what` brings events of the list's signal.
    #[inline(always)]
    unsafe fn run<D: Delivery>(&mut self, what: &mut D) {
        // SAFETY: chunks that were linked under our pin stay in place as long as it is held, unlinked or not.
        while let Some(chunk) = unsafe { self.chunk.as_ref() } {
            let Some(limit) = self.cut.limit(chunk) else { break };
            if chunk.retired() == 0 {
                let slots = chunk.slots().get(self.index..limit).unwrap_or_default();
                self.checked += slots.len();
                for slot in slots {
                    // SAFETY: as demanded of the caller.
                    unsafe { self.visit(chunk, slot, what) };
                }
            } else {
                let rest = chunk.unretired(limit) & u32::MAX.checked_shl(self.index as u32).unwrap_or(0);
                self.checked += rest.count_ones() as usize;
                for index in bits(rest) {
                    // SAFETY: as demanded of the caller.
                    unsafe { self.visit(chunk, &chunk.slots()[index], what) };
                }
            }
            self.chunk = chunk.next();
            self.index = 0;
        }
    }

    /// Calls one slot, if it is live at this very moment.
    ///
    /// # Safety
    /// As for [`run`](Self::run).
    #[inline(always)]
    unsafe fn visit<D: Delivery>(&mut self, chunk: &Chunk, slot: &Slot, what: &mut D) {
        if slot.tag().is_live() {
            let interrupted = Interrupted { walk: self, chunk, slot };
            // SAFETY: live, under the pin.
            unsafe { what.give(chunk, slot) };
            std::mem::forget(interrupted);
        } else {
            self.dead += 1;
        }
    }

    /// Counts the panic of the slot at which the walk was interrupted, and sets it to the one to go on with.
    #[cold]
    #[inline(never)]
    fn after_panic<D: Delivery>(
        &mut self,
        payload: Box<dyn std::any::Any + Send>,
        what: &D,
        policy: &Policy,
        propagation: &mut Propagation,
    ) {
        // SAFETY: interrupted inside a chunk, and still pinned.
        let chunk = unsafe { &*self.chunk };
        policy.slot_panicked(chunk, self.index, payload, self.domain, propagation);
        if !what.is_under_way() {
            self.index += 1;
        }
    }

    /// Is it worth sweeping? Not for a few dead ones: they cost less than the look.
    fn met_many_dead(&self) -> bool {
        self.dead >= CHUNK_SLOTS && 2 * self.dead > self.checked
    }
}

/// Notes where the walk was when a slot panics. Costs nothing when it doesn't: what it needs is in registers, and only
/// the unwinding path stores it.
struct Interrupted<'a> {
    walk: &'a mut Walk,
    chunk: &'a Chunk,
    slot: &'a Slot,
}

impl Drop for Interrupted<'_> {
    #[cold]
    fn drop(&mut self) {
        self.walk.index = index_in(self.chunk, self.slot);
    }
}

fn index_in(chunk: &Chunk, slot: &Slot) -> usize {
    (ptr::from_ref(slot).addr() - chunk.slots().as_ptr().addr()) / size_of::<Slot>()
}
