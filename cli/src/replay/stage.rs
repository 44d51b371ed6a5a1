//! The bus of a replay: a signal per topic, a slot per join. Everything that the replay asks of the library stands here.

use super::latency::Meter;
use super::timeline::Change;
use crate::plan::{Op, Part, Seat, Step};
use pulsebus::{Connection, Domain, Signal};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// Slots in one chunk of the bus, as the documentation of [`pulsebus::Statistics::chunks`] has it.
pub const CHUNK_SLOTS: u64 = 32;

/// What is emitted.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// The identity that must not hear it.
    pub sender: u32,
    /// The size of its payload.
    pub bytes: u32,
}

/// On cache lines of its own, so that what one thread counts does not slow another.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Alone<T>(T);

/// What the slots of one part share.
#[derive(Debug)]
pub struct Ledger {
    /// By identity: which owner it is now; changed only by merges.
    owners: Box<[AtomicU32]>,
    /// How many listeners were made.
    made: Alone<AtomicU64>,
    /// How many were dropped, by whichever thread collected them.
    dropped: Alone<AtomicU64>,
}

impl Ledger {
    fn new(identities: u32) -> Arc<Self> {
        let owners = (0..identities).map(AtomicU32::new).collect();
        Arc::new(Self { owners, made: Alone::default(), dropped: Alone::default() })
    }

    /// Listeners that were made and not dropped, or dropped more often than made: neither may be.
    pub fn undropped(&self) -> u64 {
        self.made.0.load(Relaxed).abs_diff(self.dropped.0.load(Relaxed))
    }
}

/// What the slots of one topic share. Only the thread that emits the topic writes the counts, so they are plain additions
/// and no locked ones.
#[derive(Debug)]
#[repr(align(128))]
pub struct Room {
    deliveries: AtomicU64,
    bytes: AtomicU64,
    ledger: Arc<Ledger>,
}

impl Room {
    /// How many slots have heard a message of someone else.
    pub fn deliveries(&self) -> u64 {
        self.deliveries.load(Relaxed)
    }

    /// The payload bytes of these.
    pub fn delivered_bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    fn count(&self, message: &Message) {
        self.deliveries.store(self.deliveries.load(Relaxed) + 1, Relaxed);
        self.bytes.store(self.bytes.load(Relaxed) + u64::from(message.bytes), Relaxed);
    }
}

/// What a slot captures: 16 bytes, so that the bus keeps it inline. Its drops are counted.
struct Listener {
    room: Arc<Room>,
    /// Whose slot it is, or was before merges; unused by extra slots.
    identity: u32,
}

impl Listener {
    fn new(room: &Arc<Room>, identity: u32) -> Self {
        room.ledger.made.0.fetch_add(1, Relaxed);
        Self { room: Arc::clone(room), identity }
    }

    fn hear(&self, message: &Message) {
        let owner = self.room.ledger.owners[self.identity as usize].load(Relaxed);
        if owner != message.sender {
            self.room.count(message);
        }
    }

    fn hear_all(&self, message: &Message) {
        self.room.count(message);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.room.ledger.dropped.0.fetch_add(1, Relaxed);
    }
}

struct Topic {
    signal: Signal<Message>,
    seats: Vec<Option<Connection>>,
    room: Arc<Room>,
}

/// What happened on a stage, in numbers.
#[derive(Debug)]
pub struct Account {
    /// By topic of the part: what its slots counted. Kept until everything is collected: a thread that collects what
    /// another thread's slots captured must not be the one that frees this, or its heap calls would not be the bus's.
    pub rooms: Vec<Arc<Room>>,
    /// Messages emitted.
    pub messages: u64,
    /// Slots connected for owners.
    pub connects: u64,
    /// Disconnects that returned `true`.
    pub disconnects: u64,
    /// What the signals say is live at the end, extra slots left out.
    pub live_at_end: u64,
    /// How the number of live connections changed.
    pub changes: Vec<Change>,
    /// Tells what was not dropped, once everything should be.
    pub ledger: Arc<Ledger>,
}

