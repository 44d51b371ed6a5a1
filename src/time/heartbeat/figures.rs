//! The figures of a heartbeat.

use crate::time::clock::nanoseconds;
use hdrhistogram::Histogram;
use std::time::Duration;

/// What a heartbeat has done so far, and how long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct HeartbeatFigures {
    /// How many beats were run.
    pub beats: u64,
    /// How many were skipped.
    pub skipped: u64,
    /// How many of those that were run came so late that the next one was due already.
    pub caught_up: u64,
    /// How often a maintenance hook has panicked.
    pub maintenance_panics: u64,
    /// How long the beats took, phases and maintenance together.
    pub work: Quantiles,
    /// By how much the beats began off their due time.
    pub jitter: Quantiles,
}

/// How durations are distributed: nanoseconds, to within one per cent, up to an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Quantiles {
    /// Half of them were not longer.
    pub p50: u64,
    /// 99 % of them were not longer.
    pub p99: u64,
    /// 99.9 % of them were not longer.
    pub p99_9: u64,
    /// The longest.
    pub max: u64,
}

impl Quantiles {
    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile);
        Self { p50: at(0.5), p99: at(0.99), p99_9: at(0.999), max: histogram.max() }
    }
}

/// What one beat adds.
pub(super) struct Entry {
    pub(super) work: Duration,
    pub(super) jitter: Duration,
    pub(super) skipped: u64,
    pub(super) is_caught_up: bool,
    pub(super) maintenance_panics: u64,
}

/// Takes the figures down. A clone is 70 kB.
#[derive(Clone)]
pub(super) struct Recorder {
    skipped: u64,
    caught_up: u64,
    maintenance_panics: u64,
    work: Histogram<u64>,
    jitter: Histogram<u64>,
}

impl Recorder {
    pub(super) fn new() -> Self {
        let hour = nanoseconds(Duration::from_secs(3_600));
        let empty = || Histogram::new_with_bounds(1, hour, 2).expect("the bounds are in order");
        Self { skipped: 0, caught_up: 0, maintenance_panics: 0, work: empty(), jitter: empty() }
    }

    pub(super) fn record(&mut self, entry: &Entry) {
        self.skipped += entry.skipped;
        self.caught_up += u64::from(entry.is_caught_up);
        self.maintenance_panics += entry.maintenance_panics;
        self.work.saturating_record(nanoseconds(entry.work));
        self.jitter.saturating_record(nanoseconds(entry.jitter));
    }

    pub(super) fn figures(&self) -> HeartbeatFigures {
        HeartbeatFigures {
            beats: self.work.len(),
            skipped: self.skipped,
            caught_up: self.caught_up,
            maintenance_panics: self.maintenance_panics,
            work: Quantiles::of(&self.work),
            jitter: Quantiles::of(&self.jitter),
        }
    }
}
