//! Why a monitor was not made, or does not take a gauge.

use crate::bus::Name;
use std::fmt;
use std::time::Duration;

/// Why a [`Monitor`](crate::Monitor) was not made, or did not take a gauge. Nothing was changed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum MonitorError {
    /// A budget of zero bytes is exceeded by every program.
    ZeroBudget,
    /// The shares at which there are alerts have to rise.
    Thresholds {
        /// From this share on there is a warning.
        warning: f64,
        /// From this share on it is critical.
        critical: f64,
    },
    /// The intervals between samples have to be in order, and in their range.
    Intervals {
        /// The shortest one.
        shortest: Duration,
        /// The longest one.
        longest: Duration,
    },
    /// The pauses between repeats of an alert have to be in order.
    Backoff {
        /// The first one.
        first: Duration,
        /// The longest one.
        longest: Duration,
    },
    /// The times after which reclamation counts as stalled have to be in order.
    Stall {
        /// From this time on there is a warning.
        warning: Duration,
        /// From this time on it is critical.
        critical: Duration,
    },
    /// What growth has to be to count.
    Growth {
        /// The share that a figure has to grow by.
        share: f64,
        /// The time that it has to grow for.
        over: Duration,
    },
    /// A bus may have no connections at all.
    ZeroConnections,
    /// A gauge has a name that Prometheus could not take.
    BadName {
        /// The name.
        name: Name,
    },
    /// The monitor itself has a series of that name.
    ReservedName {
        /// The name.
        name: Name,
    },
    /// There is a gauge of that name.
    DuplicateName {
        /// The name.
        name: Name,
    },
    /// There are as many gauges as there may be.
    TooManyGauges {
        /// How many there may be.
        most: usize,
    },
}

impl fmt::Display for MonitorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroBudget => f.write_str("a budget of zero bytes is always exceeded: give it some, or leave it out"),
            Self::Thresholds { warning, critical } => write!(
                f,
                "alerts at {warning} and {critical} of what there may be: expected 0 < warning < critical <= 1"
            ),
            Self::Intervals { shortest, longest } => write!(
                f,
                "samples every {shortest:?} to {longest:?}: expected the shortest first, from 100 ms to 2 min"
            ),
            Self::Backoff { first, longest } => {
                write!(f, "repeats after {first:?} to {longest:?}: expected more than zero, and the shortest first")
            }
            Self::Stall { warning, critical } => write!(
                f,
                "reclamation stalled after {warning:?} and {critical:?}: expected more than zero, and the warning first"
            ),
            Self::Growth { share, over } => write!(
                f,
                "growth by a share of {share} over {over:?}: expected a share from 0.001 to 10, and 1 to 30 min"
            ),
            Self::ZeroConnections => {
                f.write_str("no connections at all are always exceeded: allow some, or leave it out")
            }
            Self::BadName { name } => write!(
                f,
                "\"{name}\" is no name for a gauge: expected up to 64 letters, digits and underscores, no digit first"
            ),
            Self::ReservedName { name } => write!(f, "the monitor has a series \"{name}\" itself: choose another name"),
            Self::DuplicateName { name } => {
                write!(f, "there is a gauge \"{name}\" already: remove it first, or choose another name")
            }
            Self::TooManyGauges { most } => write!(f, "there are {most} gauges already: remove one, or watch less"),
        }
    }
}

impl std::error::Error for MonitorError {}
