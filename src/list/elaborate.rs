//! Emitting a signal that has lanes: one after the other, by their cuts of the beginning.

use super::chunk::{CHUNK_SLOTS, Chunk};
use super::delivery::{Delivery, Many, One, Stoppable};
use super::emission::{Ran, Span, run_through, sweep_in_passing};
use super::lanes::Lane;
use super::slot::{Batch, Slot};
use super::stop::Stop;
use super::{Cut, List, Root, Tail};
use crate::emitted::Emitted;
use crate::epoch;
use crate::panics::Propagation;
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::ptr;

/// Runs every live slot that was connected before this call, lane by lane, until one of them breaks.
///
/// # Safety
/// `root` is that of an elaborate signal of events like the one that `event` points to, and outlives the call.
#[cold]
#[inline(never)]
pub(crate) unsafe fn emit_elaborate(root: &Root, event: *const (), place: &'static Location<'static>) -> Emitted {
    // SAFETY: as demanded of the caller.
    unsafe { deliver(root, One { event }, (), place) }.0
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
    if count == 0 {
        return if root.is_blocked() { Emitted::Blocked } else { Emitted::Completed };
    }
    let batch = Batch::new(events, count);
    // SAFETY: as demanded of the caller.
    unsafe { deliver(root, Many::of(&batch), (), place) }.0
}

/// # Safety
/// As for [`emit_elaborate`]; `what` brings events of the signal.
pub(super) unsafe fn deliver<D: Delivery>(
    root: &Root,
    what: D,
    state: D::State,
    place: &'static Location<'static>,
) -> (Emitted, D::State) {
    if root.is_blocked() {
        return (Emitted::Blocked, state);
    }
    let pin = epoch::pin(&root.domain.core().epoch, place);
    let mut end = End::default();
    // SAFETY: pinned, and as demanded of the caller.
    let flow =
        Stop::scope(|stop| unsafe { run_lanes(root, root.last_lane(), Stoppable { what, stop }, state, &mut end) });
    drop(pin);
    if end.sweep {
        sweep_in_passing(root);
    }
    end.propagation.resume();
    match flow {
        ControlFlow::Continue(state) => (Emitted::Completed, state),
        ControlFlow::Break(state) => (Emitted::Stopped, state),
    }
}

/// What is due when all lanes have run.
#[derive(Default)]
struct End {
    sweep: bool,
    propagation: Propagation,
}

/// So many lanes are looked at before the stack grows by a frame: 2 KiB of it.
const LANES: usize = 256;

/// Runs the lanes from the first one to `last`. All cuts are taken before a slot runs.
///
/// # Safety
/// The domain is pinned, and as for [`deliver`].
unsafe fn run_lanes<D: Delivery>(
    root: &Root,
    last: Option<&Lane>,
    what: Stoppable<'_, D>,
    mut state: D::State,
    end: &mut End,
) -> ControlFlow<D::State, D::State> {
    let mut cuts: [MaybeUninit<LaneCut>; LANES] = [const { MaybeUninit::uninit() }; LANES];
    let (mut count, mut next) = (0, last);
    while let Some(lane) = next.filter(|_| count < LANES) {
        cuts[count].write(LaneCut::of(lane));
        count += 1;
        next = lane.earlier();
    }
    if next.is_some() {
        // SAFETY: as demanded of the caller.
        state = unsafe { run_lanes(root, next, what, state, end) }?;
    }
    for cut in cuts[..count].iter().rev() {
        // SAFETY: written above, up to `count`; and as demanded of the caller.
        state = unsafe { run_lane(root, cut.assume_init(), what, state, end) }?;
    }
    ControlFlow::Continue(state)
}

/// Out of the way of the recursion, which needs its frames small.
///
/// # Safety
/// As for [`run_lanes`]; the cut was taken under the same pin.
#[inline(never)]
unsafe fn run_lane<D: Delivery>(
    root: &Root,
    cut: LaneCut,
    what: Stoppable<'_, D>,
    state: D::State,
    end: &mut End,
) -> ControlFlow<D::State, D::State> {
    let (list, span) = cut.list_and_span();
    what.stop.enter(list);
    // SAFETY: as demanded of the caller.
    let ran = unsafe {
        if cut.is_backwards() {
            run_backwards(root, what, state, span.cut(), span.first, &mut end.propagation)
        } else {
            run_through(root, what, state, span, &mut end.propagation)
        }
    };
    end.sweep |= ran.is_worth_sweeping();
    ran.flow()
}

