//! Copy on write: emissions read a snapshot, every change copies the list.

use std::sync::Arc;

use ::arc_swap::ArcSwap;

use crate::event::{Event, Lane, slot};
use crate::peer::{Bus, Change, Emitter};

type Slot = Arc<dyn Fn(&Event) + Send + Sync>;

/// `ArcSwap<Vec<Arc<_>>>`.
#[derive(Clone, Default)]
pub struct Swapped(Arc<ArcSwap<Vec<Slot>>>);

fn new_slot() -> Slot {
    Arc::new(slot(Lane::next()))
}

impl Emitter for Swapped {
    const NAME: &'static str = "ArcSwap<Vec<Arc>>";

    fn with_slots(slots: usize) -> Self {
        let list: Vec<Slot> = (0..slots).map(|_| new_slot()).collect();
        Self(Arc::new(ArcSwap::from_pointee(list)))
    }

    #[inline(always)]
    fn emit(&mut self, event: &Event) {
        for slot in self.0.load().iter() {
            slot(event);
        }
    }
}

impl Bus for Swapped {
    const CHANGE: Change = Change::Linear;

    type Connection = Slot;

    fn connect(&mut self) -> Slot {
        let slot = new_slot();
        self.0.rcu(|list| {
            let mut copy = Vec::with_capacity(list.len() + 1);
            copy.extend_from_slice(list);
            copy.push(Arc::clone(&slot));
            copy
        });
        slot
    }

    fn disconnect(&mut self, connection: Slot) {
        self.0.rcu(|list| {
            let others = list.iter().filter(|slot| !Arc::ptr_eq(slot, &connection));
            others.cloned().collect::<Vec<_>>()
        });
    }
}
