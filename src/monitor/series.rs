//! The series: what each is called, and what it is in.

use crate::bus::Name;
use std::fmt;

/// What the values of a series are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Things that are counted, or whatever a gauge of the user's shows.
    Count,
    /// Seconds.
    Seconds,
}

impl Unit {
    /// The value for a reader, with its unit.
    pub(crate) fn show(self, value: f64) -> Shown {
        Shown { unit: self, value }
    }
}

/// The resident set.
pub(super) const RESIDENT: &str = "resident_bytes";
/// What the counting allocator has handed out.
pub(super) const HEAP: &str = "heap_bytes";
pub(super) const CONNECTIONS: &str = "connections";
pub(super) const TIMERS: &str = "timers";
pub(super) const SIGNALS: &str = "signals";
pub(super) const CHUNKS: &str = "chunks";
pub(super) const PENDING: &str = "pending_drops";
pub(super) const LAG: &str = "reclamation_lag_seconds";
/// All pools together.
pub(super) const POOL_BYTES: &str = "pool_bytes";

/// Those that the monitor itself has.
pub(super) const RESERVED: [&str; 9] = [RESIDENT, HEAP, CONNECTIONS, TIMERS, SIGNALS, CHUNKS, PENDING, LAG, POOL_BYTES];

/// What the series of pools begin with, which no gauge may.
const POOL: &str = "pool:";
/// Series of pools beyond the first ones are one.
pub(super) const OTHER_POOLS: &str = "pool:(others)";

/// The series of a pool's objects that are out.
pub(super) fn of_pool(pool: &str) -> Name {
    format!("{POOL}{pool}").into()
}

/// The pool that a series is of.
pub(super) fn pool_of(series: &str) -> Option<&str> {
    series.strip_prefix(POOL)
}

/// Can Prometheus take it for a name, or a part of one?
pub(super) fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    first && name.len() <= 64 && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A value with its unit.
pub(crate) struct Shown {
    unit: Unit,
    value: f64,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, size) = (self.value, self.value.abs());
        match self.unit {
            Unit::Bytes if size >= 1e9 => f.pad(&format!("{:.2} GB", value / 1e9)),
            Unit::Bytes if size >= 1e6 => f.pad(&format!("{:.1} MB", value / 1e6)),
            Unit::Bytes if size >= 1e3 => f.pad(&format!("{:.1} kB", value / 1e3)),
            Unit::Bytes => f.pad(&format!("{value:.0} B")),
            Unit::Seconds => f.pad(&format!("{value:.1} s")),
            Unit::Count if value.fract() == 0.0 || size >= 1e4 => f.pad(&format!("{value:.0}")),
            Unit::Count => f.pad(&format!("{value:.1}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_prometheus_takes() {
        for good in ["entities", "_x", "A1_b2", &"x".repeat(64)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "1x", "a b", "a-b", "ä", "pool:x", &"x".repeat(65)] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(RESERVED.into_iter().all(is_name));
        assert!(!is_name(OTHER_POOLS) && pool_of(&of_pool("bullets")) == Some("bullets"));
    }

    #[test]
    fn values_are_shown_with_their_unit() {
        assert_eq!(Unit::Bytes.show(412_345_678.0).to_string(), "412.3 MB");
        assert_eq!(Unit::Bytes.show(999.0).to_string(), "999 B");
        assert_eq!(Unit::Bytes.show(-1.5e9).to_string(), "-1.50 GB");
        assert_eq!(Unit::Count.show(1_020.0).to_string(), "1020");
        assert_eq!(Unit::Count.show(0.25).to_string(), "0.2");
        assert_eq!(Unit::Seconds.show(12.34).to_string(), "12.3 s");
    }
}
