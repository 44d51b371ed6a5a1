//! What is measured: every scenario, and the peers that enter it.

mod changes;
mod emission;
mod pin;
mod threads;

use std::fmt;
use std::hint::black_box;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use crate::event::{Event, Sums};
use crate::peer::{Bus, Emitter};
use crate::peers;

/// Emissions in a tick, and events in a batch.
pub const BATCH: usize = 64;

/// Connections that come and go at once before the survivors are emitted to.
pub const MASS: usize = 100_000;

/// One thing to measure, the same for every peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// One emission to this many slots.
    Emit {
        /// Connected slots.
        slots: usize,
    },
    /// One of [`BATCH`] emissions in one tick.
    EmitInTick {
        /// Connected slots.
        slots: usize,
    },
    /// One event at one slot, in a batch of [`BATCH`] events.
    Batch {
        /// Connected slots.
        slots: usize,
    },
    /// Likewise, with slots that take the whole slice.
    BatchSlices {
        /// Connected slots.
        slots: usize,
    },
    /// Connecting a slot and disconnecting it again, beside others.
    ConnectDisconnect {
        /// Slots that stay connected.
        live: usize,
    },
    /// Disconnecting the oldest slot, its replacement not timed.
    Disconnect {
        /// Slots connected to the signal whenever one is disconnected.
        live: usize,
    },
    /// One emission while another thread connects and disconnects as fast as it can.
    EmitUnderChurn {
        /// Slots that stay connected.
        slots: usize,
    },
    /// One emission after [`MASS`] slots between these were disconnected and idle time was spent
    /// on maintenance.
    EmitAfterMassDisconnect {
        /// Slots that stayed connected, evenly spread among those that went.
        survivors: usize,
    },
    /// The very first emission after it, with no maintenance in between.
    FirstEmitAfterMassDisconnect {
        /// Slots that stayed connected, evenly spread among those that went.
        survivors: usize,
    },
    /// One emission, when this many threads emit the same signal at the same time: the time that
    /// passes divided by the emissions of all threads.
    Emitters {
        /// Emitting threads.
        threads: usize,
        /// Connected slots.
        slots: usize,
    },
    /// Announcing a reader and taking it back, without any list.
    Pin,
}

impl Scenario {
    /// Every scenario, group by group, in the order of the tables.
    ///
    /// Those with several threads come last: as long as a process has never started a second
    /// thread, the C library spares C++ the atomic instructions of its locks, and the kernel us
    /// the interruptions of `membarrier`.
    pub fn all() -> Vec<Self> {
        const SIZES: [usize; 8] = [0, 1, 4, 16, 64, 1_000, 10_000, 100_000];
        let emit = SIZES.map(|slots| Self::Emit { slots });
        let tick = [1, 4, 16, 64].map(|slots| Self::EmitInTick { slots });
        let rest = [
            Self::Batch { slots: 64 },
            Self::BatchSlices { slots: 64 },
            Self::ConnectDisconnect { live: 0 },
            Self::ConnectDisconnect { live: 1_000 },
            Self::Disconnect { live: 1 },
            Self::Disconnect { live: 1_000 },
            Self::Disconnect { live: 100_000 },
            Self::EmitAfterMassDisconnect { survivors: 64 },
            Self::FirstEmitAfterMassDisconnect { survivors: 64 },
            Self::Pin,
            Self::EmitUnderChurn { slots: 64 },
            Self::Emitters { threads: 1, slots: 64 },
            Self::Emitters { threads: 2, slots: 64 },
        ];
        emit.into_iter().chain(tick).chain(rest).collect()
    }
}

/// Something that several contestants do, and are compared in.
pub trait Contest {
    /// The name of the group, as on the command line of the benchmarks.
    fn group(&self) -> &'static str;

    /// What varies within the group: slots, live connections, or threads.
    fn parameter(&self) -> usize;

    /// Operations that one iteration of a contestant stands for.
    fn operations(&self) -> u64;

    /// Builds everybody who takes part, filled and checked.
    fn contestants(&self) -> Vec<Contestant>;
}

impl Contest for Scenario {
    fn group(&self) -> &'static str {
        match *self {
            Self::Emit { .. } => "emit",
            Self::EmitInTick { .. } => "emit_in_tick",
            Self::Batch { .. } => "batch",
            Self::BatchSlices { .. } => "batch_slices",
            Self::ConnectDisconnect { .. } => "connect_disconnect",
            Self::Disconnect { .. } => "disconnect",
            Self::EmitUnderChurn { .. } => "emit_under_churn",
            Self::EmitAfterMassDisconnect { .. } => "emit_after_mass_disconnect",
            Self::FirstEmitAfterMassDisconnect { .. } => "first_emit_after_mass_disconnect",
            Self::Emitters { .. } => "emitters",
            Self::Pin => "pin",
        }
    }

    fn parameter(&self) -> usize {
        match *self {
            Self::Emit { slots }
            | Self::EmitInTick { slots }
            | Self::Batch { slots }
            | Self::BatchSlices { slots }
            | Self::EmitUnderChurn { slots } => slots,
            Self::ConnectDisconnect { live } | Self::Disconnect { live } => live,
            Self::EmitAfterMassDisconnect { survivors } | Self::FirstEmitAfterMassDisconnect { survivors } => survivors,
            Self::Emitters { threads, .. } => threads,
            Self::Pin => 0,
        }
    }

    fn operations(&self) -> u64 {
        let operations = match *self {
            Self::EmitInTick { .. } => BATCH,
            Self::Batch { slots } | Self::BatchSlices { slots } => BATCH * slots,
            Self::Emitters { threads, .. } => threads,
            _ => 1,
        };
        operations as u64
    }

    fn contestants(&self) -> Vec<Contestant> {
        if *self == Self::Pin {
            return pin::contestants();
        }
        let entrants = entrants();
        entrants.iter().filter_map(|entrant| entrant.enter(*self)).collect()
    }
}

