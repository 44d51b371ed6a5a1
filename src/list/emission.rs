//! Emitting: the hot path.

use super::chunk::{CHUNK_SLOTS, Chunk, bits};
use super::delivery::{Delivery, Many, One, index_in};
use super::slot::{Batch, Slot};
use super::{Cut, List, Root, Tail};
use crate::epoch::{self, Outermost, Pin};
use crate::panics::Propagation;
use std::any::Any;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::ptr;

/// Runs every live slot that was connected before this call, in connection order.
///
/// # Safety
/// `list` is the one at `root`, which serves a signal of events like the one that `event` points to, and outlives the call.
#[inline(never)]
pub(crate) unsafe fn emit(root: &Root, event: *const (), list: &'static List, place: &'static Location<'static>) {
    // SAFETY: as demanded of the caller.
    unsafe { deliver(root, list, One { event }, place) }
}

/// The same for a slice of events, slot by slot: one pin and one walk.
///
/// # Safety
/// As for [`emit`], for all `count` events.
#[inline(never)]
pub(crate) unsafe fn emit_batch(
    root: &Root,
    list: &'static List,
    (events, count): (*const (), usize),
    place: &'static Location<'static>,
) {
    let batch = Batch::new(events, count);
    // SAFETY: as demanded of the caller.
    unsafe { deliver(root, list, Many::of(&batch), place) }
}

/// # Safety
/// As for [`emit`]; `what` brings events of the signal.
#[inline(always)]
unsafe fn deliver<D: Delivery<State = ()>>(
    root: &Root,
    list: &'static List,
    what: D,
    place: &'static Location<'static>,
) {
    // SAFETY: pinned, and as demanded of the caller.
    unsafe {
        match epoch::pin_outermost(&list.domain().epoch, place) {
            Some(pin) => deliver_under::<D, Outermost>(pin, root, list, what),
            None => deliver_nested(root, list, what, place),
        }
    }
}

/// Inside another emission or a tick, or on a thread that pinned another domain last, or that is about to end.
///
/// # Safety
/// As for [`deliver`].
#[inline(never)]
unsafe fn deliver_nested<D: Delivery<State = ()>>(
    root: &Root,
    list: &'static List,
    what: D,
    place: &'static Location<'static>,
) {
    let pin = epoch::pin(&list.domain().epoch, place);
    // SAFETY: pinned, and as demanded of the caller.
    unsafe { deliver_under::<D, Pin>(pin, root, list, what) }
}

/// # Safety
/// `pin` pins the list's domain, and as for [`deliver`].
#[inline(always)]
unsafe fn deliver_under<D: Delivery<State = ()>, P>(pin: P, root: &Root, list: &'static List, what: D) {
    let span = Span::of(list);
    let mut out = MaybeUninit::uninit();
    // One catch for the whole walk costs nothing per slot: the walk leaves where it was only if a slot unwinds.
    // SAFETY: pinned, and as demanded of the caller.
    match catch_unwind(AssertUnwindSafe(|| unsafe { run(what, (), span, &mut out) })) {
        Ok(ran) => {
            drop(pin);
            if ran.is_worth_sweeping() {
                sweep_in_passing(root);
            }
        }
        // What else unwinds is loom's own finding, in a model.
        Err(payload) if cfg!(loom) => resume_unwind(payload),
        // SAFETY: as demanded of the caller; what unwinds is a slot, and `visit` has left where.
        Err(payload) => unsafe { go_on_and_end(pin, root, what, out.assume_init().0, payload) },
    }
}

#[cold]
#[inline(never)]
pub(super) fn sweep_in_passing(root: &Root) {
    for list in root.lists() {
        list.sweep_in_passing(list.domain());
    }
}

/// What there was of a list when an emission started: all that it may run.
#[derive(Clone, Copy)]
pub(super) struct Span {
    tail: &'static Chunk,
    /// How many slots of the tail were claimed.
    claimed: usize,
    /// Read after the tail: it may lie beyond it by now, and then there is nothing to run.
    pub(super) first: &'static Chunk,
}

impl Span {
    /// The caller has pinned the list's domain.
    #[inline(always)]
    pub(super) fn of(list: &List) -> Self {
        Self::from_tail(list, list.tail_and_claimed())
    }

