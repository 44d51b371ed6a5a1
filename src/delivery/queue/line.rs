//! The queue from which only its receiver takes.
//!
//! ```text
//! tail   position 63 bits │ loss 1        the next position to be claimed; was something lost since the last claim?
//! word   position + 1, 62 bits │ flags 2  0: never used. Otherwise the position that is there; read or not is what `head` says
//! ```
//!
//! A sender claims positions by moving the tail, as long as it stays less than the capacity ahead of the head; writes; and
//! publishes them by their cells' words, run by run. The receiver reads what is published in order, and moves the head with a plain store, once
//! for a whole run. So an event costs one exchange and a few plain stores, and the cells' lines go one way only: a sender
//! learns from the head, now and then, what may be used again. What it has learnt it leaves beside the tail, for the others.
//!
//! A sender that finds no room, and loses its event, counts it and then sets the tail's *loss* bit. The next one that claims takes the
//! bit with its claim, and notes the count at its position. So the receiver is told of a loss before it gets any event that was
//! claimed after it; by the bit, since of two senders that look at the count itself, the later one could be the first to
//! find it. (If that sender is slow to look, it may find later losses too, and they are told early.) When nothing is claimed, and so
//! nothing comes before the loss, the receiver takes the count itself.

mod claim;

use super::{Apart, CapacityError, Cell, Popped, cells};
use crate::delivery::first_panic::FirstPanic;
use crate::panics::drop_quietly;
use crate::prefetch::Prefetch;
use crate::sync::diagnostic::{AtomicU64 as Count, Relaxed};
use crate::sync::{AtomicU64, Ordering, UnsafeCell};
use claim::{Claim, Span};

/// A queue of a fixed capacity.
pub(crate) struct Line<E> {
    entry: Apart<Entry>,
    exit: Apart<Exit>,
    lost: Apart<Lost>,
    cells: Box<[Cell<E>]>,
    /// What was lost before the event in the cell of the same number. Owned with it.
    losses: Box<[UnsafeCell<u64>]>,
    capacity: u64,
    prefetch: Prefetch,
}

/// What senders write.
struct Entry {
    /// See the module.
    tail: AtomicU64,
    /// Up to where the tail may move, as far as somebody knows: never more than `head + capacity`.
    limit: AtomicU64,
}

/// What the receiver writes.
struct Exit {
    /// The first position that the receiver has not read.
    head: AtomicU64,
    /// How many positions it has passed that had no event.
    voids: Count,
}

/// What senders write that do not get through.
struct Lost {
    /// How many events were lost since the last time that this was noted or told, and in the lower 16 bits how often that was: the
    /// same number may be about later ones.
    pending: AtomicU64,
    /// How many in all.
    total: Count,
    /// How many positions were claimed for events that were never made.
    voids: Count,
}

/// The receiver's own: where it is.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    next: u64,
    /// Was it told of what was lost before `next`?
    is_told: bool,
}

impl Cursor {
    /// The position that it has come to.
    #[inline(always)]
    pub(crate) fn position(&self) -> u64 {
        self.next
    }
}

const LOSS: u64 = 1;
const TAIL_SHIFT: u32 = 1;

const PENDING_SHIFT: u32 = 16;

/// What is left of `Lost::pending` when its number is taken.
fn taken(pending: u64) -> u64 {
    pending.wrapping_add(1) & ((1 << PENDING_SHIFT) - 1)
}

/// There is no event: making it has panicked.
const VOID: u64 = 1;
/// Something was lost before it: see `Line::losses`.
const AFTER_LOSS: u64 = 2;
const WORD_SHIFT: u32 = 2;

// SAFETY: a cell's event and loss are touched by who has claimed its position, until it is published, and by the receiver from
// then on, until the head has passed it: see the module. Events go from thread to thread.
unsafe impl<E: Send> Sync for Line<E> {}
// SAFETY: as above.
unsafe impl<E: Send> Send for Line<E> {}

