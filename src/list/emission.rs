//! Emitting: the hot path.

use super::chunk::{CHUNK_SLOTS, Chunk, bits};
use super::slot::{Batch, Slot};
use super::{Cut, List, Root, Tail};
use crate::epoch::{self, Outermost, Pin};
use crate::panics::Propagation;
use std::any::Any;
use std::cell::Cell;
use std::mem::MaybeUninit;
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
    let batch = Batch { events, count, next: Cell::new(0) };
    let many = Many { batch: &batch, slot: &Cell::new(ptr::null()) };
    // SAFETY: as demanded of the caller.
    unsafe { deliver(root, list, many, place) }
}

/// # Safety
/// As for [`emit`]; `what` brings events of the signal.
#[inline(always)]
unsafe fn deliver<D: Delivery>(root: &Root, list: &'static List, what: D, place: &'static Location<'static>) {
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
unsafe fn deliver_nested<D: Delivery>(root: &Root, list: &'static List, what: D, place: &'static Location<'static>) {
    let pin = epoch::pin(&list.domain().epoch, place);
    // SAFETY: pinned, and as demanded of the caller.
    unsafe { deliver_under::<D, Pin>(pin, root, list, what) }
}

/// # Safety
/// `pin` pins the list's domain, and as for [`deliver`].
#[inline(always)]
unsafe fn deliver_under<D: Delivery, P>(pin: P, root: &Root, list: &'static List, what: D) {
    let span = Span::of(list);
    let mut out = MaybeUninit::uninit();
    // One catch for the whole walk costs nothing per slot: the walk leaves where it was only if a slot unwinds.
    // SAFETY: pinned, and as demanded of the caller.
    match catch_unwind(AssertUnwindSafe(|| unsafe { run(what, span, &mut out) })) {
        Ok(dead) => {
            drop(pin);
            if dead >= WORTH_SWEEPING {
                sweep_in_passing(root);
            }
        }
        // What else unwinds is loom's own finding, in a model.
        Err(payload) if cfg!(loom) => resume_unwind(payload),
        // SAFETY: as demanded of the caller; what unwinds is a slot, and `visit` has left where.
        Err(payload) => unsafe { go_on(pin, root, what, out.assume_init(), payload) },
    }
}

/// So many dead slots that an emission meets make it sweep: a chunk's worth. Fewer cost less than the look; more are each
/// met only once, and the look at the chunks costs less than the walk just made.
const WORTH_SWEEPING: usize = CHUNK_SLOTS;

#[cold]
#[inline(never)]
fn sweep_in_passing(root: &Root) {
    if let Some(list) = root.list() {
        list.sweep_in_passing(list.domain());
    }
}

/// What there was of a list when an emission started: all that it may run.
#[derive(Clone, Copy)]
struct Span {
    tail: &'static Chunk,
    /// How many slots of the tail were claimed.
    claimed: usize,
    /// Read after the tail: it may lie beyond it by now, and then there is nothing to run.
    first: &'static Chunk,
}

impl Span {
    /// The caller has pinned the list's domain.
    #[inline(always)]
    fn of(list: &List) -> Self {
        let Tail { tail, claimed } = list.tail_and_claimed();
        // SAFETY: never null while a signal uses the list; chunks are immortal.
        Self { tail, claimed, first: unsafe { &*list.head() } }
    }

    #[inline(always)]
    fn cut(self) -> Cut {
        Cut { sequence: self.tail.sequence(), claimed: self.claimed }
    }
}

/// Calls each slot of the span that is live when its turn comes. Returns how many were dead, as far as that is worth
/// counting. If a slot unwinds, so does this, and `out` is where.
///
/// # Safety
/// The list's domain has been pinned since before the span was found, and the emission brings events of its signal.
#[inline(always)]
unsafe fn run<D: Delivery>(what: D, span: Span, out: &mut Out) -> usize {
    // SAFETY: as demanded of the caller.
    unsafe {
        // Most signals have one chunk, whose dead are never worth a sweep.
        if ptr::eq(span.first, span.tail) && span.first.retired() == 0 {
            scan(what, span.first, span.claimed, None, out, &mut pass_by);
            0
        } else {
            walk(what, span.cut(), span.first, out)
        }
    }
}

/// Visits every chunk from `first` to the cut. Returns how many slots were dead.
///
/// # Safety
/// As for [`run`].
#[inline(never)]
unsafe fn walk<D: Delivery>(what: D, cut: Cut, first: *const Chunk, out: &mut Out) -> usize {
    let mut dead = 0;
    let mut met_dead = || count(&mut dead);
    // SAFETY: the first chunk was linked under our pin. So was the one after a chunk that lies before the cut: it was
    // linked before the tail moved to where we cut. They stay in place as long as the pin is held.
    unsafe {
        let mut chunk = &*first;
        // Stop by number, never at the tail chunk itself: it may have been unlinked since.
        loop {
            let limit = cut.limit(chunk);
            if limit == 0 {
                return dead;
            } else if chunk.retired() == 0 {
                scan(what, chunk, limit, Some(cut), out, &mut met_dead);
            } else {
                pick(what, chunk, chunk.unretired(limit), Some(cut), out, &mut met_dead);
            }
            if chunk.sequence() >= cut.sequence {
                return dead;
            }
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
    chunk: &Chunk,
    limit: usize,
    beyond: Option<Cut>,
    out: &mut Out,
    met_dead: &mut impl FnMut(),
) {
    let mut slot = chunk.slots().as_ptr();
    // SAFETY: as demanded of the caller.
    unsafe {
        let end = slot.add(limit);
        loop {
            visit(what, Position { chunk, slot, end, beyond }, out, met_dead);
            slot = slot.add(1);
            if slot >= end {
                return;
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
    chunk: &Chunk,
    slots: u32,
    beyond: Option<Cut>,
    out: &mut Out,
    met_dead: &mut impl FnMut(),
) {
    let first = chunk.slots().as_ptr();
    for index in bits(slots) {
        // SAFETY: there are as many bits as slots, and as demanded of the caller.
        unsafe {
            let end = first.add((u32::BITS - slots.leading_zeros()) as usize);
            visit(what, Position { chunk, slot: first.add(index), end, beyond }, out, met_dead);
        }
    }
}

/// Calls one slot, if it is live at this very moment.
///
/// # Safety
/// As for [`run`], and the position is at a slot.
#[inline(always)]
unsafe fn visit<D: Delivery>(what: D, at: Position, out: &mut Out, met_dead: &mut impl FnMut()) {
    // SAFETY: as demanded of the caller.
    let (chunk, slot) = unsafe { (&*at.chunk, &*at.slot) };
    if slot.tag().is_live() {
        let interrupted = Interrupted { at, out };
        // SAFETY: live under the pin, and as demanded of the caller.
        unsafe { what.give(chunk, slot) };
        std::mem::forget(interrupted);
    } else {
        met_dead();
    }
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

/// Where to leave that. Not read unless a slot has unwound.
type Out = MaybeUninit<Position>;

/// Leaves where the emission was when a slot unwinds. Costs nothing when none does: it lives in registers, and only the
/// unwinding path stores it.
struct Interrupted<'a> {
    at: Position,
    out: &'a mut Out,
}

impl Drop for Interrupted<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.out.write(self.at);
    }
}

/// Deals with the panic of a slot, and goes on behind it, as often as it takes.
///
/// # Safety
/// As for [`deliver_under`]; the emission was interrupted at `position` under this pin.
#[cold]
#[inline(never)]
unsafe fn go_on<D: Delivery, P>(
    pin: P,
    root: &Root,
    what: D,
    mut position: Position,
    mut payload: Box<dyn Any + Send>,
) {
    let mut propagation = Propagation::default();
    let dead = loop {
        // SAFETY: the emission was interrupted in a chunk that it could see, and the pin is still held.
        let chunk = unsafe { &*position.chunk };
        let index = index_in(chunk, position.slot);
        root.slot_panicked(chunk, index, payload, &mut propagation);
        let rest = from_index(if what.is_under_way() { index } else { index + 1 });
        // At least this slot, which `scan` visits even if nothing was claimed.
        let (limit, beyond) = (index_in(chunk, position.end).max(index + 1), position.beyond);
        let mut out = MaybeUninit::uninit();
        let mut dead = 0;
        // SAFETY: pinned, from where it stopped.
        let walk = AssertUnwindSafe(|| unsafe {
            pick(what, chunk, chunk.unretired(limit) & rest, beyond, &mut out, &mut || count(&mut dead));
            if let Some(cut) = beyond.filter(|cut| chunk.sequence() < cut.sequence) {
                dead += walk(what, cut, chunk.next(), &mut out);
            }
        });
        match catch_unwind(walk) {
            Ok(()) => break dead,
            Err(next) => payload = next,
        }
        // SAFETY: what unwinds is a slot, and `visit` has left where.
        position = unsafe { out.assume_init() };
    };
    drop(pin);
    if dead >= WORTH_SWEEPING {
        sweep_in_passing(root);
    }
    propagation.resume();
}

/// The index of a slot, or of the end of the slots.
fn index_in(chunk: &Chunk, slot: *const Slot) -> usize {
    (slot.addr() - chunk.slots().as_ptr().addr()) / size_of::<Slot>()
}

/// The bits of all slots from an index on.
fn from_index(index: usize) -> u32 {
    u32::MAX.checked_shl(index as u32).unwrap_or(0)
}

/// What an emission brings to each slot.
trait Delivery: Copy {
    /// # Safety
    /// The slot, one of `chunk`'s, was found live under a pin that is still held, and takes such events.
    unsafe fn give(self, chunk: &Chunk, slot: &Slot);

    /// After a panic: has the slot still something to get?
    fn is_under_way(self) -> bool;
}

#[derive(Clone, Copy)]
struct One {
    event: *const (),
}

impl Delivery for One {
    #[inline(always)]
    unsafe fn give(self, _: &Chunk, slot: &Slot) {
        // SAFETY: as demanded of the caller.
        unsafe { slot.call(self.event) };
    }

    fn is_under_way(self) -> bool {
        false
    }
}

#[derive(Clone, Copy)]
struct Many<'a> {
    batch: &'a Batch,
    /// The slot that is getting it.
    slot: &'a Cell<*const Slot>,
}

impl Delivery for Many<'_> {
    #[inline(always)]
    unsafe fn give(self, chunk: &Chunk, slot: &Slot) {
        // The same slot again, after a panic, goes on with the next event.
        if !ptr::eq(self.slot.replace(slot), slot) {
            self.batch.next.set(0);
        }
        // SAFETY: as demanded of the caller; the functions are those of this very slot.
        unsafe { slot.call_batch(chunk.ops(index_in(chunk, slot)), self.batch) };
    }

    fn is_under_way(self) -> bool {
        self.batch.next.get() < self.batch.count
    }
}
