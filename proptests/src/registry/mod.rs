//! Random programs over the bus's registry: who is connected, whose it is, and what ends it.
//!
//! - [`program`]: what a program is, and [`random`]: how random ones are made;
//! - [`library`]: the bus itself;
//! - [`oracle`]: the same as a `Vec` of records under a mutex;
//! - [`world`]: runs a program and writes down all that can be seen of it: a [`trace`].

pub mod library;
pub mod oracle;
pub mod program;
pub mod random;
pub mod trace;
pub mod world;

use crate::bus::{Bus, Callback};
use program::{Condition, Ending, Form, What, Whose};
use pulsebus::{Config, ConnectError, EndReason, Kind, LimitPolicy, ManualClock};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A connection of a registry.
pub type ConnectionOf<R> = <<R as Registry>::Signals as Bus>::Connection;
/// A signal for a registry.
pub type SignalOf<R> = <<R as Registry>::Signals as Bus>::Signal;

/// What a weak slot belongs to.
#[derive(Debug)]
pub struct Target;

/// A cleanup callback, and the number of the slot that it belongs to.
pub struct Cleaning {
    /// The slot.
    pub slot: usize,
    /// The callback.
    pub callback: Box<dyn FnOnce(EndReason) + Send>,
}

/// Something to run once.
pub type Hook = Box<dyn FnOnce() + Send>;
/// Told how many connections there are, and how many there may be.
pub type Alarm = Box<dyn Fn(usize, usize) + Send + Sync>;

/// Through what a slot is connected.
pub enum Via<R: Registry> {
    /// The registry itself.
    Itself,
    /// A scope.
    Scope(Arc<R::Scope>),
    /// A service.
    Service(R::Service),
}

/// A slot that is to be connected.
pub struct Connecting<R: Registry> {
    /// To what.
    pub signal: Arc<SignalOf<R>>,
    /// Through what.
    pub via: Via<R>,
    /// What is said of it.
    pub what: What,
    /// How.
    pub form: Form,
    /// What a weak one belongs to.
    pub target: Option<Arc<Target>>,
    /// The slot.
    pub slot: Box<dyn Callback>,
    /// What is called when it has ended.
    pub cleaning: Option<Cleaning>,
}

/// The order of what happens in one run, for another one.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// By slot: when its callback was called.
    pub callbacks: Vec<usize>,
    /// The services, as they were stopped by the shutdown.
    pub services: Vec<String>,
}

