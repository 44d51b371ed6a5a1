//! The records, oldest first, and what is counted of them.

use super::calls::{Bond, Meter};
use crate::bus::Bus;
use crate::oracle::{Oracle, OracleSlot};
use crate::registry::program::{Ending, What, Whose};
use crate::registry::{Cleaning, Figures, Line};
use pulsebus::{Config, EndReason};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What a connection is counted in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    All,
    Owner(Whose),
    /// An owner, and the path below it.
    Scope(Whose, Vec<&'static str>),
    Service(&'static str),
    Tag(&'static str),
}

/// What is known of a connection.
pub(super) struct Record {
    pub(super) slot: Arc<OracleSlot>,
    pub(super) what: What,
    pub(super) scope: Option<Vec<&'static str>>,
    pub(super) groups: Vec<Group>,
    pub(super) created: Duration,
    pub(super) bond: Option<Arc<Bond>>,
    pub(super) meter: Option<Arc<Meter>>,
    pub(super) cleaning: Option<Cleaning>,
}

/// Callbacks to run when the lock is released.
pub(super) type Due = Vec<(Cleaning, EndReason)>;

pub(super) struct State {
    pub(super) records: Vec<Record>,
    /// Groups of connections that are being made: there already, as far as limits are concerned.
    pub(super) coming: Vec<Vec<Group>>,
    /// What the connections that are being made replace.
    pub(super) replacing: Vec<Arc<OracleSlot>>,
    pub(super) config: Config,
    pub(super) closed: bool,
    pub(super) in_emergency: bool,
    /// When `maintain` has swept; at first, when it was called first.
    pub(super) last_sweep: Option<Duration>,
    /// Not swept for a limit before there are so many in a group.
    pub(super) next_sweep_in: BTreeMap<Group, usize>,
    /// How many were made since the group last had none.
    made_in: BTreeMap<Group, u64>,
    /// Totals; the rest of it is filled in when it is asked for.
    pub(super) totals: Figures,
}

impl Record {
    fn is_live(&self) -> bool {
        Oracle::is_connected(&self.slot)
    }

    fn is_stale(&self, now: Duration) -> bool {
        let last = self.meter.as_ref().and_then(|meter| meter.last()).unwrap_or(self.created);
        self.bond.as_ref().is_some_and(|bond| bond.is_gone())
            || self.what.age.is_some_and(|age| now >= self.created + age)
            || self.what.idle.is_some_and(|idle| now >= last + idle)
    }

    /// Why it has ended, by itself or past the registry, as far as one can tell when that is found.
    fn fate(&self) -> EndReason {
        if self.bond.as_ref().is_some_and(|bond| bond.is_cut()) {
            EndReason::Stale
        } else if self.slot.is_orphaned() {
            EndReason::DroppedSignal
        } else {
            EndReason::Disconnected
        }
    }

    pub(super) fn is_in(&self, group: &Group) -> bool {
        *group == Group::All || self.groups.contains(group)
    }

    pub(super) fn line(&self, now: Duration) -> Line<Arc<OracleSlot>> {
        Line {
            connection: self.slot.clone(),
            connected: self.is_live(),
            owner: self.what.owner.map(Whose::text),
            scope: self.scope.as_ref().map(|path| path.join("/")),
            service: self.what.service.map(str::to_owned),
            tags: self.what.tags.iter().map(ToString::to_string).collect(),
            kind: self.what.kind.clone(),
            name: self.what.name.map(str::to_owned),
            description: self.what.description.map(str::to_owned),
            created: self.created,
            age: now - self.created,
            has_timeout: self.what.idle.is_some() || self.what.age.is_some(),
            calls: self.meter.as_ref().map(|meter| meter.seen()),
            panics: self.slot.panics_so_far(),
        }
    }
}

impl State {
    pub(super) fn new(config: Config) -> Self {
        Self {
            records: Vec::new(),
            coming: Vec::new(),
            replacing: Vec::new(),
            config,
            closed: false,
            in_emergency: false,
            last_sweep: None,
            next_sweep_in: BTreeMap::new(),
            made_in: BTreeMap::new(),
            totals: Figures::default(),
        }
    }

    /// Forgets what was being made.
    pub(super) fn expect_none(&mut self) {
        self.coming.clear();
        self.replacing.clear();
        self.forget_groups();
    }

    /// How many there are in a group, with those that are being made.
    pub(super) fn count(&self, group: &Group) -> usize {
        let coming = self.coming.iter().filter(|groups| *group == Group::All || groups.contains(group));
        self.records.iter().filter(|record| record.is_in(group)).count() + coming.count()
    }

    pub(super) fn find(&self, slot: &Arc<OracleSlot>) -> Option<&Record> {
        self.records.iter().find(|record| Arc::ptr_eq(&record.slot, slot))
    }

    pub(super) fn find_name(&self, what: &What) -> Option<Arc<OracleSlot>> {
        let wanted = (what.owner?, what.name?);
        let found = self
            .records
            .iter()
            .find(|record| (record.what.owner, record.what.name) == (Some(wanted.0), Some(wanted.1)));
        Some(found?.slot.clone())
    }

    pub(super) fn add(&mut self, record: Record) {
        for group in &record.groups {
            *self.made_in.entry(group.clone()).or_default() += 1;
        }
        self.records.push(record);
        self.totals.made += 1;
        self.totals.peak = self.totals.peak.max(self.records.len());
    }

    /// Removes a record, and ends its connection. Was it this that ended it?
    pub(super) fn end(&mut self, slot: &Arc<OracleSlot>, reason: EndReason, due: &mut Due) -> bool {
        let Some(at) = self.records.iter().position(|record| Arc::ptr_eq(&record.slot, slot)) else { return false };
        let record = self.records.remove(at);
        let fate = record.fate();
        let won = Oracle::disconnect(slot);
        let reason = if won { reason } else { fate };
        *self.totals.ended.entry(reason).or_default() += 1;
        self.totals.panics += u64::from(slot.panics_so_far());
        due.extend(record.cleaning.map(|cleaning| (cleaning, reason)));
        self.forget_groups();
        won
    }

    /// Ends those that fit; how many this ended.
    pub(super) fn end_all(&mut self, reason: EndReason, due: &mut Due, fits: impl Fn(&Record) -> bool) -> usize {
        let chosen: Vec<_> = self.records.iter().filter(|record| fits(record)).map(|r| r.slot.clone()).collect();
        chosen.iter().filter(|slot| self.end(slot, reason, due)).count()
    }

    /// Removes what has ended, and if asked to, ends what is stale; how many were.
    pub(super) fn sweep(&mut self, group: &Group, stale_too: bool, now: Duration, due: &mut Due) -> usize {
        self.end_all(EndReason::Disconnected, due, |record| record.is_in(group) && !record.is_live());
        self.end_all(EndReason::Stale, due, |record| stale_too && record.is_in(group) && record.is_stale(now))
    }

    pub(super) fn end_those(&mut self, which: &Ending, now: Duration, due: &mut Due) -> usize {
        use EndReason as Reason;
        match which {
            Ending::Owner(owner) => self.end_all(Reason::OwnerLeft, due, |record| record.what.owner == Some(*owner)),
            Ending::Service(service) => {
                self.end_all(Reason::ServiceStopped, due, |record| record.what.service == Some(service))
            }
            Ending::Tag(tag) => self.end_all(Reason::Tag, due, |record| record.what.tags.contains(tag)),
            Ending::Kind(kind) => self.end_all(Reason::Kind, due, |record| record.what.kind == *kind),
            Ending::Named(owner, name) => self.end_all(Reason::Unregistered, due, |record| {
                record.what.owner == Some(*owner) && record.what.name == Some(name)
            }),
            Ending::Where(condition) => {
                self.end_all(Reason::Filter, due, |record| record.is_live() && condition.holds(&record.line(now)))
            }
            Ending::Stale => self.sweep(&Group::All, true, now, due),
            Ending::Everything => self.end_all(Reason::Emergency, due, |_| true),
        }
    }

    /// Forgets groups that have no connections, and get none.
    fn forget_groups(&mut self) {
        let Self { records, coming, made_in, next_sweep_in, .. } = self;
        let is_there = |group: &Group| {
            *group == Group::All
                || records.iter().any(|record| record.is_in(group))
                || coming.iter().any(|groups| groups.contains(group))
        };
        made_in.retain(|group, _| is_there(group));
        next_sweep_in.retain(|group, _| is_there(group));
    }

    pub(super) fn figures(&self) -> Figures {
        let mut figures = self.totals.clone();
        figures.live = self.records.len();
        for record in &self.records {
            *figures.kinds.entry(record.what.kind.clone()).or_default() += 1;
            figures.panics += u64::from(record.slot.panics_so_far());
        }
        for (group, made) in &self.made_in {
            let (counts, key) = match group {
                Group::Owner(owner) => (&mut figures.owners, owner.text()),
                Group::Service(service) => (&mut figures.services, service.to_string()),
                Group::Tag(tag) => (&mut figures.tags, tag.to_string()),
                Group::All | Group::Scope(..) => continue,
            };
            counts.insert(key, (self.count(group), *made));
        }
        let limits = &self.config.limits;
        figures.limits = (limits.per_owner, limits.per_service, limits.overall, limits.policy);
        figures
    }
}