    /// The tail was read before, under the same pin.
    #[inline(always)]
    pub(super) fn from_tail(list: &List, Tail { tail, claimed }: Tail) -> Self {
        // SAFETY: never null while a signal uses the list; chunks are immortal.
        Self { tail, claimed, first: unsafe { &*list.head() } }
    }

    #[inline(always)]
    pub(super) fn cut(self) -> Cut {
        Cut { sequence: self.tail.sequence(), claimed: self.claimed }
    }
}

/// How far a walk has come, and what was made of the answers.
pub(super) struct Ran<S> {
    /// How many slots were dead, as far as that is worth counting, and whether the walk was broken off: in one word, since every
    /// emission returns it.
    dead_and_broken_off: usize,
    pub(super) state: S,
}

const BROKEN_OFF: usize = 1 << (usize::BITS - 1);

impl<S> Ran<S> {
    #[inline(always)]
    pub(super) fn new(dead: usize, flow: ControlFlow<S, S>) -> Self {
        match flow {
            ControlFlow::Continue(state) => Self { dead_and_broken_off: dead, state },
            ControlFlow::Break(state) => Self { dead_and_broken_off: dead | BROKEN_OFF, state },
        }
    }

    pub(super) fn dead(&self) -> usize {
        self.dead_and_broken_off & !BROKEN_OFF
    }

    #[inline(always)]
    pub(super) fn is_broken_off(&self) -> bool {
        self.dead_and_broken_off & BROKEN_OFF != 0
    }

    #[inline(always)]
    pub(super) fn flow(self) -> ControlFlow<S, S> {
        if self.is_broken_off() { ControlFlow::Break(self.state) } else { ControlFlow::Continue(self.state) }
    }

    /// Were there so many dead slots that it pays to sweep? A chunk's worth: fewer cost less than the look; more are each met
    /// only once, and the look at the chunks costs less than the walk just made.
    #[inline(always)]
    pub(super) fn is_worth_sweeping(&self) -> bool {
        // First what is almost always false, of either kind.
        self.dead_and_broken_off >= CHUNK_SLOTS && self.dead() >= CHUNK_SLOTS
    }
}

/// Calls each slot of the span that is live when its turn comes. If a slot unwinds, so does this, and `out` is where.
///
/// # Safety
/// The list's domain has been pinned since before the span was found, and the emission brings events of its signal.
#[inline(always)]
unsafe fn run<D: Delivery>(what: D, state: D::State, span: Span, out: &mut Out<D>) -> Ran<D::State> {
    // SAFETY: as demanded of the caller.
    unsafe {
        // Most signals have one chunk, whose dead are never worth a sweep.
        if ptr::eq(span.first, span.tail) && span.first.retired() == 0 {
            Ran::new(0, scan(what, state, span.first, span.claimed, None, out, &mut pass_by))
        } else {
            walk(what, state, span.cut(), span.first, out)
        }
    }
}

/// Visits every chunk from `first` to the cut.
///
/// # Safety
/// As for [`run`].
#[inline(never)]
unsafe fn walk<D: Delivery>(
    what: D,
    mut state: D::State,
    cut: Cut,
    first: *const Chunk,
    out: &mut Out<D>,
) -> Ran<D::State> {
    let mut dead = 0;
    let mut met_dead = || count(&mut dead);
    // SAFETY: the first chunk was linked under our pin. So was the one after a chunk that lies before the cut: it was
    // linked before the tail moved to where we cut. They stay in place as long as the pin is held.
    unsafe {
        let mut chunk = &*first;
        // Stop by number, never at the tail chunk itself: it may have been unlinked since.
        loop {
            let limit = cut.limit(chunk);
            let flow = if limit == 0 {
                return Ran::new(dead, ControlFlow::Continue(state));
            } else if chunk.retired() == 0 {
                scan(what, state, chunk, limit, Some(cut), out, &mut met_dead)
            } else {
                pick(what, state, chunk, chunk.unretired(limit), Some(cut), out, &mut met_dead)
            };
            state = match flow {
                ControlFlow::Continue(state) if chunk.sequence() < cut.sequence => state,
                flow => return Ran::new(dead, flow),
            };
            chunk = &*chunk.next();
        }
    }
}

