//! What is said of a connection before it is made.

use super::key::{Kind, Name, Owner};
use super::registry::{OnCleanup, Target, Timeouts};
use super::scope::ScopeState;
use super::service::ServiceState;
use super::topics::TopicId;
use crate::time::{ExecutionBudget, nanoseconds};
use smallvec::SmallVec;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

/// When a connection ends by itself, if somebody [sweeps](crate::Bus::cleanup_stale).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Timeout {
    /// So long after its last call, or, if it was never called, after it was made. Has its calls counted exactly.
    Idle(Duration),
    /// So long after it was made.
    Age(Duration),
}

/// What is said of a connection before it is made.
#[derive(Default)]
pub(super) struct Track {
    pub(super) owner: Option<Owner>,
    pub(super) scope: Option<Arc<ScopeState>>,
    pub(super) service: Option<Name>,
    pub(super) running: Option<Arc<ServiceState>>,
    pub(super) tags: SmallVec<[Name; 2]>,
    pub(super) kind: Kind,
    pub(super) topic: Option<TopicId>,
    pub(super) name: Option<Name>,
    pub(super) description: Option<Name>,
    pub(super) timeouts: Timeouts,
    pub(super) zero_timeout: bool,
    pub(super) on_cleanup: Option<OnCleanup>,
    pub(super) target: Option<Target>,
    pub(super) budget: Option<Arc<ExecutionBudget>>,
}

impl Track {
    pub(super) fn time_out(&mut self, timeout: Timeout) {
        let (Timeout::Idle(time) | Timeout::Age(time)) = timeout;
        let time = NonZeroU64::new(nanoseconds(time));
        self.zero_timeout |= time.is_none();
        match timeout {
            Timeout::Idle(_) => self.timeouts.idle = time,
            Timeout::Age(_) => self.timeouts.age = time,
        }
    }

    pub(super) fn tag(&mut self, tag: Name) {
        if !self.tags.contains(&tag) {
            self.tags.push(tag);
        }
    }
}
