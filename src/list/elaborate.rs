//! Emitting a signal that has lanes: one after the other, by their cuts of the beginning.

use super::chunk::Chunk;
use super::delivery::{Delivery, Many, One, Stoppable};
use super::emission::{Span, WORTH_SWEEPING, run_through, sweep_in_passing};
use super::lanes::Lane;
use super::slot::{Batch, Slot};
use super::stop::Stop;
use super::{Cut, Root};
use crate::emitted::Emitted;
use crate::epoch;
use crate::panics::Propagation;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};

/// Runs every live slot that was connected before this call, lane by lane, until one of them breaks.
///
/// # Safety
/// `root` is that of an elaborate signal of events like the one that `event` points to, and outlives the call.
#[cold]
#[inline(never)]
pub(crate) unsafe fn emit_elaborate(root: &Root, event: *const (), place: &'static Location<'static>) -> Emitted {
    // SAFETY: as demanded of the caller.
    unsafe { deliver(root, One { event }, place) }
}

/// The same for a slice of events. A slot that breaks ends the whole batch.
///
/// # Safety
/// As for [`emit_elaborate`], for all `count` events.
#[cold]
#[inline(never)]
pub(crate) unsafe fn emit_batch_elaborate(
    root: &Root,
    (events, count): (*const (), usize),
    place: &'static Location<'static>,
) -> Emitted {
    let batch = Batch::new(events, count);
    // SAFETY: as demanded of the caller.
    unsafe { deliver(root, Many::of(&batch), place) }
}

/// # Safety
/// As for [`emit_elaborate`]; `what` brings events of the signal.
pub(super) unsafe fn deliver<D: Delivery>(root: &Root, what: D, place: &'static Location<'static>) -> Emitted {
    if root.is_blocked() {
        return Emitted::Blocked;
    }
    let pin = epoch::pin(&root.domain.core().epoch, place);
    let mut end = End::default();
    let stopped = Stop::scope(|stop| {
        // SAFETY: pinned, and as demanded of the caller.
        unsafe { run_lanes(root, root.last_lane(), Stoppable { what, stop }, &mut end) };
        stop.is_requested()
    });
    drop(pin);
    if end.sweep {
        sweep_in_passing(root);
    }
    end.propagation.resume();
    if stopped { Emitted::Stopped } else { Emitted::Completed }
}

/// What is due when all lanes have run.
#[derive(Default)]
struct End {
    sweep: bool,
    propagation: Propagation,
}

/// So many lanes are looked at before the stack grows by a frame.
const LANES: usize = 16;

/// Runs the lanes from the first one to `last`. All cuts are taken before a slot runs.
///
/// # Safety
/// The domain is pinned, and as for [`deliver`].
unsafe fn run_lanes<D: Delivery>(root: &Root, last: Option<&Lane>, what: Stoppable<'_, D>, end: &mut End) {
    let mut spans: [MaybeUninit<(&Lane, Span)>; LANES] = [const { MaybeUninit::uninit() }; LANES];
    let (mut count, mut next) = (0, last);
    while let Some(lane) = next.filter(|_| count < LANES) {
        spans[count].write((lane, Span::of(lane.list)));
        count += 1;
        next = lane.earlier();
    }
    if next.is_some() {
        // SAFETY: as demanded of the caller.
        unsafe { run_lanes(root, next, what, end) };
    }
    for place in spans[..count].iter().rev() {
        // SAFETY: written above, up to `count`.
        let (lane, span) = unsafe { place.assume_init() };
        if what.is_stopped() {
            return;
        }
        what.stop.enter(lane.list);
        // SAFETY: as demanded of the caller.
        let dead = unsafe {
            if lane.rank.is_backwards() {
                run_backwards(root, what, span.cut(), span.first, &mut end.propagation)
            } else {
                run_through(root, what, span, &mut end.propagation)
            }
        };
        end.sweep |= dead >= WORTH_SWEEPING;
    }
}

/// So many chunks are looked at before the stack grows by a frame.
const CHUNKS: usize = 64;

/// Runs the slots up to the cut, the newest first. Returns how many were dead.
///
/// # Safety
/// As for [`run_lanes`]: `first` is where the list began under the pin, when the cut had been taken.
unsafe fn run_backwards<D: Delivery>(
    root: &Root,
    what: D,
    cut: Cut,
    first: &'static Chunk,
    propagation: &mut Propagation,
) -> usize {
    let mut chunks = [first; CHUNKS];
    let (mut count, mut next) = (0, Some(first));
    while let Some(chunk) = next.filter(|_| count < CHUNKS) {
        chunks[count] = chunk;
        count += 1;
        // SAFETY: as in `walk`: before the cut, there is a next one, and it stays as long as the pin is held.
        next = (chunk.sequence() < cut.sequence).then(|| unsafe { &*chunk.next() });
    }
    let mut dead = match next {
        // SAFETY: as demanded of the caller.
        Some(next) => unsafe { run_backwards(root, what, cut, next, propagation) },
        None => 0,
    };
    for &chunk in chunks[..count].iter().rev() {
        let mut slots = chunk.unretired(cut.limit(chunk));
        while slots != 0 && !what.is_stopped() {
            let index = slots.ilog2() as usize;
            slots &= !(1 << index);
            let slot = &chunk.slots()[index];
            let tag = slot.tag();
            if tag.is_gated() && chunk.is_blocked(index) {
                continue;
            }
            if tag.is_live() {
                // SAFETY: live under the pin, and as demanded of the caller.
                unsafe { give_alone(root, what, chunk, slot, propagation) };
            } else {
                dead += 1;
            }
        }
    }
    dead
}

/// Calls one slot, and deals with its panics.
///
/// # Safety
/// As for [`Delivery::give`].
unsafe fn give_alone<D: Delivery>(root: &Root, what: D, chunk: &Chunk, slot: &Slot, propagation: &mut Propagation) {
    // SAFETY: as demanded of the caller.
    while let Err(payload) = catch_unwind(AssertUnwindSafe(|| unsafe { what.give(chunk, slot) })) {
        // As in `deliver_under`.
        if cfg!(loom) || what.has_panicked() {
            resume_unwind(payload);
        }
        root.slot_panicked(chunk, slot.tag().index(), payload, propagation);
        if !what.is_under_way() {
            return;
        }
    }
}
