//! Throttles: at most one admission per interval, for all events or per key.

use super::clock::nanoseconds;
use super::keyed::{FingerprintMap, Shards};
use crate::sync::lock;
use crate::sync::{AtomicU64, Ordering};
use std::fmt;
use std::hash::Hash;
use std::time::Duration;

/// The end of a clock's range, at which nothing is admitted any more.
const NEVER: u64 = u64::MAX;

/// Admits at most one event per interval; the first one of all at once.
///
/// ```
/// use pulsebus::Throttle;
/// use std::time::Duration;
///
/// let throttle = Throttle::new(Duration::from_millis(100));
/// assert!(throttle.admit(Duration::from_millis(5)));
/// assert!(!throttle.admit(Duration::from_millis(104)));
/// assert!(throttle.admit(Duration::from_millis(105)));
/// ```
#[derive(Debug)]
pub struct Throttle {
    interval: u64,
    /// From when on the next one is admitted, in nanoseconds.
    next: AtomicU64,
}

impl Throttle {
    /// At most one in each `interval`. Zero admits everything, `Duration::MAX` a single event.
    pub fn new(interval: Duration) -> Self {
        Self { interval: nanoseconds(interval), next: AtomicU64::new(0) }
    }

    /// May an event of that time (of the caller's clock) pass? Any two that may are an interval apart; of several at once,
    /// whichever threads they are on, exactly one may.
    ///
    /// Lock-free: a load if not, one compare-exchange if so.
    pub fn admit(&self, now: Duration) -> bool {
        let now = nanoseconds(now);
        let after = now.saturating_add(self.interval);
        // Relaxed, here and in the exchange: the word alone decides, and it passes nothing else on.
        let mut next = self.next.load(Ordering::Relaxed);
        loop {
            if now < next || next == NEVER {
                return false;
            }
            match self.next.compare_exchange_weak(next, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return true,
                // Another one was admitted: we may be, if we are an interval later.
                Err(found) => next = found,
            }
        }
    }
}

/// A shard is looked through when it has so many keys for the first time.
const SWEEP_FROM: usize = 32;

/// A [`Throttle`] for each key.
///
/// Keys are not stored: 128 bits of their hash stand for them, by seeds of this process. The key's `Hash` runs outside of the
/// locks (one of sixteen, for a look-up), and its `Eq` is not needed. Keys whose interval is over are forgotten as new ones
/// come: there are at most twice as many as were admitted during one interval, and some hundreds.
///
/// ```
/// use pulsebus::KeyedThrottle;
/// use std::time::Duration;
///
/// let shots = KeyedThrottle::<str>::new(Duration::from_millis(100));
/// assert!(shots.admit("player one", Duration::from_millis(5)));
/// assert!(!shots.admit("player one", Duration::from_millis(6)));
/// assert!(shots.admit("player two", Duration::from_millis(6)));
/// ```
pub struct KeyedThrottle<K: ?Sized> {
    interval: u64,
    shards: Shards<K, Admissions>,
}

#[derive(Default)]
struct Admissions {
    /// From when on the next one is admitted.
    next: FingerprintMap<u64>,
    /// How many keys it may have until it is looked through.
    sweep_at: usize,
    /// Up to when keys were forgotten. An event that comes with an earlier time may find its key missing, and is taken for
    /// one of this time.
    forgotten: u64,
}

impl<K: Hash + ?Sized> KeyedThrottle<K> {
    /// At most one of each key in each `interval`. Zero admits everything, `Duration::MAX` each key once.
    pub fn new(interval: Duration) -> Self {
        Self { interval: nanoseconds(interval), shards: Shards::new() }
    }

    /// May an event of that key and time (of the caller's clock) pass? As [`Throttle::admit`], key by key.
    ///
    /// # Panics
    /// If the key's `Hash` does, with nothing changed.
    pub fn admit(&self, key: &K, now: Duration) -> bool {
        if self.interval == 0 {
            return true;
        }
        let fingerprint = self.shards.fingerprint(key);
        let mut shard = lock(self.shards.shard(fingerprint));
        let now = nanoseconds(now).max(shard.forgotten);
        let after = now.saturating_add(self.interval);
        if let Some(next) = shard.next.get_mut(&fingerprint) {
            let admitted = now >= *next && *next != NEVER;
            if admitted {
                *next = after;
            }
            return admitted;
        }
        shard.forget_if_due(now);
        shard.next.insert(fingerprint, after);
        true
    }

    /// How many keys it remembers.
    pub fn len(&self) -> usize {
        self.shards.sum(|shard| shard.next.len())
    }

    /// Does it remember no key?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Admissions {
    /// Forgets the keys that would be admitted now. A look at each of them, once their number has doubled.
    fn forget_if_due(&mut self, now: u64) {
        if self.next.len() < self.sweep_at.max(SWEEP_FROM) {
            return;
        }
        self.next.retain(|_, next| *next > now || *next == NEVER);
        self.forgotten = now;
        self.sweep_at = self.next.len() * 2;
        self.next.shrink_to(self.sweep_at.max(SWEEP_FROM));
    }
}

