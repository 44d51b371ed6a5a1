//! A lock-free in-process signal bus.
//!
//! A [`Signal`] is emitted; its *slots*, the callbacks connected to it, run on the emitting thread, in connection order.
//! A [`Connection`] is the weak handle to one slot. A [`Domain`] is a group of signals that reclaim memory together. A [`Bus`]
//! finds signals by type and name, knows whose each connection is, and ends it with its owner. A [`Heartbeat`] drives a server.
//!
//! ```
//! use pulsebus::Signal;
//!
//! struct Damage { target: u32, amount: u32 }
//!
//! static DAMAGE: Signal<Damage> = Signal::new();
//!
//! // Two slots. The first one is ours to end; the second one ends with its guard.
//! let log = DAMAGE.connect(|d| println!("{} takes {}", d.target, d.amount));
//! let armour = DAMAGE.connect_scoped(|d| println!("armour of {} wears off", d.target));
//!
//! DAMAGE.emit(&Damage { target: 7, amount: 3 });
//!
//! assert!(log.disconnect());          // wait-free, from anywhere, inside slots too
//! assert!(!log.disconnect());         // exactly one caller wins
//! drop(armour);
//! assert!(DAMAGE.is_empty());
//!
//! // What the slots captured is dropped here, never inside an emission.
//! assert!(pulsebus::collect().complete);
//! ```
//!
//! The module tree, which is private, is the architecture: `signal`, `connection`, `scope`, `tick`, `domain` are what
//! users meet; `list` is the subscriber list, `pool` where its memory comes from, `epoch` when it may be used again,
//! `sync` the one place that chooses between the standard library and loom. On top of them, and unknown to them: `bus`, whose
//! connections are owned, found by type and name, limited and audited; `slot`, what one subscriber wants of its events, `delivery`, how
//! they come to other threads, `state` and `query`; `monitor`, which watches it all; and `time`, the clock that it goes by, the heartbeat, and
//! what timers, throttles and debounces are made of. `docs/DESIGN.md` tells how they work together and why, `docs/ORDERINGS.md`
//! lists every atomic.

#[cfg(all(feature = "admin", not(loom)))]
pub mod admin;
#[cfg(not(loom))]
pub mod alloc;
mod block;
#[cfg(not(loom))]
mod bus;
mod connection;
// Models corner bells and queues alone.
#[cfg_attr(loom, allow(dead_code, unused_imports))]
mod delivery;
mod domain;
mod emitted;
mod epoch;
mod list;
#[cfg(not(loom))]
mod monitor;
// Models corner magazines, depots and cells alone.
#[cfg_attr(loom, allow(dead_code, unused_imports))]
mod objects;
mod panics;
mod pool;
mod prefetch;
// Models ask nothing.
#[cfg_attr(loom, allow(dead_code))]
mod query;
mod scope;
mod signal;
// Models know the limits and the conditions of slots; not their clocks.
#[cfg_attr(loom, allow(dead_code))]
mod slot;
mod state;
mod sync;
mod tick;
// Models corner the throttle alone.
#[cfg_attr(loom, allow(dead_code, unused_imports))]
mod time;
mod world;

#[cfg(loom)]
#[path = "bus/topics/entry.rs"]
mod entry;
#[cfg(loom)]
pub mod model;

