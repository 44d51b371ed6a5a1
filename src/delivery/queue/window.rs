//! The queue in which the newest events stay: who finds it full takes the oldest out.
//!
//! ```text
//! head   position 63 bits │ hole 1      the first position that nobody has passed; is it a hole that is being passed?
//! word   position 62 bits │ phase 2
//!
//!        free p ──begin──▶ writing p ──publish──▶ full p ──(the head passes p)──▶ leave ──▶ free p + size
//!          │ revoke           │ revoke              │ revoke p + size, which is claimed, while the cell is still being read
//!          ▼                  ▼                     ▼
//!        free p + size     busy p + size         busy p + 2 size ──leave──▶ free p + 2 size          busy q ──revoke──▶ busy q + size
//! ```
//!
//! A sender claims a position by moving the tail, the receiver and those who make room by moving the head over what is *full*: who has
//! moved it owns what it has moved over. Nobody waits for anybody. A cell at which another thread has been interrupted, in the few
//! instructions of writing or reading an event, is passed over: its position is *revoked*, and becomes a hole. Whoever was to write
//! there finds out, and takes the next position; whoever is inside says so when it leaves, and until then the cell is *busy*: its
//! number is the next position that it can serve.
//!
//! What the receiver has missed is where the head is, less what it got, less the holes before it: it is told before the event that it gets
//! next, and that event is its own by then. So holes are counted when they are passed, each once: whoever passes one says so in the head;
//! who finds that there helps; it is counted by an exchange that says for which position it was; and then the head moves on. Nobody who
//! moves the head over events can have missed a hole before them, or counted one behind them.

mod basket;

use super::{Apart, CapacityError, Cell, Popped, cells};
use crate::panics::drop_quietly;
use crate::sync::diagnostic::{AtomicU64 as Count, Relaxed};
use crate::sync::{AtomicU64, Ordering};
pub(crate) use basket::Basket;

/// A queue of a fixed capacity.
pub(crate) struct Window<E> {
    /// The next position to be claimed by a sender.
    tail: Apart<AtomicU64>,
    /// See the module.
    head: Apart<AtomicU64>,
    holes: Apart<Holes>,
    cells: Box<[Cell<E>]>,
    capacity: u64,
}

/// Positions that were revoked.
struct Holes {
    /// How many the head has passed, 32 bits of that, and 32 bits of the position of the last one.
    passed: AtomicU64,
    /// How many there are in all.
    made: Count,
}

const HOLE: u64 = 1;
const HEAD_SHIFT: u32 = 1;
const PASSED_SHIFT: u32 = 32;

const FREE: u64 = 0;
const WRITING: u64 = 1;
const FULL: u64 = 2;
const BUSY: u64 = 3;
const PHASE: u64 = 3;
const SHIFT: u32 = 2;

/// So many cells at the least: more than are ever owned by threads that are interrupted, but in the strangest of moments.
const LEAST: usize = if cfg!(loom) { 2 } else { 16 };
/// So many events a receiver takes out at once, at the most.
const RUN: u64 = 32;
/// So long another thread is given to finish what takes it some instructions, before it is passed over.
const PATIENCE: u32 = 64;

/// Is it too early to pass it over? Models have no patience.
fn is_patient(rounds: u32) -> bool {
    !cfg!(loom) && rounds < PATIENCE
}

// SAFETY: a cell's event is touched by who has begun to write it, until it is published, and by who has moved the head over it from then
// on, until it leaves: see the module. Events go from thread to thread.
unsafe impl<E: Send> Sync for Window<E> {}
// SAFETY: as above.
unsafe impl<E: Send> Send for Window<E> {}

fn word(position: u64, phase: u64) -> u64 {
    position << SHIFT | phase
}

/// What there is at the head.
enum Passed<E> {
    Event(E),
    /// Nothing, any more: the head is there by now.
    Changed(u64),
    /// It is claimed, and not published; so it was when the word was read that is given.
    Unfinished(u64),
}

impl<E> Window<E> {
    /// An empty one, and what its receiver needs.
    pub(crate) fn new(capacity: usize) -> Result<(Self, Basket<E>), CapacityError> {
        let cells = cells(capacity, LEAST, |position| word(position, FREE))?;
        let window = Self {
            tail: Apart(AtomicU64::new(0)),
            head: Apart(AtomicU64::new(0)),
            holes: Apart(Holes { passed: AtomicU64::new(u64::from(u32::MAX)), made: Count::new(0) }),
            cells,
            capacity: capacity as u64,
        };
        let basket = Basket::new(window.run() as usize);
        Ok((window, basket))
    }

    /// How many events the receiver takes out at once: a few of the cells, so that others find some that are free.
    fn run(&self) -> u64 {
        RUN.min(self.size() / 4).max(1)
    }

