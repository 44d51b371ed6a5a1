//! Earlier counts, and what grows.

use super::Growth;
use super::census::{Census, Place};
use hashbrown::HashMap;
use std::collections::VecDeque;
use std::panic::Location;
use std::time::Duration;

/// The last looks, as many as the configuration says, at each place that had connections in one of them.
#[derive(Default)]
pub(in crate::bus) struct History {
    /// When they were taken, by the bus's clock.
    times: VecDeque<Duration>,
    /// What was found, up to the latest look. A place that is new has fewer.
    places: HashMap<&'static Location<'static>, VecDeque<Count>>,
    /// How many looks are kept.
    keep: usize,
}

#[derive(Clone, Copy)]
struct Count {
    live: u32,
    keepers: u32,
}

impl Count {
    fn of(place: &Place) -> Self {
        let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
        Self { live: number(place.live), keepers: number(place.keepers) }
    }
}

/// One rush fits into fewer looks.
const LOOKS: usize = 4;
/// Fewer connections are no leak worth a warning.
const LIVE: u64 = 20;
/// What so many more are above the first look, and above what the owners explain, is chance.
const MORE: u64 = 10;

impl History {
    /// Has it been so long since the last look?
    pub(super) fn is_due(&self, now: Duration, pause: Duration) -> bool {
        self.times.back().is_none_or(|last| now.saturating_sub(*last) >= pause)
    }

    /// Adds a look, unless another thread has added one meanwhile; `keep` stay.
    pub(super) fn add(&mut self, census: &Census, pause: Duration, keep: usize) {
        if !self.is_due(census.time, pause) {
            return;
        }
        self.keep = keep;
        self.times.push_back(census.time);
        self.places.values_mut().for_each(|counts| counts.push_back(Count { live: 0, keepers: 0 }));
        for place in &census.places {
            let counts = self.places.entry(place.place).or_default();
            // A known place has its zero from above.
            counts.pop_back();
            counts.push_back(Count::of(place));
        }
        let keep_last = |len: usize| len.saturating_sub(keep);
        self.times.drain(..keep_last(self.times.len()));
        self.places.retain(|_, counts| {
            counts.drain(..keep_last(counts.len()));
            counts.iter().any(|count| count.live > 0)
        });
    }

    /// How many connections a place had at the first look that is kept, and how long ago that was.
    pub(super) fn base(&self, place: &'static Location<'static>, now: Duration) -> Option<(usize, Duration)> {
        let first = *self.times.front()?;
        let counts = self.places.get(place);
        // A place with fewer looks than there were had no connections before them.
        let known = counts.filter(|counts| counts.len() == self.times.len()).and_then(VecDeque::front);
        Some((known.map_or(0, |count| count.live as usize), now.saturating_sub(first)))
    }

    /// Does the number of connections of a place grow steadily? [`Growth`] says what that means.
    pub(super) fn growth(&self, place: &Place, now: Duration) -> Option<Growth> {
        let counts = self.places.get(place.place)?;
        let first = counts.iter().position(|count| count.live > 0)?;
        let counts: Vec<Count> = counts.range(first..).copied().chain([Count::of(place)]).collect();
        let looks = counts.len() - 1;
        let (base, last) = (counts[0], counts[looks]);
        let highest = counts.iter().all(|count| count.live <= last.live);
        let rises = counts.windows(2).filter(|two| two[0].live < two[1].live).count();
        let explained = u64::from(base.live) * u64::from(last.keepers) / u64::from(base.keepers.max(1));
        let live = u64::from(last.live);
        let grows = looks >= LOOKS.min(self.keep)
            && highest
            && rises * 3 >= looks * 2
            && live >= LIVE
            && live >= explained.max(base.live.into()) + MORE;
        let start = self.times[self.times.len() - looks];
        grows.then(|| Growth { from: base.live as usize, looks, over: now.saturating_sub(start) })
    }
}
