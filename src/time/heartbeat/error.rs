//! Why there is no heartbeat.

use super::pace::RATES;
use std::fmt;
use std::io;

/// Why a heartbeat could not be made, or not be started.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum HeartbeatError {
    /// The rate is out of range, or no number.
    Rate {
        /// What was asked for, in beats per second.
        hz: f64,
    },
    /// The system made no thread.
    Thread {
        /// What it said.
        kind: io::ErrorKind,
    },
}

impl fmt::Display for HeartbeatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate { hz } => {
                write!(f, "a heartbeat cannot have {hz} Hz: ask for {} to {} Hz", RATES.start(), RATES.end())
            }
            Self::Thread { kind } => {
                write!(
                    f,
                    "the system made no thread for a heartbeat ({kind}): end others, or call `run` on one of yours"
                )
            }
        }
    }
}

impl std::error::Error for HeartbeatError {}
