//! The registry: every tracked connection, by everything that it can be found by.
//!
//! Behind one lock, which emissions never take, and under which no foreign code runs: whatever does (callbacks,
//! destructors) is handed out as [`Ended`], to be settled when the lock is released. A record ends when it is removed here,
//! which happens once; what was disconnected elsewhere is found dead and removed by the next one who looks.

mod ended;
mod groups;
mod limits;
mod look;
mod record;
mod slab;
mod totals;

pub(super) use ended::Ended;
pub(super) use look::Seen;
pub(super) use record::{Extras, OnCleanup, Record, Target, Timeouts};
pub(super) use slab::Id;
pub(super) use totals::Totals;

use super::calls::{CallStatistics, Exact, Meter, Samples, Windows};
use super::config::Config;
use super::error::ConnectError;
use super::key::{Kind, Name, Owner};
use super::reason::EndReason;
use super::track::Track;
use crate::connection::Connection;
use crate::list::{Due, Life};
use crate::time::{Clock, nanoseconds};
use groups::Groups;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use limits::Rules;
use record::Other;
use slab::Slab;
use smallvec::SmallVec;
use std::hash::BuildHasher;
use std::panic::Location;

/// The name of a scope: its owner, and the child's path.
pub(super) type ScopeKey = (Owner, Name);

pub(super) struct Registry {
    records: Slab<Record>,
    /// Indices of records, by their connections.
    by_connection: HashTable<u32>,
    hasher: DefaultHashBuilder,
    owners: Groups<Owner>,
    scopes: Groups<ScopeKey>,
    services: Groups<Name>,
    tags: Groups<Name>,
    /// By owner's group, which a named record keeps there.
    names: HashMap<(u32, Name), Id>,
    rules: Rules,
    /// As [`groups::Group::next_sweep`], for the whole bus.
    next_sweep: usize,
    /// How many records are to come.
    reserved: usize,
    /// Is the bus beyond its emergency threshold, and has said so?
    in_emergency: bool,
    pub(super) closed: bool,
    pub(super) totals: Totals,
    pub(super) samples: Samples,
    pub(super) windows: Windows,
    call_statistics: CallStatistics,
    clock: Clock,
}

/// A record that is to come: counted in its groups already, with how its calls are counted.
pub(super) struct Reserved {
    owner: Option<u32>,
    service: Option<u32>,
    others: SmallVec<[Other; 2]>,
    pub(super) meter: Meter,
}

/// A slot that was connected for a record.
pub(super) struct Attached {
    pub(super) connection: Connection,
    pub(super) life: Option<Life>,
    /// What its connecting leaves to do; `None` if it was connected before.
    pub(super) due: Option<Due>,
}

impl Registry {
    pub(super) fn new(config: &Config, clock: Clock) -> Self {
        Self {
            records: Slab::new(),
            by_connection: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            owners: Groups::new(),
            scopes: Groups::new(),
            services: Groups::new(),
            tags: Groups::new(),
            names: HashMap::new(),
            rules: Rules::new(config),
            next_sweep: 0,
            reserved: 0,
            in_emergency: false,
            closed: false,
            totals: Totals::default(),
            samples: Samples::default(),
            windows: Windows::default(),
            call_statistics: config.call_statistics,
            clock,
        }
    }

