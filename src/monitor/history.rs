//! What a series was: half an hour in steps of five seconds, behind it a day in steps of five minutes.

use super::series::Unit;
use super::trend::Trend;
use std::collections::VecDeque;
use std::time::Duration;

/// What a series was in one step of its history.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct HistoryPoint {
    /// When the step began, by the monitor's clock.
    pub time: Duration,
    /// The lowest value.
    pub min: f64,
    /// The highest value.
    pub max: f64,
    /// The mean of all values.
    pub mean: f64,
    /// The last value.
    pub last: f64,
}

/// What a series was; from [`Monitor::history`](crate::Monitor::history). Steps without a sample are left out.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SeriesHistory {
    /// What its values are in.
    pub unit: Unit,
    /// The last half hour, by steps of five seconds, the oldest first.
    pub recent: Vec<HistoryPoint>,
    /// The last day, by steps of five minutes, the oldest first.
    pub day: Vec<HistoryPoint>,
}

/// The last half hour.
pub(super) const RECENT: Duration = Duration::from_secs(30 * 60);
const STEP: Duration = Duration::from_secs(5);
const DAY_STEP: Duration = Duration::from_secs(5 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The values of one step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    /// Which step, counted from zero on the clock.
    index: u64,
    pub(super) first: f64,
    last: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    sum: f64,
    count: u32,
}

/// Steps of one width.
#[derive(Debug)]
pub(super) struct Ring {
    step: Duration,
    /// Steps that are kept, the one under way included.
    keep: u64,
    buckets: VecDeque<Bucket>,
}

impl Ring {
    fn new(step: Duration, span: Duration) -> Self {
        // One more: the one under way is not complete.
        let keep = span.as_secs() / step.as_secs() + 1;
        Self { step, keep, buckets: VecDeque::new() }
    }

    fn index(&self, time: Duration) -> u64 {
        time.as_secs() / self.step.as_secs()
    }

    fn add(&mut self, time: Duration, value: f64) {
        let index = self.index(time);
        match self.buckets.back_mut() {
            // A sample that another one has overtaken counts where that one is.
            Some(bucket) if bucket.index >= index => {
                bucket.last = value;
                bucket.min = bucket.min.min(value);
                bucket.max = bucket.max.max(value);
                bucket.sum += value;
                bucket.count = bucket.count.saturating_add(1);
            }
            _ => {
                let bucket = Bucket { index, first: value, last: value, min: value, max: value, sum: value, count: 1 };
                self.buckets.push_back(bucket);
            }
        }
        self.forget(time);
    }

    /// Forgets what is too old.
    fn forget(&mut self, now: Duration) {
        let now = self.index(now);
        while self.buckets.front().is_some_and(|bucket| bucket.index + self.keep <= now) {
            self.buckets.pop_front();
        }
    }

    /// The steps with when they began.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Duration, &Bucket)> {
        self.buckets.iter().map(|bucket| (self.step * u32::try_from(bucket.index).unwrap_or(u32::MAX), bucket))
    }

    fn points(&self) -> Vec<HistoryPoint> {
        let point = |(time, bucket): (Duration, &Bucket)| {
            let &Bucket { min, max, last, sum, count, .. } = bucket;
            // (The sum of the largest numbers is none any more; and what is rounded may be a little off.)
            HistoryPoint { time, min, max, mean: (sum / f64::from(count)).clamp(min, max), last }
        };
        self.iter().map(point).collect()
    }

    /// The lowest and the highest value.
    fn range(&self) -> Option<(f64, f64)> {
        let ranges = self.buckets.iter().map(|bucket| (bucket.min, bucket.max));
        ranges.reduce(|(low, high), (min, max)| (low.min(min), high.max(max)))
    }
}

