//! What holds senders back that nobody holds back: those of queues that overwrite what is not read in time.
//!
//! Without it the fastest would be who loses most. Receivers tell how far they are now and then; a sender draws the right
//! to send a lap of events, and waits until they are so far that it fits. That costs an exchange for a lap, and a store for
//! some tens of events.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::CachePadded;

use super::CAPACITY;
use super::event::LAP;
use super::waiting::Waiting;

/// A receiver tells how far it is once in so many events, and when it finds nothing more.
const TOLD_EACH: u64 = 64;

/// What senders and receivers share.
pub(super) struct Credit {
    drawn: CachePadded<AtomicU64>,
    received: Vec<CachePadded<AtomicU64>>,
}

impl Credit {
    pub(super) fn new(receivers: usize) -> Arc<Self> {
        let received = (0..receivers).map(|_| CachePadded::default()).collect();
        Arc::new(Self { drawn: CachePadded::default(), received })
    }

    fn slowest(&self) -> u64 {
        self.received.iter().map(|received| received.load(Ordering::Acquire)).min().unwrap_or(0)
    }
}

/// What one sender may send.
pub(super) struct Allowance {
    credit: Arc<Credit>,
    left: usize,
}

impl Allowance {
    pub(super) fn new(credit: &Arc<Credit>) -> Self {
        Self { credit: credit.clone(), left: 0 }
    }

    /// Waits until so many events may be sent.
    #[inline(always)]
    pub(super) fn wait_for(&mut self, count: usize) {
        if self.left < count {
            self.draw();
        }
        self.left -= count;
    }

    #[cold]
    fn draw(&mut self) {
        let end = self.credit.drawn.fetch_add(LAP as u64, Ordering::Relaxed) + LAP as u64;
        Waiting::Yield.until(|| (end <= self.credit.slowest() + CAPACITY as u64).then_some(()));
        self.left += LAP;
    }
}

/// How far one receiver is.
pub(super) struct Progress {
    credit: Arc<Credit>,
    receiver: usize,
    received: u64,
    told: u64,
}

impl Progress {
    pub(super) fn new(credit: &Arc<Credit>, receiver: usize) -> Self {
        Self { credit: credit.clone(), receiver, received: 0, told: 0 }
    }

    /// So many more were received.
    #[inline(always)]
    pub(super) fn add(&mut self, count: usize) {
        self.received += count as u64;
        if self.received - self.told >= TOLD_EACH || (count == 0 && self.received > self.told) {
            self.told = self.received;
            self.credit.received[self.receiver].store(self.told, Ordering::Release);
        }
    }
}
