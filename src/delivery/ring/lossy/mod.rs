//! The lossy ring: publishers wait for nobody, and overwrite what is oldest.
//!
//! ```text
//! tail    how far publishers have claimed
//! cells   one for each event that is kept: a word, and a node
//! node    an event with its position. At first each cell has its own one; there are a few spare ones besides
//! ```
//!
//! A cell's [word](word) names the node that its event is in, and counts who is reading it. It is the only truth:
//!
//! | the word says | the node's body is touched by |
//! | --- | --- |
//! | ready, nobody inside | nobody |
//! | ready, *n* inside | those *n*, shared |
//! | busy | the publisher that has made it busy, alone |
//! | another node | those who were inside when it was replaced; then by the last of them, alone. Or the publisher that had made it busy |
//!
//! A publisher that finds nobody inside makes the cell busy, writes, and makes it ready: two exchanges. If somebody is inside, or
//! another publisher still writing, a round late, it writes into a spare node and replaces the one that is there. Those inside
//! keep that one for as long as they like; the last of them drops its event, and makes it a spare one. So nobody waits, whatever
//! others do, or do not do for ever.
//!
//! A publisher that comes a round late throws its own event away: it has been overwritten before it was seen.

mod spares;
mod word;

use super::line::Line;
use super::shared::row;
use crate::delivery::CapacityError;
use crate::panics::drop_quietly;
use crate::sync::{AtomicU32, AtomicU64, Ordering, UnsafeCell};
use spares::Spares;
use word::{MAX_NODES, Word};

pub(super) use word::MAX_READERS;

pub(super) struct Lossy<E> {
    capacity: u64,
    /// Is the capacity a power of two? Then a position is taken apart without a division.
    is_power: bool,
    tail: Line<AtomicU64>,
    cells: Box<[Cell<E>]>,
    spares: Spares<E>,
}

struct Cell<E> {
    word: AtomicU64,
    /// The node of the cell's own number: in this cell at first, and in any other or spare later.
    node: Node<E>,
}

struct Node<E> {
    /// After it was replaced: how many of those inside have still to leave. Until then, minus how many have left.
    leaving: AtomicU32,
    /// While it is spare: the number of the one below it, plus one; or zero.
    below: AtomicU32,
    body: UnsafeCell<Body<E>>,
}

struct Body<E> {
    position: u64,
    /// None: nothing was published at this position.
    event: Option<E>,
}

/// The position of a node that was never published.
const NEVER: u64 = u64::MAX;

// SAFETY: the module's table says who touches a body when: a publisher or the last reader alone, which takes `E: Send`, and
// readers together, which takes `E: Sync`. The rest is atomic, or never written.
unsafe impl<E: Send + Sync> Sync for Lossy<E> {}

/// What a publisher has overwritten, and what of its own was overwritten before it was seen: to be dropped.
pub(super) type Overwritten<E> = (Option<E>, Option<E>);

impl<E> Node<E> {
    fn new() -> Self {
        let body = Body { position: NEVER, event: None };
        Self { leaving: AtomicU32::new(0), below: AtomicU32::new(0), body: UnsafeCell::new(body) }
    }

    /// Writes the body; hands out the event that was there.
    ///
    /// # Safety
    /// The caller alone may touch it.
    unsafe fn write(&self, position: u64, event: Option<E>) -> Option<E> {
        // SAFETY: as the caller says.
        let old = self.body.with_mut(|body| unsafe { std::mem::replace(&mut *body, Body { position, event }) });
        old.event
    }
}

impl<E> Lossy<E> {
    /// For `capacity` events, which is not zero.
    pub(super) fn new(capacity: usize) -> Result<Self, CapacityError> {
        // The round before the first one: nothing is there.
        let word = |number| AtomicU64::new(Word::new(u64::MAX, number as u32).bits());
        Ok(Self {
            capacity: capacity as u64,
            is_power: capacity.is_power_of_two(),
            tail: Line::new(AtomicU64::new(0)),
            cells: row(capacity, capacity, |number| Cell { word: word(number), node: Node::new() })?,
            spares: Spares::new(),
        })
    }

    pub(super) fn capacity(&self) -> u64 {
        self.capacity
    }

    /// The position that comes next.
    pub(super) fn tail(&self) -> u64 {
        // Relaxed: a number. What was published before, and is known of, has moved it before.
        self.tail.load(Ordering::Relaxed)
    }

    /// That of the oldest event that is there.
    pub(super) fn oldest(&self) -> u64 {
        self.tail().saturating_sub(self.capacity)
    }

    /// How many spare nodes were ever needed.
    pub(super) fn spares(&self) -> u32 {
        self.spares.made()
    }

