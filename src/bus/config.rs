//! How a bus behaves: limits, thresholds, intervals. Checked before it takes effect.

use super::calls::CallStatistics;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// How a bus behaves. [`Bus::configure`](crate::Bus::configure) replaces it while the bus runs.
///
/// ```
/// use pulsebus::{Bus, Config, LimitPolicy};
///
/// let mut config = Config::default();
/// config.limits.per_owner = Some(50);
/// config.limits.policy = LimitPolicy::Reject;
/// let bus = Bus::with_config(config)?;
///
/// let mut bad = bus.config().as_ref().clone();
/// bad.sweep_at = 1.5;
/// let error = bus.configure(bad).unwrap_err();
/// assert_eq!(error.to_string(), "sweep_at is 1.5, but has to be from 0 to 1: a share of the limit");
/// # Ok::<(), pulsebus::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct Config {
    /// How many connections there may be.
    pub limits: Limits,
    /// From this share of a limit on, what is stale is swept before a connection is made; not again before an eighth of the rest
    /// is used up. Beyond the limit, not again before there are an eighth more, unless there were fewer than the limit meanwhile.
    /// 0.8.
    pub sweep_at: f64,
    /// From this share of the overall limit on, the [emergency hook](crate::Bus::on_emergency) is called. 0.95.
    pub emergency_at: f64,
    /// How often [`Bus::maintain`](crate::Bus::maintain) sweeps what is stale; in files, in seconds. 30 s.
    #[cfg_attr(feature = "serde", serde(with = "seconds"))]
    pub stale_sweep_every: Duration,
    /// How the calls of tracked connections are counted, of those that are made from now on. Sampled.
    pub call_statistics: CallStatistics,
    /// How many looks back the [audit](crate::Bus::audit) judges growth by; one is taken at each stale sweep. 20.
    pub audit_history: usize,
}

/// How many tracked connections there may be at a time. `None`: as many as you like.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct Limits {
    /// For each owner, its scopes included. 500.
    pub per_owner: Option<usize>,
    /// For each service. 1,000.
    pub per_service: Option<usize>,
    /// In all. None.
    pub overall: Option<usize>,
    /// What happens to a connection beyond. Warn.
    pub policy: LimitPolicy,
}

/// What happens to a connection beyond a [limit](Limits).
///
/// A connection that has ended counts for no limit, though a bare [`Connection::disconnect`](crate::Connection::disconnect)
/// tells the bus nothing: before one is refused or evicted, those under the limit are looked at, 1,024 of them at most. So limits
/// up to 1,024 are exact. At a larger one that is reached, each connect goes on where the one before stopped; until they have
/// come round, one may be refused or evicted too many for those that have ended and were not looked at.
/// [`Bus::disconnect`](crate::Bus::disconnect) leaves nothing to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum LimitPolicy {
    /// It is made, and counted in [`Statistics::over_limit`](crate::BusStatistics::over_limit). The default.
    #[default]
    Warn,
    /// It is refused: [`ConnectError::LimitReached`](crate::ConnectError::LimitReached).
    Reject,
    /// It is made, and the oldest one under the same limit ends with [`EndReason::Limit`](crate::EndReason::Limit); two of them
    /// while there are too many, because the limit was lowered.
    EvictOldest,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            sweep_at: 0.8,
            emergency_at: 0.95,
            stale_sweep_every: Duration::from_secs(30),
            call_statistics: CallStatistics::default(),
            audit_history: 20,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_owner: Some(500), per_service: Some(1000), overall: None, policy: LimitPolicy::default() }
    }
}

const SWEEP_EVERY: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(24 * 60 * 60);
const HISTORY: RangeInclusive<usize> = 2..=10_000;
/// What an index of the registry can tell apart.
const MOST: usize = u32::MAX as usize / 2;

impl Config {
    /// Is every value in its range? [`Bus::configure`](crate::Bus::configure) asks the same.
    ///
    /// # Errors
    /// The first value that is not, with the range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        for (field, limit) in [
            ("limits.per_owner", limits.per_owner),
            ("limits.per_service", limits.per_service),
            ("limits.overall", limits.overall),
        ] {
            within(field, limit.unwrap_or(1), 1..=MOST, "; leave it out for no limit")?;
        }
        within("sweep_at", self.sweep_at, 0.0..=1.0, ": a share of the limit")?;
        within("emergency_at", self.emergency_at, 0.0..=1.0, ": a share of the overall limit")?;
        let seconds = SWEEP_EVERY.start().as_secs_f64()..=SWEEP_EVERY.end().as_secs_f64();
        within("stale_sweep_every", self.stale_sweep_every.as_secs_f64(), seconds, " seconds")?;
        within("audit_history", self.audit_history, HISTORY, " looks")
    }
}

fn within<T: PartialOrd + fmt::Display>(
    field: &'static str,
    value: T,
    range: RangeInclusive<T>,
    unit: &'static str,
) -> Result<(), ConfigError> {
    if range.contains(&value) {
        return Ok(());
    }
    let allowed = format!("from {} to {}{unit}", range.start(), range.end());
    Err(ConfigError { field, value: value.to_string(), allowed })
}

/// A value of a [`Config`] is out of its range. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigError {
    /// Which value.
    pub field: &'static str,
    /// What it is.
    pub value: String,
    /// What it may be.
    pub allowed: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, but has to be {}", self.field, self.value, self.allowed)
    }
}

impl std::error::Error for ConfigError {}

/// A duration in a file: a number of seconds.
#[cfg(feature = "serde")]
mod seconds {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::{Serialize, Serializer};
    use std::time::Duration;

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        duration.as_secs_f64().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds)
            .map_err(|_| D::Error::custom(format_args!("expected a number of seconds from 0 on, found {seconds}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid() {
        Config::default().check().unwrap();
    }

    #[test]
    fn every_bad_value_is_named_with_its_range() {
        let change = |f: fn(&mut Config)| {
            let mut config = Config::default();
            f(&mut config);
            config.check().unwrap_err().to_string()
        };
        for (error, field, allowed) in [
            (change(|c| c.limits.per_owner = Some(0)), "limits.per_owner is 0", "from 1 to"),
            (change(|c| c.limits.per_service = Some(0)), "limits.per_service is 0", "leave it out"),
            (change(|c| c.limits.overall = Some(usize::MAX)), "limits.overall is", "from 1 to 2147483647"),
            (change(|c| c.sweep_at = f64::NAN), "sweep_at is NaN", "from 0 to 1"),
            (change(|c| c.emergency_at = -0.1), "emergency_at is -0.1", "from 0 to 1"),
            (change(|c| c.stale_sweep_every = Duration::ZERO), "stale_sweep_every is 0", "from 0.001 to 86400 seconds"),
            (change(|c| c.audit_history = 1), "audit_history is 1", "from 2 to 10000"),
        ] {
            assert!(error.contains(field) && error.contains(allowed), "{error}");
        }
    }
}
