//! What these tests share: policies, how a mailbox is emptied, and an event that is counted.

use crate::common::Tally;
use pulsebus::{Lagged, Overflow, Receiver};
use std::time::Duration;

pub const SOON: Duration = Duration::from_millis(1);

/// Every policy, one of each.
pub const POLICIES: [Overflow; 5] =
    [Overflow::Block(SOON), Overflow::DropOldest, Overflow::DropNewest, Overflow::KeepLatest, Overflow::Disconnect];

/// Long enough for whatever is to happen.
pub const LONG: Duration = Duration::from_secs(10);

pub fn all<E>(receiver: &mut Receiver<E>) -> Vec<Result<E, Lagged>> {
    receiver.try_iter().collect()
}

/// When nobody is at work, every event is accounted for.
#[track_caller]
pub fn assert_balance<E>(receiver: &Receiver<E>) {
    let figures = receiver.figures();
    assert_eq!(figures.sent, figures.received + figures.queued as u64 + figures.lost(), "{figures:?}");
}

/// A clone of it is a guard of its own.
pub struct Tracked {
    tally: Tally,
    _guard: crate::common::Guard,
}

impl Tracked {
    pub fn new(tally: &Tally) -> Self {
        Self { tally: tally.clone(), _guard: tally.guard() }
    }
}

impl Clone for Tracked {
    fn clone(&self) -> Self {
        Self::new(&self.tally)
    }
}
