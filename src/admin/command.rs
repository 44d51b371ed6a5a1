//! The commands, parsed.

use super::duration::Written;
use super::error::ParseError;
use super::parse;
use super::role::Role;
use super::setting::Setting;
use super::verb::Verb;
use super::words::Quoted;
use crate::bus::Owner;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A command, parsed. It prints as a text that is parsed into the same command.
///
/// ```
/// use pulsebus::admin::{CleanupTarget, Command, OwnerIs, ParseError, Role};
///
/// let command = Command::parse("cleanup owner 7 --dry-run")?;
/// assert_eq!(command, Command::Cleanup { target: CleanupTarget::Owner(OwnerIs::Number(7)), dry_run: true });
/// assert_eq!(command.role(), Role::Operator);
/// assert_eq!(command.to_string(), "cleanup owner 7 --dry-run");
///
/// let error = Command::parse("claenup stale").unwrap_err();
/// assert!(error.to_string().contains("did you mean cleanup?"));
/// # Ok::<(), ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// `help [COMMAND]`
    Help(Option<Verb>),
    /// `sample`
    Sample,
    /// `report`
    Report,
    /// `history [TIME] [limit=N]`
    History {
        /// How far back; `None`: as far as there is something.
        last: Option<Duration>,
        /// So many at most, the latest.
        limit: usize,
    },
    /// `pools`
    Pools,
    /// `pool NAME`
    Pool(String),
    /// `connections [filters]`
    Connections(Box<ConnectionFilter>),
    /// `topics [limit=N]`
    Topics {
        /// So many at most.
        limit: usize,
    },
    /// `audit`
    Audit,
    /// `collect`
    Collect,
    /// `cleanup … [--dry-run]`
    Cleanup {
        /// What is to end.
        target: CleanupTarget,
        /// Only count it?
        dry_run: bool,
    },
    /// `emergency-cleanup --yes|--dry-run`
    EmergencyCleanup(Consent),
    /// `config get [KEY]`; all values, if none is named.
    ConfigGet(Option<Setting>),
    /// `config set KEY VALUE`
    ConfigSet {
        /// Which value.
        setting: Setting,
        /// What it shall be: of the right form, its range is checked where it is set.
        value: String,
    },
    /// `alerts`
    Alerts,
    /// `health`
    Health,
    /// `tokens`
    Tokens,
    /// `token revoke NAME`
    TokenRevoke(String),
    /// `log [N]`
    Log {
        /// So many at most, the latest.
        limit: usize,
    },
}

/// Whether something drastic is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Consent {
    /// `--yes`: it is.
    Yes,
    /// `--dry-run`: what would be done?
    DryRun,
    /// Nothing was said: what would be done is told, as an error.
    Missing,
}

/// What a `cleanup` ends.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CleanupTarget {
    /// All of an owner.
    Owner(OwnerIs),
    /// All of a service.
    Service(String),
    /// All with a tag.
    Tag(String),
    /// All of a kind.
    Kind(String),
    /// All that are stale.
    Stale,
}

/// How a command names an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OwnerIs {
    /// `7`, `-1`: a number, from -2⁶³ to 2⁶⁴-1.
    Number(i128),
    /// `ann`, `"7"`: a name.
    Name(String),
    /// `key:TEXT`: any other value ([`Owner::key`]) that prints so, by its `Debug`.
    Key(String),
}

impl OwnerIs {
    /// The owner; `None` if only a look at how owners print can tell.
    pub(super) fn owner(&self) -> Option<Owner> {
        match self {
            Self::Number(number) => {
                let positive = u64::try_from(*number).map(Owner::from);
                positive.or_else(|_| i64::try_from(*number).map(Owner::from)).ok()
            }
            Self::Name(name) => Some(Owner::from(name.clone())),
            Self::Key(_) => None,
        }
    }
}

/// Which connections `connections` shows: those that fit everything that is said.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionFilter {
    /// `owner=`
    pub owner: Option<OwnerIs>,
    /// `service=`
    pub service: Option<String>,
    /// `tag=`
    pub tag: Option<String>,
    /// `kind=`
    pub kind: Option<String>,
    /// `name=`: the name within the owner.
    pub name: Option<String>,
    /// `topic=`: the topic's name, or the type of its events.
    pub topic: Option<String>,
    /// `place=`: a part of `file:line:column`.
    pub place: Option<String>,
    /// `older=`: made at least so long ago.
    pub older: Option<Duration>,
    /// `stale`: whose target is gone, or whose timeout has passed.
    pub stale: bool,
    /// `limit=`: so many at most. 100.
    pub limit: usize,
}

impl Default for ConnectionFilter {
    fn default() -> Self {
        Self {
            owner: None,
            service: None,
            tag: None,
            kind: None,
            name: None,
            topic: None,
            place: None,
            older: None,
            stale: false,
            limit: parse::LIMIT,
        }
    }
}

