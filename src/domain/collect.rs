//! Collecting: all of it, or by hints within a budget.

use super::DomainCore;
use super::core::Step;
use crate::epoch::Draining;
use crate::list::{Depth, Done};
use crate::world::world;
use std::time::{Duration, Instant};

/// What a collection did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Collected {
    /// Slots whose captures this call dropped. (Those that capture nothing that needs to be dropped do not count.)
    pub dropped: usize,
    /// Chunks of slots that this call gave back to the pool.
    pub recycled: usize,
    /// Slots that have ended and whose captures are not dropped yet, as far as sweeps have found them.
    pub pending: usize,
    /// Everything that slots captured which were disconnected before the call has been dropped.
    pub complete: bool,
}

impl Collected {
    fn of(done: Done, domain: &DomainCore, complete: bool) -> Self {
        let pending = domain.pending();
        Self {
            dropped: done.dropped,
            recycled: done.recycled,
            pending: usize::try_from(pending).unwrap_or(usize::MAX),
            complete: complete && pending == 0,
        }
    }
}

/// Two steps empty the limbo; twice that, what came up while it was emptied; and some, for what that may have left.
const STEPS: usize = 8;

pub(super) fn collect(domain: &'static DomainCore) -> Collected {
    let mut done = Done::default();
    // All of them, whether or not one is busy.
    let busy = lists_of(domain).filter(|list| list.sweep(domain, Depth::All).is_none()).count();
    let Some(draining) = Draining::start() else { return Collected::of(done, domain, false) };
    domain.hook().tidy();
    for _ in 0..STEPS {
        match domain.reclaim(&draining) {
            Step::Done(step) => done += step,
            Step::Empty | Step::Stuck => break,
        }
    }
    Collected::of(done, domain, busy == 0)
}

pub(super) fn maintain(domain: &'static DomainCore, budget: Duration) -> Collected {
    let start = Instant::now();
    let mut done = Done::default();
    let mut swept = true;
    for list in lists_of(domain).filter(|list| list.may_hold_dead()) {
        swept &= list.sweep(domain, Depth::Hinted).is_some();
        if start.elapsed() >= budget {
            swept = false;
            break;
        }
    }
    let Some(draining) = Draining::start() else { return Collected::of(done, domain, false) };
    for _ in 0..STEPS {
        if start.elapsed() >= budget {
            break;
        }
        match domain.reclaim(&draining) {
            Step::Done(step) => done += step,
            Step::Empty | Step::Stuck => break,
        }
    }
    Collected::of(done, domain, swept)
}

pub(super) fn lists_of(domain: &DomainCore) -> impl Iterator<Item = &'static crate::list::List> {
    world().lists.all().filter(move |list| list.is_of(domain))
}

/// The global domain, and whatever domains that have ended left behind.
pub(crate) fn collect_global() -> Collected {
    each_global(collect)
}

pub(crate) fn maintain_global(budget: Duration) -> Collected {
    each_global(|domain| maintain(domain, budget))
}

fn each_global(f: impl Fn(&'static DomainCore) -> Collected) -> Collected {
    world().estates.collect(f(&world().global), f)
}
