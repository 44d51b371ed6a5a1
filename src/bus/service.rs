//! Services: what a server consists of, and how it stops.

use super::Bus;
use super::connect::Connect;
use super::details::Filter;
use super::key::{Kind, Name};
use super::reason::EndReason;
use super::registry::Group;
use super::source::Source;
use super::track::Track;
use crate::domain::DomainCore;
use crate::signal::Signal;
use crate::sync::lock;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};

/// A service of a bus; from [`Bus::service`]. Handles are cheap to clone, and name the same service.
///
/// ```
/// use pulsebus::{Bus, Signal};
///
/// let (bus, done) = (Bus::new(), Signal::<u32>::new());
/// let quests = bus.service("Quest");
/// quests.connect(&done).slot(|quest| println!("{quest} is done"))?;
/// quests.on_shutdown(|| println!("quests are saved"));
///
/// assert_eq!(quests.cleanup(), 1); // ends its connections; it goes on
/// quests.stop();                   // saves, and ends for good
/// assert!(quests.connect(&done).slot(|_| {}).is_err());
/// # Ok::<(), pulsebus::ConnectError>(())
/// ```
#[derive(Clone)]
pub struct Service {
    bus: Bus,
    state: Arc<ServiceState>,
}

/// What is to be done when a service stops.
pub(super) type Hook = Box<dyn FnOnce() + Send>;

/// What the handles of a service share.
pub(super) struct ServiceState {
    name: Name,
    /// Has somebody begun to stop it?
    stopping: AtomicBool,
    /// Changed under the registry's lock only.
    stopped: AtomicBool,
    /// In the order in which they were added.
    hooks: Mutex<Vec<Hook>>,
}

impl ServiceState {
    pub(super) fn name(&self) -> &Name {
        &self.name
    }

    /// For the holder of the registry's lock.
    pub(super) fn has_stopped(&self) -> bool {
        // Relaxed: the lock orders it.
        self.stopped.load(Relaxed)
    }

    /// The last one first.
    fn take_hooks(&self) -> Vec<Hook> {
        let mut hooks = std::mem::take(&mut *self.lock_hooks());
        hooks.reverse();
        hooks
    }

    fn lock_hooks(&self) -> MutexGuard<'_, Vec<Hook>> {
        lock(&self.hooks)
    }
}

impl Service {
    /// Its name.
    pub fn name(&self) -> &Name {
        &self.state.name
    }

    /// The bus.
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// [`Bus::connect`], for this service.
    pub fn connect<'a, S: Source>(&'a self, source: &'a S) -> Connect<'a, &'a Signal<S::Event>> {
        Connect::to(&self.bus, source).in_service(Arc::clone(&self.state))
    }

    /// A description to start from, for whatever else belongs to this service.
    pub(super) fn track(&self) -> Track {
        let mut track = Track { service: Some(self.state.name.clone()), ..Track::default() };
        track.rare().running = Some(Arc::clone(&self.state));
        track
    }

    /// How many connections it has, as far as the bus knows.
    pub fn len(&self) -> usize {
        self.bus.inner.count(&Group::Service(&self.state.name))
    }

    /// Has it no connection?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it has, and how it fares. Looks at each of its connections.
    pub fn statistics(&self) -> ServiceStatistics {
        let details = self.bus.details(&Filter::new().service(&self.state.name));
        let mut statistics = ServiceStatistics { live: details.len(), ..ServiceStatistics::default() };
        for detail in details {
            *statistics.kinds.entry(detail.kind).or_default() += 1;
            // Each call by a pattern is one of a topic's connection too.
            let calls = detail.calls.filter(|_| !detail.is_pattern);
            statistics.calls += calls.map_or(0, |calls| calls.count);
            statistics.panics += u64::from(detail.panics);
            statistics.overruns += detail.executions.map_or(0, |executions| executions.overruns);
        }
        statistics
    }

    /// Ends its connections; it goes on. How many that were.
    pub fn cleanup(&self) -> usize {
        self.bus.cleanup_service(&self.state.name)
    }

    /// Adds something to be done when the service stops, before its connections end. The last one added is done first. If the
    /// service has stopped already, it is done now. If it panics, that is a
    /// [cleanup error](crate::BusStatistics::cleanup_errors).
    ///
    /// Should the bus be dropped without a [shutdown](Bus::shutdown), it is done then, without a bus. (What captures a bus, or
    /// a service, keeps the bus until then: capture a [`WeakBus`](crate::WeakBus).)
    pub fn on_shutdown(&self, hook: impl FnOnce() + Send + 'static) {
        let hook: Hook = Box::new(hook);
        let late = self.bus.inner.look(|_| {
            if self.state.has_stopped() {
                return Some(hook);
            }
            self.state.lock_hooks().push(hook);
            None
        });
        if let Some(hook) = late {
            self.bus.inner.guarded(hook);
        }
    }

    /// Has it stopped?
    pub fn has_stopped(&self) -> bool {
        self.bus.inner.look(|_| self.state.has_stopped())
    }

    /// Stops it: does what was said [on shutdown](Self::on_shutdown), then ends its connections, how many of which it returns.
    /// It cannot be connected to any more; [`Bus::service`] registers a new one. The second time does nothing, also while the
    /// first one is at it.
    pub fn stop(&self) -> usize {
        let (state, inner) = (&self.state, &self.bus.inner);
        // Relaxed: it only tells the first one from the others.
        if state.stopping.swap(true, Relaxed) {
            return 0;
        }
        let count = loop {
            for hook in state.take_hooks() {
                inner.guarded(hook);
            }
            let ended = inner.with(|registry, ended| {
                // What was added meanwhile is to be done as well.
                state.lock_hooks().is_empty().then(|| {
                    // Relaxed: the lock orders it.
                    state.stopped.store(true, Relaxed);
                    registry.end_group(&Group::Service(&state.name), EndReason::ServiceStopped, ended)
                })
            });
            if let Some(count) = ended {
                break count;
            }
        };
        // Now: before, a new one of its name would have had its connections ended with these.
        inner.services.forget(state);
        count
    }

    /// The domains of its connections.
    pub(super) fn domains(&self) -> Vec<&'static DomainCore> {
        self.bus.inner.look(|registry| registry.domains_of(&Group::Service(self.state.name())))
    }

    /// Takes it off the list of services, should it be there still.
    pub(super) fn forget(&self) {
        self.bus.inner.services.forget(&self.state);
    }
}