/// A registry of connections as programs see it: the library, or the oracle.
pub trait Registry: Clone + Send + Sync + 'static {
    /// What it connects to.
    type Signals: Bus;
    /// An owner, or a part of one. Leaves when it is dropped.
    type Scope: Send + Sync;
    /// A service.
    type Service: Clone + Send + Sync;

    /// An empty one. It keeps to the order where nothing else says one.
    fn new(config: Config, hand: &ManualClock, order: Order) -> Self;
    /// Connects a slot.
    fn connect(&self, one: Connecting<Self>) -> Result<ConnectionOf<Self>, ConnectError>;
    /// Connects all, or says which one cannot be connected and why.
    #[allow(clippy::type_complexity)]
    fn connect_batch(&self, batch: Vec<Connecting<Self>>) -> Result<Vec<ConnectionOf<Self>>, (usize, ConnectError)>;
    /// Takes a connection in.
    fn track(
        &self,
        connection: &ConnectionOf<Self>,
        what: What,
        cleaning: Option<Cleaning>,
    ) -> Result<(), ConnectError>;
    /// Ends what fits; how many.
    fn end(&self, which: &Ending) -> usize;
    /// Ends a connection; whether this did.
    fn disconnect(&self, connection: &ConnectionOf<Self>) -> bool;
    /// Does what is due; how many were stale.
    fn maintain(&self) -> usize;
    /// Shuts down; `None` the second time.
    fn shutdown(&self) -> Option<Farewell>;

    /// An owner's scope.
    fn scope(&self, owner: Whose) -> Self::Scope;
    /// A scope within it.
    fn child(scope: &Self::Scope, name: &'static str) -> Self::Scope;
    /// Ends everything in it; how many.
    fn reset(scope: &Self::Scope) -> usize;
    /// Ends it; how many.
    fn leave(scope: Self::Scope) -> usize;
    /// Gives it up.
    fn release(scope: Self::Scope);
    /// How many connections it has.
    fn scope_len(scope: &Self::Scope) -> usize;

    /// A service of that name.
    fn service(&self, name: &'static str) -> Self::Service;
    /// Stops it; how many.
    fn stop(service: &Self::Service) -> usize;
    /// Ends its connections; how many.
    fn service_cleanup(service: &Self::Service) -> usize;
    /// How many connections it has.
    fn service_len(service: &Self::Service) -> usize;
    /// Adds something to do when it stops.
    fn on_shutdown(service: &Self::Service, hook: Hook);

    /// Replaces the configuration, if it is valid.
    fn configure(&self, config: Config) -> bool;
    /// Replaces what is called when connections run out.
    fn on_emergency(&self, alarm: Alarm);

    /// How many connections it knows.
    fn count(&self) -> usize;
    /// How many an owner has.
    fn count_of(&self, owner: Whose) -> usize;
    /// Everything that is counted.
    fn figures(&self) -> Figures;
    /// What is known of those connections that fit.
    fn details(&self, filter: &Condition) -> Vec<Line<ConnectionOf<Self>>>;
    /// What is known of one connection.
    fn detail(&self, connection: &ConnectionOf<Self>) -> Option<Line<ConnectionOf<Self>>>;
    /// Are those the same?
    fn same(a: &ConnectionOf<Self>, b: &ConnectionOf<Self>) -> bool;
}

/// What a shutdown says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Farewell {
    /// The services that were stopped, and how many connections each had.
    pub services: Vec<(String, usize)>,
    /// How many connections were left.
    pub left: usize,
    /// How many of them had an owner.
    pub owned: usize,
    /// How many callbacks panicked.
    pub errors: u64,
}

/// Everything that is counted. Groups have how many there are, and how many there were.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct Figures {
    pub live: usize,
    pub peak: usize,
    pub made: u64,
    pub ended: BTreeMap<EndReason, u64>,
    pub rejected: u64,
    pub over_limit: u64,
    pub emergencies: u64,
    pub cleanup_errors: u64,
    pub panics: u64,
    pub owners: BTreeMap<String, (usize, u64)>,
    pub services: BTreeMap<String, (usize, u64)>,
    pub tags: BTreeMap<String, (usize, u64)>,
    pub kinds: BTreeMap<Kind, usize>,
    pub limits: (Option<usize>, Option<usize>, Option<usize>, LimitPolicy),
}

/// What is known of one connection; `C` is how it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Line<C> {
    pub connection: C,
    pub connected: bool,
    pub owner: Option<String>,
    pub scope: Option<String>,
    pub service: Option<String>,
    pub tags: Vec<String>,
    pub kind: Kind,
    pub name: Option<String>,
    pub description: Option<String>,
    pub created: Duration,
    pub age: Duration,
    pub has_timeout: bool,
    /// How often it was called, and when last. Of estimates, whether it was called.
    pub calls: Option<(u64, Option<Duration>)>,
    pub panics: u32,
}

impl<C> Line<C> {
    /// The same with another name for the connection.
    pub fn name_as<D>(self, name: impl FnOnce(&C) -> D) -> Line<D> {
        Line {
            connection: name(&self.connection),
            connected: self.connected,
            owner: self.owner,
            scope: self.scope,
            service: self.service,
            tags: self.tags,
            kind: self.kind,
            name: self.name,
            description: self.description,
            created: self.created,
            age: self.age,
            has_timeout: self.has_timeout,
            calls: self.calls,
            panics: self.panics,
        }
    }
}
