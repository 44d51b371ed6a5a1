//! The `signals2` crate, a port of Boost.Signals2 to Rust.

use ::signals2::{Connect1, Connection, Emit1, Signal};

use crate::event::{Event, Lane, slot};
use crate::peer::{Bus, Change, Emitter, filled};

/// `signals2::Signal<(Event,)>`: arguments are cloned for each slot, here 16 bytes.
#[derive(Clone, Default)]
pub struct Signals2(Signal<(Event,)>);

impl Emitter for Signals2 {
    const NAME: &'static str = "signals2 crate";

    /// Each connect copies the tree of all slots.
    const LARGEST: usize = 10_000;

    fn with_slots(slots: usize) -> Self {
        filled(slots)
    }

    #[inline(always)]
    fn emit(&mut self, event: &Event) {
        self.0.emit(*event);
    }
}

impl Bus for Signals2 {
    const CHANGE: Change = Change::Linear;

    type Connection = Connection;

    fn connect(&mut self) -> Connection {
        let slot = slot(Lane::next());
        self.0.connect(move |event| slot(&event))
    }

    fn disconnect(&mut self, connection: Connection) {
        connection.disconnect();
    }
}
