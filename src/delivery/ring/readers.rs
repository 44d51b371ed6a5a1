//! Who reads a gated ring, and how far each has come.
//!
//! A list of records that only grows, as long as the ring lives; a record serves one reader after the other. Publishers walk it
//! when the room they know of is used up ([`Readers::least`]), and take no lock.
//!
//! Joining must not come too late for a publisher that has just looked. Whatever number `least` has returned, *every* reader that
//! is there then or comes later has a cursor that is not below it; so a publisher may use it whenever it likes. That is what
//! `joins` is for:
//!
//! | who publishes | who joins |
//! | --- | --- |
//! | reads the tail, and the cursors; light barrier; has somebody joined meanwhile? | shows a record; `joins` + 1; heavy barrier; reads where to begin |
//! | no: this is the least. Yes: looks again | begins there, at the tail or at the cursor of somebody who is there |
//!
//! Of two barriers one is first. If the publisher's is, it has read the tail and the cursors before us, and we read no older
//! ones. If ours is, it looks again and finds our record, which holds it back from the moment that it was shown.

use crate::epoch::barrier::{self, PinFlavour};
use crate::sync::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::ptr::{self, NonNull};

/// The reader that was here has left: its word still tells how far it has come.
const LEFT: u64 = 1 << 63;
/// Not yet where it will begin, and not before this.
const JOINING: u64 = 1 << 62;
const POSITION: u64 = JOINING - 1;

/// How far one reader has come, on cache lines of its own.
#[repr(align(128))]
pub(super) struct Record {
    /// The position of the first event that it has not read, and how it is with its reader. Written by the reader only.
    word: AtomicU64,
    /// Its reader, and those readers that go after it. Zero: for anybody to take.
    users: AtomicU32,
    /// The records that were there before. Written once, before it is shown.
    next: *mut Record,
}

pub(super) struct Readers {
    head: AtomicPtr<Record>,
    joins: AtomicU64,
    flavour: PinFlavour,
}

// SAFETY: `next` is written before the record is shown by a Release exchange, and never after it; the rest is atomic.
unsafe impl Sync for Record {}

/// A use of a record of one ring, which must outlive it: a reader's own, or of one that goes after it.
pub(super) struct Cursor(NonNull<Record>);

// SAFETY: a reference to a record, which is `Sync`; it frees nothing.
unsafe impl Send for Cursor {}
// SAFETY: as above.
unsafe impl Sync for Cursor {}

/// How far a reader has come, and whether it comes further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) position: u64,
    pub(super) has_left: bool,
}

impl Readers {
    pub(super) fn new() -> Self {
        Self { head: AtomicPtr::new(ptr::null_mut()), joins: AtomicU64::new(0), flavour: barrier::pin_flavour() }
    }

    /// A position that all readers have come to, those that are there and those that will be; at the most `tail`, which the
    /// caller has read before.
    ///
    /// What they have read before it comes before what the caller does next.
    pub(super) fn least(&self, tail: u64) -> u64 {
        loop {
            // Acquire; partner: the Release in `show`: with the number we see the record.
            let joins = self.joins.load(Ordering::Acquire);
            let mut least = tail;
            for record in self.records() {
                // Acquire; partner: the Releases in `pass` and `leave`: what was read comes before what overwrites it.
                let word = record.word.load(Ordering::Acquire);
                if word & LEFT == 0 {
                    least = least.min(word & POSITION);
                }
            }
            // Partner: the heavy barrier in `join_at` and `join_oldest`. See the module's table.
            barrier::light(self.flavour);
            // Relaxed: the barrier orders it for those who begin at the tail. Who begins at another's cursor has joined before that
            // one moved on, so if we have read the cursor where it is now, we see that somebody has joined.
            if self.joins.load(Ordering::Relaxed) == joins {
                return least;
            }
        }
    }

    /// A reader that begins at the tail, as it is when it has joined.
    pub(super) fn join_at(&self, tail: &AtomicU64) -> (Cursor, u64) {
        let cursor = self.show(JOINING | tail.load(Ordering::Relaxed));
        barrier::heavy();
        // Relaxed: not older than what a publisher has read before its barrier, if that was first; see the module's table.
        let start = tail.load(Ordering::Relaxed);
        cursor.pass(start);
        (cursor, start)
    }

