//! What commands result in: for machines with the feature `serde`, and for people as text.

use super::duration::Written;
use super::ring::AuditRecord;
use super::role::Role;
use super::setting::Setting;
use super::show::{Lines, count, escaped};
use super::token::TokenId;
use super::watch;
use crate::bus::{Audit, ConnectionId, TopicCount};
use crate::objects::{PoolFigures, PoolLeak};
use std::fmt::{self, Write};
use std::time::Duration;

/// What a command resulted in. It prints as lines for a terminal, in which nothing steers it: what is not visible is escaped. (But
/// for the ends of lines, where the monitor or the audit made the text: a pool or topic whose name has one begins a line there.)
#[derive(Debug, Clone)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(tag = "outcome", content = "value", rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Outcome {
    /// `help`
    Help(Vec<HelpEntry>),
    /// `sample`
    Sample(Box<watch::Sample>),
    /// `report`
    Report(Box<watch::Report>),
    /// `history`
    History(Box<watch::History>),
    /// `alerts`
    Alerts(Box<watch::Alerts>),
    /// `health`
    Health(Box<watch::Health>),
    /// `pools`
    Pools(Vec<PoolFigures>),
    /// `pool`
    Pool {
        /// The pools of that name.
        figures: Vec<PoolFigures>,
        /// What is out of them, for however long, by where it was taken; of pools that [note](crate::PoolBuilder::leak_after) it.
        leaks: Vec<PoolLeak>,
    },
    /// `connections`
    Connections {
        /// How many fit.
        total: usize,
        /// The oldest of them.
        shown: Vec<ConnectionEntry>,
    },
    /// `topics`
    Topics {
        /// How many there are.
        total: usize,
        /// Those with the most slots.
        shown: Vec<TopicCount>,
    },
    /// `audit`
    Audit(Box<Audit>),
    /// `collect`
    Collected(Collection),
    /// `cleanup`
    Cleanup {
        /// What, as it was said.
        target: String,
        /// How many connections ended, or would.
        count: usize,
        /// Were they only counted?
        dry_run: bool,
    },
    /// `emergency-cleanup`
    Emergency(Emergency),
    /// `config get`
    Config(Vec<SettingEntry>),
    /// `config set`
    ConfigChanged {
        /// Which value.
        setting: Setting,
        /// What it was.
        before: String,
        /// What it is.
        after: String,
    },
    /// `tokens`
    Tokens(Vec<TokenEntry>),
    /// `token revoke`
    Revoked(TokenId),
    /// `log`
    Log(Vec<AuditRecord>),
}

/// A command, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct HelpEntry {
    /// Its name.
    pub name: &'static str,
    /// How it is written.
    pub usage: &'static str,
    /// What it does.
    pub about: &'static str,
}

/// A connection, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ConnectionEntry {
    /// Its number.
    pub id: ConnectionId,
    /// What it is for.
    pub kind: String,
    /// Whose it is.
    pub owner: Option<String>,
    /// The path of its scope below its owner.
    pub scope: Option<String>,
    /// Its service.
    pub service: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its name, unique within its owner.
    pub name: Option<String>,
    /// What it was described as.
    pub description: Option<String>,
    /// The topic that it is connected to, if that is one of the bus's.
    pub topic: Option<String>,
    /// Where in the source it was connected: `file:line:column`.
    pub place: String,
    /// How long it has been there.
    pub age: Duration,
    /// How often it was called; `None` if that is not counted.
    pub calls: Option<u64>,
    /// How often its slot has panicked.
    pub panics: u32,
}

/// What `collect` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Collection {
    /// Slots whose captures were dropped.
    pub dropped: usize,
    /// Chunks of slots that went back to their pool.
    pub recycled: usize,
    /// Ended slots whose captures are not dropped yet.
    pub pending: usize,
    /// Has everything been dropped that had ended before?
    pub complete: bool,
    /// Topics that nobody used, and that were forgotten.
    pub topics: usize,
}

/// What `emergency-cleanup` did, or would do.
///
/// It is for when memory runs out, and hurts no player: what has an owner or a service stays, unless it is stale. It
/// - ends connections that are *stale*: their weak target is gone, or a timeout has passed that they asked for;
/// - ends connections that *belong to nobody*, those that the [audit](crate::Bus::audit) warns of as such: without owner,
///   service, scope, timeout and weak target, kept by no guard, no timers. Nobody else will ever end them. (Wiring of the
///   program's own that is never to end belongs to a service.) They end with [`EndReason::Emergency`](crate::EndReason::Emergency);
/// - drops the idle objects that pools need not have;
/// - forgets topics that nobody uses, and collects.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Emergency {
    /// Was it done? Otherwise it was only counted.
    pub done: bool,
    /// Connections that were stale.
    pub stale: usize,
    /// Connections that belonged to nobody.
    pub unmanaged: usize,
    /// Idle objects of pools. (Counted only, an estimate: how many are idle beyond what each pool has at least.)
    pub pool_objects: usize,
    /// What was collected; `None` if it was only counted: only collecting tells.
    pub collected: Option<Collection>,
}

/// A value of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SettingEntry {
    /// Which one.
    pub setting: Setting,
    /// What it is, as `config set` takes it.
    pub value: String,
    /// What it may be.
    pub expected: &'static str,
}

