//! What is said of a connection before it is made.

use super::key::{Kind, Name, Owner};
use super::registry::Rare;
use super::topics::TopicId;
use smallvec::SmallVec;
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

/// What is said of a connection before it is made. Small: it is handed on by each step of the builder.
#[derive(Default)]
pub(super) struct Track {
    pub(super) owner: Option<Owner>,
    pub(super) service: Option<Name>,
    pub(super) tags: SmallVec<[Name; 2]>,
    pub(super) kind: Kind,
    /// Is it a pattern's connection to one topic? It evicts nobody: it might be its own pattern.
    pub(super) is_branch: bool,
    /// Does a guard see to its end?
    pub(super) is_kept: bool,
    pub(super) topic: Option<TopicId>,
    pub(super) rare: Option<Box<Rare>>,
}

impl Track {
    pub(super) fn tag(&mut self, tag: Name) {
        if !self.tags.contains(&tag) {
            self.tags.push(tag);
        }
    }

    /// What is not often said.
    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}
