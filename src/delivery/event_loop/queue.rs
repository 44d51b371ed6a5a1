//! What a loop's threads share: the queue, the bell, and what is counted.

use super::EventLoop;
use super::parcel::Parcel;
use crate::delivery::Bell;
use crate::panics::drop_quietly;
use crate::sync::diagnostic::{AtomicU64 as Count, Relaxed};
use crate::sync::{AtomicBool, Ordering, lock};
use crossbeam_queue::{ArrayQueue, SegQueue};
use std::sync::Mutex;

/// What [`LoopHandle::post`](super::LoopHandle::post) has a loop run.
pub type LoopTask = Box<dyn FnOnce(&EventLoop) + Send>;

/// What waits for the owner.
pub(super) enum Entry {
    /// An event, for the slot of that number.
    Call {
        to: u64,
        event: Parcel,
    },
    Task(LoopTask),
    /// A slot's call that another thread has given away. Says whether it was made.
    Spilled(Box<dyn FnOnce() -> bool + Send>),
}

/// In order, whoever has queued it: what one thread queues stays in its order, also across signals.
enum Queue {
    /// Blocks of 31 entries, made as needed.
    Growing(SegQueue<Entry>),
    /// Made at once.
    Fixed(ArrayQueue<Entry>),
}

/// What the owner, the slots and the handles share. The owner has it; the others have it weakly, and take it for as
/// long as they put something in: so it ends with the loop, or with the last one who was just doing that.
pub(super) struct Shared {
    queue: Queue,
    pub(super) bell: Bell,
    stop: AtomicBool,
    /// The numbers of slots that were dropped by whoever reclaims them: what the owner keeps for them may go.
    gone: Mutex<Vec<u64>>,
    pub(super) counts: Counts,
}

/// Written by the owner, but for what is lost.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) calls: Tally,
    pub(super) skipped: Tally,
    pub(super) task_panics: Tally,
    high_water: Tally,
    lost: Count,
}

/// A count that one thread writes and all read.
#[derive(Default)]
pub(super) struct Tally(Count);

impl Tally {
    /// Only for the owner.
    pub(super) fn add_one(&self) {
        self.0.store(self.get() + 1, Relaxed);
    }

    /// Only for the owner.
    fn raise(&self, to: u64) {
        if to > self.get() {
            self.0.store(to, Relaxed);
        }
    }

    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Shared {
    pub(super) fn new(capacity: Option<usize>) -> Self {
        let queue = match capacity {
            None => Queue::Growing(SegQueue::new()),
            Some(capacity) => Queue::Fixed(ArrayQueue::new(capacity)),
        };
        Self {
            queue,
            bell: Bell::new(),
            stop: AtomicBool::new(false),
            gone: Mutex::new(Vec::new()),
            counts: Counts::default(),
        }
    }

    /// Puts it at the end, and wakes the owner; gives it back if there is no room.
    pub(super) fn push(&self, entry: Entry) -> Result<(), Entry> {
        match &self.queue {
            Queue::Growing(queue) => queue.push(entry),
            Queue::Fixed(queue) => queue.push(entry)?,
        }
        self.bell.ring();
        Ok(())
    }

    /// Queues a call; if there is no room, it is lost, and counted.
    pub(super) fn call(&self, to: u64, event: Parcel) {
        if self.push(Entry::Call { to, event }).is_err() {
            self.counts.lost.fetch_add(1, Relaxed);
        }
    }

    /// Only for the owner.
    pub(super) fn pop(&self) -> Option<Entry> {
        // It only grows between two of these, so this sees each of its peaks.
        self.counts.high_water.raise(self.len() as u64);
        match &self.queue {
            Queue::Growing(queue) => queue.pop(),
            Queue::Fixed(queue) => queue.pop(),
        }
    }

    pub(super) fn len(&self) -> usize {
        match &self.queue {
            Queue::Growing(queue) => queue.len(),
            Queue::Fixed(queue) => queue.len(),
        }
    }

    pub(super) fn capacity(&self) -> Option<usize> {
        match &self.queue {
            Queue::Growing(_) => None,
            Queue::Fixed(queue) => Some(queue.capacity()),
        }
    }

    pub(super) fn stop(&self) {
        // Release; partner: the Acquire in `take_stop`. What was done before the stop comes before the return of `run`.
        self.stop.store(true, Ordering::Release);
        self.bell.ring();
    }

    pub(super) fn is_stopped(&self) -> bool {
        // Relaxed: `take_stop` asks again.
        self.stop.load(Ordering::Relaxed)
    }

    /// Was there a stop? It counts once. Only for the owner.
    pub(super) fn take_stop(&self) -> bool {
        // Acquire; partner: the Release in `stop`.
        self.is_stopped() && self.stop.swap(false, Ordering::Acquire)
    }

    /// A slot has been dropped.
    pub(super) fn mourn(&self, slot: u64) {
        lock(&self.gone).push(slot);
        self.bell.ring();
    }

    /// The slots that have been dropped since the last time.
    pub(super) fn take_gone(&self) -> Vec<u64> {
        std::mem::take(&mut lock(&self.gone))
    }

    pub(super) fn has_gone(&self) -> bool {
        !lock(&self.gone).is_empty()
    }

    pub(super) fn figures(&self) -> LoopFigures {
        let counts = &self.counts;
        LoopFigures {
            queued: self.len(),
            high_water: counts.high_water.get().max(self.len() as u64) as usize,
            calls: counts.calls.get(),
            skipped: counts.skipped.get(),
            lost: counts.lost.load(Relaxed),
            task_panics: counts.task_panics.get(),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Each on its own: a destructor that panics keeps nothing from being dropped.
        while let Some(entry) = self.pop() {
            let _ = drop_quietly(entry);
        }
    }
}

/// What a loop has done, and what waits for it; from [`EventLoop::figures`] and
/// [`LoopHandle::figures`](super::LoopHandle::figures). Beside other threads, each figure is of some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LoopFigures {
    /// Calls and tasks that wait for the owner.
    pub queued: usize,
    /// The most that ever waited.
    pub high_water: usize,
    /// Calls and tasks that were run.
    pub calls: u64,
    /// Queued calls that were not run, since their connection had ended or was blocked.
    pub skipped: u64,
    /// Events that were not queued, since a [bounded](EventLoop::bounded) loop had no room.
    pub lost: u64,
    /// Posted tasks that panicked. (A panic of a slot is counted for its connection.)
    pub task_panics: u64,
}
