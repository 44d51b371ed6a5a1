//! The oracle: a `Vec` of records under a mutex.
//!
//! It says nothing of the order in which the callbacks of one cleanup run, since the bus promises none; but they may do
//! anything, so it takes the order over from the library's run.

mod calls;
mod handles;
mod limits;
mod state;

pub use handles::{OracleScope, OracleService};

use super::program::{Condition, Ending, Form, What, Whose};
use super::{Alarm, Cleaning, Connecting, ConnectionOf, Farewell, Figures, Hook, Line, Registry, Via};
use crate::bus::Bus;
use crate::oracle::{Oracle, OracleSlot};
use crate::program::Shape;
use calls::{Bond, Meter, Wrapped};
use handles::{ScopeState, ServiceState};
use pulsebus::{CallStatistics, Config, ConnectError, EndReason, ManualClock};
use state::{Due, Group, Record, State};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// The registry that is obviously right.
#[derive(Clone)]
pub struct OracleRegistry(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    hand: ManualClock,
    /// By slot: where in the order its callback comes.
    order: Vec<usize>,
    alarm: Mutex<Option<Arc<Alarm>>>,
    /// In the order of their registration.
    services: Mutex<Vec<Arc<ServiceState>>>,
    /// Callbacks that panicked.
    errors: AtomicU64,
}

/// A connection that has been found to be possible.
struct Accepted {
    what: What,
    scope: Option<Arc<ScopeState>>,
    groups: Vec<Group>,
    meter: Option<Arc<Meter>>,
}

impl Shared {
    /// Does something to the records, and then what that leaves to do.
    fn with<R>(&self, f: impl FnOnce(&mut State, &mut Due) -> R) -> R {
        let mut due = Due::new();
        let result = {
            let mut state = self.state.lock().expect("nobody panics");
            f(&mut state, &mut due)
        };
        due.sort_by_key(|(cleaning, _)| self.rank(cleaning));
        for (cleaning, reason) in due {
            self.guarded(|| (cleaning.callback)(reason));
        }
        result
    }

    /// The services that records name, in the order in which their callbacks are to come.
    fn in_order<'a>(&self, records: impl Iterator<Item = &'a Record>) -> Vec<&'static str> {
        let mut first = BTreeMap::new();
        for record in records {
            let Some(service) = record.what.service else { continue };
            let rank = record.cleaning.as_ref().map_or(usize::MAX, |cleaning| self.rank(cleaning));
            first.entry(service).and_modify(|first: &mut usize| *first = rank.min(*first)).or_insert(rank);
        }
        let mut services: Vec<_> = first.keys().copied().collect();
        services.sort_by_key(|service| first[service]);
        services
    }

    fn rank(&self, cleaning: &Cleaning) -> usize {
        self.order.get(cleaning.slot).copied().unwrap_or(usize::MAX)
    }

    fn guarded(&self, f: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(f)).is_err() {
            self.errors.fetch_add(1, SeqCst);
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let services = std::mem::take(self.services.get_mut().expect("nobody panics"));
        let hooks: Vec<Hook> = services.iter().rev().flat_map(|service| service.take_hooks()).collect();
        hooks.into_iter().for_each(|hook| self.guarded(hook));
        self.with(|state, due| state.end_all(EndReason::Shutdown, due, |_| true));
    }
}

impl OracleRegistry {
    /// May such a connection be made, limits aside?
    fn check(state: &State, via: &Via<Self>, what: &What) -> Result<Option<Arc<ScopeState>>, ConnectError> {
        if state.closed {
            return Err(ConnectError::ShutDown);
        }
        let scope = match via {
            Via::Service(service) if what.service.is_none() && service.has_stopped() => {
                return Err(ConnectError::ServiceStopped { service: service.name().into() });
            }
            Via::Scope(scope) if what.owner.is_none() => Some(scope.state.clone()),
            _ => None,
        };
        if let Some(scope) = scope.as_ref().filter(|scope| scope.has_ended()) {
            return Err(scope.error());
        }
        let owner = what.owner.or(scope.as_ref().map(|scope| scope.owner));
        match what.name {
            Some(name) if owner.is_none() => Err(ConnectError::NameWithoutOwner { name: name.into() }),
            _ if [what.idle, what.age].into_iter().flatten().any(|time| time.is_zero()) => {
                Err(ConnectError::ZeroTimeout)
            }
            _ => Ok(scope),
        }
    }

