//! Wrong credentials, slowed down: by source, and a little by their number in all.

use super::policy::SlowDown;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// Who has been wrong of late. Times are those of a clock that never goes back.
pub(super) struct Throttle {
    policy: SlowDown,
    /// (By the standard library's hasher: attackers may choose the keys.)
    sources: HashMap<Arc<str>, Wrong>,
    /// The same by when they are refused until: who is forgotten first if there is no room.
    order: BTreeSet<(Duration, Arc<str>)>,
    crowd: Crowd,
}

/// What a source has done.
struct Wrong {
    /// Wrong credentials since it was forgotten last.
    count: u32,
    last: Duration,
    refused_until: Duration,
}

/// Wrong credentials from whatever source.
#[derive(Default)]
struct Crowd {
    recent: u32,
    /// When the number was halved last.
    halved: Duration,
}

/// So often is the number of recent ones halved.
const HALF_LIFE: Duration = Duration::from_secs(60);

impl Throttle {
    pub(super) fn new(policy: SlowDown) -> Self {
        Self { policy, sources: HashMap::new(), order: BTreeSet::new(), crowd: Crowd::default() }
    }

    /// For how long a source is refused still; zero if it is not.
    pub(super) fn refused(&self, source: &str, now: Duration) -> Duration {
        self.sources.get(source).map_or(Duration::ZERO, |wrong| wrong.refused_until.saturating_sub(now))
    }

    /// Notes a wrong credential; for how long the source is refused.
    pub(super) fn wrong(&mut self, source: &str, now: Duration) -> Duration {
        let crowd = self.crowd.add(now);
        let SlowDown { free, first, most, forget_after, .. } = self.policy;
        let (source, mut wrong) = match self.take(source) {
            Some(known) => known,
            None => {
                self.make_room();
                (source.into(), Wrong { count: 0, last: now, refused_until: now })
            }
        };
        if now.saturating_sub(wrong.last) >= forget_after {
            wrong.count = 0;
        }
        wrong.count = wrong.count.saturating_add(1);
        wrong.last = now;
        let mut refused = match wrong.count.checked_sub(free).and_then(|beyond| beyond.checked_sub(1)) {
            Some(doublings) => doubled(first, doublings, most),
            None => Duration::ZERO,
        };
        if let Some(over) = (crowd / self.policy.crowd).checked_ilog2() {
            refused = refused.max(doubled(first, over, self.policy.crowd_most));
        }
        wrong.refused_until = now.saturating_add(refused);
        self.order.insert((wrong.refused_until, Arc::clone(&source)));
        self.sources.insert(source, wrong);
        refused
    }

    /// Forgets a source. Was it known?
    pub(super) fn forgive(&mut self, source: &str) -> bool {
        self.take(source).is_some()
    }

    /// How many sources are remembered.
    pub(super) fn len(&self) -> usize {
        self.sources.len()
    }

    fn take(&mut self, source: &str) -> Option<(Arc<str>, Wrong)> {
        let (source, wrong) = self.sources.remove_entry(source)?;
        let key = (wrong.refused_until, source);
        self.order.remove(&key);
        Some((key.1, wrong))
    }

    fn make_room(&mut self) {
        while self.sources.len() >= self.policy.sources {
            let Some((_, source)) = self.order.pop_first() else { return };
            self.sources.remove(&source);
        }
    }
}

impl Crowd {
    /// One more; how many there are of late.
    fn add(&mut self, now: Duration) -> u32 {
        let halvings = now.saturating_sub(self.halved).as_secs() / HALF_LIFE.as_secs();
        if halvings > 0 {
            self.recent = self.recent.checked_shr(u32::try_from(halvings).unwrap_or(u32::MAX)).unwrap_or(0);
            self.halved = now;
        }
        self.recent = self.recent.saturating_add(1);
        self.recent
    }
}

fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times)).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn wrong(throttle: &mut Throttle, source: &str, now: Duration, times: u32) {
        for _ in 0..times {
            throttle.wrong(source, now);
        }
    }

    fn seconds(policy: SlowDown, times: u32) -> Vec<u64> {
        let mut throttle = Throttle::new(policy);
        let mut now = SECOND;
        let mut refusals = Vec::new();
        for _ in 0..times {
            let refused = throttle.wrong("a", now);
            assert_eq!(throttle.refused("a", now), refused);
            refusals.push(refused.as_secs());
            now += refused;
            assert_eq!(throttle.refused("a", now), Duration::ZERO);
        }
        refusals
    }

    #[test]
    fn refusals_double_up_to_the_most() {
        assert_eq!(seconds(SlowDown::default(), 14), [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(seconds(SlowDown { free: 0, ..SlowDown::default() }, 3), [1, 2, 4]);
        let endless = SlowDown { most: Duration::MAX, first: Duration::MAX / 2, free: 0, ..SlowDown::default() };
        let mut throttle = Throttle::new(endless);
        wrong(&mut throttle, "a", Duration::MAX, 100);
        assert_eq!(throttle.refused("a", Duration::MAX / 2), Duration::MAX - Duration::MAX / 2);
    }

    #[test]
    fn a_source_is_forgotten_when_nothing_wrong_has_come_from_it_for_long() {
        let mut throttle = Throttle::new(SlowDown::default());
        wrong(&mut throttle, "a", SECOND, 6);
        let later = SECOND + SlowDown::default().forget_after;
        assert_eq!(throttle.wrong("a", later - SECOND), 8 * SECOND);
        assert_eq!(throttle.wrong("a", later - SECOND + SlowDown::default().forget_after), Duration::ZERO);
    }

    #[test]
    fn a_crowd_makes_each_wrong_one_cost_its_own_source_and_no_other() {
        let mut throttle = Throttle::new(SlowDown { sources: 10_000, ..SlowDown::default() });
        let mut refusals = Vec::new();
        for number in 1..=7_000 {
            let refused = throttle.wrong(&number.to_string(), SECOND).as_secs();
            if refusals.last() != Some(&(refused, number)) {
                refusals.push((refused, number));
            }
        }
        refusals.dedup_by_key(|(refused, _)| *refused);
        assert_eq!(refusals, [(0, 1), (1, 100), (2, 200), (4, 400), (8, 800), (16, 1_600), (30, 3_200)]);
        assert_eq!(throttle.refused("somebody else", SECOND), Duration::ZERO);
        // It halves each minute.
        assert_eq!(throttle.wrong("new", SECOND + 7 * HALF_LIFE), Duration::ZERO);
    }

    #[test]
    fn the_table_has_a_limit_and_keeps_those_that_are_refused_for_longest() {
        let mut throttle = Throttle::new(SlowDown { sources: 8, crowd: u32::MAX, ..SlowDown::default() });
        wrong(&mut throttle, "worst", SECOND, 9);
        for number in 0..100_000 {
            throttle.wrong(&number.to_string(), SECOND);
            assert!(throttle.len() <= 8 && throttle.order.len() == throttle.len());
        }
        assert_eq!(throttle.refused("worst", SECOND), 32 * SECOND);
    }
}
