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
    // All of them, whether or not one is busy.
    let busy = lists_of(domain).filter(|list| list.sweep(domain, Depth::All).is_none()).count();
    reclaim_all(domain, busy == 0, || true)
}

/// For a domain whose last signal has gone: there is nothing to sweep.
pub(super) fn wind_up(domain: &'static DomainCore) -> Collected {
    reclaim_all(domain, true, || true)
}

pub(super) fn maintain(domain: &'static DomainCore, deadline: Option<Instant>) -> Collected {
    let in_time = || deadline.is_none_or(|deadline| Instant::now() < deadline);
    let mut swept = true;
    let lists = world().lists.all_from(domain.cursor());
    for (index, (number, list)) in lists.enumerate() {
        if list.is_of(domain) && list.may_hold_dead() {
            swept &= list.sweep(domain, Depth::Hinted).is_some();
        } else if (index + 1) % LOOKS_PER_CLOCK != 0 {
            continue;
        }
        if !in_time() {
            // The next call goes on from here.
            domain.set_cursor(number);
            swept = false;
            break;
        }
    }
    reclaim_all(domain, swept, in_time)
}

/// So many lists that need nothing are passed before the clock is read again.
const LOOKS_PER_CLOCK: usize = 64;

/// Reclaims what is in limbo, while `go_on` says so.
fn reclaim_all(domain: &'static DomainCore, swept: bool, go_on: impl Fn() -> bool) -> Collected {
    let mut done = Done::default();
    let Some(draining) = Draining::start() else { return Collected::of(done, domain, false) };
    domain.hook().tidy();
    for _ in 0..STEPS {
        match domain.reclaim(&draining, &go_on) {
            Step::Done(step) => done += step,
            Step::Empty | Step::Stuck => break,
        }
        // Not before the first step, or a tight budget would never get anything done.
        if !go_on() {
            break;
        }
    }
    Collected::of(done, domain, swept)
}

pub(super) fn lists_of(domain: &DomainCore) -> impl Iterator<Item = &'static crate::list::List> {
    world().lists.all().filter(move |list| list.is_of(domain))
}

/// `None` if the budget is too long to be named.
pub(super) fn deadline(budget: Duration) -> Option<Instant> {
    Instant::now().checked_add(budget)
}

/// The global domain, and whatever domains that have ended left behind.
pub(crate) fn collect_global() -> Collected {
    each_global(collect)
}

pub(crate) fn maintain_global(budget: Duration) -> Collected {
    let deadline = deadline(budget);
    each_global(|domain| maintain(domain, deadline))
}

fn each_global(f: impl Fn(&'static DomainCore) -> Collected) -> Collected {
    world().estates.collect(f(&world().global), f)
}