    /// The place and the round of a position.
    #[inline(always)]
    fn locate(&self, position: u64) -> (usize, u64) {
        if self.is_power {
            ((position & (self.capacity - 1)) as usize, position >> self.capacity.trailing_zeros())
        } else {
            ((position % self.capacity) as usize, position / self.capacity)
        }
    }

    fn node(&self, number: u32) -> &Node<E> {
        match self.cells.get(number as usize) {
            Some(cell) => &cell.node,
            None => self.spares.get(number - self.cells.len() as u32),
        }
    }

    fn take_spare(&self) -> u32 {
        self.spares.take(|number| self.node(number), self.cells.len() as u32)
    }

    fn put_spare(&self, number: u32) {
        self.spares.put(number, self.node(number));
    }

    // --- publishing --------------------------------------------------------------------------------------------------

    /// Claims so many positions in a row.
    #[inline(always)]
    pub(super) fn claim(&self, count: u64) -> Claim<'_, E> {
        // Relaxed: it hands out positions. Whoever sees what is written there sees the tail so far: that is passed on by the word.
        let next = self.tail.fetch_add(count, Ordering::Relaxed);
        Claim { ring: self, next, end: next + count }
    }

    /// Has the place of the position been claimed for a later one?
    fn is_passed(&self, position: u64) -> bool {
        self.tail() - position > self.capacity
    }

    /// Writes what was claimed.
    #[inline]
    fn put(&self, position: u64, event: Option<E>) -> Overwritten<E> {
        let (place, round) = self.locate(position);
        let cell = &self.cells[place];
        // Relaxed: whatever it says, the exchange asks again.
        let word = Word::from_bits(cell.word.load(Ordering::Relaxed));
        // (Also what has come round 2²⁶ times while its publisher slept: then it goes the long way, or, if that happens between this
        // load and the exchange, shows an event where a later one was.)
        if word.is_busy() || word.readers() > 0 || !word.is_of(round.wrapping_sub(1)) {
            return self.replace(cell, position, round, event);
        }
        let busy = word.busy(round);
        // Acquire; partner: the Release in `Inside::let_go`: what those have read who were inside comes before what we write.
        let exchanged = cell.word.compare_exchange(word.bits(), busy.bits(), Ordering::Acquire, Ordering::Relaxed);
        if exchanged.is_err() {
            return self.replace(cell, position, round, event);
        }
        let node = self.node(word.node());
        // SAFETY: nobody was inside, and nobody enters what is busy; the node is ours, also if it is replaced meanwhile.
        let old = unsafe { node.write(position, event) };
        // Release; partners: the Acquires in `enter` and `replace`: the event is written.
        match cell.word.compare_exchange(busy.bits(), busy.ready().bits(), Ordering::Release, Ordering::Relaxed) {
            Ok(_) => (old, None),
            Err(_) => {
                // Replaced, a round later. Nobody has ever seen ours.
                // SAFETY: as above.
                let late = unsafe { node.write(NEVER, None) };
                self.put_spare(word.node());
                (old, late)
            }
        }
    }

    /// Writes into a spare node, and replaces the one that is there.
    #[cold]
    #[inline(never)]
    fn replace(&self, cell: &Cell<E>, position: u64, round: u64, event: Option<E>) -> Overwritten<E> {
        let number = self.take_spare();
        let node = self.node(number);
        // SAFETY: spare nodes are their taker's.
        let none = unsafe { node.write(position, event) };
        debug_assert!(none.is_none(), "spare nodes are empty");
        // Acquire, here and where the exchange fails; partner: the Releases that make a cell ready. If what is there is later than
        // ours, we see that it was claimed.
        let mut word = Word::from_bits(cell.word.load(Ordering::Acquire));
        loop {
            if self.is_passed(position) {
                // SAFETY: ours still.
                let late = unsafe { node.write(NEVER, None) };
                self.put_spare(number);
                return (None, late);
            }
            let new = Word::new(round, number).bits();
            // AcqRel: Release as in `put`; partner: the Acquire in `enter`. Acquire as in `put`; partner: the Release in `Inside::let_go`.
            match cell.word.compare_exchange(word.bits(), new, Ordering::AcqRel, Ordering::Acquire) {
                // Whoever is writing into it finds out.
                Ok(_) if word.is_busy() => return (None, None),
                Ok(_) => return (self.let_go(word.node(), word.readers()), None),
                Err(found) => word = Word::from_bits(found),
            }
        }
    }

    /// Of a node that was replaced, with so many inside: the event, if all of them have left since.
    fn let_go(&self, number: u32, inside: u32) -> Option<E> {
        // AcqRel; partners: those who leave, of whom the last, or we, see what all the others have done.
        let leaving = self.node(number).leaving.fetch_add(inside, Ordering::AcqRel).wrapping_add(inside);
        (leaving == 0).then(|| self.retire(number)).flatten()
    }

    /// Makes a node spare whose last user we are; hands out its event.
    fn retire(&self, number: u32) -> Option<E> {
        // SAFETY: it is in no cell, and all who were inside have left.
        let event = unsafe { self.node(number).write(NEVER, None) };
        self.put_spare(number);
        event
    }

    // --- reading -----------------------------------------------------------------------------------------------------

    /// Reads up to `max` events, in order, beginning at `next`, which moves before `f` is called. Returns how many; none also if
    /// some were lost.
    #[inline]
    pub(super) fn read(&self, next: &mut u64, max: usize, mut f: impl FnMut(&E)) -> usize {
        let mut count = 0;
        while count < max {
            let Some(inside) = self.enter(*next) else { break };
            *next += 1;
            inside.node.body.with(|body| {
                // SAFETY: we are inside.
                if let Some(event) = unsafe { &(*body).event } {
                    count += 1;
                    f(event);
                }
            });
            inside.leave();
        }
        count
    }

    /// How many of the events from `next` on have been overwritten; those are passed over.
    pub(super) fn skip_lost(&self, next: &mut u64) -> u64 {
        let lost = self.oldest().saturating_sub(*next);
        *next += lost;
        lost
    }

    /// Goes into the cell of the position, if that is what is there.
    #[inline]
    fn enter(&self, position: u64) -> Option<Inside<'_, E>> {
        let (place, round) = self.locate(position);
        let cell = &self.cells[place];
        // Relaxed, here and where the exchange fails: whoever finds nothing may have come too early. Who then sleeps looks again
        // behind the bell's barrier.
        let mut word = Word::from_bits(cell.word.load(Ordering::Relaxed));
        loop {
            if word.is_busy() || !word.is_of(round) {
                return None;
            }
            // Acquire; partner: the Releases in `put` and `replace`: the event is written.
            match cell.word.compare_exchange_weak(
                word.bits(),
                word.entered().bits(),
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => break,
                Err(found) => word = Word::from_bits(found),
            }
        }
        let number = word.node();
        let inside = Inside { ring: self, cell, node: self.node(number), number };
        // SAFETY: we are inside.
        let there = inside.node.body.with(|body| unsafe { (*body).position });
        // Else it is another round, of which the word keeps as much as ours.
        (there == position).then_some(inside)
    }
}