    /// Sees to it that there is room.
    fn accept(
        &self,
        state: &mut State,
        (via, what, scope): (&Via<Self>, &What, Option<Arc<ScopeState>>),
        counted: bool,
        due: &mut Due,
    ) -> Result<Accepted, ConnectError> {
        let mut what = what.clone();
        what.owner = what.owner.or(scope.as_ref().map(|scope| scope.owner));
        if let (None, Via::Service(service)) = (what.service, via) {
            what.service = Some(service.name());
        }
        let mut tags: Vec<&'static str> = Vec::new();
        for tag in &what.tags {
            if !tags.contains(tag) {
                tags.push(tag);
            }
        }
        what.tags = tags;
        let mut groups: Vec<_> = what.tags.iter().copied().map(Group::Tag).collect();
        groups.extend(what.owner.map(Group::Owner));
        groups.extend(what.service.map(Group::Service));
        groups.extend(scope.iter().flat_map(|scope| scope.groups()));
        state.coming.push(groups.clone());
        state.make_room(&what, self.0.hand.now(), due).inspect_err(|_| state.expect_none())?;
        let replaced = state.find_name(&what);
        state.replacing.extend(replaced);
        let meter = match state.config.call_statistics {
            _ if !counted => None,
            CallStatistics::Off if what.idle.is_none() => None,
            calls => Some(Meter::new(&self.0.hand, what.idle.is_some() || calls == CallStatistics::Exact)),
        };
        Ok(Accepted { what, scope, groups, meter })
    }

    /// Ends the one whose name it takes, and adds the record.
    fn admit(
        &self,
        state: &mut State,
        accepted: Accepted,
        cleaning: Option<Cleaning>,
        bond: Option<Arc<Bond>>,
        due: &mut Due,
        slot: impl FnOnce(Option<Arc<Meter>>) -> Arc<OracleSlot>,
    ) -> Arc<OracleSlot> {
        let Accepted { what, scope, groups, meter } = accepted;
        if let Some(before) = state.find_name(&what) {
            state.end(&before, EndReason::Replaced, due);
        }
        let slot = slot(meter.clone());
        let scope = scope.map(|scope| scope.path.clone()).filter(|path| !path.is_empty());
        let created = self.0.hand.now();
        state.add(Record { slot: slot.clone(), what, scope, groups, created, bond, meter, cleaning });
        state.coming.remove(0);
        slot
    }

    fn connect_all(&self, batch: Vec<Connecting<Self>>) -> Result<Vec<Arc<OracleSlot>>, (usize, ConnectError)> {
        let (result, emergency) = self.0.with(|state, due| {
            let mut scopes = Vec::new();
            for (index, one) in batch.iter().enumerate() {
                match Self::check(state, &one.via, &one.what) {
                    Ok(scope) => scopes.push(scope),
                    Err(error) => return (Err((index, error)), None),
                }
            }
            state.look_for_calm();
            let mut accepted = Vec::new();
            for (index, (one, scope)) in batch.iter().zip(scopes).enumerate() {
                match self.accept(state, (&one.via, &one.what, scope), true, due) {
                    Ok(one) => accepted.push(one),
                    Err(error) => return (Err((index, error)), None),
                }
            }
            state.replacing.clear();
            let all = batch.into_iter().zip(accepted).map(|(one, accepted)| {
                let Connecting { signal, form, target, slot, cleaning, .. } = one;
                let bond = target.filter(|_| matches!(form, Form::Weak(_))).map(|target| Bond::new(&target));
                self.admit(state, accepted, cleaning, bond.clone(), due, |meter| {
                    let wrapped = Wrapped { slot, meter, bond: bond.clone() };
                    let shape = if form == Form::Slices { Shape::Slices } else { Shape::Plain };
                    let slot = Oracle::connect(&signal, shape, Box::new(wrapped));
                    bond.iter().for_each(|bond| bond.tie(&slot));
                    slot
                })
            });
            let all = all.collect();
            (Ok(all), state.look_for_emergency())
        });
        self.sound(emergency);
        result
    }

