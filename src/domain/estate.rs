//! Domains that ended with something left to reclaim: an emission was in the way. They are not used again before that is
//! done, so that a new domain starts with nothing of another's.

use super::DomainCore;
use super::collect::Collected;
use crate::sync::lock;
use crate::world::world;
use std::sync::{Mutex, MutexGuard};

/// The ended domains that are not done with yet.
pub(crate) struct Estates(Mutex<State>);

struct State {
    waiting: Vec<&'static DomainCore>,
    /// How many some collector is working on.
    in_hands: usize,
}

impl Estates {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(State { waiting: Vec::new(), in_hands: 0 }))
    }

    /// Takes a domain that has ended: for the next one to be made, or for later, if it still holds something.
    pub(super) fn settle(&self, core: &'static DomainCore) {
        if core.holds_anything() {
            self.state().waiting.push(core);
        } else {
            world().domains.put(core);
        }
    }

    /// Collects each of them with `f`, and adds what was done to `sum`.
    pub(super) fn collect(&self, mut sum: Collected, f: impl Fn(&'static DomainCore) -> Collected) -> Collected {
        let waiting = {
            let mut state = self.state();
            // What another collector is working on, it may not have dropped yet.
            sum.complete &= state.in_hands == 0;
            state.in_hands += state.waiting.len();
            std::mem::take(&mut state.waiting)
        };
        // Not under the lock: destructors may end domains, and collect.
        for core in waiting {
            let collected = f(core);
            sum.dropped += collected.dropped;
            sum.recycled += collected.recycled;
            sum.pending += collected.pending;
            sum.complete &= collected.complete;
            self.settle(core);
            self.state().in_hands -= 1;
        }
        sum
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic half-way runs under it.
        lock(&self.0)
    }
}
