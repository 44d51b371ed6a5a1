//! Scopes: an owner, or a part of one, with a life of its own.

use super::Bus;
use super::connect::Connect;
use super::error::ConnectError;
use super::key::{Name, Owner};
use super::reason::EndReason;
use super::registry::{Group, ScopeKey};
use super::source::Source;
use super::track::Track;
use crate::domain::DomainCore;
use crate::signal::Signal;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// An owner, or a child scope of one: connect through it, and it all ends with it; from [`Bus::owner`].
///
/// Dropping it, or [`leave`](Self::leave), ends everything in it, children included, whichever handle it was connected
/// through; after that, connecting through the children that are left is an error. [`release`](Self::release) lets it all
/// stay. (Mind that a scope that is not kept is dropped at the end of the statement, and ends what the statement connected.)
#[must_use = "everything in the scope ends when this is dropped: keep it, or `release` it"]
pub struct OwnerScope {
    bus: Bus,
    state: Arc<ScopeState>,
    /// Does it end with this handle?
    armed: bool,
}

/// What a scope's handle, its children and the connections in the making know of it.
pub(super) struct ScopeState {
    owner: Owner,
    /// `None` for the owner itself.
    path: Option<Name>,
    parent: Option<Arc<ScopeState>>,
    /// Changed under the registry's lock only.
    ended: AtomicBool,
}

impl ScopeState {
    /// Has it, or one that it lies in, ended? For the holder of the registry's lock.
    pub(super) fn has_ended(&self) -> bool {
        // Relaxed: the lock orders it.
        self.ended.load(Relaxed) || self.parent.as_ref().is_some_and(|parent| parent.has_ended())
    }

    /// Why nothing can be connected through it, when it has ended.
    pub(super) fn error(&self) -> ConnectError {
        ConnectError::ScopeEnded { owner: self.owner.clone(), path: self.path.clone() }
    }

    /// The groups of a connection in it: the scope itself, then those that it lies in, without the owner.
    pub(super) fn keys(&self) -> impl Iterator<Item = ScopeKey> {
        let outward = std::iter::successors(Some(self), |scope| scope.parent.as_deref());
        outward.filter_map(|scope| Some((scope.owner.clone(), scope.path.clone()?)))
    }
}

impl OwnerScope {
    pub(super) fn new(bus: Bus, owner: Owner) -> Self {
        let state = ScopeState { owner, path: None, parent: None, ended: AtomicBool::new(false) };
        Self { bus, state: Arc::new(state), armed: true }
    }

    /// A scope within this one: what is connected through it belongs to the owner too, but can be [`reset`](Self::reset) on
    /// its own.
    pub fn child(&self, name: impl Into<Name>) -> OwnerScope {
        let name = escaped(name.into());
        let path = match &self.state.path {
            Some(path) => Name::from(format!("{path}/{name}")),
            None => name,
        };
        let state = ScopeState {
            owner: self.state.owner.clone(),
            path: Some(path),
            parent: Some(Arc::clone(&self.state)),
            ended: AtomicBool::new(false),
        };
        OwnerScope { bus: self.bus.clone(), state: Arc::new(state), armed: true }
    }

    /// [`Bus::connect`], for this scope.
    pub fn connect<'a, S: Source>(&'a self, source: &'a S) -> Connect<'a, &'a Signal<S::Event>> {
        Connect::to(&self.bus, source).in_scope(self.state.owner.clone(), Arc::clone(&self.state))
    }

    /// A description to start from, for whatever else belongs to this scope.
    pub(super) fn track(&self) -> Track {
        let mut track = Track { owner: Some(self.state.owner.clone()), ..Track::default() };
        track.rare().scope = Some(Arc::clone(&self.state));
        track
    }

    /// Ends everything in the scope, which can be used on: a respawn. How many that were.
    pub fn reset(&self) -> usize {
        self.end(EndReason::ScopeReset, false)
    }

    /// Ends the scope, and everything in it. How many that were.
    pub fn leave(mut self) -> usize {
        self.armed = false;
        self.end(EndReason::OwnerLeft, true)
    }

    /// Gives up the scope; what is connected stays.
    pub fn release(mut self) {
        self.armed = false;
    }

    /// Its owner.
    pub fn owner(&self) -> &Owner {
        &self.state.owner
    }

    /// Its path below the owner, if it is a child.
    pub fn path(&self) -> Option<&str> {
        self.state.path.as_deref()
    }

    /// The bus.
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// How many connections it has, as far as the bus knows; children included.
    pub fn len(&self) -> usize {
        self.bus.inner.look(|registry| {
            let ids = match &self.state.path {
                None => registry.select(&Group::Owner(&self.state.owner)),
                Some(path) => registry.select(&Group::Scope(&(self.state.owner.clone(), path.clone()))),
            };
            let live = |id| registry.look_at(id).is_some_and(|seen| seen.record.connection.is_connected());
            ids.into_iter().filter(|id| live(*id)).count()
        })
    }

    /// Has it no connection?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The domains of its connections.
    pub(super) fn domains(&self) -> Vec<&'static DomainCore> {
        let key = self.state.path.clone().map(|path| (self.state.owner.clone(), path));
        let group = key.as_ref().map_or(Group::Owner(&self.state.owner), Group::Scope);
        self.bus.inner.look(|registry| registry.domains_of(&group))
    }

    fn end(&self, reason: EndReason, for_good: bool) -> usize {
        let state = &self.state;
        let key = state.path.clone().map(|path| (state.owner.clone(), path));
        self.bus.inner.with(|registry, ended| {
            // Relaxed: the lock orders it.
            state.ended.fetch_or(for_good, Relaxed);
            registry.end_group(&key.as_ref().map_or(Group::Owner(&state.owner), Group::Scope), reason, ended)
        })
    }
}

/// As a part of a path: with its own slashes told from those between parts.
fn escaped(name: Name) -> Name {
    if name.contains(['/', '\\']) { name.replace('\\', "\\\\").replace('/', "\\/").into() } else { name }
}

impl Drop for OwnerScope {
    fn drop(&mut self) {
        if self.armed {
            self.end(EndReason::OwnerLeft, true);
        }
    }
}

impl fmt::Debug for OwnerScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnerScope").field("owner", self.owner()).field("path", &self.path()).finish_non_exhaustive()
    }
}
