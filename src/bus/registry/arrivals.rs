//! The order in which records came, for whoever has to find the oldest.

use super::record::Record;
use super::slab::{Id, Slab};
use std::collections::VecDeque;

/// All records in the order in which they came, from the first time that somebody asks for the oldest. Some have gone.
#[derive(Default)]
pub(super) struct Arrivals {
    order: Option<VecDeque<Id>>,
}

/// Fewer are not worth sifting.
const FEW: usize = 1024;

impl Arrivals {
    /// A record was made.
    #[inline]
    pub(super) fn note(&mut self, id: Id, records: &Slab<Record>) {
        if let Some(order) = &mut self.order {
            // Half of them have gone by then.
            if order.len() >= (records.len() * 2).max(FEW) {
                order.retain(|id| records.contains(*id));
            }
            order.push_back(id);
        }
    }

    /// Nobody will ask for the time being.
    pub(super) fn forget(&mut self) {
        self.order = None;
    }

    /// The oldest record that `fits`. The first time it looks at every record.
    pub(super) fn oldest(&mut self, records: &Slab<Record>, fits: impl Fn(Id) -> bool) -> Option<Id> {
        let order = self.order.get_or_insert_with(|| {
            let mut all: Vec<(u64, Id)> = records.iter().map(|(id, record)| (record.serial, id)).collect();
            all.sort_unstable_by_key(|(serial, _)| *serial);
            all.into_iter().map(|(_, id)| id).collect()
        });
        while order.front().is_some_and(|id| !records.contains(*id)) {
            order.pop_front();
        }
        order.iter().copied().find(|id| records.contains(*id) && fits(*id))
    }
}
