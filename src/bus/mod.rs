//! The bus: every connection owned, counted, limited, and cleaned up.
//!
//! [`connect`] is the builder, [`registry`] what it fills and what every cleanup reads; [`topics`] finds signals by type and
//! name; [`scope`] and [`service`] are owners with a life of their own. Emissions know nothing of any of it: a tracked slot
//! is a slot.

#[cfg(feature = "admin")]
mod admin;
mod alarm;
mod audit;
mod calls;
mod cleanup;
mod config;
mod connect;
mod details;
mod error;
mod glance;
mod inner;
mod key;
mod log;
mod maintain;
mod managed;
mod matching;
mod own;
mod pacing;
mod reason;
mod registry;
mod scope;
mod service;
mod shutdown;
mod source;
mod statistics;
mod timer;
mod topics;
mod track;
mod wait;

pub(crate) use alarm::Alarm;
pub use audit::{Audit, AuditEntry, Growth, UntrackedSlots};
pub use calls::{CallStatistics, Calls};
pub use config::{Config, ConfigError, LimitPolicy, Limits};
pub use connect::{Connect, Prepared};
pub use details::{ConnectionId, Detail, Filter};
pub use error::{BatchError, ConnectError, Who};
pub(crate) use glance::Glance;
pub use inner::Emergency;
pub use key::{Kind, Name, Owner};
pub use maintain::{Maintained, MaintenanceThread};
pub use managed::{Managed, ManagedService};
pub use matching::Matching;
pub use pacing::Beats;
pub use reason::EndReason;
pub use scope::OwnerScope;
pub use service::{Service, ServiceStatistics};
pub use shutdown::{AlreadyShutDown, LeftBehind, ShutdownReport};
pub use source::Source;
pub use statistics::{BusStatistics, GroupCount, TopicCount};
pub use timer::{Schedule, TimerBuilder, TimerFired};
pub use topics::{NameFault, Pattern, PatternError, Topic, TopicCreated, TopicError, TopicId};
pub use track::Timeout;

use crate::connection::Connection;
use crate::domain::Domain;
use crate::time::Clock;
use inner::Inner;
use std::fmt;
use std::sync::Arc;

/// Connects slots to signals, and knows whose they are: each connection made through a bus goes when its owner goes.
///
/// A `Bus` is a handle; clones are the same bus. Dropping the last one ends everything that was connected through it. (A slot
/// that captures a bus keeps it: capture a [`WeakBus`] instead.)
///
/// # What is promised
/// - Tracking costs an emission nothing, but for the call statistics that the [`Config`] asks for.
/// - When a cleanup has returned, no emission that starts later runs any of the slots that it ended, and emissions under way
///   on this thread skip them. Another thread may still be inside one, as with any
///   [`disconnect`](Connection::disconnect).
/// - A cleanup callback runs once, with its reason, outside of all locks. One that panics is counted, and stops nothing.
/// - Limits are exact, up to 1,024 connections under one limit: what was disconnected behind the bus's back is found before
///   anyone is turned away or ended for it. Beyond that, see [`LimitPolicy`].
///
/// # What is not
/// - Connecting and cleaning up take the bus's one lock, for some tens of nanoseconds per connection. Under it nothing of the
///   user's runs, and no slot is waited for.
/// - [`Connection::disconnect`] is wait-free, and therefore tells the bus nothing: its callback runs at the next look
///   ([`maintain`](Bus::maintain), [`statistics`](Bus::statistics), a cleanup). [`Bus::disconnect`] runs it at once.
///
/// ```
/// use pulsebus::{Bus, EndReason, Kind};
///
/// struct QuestDone { quest: u32 }
///
/// let bus = Bus::new();
/// let done = bus.signal::<QuestDone>();
///
/// bus.connect(&done).owner(7).service("Quest").tag("hud").kind(Kind::Remote)
///     .named("quest-progress")
///     .on_cleanup(|reason| println!("progress watcher went: {reason}"))
///     .slot(|e| println!("quest {} is done", e.quest))?;
///
/// done.emit(&QuestDone { quest: 3 });
/// assert_eq!(bus.cleanup_owner(7), 1); // the player has left
/// assert!(done.is_empty());
/// # Ok::<(), pulsebus::ConnectError>(())
/// ```
#[derive(Clone)]
pub struct Bus {
    inner: Arc<Inner>,
}