/// The signals of one part, for one pass.
pub struct Stage<'p> {
    part: &'p Part,
    topics: Vec<Topic>,
    ledger: Arc<Ledger>,
    extra_slots: u32,
    messages: u64,
    connects: u64,
    disconnects: u64,
    changes: Vec<Change>,
}

impl<'p> Stage<'p> {
    /// Makes the signals of `part` in `domain`, connects the extra slots, and takes from the heap all that the replay's own
    /// bookkeeping will need.
    pub fn new(part: &'p Part, domain: &Domain, identities: u32, extra_slots: u32) -> Self {
        let ledger = Ledger::new(identities);
        let topic = |seats: u32| {
            let room = Room { deliveries: AtomicU64::new(0), bytes: AtomicU64::new(0), ledger: Arc::clone(&ledger) };
            let room = Arc::new(room);
            let signal = Signal::new_in(domain);
            for _ in 0..extra_slots {
                let listener = Listener::new(&room, 0);
                signal.connect(move |message: &Message| listener.hear_all(message));
            }
            Topic { signal, seats: vec![None; seats as usize], room }
        };
        let topics = part.topics.iter().map(|planned| topic(planned.seats)).collect();
        let changes = Vec::with_capacity(part.changes);
        Self { part, topics, ledger, extra_slots, messages: 0, connects: 0, disconnects: 0, changes }
    }

    /// Takes one step; a message goes out through `emit`, surrounded by `meter`.
    pub fn perform(&mut self, step: &Step, meter: &mut impl Meter, emit: impl FnOnce(&Signal<Message>, &Message)) {
        match step.op {
            Op::Message { topic, sender, bytes } => {
                let signal = &self.topics[topic as usize].signal;
                self.messages += 1;
                meter.around(|| emit(signal, &Message { sender, bytes }));
            }
            Op::Join { topic, seat, identity } => {
                let Topic { signal, seats, room } = &mut self.topics[topic as usize];
                let listener = Listener::new(room, identity);
                seats[seat as usize] = Some(signal.connect(move |message: &Message| listener.hear(message)));
                self.connects += 1;
                self.changes.push(Change { event: step.event, delta: 1 });
            }
            Op::Leave(seat) => self.leave(step.event, &[seat]),
            Op::Cleanup { first, count } => {
                let part = self.part;
                self.leave(step.event, &part.cleanups[first as usize..][..count as usize]);
            }
            Op::Merge { identity, owner, .. } => self.ledger.owners[identity as usize].store(owner, Relaxed),
        }
    }

    /// Ends everything in these seats.
    fn leave(&mut self, event: u32, seats: &[Seat]) {
        let mut ended = 0;
        for seat in seats {
            let connection = self.topics[seat.topic as usize].seats[seat.seat as usize].take();
            ended += u32::from(connection.is_some_and(|connection| connection.disconnect()));
        }
        self.disconnects += u64::from(ended);
        self.changes.push(Change { event, delta: -(ended as i32) });
    }

    /// Ends the pass: what is still connected ends with its signal.
    pub fn finish(self) -> Account {
        let live: u64 = self.topics.iter().map(|topic| topic.signal.len() as u64).sum();
        let extra = self.topics.len() as u64 * u64::from(self.extra_slots);
        Account {
            rooms: self.topics.into_iter().map(|topic| topic.room).collect(),
            messages: self.messages,
            connects: self.connects,
            disconnects: self.disconnects,
            live_at_end: live.saturating_sub(extra),
            changes: self.changes,
            ledger: self.ledger,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_that_is_never_dropped_is_counted() {
        let ledger = Ledger::new(1);
        let room = Room { deliveries: AtomicU64::new(0), bytes: AtomicU64::new(0), ledger: Arc::clone(&ledger) };
        let room = Arc::new(room);
        drop(Listener::new(&room, 0));
        assert_eq!(ledger.undropped(), 0);
        std::mem::forget(Listener::new(&room, 0));
        assert_eq!(ledger.undropped(), 1);
    }

    #[test]
    fn what_a_slot_captures_fits_inline() {
        assert!(size_of::<Listener>() <= 24 && align_of::<Listener>() <= 8);
    }
}
