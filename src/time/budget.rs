//! The execution budget: how often something took longer than it may.

use super::clock::{Clock, nanoseconds};
use crate::sync::diagnostic::{AtomicU64, Relaxed};
use std::time::Duration;

/// Counts executions, and those that took longer than they may. It ends nothing: it tells.
///
/// ```
/// use pulsebus::{ExecutionBudget, ManualClock};
/// use std::time::Duration;
///
/// let (hand, budget) = (ManualClock::new(), ExecutionBudget::new(Duration::from_millis(2)));
/// budget.watch(&hand.clock(), || hand.advance(Duration::from_millis(1)));
/// budget.watch(&hand.clock(), || hand.advance(Duration::from_millis(5)));
/// let executions = budget.executions();
/// assert_eq!((executions.count, executions.overruns), (2, 1));
/// assert_eq!(executions.longest, Duration::from_millis(5));
/// ```
#[derive(Debug)]
pub struct ExecutionBudget {
    most: u64,
    count: AtomicU64,
    overruns: AtomicU64,
    longest: AtomicU64,
}

/// What an [`ExecutionBudget`] has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Executions {
    /// How many have ended.
    pub count: u64,
    /// How many of them took longer than the budget.
    pub overruns: u64,
    /// How long the longest one took.
    pub longest: Duration,
}

impl ExecutionBudget {
    /// A budget of so long for each execution.
    pub fn new(most: Duration) -> Self {
        Self {
            most: nanoseconds(most),
            count: AtomicU64::new(0),
            overruns: AtomicU64::new(0),
            longest: AtomicU64::new(0),
        }
    }

    /// How long one execution may take.
    pub fn most(&self) -> Duration {
        Duration::from_nanos(self.most)
    }

    /// Runs `f`, and takes down how long it took, by that clock. One that panics counts like any other. Costs two looks at
    /// the clock and two atomic additions.
    pub fn watch<R>(&self, clock: &Clock, f: impl FnOnce() -> R) -> R {
        let _watch = Watch { budget: self, clock, start: clock.now() };
        f()
    }

    /// What it has seen so far. Beside executions that end right now, the figures may be one apart.
    pub fn executions(&self) -> Executions {
        Executions {
            count: self.count.load(Relaxed),
            overruns: self.overruns.load(Relaxed),
            longest: Duration::from_nanos(self.longest.load(Relaxed)),
        }
    }

    /// Takes down an execution. If it took longer than it may: how many have.
    pub(crate) fn record(&self, took: Duration) -> Option<u64> {
        let took = nanoseconds(took);
        self.count.fetch_add(1, Relaxed);
        let overruns = (took > self.most).then(|| self.overruns.fetch_add(1, Relaxed) + 1);
        // The look first: a longest one is rare, and an exchange that changes nothing is not free.
        if took > self.longest.load(Relaxed) {
            self.longest.fetch_max(took, Relaxed);
        }
        overruns
    }
}

/// An execution under way.
struct Watch<'a> {
    budget: &'a ExecutionBudget,
    clock: &'a Clock,
    start: Duration,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.budget.record(self.clock.now().saturating_sub(self.start));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ManualClock;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn an_execution_that_takes_all_of_its_budget_is_within_it() {
        let (hand, budget) = (ManualClock::new(), ExecutionBudget::new(Duration::from_nanos(10)));
        for nanoseconds in [0, 10, 11, 9] {
            let result = budget.watch(&hand.clock(), || {
                hand.advance(Duration::from_nanos(nanoseconds));
                nanoseconds
            });
            assert_eq!(result, nanoseconds);
        }
        let expected = Executions { count: 4, overruns: 1, longest: Duration::from_nanos(11) };
        assert_eq!(budget.executions(), expected);
    }

    #[test]
    fn an_execution_that_panics_counts() {
        let (hand, budget) = (ManualClock::new(), ExecutionBudget::new(Duration::ZERO));
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            budget.watch(&hand.clock(), || {
                hand.advance(Duration::from_nanos(3));
                panic!("halfway");
            })
        }));
        assert!(outcome.is_err());
        let expected = Executions { count: 1, overruns: 1, longest: Duration::from_nanos(3) };
        assert_eq!(budget.executions(), expected);
    }
}