impl<E> Drop for Lossy<E> {
    fn drop(&mut self) {
        let made = self.cells.len() as u32 + self.spares.made();
        for number in 0..made {
            // SAFETY: nobody uses the ring any more.
            let _ = drop_quietly(unsafe { self.node(number).write(NEVER, None) });
        }
    }
}

/// Somebody who is reading a node, which stays as it is for so long.
struct Inside<'a, E> {
    ring: &'a Lossy<E>,
    cell: &'a Cell<E>,
    node: &'a Node<E>,
    number: u32,
}

impl<E> Inside<'_, E> {
    /// Leaves; the last one out of a node that was replaced drops its event.
    #[inline]
    fn leave(self) {
        let event = self.let_go();
        std::mem::forget(self);
        drop(event);
    }

    #[inline]
    fn let_go(&self) -> Option<E> {
        let mut word = Word::from_bits(self.cell.word.load(Ordering::Relaxed));
        // As long as we are inside, the node is nowhere else: if it is here, it is here with us.
        while word.node() == self.number {
            // Release; partner: the Acquires in `put` and `replace`: what we have read comes before what is written.
            match self.cell.word.compare_exchange_weak(
                word.bits(),
                word.left().bits(),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return None,
                Err(found) => word = Word::from_bits(found),
            }
        }
        // AcqRel; partners: the others who leave, and who has replaced it (`Lossy::let_go`).
        let is_last = self.node.leaving.fetch_sub(1, Ordering::AcqRel) == 1;
        is_last.then(|| self.ring.retire(self.number)).flatten()
    }
}

impl<E> Drop for Inside<'_, E> {
    /// After a panic, or in vain.
    fn drop(&mut self) {
        let _ = drop_quietly(self.let_go());
    }
}

/// Positions that a publisher has claimed. What it has not written when it goes is skipped by the readers.
pub(super) struct Claim<'a, E> {
    ring: &'a Lossy<E>,
    next: u64,
    end: u64,
}

impl<E> Claim<'_, E> {
    /// Writes the next one; hands out what is to be dropped.
    #[inline(always)]
    pub(super) fn write(&mut self, event: E) -> Overwritten<E> {
        assert!(self.next < self.end, "a publisher writes what it has claimed");
        self.next += 1;
        self.ring.put(self.next - 1, Some(event))
    }
}

impl<E> Drop for Claim<'_, E> {
    #[inline(always)]
    fn drop(&mut self) {
        while self.next < self.end {
            self.next += 1;
            let _ = drop_quietly(self.ring.put(self.next - 1, None));
        }
    }
}