    /// A reader that begins where the slowest of the others is; at the tail if there is none.
    pub(super) fn join_oldest(&self, tail: &AtomicU64) -> (Cursor, u64) {
        let first = self.slowest().unwrap_or_else(|| tail.load(Ordering::Relaxed));
        let cursor = self.show(JOINING | first);
        barrier::heavy();
        // Whoever is there now, was there when a publisher looked that has missed us, or has begun where that publisher may not
        // yet be; so its cursor is not below what the publisher has found. Nor is the tail.
        let start = self.slowest().unwrap_or_else(|| tail.load(Ordering::Relaxed));
        // We have held publishers back from `first` on, and from nothing before.
        let start = start.max(first);
        cursor.pass(start);
        (cursor, start)
    }

    /// A reader that begins where another one is, which is not moving meanwhile, nor leaving.
    pub(super) fn join_with(&self, start: u64) -> (Cursor, u64) {
        (self.show(start), start)
    }

    /// Shows a record with that word.
    fn show(&self, word: u64) -> Cursor {
        let taken = self.records().find(|record| {
            // Acquire; partner: the Release in `Cursor::drop`: what its last reader has read comes before our word, by which
            // publishers know of both.
            record.users.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
        });
        let record = match taken {
            Some(record) => {
                // Release: passes on what the reader before us has read to who reads our word.
                record.word.store(word, Ordering::Release);
                NonNull::from(record)
            }
            None => self.add(word),
        };
        // Release; partner: the Acquire in `least`.
        self.joins.fetch_add(1, Ordering::Release);
        Cursor(record)
    }

    #[cold]
    fn add(&self, word: u64) -> NonNull<Record> {
        let made = Record { word: AtomicU64::new(word), users: AtomicU32::new(1), next: ptr::null_mut() };
        let record = Box::into_raw(Box::new(made));
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: ours alone until it is shown.
            unsafe { (*record).next = head };
            // Release; partner: the Acquire in `records`: who finds it finds it made.
            match self.head.compare_exchange_weak(head, record, Ordering::Release, Ordering::Relaxed) {
                // SAFETY: of a box.
                Ok(_) => return unsafe { NonNull::new_unchecked(record) },
                Err(found) => head = found,
            }
        }
    }

    /// The cursor of the slowest one that has begun.
    fn slowest(&self) -> Option<u64> {
        // Relaxed: a number; what was read before it does not concern who begins there.
        let words = self.records().map(|record| record.word.load(Ordering::Relaxed));
        words.filter(|word| word & !POSITION == 0).min()
    }

    fn records(&self) -> impl Iterator<Item = &Record> {
        // Acquire; partner: the Release in `add`. An exchange continues the release sequence of those before it.
        let mut next = self.head.load(Ordering::Acquire);
        std::iter::from_fn(move || {
            // SAFETY: null, or a record, which is freed when `self` is dropped.
            let record = unsafe { next.as_ref() }?;
            next = record.next;
            Some(record)
        })
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        // Relaxed: ours alone.
        let mut next = self.head.load(Ordering::Relaxed);
        while !next.is_null() {
            // SAFETY: made by `add` from a box; who has a cursor keeps the ring, so nobody has one.
            let record = unsafe { Box::from_raw(next) };
            next = record.next;
        }
    }
}

impl Cursor {
    #[inline(always)]
    fn record(&self) -> &Record {
        // SAFETY: whoever has a cursor keeps the ring, which keeps its records.
        unsafe { self.0.as_ref() }
    }

    /// The reader has read everything before `position`.
    #[inline(always)]
    pub(super) fn pass(&self, position: u64) {
        // Release; partners: the Acquire in `least`, and that in `progress`, of who goes after us.
        self.record().word.store(position, Ordering::Release);
    }

    /// The reader leaves, and holds nobody back any more.
    pub(super) fn leave(&self, position: u64) {
        // Release; partners: as in `pass`.
        self.record().word.store(position | LEFT, Ordering::Release);
    }

    /// How far its reader has come; what that has read, and done with it, comes before what the caller does next.
    #[inline(always)]
    pub(super) fn progress(&self) -> Progress {
        // Acquire; partners: the Releases in `pass` and `leave`.
        let word = self.record().word.load(Ordering::Acquire);
        Progress { position: word & POSITION, has_left: word & LEFT != 0 }
    }

    /// For one more who goes after it.
    pub(super) fn share(&self) -> Self {
        // Relaxed: we use it, so it is not free.
        self.record().users.fetch_add(1, Ordering::Relaxed);
        Self(self.0)
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        // Release; partner: the Acquire in `show`. An exchange continues the release sequence of those before it.
        self.record().users.fetch_sub(1, Ordering::Release);
    }
}
