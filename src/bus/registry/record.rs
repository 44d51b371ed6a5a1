//! What the registry keeps of one connection.

use crate::bus::calls::Meter;
use crate::bus::key::{Kind, Name};
use crate::bus::reason::EndReason;
use crate::bus::topics::TopicId;
use crate::connection::Connection;
use crate::list::Life;
use crate::time::{ExecutionBudget, Executions, nanoseconds};
use smallvec::SmallVec;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

pub(in crate::bus) struct Record {
    pub(in crate::bus) connection: Connection,
    /// That of its signal.
    pub(super) life: Option<Life>,
    pub(in crate::bus) place: &'static Location<'static>,
    /// By the bus's clock, in nanoseconds.
    pub(super) created: u64,
    pub(super) owner: Option<u32>,
    pub(super) service: Option<u32>,
    pub(super) others: SmallVec<[Other; 2]>,
    pub(in crate::bus) kind: Kind,
    pub(in crate::bus) topic: Option<TopicId>,
    pub(super) timeouts: Timeouts,
    pub(super) meter: Meter,
    pub(super) extras: Option<Box<Extras>>,
}

/// A group of which a record may have several.
#[derive(Clone, Copy)]
pub(super) enum Other {
    Tag(u32),
    Scope(u32),
}

/// What few records have.
#[derive(Default)]
pub(in crate::bus) struct Extras {
    pub(in crate::bus) name: Option<Name>,
    pub(in crate::bus) description: Option<Name>,
    pub(in crate::bus) on_cleanup: Option<OnCleanup>,
    pub(in crate::bus) target: Option<Target>,
    /// What watches how long its slot takes.
    pub(in crate::bus) budget: Option<Arc<ExecutionBudget>>,
}

impl Extras {
    pub(super) fn is_some(&self) -> bool {
        self.name.is_some()
            || self.description.is_some()
            || self.on_cleanup.is_some()
            || self.target.is_some()
            || self.budget.is_some()
    }
}

/// Called once, when the connection has ended.
pub(in crate::bus) type OnCleanup = Box<dyn FnOnce(EndReason) + Send>;

/// Is the weak target gone? Runs no foreign code.
pub(in crate::bus) type Target = Box<dyn Fn() -> bool + Send + Sync>;

/// When a connection is stale, of its own wish; in nanoseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::bus) struct Timeouts {
    pub(in crate::bus) idle: Option<std::num::NonZeroU64>,
    pub(in crate::bus) age: Option<std::num::NonZeroU64>,
}

impl Record {
    /// When it was made, by the bus's clock.
    pub(in crate::bus) fn created(&self) -> Duration {
        Duration::from_nanos(self.created)
    }

    pub(in crate::bus) fn name(&self) -> Option<&Name> {
        self.extras.as_ref()?.name.as_ref()
    }

    pub(in crate::bus) fn description(&self) -> Option<&Name> {
        self.extras.as_ref()?.description.as_ref()
    }

    pub(in crate::bus) fn executions(&self) -> Option<Executions> {
        Some(self.extras.as_ref()?.budget.as_ref()?.executions())
    }

    pub(in crate::bus) fn has_timeout(&self) -> bool {
        self.timeouts.idle.is_some() || self.timeouts.age.is_some()
    }

    pub(in crate::bus) fn is_scoped(&self) -> bool {
        self.others.iter().any(|other| matches!(other, Other::Scope(_)))
    }

    /// Is its weak target gone, or has a timeout passed that it asked for?
    pub(super) fn is_stale(&self, now: u64) -> bool {
        let passed = |limit: Option<std::num::NonZeroU64>, since: u64| {
            limit.is_some_and(|limit| now.saturating_sub(since) >= limit.get())
        };
        if self.extras.as_ref().and_then(|extras| extras.target.as_ref()).is_some_and(|is_gone| is_gone()) {
            return true;
        }
        if !self.has_timeout() {
            return false;
        }
        let last_call = match &self.meter {
            Meter::Exact(exact) => exact.calls().last.map(nanoseconds),
            _ => None,
        };
        passed(self.timeouts.age, self.created) || passed(self.timeouts.idle, last_call.unwrap_or(self.created))
    }

    /// Why it has ended, when nothing in the registry ended it.
    pub(super) fn ended_elsewhere(&self) -> EndReason {
        if self.life.is_some_and(Life::is_over) { EndReason::DroppedSignal } else { EndReason::Disconnected }
    }
}
