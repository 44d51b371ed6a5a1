//! How often a slot was called, and when last: counted by a wrapper around the slot, or not at all.
//!
//! Three ways ([`CallStatistics`]), chosen when the connection is made:
//! - *Off*: the slot is connected as it is.
//! - *Sampled*: the wrapper compares two numbers. They differ at the slot's first call, at the first one after a window has
//!   opened or closed, and all the time while a window is open; only then does it count. A window is open for one part
//!   in [`PERIODS`] of the time, for all buses of the process.
//! - *Exact*: the wrapper counts each call, and reads the clock.

use crate::sync::lock;
use crate::time::{Clock, nanoseconds};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How calls are counted; see [`Config::call_statistics`](crate::Config::call_statistics).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum CallStatistics {
    /// Not at all. The slot costs what it costs on a bare signal.
    Off,
    /// By samples, for next to nothing: whether a slot was ever called is exact, how often is an estimate, and when last
    /// is known to a window's distance (seconds). The default.
    ///
    /// Calls are counted in windows that [`Bus::maintain`](crate::Bus::maintain) opens, for all buses of the process, and the
    /// next one of the same bus closes. If that never comes, each sampled call is counted, a locked operation, until that bus
    /// is dropped.
    #[default]
    Sampled,
    /// Each call, with the time: two locked operations and a look at the clock, some 35 nanoseconds in all. One heap call
    /// per connection.
    Exact,
}

/// What is known about the calls of one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Calls {
    /// How many there were. Never zero if there was one.
    pub count: u64,
    /// Is that the number, or an estimate?
    pub exact: bool,
    /// When the last one was, by the bus's clock; at the earliest, if sampled. `None` if there was none, or the samples do
    /// not tell.
    pub last: Option<Duration>,
}

/// Where a wrapper leaves what it counts, and the registry reads it.
pub(super) enum Meter {
    Off,
    Sampled(&'static Sample),
    Exact(Arc<Exact>),
}

/// Notes a call.
pub(super) type Note = Box<dyn Fn() + Send + Sync>;

impl Meter {
    /// For calls of which the slot itself knows nothing; `None` if they are not counted.
    pub(super) fn note(&self) -> Option<Note> {
        fn boxed(note: impl Fn(&()) + Send + Sync + 'static) -> Option<Note> {
            Some(Box::new(move || note(&())))
        }
        match self {
            Self::Off => None,
            Self::Sampled(sample) => boxed(sample.around(|(): &()| {})),
            Self::Exact(exact) => boxed(Arc::clone(exact).around(|(): &()| {})),
        }
    }
}

/// All calls of one slot.
pub(super) struct Exact {
    count: AtomicU64,
    /// Nanoseconds.
    last: AtomicU64,
    clock: Clock,
}

impl Exact {
    pub(super) fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self { count: AtomicU64::new(0), last: AtomicU64::new(0), clock })
    }

    fn note(&self) {
        self.last.fetch_max(nanoseconds(self.clock.now()), Relaxed);
        self.count.fetch_add(1, Relaxed);
    }

    /// Counts each call of a slot.
    pub(super) fn around<E, F>(self: Arc<Self>, f: F) -> impl Fn(&E) + Send + Sync + 'static
    where
        E: ?Sized,
        F: Fn(&E) + Send + Sync + 'static,
    {
        move |event| {
            self.note();
            f(event);
        }
    }

    pub(super) fn calls(&self) -> Calls {
        let count = self.count.load(Relaxed);
        let last = (count > 0).then(|| Duration::from_nanos(self.last.load(Relaxed)));
        Calls { count, exact: true, last }
    }
}

/// The calls of one slot that fell into windows. Immortal, and used again by other slots: a call that is under way when its
/// connection ends may still come here, finds another generation, and is not counted.
pub(super) struct Sample {
    /// `generation << 48 | count`.
    word: AtomicU64,
    /// The number of the window in which the slot was called last.
    last: AtomicU32,
}

const GENERATION: u64 = 1 << 48;
const COUNT: u64 = GENERATION - 1;

