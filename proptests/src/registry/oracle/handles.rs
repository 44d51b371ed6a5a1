//! Scopes and services of the oracle.

use super::state::Group;
use super::{OracleRegistry, Whose};
use crate::bus::Bus;
use crate::oracle::Oracle;
use crate::registry::Hook;
use pulsebus::{ConnectError, EndReason};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};

/// An owner's scope.
pub struct OracleScope {
    registry: OracleRegistry,
    pub(super) state: Arc<ScopeState>,
    armed: bool,
}

pub(super) struct ScopeState {
    pub(super) owner: Whose,
    pub(super) path: Vec<&'static str>,
    parent: Option<Arc<ScopeState>>,
    ended: AtomicBool,
}

impl ScopeState {
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(SeqCst) || self.parent.as_ref().is_some_and(|parent| parent.has_ended())
    }

    pub(super) fn error(&self) -> ConnectError {
        let path = (!self.path.is_empty()).then(|| self.path.join("/").into());
        ConnectError::ScopeEnded { owner: self.owner.owner(), path }
    }

    /// What is connected in it is in it, and in what it lies in.
    pub(super) fn groups(&self) -> Vec<Group> {
        (1..=self.path.len()).map(|length| Group::Scope(self.owner, self.path[..length].to_vec())).collect()
    }

    fn group(&self) -> Group {
        if self.path.is_empty() { Group::Owner(self.owner) } else { Group::Scope(self.owner, self.path.clone()) }
    }
}

impl OracleScope {
    pub(super) fn new(registry: &OracleRegistry, owner: Whose) -> Self {
        let state = ScopeState { owner, path: Vec::new(), parent: None, ended: AtomicBool::new(false) };
        Self { registry: registry.clone(), state: Arc::new(state), armed: true }
    }

    pub(super) fn child(&self, name: &'static str) -> Self {
        let mut path = self.state.path.clone();
        path.push(name);
        let parent = Some(self.state.clone());
        let state = ScopeState { owner: self.state.owner, path, parent, ended: AtomicBool::new(false) };
        Self { registry: self.registry.clone(), state: Arc::new(state), armed: true }
    }

    pub(super) fn end(&self, reason: EndReason, for_good: bool) -> usize {
        let group = self.state.group();
        self.registry.0.with(|state, due| {
            self.state.ended.fetch_or(for_good, SeqCst);
            state.end_all(reason, due, |record| record.is_in(&group))
        })
    }

    pub(super) fn leave(mut self) -> usize {
        self.armed = false;
        self.end(EndReason::OwnerLeft, true)
    }

    pub(super) fn release(mut self) {
        self.armed = false;
    }

    pub(super) fn len(&self) -> usize {
        let group = self.state.group();
        let is_live = |record: &&super::Record| record.is_in(&group) && Oracle::is_connected(&record.slot);
        self.registry.look(|state| state.records.iter().filter(is_live).count())
    }
}

impl Drop for OracleScope {
    fn drop(&mut self) {
        if self.armed {
            self.end(EndReason::OwnerLeft, true);
        }
    }
}

/// A service.
#[derive(Clone)]
pub struct OracleService {
    pub(super) registry: OracleRegistry,
    state: Arc<ServiceState>,
}

pub(super) struct ServiceState {
    name: &'static str,
    stopping: AtomicBool,
    stopped: AtomicBool,
    hooks: Mutex<Vec<Hook>>,
}

impl OracleService {
    pub(super) fn new(registry: &OracleRegistry, name: &'static str) -> Self {
        let mut services = registry.0.services.lock().expect("nobody panics");
        let found = services.iter().find(|service| service.name == name).cloned();
        let state = found.unwrap_or_else(|| {
            let (stopping, stopped, hooks) = (AtomicBool::new(false), AtomicBool::new(false), Mutex::default());
            let state = Arc::new(ServiceState { name, stopping, stopped, hooks });
            services.push(state.clone());
            state
        });
        Self { registry: registry.clone(), state }
    }

    pub(super) fn name(&self) -> &'static str {
        self.state.name
    }

    pub(super) fn has_stopped(&self) -> bool {
        self.state.stopped.load(SeqCst)
    }

    pub(super) fn len(&self) -> usize {
        let group = Group::Service(self.name());
        self.registry.0.with(|state, due| {
            state.sweep(&group, false, self.registry.0.hand.now(), due);
            state.count(&group)
        })
    }

    pub(super) fn on_shutdown(&self, hook: Hook) {
        if self.has_stopped() {
            self.registry.0.guarded(hook);
        } else {
            self.state.hooks().push(hook);
        }
    }

    /// Does what was said, the last thing first, and then what was said meanwhile; then ends what there is.
    pub(super) fn stop(&self) -> usize {
        let shared = &self.registry.0;
        if self.state.stopping.swap(true, SeqCst) {
            return 0;
        }
        while !self.state.hooks().is_empty() {
            self.state.take_hooks().into_iter().for_each(|hook| shared.guarded(hook));
        }
        let count = shared.with(|state, due| {
            self.state.stopped.store(true, SeqCst);
            state.end_all(EndReason::ServiceStopped, due, |record| record.what.service == Some(self.name()))
        });
        self.forget();
        count
    }

    pub(super) fn forget(&self) {
        let services = &self.registry.0.services;
        services.lock().expect("nobody panics").retain(|service| !Arc::ptr_eq(service, &self.state));
    }
}

impl ServiceState {
    fn hooks(&self) -> MutexGuard<'_, Vec<Hook>> {
        self.hooks.lock().expect("nobody panics")
    }

    /// The last one first.
    pub(super) fn take_hooks(&self) -> Vec<Hook> {
        let mut hooks = std::mem::take(&mut *self.hooks());
        hooks.reverse();
        hooks
    }
}

/// The service that was registered last.
pub(super) fn last_service(registry: &OracleRegistry) -> Option<OracleService> {
    let state = registry.0.services.lock().expect("nobody panics").last()?.clone();
    Some(OracleService { registry: registry.clone(), state })
}