/// Visits all slots of a chunk below `limit`, which is at most their number, and the first one in any case: if nothing was
/// claimed, another thread may be connecting it, which an emission may see or not. (`beyond` is for [`Position`].)
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn scan<D: Delivery>(
    what: D,
    mut state: D::State,
    chunk: &Chunk,
    limit: usize,
    beyond: Option<Cut>,
    out: &mut Out<D>,
    met_dead: &mut impl FnMut(),
) -> ControlFlow<D::State, D::State> {
    let mut slot = chunk.slots().as_ptr();
    // SAFETY: as demanded of the caller.
    unsafe {
        let end = slot.add(limit);
        loop {
            state = visit(what, state, Position { chunk, slot, end, beyond }, out, met_dead)?;
            slot = slot.add(1);
            if slot >= end {
                return ControlFlow::Continue(state);
            }
        }
    }
}

/// Visits those slots of a chunk whose bits are set.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn pick<D: Delivery>(
    what: D,
    mut state: D::State,
    chunk: &Chunk,
    slots: u32,
    beyond: Option<Cut>,
    out: &mut Out<D>,
    met_dead: &mut impl FnMut(),
) -> ControlFlow<D::State, D::State> {
    let first = chunk.slots().as_ptr();
    for index in bits(slots) {
        // SAFETY: there are as many bits as slots, and as demanded of the caller.
        unsafe {
            let end = first.add((u32::BITS - slots.leading_zeros()) as usize);
            state = visit(what, state, Position { chunk, slot: first.add(index), end, beyond }, out, met_dead)?;
        }
    }
    ControlFlow::Continue(state)
}

/// Calls one slot, if it is live at this very moment, and not blocked.
///
/// # Safety
/// As for [`run`], and the position is at a slot.
#[inline(always)]
unsafe fn visit<D: Delivery>(
    what: D,
    state: D::State,
    at: Position,
    out: &mut Out<D>,
    met_dead: &mut impl FnMut(),
) -> ControlFlow<D::State, D::State> {
    // SAFETY: as demanded of the caller.
    let (chunk, slot) = unsafe { (&*at.chunk, &*at.slot) };
    let tag = slot.tag();
    if tag.is_open() || tag.is_gated() && gate_opens(chunk, slot) {
        let interrupted = Interrupted::<D> { at, state: ManuallyDrop::new(state), out };
        // SAFETY: live under the pin, and as demanded of the caller.
        let answer = unsafe { what.give(chunk, slot) };
        return what.take(interrupted.never(), answer);
    } else if !tag.is_gated() {
        met_dead();
    }
    ControlFlow::Continue(state)
}

/// Is a slot that was blocked before not blocked now?
#[cold]
#[inline(never)]
fn gate_opens(chunk: &Chunk, slot: &Slot) -> bool {
    !chunk.is_blocked(slot.tag_now())
}

/// Out of the way of the loops, which run straight through the live.
#[cold]
#[inline(never)]
fn pass_by() {
    std::hint::black_box(());
}

/// The same, counted.
#[cold]
#[inline(never)]
fn count(dead: &mut usize) {
    *dead += 1;
}

/// Where an emission was when a slot unwound.
#[derive(Clone, Copy)]
struct Position {
    chunk: *const Chunk,
    slot: *const Slot,
    /// The end of those slots of the chunk that the emission may run.
    end: *const Slot,
    /// The cut, if there may be chunks after this one.
    beyond: Option<Cut>,
}

/// Where to leave that, and what was made of the answers before. Not read unless a slot has unwound.
type Out<D> = MaybeUninit<(Position, <D as Delivery>::State)>;

/// Leaves where the emission was when a slot unwinds. Costs nothing when none does: it lives in registers, and only the
/// unwinding path stores it.
struct Interrupted<'a, D: Delivery> {
    at: Position,
    state: ManuallyDrop<D::State>,
    out: &'a mut Out<D>,
}

impl<D: Delivery> Interrupted<'_, D> {
    /// The slot has returned.
    #[inline(always)]
    fn never(self) -> D::State {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: not used again: neither `this` nor its `state` is dropped.
        unsafe { ManuallyDrop::take(&mut this.state) }
    }
}

