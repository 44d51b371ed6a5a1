//! `tokio::sync::broadcast`: one queue that every receiver reads.
//!
//! A queue calls nobody. An emission here is a send, followed on the same thread by each receiver
//! taking exactly what was sent and running the callback: the least that delivery through the
//! queue can cost, with no task to wake and no thread to switch to.

use slab::Slab;
use tokio::sync::broadcast::{self, Receiver, Sender};

use crate::event::{Event, Lane, slot};
use crate::peer::{Bus, Change, Emitter, filled};

/// Events that the queue holds: a batch of the measurements.
const CAPACITY: usize = 64;

/// The sending end, and the receivers that were subscribed through this handle.
pub struct Broadcast {
    sender: Sender<Event>,
    receivers: Slab<(Receiver<Event>, Lane)>,
}

impl Default for Broadcast {
    fn default() -> Self {
        Self { sender: Sender::new(CAPACITY), receivers: Slab::new() }
    }
}

/// Another handle to the queue, which has no receivers yet.
impl Clone for Broadcast {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), receivers: Slab::new() }
    }
}

impl Emitter for Broadcast {
    const NAME: &'static str = "tokio broadcast (queue)";

    fn with_slots(slots: usize) -> Self {
        filled(slots)
    }

    #[inline(always)]
    fn emit(&mut self, event: &Event) {
        self.emit_batch(std::slice::from_ref(event));
    }

    fn emit_batch(&mut self, events: &[Event]) {
        for chunk in events.chunks(CAPACITY) {
            for event in chunk {
                // An error says that nobody listens, which is fine.
                let _: Result<usize, broadcast::error::SendError<Event>> = self.sender.send(*event);
            }
            for (_, (receiver, lane)) in &mut self.receivers {
                for _ in chunk {
                    if let Ok(event) = receiver.try_recv() {
                        slot(*lane)(&event);
                    }
                }
            }
        }
    }
}

impl Bus for Broadcast {
    const CHANGE: Change = Change::Constant;

    const CALLS_SLOTS: bool = false;

    type Connection = usize;

    fn connect(&mut self) -> usize {
        self.receivers.insert((self.sender.subscribe(), Lane::next()))
    }

    fn disconnect(&mut self, connection: usize) {
        self.receivers.remove(connection);
    }
}
