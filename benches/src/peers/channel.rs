//! Fan-out over `crossbeam-channel`: one bounded queue per receiver.
//!
//! As with the broadcast queue, an emission is a send to each queue, followed on the same thread
//! by each receiver taking what was sent and running the callback.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::RwLock;
use slab::Slab;

use crate::event::{Event, Lane, slot};
use crate::peer::{Bus, Change, Emitter, filled};

/// Events that a queue holds: one tick's worth of an idle receiver.
const CAPACITY: usize = 4;

/// The sending ends, and the receivers that were connected through this handle.
#[derive(Default)]
pub struct Channel {
    senders: Arc<RwLock<Slab<Sender<Event>>>>,
    receivers: Slab<(Receiver<Event>, Lane)>,
}

/// Another handle to the same senders, which has no receivers yet.
impl Clone for Channel {
    fn clone(&self) -> Self {
        Self { senders: Arc::clone(&self.senders), receivers: Slab::new() }
    }
}

/// Where the two ends of a queue are kept.
#[derive(Debug)]
pub struct Ends {
    sender: usize,
    receiver: usize,
}

impl Emitter for Channel {
    const NAME: &'static str = "crossbeam-channel (queues)";

    fn with_slots(slots: usize) -> Self {
        filled(slots)
    }

    fn emit(&mut self, event: &Event) {
        for (_, sender) in self.senders.read().iter() {
            // A full queue belongs to a receiver that does not listen; it must not stop us.
            let _ = sender.try_send(*event);
        }
        for (_, (receiver, lane)) in &self.receivers {
            if let Ok(event) = receiver.try_recv() {
                slot(*lane)(&event);
            }
        }
    }
}

impl Bus for Channel {
    const CHANGE: Change = Change::Constant;

    const CALLS_SLOTS: bool = false;

    type Connection = Ends;

    fn connect(&mut self) -> Ends {
        let (sender, receiver) = bounded(CAPACITY);
        Ends { receiver: self.receivers.insert((receiver, Lane::next())), sender: self.senders.write().insert(sender) }
    }

    fn disconnect(&mut self, connection: Ends) {
        let _sender = self.senders.write().remove(connection.sender);
        self.receivers.remove(connection.receiver);
    }
}
