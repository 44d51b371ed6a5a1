//! What the monitor saw, in figures.

use crate::replay::Watched as Pass;
use pulsebus::PoolFigures;
use serde::Serialize;

/// The monitored pass.
#[derive(Debug, Serialize)]
pub struct Watched {
    /// Samples taken.
    pub samples: u64,
    /// What one cost on average.
    pub mean_cost_ns: u64,
    /// What the dearest one cost.
    pub highest_cost_ns: u64,
    /// The resident set of the process; null if the platform does not tell, or there was no sample.
    pub resident_bytes: Option<Range>,
    /// Live bytes on the heap; null without a sample.
    pub heap_bytes: Option<Range>,
    /// Connections of the bus.
    pub connections: Option<Range>,
    /// The pools, at the end of the recording.
    pub pools: Vec<PoolFigures>,
    /// What the monitor told, the first thousand.
    pub alerts: Vec<Told>,
    /// How often it told something.
    pub alerts_told: u64,
    /// Connections that `--leak` planted; null without it.
    pub planted: Option<u64>,
}

/// A figure over the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Range {
    /// In the first sample.
    pub first: u64,
    /// In the last one.
    pub last: u64,
    /// The most in any.
    pub highest: u64,
}

/// One alert.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// Recorded milliseconds since the first event.
    pub after_ms: u64,
    /// `growth`, `memory` and so on.
    pub kind: &'static str,
    /// What it is about.
    pub series: String,
    /// As an operator reads it, the places in the source included.
    pub text: String,
}

impl Watched {
    pub(super) fn new(pass: &Pass) -> Self {
        let range = |of: fn(&crate::replay::Observed) -> Option<u64>| Range::of(pass.points.iter().filter_map(of));
        let nanoseconds = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self {
            samples: pass.report.samples,
            mean_cost_ns: nanoseconds(pass.report.mean_cost),
            highest_cost_ns: nanoseconds(pass.report.highest_cost),
            resident_bytes: range(|point| point.resident),
            heap_bytes: range(|point| point.heap),
            connections: range(|point| Some(point.connections)),
            pools: pass.report.latest.as_ref().map_or_else(Vec::new, |sample| sample.pools.clone()),
            alerts: pass.alerts.iter().map(Told::new).collect(),
            alerts_told: pass.told,
            planted: pass.planted,
        }
    }
}

impl Range {
    fn of(mut values: impl Iterator<Item = u64>) -> Option<Self> {
        let first = values.next()?;
        let start = Self { first, last: first, highest: first };
        Some(values.fold(start, |range, last| Self { last, highest: range.highest.max(last), ..range }))
    }
}

impl Told {
    fn new(alert: &pulsebus::Alert) -> Self {
        Self {
            after_ms: u64::try_from(alert.time.as_millis()).unwrap_or(u64::MAX),
            kind: alert.kind.as_str(),
            series: alert.series.to_string(),
            text: alert.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_ends_and_a_peak() {
        assert_eq!(Range::of([3, 9, 4].into_iter()), Some(Range { first: 3, last: 4, highest: 9 }));
        assert_eq!(Range::of(std::iter::empty()), None);
    }
}
