//! Debounce: the last event of a burst, once it has been quiet for a while; for all events or per key.
//!
//! The state only says when: whoever owns it keeps the timers. A burst has one timer, however many events it has: when the
//! timer is due and the deadline has moved meanwhile, it is set again.

use super::keyed::{Fingerprint, FingerprintMap, Shards};
use crate::panics::drop_quietly;
use crate::sync::lock;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::time::Duration;

/// What to do when the timer of a debounce is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Due<E> {
    /// The burst is over; this was its last event.
    Deliver(E),
    /// Events have come meanwhile: set the timer again, to this time.
    Later(Duration),
    /// Nothing is pending.
    Nothing,
}

/// How long to wait, and how long at most.
#[derive(Debug, Clone, Copy)]
struct Rule {
    quiet: Duration,
    longest: Duration,
}

impl Rule {
    fn new(quiet: Duration) -> Self {
        Self { quiet, longest: Duration::MAX }
    }

    fn begin<E>(self, now: Duration, event: E) -> Pending<E> {
        let latest = now.saturating_add(self.longest);
        Pending { event, deadline: now.saturating_add(self.quiet).min(latest), latest }
    }
}

/// A burst.
struct Pending<E> {
    /// The last one.
    event: E,
    deadline: Duration,
    latest: Duration,
}

impl<E> Pending<E> {
    /// Takes in an event, and returns the one before.
    fn replace(&mut self, rule: Rule, now: Duration, event: E) -> E {
        // (Never earlier than it was: the timer is not.)
        self.deadline = now.saturating_add(rule.quiet).max(self.deadline).min(self.latest);
        std::mem::replace(&mut self.event, event)
    }

    /// When to look again, if the burst is not over.
    fn later(&self, now: Duration) -> Option<Duration> {
        (now < self.deadline).then_some(self.deadline)
    }
}

/// Delivers the last event of a burst, once none has come for a while.
///
/// ```
/// use pulsebus::{Debounce, Due};
/// use std::time::Duration;
///
/// let at = Duration::from_millis;
/// let typing = Debounce::new(at(300));
/// assert_eq!(typing.poke(at(0), "p"), Some(at(300))); // set a timer
/// assert_eq!(typing.poke(at(200), "pu"), None); // it has one
/// assert_eq!(typing.due(at(300)), Due::Later(at(500)));
/// assert_eq!(typing.due(at(500)), Due::Deliver("pu"));
/// ```
pub struct Debounce<E> {
    rule: Rule,
    pending: Mutex<Option<Pending<E>>>,
}

impl<E> Debounce<E> {
    /// Delivers when it has been quiet for so long.
    pub fn new(quiet: Duration) -> Self {
        Self { rule: Rule::new(quiet), pending: Mutex::new(None) }
    }

    /// Delivers also when the first event of the burst came so long ago, quiet or not.
    #[must_use]
    pub fn max_wait(mut self, longest: Duration) -> Self {
        self.rule.longest = longest;
        self
    }

    /// Takes in an event of that time. `Some` for the first one of a burst: the time for which to set a timer, which calls
    /// [`due`](Self::due). An event that is replaced is dropped here, outside of the lock.
    pub fn poke(&self, now: Duration, event: E) -> Option<Duration> {
        let mut guard = lock(&self.pending);
        let Some(pending) = &mut *guard else {
            return Some(guard.insert(self.rule.begin(now, event)).deadline);
        };
        let replaced = pending.replace(self.rule, now, event);
        drop(guard);
        drop(replaced);
        None
    }

    /// What to do now that the timer is due.
    pub fn due(&self, now: Duration) -> Due<E> {
        let mut guard = lock(&self.pending);
        match guard.as_ref().map(|pending| pending.later(now)) {
            None => Due::Nothing,
            Some(Some(deadline)) => Due::Later(deadline),
            Some(None) => guard.take().map_or(Due::Nothing, |pending| Due::Deliver(pending.event)),
        }
    }
}

impl<E> fmt::Debug for Debounce<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Debounce")
            .field("rule", &self.rule)
            .field("pending", &lock(&self.pending).is_some())
            .finish_non_exhaustive()
    }
}

/// What a timer of a [`KeyedDebounce`] carries: names the key whose burst it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DebounceKey(Fingerprint);

/// A [`Debounce`] for each key.
///
/// Keys are not stored: 128 bits of their hash stand for them, by seeds of this process. The key's `Hash` runs outside of the
/// locks, and its `Eq` is not needed. Only keys with a burst under way take memory.
///
/// ```
/// use pulsebus::{Due, KeyedDebounce};
/// use std::time::Duration;
///
/// let at = Duration::from_millis;
/// let saves = KeyedDebounce::<str, _>::new(at(300));
/// let (one, deadline) = saves.poke("player one", at(0), 1).expect("the first of its burst");
/// let (two, _) = saves.poke("player two", at(0), 2).expect("the first of its burst");
/// assert_eq!(saves.due(one, deadline), Due::Deliver(1));
/// assert_eq!(saves.due(two, deadline), Due::Deliver(2));
/// ```
pub struct KeyedDebounce<K: ?Sized, E> {
    rule: Rule,
    shards: Shards<K, Bursts<E>>,
}

