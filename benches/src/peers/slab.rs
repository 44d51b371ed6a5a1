//! The plain alternative to the pooled slots: a slab behind a mutex, held for the whole emission.

use std::sync::Arc;

use parking_lot::Mutex;
use slab::Slab;

use crate::event::{Event, Lane, slot};
use crate::peer::{Bus, Change, Emitter, filled};

type Slot = Box<dyn Fn(&Event) + Send>;

/// `parking_lot::Mutex<slab::Slab<_>>`. Reuses a free place, so it does not keep the order.
#[derive(Clone, Default)]
pub struct LockedSlab(Arc<Mutex<Slab<Slot>>>);

impl Emitter for LockedSlab {
    const NAME: &'static str = "Mutex<Slab>";

    fn with_slots(slots: usize) -> Self {
        filled(slots)
    }

    #[inline(always)]
    fn emit(&mut self, event: &Event) {
        for (_, slot) in self.0.lock().iter() {
            slot(event);
        }
    }
}

impl Bus for LockedSlab {
    const CHANGE: Change = Change::Constant;

    type Connection = usize;

    fn connect(&mut self) -> usize {
        self.0.lock().insert(Box::new(slot(Lane::next())))
    }

    fn disconnect(&mut self, connection: usize) {
        // The closure is dropped after the lock.
        let _slot = self.0.lock().remove(connection);
    }
}
