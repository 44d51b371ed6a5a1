//! A vector behind a reader-writer lock, held for the whole emission.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use crate::event::{Event, Lane, slot};
use crate::peer::{Bus, Change, Emitter, filled};

type Slot = Box<dyn Fn(&Event) + Send + Sync>;

/// `parking_lot::RwLock<Vec<_>>`.
#[derive(Clone, Default)]
pub struct Locked(Arc<Inner>);

#[derive(Default)]
struct Inner {
    slots: RwLock<Vec<(u64, Slot)>>,
    next_id: AtomicU64,
}

impl Emitter for Locked {
    const NAME: &'static str = "RwLock<Vec>";

    fn with_slots(slots: usize) -> Self {
        filled(slots)
    }

    #[inline(always)]
    fn emit(&mut self, event: &Event) {
        for (_, slot) in self.0.slots.read().iter() {
            slot(event);
        }
    }
}

impl Bus for Locked {
    const CHANGE: Change = Change::Linear;

    type Connection = u64;

    fn connect(&mut self) -> u64 {
        let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
        self.0.slots.write().push((id, Box::new(slot(Lane::next()))));
        id
    }

    fn disconnect(&mut self, connection: u64) {
        let mut slots = self.0.slots.write();
        // Ids grow along the vector only if no two threads push at once, so no binary search.
        if let Some(position) = slots.iter().position(|&(id, _)| id == connection) {
            let _slot = slots.remove(position);
        }
    }
}