impl<E> Line<E> {
    /// An empty one, and what its receiver needs.
    pub(crate) fn new(capacity: usize) -> Result<(Self, Cursor), CapacityError> {
        let cells = cells(capacity, 1, |_| 0)?;
        let mut losses = Vec::new();
        losses.try_reserve_exact(cells.len()).map_err(|_| CapacityError::NoMemory { asked: capacity })?;
        losses.extend(cells.iter().map(|_| UnsafeCell::new(0)));
        let line = Self {
            entry: Apart(Entry { tail: AtomicU64::new(0), limit: AtomicU64::new(capacity as u64) }),
            exit: Apart(Exit { head: AtomicU64::new(0), voids: Count::new(0) }),
            lost: Apart(Lost { pending: AtomicU64::new(0), total: Count::new(0), voids: Count::new(0) }),
            cells,
            losses: losses.into_boxed_slice(),
            capacity: capacity as u64,
            prefetch: Prefetch::new(),
        };
        Ok((line, Cursor::default()))
    }

    #[inline(always)]
    fn index(&self, position: u64) -> usize {
        position as usize & (self.cells.len() - 1)
    }

    #[inline(always)]
    fn cell(&self, position: u64) -> &Cell<E> {
        // SAFETY: masked by the length, a power of two.
        unsafe { self.cells.get_unchecked(self.index(position)) }
    }

    /// Claims positions, `wanted` at the most; `None` if there is no room for one.
    #[inline(always)]
    fn claim(&self, wanted: u64) -> Option<Span> {
        let Entry { tail, limit } = &self.entry.0;
        // Relaxed: an old one makes the exchange fail.
        let mut found = tail.load(Ordering::Relaxed);
        loop {
            let first = found >> TAIL_SHIFT;
            // Acquire; partner: the Release in `look_for_room`. What the receiver has read, as who looked at the head has seen, comes
            // before what we write there.
            let mut end = limit.load(Ordering::Acquire);
            if first >= end {
                end = self.look_for_room(first)?;
            }
            let count = wanted.min(end - first);
            let next = (first + count) << TAIL_SHIFT;
            // Acquire; partner: the Release in `lose`: who takes the bit finds the count. Relaxed otherwise: what is claimed is
            // published by the cells' words.
            match tail.compare_exchange_weak(found, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => {
                    let flags = if found & LOSS != 0 { self.note_loss(first) } else { 0 };
                    return Some(Span { first, end: first + count, flags });
                }
                Err(now) => found = now,
            }
        }
    }

    /// Up to where the tail may move from `first` on, if it may.
    #[cold]
    fn look_for_room(&self, first: u64) -> Option<u64> {
        // Acquire; partner: the Release in `pass`. The receiver has read what lies before the head, before we write there.
        let end = self.exit.0.head.load(Ordering::Acquire) + self.capacity;
        // Release; partner: the Acquire in `claim`, by others who rely on what we have seen. An older one that overwrites a newer
        // one makes somebody look at the head once more.
        self.entry.0.limit.store(end, Ordering::Release);
        (first < end).then_some(end)
    }

