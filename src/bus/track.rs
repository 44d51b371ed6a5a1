//! What is said of a connection before it is made.

use super::key::{Kind, Name, Owner};
use super::registry::Rare;
use super::topics::TopicId;
use std::fmt;
use std::time::Duration;

/// When a connection ends by itself, if somebody [sweeps](crate::Bus::cleanup_stale).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Timeout {
    /// So long after its last call began, or, if it was never called, after it was made. (So a call that takes longer is no
    /// excuse.) Has its calls counted exactly.
    Idle(Duration),
    /// So long after it was made.
    Age(Duration),
}

/// What is said of a connection before it is made. Small: it is handed on by each step of the builder.
#[derive(Default)]
pub(super) struct Track {
    pub(super) owner: Option<Owner>,
    pub(super) service: Option<Name>,
    pub(super) tags: Tags,
    pub(super) kind: Kind,
    /// Is it a pattern's connection to one topic? It evicts nobody: it might be its own pattern.
    pub(super) is_branch: bool,
    /// Does a guard see to its end?
    pub(super) is_kept: bool,
    pub(super) topic: Option<TopicId>,
    pub(super) rare: Option<Box<Rare>>,
    /// Were an owner and a service named after the scope and the service that it is connected through?
    pub(super) leaves_scope: bool,
    pub(super) leaves_service: bool,
}

impl Track {
    /// What is not often said.
    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Everything is said. (Not done at once, by what is said: to drop something half-way would make each step of the builder
    /// a copy of everything.)
    #[inline]
    pub(super) fn finish(&mut self) {
        if let Some(rare) = &mut self.rare {
            if self.leaves_scope {
                rare.scope = None;
            }
            if self.leaves_service {
                rare.running = None;
            }
        }
    }
}

/// Tags, each once. Two of them need no heap call.
#[derive(Default, Clone)]
pub(super) struct Tags {
    first: Option<Name>,
    second: Option<Name>,
    more: Vec<Name>,
}

impl Tags {
    #[inline(always)]
    pub(super) fn add(&mut self, tag: Name) {
        match (&self.first, &self.second) {
            (None, _) => self.first = Some(tag),
            (Some(first), None) if *first != tag => self.second = Some(tag),
            (Some(_), None) => {}
            (Some(_), Some(_)) => self.add_more(tag),
        }
    }

    #[cold]
    fn add_more(&mut self, tag: Name) {
        let mut is_there = false;
        self.for_each(|known| is_there |= *known == tag);
        if !is_there {
            self.more.push(tag);
        }
    }

    #[inline(always)]
    pub(super) fn for_each(&self, mut f: impl FnMut(&Name)) {
        let Some(first) = &self.first else { return };
        f(first);
        let Some(second) = &self.second else { return };
        f(second);
        self.more.iter().for_each(f);
    }
}

impl fmt::Debug for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        self.for_each(|tag| {
            list.entry(tag);
        });
        list.finish()
    }
}
