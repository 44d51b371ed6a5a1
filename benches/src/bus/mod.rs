//! What the bus adds to bare signals, and what its look-ups, looks and timers cost.

mod cleanup;
mod connect;
mod emit;
mod looks;
mod lookup;
pub mod tick;

use pulsebus::{Bus, CallStatistics, Config, Connection, Signal};

use crate::event::{Event, Lane, slot};
use crate::scenario::{Contest, Contestant};

/// The owner of what a measurement connects.
pub const OWNER: u64 = 7;

/// So many connections are made in a row: one owner's, below the default limit and the sweeps before it.
const GROUP: usize = 256;

/// One thing to measure of the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusScenario {
    /// One connect, bare and tracked.
    Connect,
    /// One connect, with its share of the cleanup and the collection of all.
    Cycle,
    /// One emission, through bare and tracked connections.
    Emit {
        /// Connected slots.
        slots: usize,
    },
    /// One cleanup of an owner.
    CleanupOwner {
        /// Connections that it ends.
        connections: usize,
    },
    /// The signal of one of so many event types.
    LookupByType,
    /// The signal of a name.
    LookupByName {
        /// Names that there are.
        names: usize,
    },
    /// One look at everything.
    Looks {
        /// Tracked connections.
        connections: usize,
    },
    /// One emission while another thread looks at everything.
    EmitBesideLooks {
        /// Tracked connections.
        connections: usize,
    },
    /// One tick.
    Tick {
        /// Timers that are due in each.
        due: usize,
    },
}

impl BusScenario {
    /// Every scenario, in the order of the tables. The one with several threads comes last.
    pub fn all() -> Vec<Self> {
        vec![
            Self::Connect,
            Self::Cycle,
            Self::Emit { slots: 64 },
            Self::CleanupOwner { connections: 500 },
            Self::LookupByType,
            Self::LookupByName { names: 1_000 },
            Self::Looks { connections: 100_000 },
            Self::Tick { due: 100 },
            Self::EmitBesideLooks { connections: 100_000 },
        ]
    }
}

impl Contest for BusScenario {
    fn group(&self) -> &'static str {
        match self {
            Self::Connect => "tracked_connect",
            Self::Cycle => "cycle",
            Self::Emit { .. } => "tracked_emit",
            Self::CleanupOwner { .. } => "cleanup_owner",
            Self::LookupByType => "lookup_by_type",
            Self::LookupByName { .. } => "lookup_by_name",
            Self::Looks { .. } => "looks",
            Self::EmitBesideLooks { .. } => "emit_beside_looks",
            Self::Tick { .. } => "tick",
        }
    }

    fn parameter(&self) -> usize {
        match *self {
            Self::Connect | Self::Cycle => GROUP,
            Self::LookupByType => lookup::TYPES,
            Self::Emit { slots: parameter }
            | Self::CleanupOwner { connections: parameter }
            | Self::LookupByName { names: parameter }
            | Self::Looks { connections: parameter }
            | Self::EmitBesideLooks { connections: parameter }
            | Self::Tick { due: parameter } => parameter,
        }
    }

    fn operations(&self) -> u64 {
        1
    }

    fn contestants(&self) -> Vec<Contestant> {
        match *self {
            Self::Connect => connect::contestants(),
            Self::Cycle => connect::cycles(),
            Self::Emit { slots } => emit::contestants(slots),
            Self::CleanupOwner { connections } => cleanup::contestants(connections),
            Self::LookupByType => lookup::by_type(),
            Self::LookupByName { names } => lookup::by_name(names),
            Self::Looks { connections } => looks::contestants(connections),
            Self::EmitBesideLooks { connections } => looks::beside_emissions(connections),
            Self::Tick { due } => tick::contestants(due),
        }
    }
}

/// A bus with the defaults, but for how calls are counted.
pub fn bus(call_statistics: CallStatistics) -> Bus {
    let mut config = Config::default();
    config.call_statistics = call_statistics;
    Bus::with_config(config).expect("the rest are defaults")
}

/// One of the two below.
type Connect = fn(&Bus, &Signal<Event>) -> Connection;

/// Connects the callback of all measurements for an owner.
#[inline(always)]
pub fn connect_owned(bus: &Bus, signal: &Signal<Event>) -> Connection {
    bus.connect(signal).owner(OWNER).slot(slot(Lane::next())).expect("limits only warn")
}

/// The same, with everything that is usual said of it.
#[inline(always)]
pub fn connect_described(bus: &Bus, signal: &Signal<Event>) -> Connection {
    let connect = bus.connect(signal).owner(OWNER).service("Quest").tag("hud").tag("quest");
    connect.slot(slot(Lane::next())).expect("limits only warn")
}