/// A credential, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TokenEntry {
    /// Its name.
    pub name: TokenId,
    /// What it allows.
    pub role: Role,
}

/// A line may be so long.
const LINE: usize = 1_000;

impl fmt::Display for ConnectionEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, kind, owner, scope, service, tags, name, description, topic, place, age, calls, panics } = self;
        let mut line = format!("{id} {kind}");
        let texts = [("owner", owner), ("scope", scope), ("service", service), ("name", name), ("topic", topic)];
        for (key, value) in texts {
            if let Some(value) = value {
                write!(line, " {key}={value}")?;
            }
        }
        for tag in tags {
            write!(line, " tag={tag}")?;
        }
        if let Some(description) = description {
            write!(line, " ({description})")?;
        }
        if let Some(calls) = calls {
            write!(line, ", {calls} calls")?;
        }
        if *panics > 0 {
            write!(line, ", {panics} panics")?;
        }
        write!(line, ", {} old, at {place}", Written(Duration::from_secs(age.as_secs())))?;
        f.write_str(&escaped(&line, LINE))
    }
}

impl fmt::Display for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dropped, recycled, pending, complete, topics } = self;
        write!(f, "dropped what {} had captured", count(*dropped, "ended slot", "ended slots"))?;
        write!(f, ", recycled {}", count(*recycled, "chunk", "chunks"))?;
        write!(f, ", forgot {}", count(*topics, "topic", "topics"))?;
        if *complete { Ok(()) } else { write!(f, "; {pending} or more are left: an emission or a tick is under way") }
    }
}

impl fmt::Display for Emergency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { done, stale, unmanaged, pool_objects, collected } = self;
        let (end, drop) = if *done { ("ended", "dropped") } else { ("end", "drop") };
        write!(f, "{end} {}", count(*stale, "stale connection", "stale connections"))?;
        write!(f, " and {} to nobody", count(*unmanaged, "that belongs", "that belong"))?;
        write!(f, ", {drop} {} of pools", count(*pool_objects, "idle object", "idle objects"))?;
        match collected {
            Some(collected) => write!(f, ", {collected}"),
            None => f.write_str(", forget topics that nobody uses, collect"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let out = &mut Lines(f);
        match self {
            Self::Help(entries) => match entries.as_slice() {
                [one] => writeln!(out, "{}\n  {}", one.usage, one.about),
                all => all.iter().try_for_each(|entry| writeln!(out, "{}\n    {}", entry.usage, entry.about)),
            },
            Self::Sample(sample) => writeln!(out, "{sample}"),
            Self::Report(report) => writeln!(out, "{report}"),
            Self::History(history) => writeln!(out, "{history}"),
            Self::Alerts(alerts) => writeln!(out, "{alerts}"),
            Self::Health(health) => writeln!(out, "{health}"),
            Self::Pools(figures) if figures.is_empty() => writeln!(out, "no pools"),
            Self::Pools(figures) => lines(out, figures),
            Self::Pool { figures, leaks } => {
                lines(out, figures)?;
                lines(out, leaks)
            }
            Self::Connections { total, shown } => {
                lines(out, shown)?;
                rest(out, *total, shown.len(), "connection", "connections")
            }
            Self::Topics { total, shown } => {
                for TopicCount { label, named, event, live } in shown {
                    let event = if *named { format!(" of {event}") } else { String::new() };
                    let line = format!("{label}{event}: {}", count(*live, "slot", "slots"));
                    writeln!(out, "{}", escaped(&line, LINE))?;
                }
                rest(out, *total, shown.len(), "topic", "topics")
            }
            Self::Audit(audit) => write!(out, "{audit}"),
            Self::Collected(collection) => writeln!(out, "{collection}"),
            Self::Cleanup { target, count: ended, dry_run } => {
                let what = if *dry_run { "would end" } else { "ended" };
                let connections = count(*ended, "connection", "connections");
                writeln!(out, "{}: {what} {connections}", escaped(target, LINE))
            }
            Self::Emergency(emergency @ Emergency { done: true, .. }) => writeln!(out, "{emergency}"),
            Self::Emergency(emergency) => writeln!(out, "would: {emergency}"),
            Self::Config(entries) => entries.iter().try_for_each(|SettingEntry { setting, value, expected }| {
                writeln!(out, "{setting} = {value} ({expected})")
            }),
            Self::ConfigChanged { setting, before, after } => writeln!(out, "{setting} = {after}, was {before}"),
            Self::Tokens(tokens) => {
                tokens.iter().try_for_each(|TokenEntry { name, role }| writeln!(out, "{name} ({role})"))
            }
            Self::Revoked(name) => writeln!(out, "{name} is revoked"),
            Self::Log(records) => lines(out, records),
        }
    }
}

/// Each in a line of its own, whatever its names have in them.
fn lines<T: fmt::Display>(out: &mut Lines<'_, '_>, entries: &[T]) -> fmt::Result {
    entries.iter().try_for_each(|entry| writeln!(out, "{}", escaped(&entry.to_string(), LINE)))
}

fn rest(out: &mut Lines<'_, '_>, total: usize, shown: usize, one: &str, many: &str) -> fmt::Result {
    match total.saturating_sub(shown) {
        0 => writeln!(out, "{}", count(total, one, many)),
        more => writeln!(out, "and {more} more, {total} {many} in all (limit=N shows more)"),
    }
}