struct Bursts<E>(FingerprintMap<Pending<E>>);

impl<E> Default for Bursts<E> {
    fn default() -> Self {
        Self(FingerprintMap::default())
    }
}

impl<K: Hash + ?Sized, E> KeyedDebounce<K, E> {
    /// Delivers a key's last event when no other one of that key has come for so long.
    pub fn new(quiet: Duration) -> Self {
        Self { rule: Rule::new(quiet), shards: Shards::new() }
    }

    /// As [`Debounce::max_wait`].
    #[must_use]
    pub fn max_wait(mut self, longest: Duration) -> Self {
        self.rule.longest = longest;
        self
    }

    /// Takes in an event of that key and time. `Some` for the first one of the key's burst: the time for which to set a
    /// timer, and what it hands to [`due`](Self::due). An event that is replaced is dropped here, outside of the lock.
    ///
    /// # Panics
    /// If the key's `Hash` does, with nothing changed but the event dropped.
    pub fn poke(&self, key: &K, now: Duration, event: E) -> Option<(DebounceKey, Duration)> {
        let fingerprint = self.shards.fingerprint(key);
        let mut guard = lock(self.shards.shard(fingerprint));
        let replaced = match guard.0.entry(fingerprint) {
            Entry::Vacant(entry) => {
                let pending = entry.insert(self.rule.begin(now, event));
                return Some((DebounceKey(fingerprint), pending.deadline));
            }
            Entry::Occupied(mut entry) => entry.get_mut().replace(self.rule, now, event),
        };
        drop(guard);
        drop(replaced);
        None
    }

    /// What to do now that a key's timer is due.
    pub fn due(&self, key: DebounceKey, now: Duration) -> Due<E> {
        let mut guard = lock(self.shards.shard(key.0));
        match guard.0.get(&key.0).map(|pending| pending.later(now)) {
            None => Due::Nothing,
            Some(Some(deadline)) => Due::Later(deadline),
            Some(None) => guard.end(key.0).map_or(Due::Nothing, Due::Deliver),
        }
    }

    /// How many keys have a burst under way.
    pub fn len(&self) -> usize {
        self.shards.sum(|shard| shard.0.len())
    }

    /// Has no key a burst under way?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<E> Bursts<E> {
    fn end(&mut self, fingerprint: Fingerprint) -> Option<E> {
        let ended = self.0.remove(&fingerprint);
        // Gives back what a rush of keys has left; at most once per halving.
        if self.0.capacity() > 64 && self.0.len() < self.0.capacity() / 8 {
            self.0.shrink_to(self.0.len() * 2);
        }
        ended.map(|pending| pending.event)
    }
}

impl<E> Drop for Bursts<E> {
    /// Drops every pending event, also if the destructor of one panics: the first panic goes on when all are dropped.
    fn drop(&mut self) {
        let ends = self.0.drain().map(|(_, pending)| catch_unwind(AssertUnwindSafe(|| drop(pending))));
        let mut panics = ends.filter_map(Result::err).collect::<Vec<_>>().into_iter();
        let first = panics.next();
        panics.for_each(|payload| _ = drop_quietly(payload));
        match first {
            // Two at a time would end the process.
            Some(payload) if std::thread::panicking() => _ = drop_quietly(payload),
            Some(payload) => resume_unwind(payload),
            None => {}
        }
    }
}

