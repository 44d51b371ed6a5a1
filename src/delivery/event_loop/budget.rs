//! How much of what is queued is run at once, and what came of it.

use std::time::{Duration, Instant};

/// How much [`EventLoop::run_pending`](super::EventLoop::run_pending) may run. A number is a number of calls, a
/// `Duration` a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LoopBudget {
    /// So many calls and tasks. Calls that are not run, since their connection has ended or is blocked, do not count.
    Calls(usize),
    /// Until so much time is over. Looked at before each call but the first: one is run in any case, and the last one
    /// may take as long as it likes.
    Time(Duration),
    /// What is queued when it begins; nothing that is queued meanwhile. (Where a call runs the loop itself: so many of both.)
    Queued,
}

impl From<usize> for LoopBudget {
    fn from(calls: usize) -> Self {
        Self::Calls(calls)
    }
}

impl From<Duration> for LoopBudget {
    fn from(time: Duration) -> Self {
        Self::Time(time)
    }
}

/// What a loop has run, and what waits still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LoopRun {
    /// Calls and tasks that were run, those that panicked included.
    pub calls: usize,
    /// Queued calls that were not run, since their connection had ended or was blocked.
    pub skipped: usize,
    /// What was queued when it ended.
    pub left: usize,
}

/// A budget that is being spent.
pub(super) enum Limit {
    Calls(usize),
    /// `None`: too far away to be named.
    Time(Option<Instant>),
    Steps(usize),
}

impl Limit {
    pub(super) fn of(budget: LoopBudget, queued: usize) -> Self {
        match budget {
            LoopBudget::Calls(calls) => Self::Calls(calls),
            LoopBudget::Time(time) => Self::Time(Instant::now().checked_add(time)),
            LoopBudget::Queued => Self::Steps(queued),
        }
    }

    /// May another step be made, after so many of which so many were calls?
    pub(super) fn permits(&self, steps: usize, calls: usize) -> bool {
        match *self {
            Self::Calls(most) => calls < most,
            Self::Time(deadline) => steps == 0 || deadline.is_none_or(|deadline| Instant::now() < deadline),
            Self::Steps(most) => steps < most,
        }
    }
}
