//! What the handles of a bus share, and the one way to its registry.

use super::audit::History;
use super::config::Config;
use super::connect::Prepared;
use super::error::{BatchError, ConnectError};
use super::log;
use super::maintain::Upkeep;
use super::registry::{Attached, Ended, Group, Left, Registry};
use super::service::Services;
use super::timer::Timers;
use super::topics::Topics;
use super::track::Track;
use super::{EndReason, calls::Meter};
use crate::connection::Connection;
use crate::domain::Domain;
use crate::list::Due;
use crate::panics::isolated;
use crate::sync::lock;
use crate::time::Clock;
use arc_swap::{ArcSwap, ArcSwapOption};
use std::panic::Location;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};

/// Connections are about to run out; what the [emergency hook](crate::Bus::on_emergency) is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Emergency {
    /// How many there are.
    pub live: usize,
    /// How many there may be.
    pub limit: usize,
}

type EmergencyHook = Box<dyn Fn(&Emergency) + Send + Sync>;

/// Where in the source a connection is made.
type Place = &'static Location<'static>;

pub(super) struct Inner {
    registry: Mutex<Registry>,
    pub(super) topics: Topics,
    pub(super) services: Services,
    pub(super) config: ArcSwap<Config>,
    pub(super) domain: Domain,
    pub(super) clock: Clock,
    emergency: ArcSwapOption<EmergencyHook>,
    pub(super) timers: Timers,
    pub(super) upkeep: Mutex<Upkeep>,
    /// What the audit judges growth by.
    pub(super) history: Mutex<History>,
    /// Callbacks of the user's that panicked: at cleanups, in hooks.
    cleanup_errors: AtomicU64,
}

impl Inner {
    pub(super) fn new(config: Config, domain: Domain, clock: Clock) -> Self {
        Self {
            registry: Mutex::new(Registry::new(&config, clock.clone())),
            topics: Topics::new(domain.clone()),
            services: Services::default(),
            config: ArcSwap::from_pointee(config),
            emergency: ArcSwapOption::empty(),
            timers: Timers::new(&domain),
            domain,
            clock,
            upkeep: Mutex::default(),
            history: Mutex::default(),
            cleanup_errors: AtomicU64::new(0),
        }
    }

