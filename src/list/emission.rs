//! Emitting: the hot path.

use super::chunk::{CHUNK_SLOTS, Chunk, bits};
use super::slot::{Batch, Slot};
use super::{Cut, List, Root, Tail};
use crate::epoch::{self, Outermost, Pin};
use crate::panics::Propagation;
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
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
    let mut emission = Emission { dead: 0, interrupted: None };
    let span = Span::of(list);
    // One catch for the whole walk costs nothing per slot: the walk leaves where it was only if a slot unwinds.
    // SAFETY: pinned, and as demanded of the caller.
    match catch_unwind(AssertUnwindSafe(|| unsafe { emission.run(what, span) })) {
        Ok(()) => {
            drop(pin);
            if emission.dead >= WORTH_SWEEPING {
                sweep_in_passing(root);
            }
        }
        // SAFETY: as demanded of the caller.
        Err(payload) => unsafe { go_on(pin, root, span.cut(), what, emission, payload) },
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
    /// Read after the tail, and so never behind it.
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

/// An emission on its way. (What it brings is handed along beside it, by value, to stay in a register.)
struct Emission {
    /// How many slots it has met that had died.
    dead: usize,
    /// Where it was when a slot panicked.
    interrupted: Option<Position>,
}

#[derive(Clone, Copy)]
struct Position {
    chunk: *const Chunk,
    slot: *const Slot,
}

impl Emission {
    /// Calls each slot of the span that is live when its turn comes.
    ///
    /// # Safety
    /// The list's domain has been pinned since before the span was found, and the emission brings events of its signal.
    #[inline(always)]
    unsafe fn run<D: Delivery>(&mut self, what: D, span: Span) {
        // SAFETY: as demanded of the caller.
        unsafe {
            // Most signals have one chunk.
            if ptr::eq(span.first, span.tail) && span.first.retired() == 0 {
                self.scan(what, span.first, span.claimed);
            } else {
                self.walk(what, span.cut(), span.first);
            }
        }
    }

    /// Visits every chunk from `first` to the cut.
    ///
    /// # Safety
    /// As for [`run`](Self::run).
    #[inline(never)]
    unsafe fn walk<D: Delivery>(&mut self, what: D, cut: Cut, first: *const Chunk) {
        // SAFETY: the first chunk was linked under our pin. So was the one after a chunk that lies before the cut: it was
        // linked before the tail moved to where we cut. They stay in place as long as the pin is held.
        unsafe {
            let mut chunk = &*first;
            // Stop by number, never at the tail chunk itself: it may have been unlinked since.
            loop {
                self.visit_chunk(what, chunk, cut.limit(chunk));
                if chunk.sequence() >= cut.sequence {
                    return;
                }
                chunk = &*chunk.next();
            }
        }
    }

    /// Visits the slots of a chunk below `limit`, which is at most their number.
    ///
    /// # Safety
    /// As for [`run`](Self::run).
    #[inline(always)]
    unsafe fn visit_chunk<D: Delivery>(&mut self, what: D, chunk: &Chunk, limit: usize) {
        // SAFETY: as demanded of the caller.
        unsafe {
            if chunk.retired() == 0 {
                self.scan(what, chunk, limit);
            } else {
                self.pick(what, chunk, chunk.unretired(limit));
            }
        }
    }

    /// All slots below `limit`.
    ///
    /// # Safety
    /// As for [`visit_chunk`](Self::visit_chunk).
    #[inline(always)]
    unsafe fn scan<D: Delivery>(&mut self, what: D, chunk: &Chunk, limit: usize) {
        let mut slot = chunk.slots().as_ptr();
        // SAFETY: as demanded of the caller.
        unsafe {
            let end = slot.add(limit);
            while slot < end {
                self.visit(what, chunk, &*slot);
                slot = slot.add(1);
            }
        }
    }

    /// Those slots whose bits are set.
    ///
    /// # Safety
    /// As for [`run`](Self::run).
    #[inline(always)]
    unsafe fn pick<D: Delivery>(&mut self, what: D, chunk: &Chunk, slots: u32) {
        for index in bits(slots) {
            // SAFETY: there are as many bits as slots, and as demanded of the caller.
            unsafe { self.visit(what, chunk, chunk.slots().get_unchecked(index)) };
        }
    }

    /// Calls one slot, if it is live at this very moment.
    ///
    /// # Safety
    /// As for [`run`](Self::run).
    #[inline(always)]
    unsafe fn visit<D: Delivery>(&mut self, what: D, chunk: &Chunk, slot: &Slot) {
        if slot.tag().is_live() {
            let guard = Interrupted { at: Position { chunk, slot }, out: &mut self.interrupted };
            // SAFETY: live under the pin, and as demanded of the caller.
            unsafe { what.give(chunk, slot) };
            std::mem::forget(guard);
        } else {
            self.meet_dead();
        }
    }

    /// Out of the way of the loop, which runs straight through the live.
    #[cold]
    #[inline(never)]
    fn meet_dead(&mut self) {
        self.dead += 1;
    }
}

/// Leaves where the emission was when a slot unwinds. Costs nothing when none does: it lives in registers, and only the
/// unwinding path stores it.
struct Interrupted<'a> {
    at: Position,
    out: &'a mut Option<Position>,
}

impl Drop for Interrupted<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        *self.out = Some(self.at);
    }
}

/// Deals with the panic of a slot, and goes on behind it, as often as it takes.
///
/// # Safety
/// As for [`deliver_under`]; the emission was interrupted in a walk to `cut` under this pin.
#[cold]
#[inline(never)]
unsafe fn go_on<D: Delivery, P>(
    pin: P,
    root: &Root,
    cut: Cut,
    what: D,
    mut emission: Emission,
    mut payload: Box<dyn Any + Send>,
) {
    let mut propagation = Propagation::default();
    while let Some(Position { chunk, slot }) = emission.interrupted.take() {
        // SAFETY: the emission was interrupted in a chunk that it could see, and the pin is still held.
        let chunk = unsafe { &*chunk };
        let index = index_in(chunk, slot);
        root.slot_panicked(chunk, index, payload, &mut propagation);
        let rest = from_index(if what.is_under_way() { index } else { index + 1 });
        // SAFETY: pinned, from where it stopped.
        let walk = AssertUnwindSafe(|| unsafe {
            emission.pick(what, chunk, chunk.unretired(cut.limit(chunk)) & rest);
            if chunk.sequence() < cut.sequence {
                emission.walk(what, cut, chunk.next());
            }
        });
        match catch_unwind(walk) {
            Ok(()) => break,
            Err(next) => payload = next,
        }
    }
    drop(pin);
    if emission.dead >= WORTH_SWEEPING {
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
