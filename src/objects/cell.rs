//! What a key stands for: a place for one object after another, each with a generation of its own.

use super::node::Header;
use crate::pool::{Immortal, Ticket};
use crate::sync::{AtomicU64, Ordering, UnsafeCell, pause};
use std::ptr::NonNull;

/// A place for an object. Immortal: a stale key may look at it for as long as it likes.
///
/// One word says all: `generation << 32 | holder << 2 | state`. Who sees [`VACANT`] and has the cell from its pool may fill it;
/// who exchanges [`KEPT`] for something else owns the object then.
pub(crate) struct Cell {
    word: AtomicU64,
    /// Written while vacant by who fills the cell; read by who has exchanged [`KEPT`].
    node: UnsafeCell<NonNull<Header>>,
    ticket: Ticket,
}

/// No object; the keys of this generation are not given out yet.
const VACANT: u64 = 0;
/// An object that nobody uses.
const KEPT: u64 = 1;
/// `holder` is using the object.
const BUSY: u64 = 2;
/// The same, and returns it afterwards.
const DOOMED: u64 = 3;
const STATE_MASK: u64 = 3;
const HOLDER_SHIFT: u32 = 2;
const HOLDER_MASK: u64 = (1 << 30) - 1;
const GENERATION_SHIFT: u32 = 32;

// SAFETY: `node` is touched as the type says; the word orders it. What it points to belongs to objects that may be sent.
unsafe impl Sync for Cell {}

// SAFETY: `ticket` serves nothing else.
unsafe impl Immortal for Cell {
    const SLAB: usize = if cfg!(loom) { 1 } else { 64 };

    fn fresh() -> Self {
        Self { word: AtomicU64::new(0), node: UnsafeCell::new(NonNull::dangling()), ticket: Ticket::new() }
    }

    fn ticket(&self) -> &Ticket {
        &self.ticket
    }
}

/// The exclusive use of a cell's object, until it is dropped or ended.
pub(crate) struct Use<'a> {
    cell: &'a Cell,
    busy: u64,
}

/// Why there is no [`Use`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No such object any more.
    Gone,
    /// The caller is using it.
    Yours,
}

/// What became of an object that was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removed {
    /// It is the caller's, and so is the cell.
    Now(NonNull<Header>),
    /// Who is using it returns it.
    Later,
    /// There was none.
    Not,
}

impl Cell {
    /// Puts an object into a vacant cell, which the caller owns. Returns the generation that its key is of.
    pub(crate) fn fill(&self, node: NonNull<Header>) -> u32 {
        // Relaxed: whoever vacated it handed it over through a stack.
        let word = self.word.load(Ordering::Relaxed);
        // SAFETY: vacant, and the caller's: nobody else reads it.
        self.node.with_mut(|place| unsafe { *place = node });
        // Release; partner: the Acquires in `begin` and `remove`: who takes the object finds it.
        self.word.store(word | KEPT, Ordering::Release);
        (word >> GENERATION_SHIFT) as u32
    }

    /// Can it be filled once more? (Else a key of its first generation would be good again.)
    pub(crate) fn is_worn_out(&self) -> bool {
        self.word.load(Ordering::Relaxed) >> GENERATION_SHIFT == u64::from(u32::MAX)
    }

    /// The generation of the object in it, if there is one.
    pub(crate) fn generation(&self) -> Option<u32> {
        // Relaxed: to be used in `begin` or `remove`, which look again.
        let word = self.word.load(Ordering::Relaxed);
        matches!(word & STATE_MASK, KEPT | BUSY).then_some((word >> GENERATION_SHIFT) as u32)
    }

    /// Begins to use the object, alone; waits while another thread is.
    pub(crate) fn begin(&self, generation: u32, holder: u32) -> Result<Use<'_>, Refusal> {
        let kept = u64::from(generation) << GENERATION_SHIFT | KEPT;
        let busy = kept & !STATE_MASK | (u64::from(holder) & HOLDER_MASK) << HOLDER_SHIFT | BUSY;
        let mut rounds = 0;
        loop {
            // Acquire; partners: the Releases in `fill` and `end`. What was done to the object comes before what we do.
            match self.word.compare_exchange(kept, busy, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(Use { cell: self, busy }),
                Err(found) if found == busy => return Err(Refusal::Yours),
                Err(found) if found >> GENERATION_SHIFT != u64::from(generation) || found & STATE_MASK != BUSY => {
                    return Err(Refusal::Gone);
                }
                Err(_) => pause(&mut rounds),
            }
        }
    }

    /// Takes the object back.
    pub(crate) fn remove(&self, generation: u32) -> Removed {
        let kept = u64::from(generation) << GENERATION_SHIFT | KEPT;
        let mut word = kept;
        loop {
            let next = if word == kept { Self::vacated(word) } else { word | DOOMED };
            // Acquire; partners: the Releases in `fill` and `end`. What was done to the object comes before its return.
            // (It dooms what it does not touch: then Relaxed would do.)
            match self.word.compare_exchange(word, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) if word == kept => return Removed::Now(self.node()),
                Ok(_) => return Removed::Later,
                Err(found) if found >> GENERATION_SHIFT != u64::from(generation) => return Removed::Not,
                Err(found) if matches!(found & STATE_MASK, KEPT | BUSY) => word = found,
                Err(_) => return Removed::Not,
            }
        }
    }

    fn vacated(word: u64) -> u64 {
        ((word >> GENERATION_SHIFT) + 1) << GENERATION_SHIFT | VACANT
    }

    fn node(&self) -> NonNull<Header> {
        // SAFETY: only called by who has exchanged `KEPT`: written before it, and by nobody after it.
        self.node.with(|place| unsafe { *place })
    }
}

impl Use<'_> {
    /// The object that is ours.
    pub(crate) fn node(&self) -> NonNull<Header> {
        self.cell.node()
    }

    /// Ends the use. If the object was to be taken back meanwhile, it is the caller's now, and so is the cell.
    pub(crate) fn end(self) -> Option<NonNull<Header>> {
        let kept = self.busy & !(HOLDER_MASK << HOLDER_SHIFT | STATE_MASK) | KEPT;
        // Release; partner: the Acquires in `begin` and `remove`. (Failing means doomed: we do the returning ourselves.)
        if self.cell.word.compare_exchange(self.busy, kept, Ordering::Release, Ordering::Relaxed).is_ok() {
            return None;
        }
        let node = self.cell.node();
        // Relaxed: the cell is handed over through a stack, and nobody finds the object by this word.
        self.cell.word.store(Cell::vacated(self.busy), Ordering::Relaxed);
        Some(node)
    }
}
