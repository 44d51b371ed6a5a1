//! Delivery to other threads, beside channels, broadcasts and rings.
//!
//! - [`event`]: what is delivered, and how a receiver shows that it has had it all;
//! - [`stream`]: what a peer has to offer, and how it is run; [`peers`]: one file for each of them;
//! - [`waiting`], [`pinned`]: how threads wait, and where they run; `credit`: what holds back who sends to queues that
//!   overwrite;
//! - [`graphs`]: readers that go after each other; [`latency`]: one event at a time; `query`: answers.

mod credit;
pub mod event;
pub mod graphs;
pub mod latency;
pub mod peers;
pub mod pinned;
mod query;
pub mod stream;
pub mod waiting;

use std::iter;

use pulsebus::RingPublisher;

use crate::scenario::{Contest, Contestant};
use event::LAP;
use graphs::Graph;
use peers::disruptor::Readers;
use peers::{async_broadcast, bus, crossbeam, disruptor, flume, kanal, mailbox, ring, tokio};
use stream::Pace;
use waiting::Waiting;

/// Events that everything has room for.
pub const CAPACITY: usize = 1_024;

/// Bytes of an event.
const SIZES: [usize; 3] = [8, 64, 1_024];
/// Events that are sent at a time.
const BATCHES: [usize; 3] = [1, 16, 256];
/// Likewise, where only long batches are asked for.
const LONG_BATCHES: [usize; 2] = [16, 256];
/// Likewise, in the shapes of LMAX.
const GRAPH_BATCHES: [usize; 2] = [1, 16];

/// From how many to how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One sender, one receiver.
    OneToOne,
    /// One sender, two receivers that get every event each.
    OneToTwo,
    /// Two senders, one receiver.
    TwoToOne,
}

impl Shape {
    const ALL: [Self; 3] = [Self::OneToOne, Self::OneToTwo, Self::TwoToOne];

    fn senders(self) -> usize {
        if self == Self::TwoToOne { 2 } else { 1 }
    }

    fn receivers(self) -> usize {
        if self == Self::OneToTwo { 2 } else { 1 }
    }
}

/// One thing to measure of delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryScenario {
    /// A fold of the answers of so many slots.
    QueryFold {
        /// Slots of the query.
        slots: usize,
    },
    /// Events as fast as they can be sent and received. Everybody waits in the same way, busy where each thread has a core, or
    /// by calls of their own.
    Stream {
        /// From how many to how many.
        shape: Shape,
        /// Events that are sent, and received, at a time.
        batch: usize,
        /// Bytes of an event.
        size: usize,
    },
    /// Events of eight bytes as disruptor delivers them best: from one sender, in batches, read as many as there are; without
    /// ever letting go of the core, where there is a core for each thread.
    Best {
        /// From one to how many.
        shape: Shape,
        /// Events that are published at a time.
        batch: usize,
    },
    /// One of LMAX's shapes, with events of eight bytes.
    Graph {
        /// Who reads after whom.
        graph: Graph,
        /// Events that are published at a time.
        batch: usize,
    },
}

impl DeliveryScenario {
    /// Every scenario, in the order of the tables; the ones of one thread first.
    pub fn all() -> Vec<Self> {
        let mut all: Vec<_> = [1, 4, 16, 64, 1_024].map(|slots| Self::QueryFold { slots }).into();
        for shape in Shape::ALL {
            for batch in BATCHES {
                all.extend(SIZES.map(|size| Self::Stream { shape, batch, size }));
            }
        }
        for shape in [Shape::OneToOne, Shape::OneToTwo] {
            all.extend(LONG_BATCHES.map(|batch| Self::Best { shape, batch }));
        }
        for graph in Graph::ALL {
            all.extend(GRAPH_BATCHES.map(|batch| Self::Graph { graph, batch }));
        }
        all
    }
}