    fn size(&self) -> u64 {
        self.cells.len() as u64
    }

    #[inline(always)]
    fn cell(&self, position: u64) -> &Cell<E> {
        // SAFETY: masked by the length, a power of two.
        unsafe { self.cells.get_unchecked(position as usize & (self.cells.len() - 1)) }
    }

    /// Puts an event in. The oldest are taken out if there is no room: as many as it takes, or `all` of them. Their destructors run
    /// here; what they panic with is swallowed.
    #[inline]
    pub(crate) fn push(&self, event: E, all: bool) {
        let mut event = event;
        let mut oldest = None;
        // Relaxed, both: an old tail makes the exchange fail, and an old head is looked at again. What may be done with cells their words
        // say.
        let mut tail = self.tail.0.load(Ordering::Relaxed);
        let mut head = self.head.0.load(Ordering::Relaxed) >> HEAD_SHIFT;
        loop {
            if tail.wrapping_sub(head) as i64 >= self.capacity as i64 {
                head = self.make_room(if all { tail } else { tail - self.capacity + 1 }, &mut oldest);
            }
            // Relaxed: what is claimed is published by the cells' words.
            match self.tail.0.compare_exchange_weak(tail, tail + 1, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => match self.put(tail, event) {
                    Ok(()) => break,
                    Err(again) => {
                        event = again;
                        tail += 1;
                    }
                },
                Err(now) => tail = now,
            }
        }
        if let Some(oldest) = oldest {
            let _ = drop_quietly(oldest);
        }
    }

    /// Takes out all before `end`, up to which all is claimed, and returns where the head is then. One event is left in `oldest`, to be
    /// dropped when the new one is in place.
    #[cold]
    #[inline(never)]
    fn make_room(&self, end: u64, oldest: &mut Option<E>) -> u64 {
        let mut rounds = 0;
        let mut head = self.head();
        while (head.wrapping_sub(end) as i64) < 0 {
            match self.pass(head) {
                Passed::Event(event) => {
                    if let Some(older) = oldest.replace(event) {
                        let _ = drop_quietly(older);
                    }
                    head += 1;
                    rounds = 0;
                }
                Passed::Changed(now) => head = now,
                Passed::Unfinished(_) if is_patient(rounds) => pause_shortly(&mut rounds),
                Passed::Unfinished(word) => {
                    self.revoke(head, word);
                    rounds = 0;
                }
            }
        }
        head
    }

    /// Writes the event to the position, which the caller has claimed; or gives it back, if the position was revoked.
    #[inline(always)]
    fn put(&self, position: u64, event: E) -> Result<(), E> {
        let cell = self.cell(position);
        let (free, writing) = (word(position, FREE), word(position, WRITING));
        // Acquire; partner: the Release in `leave`. Whoever was inside has read what was there, before we write.
        if cell.word.compare_exchange(free, writing, Ordering::Acquire, Ordering::Relaxed).is_err()
            && !self.begin_late(position)
        {
            return Err(event);
        }
        // SAFETY: ours since it is being written, and empty: whoever read what was there has left.
        unsafe { cell.write(|| event) };
        // Release; partner: the Acquire in `pass`. Who finds it full finds the event.
        let full = word(position, FULL);
        if cell.word.compare_exchange(writing, full, Ordering::Release, Ordering::Relaxed).is_ok() {
            return Ok(());
        }
        // SAFETY: revoked: nobody touches it before we leave. We have written it.
        let event = unsafe { cell.read() };
        self.leave(cell);
        Err(event)
    }

    /// The same cell is still in use, or was revoked. Begins to write all the same, if the one inside leaves soon.
    #[cold]
    fn begin_late(&self, position: u64) -> bool {
        let cell = self.cell(position);
        let mut rounds = 0;
        loop {
            // Relaxed: the exchange asks again.
            let found = cell.word.load(Ordering::Relaxed);
            if found == word(position, FREE) {
                let writing = word(position, WRITING);
                // Acquire: as in `put`.
                if cell.word.compare_exchange(found, writing, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                    return true;
                }
            } else if (found >> SHIFT) > position {
                return false;
            } else if is_patient(rounds) {
                pause_shortly(&mut rounds);
            } else if self.revoke(position, found) {
                return false;
            }
        }
    }