impl<K: Hash + ?Sized> fmt::Debug for KeyedThrottle<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedThrottle")
            .field("interval", &Duration::from_nanos(self.interval))
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ManualClock;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::sync::{Arc, Barrier};

    const SECOND: Duration = Duration::from_secs(1);

    /// The times, of those, at which `admit` lets something through.
    fn admitted(times: impl IntoIterator<Item = u64>, admit: impl Fn(Duration) -> bool) -> Vec<u64> {
        times.into_iter().filter(|&time| admit(Duration::from_millis(time))).collect()
    }

    #[test]
    fn admissions_are_an_interval_apart() {
        let throttle = Throttle::new(SECOND);
        let times = [0, 1, 999, 1_000, 1_500, 2_500, 2_400, 3_499, 3_500, 10_000, 10_999];
        assert_eq!(admitted(times, |now| throttle.admit(now)), [0, 1_000, 2_500, 3_500, 10_000]);
        let keyed = KeyedThrottle::new(SECOND);
        assert_eq!(admitted(times, |now| keyed.admit(&7, now)), [0, 1_000, 2_500, 3_500, 10_000]);
    }

    #[test]
    fn no_interval_admits_everything_and_an_endless_one_a_single_event() {
        let times = [0, 0, 0, 5, u64::MAX];
        let (all, all_keyed) = (Throttle::new(Duration::ZERO), KeyedThrottle::new(Duration::ZERO));
        assert_eq!(admitted(times, |now| all_keyed.admit(&1, now)), times);
        assert!(all_keyed.is_empty());
        // (But at the end of time.)
        assert_eq!(admitted(times, |now| all.admit(now)).len(), 5);
        let (once, once_keyed) = (Throttle::new(Duration::MAX), KeyedThrottle::new(Duration::MAX));
        assert_eq!(admitted(times, |now| once.admit(now)), [0]);
        assert_eq!(admitted(times, |now| once_keyed.admit(&1, now)), [0]);
    }

    #[test]
    fn a_throttle_follows_a_clock_driven_by_hand() {
        let hand = ManualClock::new();
        let (clock, throttle) = (hand.clock(), Throttle::new(SECOND));
        let mut count = 0;
        for _ in 0..100 {
            count += usize::from(throttle.admit(clock.now()));
            hand.advance(Duration::from_millis(100));
        }
        assert_eq!(count, 10);
    }

    #[test]
    fn of_threads_that_come_at_once_one_is_admitted() {
        const THREADS: usize = 4;
        const ROUNDS: u64 = 2_000;
        let (throttle, keyed) = (Throttle::new(SECOND), KeyedThrottle::new(SECOND));
        let (wins, wins_keyed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let start = Barrier::new(THREADS);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for round in 0..ROUNDS {
                        start.wait();
                        let now = Duration::from_secs(round);
                        wins.fetch_add(usize::from(throttle.admit(now)), Relaxed);
                        wins_keyed.fetch_add(usize::from(keyed.admit(&0, now)), Relaxed);
                    }
                });
            }
        });
        assert_eq!((wins.into_inner(), wins_keyed.into_inner()), (ROUNDS as usize, ROUNDS as usize));
    }

    #[test]
    fn keys_do_not_meet() {
        let throttle = KeyedThrottle::new(SECOND);
        for round in 0..3 {
            for key in 0..10_000 {
                assert!(throttle.admit(&key, Duration::from_secs(round)), "key {key}");
                assert!(!throttle.admit(&key, Duration::from_millis(round * 1_000 + 999)), "key {key}");
            }
        }
    }

    #[test]
    fn keys_whose_interval_is_over_are_forgotten() {
        let throttle = KeyedThrottle::new(SECOND);
        // A thousand new keys per interval.
        for key in 0..300_000_u64 {
            assert!(throttle.admit(&key, Duration::from_millis(key)));
            assert!(throttle.len() <= 4_000, "{} keys", throttle.len());
        }
        // A rush, and then as before.
        (300_000..400_000).for_each(|key| assert!(throttle.admit(&key, Duration::from_millis(300_000))));
        assert!(throttle.len() >= 100_000);
        (400_000..700_000).for_each(|key| assert!(throttle.admit(&key, Duration::from_millis(key))));
        let capacity = throttle.shards.sum(|shard| shard.next.capacity());
        assert!(throttle.len() <= 4_000 && capacity <= 16_000, "room for {capacity} keys");
    }

    #[test]
    fn forgetting_admits_nobody_early_who_comes_with_an_older_time() {
        let throttle = KeyedThrottle::new(SECOND);
        assert!(throttle.admit(&u64::MAX, Duration::ZERO));
        // Everything is forgotten, and again.
        (0..10_000).for_each(|key: u64| assert!(throttle.admit(&key, Duration::from_secs(10 + key / 1_000))));
        let late = admitted([900, 2_000, 9_999, 20_000, 20_999], |now| throttle.admit(&u64::MAX, now));
        // The first one counts as one of the time of the last sweep, ten seconds at least.
        assert_eq!(late, [900, 20_000]);
    }

    #[test]
    fn a_key_that_cannot_be_hashed_harms_nobody() {
        struct Key(bool);
        impl Hash for Key {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                assert!(self.0, "no hash");
                state.write_u8(1);
            }
        }
        let throttle = Arc::new(KeyedThrottle::new(SECOND));
        let theirs = Arc::clone(&throttle);
        assert!(std::thread::spawn(move || theirs.admit(&Key(false), SECOND)).join().is_err());
        assert_eq!(throttle.len(), 0);
        assert!(throttle.admit(&Key(true), SECOND));
    }
}
