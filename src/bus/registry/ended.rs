//! What is left to do for records that were removed, once the registry's lock is released.

use super::record::{Extras, Record};
use crate::bus::key::Owner;
use crate::bus::reason::EndReason;

/// What is left to do for records that were removed: their callbacks, and whatever runs a destructor of the user's.
#[derive(Default)]
pub(in crate::bus) struct Ended {
    pub(in crate::bus) callbacks: Vec<(Box<Extras>, EndReason)>,
    /// Keys of groups that are empty now.
    pub(in crate::bus) owners: Vec<Owner>,
    /// Whole records, for the log.
    pub(in crate::bus) traced: Vec<(Record, EndReason)>,
}

impl Ended {
    pub(in crate::bus) fn is_empty(&self) -> bool {
        self.callbacks.is_empty() && self.owners.is_empty() && self.traced.is_empty()
    }

    pub(super) fn push(&mut self, mut record: Record, reason: EndReason) {
        if let Some(extras) = record.extras.take() {
            self.callbacks.push((extras, reason));
        }
        if crate::bus::log::traces_ends() {
            self.traced.push((record, reason));
        }
    }
}