    /// Makes a hole of a claimed position, in whose cell somebody stays for too long: if its word is still what was found.
    #[cold]
    fn revoke(&self, position: u64, found: u64) -> bool {
        let next = position + self.size();
        let revoked = match found & PHASE {
            // Claimed, and nobody is inside: who has claimed it comes too late.
            FREE => word(next, FREE),
            // Somebody writes it, or still reads an earlier event, or is still to leave.
            _ => word(next, BUSY),
        };
        // Relaxed: whoever finds it passed over finds nothing else. (That the cell is free was said with Release by who left it, and an
        // exchange passes that on.)
        let is_ours =
            self.cell(position).word.compare_exchange(found, revoked, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if is_ours {
            self.holes.0.made.fetch_add(1, Relaxed);
        }
        is_ours
    }

    /// Moves the head over what is at it, and takes that out. It is claimed.
    fn pass(&self, head: u64) -> Passed<E> {
        let cell = self.cell(head);
        // Acquire; partner: the Release in `put`. If it is full, the event is in place.
        let found = cell.word.load(Ordering::Acquire);
        if found == word(head, FULL) {
            if let Err(now) = self.move_head(head, head + 1) {
                return Passed::Changed(now);
            }
            // SAFETY: full, and we have moved the head over it: it is ours.
            let event = unsafe { cell.read() };
            self.leave_read(head);
            Passed::Event(event)
        } else if (found >> SHIFT) > head {
            // Revoked, or passed by somebody else; then the head has moved on.
            Passed::Changed(self.pass_hole(head))
        } else {
            Passed::Unfinished(found)
        }
    }

    /// The first position that nobody has passed. If that is a hole, and somebody is at it, it is passed first.
    #[inline(always)]
    fn head(&self) -> u64 {
        loop {
            // Acquire; partner: the Releases in `move_head` and `pass_hole`: all holes before it have been counted.
            let head = self.head.0.load(Ordering::Acquire);
            if head & HOLE == 0 {
                return head >> HEAD_SHIFT;
            }
            self.count_hole(head);
        }
    }

    /// Moves the head over full cells, or says where it is instead.
    fn move_head(&self, from: u64, to: u64) -> Result<(), u64> {
        // Release; partner: the Acquire in `head` and `pass_hole`: who counts holes behind it does so after we have looked at their number.
        let (from, to) = (from << HEAD_SHIFT, to << HEAD_SHIFT);
        // Acquire when it fails: as in `head`.
        match self.head.0.compare_exchange(from, to, Ordering::Release, Ordering::Acquire) {
            Ok(_) => Ok(()),
            Err(now) if now & HOLE == 0 => Err(now >> HEAD_SHIFT),
            Err(_) => Err(self.head()),
        }
    }

    /// Moves the head over a hole, if it is there. Returns where the head is then.
    #[cold]
    fn pass_hole(&self, position: u64) -> u64 {
        let head = position << HEAD_SHIFT;
        // Acquire; partner: the Release in `move_head`. Release: who counts it sees the holes before it as counted.
        if self.head.0.compare_exchange(head, head | HOLE, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            self.count_hole(head | HOLE);
        }
        self.head()
    }

    /// The head is at a hole: counts it, once, and moves the head on.
    #[cold]
    fn count_hole(&self, head: u64) {
        let passed = &self.holes.0.passed;
        let position = (head >> HEAD_SHIFT) as u32;
        // Acquire; partner: the Release below. If it was counted for a later position, we see that the head has moved on.
        let found = passed.load(Ordering::Acquire);
        // Acquire: as in `head`.
        if self.head.0.load(Ordering::Acquire) != head {
            return;
        }
        if found as u32 != position {
            let next = ((found >> PASSED_SHIFT) + 1) << PASSED_SHIFT | u64::from(position);
            // Release; partner: the Acquire above. If it fails, somebody else has counted it: Acquire then, since the head that we move
            // says so to others.
            let _ = passed.compare_exchange(found, next, Ordering::Release, Ordering::Acquire);
        }
        let next = ((head >> HEAD_SHIFT) + 1) << HEAD_SHIFT;
        // Release; partner: the Acquire in `head`: it was counted.
        let _ = self.head.0.compare_exchange(head, next, Ordering::Release, Ordering::Relaxed);
    }

    /// The event at `position`, which the head has passed, has been read.
    #[inline(always)]
    fn leave_read(&self, position: u64) {
        let cell = self.cell(position);
        let (full, free) = (word(position, FULL), word(position + self.size(), FREE));
        // Release; partner: the Acquire in `put`. What we have read comes before what is written there.
        if cell.word.compare_exchange(full, free, Ordering::Release, Ordering::Relaxed).is_err() {
            // Later positions were revoked meanwhile.
            self.leave(cell);
        }
    }

    /// busy → free, for the position that comes next.
    #[cold]
    fn leave(&self, cell: &Cell<E>) {
        // Release; partner: the Acquire in `put`, as in `leave_read`.
        cell.word.fetch_and(!PHASE, Ordering::Release);
    }

    /// What is the next thing for the receiver? If it is an event, up to `wanted` are in the basket, which is this window's.
    #[inline]
    pub(crate) fn look(&self, basket: &mut Basket<E>, wanted: usize) -> Popped {
        if !self.fill_if_empty(basket, wanted) {
            return Popped::Nothing;
        }
        match basket.tell() {
            0 => Popped::Event,
            lost => Popped::Lost(lost),
        }
    }

    /// Sees to it that there is something in the basket; `false` if there is nothing to be had.
    #[inline]
    pub(crate) fn fill_if_empty(&self, basket: &mut Basket<E>, wanted: usize) -> bool {
        basket.has_something() || self.fill(basket, wanted)
    }

    /// Takes events out into the empty basket, `wanted` at the most, and one at the least; `false` if there is none.
    fn fill(&self, basket: &mut Basket<E>, wanted: usize) -> bool {
        let wanted = (wanted as u64).min(self.run());
        let mut head = self.head();
        loop {
            let mut end = head;
            // Acquire; partner: the Release in `put`.
            while end < head + wanted && self.cell(end).word.load(Ordering::Acquire) == word(end, FULL) {
                end += 1;
            }
            if end == head {
                match self.look_again(head) {
                    Some(now) => head = now,
                    None => return false,
                }
                continue;
            }
            // Relaxed: as of the head, see `head` and `move_head`.
            let holes = (self.holes.0.passed.load(Ordering::Relaxed) >> PASSED_SHIFT) as u32;
            if let Err(now) = self.move_head(head, end) {
                head = now;
                continue;
            }
            for position in head..end {
                // SAFETY: full, and we have moved the head over it: it is ours.
                basket.put(unsafe { self.cell(position).read() });
                self.leave_read(position);
            }
            basket.note(head, end, holes);
            return true;
        }
    }

    /// No event is at the head: is a hole there, which is passed, or is there nothing to be had? Returns where the head is then.
    #[cold]
    fn look_again(&self, head: u64) -> Option<u64> {
        // Relaxed: a full one is looked at again.
        let found = self.cell(head).word.load(Ordering::Relaxed);
        if found == word(head, FULL) {
            Some(head)
        } else if (found >> SHIFT) > head {
            Some(self.pass_hole(head))
        } else {
            None
        }
    }

    /// Has the receiver been told of everything that anybody has begun to put in? Asked after [`look`](Self::look) has found nothing.
    pub(crate) fn is_done(&self, basket: &Basket<E>) -> bool {
        let head = self.head();
        // Acquire; partner: the Release in `count_hole`. If it counts holes behind `head`, the tail that we read next is behind them, too.
        let holes = (self.holes.0.passed.load(Ordering::Acquire) >> PASSED_SHIFT) as u32;
        let holes = basket.holes_now(holes);
        // What was lost since the receiver has looked is told with the event that comes next: somebody has claimed a position for it,
        // or is about to. Relaxed: see who asks.
        self.tail.0.load(Ordering::Relaxed) == head && basket.taken + holes + basket.known == head
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// How many events are in it, but for the basket; those included that are about to be.
    pub(crate) fn len(&self) -> usize {
        let Counts { head, passed, made, tail } = self.counts();
        tail.saturating_sub(head).saturating_sub(made.wrapping_sub(passed).into()).min(self.capacity) as usize
    }

    pub(crate) fn sent(&self) -> u64 {
        self.tail.0.load(Ordering::Relaxed).saturating_sub(self.holes.0.made.load(Relaxed))
    }

    pub(crate) fn lost(&self, basket: &Basket<E>) -> u64 {
        let Counts { head, passed, .. } = self.counts();
        head.saturating_sub(basket.taken).saturating_sub(basket.holes_now(passed))
    }

    /// Numbers to look at.
    fn counts(&self) -> Counts {
        // Relaxed. The head first, or it might be ahead of the tail.
        let head = self.head.0.load(Ordering::Relaxed) >> HEAD_SHIFT;
        Counts {
            head,
            passed: (self.holes.0.passed.load(Ordering::Relaxed) >> PASSED_SHIFT) as u32,
            made: self.holes.0.made.load(Relaxed) as u32,
            tail: self.tail.0.load(Ordering::Relaxed),
        }
    }
}

struct Counts {
    head: u64,
    passed: u32,
    made: u32,
    tail: u64,
}

impl<E> Drop for Window<E> {
    fn drop(&mut self) {
        let mut rest = None;
        self.make_room(self.tail.0.load(Ordering::Relaxed), &mut rest);
        if let Some(rest) = rest {
            let _ = drop_quietly(rest);
        }
    }
}

/// Gives another thread a moment.
fn pause_shortly(rounds: &mut u32) {
    crate::sync::spin_loop();
    *rounds += 1;
}
