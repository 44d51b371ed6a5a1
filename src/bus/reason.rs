//! Why a tracked connection ended.

use std::fmt;

/// Why a tracked connection ended: what its [`on_cleanup`](crate::Connect::on_cleanup) callback is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum EndReason {
    /// Somebody disconnected it: [`Bus::disconnect`](crate::Bus::disconnect), or its handle, a guard, a panic policy.
    Disconnected,
    /// Its signal was dropped. (Also if it was disconnected by its handle before that, and the bus had not looked yet.)
    DroppedSignal,
    /// Its owner left ([`Bus::cleanup_owner`](crate::Bus::cleanup_owner), or the end of an owner's scope).
    OwnerLeft,
    /// Its scope was reset ([`OwnerScope::reset`](crate::OwnerScope::reset)).
    ScopeReset,
    /// Its service stopped.
    ServiceStopped,
    /// Everything with one of its tags was ended.
    Tag,
    /// Everything of its kind was ended.
    Kind,
    /// It met a predicate ([`Bus::cleanup_where`](crate::Bus::cleanup_where)).
    Filter,
    /// Its weak target was gone, or its timeout had passed.
    Stale,
    /// It made room for another one: [`LimitPolicy::EvictOldest`](crate::LimitPolicy::EvictOldest).
    Limit,
    /// Its owner connected another one of the same name.
    Replaced,
    /// [`Bus::unregister`](crate::Bus::unregister).
    Unregistered,
    /// It had run as often as it should ([`Timer::times`](crate::TimerBuilder::times)).
    Finished,
    /// [`Bus::emergency_cleanup`](crate::Bus::emergency_cleanup).
    Emergency,
    /// The bus was shut down, or dropped.
    Shutdown,
}

impl EndReason {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Disconnected,
        Self::DroppedSignal,
        Self::OwnerLeft,
        Self::ScopeReset,
        Self::ServiceStopped,
        Self::Tag,
        Self::Kind,
        Self::Filter,
        Self::Stale,
        Self::Limit,
        Self::Replaced,
        Self::Unregistered,
        Self::Finished,
        Self::Emergency,
        Self::Shutdown,
    ];

    /// Its name: lower case, as in `owner_left`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::DroppedSignal => "dropped_signal",
            Self::OwnerLeft => "owner_left",
            Self::ScopeReset => "scope_reset",
            Self::ServiceStopped => "service_stopped",
            Self::Tag => "tag",
            Self::Kind => "kind",
            Self::Filter => "filter",
            Self::Stale => "stale",
            Self::Limit => "limit",
            Self::Replaced => "replaced",
            Self::Unregistered => "unregistered",
            Self::Finished => "finished",
            Self::Emergency => "emergency",
            Self::Shutdown => "shutdown",
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_reasons_are_listed_once_in_order() {
        for (index, reason) in EndReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
        }
        assert_eq!(EndReason::Shutdown as usize + 1, EndReason::ALL.len());
    }
}