    fn sound(&self, emergency: Option<(usize, usize)>) {
        let alarm = self.0.alarm.lock().expect("nobody panics").clone();
        if let Some(((live, limit), alarm)) = emergency.zip(alarm) {
            self.0.guarded(|| alarm(live, limit));
        }
    }

    fn look<R>(&self, f: impl FnOnce(&State) -> R) -> R {
        self.0.with(|state, _| f(state))
    }

    /// Removes what has ended.
    fn tidy(&self) {
        self.0.with(|state, due| state.sweep(&Group::All, false, self.0.hand.now(), due));
    }
}

impl Registry for OracleRegistry {
    type Signals = Oracle;
    type Scope = OracleScope;
    type Service = OracleService;

    fn new(config: Config, hand: &ManualClock, order: Vec<usize>) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::new(State::new(config)),
            hand: hand.clone(),
            order,
            alarm: Mutex::default(),
            services: Mutex::default(),
            errors: AtomicU64::new(0),
        }))
    }

    fn connect(&self, one: Connecting<Self>) -> Result<ConnectionOf<Self>, ConnectError> {
        let all = self.connect_all(vec![one]).map_err(|(_, error)| error)?;
        Ok(all.into_iter().next().expect("one"))
    }

    fn connect_batch(&self, batch: Vec<Connecting<Self>>) -> Result<Vec<ConnectionOf<Self>>, (usize, ConnectError)> {
        // A batch takes its slots as plain ones.
        self.connect_all(batch.into_iter().map(|one| Connecting { form: Form::Plain, ..one }).collect())
    }

    fn track(&self, connection: &Arc<OracleSlot>, what: What, cleaning: Option<Cleaning>) -> Result<(), ConnectError> {
        let (result, emergency) = self.0.with(|state, due| {
            let may = Self::check(state, &Via::Itself, &what).and_then(|_| match () {
                () if what.idle.is_some() => Err(ConnectError::NoCallStatistics),
                () if !Oracle::is_connected(connection) => Err(ConnectError::NotConnected),
                () if state.find(connection).is_some() => Err(ConnectError::AlreadyTracked),
                () => Ok(()),
            });
            if let Err(error) = may {
                return (Err(error), None);
            }
            state.look_for_calm();
            match self.accept(state, (&Via::Itself, &what, None), false, due) {
                Ok(accepted) => {
                    state.replacing.clear();
                    self.admit(state, accepted, cleaning, None, due, |_| connection.clone());
                    (Ok(()), state.look_for_emergency())
                }
                Err(error) => (Err(error), None),
            }
        });
        self.sound(emergency);
        result
    }

    fn end(&self, which: &Ending) -> usize {
        self.0.with(|state, due| state.end_those(which, self.0.hand.now(), due))
    }

    fn disconnect(&self, connection: &Arc<OracleSlot>) -> bool {
        let tracked = self.0.with(|state, due| {
            state.find(connection).is_some().then(|| state.end(connection, EndReason::Disconnected, due))
        });
        tracked.unwrap_or_else(|| Oracle::disconnect(connection))
    }

    fn maintain(&self) -> usize {
        self.0.with(|state, due| {
            let now = self.0.hand.now();
            let every = state.config.stale_sweep_every;
            if now < *state.last_sweep.get_or_insert(now) + every {
                return 0;
            }
            state.last_sweep = Some(now);
            state.sweep(&Group::All, true, now, due)
        })
    }

    fn shutdown(&self) -> Option<Farewell> {
        if self.0.with(|state, _| std::mem::replace(&mut state.closed, true)) {
            return None;
        }
        let errors = self.0.errors.load(SeqCst);
        let mut services = Vec::new();
        while let Some(service) = handles::last_service(self) {
            services.push((service.name().to_owned(), service.stop()));
            service.forget();
        }
        for name in self.look(|state| self.0.in_order(state.records.iter())) {
            services.push((name.to_owned(), self.end(&Ending::Service(name))));
        }
        self.end(&Ending::Stale);
        self.tidy();
        let (left, owned) = self.look(|state| {
            (state.records.len(), state.records.iter().filter(|record| record.what.owner.is_some()).count())
        });
        self.0.with(|state, due| state.end_all(EndReason::Shutdown, due, |_| true));
        Some(Farewell { services, left, owned, errors: self.0.errors.load(SeqCst) - errors })
    }

    fn scope(&self, owner: Whose) -> OracleScope {
        OracleScope::new(self, owner)
    }

    fn child(scope: &OracleScope, name: &'static str) -> OracleScope {
        scope.child(name)
    }

    fn reset(scope: &OracleScope) -> usize {
        scope.end(EndReason::ScopeReset, false)
    }

    fn leave(scope: OracleScope) -> usize {
        scope.leave()
    }

    fn release(scope: OracleScope) {
        scope.release();
    }

    fn scope_len(scope: &OracleScope) -> usize {
        scope.len()
    }

    fn service(&self, name: &'static str) -> OracleService {
        OracleService::new(self, name)
    }

    fn stop(service: &OracleService) -> usize {
        service.stop()
    }

    fn service_cleanup(service: &OracleService) -> usize {
        service.registry.end(&Ending::Service(service.name()))
    }

    fn service_len(service: &OracleService) -> usize {
        service.len()
    }

    fn on_shutdown(service: &OracleService, hook: Hook) {
        service.on_shutdown(hook);
    }

    fn configure(&self, config: Config) -> bool {
        let limits = [config.limits.per_owner, config.limits.per_service, config.limits.overall];
        let shares = [config.sweep_at, config.emergency_at];
        let is_valid = limits.iter().all(|limit| *limit != Some(0)) && shares.iter().all(|share| *share <= 1.0);
        if is_valid {
            self.0.with(|state, _| {
                state.config = config;
                state.next_sweep_in.remove(&Group::All);
            });
        }
        is_valid
    }

    fn on_emergency(&self, alarm: Alarm) {
        *self.0.alarm.lock().expect("nobody panics") = Some(Arc::new(alarm));
    }

    fn len(&self) -> usize {
        self.look(|state| state.records.len())
    }

    fn count_of(&self, owner: Whose) -> usize {
        let group = Group::Owner(owner);
        self.0.with(|state, due| {
            state.sweep(&group, false, self.0.hand.now(), due);
            state.count(&group)
        })
    }

    fn figures(&self) -> Figures {
        self.tidy();
        let mut figures = self.look(State::figures);
        figures.cleanup_errors = self.0.errors.load(SeqCst);
        figures
    }

    fn details(&self, filter: &Condition) -> Vec<Line<Arc<OracleSlot>>> {
        let lines = |state: &State| -> Vec<_> {
            let now = self.0.hand.now();
            state.records.iter().map(|record| record.line(now)).filter(|line| filter.holds(line)).collect()
        };
        // What has ended is found where it is looked for.
        let group = match *filter {
            Condition::Owner(owner) => Group::Owner(owner),
            Condition::Service(service) => Group::Service(service),
            Condition::Tag(tag) => Group::Tag(tag),
            _ => {
                self.tidy();
                return self.look(lines);
            }
        };
        self.0.with(|state, due| {
            state.sweep(&group, false, self.0.hand.now(), due);
            lines(state)
        })
    }

    fn detail(&self, connection: &Arc<OracleSlot>) -> Option<Line<Arc<OracleSlot>>> {
        self.look(|state| Some(state.find(connection)?.line(self.0.hand.now())))
    }

    fn same(a: &Arc<OracleSlot>, b: &Arc<OracleSlot>) -> bool {
        Arc::ptr_eq(a, b)
    }
}
