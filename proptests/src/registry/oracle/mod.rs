//! The oracle: a `Vec` of records under a mutex.
//!
//! Where the bus promises no [`Order`], of the callbacks of one cleanup above all, the oracle has none to offer; but since
//! they may do anything, it takes the order over from the library's run.

mod calls;
mod connect;
mod handles;
mod limits;
mod state;

pub use handles::{OracleScope, OracleService};

use super::program::{Condition, Ending, Form, What, Whose};
use super::{Alarm, Cleaning, Connecting, ConnectionOf, Farewell, Figures, Hook, Line, Order, Registry};
use crate::bus::Bus;
use crate::oracle::{Oracle, OracleSlot};
use handles::ServiceState;
use pulsebus::{Config, ConnectError, EndReason, ManualClock};
use state::{Due, Group, Record, State};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// The registry that is obviously right.
#[derive(Clone)]
pub struct OracleRegistry(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    hand: ManualClock,
    order: Order,
    alarm: Mutex<Option<Arc<Alarm>>>,
    /// In the order of their registration.
    services: Mutex<Vec<Arc<ServiceState>>>,
    /// Callbacks that panicked.
    errors: AtomicU64,
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

    /// The services that records name.
    fn named(&self, state: &State) -> Vec<&'static str> {
        let names: BTreeSet<_> = state.records.iter().filter_map(|record| record.what.service).collect();
        let mut names: Vec<_> = names.into_iter().collect();
        names.sort_by_key(|name| self.order.services.iter().rposition(|service| service == name));
        names
    }

    fn rank(&self, cleaning: &Cleaning) -> usize {
        self.order.callbacks.get(cleaning.slot).copied().unwrap_or(usize::MAX)
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

    fn new(config: Config, hand: &ManualClock, order: Order) -> Self {
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
        self.take_in(connection, what, cleaning)
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
        for name in self.look(|state| self.0.named(state)) {
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

    fn count(&self) -> usize {
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