/// The history of one series: 40 kB when it is full.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) unit: Unit,
    recent: Ring,
    day: Ring,
    /// The latest value, and when it was.
    pub(super) latest: Option<(Duration, f64)>,
    /// How it moves, as last judged; and since when it has been found to grow.
    pub(super) trend: Option<Trend>,
    pub(super) growing_since: Option<Duration>,
}

impl Track {
    pub(super) fn new(unit: Unit) -> Self {
        let (recent, day) = (Ring::new(STEP, RECENT), Ring::new(DAY_STEP, DAY));
        Self { unit, recent, day, latest: None, trend: None, growing_since: None }
    }

    pub(super) fn add(&mut self, time: Duration, value: f64) {
        self.recent.add(time, value);
        self.day.add(time, value);
        self.latest = Some((time, value));
    }

    /// Lets go what is too old, though nothing new has come.
    pub(super) fn forget(&mut self, now: Duration) {
        self.recent.forget(now);
        self.day.forget(now);
    }

    pub(super) fn recent(&self) -> &Ring {
        &self.recent
    }

    /// The lowest and the highest value of the last half hour, and of the day.
    pub(super) fn ranges(&self) -> Option<((f64, f64), (f64, f64))> {
        let day = self.day.range()?;
        Some((self.recent.range().unwrap_or(day), day))
    }

    pub(super) fn history(&self) -> SeriesHistory {
        SeriesHistory { unit: self.unit, recent: self.recent.points(), day: self.day.points() }
    }

    #[cfg(test)]
    fn len(&self) -> (usize, usize) {
        (self.recent.buckets.len(), self.day.buckets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn half_an_hour_is_kept_to_five_seconds_and_a_day_to_five_minutes() {
        let mut track = Track::new(Unit::Count);
        for second in 0..25 * 3600 {
            track.add(seconds(second), second as f64);
        }
        let now = 25 * 3600 - 1;
        let history = track.history();
        assert!(history.recent[0].time <= seconds(now) - RECENT);
        assert!(history.day[0].time <= seconds(now) - DAY);
        assert_eq!((history.recent.len(), history.day.len()), (361, 289));
        let step = history.day[100];
        let start = step.time.as_secs() as f64;
        assert_eq!((step.min, step.max, step.mean, step.last), (start, start + 299.0, start + 149.5, start + 299.0));
    }

    #[test]
    fn a_week_of_samples_takes_no_more_room_than_a_day() {
        let mut track = Track::new(Unit::Bytes);
        // As fast as someone may ask, and as slowly as the adaptive interval goes, in turn.
        let (mut time, mut most) = (Duration::ZERO, (0, 0));
        while time < 7 * DAY {
            time += Duration::from_millis(if time.as_secs() / 3600 % 2 == 0 { 700 } else { 30_000 });
            track.add(time, 1.0);
            let (recent, day) = track.len();
            most = (most.0.max(recent), most.1.max(day));
        }
        assert_eq!(most, (361, 289));
        assert!(track.recent.buckets.capacity() <= 512 && track.day.buckets.capacity() <= 512);
        assert!(size_of::<Bucket>() * (512 + 512) <= 64 << 10);
    }

    #[test]
    fn what_is_silent_is_forgotten_in_time() {
        let mut track = Track::new(Unit::Count);
        track.add(seconds(10), 1.0);
        track.forget(seconds(10) + RECENT + STEP);
        assert_eq!(track.len(), (0, 1));
        track.forget(seconds(10) + DAY + DAY_STEP);
        assert_eq!((track.len(), track.ranges()), ((0, 0), None));
    }

    #[test]
    fn a_sample_that_was_overtaken_changes_no_order() {
        let mut track = Track::new(Unit::Count);
        track.add(seconds(100), 1.0);
        track.add(seconds(50), 9.0);
        track.add(seconds(110), 2.0);
        let points = track.history().recent;
        assert!(points.windows(2).all(|two| two[0].time < two[1].time));
        assert_eq!((points.len(), points[0].max), (2, 9.0));
    }
}