/// What a service has, and how it fares; from [`Service::statistics`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ServiceStatistics {
    /// Its connections.
    pub live: usize,
    /// Its connections by kind: timers, say.
    pub kinds: BTreeMap<Kind, usize>,
    /// Calls of their slots, as far as they are counted; an estimate, if sampled.
    pub calls: u64,
    /// Panics of their slots.
    pub panics: u64,
    /// Calls of their slots that took longer than they [may](crate::Bus::connect_heartbeat).
    pub overruns: u64,
}

impl PartialEq for Service {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.state, &other.state)
    }
}

impl Eq for Service {}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("name", self.name())
            .field("stopped", &self.has_stopped())
            .finish_non_exhaustive()
    }
}

/// The services of a bus, in the order of their registration.
#[derive(Default)]
pub(super) struct Services(Mutex<Vec<Arc<ServiceState>>>);

impl Services {
    /// The service of a name, registered if it is not.
    pub(super) fn get(&self, bus: &Bus, name: Name) -> Service {
        let mut services = self.lock();
        let found = services.iter().find(|service| service.name == name).cloned();
        let state = found.unwrap_or_else(|| add(&mut services, name));
        Service { bus: bus.clone(), state }
    }

    /// A new service of a name; `None` if there is one.
    pub(super) fn register(&self, bus: &Bus, name: Name) -> Option<Service> {
        let mut services = self.lock();
        let is_new = services.iter().all(|service| service.name != name);
        is_new.then(|| Service { bus: bus.clone(), state: add(&mut services, name) })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<ServiceState>>> {
        lock(&self.0)
    }

    /// The latest one.
    pub(super) fn last(&self, bus: &Bus) -> Option<Service> {
        let state = Arc::clone(self.lock().last()?);
        Some(Service { bus: bus.clone(), state })
    }

    /// What there is to be done when they stop, in this order.
    pub(super) fn take_hooks(&self) -> Vec<Hook> {
        let services = std::mem::take(&mut *self.lock());
        services.iter().rev().flat_map(|service| service.take_hooks()).collect()
    }

    fn forget(&self, state: &Arc<ServiceState>) {
        self.lock().retain(|known| !Arc::ptr_eq(known, state));
    }
}

fn add(services: &mut Vec<Arc<ServiceState>>, name: Name) -> Arc<ServiceState> {
    let (stopping, stopped) = (AtomicBool::new(false), AtomicBool::new(false));
    let state = Arc::new(ServiceState { name, stopping, stopped, hooks: Mutex::default() });
    services.push(Arc::clone(&state));
    state
}