/// Where an emission ends in a lane, and which way it goes. One word, for there may be tens of thousands, and all wait on the
/// stack for the first one.
///
/// The address of the tail; in the bits that its alignment leaves, how many of its slots are claimed, and the way.
#[derive(Clone, Copy)]
struct LaneCut(*const Chunk);

impl LaneCut {
    const BACKWARDS: usize = 0x40;
    const LOW_BITS: usize = 0x7f;

    /// The caller has pinned the lane's domain.
    fn of(lane: &Lane) -> Self {
        const { assert!(CHUNK_SLOTS < Self::BACKWARDS && align_of::<Chunk>() > Self::LOW_BITS) };
        let Tail { tail, claimed } = lane.list.tail_and_claimed();
        let way = if lane.rank.is_backwards() { Self::BACKWARDS } else { 0 };
        Self(ptr::from_ref(tail).map_addr(|address| address | claimed | way))
    }

    fn is_backwards(self) -> bool {
        self.0.addr() & Self::BACKWARDS != 0
    }

    /// The pin is still held: the tail is a chunk of the same list as it was.
    fn list_and_span(self) -> (&'static List, Span) {
        // SAFETY: the address of a chunk, and chunks are immortal.
        let tail = unsafe { &*self.0.map_addr(|address| address & !Self::LOW_BITS) };
        let list = tail.list();
        (list, Span::from_tail(list, Tail { tail, claimed: self.0.addr() & (Self::BACKWARDS - 1) }))
    }
}

/// So many chunks are looked at before the stack grows by a frame.
const CHUNKS: usize = 64;

/// Runs the slots up to the cut, the newest first.
///
/// # Safety
/// As for [`run_lanes`]: `first` is where the list began under the pin, after the cut had been taken.
unsafe fn run_backwards<D: Delivery>(
    root: &Root,
    what: D,
    mut state: D::State,
    cut: Cut,
    first: &'static Chunk,
    propagation: &mut Propagation,
) -> Ran<D::State> {
    let mut chunks = [first; CHUNKS];
    let (mut count, mut next) = (0, Some(first));
    while let Some(chunk) = next.filter(|_| count < CHUNKS) {
        chunks[count] = chunk;
        count += 1;
        // SAFETY: as in `walk`: before the cut, there is a next one, and it stays as long as the pin is held.
        next = (chunk.sequence() < cut.sequence).then(|| unsafe { &*chunk.next() });
    }
    let mut dead = 0;
    if let Some(next) = next {
        // SAFETY: as demanded of the caller.
        let ran = unsafe { run_backwards(root, what, state, cut, next, propagation) };
        dead = ran.dead();
        state = match ran.flow() {
            ControlFlow::Continue(state) => state,
            flow => return Ran::new(dead, flow),
        };
    }
    for &chunk in chunks[..count].iter().rev() {
        let mut slots = chunk.unretired(cut.limit(chunk));
        while slots != 0 {
            let index = slots.ilog2() as usize;
            slots &= !(1 << index);
            let slot = &chunk.slots()[index];
            let tag = slot.tag();
            if !tag.is_live() {
                dead += 1;
                continue;
            }
            if tag.is_gated() && chunk.is_blocked(tag) {
                continue;
            }
            // SAFETY: live under the pin, and as demanded of the caller.
            state = match unsafe { give_alone(root, what, state, (chunk, slot), propagation) } {
                ControlFlow::Continue(state) => state,
                flow => return Ran::new(dead, flow),
            };
        }
    }
    Ran::new(dead, ControlFlow::Continue(state))
}

/// Calls one slot, and deals with its panics.
///
/// # Safety
/// As for [`Delivery::give`].
unsafe fn give_alone<D: Delivery>(
    root: &Root,
    what: D,
    state: D::State,
    (chunk, slot): (&Chunk, &Slot),
    propagation: &mut Propagation,
) -> ControlFlow<D::State, D::State> {
    loop {
        // SAFETY: as demanded of the caller.
        match catch_unwind(AssertUnwindSafe(|| unsafe { what.give(chunk, slot) })) {
            Ok(answer) => return what.take(state, answer),
            // As in `deliver_under`.
            Err(payload) if cfg!(loom) => resume_unwind(payload),
            Err(payload) => root.slot_panicked(chunk, slot.tag().index(), payload, propagation),
        }
        if !what.is_under_way() {
            return ControlFlow::Continue(state);
        }
    }
}