impl<D: Delivery> Drop for Interrupted<'_, D> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: not used again: we are gone after this.
        self.out.write((self.at, unsafe { ManuallyDrop::take(&mut self.state) }));
    }
}

/// Deals with the panic of a slot, goes on behind it, as often as it takes, and ends the emission.
///
/// # Safety
/// As for [`deliver_under`]; the emission was interrupted at `position` under this pin.
#[cold]
#[inline(never)]
unsafe fn go_on_and_end<D: Delivery<State = ()>, P>(
    pin: P,
    root: &Root,
    what: D,
    position: Position,
    payload: Box<dyn Any + Send>,
) {
    let mut propagation = Propagation::default();
    // SAFETY: as demanded of the caller.
    let ran = unsafe { go_on(root, what, (position, ()), payload, &mut propagation) };
    drop(pin);
    if ran.is_worth_sweeping() {
        sweep_in_passing(root);
    }
    propagation.resume();
}

/// Deals with the panic of a slot, and goes on behind it, as often as it takes.
///
/// # Safety
/// As for [`run`]; it was interrupted at `position` under a pin that is still held.
#[cold]
#[inline(never)]
unsafe fn go_on<D: Delivery>(
    root: &Root,
    what: D,
    (mut position, mut state): (Position, D::State),
    mut payload: Box<dyn Any + Send>,
    propagation: &mut Propagation,
) -> Ran<D::State> {
    loop {
        // SAFETY: the emission was interrupted in a chunk that it could see, and the pin is still held.
        let chunk = unsafe { &*position.chunk };
        let index = index_in(chunk, position.slot);
        root.slot_panicked(chunk, index, payload, propagation);
        let rest = from_index(if what.is_under_way() { index } else { index + 1 });
        // At least this slot, which `scan` visits even if nothing was claimed.
        let (limit, beyond) = (index_in(chunk, position.end).max(index + 1), position.beyond);
        let mut out = MaybeUninit::uninit();
        let mut dead = 0;
        // SAFETY: pinned, from where it stopped.
        let walk = AssertUnwindSafe(|| unsafe {
            let slots = chunk.unretired(limit) & rest;
            let flow = pick(what, state, chunk, slots, beyond, &mut out, &mut || count(&mut dead));
            match (flow, beyond.filter(|cut| chunk.sequence() < cut.sequence)) {
                (ControlFlow::Continue(state), Some(cut)) => {
                    let ran = walk(what, state, cut, chunk.next(), &mut out);
                    Ran::new(dead + ran.dead(), ran.flow())
                }
                (flow, _) => Ran::new(dead, flow),
            }
        });
        match catch_unwind(walk) {
            Ok(ran) => return ran,
            Err(payload) if what.has_panicked() => resume_unwind(payload),
            Err(next) => payload = next,
        }
        // SAFETY: what unwinds is a slot, and `visit` has left where.
        (position, state) = unsafe { out.assume_init() };
    }
}

/// Runs a span, and goes on behind each slot that panics.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
pub(super) unsafe fn run_through<D: Delivery>(
    root: &Root,
    what: D,
    state: D::State,
    span: Span,
    propagation: &mut Propagation,
) -> Ran<D::State> {
    if span.cut().limit(span.first) == 0 {
        // `run` would look at the first slot all the same, which a slot of another lane may have connected since the cut.
        return Ran::new(0, ControlFlow::Continue(state));
    }
    let mut out = MaybeUninit::uninit();
    // SAFETY: as demanded of the caller.
    match catch_unwind(AssertUnwindSafe(|| unsafe { run(what, state, span, &mut out) })) {
        Ok(ran) => ran,
        // As in `deliver_under`; or it is not the slot's at all.
        Err(payload) if cfg!(loom) || what.has_panicked() => resume_unwind(payload),
        // SAFETY: as in `deliver_under`.
        Err(payload) => unsafe { go_on(root, what, out.assume_init(), payload, propagation) },
    }
}

/// The bits of all slots from an index on.
fn from_index(index: usize) -> u32 {
    u32::MAX.checked_shl(index as u32).unwrap_or(0)
}