impl<K: Hash + ?Sized, E> fmt::Debug for KeyedDebounce<K, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedDebounce").field("rule", &self.rule).field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ManualClock;
    use crate::time::Wheel;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_burst_has_one_timer_and_its_last_event_is_delivered() {
        let debounce = Debounce::new(at(100));
        assert_eq!(debounce.poke(at(0), 0), Some(at(100)));
        for n in 1..=50 {
            assert_eq!(debounce.poke(at(n * 10), n), None);
        }
        assert_eq!(debounce.due(at(100)), Due::Later(at(600)));
        assert_eq!(debounce.due(at(599)), Due::Later(at(600)));
        assert_eq!(debounce.due(at(600)), Due::Deliver(50));
        assert_eq!(debounce.due(at(600)), Due::Nothing);
        assert_eq!(debounce.poke(at(700), 51), Some(at(800)));
    }

    #[test]
    fn a_burst_without_end_is_delivered_after_the_longest_wait() {
        let debounce = Debounce::new(at(100)).max_wait(at(250));
        let mut timer = debounce.poke(at(0), 0);
        let mut delivered = Vec::new();
        for now in (10..1_000).step_by(10) {
            if timer == Some(at(now)) {
                timer = match debounce.due(at(now)) {
                    Due::Deliver(event) => {
                        delivered.push((now, event));
                        None
                    }
                    Due::Later(deadline) => Some(deadline),
                    Due::Nothing => unreachable!("the timer is set for a burst"),
                };
            }
            timer = timer.or(debounce.poke(at(now), now));
        }
        // (The event of the moment comes after the timer, and begins the next burst.)
        assert_eq!(delivered, [(250, 240), (500, 490), (750, 740)]);
        let short = Debounce::new(at(100)).max_wait(at(30));
        assert_eq!(short.poke(at(0), ()), Some(at(30)));
    }

    #[test]
    fn an_event_with_an_older_time_does_not_move_the_deadline_back() {
        let debounce = Debounce::new(at(100));
        assert_eq!(debounce.poke(at(50), 1), Some(at(150)));
        assert_eq!(debounce.poke(at(20), 2), None);
        assert_eq!(debounce.due(at(149)), Due::Later(at(150)));
        assert_eq!(debounce.due(at(150)), Due::Deliver(2));
    }

    #[test]
    fn keys_have_bursts_of_their_own_and_one_timer_each() {
        let (hand, mut wheel) = (ManualClock::new(), Wheel::new());
        let debounce = KeyedDebounce::new(at(100));
        let mut delivered = Vec::new();
        // Key `k` gets an event each 10 ms, up to `k · 100` ms.
        while hand.now() <= at(2_000) {
            let mut due = Vec::new();
            wheel.expire(hand.now(), &mut due);
            for key in due {
                match debounce.due(key, hand.now()) {
                    Due::Deliver(event) => delivered.push((hand.now(), event)),
                    Due::Later(deadline) => wheel.insert(deadline, key),
                    Due::Nothing => unreachable!("the timer is set for a burst"),
                }
            }
            for key in (0..10_u32).filter(|&key| hand.now() <= at(100) * key) {
                if let Some((timer, deadline)) = debounce.poke(&key, hand.now(), (key, hand.now())) {
                    wheel.insert(deadline, timer);
                }
            }
            assert_eq!(wheel.len(), debounce.len());
            hand.advance(at(10));
        }
        let expected = (0..10).map(|key| (at(100) * key + at(100), (key, at(100) * key)));
        assert_eq!(delivered, expected.collect::<Vec<_>>());
        assert!(debounce.is_empty());
    }

    #[test]
    fn keys_without_a_burst_take_no_memory() {
        let debounce = KeyedDebounce::new(at(1));
        let timers: Vec<_> = (0..20_000).filter_map(|key| debounce.poke(&key, at(0), ())).collect();
        assert_eq!((timers.len(), debounce.len()), (20_000, 20_000));
        timers.into_iter().for_each(|(timer, deadline)| assert_eq!(debounce.due(timer, deadline), Due::Deliver(())));
        let capacity = debounce.shards.sum(|shard| shard.0.capacity());
        assert!(debounce.is_empty() && capacity < 16 * 128, "room for {capacity} keys");
    }

    #[test]
    fn every_pending_event_is_dropped_though_all_their_destructors_panic() {
        use std::sync::Arc;
        struct Bomb(#[expect(dead_code, reason = "it counts those that are left")] Arc<()>);
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("destructor");
            }
        }
        let (alive, debounce) = (Arc::new(()), KeyedDebounce::new(at(1)));
        (0..100).for_each(|key| _ = debounce.poke(&key, at(0), Bomb(Arc::clone(&alive))));
        assert_eq!(Arc::strong_count(&alive), 101);
        let payload = catch_unwind(AssertUnwindSafe(|| drop(debounce))).expect_err("destructors panic");
        assert_eq!((payload.downcast_ref(), Arc::strong_count(&alive)), (Some(&"destructor"), 1));
    }

    #[test]
    fn what_a_replaced_event_does_as_it_is_dropped_is_its_own_affair() {
        use std::sync::Arc;
        /// Its destructor pokes the debounce that it was in.
        struct Nested(Option<Arc<Debounce<Nested>>>);
        impl Drop for Nested {
            fn drop(&mut self) {
                if let Some(debounce) = self.0.take() {
                    debounce.poke(at(7), Nested(None));
                }
            }
        }
        let debounce = Arc::new(Debounce::new(at(100)));
        debounce.poke(at(0), Nested(Some(Arc::clone(&debounce))));
        assert_eq!(debounce.poke(at(5), Nested(None)), None);
        assert!(matches!(debounce.due(at(106)), Due::Later(deadline) if deadline == at(107)));
    }
}