    pub(super) fn configure(&mut self, config: &Config) {
        self.rules = Rules::new(config);
        self.call_statistics = config.call_statistics;
        self.next_sweep = 0;
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// May such a connection be made?
    pub(super) fn check(&self, track: &Track) -> Result<(), ConnectError> {
        if self.closed {
            return Err(ConnectError::ShutDown);
        }
        if let Some(service) = track.running.as_ref().filter(|service| service.has_stopped()) {
            return Err(ConnectError::ServiceStopped { service: service.name().clone() });
        }
        if let Some(scope) = track.scope.as_ref().filter(|scope| scope.has_ended()) {
            return Err(ConnectError::ScopeEnded { scope: scope.to_string() });
        }
        match &track.name {
            Some(name) if track.owner.is_none() => Err(ConnectError::NameWithoutOwner { name: name.clone() }),
            _ if track.zero_timeout => Err(ConnectError::ZeroTimeout),
            _ => Ok(()),
        }
    }

    /// Makes room for a record, if there may be one more. Nothing else may fail between [`check`](Self::check) and here.
    pub(super) fn reserve(
        &mut self,
        track: &Track,
        counted: bool,
        ended: &mut Ended,
    ) -> Result<Reserved, ConnectError> {
        let owner = track.owner.as_ref().map(|owner| self.owners.enter(owner));
        let service = track.service.as_ref().map(|service| self.services.enter(service));
        let replaced = owner.zip(track.name.as_ref()).and_then(|key| self.find_name(key));
        let mut reserved = Reserved { owner, service, others: SmallVec::new(), meter: Meter::Off };
        self.reserved += 1;
        let now = self.now();
        if let Err(error) = self.make_room(&reserved, replaced, now, ended) {
            self.give_up(reserved, ended);
            return Err(error);
        }
        for tag in &track.tags {
            reserved.others.push(Other::Tag(self.tags.enter(tag)));
        }
        for key in track.scope.iter().flat_map(|scope| scope.keys()) {
            reserved.others.push(Other::Scope(self.scopes.enter(&key)));
        }
        reserved.meter = match self.call_statistics {
            _ if !counted => Meter::Off,
            _ if track.timeouts.idle.is_some() => Meter::Exact(Exact::new(self.clock.clone())),
            CallStatistics::Off => Meter::Off,
            CallStatistics::Sampled => Meter::Sampled(self.samples.take()),
            CallStatistics::Exact => Meter::Exact(Exact::new(self.clock.clone())),
        };
        Ok(reserved)
    }

    /// Takes a reservation back.
    pub(super) fn give_up(&mut self, reserved: Reserved, ended: &mut Ended) {
        self.reserved -= 1;
        self.leave(reserved.owner, reserved.service, &reserved.others, ended);
        if let Meter::Sampled(sample) = reserved.meter {
            self.samples.put(sample);
        }
    }

    /// Makes the record, ends the one whose name it takes, and connects its slot.
    pub(super) fn admit(
        &mut self,
        mut track: Track,
        reserved: Reserved,
        place: &'static Location<'static>,
        ended: &mut Ended,
        attach: impl FnOnce(&Meter) -> Attached,
    ) -> (Connection, Option<Due>) {
        let Reserved { owner, service, others, meter } = reserved;
        self.reserved -= 1;
        // First: never do both run.
        if let Some(before) = owner.zip(track.name.as_ref()).and_then(|key| self.find_name(key)) {
            self.end(before, EndReason::Replaced, ended);
        }
        let Attached { connection, life, due } = attach(&meter);
        let name = track.name.take();
        let named = owner.zip(name.clone());
        let extras = Extras {
            name,
            description: track.description.take(),
            on_cleanup: track.on_cleanup.take(),
            target: track.target.take(),
            budget: track.budget.take(),
        };
        let record = Record {
            connection,
            life,
            place,
            created: self.now(),
            owner,
            service,
            others,
            kind: track.kind,
            topic: track.topic,
            timeouts: track.timeouts,
            meter,
            extras: extras.is_some().then(|| Box::new(extras)),
        };
        let id = self.insert(record);
        if let Some(key) = named {
            self.names.insert(key, id);
        }
        (connection, due)
    }

    fn insert(&mut self, record: Record) -> Id {
        let Self { records, by_connection, hasher, owners, scopes, services, tags, .. } = self;
        let (connection, owner, service, others) =
            (record.connection, record.owner, record.service, record.others.clone());
        let id = records.insert(record);
        let hash_at = |index: &u32| hasher.hash_one(records.at(*index).expect("what is listed is there").1.connection);
        by_connection.insert_unique(hasher.hash_one(connection), id.index(), hash_at);
        let is_there = |id| records.contains(id);
        if let Some(index) = owner {
            owners.add(index, id, is_there);
        }
        if let Some(index) = service {
            services.add(index, id, is_there);
        }
        for other in others {
            match other {
                Other::Tag(index) => tags.add(index, id, is_there),
                Other::Scope(index) => scopes.add(index, id, is_there),
            }
        }
        self.totals.made += 1;
        self.totals.peak = self.totals.peak.max(self.records.len());
        id
    }

    /// Ends a connection and removes its record. Was it this that ended it?
    pub(super) fn end(&mut self, id: Id, reason: EndReason, ended: &mut Ended) -> bool {
        let Some(record) = self.records.remove(id) else { return false };
        let won = record.connection.disconnect();
        let reason = if won { reason } else { record.ended_elsewhere() };
        let hash = self.hasher.hash_one(record.connection);
        if let Ok(place) = self.by_connection.find_entry(hash, |index| *index == id.index()) {
            place.remove();
        }
        if let Some(key) = record.owner.zip(record.name().cloned()) {
            self.names.remove(&key);
        }
        self.leave(record.owner, record.service, &record.others, ended);
        if let Meter::Sampled(sample) = record.meter {
            self.samples.put(sample);
        }
        self.totals.count_end(reason);
        self.totals.panics += u64::from(record.connection.panics().unwrap_or(0));
        ended.push(record, reason);
        won
    }

    fn leave(&mut self, owner: Option<u32>, service: Option<u32>, others: &[Other], ended: &mut Ended) {
        let key = owner.and_then(|index| self.owners.leave(index));
        ended.owners.extend(key.filter(Owner::is_foreign));
        if let Some(index) = service {
            self.services.leave(index);
        }
        for other in others {
            match *other {
                Other::Tag(index) => drop(self.tags.leave(index)),
                Other::Scope(index) => {
                    let key = self.scopes.leave(index).map(|(owner, _)| owner);
                    ended.owners.extend(key.filter(Owner::is_foreign));
                }
            }
        }
    }

    /// Removes a record whose connection has ended, and ends what is stale. Was it stale?
    pub(super) fn sweep_record(&mut self, id: Id, now: u64, ended: &mut Ended) -> bool {
        self.forget_if_ended(id, ended);
        self.records.get(id).is_some_and(|record| record.is_stale(now)) && self.end(id, EndReason::Stale, ended)
    }

    /// Removes a record whose connection has ended.
    pub(super) fn forget_if_ended(&mut self, id: Id, ended: &mut Ended) {
        if self.records.get(id).is_some_and(|record| !record.connection.is_connected()) {
            self.end(id, EndReason::Disconnected, ended);
        }
    }

    /// Removes those records of a page whose connections have ended, and if asked to, ends what is stale; how many were.
    pub(super) fn sweep_page(&mut self, page: usize, stale_too: bool, ended: &mut Ended) -> usize {
        let now = self.now();
        let due = |record: &Record| !record.connection.is_connected() || stale_too && record.is_stale(now);
        let due: SmallVec<[Id; 16]> =
            self.records.page(page).filter(|(_, record)| due(record)).map(|(id, _)| id).collect();
        due.into_iter().filter(|id| self.sweep_record(*id, now, ended)).count()
    }

    pub(super) fn pages(&self) -> usize {
        self.records.pages()
    }

    /// Which records a cleanup is for. Some of them may have gone.
    pub(super) fn select(&self, group: &Group<'_>) -> Vec<Id> {
        match group {
            Group::Owner(owner) => self.owners.find(owner).map_or_else(Vec::new, |at| self.owners.members(at).to_vec()),
            Group::Scope(key) => self.scopes.find(key).map_or_else(Vec::new, |at| self.scopes.members(at).to_vec()),
            Group::Service(name) => {
                self.services.find(name).map_or_else(Vec::new, |at| self.services.members(at).to_vec())
            }
            Group::Tag(tag) => self.tags.find(tag).map_or_else(Vec::new, |at| self.tags.members(at).to_vec()),
            Group::Kind(kind) => {
                self.records.iter().filter(|(_, record)| record.kind == **kind).map(|(id, _)| id).collect()
            }
            Group::Named(owner, name) => {
                let owner = self.owners.find(owner);
                owner.and_then(|owner| self.find_name((owner, name))).into_iter().collect()
            }
            Group::One(connection) => self.find(connection).into_iter().collect(),
            Group::All => self.records.iter().map(|(id, _)| id).collect(),
        }
    }

    /// The record of a connection.
    pub(super) fn find(&self, connection: &Connection) -> Option<Id> {
        let is_it = |index: &u32| self.records.at(*index).is_some_and(|(_, record)| record.connection == *connection);
        let index = self.by_connection.find(self.hasher.hash_one(connection), is_it)?;
        Some(self.records.at(*index)?.0)
    }

    fn find_name(&self, (owner, name): (u32, &Name)) -> Option<Id> {
        self.names.get(&(owner, name.clone())).copied()
    }

    /// How many there are, if that is an emergency that was none before.
    pub(super) fn new_emergency(&mut self) -> Option<usize> {
        let live = self.records.len();
        let before = std::mem::replace(&mut self.in_emergency, live >= self.rules.emergency);
        let is_new = self.in_emergency && !before;
        self.totals.emergencies += u64::from(is_new);
        is_new.then_some(live)
    }

    fn now(&self) -> u64 {
        nanoseconds(self.clock.now())
    }
}

/// What a cleanup is for.
pub(super) enum Group<'a> {
    Owner(&'a Owner),
    Scope(&'a ScopeKey),
    Service(&'a Name),
    Tag(&'a Name),
    Kind(&'a Kind),
    Named(&'a Owner, &'a Name),
    One(&'a Connection),
    All,
}