    /// No foreign code runs under the lock, so a panic cannot have left anything half done.
    fn lock(&self) -> MutexGuard<'_, Registry> {
        lock(&self.registry)
    }

    /// Does something to the registry, and when its lock is released, what that has left to do.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut Registry, &mut Ended) -> R) -> R {
        let mut ended = Ended::new();
        let result = f(&mut self.lock(), &mut ended);
        self.settle(ended);
        result
    }

    /// Looks at the registry.
    pub(super) fn look<R>(&self, f: impl FnOnce(&Registry) -> R) -> R {
        f(&self.lock())
    }

    /// Does something at one page of the registry, if there is such a page. Is there?
    pub(super) fn at_page(&self, page: usize, f: impl FnOnce(&mut Registry, &mut Ended)) -> bool {
        self.with(|registry, ended| {
            let is_there = page < registry.pages();
            if is_there {
                f(registry, ended);
            }
            is_there
        })
    }

    /// Does something at every page of the registry. Lets others at it in between.
    pub(super) fn each_page(&self, mut f: impl FnMut(&mut Registry, usize, &mut Ended)) {
        let mut page = 0;
        while self.at_page(page, |registry, ended| f(registry, page, ended)) {
            page += 1;
        }
    }

    pub(super) fn connect(
        &self,
        track: &mut Track,
        place: Place,
        attach: impl FnOnce(&Meter) -> Attached,
    ) -> Result<Connection, ConnectError> {
        let made = self.make(track, true, |registry, track| registry.check(track).map(|()| place), attach);
        made.inspect_err(|error| log::refused(place, error))
    }

    /// Makes a record for a connection that is there already.
    pub(super) fn take_in(&self, mut track: Track, connection: Connection) -> Result<Connection, ConnectError> {
        let place = connection.place();
        let check = |registry: &mut Registry, track: &Track| {
            registry.check(track)?;
            if track.rare.as_ref().is_some_and(|rare| rare.idle.is_some()) {
                return Err(ConnectError::NoCallStatistics);
            }
            let place = place.filter(|_| connection.is_connected()).ok_or(ConnectError::NotConnected)?;
            if registry.find(&connection).is_some() { Err(ConnectError::AlreadyTracked) } else { Ok(place) }
        };
        let attached = |_: &Meter| Attached { connection, life: connection.life(), due: None };
        let made = self.make(&mut track, false, check, attached);
        made.inspect_err(|error| place.into_iter().for_each(|place| log::refused(place, error)))
    }

    /// Makes a record, if `check` says where its connection is made and nothing else is in the way.
    #[inline]
    fn make(
        &self,
        track: &mut Track,
        counted: bool,
        check: impl FnOnce(&mut Registry, &Track) -> Result<Place, ConnectError>,
        attach: impl FnOnce(&Meter) -> Attached,
    ) -> Result<Connection, ConnectError> {
        track.finish();
        let mut ended = Ended::new();
        let mut registry = self.lock();
        let place = match check(&mut registry, track) {
            Ok(place) => place,
            Err(error) => return self.refuse(registry, ended, error),
        };
        let reserved = match registry.reserve(track, counted, &mut ended) {
            Ok(reserved) => reserved,
            Err(error) => return self.refuse(registry, ended, error),
        };
        let is_over = reserved.is_over;
        let (connection, due) = registry.admit(track, reserved, place, &mut ended, attach);
        let emergency = registry.new_emergency();
        drop(registry);
        self.conclude(due, ended, emergency);
        self.drop_key(track);
        // Last: it is the user's, too.
        log::connected(place, is_over);
        Ok(connection)
    }

    /// Nothing was made: what was ended for it stays ended.
    #[cold]
    fn refuse<R, E>(&self, registry: MutexGuard<'_, Registry>, ended: Ended, error: E) -> Result<R, E> {
        drop(registry);
        self.settle(ended);
        Err(error)
    }

    pub(super) fn connect_batch(&self, batch: Vec<Prepared<'_>>) -> Result<Vec<Connection>, BatchError> {
        let mut ended = Ended::new();
        let mut registry = self.lock();
        let mut reserved = Vec::with_capacity(batch.len());
        let check = |one: &Prepared<'_>| {
            let is_ours = ptr::eq(Arc::as_ptr(&one.bus.inner), self);
            if is_ours { registry.check(&one.track) } else { Err(ConnectError::OtherBus) }
        };
        let checked = batch.iter().map(check).enumerate();
        let mut failure = checked.filter_map(|(index, check)| Some(BatchError { index, error: check.err()? })).next();
        for (index, one) in batch.iter().enumerate() {
            if failure.is_some() {
                break;
            }
            match registry.reserve(&one.track, true, &mut ended) {
                Ok(room) => {
                    reserved.push(room);
                    registry.note_replacing(&one.track);
                }
                Err(error) => failure = Some(BatchError { index, error }),
            }
        }
        registry.forget_replacing();
        if let Some(failure) = failure {
            reserved.into_iter().for_each(|one| registry.give_up(one, &mut ended));
            let refused = self.refuse(registry, ended, failure);
            return refused.inspect_err(|failure| log::refused(batch[failure.index].place, &failure.error));
        }
        let mut connections = Vec::with_capacity(batch.len());
        let mut dues = Vec::new();
        // Kept until the lock is released: a key may run a destructor of the user's.
        let mut made = Vec::with_capacity(batch.len());
        for (Prepared { mut track, place, attach, .. }, reserved) in batch.into_iter().zip(reserved) {
            let is_over = reserved.is_over;
            let (connection, due) = registry.admit(&mut track, reserved, place, &mut ended, attach);
            connections.push(connection);
            dues.extend(due);
            made.push((track, place, is_over));
        }
        let emergency = registry.new_emergency();
        drop(registry);
        self.conclude(dues, ended, emergency);
        made.iter_mut().for_each(|(track, ..)| self.drop_key(track));
        // Last: it is the user's, too.
        made.into_iter().for_each(|(_, place, is_over)| log::connected(place, is_over));
        Ok(connections)
    }

    /// What is to be done when the lock is released.
    #[inline]
    fn conclude(&self, due: impl IntoIterator<Item = Due>, ended: Ended, emergency: Option<Emergency>) {
        due.into_iter().for_each(Due::settle);
        self.settle(ended);
        if let Some(emergency) = emergency {
            self.raise(emergency);
        }
    }

    /// Drops the key that a record was made with, if that may run a destructor of the user's. Never under the lock.
    #[inline]
    fn drop_key(&self, track: &mut Track) {
        if let Some(owner) = track.owner.take_if(|owner| owner.is_foreign()) {
            self.guarded(|| drop(owner));
        }
    }

    #[cold]
    fn raise(&self, emergency: Emergency) {
        log::emergency(emergency.live, emergency.limit);
        if let Some(hook) = self.emergency.load_full() {
            self.guarded(move || hook(&emergency));
        }
    }

    pub(super) fn set_emergency_hook(&self, hook: EmergencyHook) {
        let before = self.emergency.swap(Some(Arc::new(hook)));
        self.guarded(|| drop(before));
    }

    pub(super) fn configure(&self, config: Config) {
        let mut registry = self.lock();
        registry.configure(&config);
        // Under the lock: of two at once, both see the same one last.
        self.config.store(Arc::new(config));
    }

    /// How many callbacks have panicked.
    pub(super) fn errors(&self) -> u64 {
        self.cleanup_errors.load(Relaxed)
    }

    /// Runs foreign code, and counts if it panics. Did it not?
    pub(super) fn guarded(&self, f: impl FnOnce()) -> bool {
        let outcome = isolated(f);
        if outcome.is_err() {
            self.cleanup_errors.fetch_add(1, Relaxed);
        }
        outcome.is_ok()
    }

    /// Runs the callbacks of what has ended. Never under the lock.
    #[inline]
    pub(super) fn settle(&self, ended: Ended) {
        if let Some(left) = ended.into_left() {
            self.settle_left(*left);
        }
    }

    #[cold]
    #[inline(never)]
    fn settle_left(&self, left: Left) {
        let Left { callbacks, owners, traced } = left;
        for (mut rare, reason) in callbacks {
            if let Some(callback) = rare.on_cleanup.take() {
                if !self.guarded(|| callback(reason)) {
                    log::cleanup_panicked(reason);
                }
            }
            self.guarded(|| drop(rare));
        }
        for owner in owners {
            self.guarded(|| drop(owner));
        }
        for (place, reason) in traced {
            log::ended(place, reason);
        }
    }

    /// Ends a connection, and forgets it if it is tracked. Was it this that ended it?
    pub(super) fn end_connection(&self, connection: &Connection, reason: EndReason) -> bool {
        let tracked = self.with(|registry, ended| {
            let id = registry.find(connection)?;
            Some(registry.end(id, reason, ended))
        });
        tracked.unwrap_or_else(|| connection.disconnect())
    }

    /// Ends a group; how many of them this ended.
    pub(super) fn end(&self, group: &Group<'_>, reason: EndReason) -> usize {
        self.with(|registry, ended| registry.end_group(group, reason, ended))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for hook in self.services.take_hooks() {
            self.guarded(hook);
        }
        self.end(&Group::All, EndReason::Shutdown);
        self.drop_waiting();
        let hook = self.emergency.swap(None);
        self.guarded(|| drop(hook));
        self.timers.alarm().ring();
    }
}
