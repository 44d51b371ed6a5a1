//! Looking at records: everything that is known of them, page by page.

use super::record::{Other, Record};
use super::{Id, Registry};
use crate::bus::calls::{Calls, Meter};
use crate::bus::key::{Kind, Name, Owner};
use crate::bus::topics::TopicId;
use std::time::{Duration, Instant};

/// A record with the keys of its groups.
pub(in crate::bus) struct Seen<'a> {
    pub(in crate::bus) id: Id,
    pub(in crate::bus) record: &'a Record,
    registry: &'a Registry,
    now: Instant,
}

impl<'a> Seen<'a> {
    pub(in crate::bus) fn owner(&self) -> Option<&'a Owner> {
        self.registry.owners.key(self.record.groups.owner?)
    }

    pub(in crate::bus) fn service(&self) -> Option<&'a Name> {
        self.registry.services.key(self.record.groups.service?)
    }

    pub(in crate::bus) fn kind(&self) -> Kind {
        self.registry.kinds.get(self.record.groups.kind)
    }

    pub(in crate::bus) fn tags(&self) -> impl Iterator<Item = &'a Name> {
        self.record.groups.others.iter().filter_map(|other| match other {
            Other::Tag(index) => self.registry.tags.key(*index),
            Other::Scope(_) => None,
        })
    }

    /// The path of its scope below its owner.
    pub(in crate::bus) fn scope(&self) -> Option<&'a Name> {
        // The outermost one comes last.
        self.record.groups.others.iter().find_map(|other| match other {
            Other::Scope(index) => self.registry.scopes.key(*index).map(|(_, path)| path),
            Other::Tag(_) => None,
        })
    }

    pub(in crate::bus) fn is_connected(&self) -> bool {
        self.record.connection.is_connected()
    }

    pub(in crate::bus) fn panics(&self) -> u32 {
        self.record.connection.panics().unwrap_or(0)
    }

    pub(in crate::bus) fn keeper(&self) -> Keeper {
        match (self.record.groups.owner, self.record.groups.service, self.record.topic) {
            // One for each topic that a pattern matches.
            (_, _, Some(topic)) if self.record.groups.is_kept => Keeper::Topic(topic),
            (Some(owner), ..) => Keeper::Owner(owner),
            (None, Some(service), _) => Keeper::Service(service),
            _ => Keeper::Nobody,
        }
    }

    /// `None` if the calls are not counted.
    pub(in crate::bus) fn was_called(&self) -> Option<bool> {
        match &self.record.meter {
            Meter::Off => None,
            Meter::Sampled(sample) => Some(sample.read().0 > 0),
            Meter::Exact(exact) => Some(exact.calls().count > 0),
        }
    }

    /// `None` if they are not counted.
    pub(in crate::bus) fn calls(&self) -> Option<Calls> {
        match &self.record.meter {
            Meter::Off => None,
            Meter::Sampled(sample) => Some(self.registry.windows.calls(sample, self.now)),
            Meter::Exact(exact) => Some(exact.calls()),
        }
    }
}

/// Whose a record is, to tell one from another as long as each has records.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::bus) enum Keeper {
    Owner(u32),
    Service(u32),
    Topic(TopicId),
    Nobody,
}

/// A key with how many records it has now, and had since it came.
pub(in crate::bus) type Tally<K> = (K, usize, u64);

impl Registry {
    /// The records of a page.
    pub(in crate::bus) fn look(&self, page: usize) -> impl Iterator<Item = Seen<'_>> {
        let now = Instant::now();
        self.records.page(page).map(move |(id, record)| Seen { id, record, registry: self, now })
    }

    /// One record.
    pub(in crate::bus) fn look_at(&self, id: Id) -> Option<Seen<'_>> {
        Some(Seen { id, record: self.records.get(id)?, registry: self, now: Instant::now() })
    }

    pub(in crate::bus) fn owners(&self) -> Vec<Tally<Owner>> {
        self.owners.iter().map(|(key, live, made)| (key.clone(), live, made)).collect()
    }

    pub(in crate::bus) fn services(&self) -> Vec<Tally<Name>> {
        self.services.iter().map(|(key, live, made)| (key.clone(), live, made)).collect()
    }

    pub(in crate::bus) fn tags(&self) -> Vec<Tally<Name>> {
        self.tags.iter().map(|(key, live, made)| (key.clone(), live, made)).collect()
    }

    pub(in crate::bus) fn kinds(&self) -> Vec<(Kind, usize)> {
        self.kinds.iter().collect()
    }

    /// By the bus's clock.
    pub(in crate::bus) fn time(&self) -> Duration {
        self.clock.now()
    }
}