impl Sample {
    /// Counts the first call of a slot, and those in windows.
    #[inline]
    pub(super) fn around<E, F>(&'static self, f: F) -> impl Fn(&E) + Send + Sync + 'static
    where
        E: ?Sized,
        F: Fn(&E) + Send + Sync + 'static,
    {
        let generation = (self.word.load(Relaxed) / GENERATION) as u16;
        let sampled = Sampled { sample: self, window: AtomicU32::new(NEVER), generation, slot: f };
        move |event| sampled.call(event)
    }

    /// What is known, with the window of the last call.
    pub(super) fn read(&self) -> (u64, u32) {
        (self.word.load(Relaxed) & COUNT, self.last.load(Relaxed))
    }
}

/// A slot with what its sampling needs.
struct Sampled<F> {
    sample: &'static Sample,
    /// The last closed window in which a call was noted.
    window: AtomicU32,
    /// The sample's, when the slot was connected.
    generation: u16,
    slot: F,
}

impl<F> Sampled<F> {
    #[inline(always)]
    fn call<E: ?Sized>(&self, event: &E)
    where
        F: Fn(&E),
    {
        if self.window.load(Relaxed) == WINDOW.load(Relaxed) {
            (self.slot)(event);
        } else {
            // Handed on as it came: what has to come back here would have every call save registers.
            self.note_and_call(event);
        }
    }

    #[cold]
    #[inline(never)]
    fn note_and_call<E: ?Sized>(&self, event: &E)
    where
        F: Fn(&E),
    {
        self.note();
        (self.slot)(event);
    }

    fn note(&self) {
        let Self { sample, .. } = self;
        let window = WINDOW.load(Relaxed);
        let word = sample.word.load(Relaxed);
        if (word / GENERATION) as u16 != self.generation {
            return;
        }
        sample.last.store(window, Relaxed);
        if word & COUNT == 0 || is_open(window) {
            // A call that loses a race is not counted: it is an estimate, and the first one does not lose to nobody.
            let _ = sample.word.compare_exchange(word, (word & !COUNT) | (word + 1) & COUNT, Relaxed, Relaxed);
        }
        if !is_open(window) {
            self.window.store(window, Relaxed);
        }
    }
}

/// Odd while a window is open, even between two of them.
static WINDOW: AtomicU32 = AtomicU32::new(0);
/// No window has this number: it is odd, but the count comes round to it in a hundred years at the earliest.
const NEVER: u32 = u32::MAX;

fn is_open(window: u32) -> bool {
    window % 2 == 1
}

/// A window is open for one part in so many of the time.
pub(super) const PERIODS: u32 = 256;

/// The samples that nobody uses. Beside the registries' own: what buses that have ended left.
static LEFT: Mutex<Vec<&'static Sample>> = Mutex::new(Vec::new());

/// A bus's stock of samples.
#[derive(Default)]
pub(super) struct Samples {
    free: Vec<&'static Sample>,
    made: usize,
    taken: u64,
}

/// So many samples are made at a time.
const SLAB: usize = 64;

impl Samples {
    pub(super) fn take(&mut self) -> &'static Sample {
        self.taken += 1;
        self.free.pop().unwrap_or_else(|| self.grow())
    }

    #[cold]
    fn grow(&mut self) -> &'static Sample {
        let mut left = lock(&LEFT);
        if left.is_empty() {
            let slab =
                (0..SLAB).map(|_| Sample { word: AtomicU64::new(0), last: AtomicU32::new(0) }).collect::<Vec<_>>();
            left.extend(slab.leak().iter());
        }
        let from = left.len().saturating_sub(SLAB);
        let before = self.free.len();
        self.free.extend(left.drain(from..));
        self.made += self.free.len() - before;
        self.free.pop().expect("there was at least one")
    }

    pub(super) fn put(&mut self, sample: &'static Sample) {
        let next = |word: u64| Some((word & !COUNT).wrapping_add(GENERATION));
        // (Never fails: there is always a next generation.)
        let _ = sample.word.fetch_update(Relaxed, Relaxed, next);
        self.free.push(sample);
    }

    /// How many were taken, and how many of those had to be found elsewhere than here.
    pub(super) fn reuse(&self) -> (u64, u64) {
        (self.taken, self.made as u64)
    }
}

impl Drop for Samples {
    fn drop(&mut self) {
        lock(&LEFT).append(&mut self.free);
    }
}

/// A bus's part in opening and closing windows, and what it knows of when they were.
#[derive(Default)]
pub(super) struct Windows {
    /// The one that this bus has opened, and when.
    open: Option<(u32, Instant)>,
    /// How long windows of this bus were open, and since when it has opened them.
    opened: Duration,
    since: Option<Instant>,
    /// Not before this, the next one.
    next: Option<Instant>,
    /// When this bus saw which window first, by its own clock; the latest ones.
    seen: std::collections::VecDeque<(u32, Duration)>,
}

/// A bus remembers when so many windows were.
const REMEMBERED: usize = 128;