impl Contest for DeliveryScenario {
    fn group(&self) -> &'static str {
        match *self {
            Self::QueryFold { .. } => "query_fold",
            Self::Stream { shape, batch, .. } => match (shape, batch) {
                (Shape::OneToOne, 1) => "one_to_one_by_1",
                (Shape::OneToOne, 16) => "one_to_one_by_16",
                (Shape::OneToOne, _) => "one_to_one_by_256",
                (Shape::OneToTwo, 1) => "one_to_two_by_1",
                (Shape::OneToTwo, 16) => "one_to_two_by_16",
                (Shape::OneToTwo, _) => "one_to_two_by_256",
                (Shape::TwoToOne, 1) => "two_to_one_by_1",
                (Shape::TwoToOne, 16) => "two_to_one_by_16",
                (Shape::TwoToOne, _) => "two_to_one_by_256",
            },
            Self::Best { shape: Shape::OneToTwo, .. } => "best_one_to_two",
            Self::Best { .. } => "best_one_to_one",
            Self::Graph { graph, .. } => match graph {
                Graph::Unicast => "unicast",
                Graph::Pipeline => "pipeline",
                Graph::Multicast => "multicast",
                Graph::Diamond => "diamond",
            },
        }
    }

    fn parameter(&self) -> usize {
        match *self {
            Self::QueryFold { slots } => slots,
            Self::Stream { size, .. } => size,
            Self::Best { batch, .. } | Self::Graph { batch, .. } => batch,
        }
    }

    /// An iteration is a lap of each sender, so that an operation is an event.
    fn operations(&self) -> u64 {
        match self {
            Self::QueryFold { .. } => 1,
            Self::Stream { shape, .. } => (shape.senders() * LAP) as u64,
            Self::Best { .. } | Self::Graph { .. } => LAP as u64,
        }
    }

    fn contestants(&self) -> Vec<Contestant> {
        match *self {
            Self::QueryFold { slots } => query::contestants(slots),
            Self::Stream { shape, batch, size } => match size {
                8 => streams::<1>(shape, batch),
                64 => streams::<8>(shape, batch),
                1_024 => streams::<128>(shape, batch),
                _ => unreachable!("none of {SIZES:?}"),
            },
            Self::Best { shape, batch } => best(shape.receivers(), batch),
            Self::Graph { graph, batch } => graph.contestants(batch),
        }
    }
}

fn streams<const W: usize>(shape: Shape, batch: usize) -> Vec<Contestant> {
    let (senders, receivers) = (shape.senders(), shape.receivers());
    let pace = Pace { batch, most: batch, waiting: Waiting::busy_if_possible(senders + receivers) };
    let mut contestants = vec![
        mailbox::open::<W, false>(senders, receivers).enter("pulsebus mailbox", pace),
        mailbox::open::<W, true>(senders, receivers).enter("pulsebus mailbox, blocking", pace),
        ring::open::<W, false>(senders, receivers).enter("pulsebus ring", pace),
        ring::open::<W, true>(senders, receivers).enter("pulsebus ring, blocking", pace),
        ring::open_lossy::<W, false>(senders, receivers).enter("pulsebus ring, lossy", pace),
        ring::open_lossy::<W, true>(senders, receivers).enter("pulsebus ring, lossy, blocking", pace),
        crossbeam::open::<W, false>(senders, receivers).enter("crossbeam-channel", pace),
        crossbeam::open::<W, true>(senders, receivers).enter("crossbeam-channel, blocking", pace),
        flume::open::<W, false>(senders, receivers).enter("flume", pace),
        flume::open::<W, true>(senders, receivers).enter("flume, blocking", pace),
        kanal::open::<W, false>(senders, receivers).enter("kanal", pace),
        kanal::open::<W, true>(senders, receivers).enter("kanal, blocking", pace),
        tokio::open::<W, false>(senders, receivers).enter("tokio broadcast", pace),
        tokio::open::<W, true>(senders, receivers).enter("tokio broadcast, blocking", pace),
        async_broadcast::open::<W, false>(senders, receivers).enter("async-broadcast", pace),
        async_broadcast::open::<W, true>(senders, receivers).enter("async-broadcast, blocking", pace),
        disruptor::enter_stream::<W>(senders, receivers, pace),
    ];
    if senders == 1 {
        let single = ring::open_single::<W, false>(receivers);
        contestants.push(single.enter("pulsebus ring, single publisher", pace));
        let single = ring::open_single::<W, true>(receivers);
        contestants.push(single.enter("pulsebus ring, single publisher, blocking", pace));
        contestants.push(bus::open::<W, false>(receivers).enter("bus", pace));
        contestants.push(bus::open::<W, true>(receivers).enter("bus, blocking", pace));
    }
    contestants
}

fn best(receivers: usize, batch: usize) -> Vec<Contestant> {
    let waiting = Waiting::busy_if_possible(1 + receivers);
    let pace = Pace { batch, most: usize::MAX, waiting };
    let readers = |publisher: &RingPublisher<_>| iter::repeat_with(|| publisher.subscribe()).take(receivers).collect();
    let [tries, blocks] = ring::enter_awake::<1>(readers, pace);
    let pollers = disruptor::enter_stream::<1>(1, receivers, pace);
    vec![tries, blocks, pollers, disruptor::enter_handlers::<1>(Readers::Beside(receivers), pace)]
}