    /// Is there room, as far as one can see? If not, an event need not be made.
    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        let first = self.entry.0.tail.load(Ordering::Relaxed) >> TAIL_SHIFT;
        // Relaxed, both: whoever claims looks properly.
        first < self.entry.0.limit.load(Ordering::Relaxed)
            || first < self.exit.0.head.load(Ordering::Relaxed) + self.capacity
    }

    /// Puts an event in, made in its place; `false`, and nothing is made, if there is no room.
    ///
    /// If `make` panics, so does this, and nothing is put in.
    #[inline(always)]
    pub(crate) fn push(&self, make: impl FnOnce() -> E) -> bool {
        let Some(span) = self.claim(1) else { return false };
        self.prefetch.for_writing_behind(span.first, |later| self.cell(later));
        let unmade = Claim::new(self, span);
        // SAFETY: claimed by us, and not published; what was there has been read: the head had passed it when we claimed.
        unsafe { self.cell(span.first).write(make) };
        // It is made: nothing is to be given up.
        std::mem::forget(unmade);
        self.publish(span.first, span.flags);
        true
    }

    #[inline(always)]
    fn publish(&self, position: u64, flags: u64) {
        // Release; partner: the Acquire in `look`. Who finds it published finds the event.
        self.cell(position).word.store((position + 1) << WORD_SHIFT | flags, Ordering::Release);
    }

    /// Notes at a position, which the calling thread has claimed with the tail's bit and not published, what was lost before it. Returns
    /// the flags for its word.
    #[cold]
    #[inline(never)]
    fn note_loss(&self, position: u64) -> u64 {
        // Release; partner: the Acquire in `nothing`: who finds it gone finds the tail behind our position. Relaxed would do for the number:
        // the tail's bit has brought it. (It may be gone: told by the receiver, or noted by somebody else.)
        let take = |pending| (pending >> PENDING_SHIFT > 0).then(|| taken(pending));
        let Ok(pending) = self.lost.0.pending.fetch_update(Ordering::Release, Ordering::Relaxed, take) else {
            return 0;
        };
        let lost = pending >> PENDING_SHIFT;
        // SAFETY: claimed by the calling thread, and not published.
        self.losses[self.index(position)].with_mut(|loss| unsafe { *loss = lost });
        AFTER_LOSS
    }

    /// Puts in clones of events, as many of the first as there is room for. `None` if there is no room, otherwise how many events were
    /// dealt with: those whose clones panic are not put in, and `panics` gets what they panicked with.
    pub(crate) fn push_clones(&self, events: &[E], panics: &mut FirstPanic) -> Option<usize>
    where
        E: Clone,
    {
        let span = self.claim(events.len() as u64)?;
        let count = (span.end - span.first) as usize;
        let mut claim = Claim::new(self, span);
        let mut left = events[..count].iter();
        while left.len() > 0 {
            panics.catch(|| claim.put_clones(&mut left));
        }
        Some(count)
    }

    /// Counts events that found no room. The receiver is told of them before the next one that does.
    #[cold]
    pub(crate) fn lose(&self, count: u64) {
        self.lost.0.total.fetch_add(count, Relaxed);
        // Release; partner: the Acquire in `nothing`: who finds the count finds the tail where we saw it, or further on.
        self.lost.0.pending.fetch_add(count << PENDING_SHIFT, Ordering::Release);
        // Release; partner: the Acquire in `claim`: who takes the bit finds the count. Always an exchange: a bit that we only
        // see may have been taken, and the count with it.
        self.entry.0.tail.fetch_or(LOSS, Ordering::Release);
    }

    /// The same, but the receiver is not told.
    #[cold]
    pub(crate) fn lose_untold(&self, count: u64) {
        self.lost.0.total.fetch_add(count, Relaxed);
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// How many events are in it, those included that are about to be; at a moment between the beginning and the end of the call, if
    /// nobody is at work.
    pub(crate) fn len(&self) -> usize {
        let (exit, lost) = (&self.exit.0, &self.lost.0);
        // Relaxed: a number to look at. The head first, or it might be ahead of the tail.
        let head = exit.head.load(Ordering::Relaxed);
        let tail = self.entry.0.tail.load(Ordering::Relaxed) >> TAIL_SHIFT;
        let voids = lost.voids.load(Relaxed).saturating_sub(exit.voids.load(Relaxed));
        tail.saturating_sub(head).min(self.capacity).saturating_sub(voids) as usize
    }

    /// How many events were ever put in, or lost.
    pub(crate) fn sent(&self) -> u64 {
        let tail = self.entry.0.tail.load(Ordering::Relaxed) >> TAIL_SHIFT;
        tail - self.lost.0.voids.load(Relaxed).min(tail) + self.lost()
    }

    pub(crate) fn received(&self) -> u64 {
        let Exit { head, voids } = &self.exit.0;
        let voids = voids.load(Relaxed);
        head.load(Ordering::Relaxed).saturating_sub(voids)
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.0.total.load(Relaxed)
    }

    /// Has the receiver read all that anybody has begun to put in?
    fn has_read_all(&self, cursor: &Cursor) -> bool {
        // Acquire; partner: the Release in `give_up`, by which the tail moves back: see `is_done`.
        self.entry.0.tail.load(Ordering::Acquire) >> TAIL_SHIFT == cursor.next
    }

    /// Has it also been told of all that was lost? Asked after [`look`](Self::look) has found nothing.
    ///
    /// If that found no count, since somebody has taken it to note it at an event, he had claimed the event's position before: so the tail is
    /// found moved. If he has moved it back, since there is no event, the count is found to be back.
    pub(crate) fn is_done(&self, cursor: &Cursor) -> bool {
        // Relaxed: the tail brings it, see above.
        self.has_read_all(cursor) && self.lost.0.pending.load(Ordering::Relaxed) >> PENDING_SHIFT == 0
    }

    /// Is an event there, of which nothing is to be told before?
    #[inline(always)]
    pub(crate) fn has_event(&self, cursor: &Cursor) -> bool {
        // Acquire: as in `look`, which is for what is something else than an event.
        let word = self.cell(cursor.next).word.load(Ordering::Acquire);
        let event = (cursor.next + 1) << WORD_SHIFT;
        word == event || cursor.is_told && word == event | AFTER_LOSS
    }

    /// What is the next thing for the receiver? Losses are taken, events are not.
    ///
    /// # Safety
    /// The cursor is this line's.
    #[inline(always)]
    pub(crate) unsafe fn look(&self, cursor: &mut Cursor) -> Popped {
        loop {
            // Acquire; partner: the Release in `publish`. If it is published, the event is in place.
            let word = self.cell(cursor.next).word.load(Ordering::Acquire);
            if word >> WORD_SHIFT != cursor.next + 1 {
                return self.nothing(cursor);
            }
            if word & AFTER_LOSS != 0 && !cursor.is_told {
                cursor.is_told = true;
                // SAFETY: published with the position, and ours until the head has passed it.
                return Popped::Lost(self.losses[self.index(cursor.next)].with(|loss| unsafe { *loss }));
            }
            if word & VOID == 0 {
                return Popped::Event;
            }
            self.pass_void(cursor);
        }
    }

    /// Takes the event. Senders learn of the room only by [`pass`](Self::pass).
    ///
    /// # Safety
    /// The cursor is this line's, and an event was found at it.
    #[inline(always)]
    pub(crate) unsafe fn take(&self, cursor: &mut Cursor) -> E {
        // SAFETY: published and not void, and ours: the cursor passes it, so that it is read once, and the head has not yet, so that
        // nobody writes there.
        let event = unsafe { self.cell(cursor.next).read() };
        cursor.next += 1;
        cursor.is_told = false;
        event
    }

    /// Has the cursor passed something of which senders have not been told?
    #[inline(always)]
    pub(crate) fn is_untold(&self, cursor: &Cursor) -> bool {
        // Relaxed: the receiver's own.
        self.exit.0.head.load(Ordering::Relaxed) != cursor.next
    }

    /// Tells senders that they may use again what the cursor has passed.
    #[inline(always)]
    pub(crate) fn pass(&self, cursor: &Cursor) {
        // Release; partner: the Acquire in `look_for_room`. What we have read comes before what is written there.
        self.exit.0.head.store(cursor.next, Ordering::Release);
    }

    #[cold]
    fn pass_void(&self, cursor: &mut Cursor) {
        cursor.next += 1;
        cursor.is_told = false;
        self.exit.0.voids.store(self.exit.0.voids.load(Relaxed) + 1, Relaxed);
        self.pass(cursor);
    }

    /// Nothing is published at the cursor: was something lost there?
    ///
    /// Does not look at the tail unless something was lost: a receiver that has caught up comes here again and again, and would take the
    /// tail's line from those who put in.
    #[inline(never)]
    fn nothing(&self, cursor: &Cursor) -> Popped {
        let pending = &self.lost.0.pending;
        // Acquire; partner: the Release in `lose`: who lost something saw the tail at most where we find it now. If it is
        // at the cursor, everything that came before the loss has been received. And the Release in `note_loss`: see `is_done`.
        let mut found = pending.load(Ordering::Acquire);
        while found >> PENDING_SHIFT > 0 && self.has_read_all(cursor) {
            // Relaxed: only the number. Acquire if it fails, as above: there is more, or somebody notes it at an event; and others
            // may be lost behind that, as many again.
            match pending.compare_exchange(found, taken(found), Ordering::Relaxed, Ordering::Acquire) {
                Ok(_) => return Popped::Lost(found >> PENDING_SHIFT),
                Err(now) => found = now,
            }
        }
        Popped::Nothing
    }
}

impl<E> Drop for Line<E> {
    fn drop(&mut self) {
        // Relaxed: nobody else is there any more.
        let mut cursor = Cursor { next: self.exit.0.head.load(Ordering::Relaxed), is_told: false };
        loop {
            // SAFETY: from the head on nothing was read: a receiver that ends has passed what it has read (`Outlet::drop`), and one that
            // is forgotten keeps the line for ever.
            match unsafe { self.look(&mut cursor) } {
                // SAFETY: as above, and an event was found.
                Popped::Event => _ = drop_quietly(unsafe { self.take(&mut cursor) }),
                Popped::Lost(_) => {}
                Popped::Nothing => return,
            }
        }
    }
}
