//! One record per connection: everything that the bus knows of it.

use super::calls::Calls;
use super::key::{Kind, Name, Owner};
use super::registry::{Group, Seen};
use super::topics::TopicId;
use crate::connection::Connection;
use crate::time::Executions;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

/// Names one tracked connection of one bus, for people and logs. Not used again before the bus has used the same place for 2³²
/// others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct ConnectionId(pub(super) u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}.{}", self.0 as u32, self.0 >> 32)
    }
}

/// Everything that the bus knows of one connection; from [`Bus::details`](crate::Bus::details).
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Detail {
    /// Its number.
    pub id: ConnectionId,
    /// Its handle.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub connection: Connection,
    /// Is it connected? (A record is kept until somebody finds that it is not.)
    pub connected: bool,
    /// Whose it is.
    pub owner: Option<Owner>,
    /// The path of the scope that it is in, below its owner.
    pub scope: Option<Name>,
    /// Its service.
    pub service: Option<Name>,
    /// Its tags.
    pub tags: Vec<Name>,
    /// What it is for.
    pub kind: Kind,
    /// The topic that it is connected to, if that is one of the bus's.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub topic: Option<TopicId>,
    /// Its name, unique within its owner.
    pub name: Option<Name>,
    /// What it was described as.
    pub description: Option<Name>,
    /// Where in the source it was connected.
    #[cfg_attr(feature = "serde", serde(serialize_with = "place"))]
    pub place: &'static Location<'static>,
    /// When it was made, by the bus's clock.
    pub created: Duration,
    /// How long it has been there.
    pub age: Duration,
    /// Has it asked for a timeout?
    pub has_timeout: bool,
    /// Its calls; `None` if they are not counted.
    pub calls: Option<Calls>,
    /// How often its slot ran, and for too long; `None` if nothing watches it.
    pub executions: Option<Executions>,
    /// Does it stand for the connections to all topics that a pattern matches? Each of those has a record of its own.
    pub is_pattern: bool,
    /// How often its slot has panicked.
    pub panics: u32,
}

#[cfg(feature = "serde")]
pub(super) fn place<S: serde::Serializer>(place: &Location<'static>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(place)
}

impl Detail {
    pub(super) fn new(seen: &Seen<'_>, now: Duration) -> Self {
        let record = seen.record;
        Self {
            id: ConnectionId(seen.id.number()),
            connection: record.connection,
            connected: record.connection.is_connected(),
            owner: seen.owner().cloned(),
            scope: seen.scope().cloned(),
            service: seen.service().cloned(),
            tags: seen.tags().cloned().collect(),
            kind: seen.kind(),
            topic: record.topic,
            name: record.name().cloned(),
            description: record.description().cloned(),
            place: record.place,
            created: record.created(),
            age: now.saturating_sub(record.created()),
            has_timeout: record.has_timeout(),
            calls: seen.calls(),
            executions: record.executions(),
            is_pattern: record.waits(),
            panics: seen.panics(),
        }
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.kind)?;
        if let Some(name) = &self.name {
            write!(f, " \"{name}\"")?;
        }
        if let Some(owner) = &self.owner {
            write!(f, " of {owner}")?;
        }
        if let Some(scope) = &self.scope {
            write!(f, "/{scope}")?;
        }
        if let Some(service) = &self.service {
            write!(f, " in {service}")?;
        }
        if let Some(calls) = &self.calls {
            let about = if calls.exact { "" } else { "about " };
            write!(f, ", {about}{} calls", calls.count)?;
        }
        if self.panics > 0 {
            write!(f, ", {} panics", self.panics)?;
        }
        write!(f, ", {:.1} s old, connected at {}", self.age.as_secs_f64(), self.place)
    }
}

/// Which connections to look at: those that fit everything that is said.
///
/// ```
/// use pulsebus::{Bus, Filter, Signal};
///
/// let bus = Bus::new();
/// let signal = Signal::<u32>::new();
/// bus.connect(&signal).owner(7).tag("hud").slot(|_| {})?;
/// bus.connect(&signal).owner(8).tag("hud").slot(|_| {})?;
/// assert_eq!(bus.details(&Filter::new().owner(7)).len(), 1);
/// assert_eq!(bus.details(&Filter::new().tag("hud")).len(), 2);
/// # Ok::<(), pulsebus::ConnectError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Filter {
    owner: Option<Owner>,
    service: Option<Name>,
    tag: Option<Name>,
    kind: Option<Kind>,
    topic: Option<TopicId>,
}

impl Filter {
    /// Fits every connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of this owner, its scopes included.
    pub fn owner(mut self, owner: impl Into<Owner>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Of this service.
    pub fn service(mut self, service: impl Into<Name>) -> Self {
        self.service = Some(service.into());
        self
    }

    /// With this tag.
    pub fn tag(mut self, tag: impl Into<Name>) -> Self {
        self.tag = Some(tag.into());
        self
    }

    /// Of this kind.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Of this topic of the bus.
    pub fn topic(mut self, topic: TopicId) -> Self {
        self.topic = Some(topic);
        self
    }

    pub(super) fn is_everything(&self) -> bool {
        let Self { owner, service, tag, kind, topic } = self;
        owner.is_none() && service.is_none() && tag.is_none() && kind.is_none() && topic.is_none()
    }

    /// A group that everything which fits is in: the first one that is likely to be small.
    pub(super) fn group(&self) -> Option<Group<'_>> {
        let owner = self.owner.as_ref().map(Group::Owner);
        owner.or(self.service.as_ref().map(Group::Service)).or(self.tag.as_ref().map(Group::Tag))
    }

    pub(super) fn fits(&self, seen: &Seen<'_>) -> bool {
        let any = |wanted: &Option<Name>, found: Option<&Name>| wanted.is_none() || wanted.as_ref() == found;
        (self.kind.is_none() || self.kind == Some(seen.kind()))
            && (self.topic.is_none() || self.topic == seen.record.topic)
            && any(&self.service, seen.service())
            && (self.owner.is_none() || self.owner.as_ref() == seen.owner())
            && self.tag.as_ref().is_none_or(|tag| seen.tags().any(|found| found == tag))
    }
}
