//! What the monitor has to tell.

use super::places::GrowingPlace;
use super::series::Unit;
use super::trend::Trend;
use super::watch::OVER;
use crate::bus::Name;
use std::fmt;
use std::time::Duration;

/// Something that an operator should know; see [`Monitor::alerts`](crate::Monitor::alerts).
///
/// It prints as one line, and one more for each place in the source.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Alert {
    /// What it is about.
    pub kind: AlertKind,
    /// How bad it is.
    pub severity: Severity,
    /// Is it new, told again, worse, or over?
    pub phase: AlertPhase,
    /// The series that it is about: `resident_bytes`, `pool:bullets`, a gauge of the user's.
    pub series: Name,
    /// What the value and the threshold are in.
    pub unit: Unit,
    /// The value of the series now.
    pub value: f64,
    /// What it should be below. (For growth: by how much it may grow in the time of the trend.)
    pub threshold: f64,
    /// When it is told, by the monitor's clock.
    pub time: Duration,
    /// Since when it has been so.
    pub since: Duration,
    /// How often it was told before, since then. (When it is over: how often after the first time.)
    pub repeats: u32,
    /// How the series has moved.
    pub trend: Option<Trend>,
    /// The places in the source behind it, those first that grew the most. None if it is over.
    pub places: Vec<GrowingPlace>,
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum AlertKind {
    /// Memory nears its [budget](crate::MonitorBuilder::budget).
    Memory,
    /// There are nearly as many connections as there [may be](crate::MonitorBuilder::connections).
    Connections,
    /// A pool has hardly anything left, or had nothing for somebody who asked.
    PoolExhausted,
    /// An emission or tick does not return, and nothing is reclaimed meanwhile.
    ReclamationStalled,
    /// A series grows steadily; see [`Trend::grows`].
    Growth,
}

impl AlertKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Memory, Self::Connections, Self::PoolExhausted, Self::ReclamationStalled, Self::Growth];

    /// Its name: lower case, as in `pool_exhausted`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Connections => "connections",
            Self::PoolExhausted => "pool_exhausted",
            Self::ReclamationStalled => "reclamation_stalled",
            Self::Growth => "growth",
        }
    }
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Severity {
    /// Somebody should look at it.
    Warning,
    /// Somebody should look at it now.
    Critical,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        })
    }
}

/// Why an alert is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum AlertPhase {
    /// It is new.
    Raised,
    /// It is still so.
    Repeated,
    /// It was a warning, and is critical now.
    Worse,
    /// It is no longer so. Told once, with the severity that it had.
    Over,
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, severity, series, unit, repeats, .. } = self;
        let (value, threshold) = (unit.show(self.value), unit.show(self.threshold));
        let lasted = self.time.saturating_sub(self.since);
        if self.phase == AlertPhase::Over {
            return write!(f, "over: {series} is {value} ({kind}, {severity}, lasted {lasted:.0?})");
        }
        write!(f, "{severity}: ")?;
        // It is held until it is clearly below.
        let beyond = if self.value < self.threshold { "near" } else { "beyond" };
        let is_left = self.value < self.threshold * OVER;
        match kind {
            AlertKind::Memory => write!(f, "{series} is {value}, {beyond} {threshold} of the budget")?,
            AlertKind::Connections => write!(f, "{value} connections, {beyond} {threshold}")?,
            AlertKind::PoolExhausted if is_left && *severity == Severity::Critical => {
                write!(f, "{series} had nothing left for who asked; {value} objects are out now")?;
            }
            AlertKind::PoolExhausted if is_left => {
                write!(f, "{series}: {value} objects are out, and were near {threshold} just before")?;
            }
            AlertKind::PoolExhausted => write!(f, "{series}: {value} objects are out, {beyond} {threshold}")?,
            AlertKind::ReclamationStalled => {
                write!(
                    f,
                    "nothing is reclaimed: an emission or tick has not returned for {value}, {beyond} {threshold}"
                )?;
            }
            AlertKind::Growth => write!(f, "{series} is {value}, and grows")?,
        }
        if let Some(trend) = self.trend {
            write!(f, " ({trend})")?;
        }
        if !lasted.is_zero() {
            write!(f, ", since {lasted:.0?}")?;
        }
        match repeats {
            0 => {}
            1 => f.write_str(", told once before")?,
            _ => write!(f, ", told {repeats} times before")?,
        }
        self.places.iter().try_for_each(|place| write!(f, "\n  at {place}"))
    }
}
