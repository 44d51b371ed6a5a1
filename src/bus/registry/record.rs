//! What the registry keeps of one connection.

use super::kinds::KindNumber;
use crate::bus::calls::Meter;
use crate::bus::key::Name;
use crate::bus::own::Own;
use crate::bus::reason::EndReason;
use crate::bus::scope::ScopeState;
use crate::bus::service::ServiceState;
use crate::bus::topics::TopicId;
use crate::bus::track::Timeout;
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
    /// How many were made before it: the clock is too coarse to tell which is older.
    pub(super) serial: u64,
    pub(super) groups: Memberships,
    pub(in crate::bus) topic: Option<TopicId>,
    /// Is it in the finder's table?
    pub(super) is_listed: bool,
    pub(super) meter: Meter,
    pub(in crate::bus) rare: Option<Box<Rare>>,
}

/// The groups that a record is counted in.
pub(super) struct Memberships {
    pub(super) owner: Option<u32>,
    pub(super) service: Option<u32>,
    pub(super) kind: KindNumber,
    /// Does a guard see to its end?
    pub(super) is_kept: bool,
    pub(super) others: SmallVec<[Other; 2]>,
}

/// A group of which a record may have several.
#[derive(Clone, Copy)]
pub(super) enum Other {
    Tag(u32),
    Scope(u32),
}

/// What few records have.
#[derive(Default)]
pub(in crate::bus) struct Rare {
    pub(in crate::bus) name: Option<Name>,
    pub(in crate::bus) description: Option<Name>,
    pub(in crate::bus) idle: Option<Duration>,
    pub(in crate::bus) age: Option<Duration>,
    pub(in crate::bus) on_cleanup: Option<OnCleanup>,
    pub(in crate::bus) target: Option<Target>,
    /// What watches how long its slot takes.
    pub(in crate::bus) budget: Option<Arc<ExecutionBudget>>,
    /// What it was connected through.
    pub(in crate::bus) scope: Option<Arc<ScopeState>>,
    pub(in crate::bus) running: Option<Arc<ServiceState>>,
    /// Is it only called when something seldom happens, and no sign of a leak if it never is?
    pub(in crate::bus) waits: bool,
}

impl Rare {
    pub(in crate::bus) fn time_out(&mut self, timeout: Timeout) {
        match timeout {
            Timeout::Idle(time) => self.idle = Some(time),
            Timeout::Age(time) => self.age = Some(time),
        }
    }

    pub(in crate::bus) fn has_timeout(&self) -> bool {
        self.idle.is_some() || self.age.is_some()
    }

    /// Is its weak target gone, or has a timeout passed that it asked for?
    fn is_stale(&self, now: u64, created: u64, meter: &Meter) -> bool {
        if self.target.as_ref().is_some_and(|target| (target.is_gone)()) {
            return true;
        }
        let passed = |limit: Option<Duration>, since: u64| {
            limit.is_some_and(|limit| now.saturating_sub(since) >= nanoseconds(limit))
        };
        let last_call = match meter {
            Meter::Exact(exact) => exact.calls().last.map(nanoseconds),
            _ => None,
        };
        passed(self.age, created) || passed(self.idle, last_call.unwrap_or(created))
    }
}

/// Called once, when the connection has ended.
pub(in crate::bus) type OnCleanup = Box<dyn FnOnce(EndReason) + Send>;

/// What a weak slot belongs to.
pub(in crate::bus) struct Target {
    /// Is it gone? Runs no foreign code.
    pub(in crate::bus) is_gone: Box<dyn Fn() -> bool + Send + Sync>,
    /// The slot's connection, which it ends itself when it finds that the target is gone.
    pub(in crate::bus) own: Own,
}

impl Record {
    /// When it was made, by the bus's clock.
    pub(in crate::bus) fn created(&self) -> Duration {
        Duration::from_nanos(self.created)
    }

    pub(in crate::bus) fn name(&self) -> Option<&Name> {
        self.rare.as_ref()?.name.as_ref()
    }

    pub(in crate::bus) fn description(&self) -> Option<&Name> {
        self.rare.as_ref()?.description.as_ref()
    }

    pub(in crate::bus) fn executions(&self) -> Option<Executions> {
        Some(self.rare.as_ref()?.budget.as_ref()?.executions())
    }

    pub(in crate::bus) fn has_timeout(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.has_timeout())
    }

    pub(in crate::bus) fn waits(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.waits)
    }

    /// Does nobody see to its end: no owner, no service, no guard, no timeout, no target that goes?
    pub(in crate::bus) fn is_unmanaged(&self) -> bool {
        let Memberships { owner, service, is_kept, .. } = self.groups;
        let ends = self.rare.as_ref().is_some_and(|rare| rare.has_timeout() || rare.target.is_some());
        owner.is_none() && service.is_none() && !is_kept && !ends
    }

    /// Has it reason to end by itself?
    pub(in crate::bus) fn is_stale(&self, now: u64) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.is_stale(now, self.created, &self.meter))
    }

    /// Why it has ended, when nothing in the registry ended it.
    pub(super) fn ended_elsewhere(&self) -> EndReason {
        let target = self.rare.as_ref().and_then(|rare| rare.target.as_ref());
        if target.is_some_and(|target| target.own.ended_by_itself()) {
            EndReason::Stale
        } else if self.life.is_some_and(Life::is_over) {
            EndReason::DroppedSignal
        } else {
            EndReason::Disconnected
        }
    }
}
