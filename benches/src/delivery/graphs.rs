//! The shapes that LMAX measures its ring in.

use pulsebus::{RingPublisher, RingReader};

use super::event::Event;
use super::peers::disruptor::Readers;
use super::peers::{disruptor, ring};
use super::stream::Pace;
use super::waiting::Waiting;
use crate::scenario::Contestant;

/// Who reads after whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Graph {
    /// One reader.
    Unicast,
    /// Three readers, each after the one before it.
    Pipeline,
    /// Three readers beside each other.
    Multicast,
    /// Two readers beside each other, and one after both.
    Diamond,
}

impl Graph {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Unicast, Self::Pipeline, Self::Multicast, Self::Diamond];

    pub(super) fn readers(self) -> usize {
        if self == Self::Unicast { 1 } else { 3 }
    }

    fn subscribe<const W: usize>(self, publisher: &RingPublisher<Event<W>>) -> Vec<RingReader<Event<W>>> {
        let after = |readers: &[&RingReader<_>]| publisher.subscribe_after(readers).expect("readers of this ring");
        let first = publisher.subscribe();
        match self {
            Self::Unicast => vec![first],
            Self::Pipeline => {
                let second = after(&[&first]);
                let third = after(&[&second]);
                vec![first, second, third]
            }
            Self::Multicast => vec![first, publisher.subscribe(), publisher.subscribe()],
            Self::Diamond => {
                let second = publisher.subscribe();
                let third = after(&[&first, &second]);
                vec![first, second, third]
            }
        }
    }

    pub(super) fn contestants(self, batch: usize) -> Vec<Contestant> {
        // As many as are there are read at a time: that is what the shape is for.
        let waiting = Waiting::busy_if_possible(1 + self.readers());
        let pace = Pace { batch, most: usize::MAX, waiting };
        let [tries, blocks] = ring::enter_awake::<1>(|publisher| self.subscribe(publisher), pace);
        let pollers = disruptor::enter_graph::<1>(self, pace);
        vec![tries, blocks, pollers, disruptor::enter_handlers::<1>(Readers::Of(self), pace)]
    }
}
