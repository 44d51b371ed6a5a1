//! The event and the callback of every measurement: one relaxed add, eight bytes captured.

use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::CachePadded;

/// How many sums the callbacks of an event are spread over.
const LANES: usize = 8;

/// What is emitted: where the callbacks add up, and a number that slots with slices add.
///
/// The sums belong to the event, so that two emitting threads share nothing but the bus. They are several, so that a
/// callback need not wait for the sum that the one before it has just stored: that wait of about five cycles would hide
/// what a bus costs. Boost's shim mirrors the layout.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Event {
    sums: &'static [AtomicU64; LANES],
    number: u64,
}

/// The sums that some events share. Allocated for the rest of the process.
#[derive(Clone, Copy, Debug)]
pub struct Sums(&'static CachePadded<[AtomicU64; 2 * LANES]>);

impl Sums {
    /// Fresh ones, at zero.
    pub fn leaked() -> Self {
        Self(Box::leak(Box::default()))
    }

    /// An event that adds up here.
    pub fn event(self) -> Event {
        self.batch::<1>()[0]
    }

    /// Several of them. Each starts with another sum, so that a slot that takes one after the other has not to wait
    /// for itself either.
    pub fn batch<const N: usize>(self) -> [Event; N] {
        std::array::from_fn(|index| {
            let first = index % LANES;
            let sums = self.0[first..first + LANES].try_into().expect("as many as the range is long");
            Event { sums, number: 1 }
        })
    }

    /// How many events the slots have been given so far, all together.
    pub fn total(self) -> u64 {
        self.0.iter().map(|sum| sum.load(Ordering::Relaxed)).sum()
    }
}

impl Event {
    /// True of every event: for filters.
    pub fn is_event(&self) -> bool {
        self.number > 0
    }

    /// A load, an add and a store: one thread writes each sum, so nothing has to be locked.
    #[inline(always)]
    fn add(&self, Lane(lane): Lane, amount: u64) {
        // SAFETY: lanes are numbered below `LANES`. A test of it here would be the greater part of the callback.
        let sum = unsafe { self.sums.get_unchecked(lane) };
        sum.store(sum.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
    }
}

/// What a callback captures: eight bytes that say which sum is its own.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Lane(usize);

impl Lane {
    /// The lanes in turn.
    #[inline]
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // No read-modify-write, which would weigh on a connect; a lane drawn twice does no harm.
        let next = NEXT.load(Ordering::Relaxed);
        NEXT.store(next.wrapping_add(1), Ordering::Relaxed);
        Self(next as usize % LANES)
    }
}

/// The callback. Its machine code takes less than 16 bytes: wherever the compiler puts it, it straddles no two cache
/// lines, which would shift all ratios by a quarter, one way or the other.
#[inline(always)]
pub fn slot(lane: Lane) -> impl Fn(&Event) + Copy + Send + Sync + 'static {
    move |event| event.add(lane, 1)
}

/// The callback that takes a whole slice: it looks at every event, and adds once.
#[inline(always)]
pub fn slice_slot(lane: Lane) -> impl Fn(&[Event]) + Copy + Send + Sync + 'static {
    move |events| {
        if let Some(first) = events.first() {
            first.add(lane, events.iter().map(|event| event.number).sum());
        }
    }
}