#[cfg(not(loom))]
pub use alloc::HeapFigures;
pub use block::{ConnectionBlock, SignalBlock};
#[cfg(not(loom))]
pub use bus::{
    AlreadyShutDown, Audit, AuditEntry, BatchError, Beats, Bus, BusBuilder, BusStatistics, CallStatistics, Calls,
    Config, ConfigError, Connect, ConnectError, ConnectionId, Detail, Emergency, EndReason, Filter, GroupCount, Growth,
    Kind, LeftBehind, LimitPolicy, Limits, Maintained, MaintenanceThread, Managed, ManagedService, Matching, Name,
    NameFault, Owner, OwnerScope, Pattern, PatternError, Prepared, Schedule, Service, ServiceStatistics,
    ShutdownReport, Source, Timeout, TimerBuilder, TimerFired, Topic, TopicCount, TopicCreated, TopicError, TopicId,
    UntrackedSlots, WeakBus, Who,
};
pub use connection::{Connection, WaitError};
pub use delivery::{AfterError, Ring, RingDrain, RingFigures, RingFull, RingPublisher, RingReader, SignalRing};
pub use delivery::{CapacityError, CloseReason, Lagged, Overflow, RecvError, RecvTimeoutError, TryRecvError, Wait};
#[cfg(not(loom))]
pub use delivery::{Drain, IntoIter, Iter, MailboxFigures, Receiver, Shared, TryIter};
#[cfg(not(loom))]
pub use delivery::{EventLoop, LoopBudget, LoopFigures, LoopHandle, LoopRun, LoopTask, PostError, Returned};
#[cfg(all(not(loom), feature = "async"))]
pub use delivery::{Next, NextWithin, RecvAsync};
#[cfg(all(not(loom), feature = "async"))]
pub use domain::Quiesced;
pub use domain::{Collected, Domain, PinAge, Reclaim, SlotCounts, Statistics};
pub use emitted::Emitted;
pub use epoch::barrier::{PinFlavour, pin_flavour, prefer_fence};
#[cfg(all(not(loom), feature = "metrics"))]
pub use monitor::MonitorCollector;
#[cfg(not(loom))]
pub use monitor::{
    Alert, AlertKind, AlertPhase, BusSample, DispatchFigures, DispatchTimer, DomainSample, GrowingPlace, HistoryPoint,
    Made, Missing, Monitor, MonitorBuilder, MonitorError, MonitorMaintained, MonitorReport, MonitorThread, Reading,
    Sample, SeriesHistory, SeriesReport, Severity, StandingPin, Trend, Unit,
};
#[cfg(not(loom))]
pub use objects::{
    Key, KeyError, Pool, PoolBuilder, PoolError, PoolFigures, PoolLeak, Pooled, Pools, ResizeReason, Resized,
};
pub use panics::{PanicPolicy, SlotPanic};
pub use query::{Combiner, Query};
pub use scope::ScopedConnection;
pub use signal::Signal;
pub use slot::{
    Always, FORWARD_LIMIT, Filter as SlotFilter, ForwardTarget, MappedSlot, OverBudget, Priority, SlotBudget,
    SlotBuilder, SlowSlot, Until, When,
};
#[cfg(not(loom))]
pub use slot::{LoopSlot, SpillingSlot};
pub use state::State;
pub use tick::{Tick, tick};
pub use time::{
    Beat, Clock, Debounce, DebounceKey, Due, ExecutionBudget, Executions, Heartbeat, HeartbeatControl, HeartbeatError,
    HeartbeatFigures, HeartbeatHandle, KeyedDebounce, KeyedThrottle, ManualClock, Overrun, Phases, Quantiles, Throttle,
};

use std::time::Duration;

/// How many slots a chunk has: what one live slot keeps, and what [`Statistics`] counts chunks of.
pub const SLOTS_PER_CHUNK: usize = list::CHUNK_SLOTS;

/// Collects the global domain, and what domains that have ended left behind; see [`Domain::collect`].
///
/// ```
/// let signal = pulsebus::Signal::<u32>::new();
/// let words = String::from("captured");
/// signal.connect(move |n| println!("{words} {n}")).disconnect();
/// assert!(pulsebus::collect().complete);
/// ```
pub fn collect() -> Collected {
    domain::collect_global()
}

/// Maintains the global domain, and what domains that have ended left behind, within a budget; see [`Domain::maintain`].
///
/// ```
/// use std::time::Duration;
/// // In each tick of the server:
/// let collected = pulsebus::maintain(Duration::from_micros(200));
/// if collected.pending > 1_000_000 {
///     eprintln!("something holds reclamation up: {:?}", pulsebus::Domain::global().statistics().oldest_pin);
/// }
/// ```
pub fn maintain(budget: Duration) -> Collected {
    domain::maintain_global(budget)
}

/// The examples of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Those of the page that helps to choose.
#[cfg(doctest)]
#[doc = include_str!("../docs/DELIVERY.md")]
struct Delivery;

/// Those of the guide to moving a code base to the bus.
#[cfg(doctest)]
#[doc = include_str!("../examples/migrate.md")]
struct Migrate;