impl Windows {
    /// Closes the window that is open, or opens one, when it is time to. For `maintain`.
    pub(super) fn turn(&mut self, now: Instant, time: Duration) {
        if let Some((window, start)) = self.open.take() {
            let length = now.saturating_duration_since(start);
            let _ = WINDOW.compare_exchange(window, window.wrapping_add(1), Relaxed, Relaxed);
            self.opened += length;
            self.next = now.checked_add(length.saturating_mul(PERIODS - 1));
        } else if self.next.is_none_or(|next| now >= next) {
            let window = WINDOW.load(Relaxed);
            // Another bus's window is as good, but not ours to close.
            if !is_open(window) && WINDOW.compare_exchange(window, window.wrapping_add(1), Relaxed, Relaxed).is_ok() {
                self.open = Some((window.wrapping_add(1), now));
                self.since.get_or_insert(now);
            }
        }
        self.remember(WINDOW.load(Relaxed), time);
    }

    fn remember(&mut self, window: u32, time: Duration) {
        if self.seen.back().is_none_or(|(last, _)| *last != window) {
            match self.seen.len() {
                // At once: not now and then, in a server's tick.
                0 => self.seen.reserve_exact(REMEMBERED),
                REMEMBERED => drop(self.seen.pop_front()),
                _ => {}
            }
            self.seen.push_back((window, time));
        }
    }

    /// What a sample tells.
    pub(super) fn calls(&self, sample: &Sample, now: Instant) -> Calls {
        let (counted, window) = sample.read();
        // The first call was counted as itself; each other one stands for all that fell between windows.
        let factor = match self.since {
            Some(since) if !self.opened.is_zero() => {
                (now.saturating_duration_since(since).as_secs_f64() / self.opened.as_secs_f64()).max(1.0)
            }
            _ => 1.0,
        };
        let count = counted.min(1) + (counted.saturating_sub(1) as f64 * factor) as u64;
        let last = if counted == 0 { None } else { self.time_of(window) };
        Calls { count, exact: counted == 0, last }
    }

    /// When a window was first seen here.
    fn time_of(&self, window: u32) -> Option<Duration> {
        let at = self.seen.iter().rposition(|(seen, _)| window.wrapping_sub(*seen) < u32::MAX / 2)?;
        Some(self.seen[at].1)
    }
}

impl Drop for Windows {
    fn drop(&mut self) {
        if let Some((window, _)) = self.open {
            let _ = WINDOW.compare_exchange(window, window.wrapping_add(1), Relaxed, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ManualClock;

    #[test]
    fn an_exact_meter_counts_each_call_with_its_time() {
        let hand = ManualClock::new();
        let meter = Exact::new(hand.clock());
        let call = Arc::clone(&meter).around(|_: &u32| {});
        assert_eq!(meter.calls(), Calls { count: 0, exact: true, last: None });
        hand.advance(Duration::from_secs(5));
        (0..3).for_each(|n| call(&n));
        assert_eq!(meter.calls(), Calls { count: 3, exact: true, last: Some(Duration::from_secs(5)) });
    }

    #[test]
    fn a_sample_knows_the_first_call_and_forgets_it_for_the_next_slot() {
        let mut samples = Samples::default();
        let sample = samples.take();
        let call = sample.around(|_: &u32| {});
        assert_eq!(sample.read().0, 0);
        call(&1);
        assert!(sample.read().0 >= 1);
        samples.put(sample);
        assert_eq!(sample.read().0, 0);
        call(&1);
        assert_eq!(sample.read().0, 0, "a call of the slot that has ended is not the next one's");
        let again = samples.take();
        assert!(std::ptr::eq(again, sample));
        again.around(|_: &u32| {})(&1);
        assert!(again.read().0 >= 1);
    }

    #[test]
    fn windows_are_open_for_a_small_part_of_the_time() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut windows = Windows::default();
        windows.open = Some((NEVER, start));
        windows.turn(start + second, second);
        assert_eq!((windows.open, windows.opened), (None, second));
        for seconds in 2..PERIODS {
            windows.turn(start + second * seconds, second * seconds);
            assert_eq!(windows.open, None, "the next one is 255 times as far away as the first one was long");
        }
        assert_eq!(windows.next, Some(start + second * PERIODS));
    }

    #[test]
    fn a_window_of_two_parts_in_hundred_makes_each_call_count_for_fifty() {
        let start = Instant::now();
        let mut windows = Windows::default();
        (windows.since, windows.opened) = (Some(start), Duration::from_secs(2));
        windows.remember(6, Duration::from_secs(9));
        static SAMPLE: Sample = Sample { word: AtomicU64::new(GENERATION + 11), last: AtomicU32::new(7) };
        let calls = windows.calls(&SAMPLE, start + Duration::from_secs(100));
        assert_eq!(calls, Calls { count: 501, exact: false, last: Some(Duration::from_secs(9)) });
    }
}
