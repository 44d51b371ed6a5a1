//! The registry: every tracked connection, by everything that it can be found by.
//!
//! Behind one lock, which emissions never take, and under which no foreign code runs: whatever does (callbacks,
//! destructors) is handed out as [`Ended`], to be settled when the lock is released. A record ends when it is removed here,
//! which happens once; what was disconnected elsewhere is found dead and removed by the next one who looks.

mod arrivals;
mod ended;
mod finder;
mod groups;
mod kinds;
mod limits;
mod look;
mod record;
mod slab;
mod table;
mod totals;

pub(super) use ended::{Ended, Left};
pub(super) use look::{Keeper, Seen};
pub(super) use record::{OnCleanup, Rare, Record, Target};
pub(super) use slab::{Id, PAGE};
pub(super) use totals::Totals;

use super::calls::{CallStatistics, Exact, Meter, Samples, Windows};
use super::config::Config;
use super::error::ConnectError;
use super::inner::Emergency;
use super::key::{Kind, Name, Owner};
use super::reason::EndReason;
use super::track::Track;
use crate::connection::Connection;
use crate::list::{Due, Life};
use crate::time::{Clock, nanoseconds};
use arrivals::Arrivals;
use finder::Finder;
use groups::{Groups, Hint};
use hashbrown::HashMap;
use kinds::Kinds;
use limits::Rules;
use record::{Memberships, Other};
use slab::Slab;
use smallvec::SmallVec;
use std::hash::Hash;
use std::panic::Location;
use std::time::Duration;

/// The name of a scope: its owner, and the child's path.
pub(super) type ScopeKey = (Owner, Name);

pub(super) struct Registry {
    records: Slab<Record>,
    finder: Finder,
    arrivals: Arrivals,
    owners: Groups<Owner>,
    scopes: Groups<ScopeKey>,
    services: Groups<Name>,
    tags: Groups<Name>,
    kinds: Kinds,
    /// By owner's group, which a named record keeps there.
    names: HashMap<(u32, Name), Id>,
    rules: Rules,
    /// As [`groups::Group::next_sweep`], for the whole bus.
    next_sweep: usize,
    /// From so many records on, those are looked for whose connections have ended; and in which page next.
    sift_at: usize,
    sift_page: usize,
    /// Records that were left in the pages before that.
    sifted: usize,
    /// The page in which a search for room begins.
    look_page: usize,
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
    /// For the records that a cleanup is for, to be used again.
    room: Vec<Id>,
    /// Those that a batch in the making takes the places of.
    replacing: Vec<Id>,
}

/// Fewer records are not worth sifting.
const SIFT_FROM: usize = 1024;

/// Room for so many records of a cleanup is kept for the next one.
const ROOM: usize = 1024;

