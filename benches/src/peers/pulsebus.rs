//! Ours.

use std::sync::Arc;
use std::time::Duration;

use ::pulsebus::{Connection, Signal};

use crate::event::{Event, Lane, slice_slot, slot};
use crate::peer::{Bus, Change, Emitter, filled};

/// `pulsebus::Signal` with plain slots.
#[derive(Clone, Default)]
pub struct Pulsebus(Arc<Signal<Event>>);

/// `pulsebus::Signal` with slots that take a whole slice.
pub struct Slices(Signal<Event>);

impl Emitter for Pulsebus {
    const NAME: &'static str = "pulsebus";

    fn with_slots(slots: usize) -> Self {
        filled(slots)
    }

    #[inline(always)]
    fn emit(&mut self, event: &Event) {
        self.0.emit(event);
    }

    #[inline(always)]
    fn emit_in_tick(&mut self, event: &Event, times: usize) {
        ::pulsebus::tick(|tick| {
            for _ in 0..times {
                tick.emit(&self.0, event);
            }
        });
    }

    #[inline(always)]
    fn emit_batch(&mut self, events: &[Event]) {
        self.0.emit_batch(events);
    }
}

impl Bus for Pulsebus {
    const CHANGE: Change = Change::Constant;

    type Connection = Connection;

    fn connect(&mut self) -> Connection {
        self.0.connect(slot(Lane::next()))
    }

    fn disconnect(&mut self, connection: Connection) {
        connection.disconnect();
    }

    fn maintain(&mut self) {
        ::pulsebus::maintain(Duration::from_millis(100));
    }
}

impl Emitter for Slices {
    const NAME: &'static str = "pulsebus, slice slots";

    fn with_slots(slots: usize) -> Self {
        let signal = Signal::new();
        for _ in 0..slots {
            signal.connect_batch(slice_slot(Lane::next()));
        }
        Self(signal)
    }

    #[inline(always)]
    fn emit(&mut self, event: &Event) {
        self.0.emit(event);
    }

    #[inline(always)]
    fn emit_batch(&mut self, events: &[Event]) {
        self.0.emit_batch(events);
    }
}
