//! Why a tracked connection was not made.

use super::key::{Name, Owner};
use std::fmt;

/// Why a tracked connection was not made. The slot was never called, and is dropped.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ConnectError {
    /// There are as many connections as there may be: end some, or raise the [limit](crate::Limits).
    LimitReached {
        /// Whose limit it is.
        who: Who,
        /// How many there may be.
        limit: usize,
        /// How many there are.
        live: usize,
    },
    /// The bus was shut down.
    ShutDown,
    /// The scope, or the owner, that it was to belong to has left.
    ScopeEnded {
        /// Whose it was.
        owner: Owner,
        /// Its path below the owner, if it was a child.
        path: Option<Name>,
    },
    /// The service that it was to belong to has stopped.
    ServiceStopped {
        /// Its name.
        service: Name,
    },
    /// There is a service of that name; see [`Bus::manage`](crate::Bus::manage).
    ServiceExists {
        /// The name.
        service: Name,
    },
    /// A name needs an owner, within which it is unique.
    NameWithoutOwner {
        /// The name.
        name: Name,
    },
    /// A timeout of zero would end it at once.
    ZeroTimeout,
    /// [`connect_batch`](crate::Bus::connect_batch) was given what another bus had prepared.
    OtherBus,
    /// An interval of zero would never end.
    ZeroInterval,
    /// A timer was to run no times at all.
    ZeroTimes,
    /// [`track`](crate::Bus::track) was given a connection that has ended.
    NotConnected,
    /// [`track`](crate::Bus::track) was given a connection that the bus tracks already.
    AlreadyTracked,
    /// [`track`](crate::Bus::track) was asked to count calls, which only a slot connected through the bus can.
    NoCallStatistics,
}

/// Whose limit was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Who {
    /// One owner's.
    Owner(Owner),
    /// One service's.
    Service(Name),
    /// That of the whole bus.
    Overall,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(owner) => write!(f, "owner {owner}"),
            Self::Service(name) => write!(f, "service {name}"),
            Self::Overall => f.write_str("the bus"),
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LimitReached { who, limit, live } => {
                write!(f, "{who} has {live} connections of {limit} allowed: end some, or raise the limit")
            }
            Self::ShutDown => f.write_str("the bus was shut down: connect before that, or make a new bus"),
            Self::ScopeEnded { owner, path } => {
                write!(f, "owner {owner}")?;
                path.iter().try_for_each(|path| write!(f, "/{path}"))?;
                f.write_str(" has left: ask the bus for a new scope if it is back")
            }
            Self::ServiceStopped { service } => {
                write!(f, "service {service} has stopped: register it again if it is back")
            }
            Self::ServiceExists { service } => {
                write!(f, "there is a service {service} already: stop it first, or choose another name")
            }
            Self::NameWithoutOwner { name } => {
                write!(f, "\"{name}\" needs an owner, within which it is unique: add .owner(..), or use .describe(..)")
            }
            Self::ZeroTimeout => f.write_str("a timeout of zero would end the connection at once: give it some time"),
            Self::OtherBus => {
                f.write_str("another bus has prepared it: prepare it with the bus that connects the batch")
            }
            Self::ZeroInterval => f.write_str("an interval of zero would never end: give it some time"),
            Self::ZeroTimes => f.write_str("a timer that runs no times does nothing: ask for at least one"),
            Self::NotConnected => f.write_str("the connection has ended: there is nothing to track"),
            Self::AlreadyTracked => f.write_str("the bus tracks this connection already"),
            Self::NoCallStatistics => {
                f.write_str("an idle timeout needs the calls counted: connect through the bus, or use Timeout::Age")
            }
        }
    }
}

impl std::error::Error for ConnectError {}

/// Why a batch was not connected: nothing of it was.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BatchError {
    /// The first connection that could not be made, counted from zero; one that makes no sense before one that a limit refuses.
    pub index: usize,
    /// Why.
    pub error: ConnectError,
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing was connected: number {} of the batch: {}", self.index, self.error)
    }
}

impl std::error::Error for BatchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