/// A record that is to come: counted in its groups already, with how its calls are counted.
pub(super) struct Reserved {
    groups: Memberships,
    meter: Meter,
    /// Is it beyond a limit?
    pub(super) is_over: bool,
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
            finder: Finder::new(),
            arrivals: Arrivals::default(),
            owners: Groups::new(),
            scopes: Groups::new(),
            services: Groups::new(),
            tags: Groups::new(),
            kinds: Kinds::new(),
            names: HashMap::new(),
            rules: Rules::new(config),
            next_sweep: 0,
            sift_at: SIFT_FROM,
            sift_page: 0,
            sifted: 0,
            look_page: 0,
            reserved: 0,
            in_emergency: false,
            closed: false,
            totals: Totals::default(),
            samples: Samples::default(),
            windows: Windows::default(),
            call_statistics: config.call_statistics,
            clock,
            room: Vec::new(),
            replacing: Vec::new(),
        }
    }

    pub(super) fn configure(&mut self, config: &Config) {
        self.rules = Rules::new(config);
        self.call_statistics = config.call_statistics;
        self.next_sweep = 0;
        self.arrivals.forget();
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// May such a connection be made?
    #[inline]
    pub(super) fn check(&self, track: &Track) -> Result<(), ConnectError> {
        if self.closed {
            return Err(ConnectError::ShutDown);
        }
        track.rare.as_ref().map_or(Ok(()), |rare| check_rare(rare, track.owner.is_some()))
    }

    /// Makes room for a record, if there may be one more. Nothing else may fail between [`check`](Self::check) and
    /// [`admit`](Self::admit).
    #[inline]
    pub(super) fn reserve(
        &mut self,
        track: &Track,
        counted: bool,
        ended: &mut Ended,
    ) -> Result<Reserved, ConnectError> {
        let mut groups = Memberships {
            owner: track.owner.as_ref().map(|owner| self.owners.enter(owner)),
            service: track.service.as_ref().map(|service| self.services.enter(service)),
            kind: self.kinds.enter(&track.kind),
            is_kept: track.is_kept,
            others: SmallVec::new(),
        };
        if self.in_emergency && self.reserved == 0 {
            // It is over as soon as there were fewer, if only between two connects.
            self.in_emergency = self.records.len() >= self.rules.emergency;
        }
        self.reserved += 1;
        track.tags.for_each(|tag| groups.others.push(Other::Tag(self.tags.enter(tag))));
        let rare = track.rare.as_deref();
        if let Some(scope) = rare.and_then(|rare| rare.scope.as_ref()) {
            for key in scope.keys() {
                groups.others.push(Other::Scope(self.scopes.enter(&key)));
            }
        }
        // In all of its groups first: a sweep must not take the last one out of a group that is to go on.
        let mut is_over = false;
        if self.is_tight(&groups) {
            match self.make_room(&groups, track, ended) {
                Ok(over) => is_over = over,
                Err(error) => {
                    self.reserved -= 1;
                    self.leave(&groups, ended);
                    return Err(error);
                }
            }
        }
        let meter = match self.call_statistics {
            _ if !counted => Meter::Off,
            _ if rare.is_some_and(|rare| rare.idle.is_some()) => Meter::Exact(Exact::new(self.clock.clone())),
            CallStatistics::Off => Meter::Off,
            CallStatistics::Sampled => Meter::Sampled(self.samples.take()),
            CallStatistics::Exact => Meter::Exact(Exact::new(self.clock.clone())),
        };
        Ok(Reserved { groups, meter, is_over })
    }

    /// Takes a reservation back.
    pub(super) fn give_up(&mut self, reserved: Reserved, ended: &mut Ended) {
        self.reserved -= 1;
        self.leave(&reserved.groups, ended);
        self.put_meter(&reserved.meter);
    }

    /// Makes the record, ends the one whose name it takes, and connects its slot.
    #[inline]
    pub(super) fn admit(
        &mut self,
        track: &mut Track,
        reserved: Reserved,
        place: &'static Location<'static>,
        ended: &mut Ended,
        attach: impl FnOnce(&Meter) -> Attached,
    ) -> (Connection, Option<Due>) {
        let Reserved { groups, meter, .. } = reserved;
        self.reserved -= 1;
        let rare = track.rare.take();
        if let Some(rare) = &rare {
            self.make_way(rare, groups.owner, ended);
        }
        let Attached { connection, life, due } = attach(&meter);
        // To the millisecond, unless something depends on it.
        let is_timed = rare.as_ref().is_some_and(|rare| rare.has_timeout());
        let created = if is_timed { self.now() } else { self.clock.coarse() };
        let (serial, topic, is_listed) = (self.totals.made, track.topic, false);
        let (is_rare, id) = (rare.is_some(), self.enlist(&groups));
        let record = self.records.place(id);
        let before =
            record.replace(Record { connection, life, place, created, serial, groups, topic, is_listed, meter, rare });
        // Known to be `None`: a test of it would have the record made elsewhere and copied.
        std::mem::forget(before);
        self.totals.peak = self.totals.peak.max(self.records.len());
        if self.records.len() >= self.sift_at {
            self.sift(ended);
        }
        if is_rare {
            self.note_name(id);
        }
        (connection, due)
    }

    /// Ends the record whose name a new one takes. First: never do both run.
    #[cold]
    fn make_way(&mut self, rare: &Rare, owner: Option<u32>, ended: &mut Ended) {
        let named = owner.zip(rare.name.as_ref());
        if let Some(before) = named.and_then(|key| self.find_name(key)) {
            self.end(before, EndReason::Replaced, ended);
        }
    }

    #[cold]
    fn note_name(&mut self, id: Id) {
        let record = self.records.get(id);
        let key = record.and_then(|record| record.groups.owner.zip(record.name().cloned()));
        if let Some(key) = key {
            self.names.insert(key, id);
        }
    }

    /// Puts the record that is to come next among the members of its groups.
    #[inline]
    fn enlist(&mut self, groups: &Memberships) -> Id {
        let Self { records, finder, arrivals, owners, scopes, services, tags, .. } = self;
        let id = records.next();
        finder.note(id, records);
        arrivals.note(id, records);
        let is_there = |id| records.contains(id);
        if let Some(index) = groups.owner {
            owners.add(index, id, is_there);
        }
        if let Some(index) = groups.service {
            services.add(index, id, is_there);
        }
        for other in &groups.others {
            match *other {
                Other::Tag(index) => tags.add(index, id, is_there),
                Other::Scope(index) => scopes.add(index, id, is_there),
            }
        }
        self.totals.made += 1;
        id
    }

    /// Goes on looking for records whose connections have ended: there are twice as many records as there were when the last
    /// look had come round. A page for each quarter of a page of connects.
    #[cold]
    #[inline(never)]
    fn sift(&mut self, ended: &mut Ended) {
        if self.totals.made % (PAGE as u64 / 4) != 0 {
            return;
        }
        self.sweep_page(self.sift_page, false, ended);
        self.sifted += self.records.page(self.sift_page).count();
        self.sift_page += 1;
        if self.sift_page >= self.pages() {
            self.sift_at = (std::mem::take(&mut self.sifted) * 2).max(SIFT_FROM);
            self.sift_page = 0;
        }
    }

    /// Gives a record a name, and ends the one that bore it.
    pub(super) fn rename(&mut self, connection: &Connection, name: Name, ended: &mut Ended) {
        let Some(id) = self.find(connection) else { return };
        let Some(owner) = self.records.get(id).and_then(|record| record.groups.owner) else { return };
        let key = (owner, name);
        if let Some(before) = self.names.get(&key).copied() {
            self.end(before, EndReason::Replaced, ended);
        }
        if let Some(record) = self.records.get_mut(id) {
            record.rare.get_or_insert_default().name = Some(key.1.clone());
            self.names.insert(key, id);
        }
    }

    /// Ends a connection and removes its record. Was it this that ended it?
    pub(super) fn end(&mut self, id: Id, reason: EndReason, ended: &mut Ended) -> bool {
        let mut removed = self.records.remove(id);
        let Some(record) = &mut removed else { return false };
        let won = record.connection.disconnect();
        let reason = if won { reason } else { record.ended_elsewhere() };
        self.finder.forget(id, record);
        if record.rare.is_some() {
            if let Some(key) = record.groups.owner.zip(record.name().cloned()) {
                self.names.remove(&key);
            }
        }
        self.leave(&record.groups, ended);
        self.put_meter(&record.meter);
        self.totals.count_end(reason);
        self.totals.panics += u64::from(record.connection.panics().unwrap_or(0));
        ended.push(record.rare.take(), record.place, reason);
        won
    }

    #[inline]
    fn leave(&mut self, groups: &Memberships, ended: &mut Ended) {
        if let Some(key) = groups.owner.and_then(|index| self.owners.leave(index)) {
            ended.push_owner(key);
        }
        if let Some(index) = groups.service {
            self.services.leave(index);
        }
        self.kinds.leave(groups.kind);
        for other in &groups.others {
            match *other {
                Other::Tag(index) => drop(self.tags.leave(index)),
                Other::Scope(index) => {
                    if let Some((owner, _)) = self.scopes.leave(index) {
                        ended.push_owner(owner);
                    }
                }
            }
        }
    }

    #[inline]
    fn put_meter(&mut self, meter: &Meter) {
        if let Meter::Sampled(sample) = meter {
            self.samples.put(sample);
        }
    }

    /// Removes a record whose connection has ended. Is it there still?
    pub(super) fn forget_if_ended(&mut self, id: Id, ended: &mut Ended) -> bool {
        let Some(record) = self.records.get(id) else { return false };
        let is_connected = record.connection.is_connected();
        if !is_connected {
            self.end(id, EndReason::Disconnected, ended);
        }
        is_connected
    }

    /// Removes a record whose connection has ended, and ends what is stale. Was it stale?
    pub(super) fn sweep_record(&mut self, id: Id, now: u64, ended: &mut Ended) -> bool {
        self.forget_if_ended(id, ended)
            && self.records.get(id).is_some_and(|record| record.is_stale(now))
            && self.end(id, EndReason::Stale, ended)
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

    /// Ends a group; how many of them this ended. No heap call, but for the first large ones.
    pub(super) fn end_group(&mut self, group: &Group<'_>, reason: EndReason, ended: &mut Ended) -> usize {
        let mut ids = std::mem::take(&mut self.room);
        self.select_into(group, &mut ids);
        let count = ids.drain(..).filter(|id| self.end(*id, reason, ended)).count();
        ids.shrink_to(ROOM);
        self.room = ids;
        count
    }

    /// Which records a cleanup is for. Some of them may have gone.
    pub(super) fn select(&self, group: &Group<'_>) -> Vec<Id> {
        let mut ids = Vec::new();
        self.select_into(group, &mut ids);
        ids
    }

    fn select_into(&self, group: &Group<'_>, ids: &mut Vec<Id>) {
        fn members<'a, K: Hash + Eq + Clone + Hint>(groups: &'a Groups<K>, key: &K) -> &'a [Id] {
            groups.find(key).map_or(&[], |at| groups.members(at))
        }
        match group {
            Group::Owner(owner) => ids.extend_from_slice(members(&self.owners, owner)),
            Group::Scope(key) => ids.extend_from_slice(members(&self.scopes, key)),
            Group::Service(name) => ids.extend_from_slice(members(&self.services, name)),
            Group::Tag(tag) => ids.extend_from_slice(members(&self.tags, tag)),
            Group::Kind(kind) => {
                let Some(kind) = self.kinds.find(kind) else { return };
                ids.extend(self.records.iter().filter(|(_, record)| record.groups.kind == kind).map(|(id, _)| id));
            }
            Group::Named(owner, name) => {
                let owner = self.owners.find(owner);
                ids.extend(owner.and_then(|owner| self.find_name((owner, name))));
            }
            Group::All => ids.extend(self.records.iter().map(|(id, _)| id)),
        }
    }

    /// The record of a connection.
    pub(super) fn find(&mut self, connection: &Connection) -> Option<Id> {
        self.finder.find(connection, &mut self.records)
    }

    pub(super) fn find_name(&self, (owner, name): (u32, &Name)) -> Option<Id> {
        self.names.get(&(owner, name.clone())).copied()
    }

    /// How many there are, if that is an emergency that was none before.
    pub(super) fn new_emergency(&mut self) -> Option<Emergency> {
        let live = self.records.len();
        let before = std::mem::replace(&mut self.in_emergency, live >= self.rules.emergency);
        let is_new = self.in_emergency && !before;
        self.totals.emergencies += u64::from(is_new);
        is_new.then_some(Emergency { live, limit: self.rules.overall.limit })
    }

    fn now(&self) -> u64 {
        nanoseconds(self.clock.now())
    }
}

fn check_rare(rare: &Rare, has_owner: bool) -> Result<(), ConnectError> {
    if let Some(service) = rare.running.as_ref().filter(|service| service.has_stopped()) {
        return Err(ConnectError::ServiceStopped { service: service.name().clone() });
    }
    if let Some(scope) = rare.scope.as_ref().filter(|scope| scope.has_ended()) {
        return Err(scope.error());
    }
    match &rare.name {
        Some(name) if !has_owner => Err(ConnectError::NameWithoutOwner { name: name.clone() }),
        _ if [rare.idle, rare.age].contains(&Some(Duration::ZERO)) => Err(ConnectError::ZeroTimeout),
        _ => Ok(()),
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
    All,
}
