//! What is left to do for records that were removed, once the registry's lock is released.

use super::record::Rare;
use crate::bus::key::Owner;
use crate::bus::log;
use crate::bus::reason::EndReason;
use std::panic::Location;

/// What is left to do for records that were removed: their callbacks, and whatever runs a destructor of the user's. Most
/// leave nothing.
pub(in crate::bus) struct Ended {
    left: Option<Box<Left>>,
    traces: bool,
}

#[derive(Default)]
pub(in crate::bus) struct Left {
    pub(in crate::bus) callbacks: Vec<(Box<Rare>, EndReason)>,
    /// Keys of groups that are empty now, and those that records were made with.
    pub(in crate::bus) owners: Vec<Owner>,
    /// Where they were connected, for the log.
    pub(in crate::bus) traced: Vec<(&'static Location<'static>, EndReason)>,
}

impl Ended {
    /// Nothing. Not to be called under the lock: it asks the log.
    #[inline]
    pub(in crate::bus) fn new() -> Self {
        Self { left: None, traces: log::traces_ends() }
    }

    /// What there is to do, if anything.
    #[inline]
    pub(in crate::bus) fn into_left(self) -> Option<Box<Left>> {
        self.left
    }

    fn left(&mut self) -> &mut Left {
        self.left.get_or_insert_default()
    }

    #[inline]
    pub(super) fn push(&mut self, rare: Option<Box<Rare>>, place: &'static Location<'static>, reason: EndReason) {
        if let Some(rare) = rare {
            self.left().callbacks.push((rare, reason));
        }
        if self.traces {
            self.left().traced.push((place, reason));
        }
    }

    /// A key that is not needed any more. Dropping it may run a destructor of the user's.
    #[inline]
    pub(super) fn push_owner(&mut self, owner: Owner) {
        if owner.is_foreign() {
            self.left().owners.push(owner);
        }
    }
}