/// A handle to a [`Bus`] that does not keep it: for slots.
#[derive(Clone)]
pub struct WeakBus {
    inner: std::sync::Weak<Inner>,
}

/// How to make a [`Bus`]; from [`Bus::builder`].
#[derive(Debug, Default)]
pub struct BusBuilder {
    config: Config,
    domain: Option<Domain>,
    clock: Clock,
}

impl Bus {
    /// A bus with the default [`Config`], the system's clock, and the global domain.
    pub fn new() -> Self {
        Self::from_checked(BusBuilder::default())
    }

    /// A bus with that configuration.
    ///
    /// # Errors
    /// If a value is out of its range.
    pub fn with_config(config: Config) -> Result<Self, ConfigError> {
        Self::builder().config(config).build()
    }

    /// For a bus with a domain, or a clock, of its own.
    pub fn builder() -> BusBuilder {
        BusBuilder::default()
    }

    fn from_checked(builder: BusBuilder) -> Self {
        let domain = builder.domain.unwrap_or_else(Domain::global);
        Self { inner: Arc::new(Inner::new(builder.config, domain, builder.clock)) }
    }

    /// The one signal of an event type on this bus. Wait-free; keep the handle where each nanosecond counts.
    ///
    /// ```
    /// let bus = pulsebus::Bus::new();
    /// bus.signal::<u32>().connect(|n| println!("{n}"));
    /// assert_eq!(bus.signal::<u32>().len(), 1);
    /// ```
    pub fn signal<E: 'static>(&self) -> Topic<E> {
        self.inner.topics.signal()
    }

    /// The signal of a name; made, if it is not there yet. Wait-free if it is.
    ///
    /// # Errors
    /// If the name belongs to events of another type, or cannot be one (tokens separated by dots, see [`Pattern`]).
    ///
    /// ```
    /// use pulsebus::{Bus, TopicError};
    ///
    /// let bus = Bus::new();
    /// let lobby = bus.topic::<String>("room.lobby")?;
    /// lobby.connect(|text| println!("{text}"));
    /// bus.topic::<String>("room.lobby")?.emit(&"hello".to_string());
    /// assert!(matches!(bus.topic::<u32>("room.lobby"), Err(TopicError::OtherType { .. })));
    /// # Ok::<(), TopicError>(())
    /// ```
    pub fn topic<E: 'static>(&self, name: &str) -> Result<Topic<E>, TopicError> {
        self.inner.topics.topic(name)
    }

    /// The signal of a name, if it is there.
    ///
    /// # Errors
    /// As for [`topic`](Self::topic).
    pub fn find_topic<E: 'static>(&self, name: &str) -> Result<Option<Topic<E>>, TopicError> {
        self.inner.topics.find(name)
    }

    /// Emitted once for each topic that is made, before the call that made it returns.
    pub fn topic_created(&self) -> &crate::Signal<TopicCreated> {
        self.inner.topics.created()
    }

    /// Forgets the named topics to which nobody holds a handle and nothing is connected; how many. Part of
    /// [`maintain`](Self::maintain).
    pub fn collect_topics(&self) -> usize {
        self.inner.topics.collect()
    }

    /// Connects to a signal: say whose the connection is, then [`slot`](Connect::slot). Everything is optional.
    #[inline(always)]
    pub fn connect<'a, S: Source>(&'a self, source: &'a S) -> Connect<'a, &'a crate::Signal<S::Event>> {
        Connect::to(self, source)
    }

    /// Takes in a connection that was made without the bus: say whose it is, then [`finish`](Connect::finish).
    ///
    /// ```
    /// use pulsebus::{Bus, Signal};
    ///
    /// let bus = Bus::new();
    /// let signal = Signal::<u32>::new();
    /// let connection = signal.connect(|_| {});
    /// bus.track(connection).owner("lobby").finish()?;
    /// assert_eq!(bus.cleanup_owner("lobby"), 1);
    /// assert!(!connection.is_connected());
    /// # Ok::<(), pulsebus::ConnectError>(())
    /// ```
    pub fn track(&self, connection: Connection) -> Connect<'_, Connection> {
        Connect::over(self, connection)
    }

    /// Makes many connections, or none; each from [`Connect::prepare`]. Where it says a name of an owner twice, the last one
    /// stays, but each of them counts for the limits.
    ///
    /// # Errors
    /// The first one that cannot be made, and why; limits are looked at when nothing else is wrong. Nothing was connected, and
    /// nothing ended, then, but for what was stale anyway.
    ///
    /// ```
    /// use pulsebus::{Bus, Signal};
    ///
    /// let bus = Bus::new();
    /// let (moved, died) = (Signal::<u32>::new(), Signal::<String>::new());
    /// let connections = bus.connect_batch([
    ///     bus.connect(&moved).owner(7).prepare(|_| {}),
    ///     bus.connect(&died).owner(7).prepare(|_| {}),
    /// ])?;
    /// assert_eq!(connections.len(), 2);
    /// # Ok::<(), pulsebus::BatchError>(())
    /// ```
    pub fn connect_batch<'a>(
        &self,
        batch: impl IntoIterator<Item = Prepared<'a>>,
    ) -> Result<Vec<Connection>, BatchError> {
        self.inner.connect_batch(batch.into_iter().collect())
    }

    /// A scope for an owner: connect through it, and what was connected ends with it.
    ///
    /// Dropping the scope ends *everything* of that owner, whatever it was connected through.
    ///
    /// ```
    /// use pulsebus::{Bus, Signal};
    ///
    /// let bus = Bus::new();
    /// let chat = Signal::<String>::new();
    /// let player = bus.owner(7);
    /// player.connect(&chat).slot(|text| println!("{text}"))?;
    ///
    /// // What belongs to the body goes with each death; the rest stays.
    /// let body = player.child("character");
    /// body.connect(&chat).slot(|_| {})?;
    /// assert_eq!(body.reset(), 1);
    ///
    /// assert_eq!(player.leave(), 1);
    /// # Ok::<(), pulsebus::ConnectError>(())
    /// ```
    pub fn owner(&self, owner: impl Into<Owner>) -> OwnerScope {
        OwnerScope::new(self.clone(), owner.into())
    }

    /// The service of that name; registered, if it is not yet. Services stop in the reverse order of their registration.
    ///
    /// It stays registered until it is [stopped](Service::stop), also when it has no connection and nobody a handle to it: what
    /// comes and goes in numbers is an [owner](Self::owner).
    pub fn service(&self, name: impl Into<Name>) -> Service {
        self.inner.services.get(self, name.into())
    }

    /// The configuration.
    pub fn config(&self) -> Arc<Config> {
        self.inner.config.load_full()
    }

    /// Replaces the configuration, for whatever is connected from now on. Nobody waits for it.
    ///
    /// # Errors
    /// If a value is out of its range. The one before stays.
    pub fn configure(&self, config: Config) -> Result<(), ConfigError> {
        config.check()?;
        self.inner.configure(config);
        Ok(())
    }

    /// Has `hook` called when the number of connections reaches [`emergency_at`](Config::emergency_at) of the overall limit;
    /// once, until it was below. On the connecting thread, outside of all locks. Replaces the one before.
    pub fn on_emergency(&self, hook: impl Fn(&Emergency) + Send + Sync + 'static) {
        self.inner.set_emergency_hook(Box::new(hook));
    }

    /// The domain of the bus's own signals.
    pub fn domain(&self) -> &Domain {
        &self.inner.domain
    }

    /// The clock that the bus goes by.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// A handle that does not keep the bus.
    pub fn downgrade(&self) -> WeakBus {
        WeakBus { inner: Arc::downgrade(&self.inner) }
    }
}

impl WeakBus {
    /// The bus, if it is still there.
    pub fn upgrade(&self) -> Option<Bus> {
        Some(Bus { inner: self.inner.upgrade()? })
    }
}

impl BusBuilder {
    /// The configuration.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The domain of the bus's own signals. The global one, if nothing is said.
    pub fn domain(mut self, domain: &Domain) -> Self {
        self.domain = Some(domain.clone());
        self
    }

    /// The clock that the bus goes by. The system's, if nothing is said.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The bus.
    ///
    /// # Errors
    /// If a value of the configuration is out of its range.
    pub fn build(self) -> Result<Bus, ConfigError> {
        self.config.check()?;
        Ok(Bus::from_checked(self))
    }
}

impl Default for Bus {
    fn default() -> Self {
        Self::new()
    }
}

/// The same bus?
impl PartialEq for Bus {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for Bus {}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (connections, closed) = self.inner.with(|registry, _| (registry.len(), registry.closed));
        f.debug_struct("Bus").field("connections", &connections).field("shut_down", &closed).finish_non_exhaustive()
    }
}

impl fmt::Debug for WeakBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakBus").finish_non_exhaustive()
    }
}