impl Command {
    /// Parses a command of at most [`MAX_COMMAND`](super::MAX_COMMAND) bytes. Never panics.
    ///
    /// # Errors
    /// What is wrong with it, and what would be right.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        parse::command(text, super::MAX_COMMAND)
    }

    /// What its first word is.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Help(_) => Verb::Help,
            Self::Sample => Verb::Sample,
            Self::Report => Verb::Report,
            Self::History { .. } => Verb::History,
            Self::Pools => Verb::Pools,
            Self::Pool(_) => Verb::Pool,
            Self::Connections(_) => Verb::Connections,
            Self::Topics { .. } => Verb::Topics,
            Self::Audit => Verb::Audit,
            Self::Collect => Verb::Collect,
            Self::Cleanup { .. } => Verb::Cleanup,
            Self::EmergencyCleanup(_) => Verb::EmergencyCleanup,
            Self::ConfigGet(_) | Self::ConfigSet { .. } => Verb::Config,
            Self::Alerts => Verb::Alerts,
            Self::Health => Verb::Health,
            Self::Tokens => Verb::Tokens,
            Self::TokenRevoke(_) => Verb::Token,
            Self::Log { .. } => Verb::Log,
        }
    }

    /// The least role that may give it.
    pub fn role(&self) -> Role {
        match self {
            Self::Help(_)
            | Self::Sample
            | Self::Report
            | Self::History { .. }
            | Self::Pools
            | Self::Pool(_)
            | Self::Connections(_)
            | Self::Topics { .. }
            | Self::Audit
            | Self::ConfigGet(_)
            | Self::Alerts
            | Self::Health => Role::Viewer,
            Self::Collect | Self::Cleanup { .. } => Role::Operator,
            Self::EmergencyCleanup(_)
            | Self::ConfigSet { .. }
            | Self::Tokens
            | Self::TokenRevoke(_)
            | Self::Log { .. } => Role::Admin,
        }
    }
}

impl FromStr for Command {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl fmt::Display for OwnerIs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Key(text) => write!(f, "key:{}", Quoted::always(text)),
            // Where it would be read as something else.
            Self::Name(name) if parse::number(name).is_some() || name.starts_with("key:") => {
                Quoted::always(name).fmt(f)
            }
            Self::Name(name) => Quoted::if_needed(name).fmt(f),
        }
    }
}

impl fmt::Display for CleanupTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(owner) => write!(f, "owner {owner}"),
            Self::Service(name) => write!(f, "service {}", Quoted::if_needed(name)),
            Self::Tag(name) => write!(f, "tag {}", Quoted::if_needed(name)),
            Self::Kind(name) => write!(f, "kind {}", Quoted::if_needed(name)),
            Self::Stale => f.write_str("stale"),
        }
    }
}

impl fmt::Display for ConnectionFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, service, tag, kind, name, topic, place, older, stale, limit } = self;
        if let Some(owner) = owner {
            write!(f, " owner={owner}")?;
        }
        let texts = [("service", service), ("tag", tag), ("kind", kind), ("name", name), ("topic", topic)];
        for (key, value) in texts.into_iter().chain([("place", place)]) {
            if let Some(value) = value {
                write!(f, " {key}={}", Quoted::if_needed(value))?;
            }
        }
        if let Some(older) = older {
            write!(f, " older={}", Written(*older))?;
        }
        if *stale {
            f.write_str(" stale")?;
        }
        write_limit(f, *limit)
    }
}

fn write_limit(f: &mut fmt::Formatter<'_>, limit: usize) -> fmt::Result {
    if limit == parse::LIMIT { Ok(()) } else { write!(f, " limit={limit}") }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = self.verb();
        match self {
            Self::Help(Some(of)) => write!(f, "help {of}"),
            Self::History { last, limit } => {
                f.write_str(verb.name())?;
                if let Some(last) = last {
                    write!(f, " {}", Written(*last))?;
                }
                write_limit(f, *limit)
            }
            Self::Pool(name) => write!(f, "pool {}", Quoted::if_needed(name)),
            Self::Connections(filter) => write!(f, "connections{filter}"),
            Self::Topics { limit } => {
                f.write_str(verb.name())?;
                write_limit(f, *limit)
            }
            Self::Cleanup { target, dry_run } => {
                write!(f, "cleanup {target}{}", if *dry_run { " --dry-run" } else { "" })
            }
            Self::EmergencyCleanup(Consent::Yes) => write!(f, "{verb} --yes"),
            Self::EmergencyCleanup(Consent::DryRun) => write!(f, "{verb} --dry-run"),
            Self::ConfigGet(None) => f.write_str("config get"),
            Self::ConfigGet(Some(setting)) => write!(f, "config get {setting}"),
            Self::ConfigSet { setting, value } => write!(f, "config set {setting} {}", Quoted::if_needed(value)),
            Self::TokenRevoke(name) => write!(f, "token revoke {}", Quoted::if_needed(name)),
            Self::Log { limit } if *limit == parse::LOG => f.write_str(verb.name()),
            Self::Log { limit } => write!(f, "log {limit}"),
            _ => f.write_str(verb.name()),
        }
    }
}
