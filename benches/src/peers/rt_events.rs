//! The `rt-events` crate: a bus by event type, for one thread.

use ::rt_events::{EventBus, SubscriptionId};

use crate::event::{Event, Lane, slot};
use crate::peer::{Bus, Change, Emitter, filled};

/// `rt_events::EventBus` with one type of event.
#[derive(Default)]
pub struct RtEvents(EventBus);

impl Emitter for RtEvents {
    const NAME: &'static str = "rt-events (one thread)";

    fn with_slots(slots: usize) -> Self {
        filled(slots)
    }

    #[inline(always)]
    fn emit(&mut self, event: &Event) {
        self.0.emit(*event);
    }
}

impl Bus for RtEvents {
    const CHANGE: Change = Change::Linear;

    type Connection = SubscriptionId;

    fn connect(&mut self) -> SubscriptionId {
        self.0.on(slot(Lane::next()))
    }

    fn disconnect(&mut self, connection: SubscriptionId) {
        self.0.off(connection);
    }
}
