//! The values of the bus's configuration, by name.

use super::duration::{self, Written};
use crate::bus::{CallStatistics, Config, LimitPolicy};
use std::fmt;

/// One value of the bus's [`Config`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(into = "&'static str"))]
#[non_exhaustive]
pub enum Setting {
    /// `limits.per_owner`
    PerOwner,
    /// `limits.per_service`
    PerService,
    /// `limits.overall`
    Overall,
    /// `limits.policy`
    Policy,
    /// `sweep_at`
    SweepAt,
    /// `emergency_at`
    EmergencyAt,
    /// `stale_sweep_every`
    StaleSweepEvery,
    /// `call_statistics`
    CallStatistics,
    /// `audit_history`
    AuditHistory,
}

const POLICIES: [(LimitPolicy, &str); 3] =
    [(LimitPolicy::Warn, "warn"), (LimitPolicy::Reject, "reject"), (LimitPolicy::EvictOldest, "evict_oldest")];

const STATISTICS: [(CallStatistics, &str); 3] =
    [(CallStatistics::Off, "off"), (CallStatistics::Sampled, "sampled"), (CallStatistics::Exact, "exact")];

impl Setting {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::PerOwner,
        Self::PerService,
        Self::Overall,
        Self::Policy,
        Self::SweepAt,
        Self::EmergencyAt,
        Self::StaleSweepEvery,
        Self::CallStatistics,
        Self::AuditHistory,
    ];

    /// Its name, as in a configuration file.
    pub fn name(self) -> &'static str {
        match self {
            Self::PerOwner => "limits.per_owner",
            Self::PerService => "limits.per_service",
            Self::Overall => "limits.overall",
            Self::Policy => "limits.policy",
            Self::SweepAt => "sweep_at",
            Self::EmergencyAt => "emergency_at",
            Self::StaleSweepEvery => "stale_sweep_every",
            Self::CallStatistics => "call_statistics",
            Self::AuditHistory => "audit_history",
        }
    }

    /// What its values look like.
    pub fn expected(self) -> &'static str {
        match self {
            Self::PerOwner | Self::PerService | Self::Overall => "a number of connections from 1 on, or none",
            Self::Policy => "warn, reject or evict_oldest",
            Self::SweepAt | Self::EmergencyAt => "a share from 0 to 1",
            Self::StaleSweepEvery => "a time from 1ms to 1d, such as 30s",
            Self::CallStatistics => "off, sampled or exact",
            Self::AuditHistory => "a number of looks from 2 to 10000",
        }
    }

    /// The value in a configuration, as a command would write it.
    pub fn of(self, config: &Config) -> String {
        let limit = |limit: Option<usize>| limit.map_or("none".to_string(), |limit| limit.to_string());
        match self {
            Self::PerOwner => limit(config.limits.per_owner),
            Self::PerService => limit(config.limits.per_service),
            Self::Overall => limit(config.limits.overall),
            Self::Policy => name_of(&POLICIES, config.limits.policy).to_string(),
            Self::SweepAt => config.sweep_at.to_string(),
            Self::EmergencyAt => config.emergency_at.to_string(),
            Self::StaleSweepEvery => Written(config.stale_sweep_every).to_string(),
            Self::CallStatistics => name_of(&STATISTICS, config.call_statistics).to_string(),
            Self::AuditHistory => config.audit_history.to_string(),
        }
    }

    /// Changes the value in a configuration, whose ranges [`Config::check`] knows. `None` if the text is no such value.
    pub(super) fn set(self, config: &mut Config, text: &str) -> Option<()> {
        let limit = || if text == "none" { Some(None) } else { Some(Some(text.parse().ok()?)) };
        match self {
            Self::PerOwner => config.limits.per_owner = limit()?,
            Self::PerService => config.limits.per_service = limit()?,
            Self::Overall => config.limits.overall = limit()?,
            Self::Policy => config.limits.policy = value_of(&POLICIES, text)?,
            Self::SweepAt => config.sweep_at = text.parse().ok()?,
            Self::EmergencyAt => config.emergency_at = text.parse().ok()?,
            Self::StaleSweepEvery => config.stale_sweep_every = duration::parse(text)?,
            Self::CallStatistics => config.call_statistics = value_of(&STATISTICS, text)?,
            Self::AuditHistory => config.audit_history = text.parse().ok()?,
        }
        Some(())
    }

    /// Those of its values that are words.
    pub(super) fn words(self) -> Vec<&'static str> {
        match self {
            Self::PerOwner | Self::PerService | Self::Overall => vec!["none"],
            Self::Policy => POLICIES.map(|(_, name)| name).to_vec(),
            Self::CallStatistics => STATISTICS.map(|(_, name)| name).to_vec(),
            _ => Vec::new(),
        }
    }

    /// The setting of that name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|setting| setting.name() == name)
    }
}

fn name_of<T: PartialEq>(names: &[(T, &'static str)], value: T) -> &'static str {
    names.iter().find(|(known, _)| *known == value).map_or("another", |(_, name)| name)
}

fn value_of<T: Copy>(names: &[(T, &'static str)], text: &str) -> Option<T> {
    names.iter().find(|(_, name)| *name == text).map(|(value, _)| *value)
}

impl From<Setting> for &'static str {
    fn from(setting: Setting) -> Self {
        setting.name()
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_value_is_read_as_it_is_written() {
        let mut config = Config::default();
        config.limits.policy = LimitPolicy::EvictOldest;
        config.stale_sweep_every = Duration::from_micros(1_500_001);
        (config.sweep_at, config.call_statistics) = (0.1 + 0.2, CallStatistics::Exact);
        let mut copy = Config::default();
        for setting in Setting::ALL {
            setting.set(&mut copy, &setting.of(&config)).unwrap();
        }
        assert_eq!(copy, config);
    }

    #[test]
    fn what_is_no_such_value_changes_nothing() {
        for setting in Setting::ALL {
            let mut config = Config::default();
            assert_eq!(setting.set(&mut config, "teapot"), None);
            assert_eq!(config, Config::default());
        }
    }
}