/// One peer in one scenario, ready to be timed.
pub struct Contestant {
    /// The peer's name.
    pub peer: &'static str,
    /// How often at most it may be run in one go, where each run needs a long preparation.
    pub at_most: Option<u64>,
    run: Box<dyn FnMut(u64) -> Duration>,
}

impl Contestant {
    pub(crate) fn new(peer: &'static str, run: impl FnMut(u64) -> Duration + 'static) -> Self {
        Self { peer, at_most: None, run: Box::new(run) }
    }

    /// Runs this many iterations and returns the time they took, preparations left out.
    pub fn run(&mut self, iterations: u64) -> Duration {
        (self.run)(iterations)
    }
}

impl fmt::Debug for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contestant").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// A peer, of which only its traits are known: enters the scenarios that they allow.
trait Entrant {
    fn enter(&self, scenario: Scenario) -> Option<Contestant>;
}

/// Emits only.
struct Fixed<P>(PhantomData<P>);
/// Connects and disconnects too.
struct Changing<P>(PhantomData<P>);
/// From several threads, too.
struct Threaded<P>(PhantomData<P>);
/// Emits slices to slots that take slices.
struct Sliced<P>(PhantomData<P>);

impl<P: Emitter> Entrant for Fixed<P> {
    fn enter(&self, scenario: Scenario) -> Option<Contestant> {
        emission::enter::<P>(scenario)
    }
}

impl<P: Bus> Entrant for Changing<P> {
    fn enter(&self, scenario: Scenario) -> Option<Contestant> {
        emission::enter::<P>(scenario).or_else(|| changes::enter::<P>(scenario))
    }
}

impl<P: Bus + Clone + Send> Entrant for Threaded<P> {
    fn enter(&self, scenario: Scenario) -> Option<Contestant> {
        Changing::<P>(PhantomData).enter(scenario).or_else(|| threads::enter::<P>(scenario))
    }
}

impl<P: Emitter> Entrant for Sliced<P> {
    fn enter(&self, scenario: Scenario) -> Option<Contestant> {
        match scenario {
            Scenario::BatchSlices { slots } => Some(emission::batch::<P>(slots)),
            _ => None,
        }
    }
}

fn entrants() -> Vec<Box<dyn Entrant>> {
    vec![
        Box::new(Threaded::<peers::pulsebus::Pulsebus>(PhantomData)),
        Box::new(Sliced::<peers::pulsebus::Slices>(PhantomData)),
        Box::new(Fixed::<peers::raw::Raw<0>>(PhantomData)),
        Box::new(Fixed::<peers::raw::Raw<16>>(PhantomData)),
        Box::new(Fixed::<peers::raw::Raw<32>>(PhantomData)),
        Box::new(Fixed::<peers::raw::Raw<48>>(PhantomData)),
        Box::new(Fixed::<peers::raw::Scattered>(PhantomData)),
        Box::new(Sliced::<peers::raw::Slices>(PhantomData)),
        Box::new(Threaded::<peers::arc_swap::Swapped>(PhantomData)),
        Box::new(Threaded::<peers::locked::Locked>(PhantomData)),
        Box::new(Threaded::<peers::slab::LockedSlab>(PhantomData)),
        Box::new(Threaded::<peers::signals2::Signals2>(PhantomData)),
        Box::new(Changing::<peers::rt_events::RtEvents>(PhantomData)),
        #[cfg(has_boost)]
        Box::new(Threaded::<peers::boost::Boost>(PhantomData)),
        Box::new(Threaded::<peers::broadcast::Broadcast>(PhantomData)),
        Box::new(Threaded::<peers::channel::Channel>(PhantomData)),
    ]
}

/// Times a loop over one operation.
#[inline(always)]
pub(crate) fn timed(iterations: u64, mut operation: impl FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..iterations {
        operation();
    }
    start.elapsed()
}

/// Emits once, and makes sure that every slot ran exactly once: a peer that skips some would win.
fn check<P: Emitter>(peer: &mut P, slots: usize) -> Event {
    let sums = Sums::leaked();
    let event = sums.event();
    peer.emit(black_box(&event));
    assert_eq!(sums.total(), slots as u64, "{}: one emission to {slots} slots", P::NAME);
    event
}
