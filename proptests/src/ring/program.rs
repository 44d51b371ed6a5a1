//! What is done with a ring, and random programs of that.

use proptest::collection::vec;
use proptest::prelude::*;

/// Which ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The oldest is overwritten.
    Lossy,
    /// The slowest reader holds publishers back.
    Gated,
    /// Gated, with a single publisher.
    Single,
}

/// One step. Readers are picked among those that there are.
#[derive(Debug, Clone)]
pub enum Action {
    /// One event, if there is room.
    Publish,
    /// A batch, if there is room.
    Batch {
        /// So many are promised.
        promised: usize,
        /// So many come, if no more than promised are asked for.
        comes: usize,
        /// A panic comes behind them.
        panics: bool,
    },
    /// A reader of what comes next.
    Subscribe,
    /// A reader of what is there.
    SubscribeOldest,
    /// A reader that goes after those.
    After(Vec<u16>),
    /// Reads by reference.
    Read {
        /// Which reader.
        pick: u16,
        /// So many at the most.
        max: usize,
        /// At the first of them, so many are published.
        publishes: usize,
        /// At this one it panics.
        panics_at: usize,
    },
    /// A clone of the next event.
    Receive(u16),
    /// Clones of so many.
    Drain(u16, usize),
    /// A reader leaves.
    Leave(u16),
    /// The publisher goes.
    Close,
}

/// A ring, and what is done with it.
#[derive(Debug, Clone)]
pub struct Program {
    /// Which ring.
    pub kind: Kind,
    /// Of this capacity.
    pub capacity: usize,
    /// What is done with it.
    pub actions: Vec<Action>,
}

fn action() -> BoxedStrategy<Action> {
    let pick = any::<u16>;
    prop_oneof![
        8 => Just(Action::Publish),
        5 => (0..8_usize, 0..9_usize, prop::bool::weighted(0.3))
            .prop_map(|(promised, comes, panics)| Action::Batch { promised, comes, panics }),
        2 => Just(Action::Subscribe),
        2 => Just(Action::SubscribeOldest),
        3 => vec(pick(), 0..3).prop_map(Action::After),
        6 => (pick(), 0..6_usize, prop_oneof![3 => Just(0), 1 => 1..9_usize], prop_oneof![4 => Just(9), 1 => 0..4_usize])
            .prop_map(|(pick, max, publishes, panics_at)| Action::Read { pick, max, publishes, panics_at }),
        8 => pick().prop_map(Action::Receive),
        3 => (pick(), 0..6_usize).prop_map(|(pick, max)| Action::Drain(pick, max)),
        2 => pick().prop_map(Action::Leave),
    ]
    .boxed()
}

/// Programs of up to so many actions. One in four closes the ring before the last few of them.
pub fn program(longest: usize) -> BoxedStrategy<Program> {
    let kind = prop::sample::select(&[Kind::Lossy, Kind::Gated, Kind::Single][..]);
    let last = prop_oneof![3 => Just(None), 1 => vec(action(), 0..12).prop_map(Some)];
    (kind, 1..8_usize, vec(action(), 1..longest), last)
        .prop_map(|(kind, capacity, mut actions, last)| {
            if let Some(last) = last {
                actions.push(Action::Close);
                actions.extend(last);
            }
            Program { kind, capacity, actions }
        })
        .boxed()
}
