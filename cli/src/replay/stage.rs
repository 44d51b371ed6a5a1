//! What a replay does: a topic for each of the recording's, a slot for each join. How slots come and go is up to the wiring.

use super::latency::Meter;
use super::timeline::Change;
use super::wiring::{Whose, Wiring};
use crate::plan::{NOBODY, Op, Part, PartTopic, Seat, Step, TopicPlan};
use pulsebus::{Connection, Signal, Source};
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
#[derive(Debug, Default)]
pub struct Ledger {
    /// How many listeners were made.
    made: Alone<AtomicU64>,
    /// How many were dropped, by whichever thread collected them.
    dropped: Alone<AtomicU64>,
}

impl Ledger {
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
    fn new(ledger: &Arc<Ledger>) -> Arc<Self> {
        Arc::new(Self { deliveries: AtomicU64::new(0), bytes: AtomicU64::new(0), ledger: Arc::clone(ledger) })
    }

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

/// Where one slot after the other sits.
#[derive(Debug)]
pub struct Chair {
    room: Arc<Room>,
    /// Who sits there now. Only the thread that emits the topic looks at it and changes it.
    identity: AtomicU32,
}

/// What a slot captures: 8 bytes, so that it is stored inline by the bus too, which adds 8 of its own to count calls by
/// samples. Its drops are counted.
struct Listener {
    chair: Arc<Chair>,
}

impl Listener {
    fn new(chair: &Arc<Chair>) -> Self {
        chair.room.ledger.made.0.fetch_add(1, Relaxed);
        Self { chair: Arc::clone(chair) }
    }

    fn hear(&self, message: &Message) {
        if self.chair.identity.load(Relaxed) != message.sender {
            self.chair.room.count(message);
        }
    }

    fn hear_all(&self, message: &Message) {
        self.chair.room.count(message);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.chair.room.ledger.dropped.0.fetch_add(1, Relaxed);
    }
}

struct Topic<T> {
    source: T,
    /// By seat: its connection.
    connections: Vec<Option<Connection>>,
    hall: Hall,
}

/// What the slots of one topic look at.
#[derive(Debug)]
pub struct Hall {
    /// What they share.
    pub room: Arc<Room>,
    /// By seat, and a last one for the extra slots.
    chairs: Vec<Arc<Chair>>,
}

impl Hall {
    fn new(ledger: &Arc<Ledger>, seats: u32) -> Self {
        let room = Room::new(ledger);
        let chair = |_| Arc::new(Chair { room: Arc::clone(&room), identity: AtomicU32::new(NOBODY) });
        Self { chairs: (0..=seats).map(chair).collect(), room }
    }
}

/// What happened on a stage, in numbers.
#[derive(Debug)]
pub struct Account {
    /// By topic of the part: what its slots counted. Kept until everything is collected: a thread that collects what
    /// another thread's slots captured must not be the one that frees this, or its heap calls would not be the bus's.
    pub halls: Vec<Hall>,
    /// Messages emitted.
    pub messages: u64,
    /// Slots connected for owners.
    pub connects: u64,
    /// Connections of owners that were ended, as those who ended them say.
    pub disconnects: u64,
    /// What the signals say is live at the end, extra slots left out.
    pub live_at_end: u64,
    /// How the number of live connections changed.
    pub changes: Vec<Change>,
    /// Tells what was not dropped, once everything should be.
    pub ledger: Arc<Ledger>,
}

/// The topics of one part, for one pass.
pub struct Stage<'p, W: Wiring> {
    part: &'p Part,
    wiring: &'p W,
    topics: Vec<Topic<W::Topic>>,
    ledger: Arc<Ledger>,
    extra_slots: u32,
    messages: u64,
    connects: u64,
    disconnects: u64,
    changes: Vec<Change>,
}

impl<'p, W: Wiring> Stage<'p, W> {
    /// Makes the topics of `part`, which have these names by their number in the plan, connects the extra slots, and takes
    /// from the heap all that the replay's own bookkeeping will need.
    pub fn new(part: &'p Part, names: &[TopicPlan], wiring: &'p W, extra_slots: u32) -> Self {
        let ledger = Arc::default();
        let topic = |planned: &PartTopic| {
            let source = wiring.topic(planned.number, &names[planned.number as usize].name);
            let hall = Hall::new(&ledger, planned.seats);
            for _ in 0..extra_slots {
                let listener = Listener::new(&hall.chairs[planned.seats as usize]);
                wiring.connect(&source, Whose::Extra, move |message| listener.hear_all(message));
            }
            Topic { source, connections: vec![None; planned.seats as usize], hall }
        };
        let topics = part.topics.iter().map(topic).collect();
        let changes = Vec::with_capacity(part.changes);
        Self { part, wiring, topics, ledger, extra_slots, messages: 0, connects: 0, disconnects: 0, changes }
    }

    /// Takes one step; a message goes out through `emit`. `meter` looks on.
    pub fn perform(&mut self, step: &Step, meter: &mut impl Meter, emit: impl FnOnce(&Signal<Message>, &Message)) {
        match step.op {
            Op::Message { topic, sender, bytes } => {
                let signal = self.topics[topic as usize].source.signal();
                self.messages += 1;
                meter.around(|| emit(signal, &Message { sender, bytes }));
            }
            Op::Join { topic, seat, identity } => {
                let whose = Whose::Owner(self.owner(identity));
                let Topic { source, connections, hall } = &mut self.topics[topic as usize];
                let chair = &hall.chairs[seat as usize];
                chair.identity.store(identity, Relaxed);
                let listener = Listener::new(chair);
                let connection = self.wiring.connect(source, whose, move |message| listener.hear(message));
                connections[seat as usize] = Some(connection);
                self.connects += 1;
                self.changes.push(Change { event: step.event, delta: 1 });
                meter.connected(step.event);
            }
            Op::Leave(seat) => {
                let connection = self.topics[seat.topic as usize].connections[seat.seat as usize].take();
                let ended = connection.is_some_and(|connection| self.wiring.disconnect(connection));
                self.ended(step.event, ended.into());
            }
            Op::Cleanup { identity, first, count } => {
                let seats = &self.part.cleanups[first as usize..][..count as usize];
                let owner = self.owner(identity);
                let topics = &mut self.topics;
                let take = |seat: &Seat| topics[seat.topic as usize].connections[seat.seat as usize].take();
                let ended = self.wiring.cleanup(owner, seats.iter().filter_map(take));
                self.ended(step.event, ended);
            }
            Op::Merge { seat: Seat { topic, seat }, identity } => {
                self.topics[topic as usize].hall.chairs[seat as usize].identity.store(identity, Relaxed);
            }
        }
    }

    /// Whose an identity's connections are. Each part has its own share of them, and cleans up no other.
    fn owner(&self, identity: u32) -> u64 {
        u64::from(self.part.number) << u32::BITS | u64::from(identity)
    }

    fn ended(&mut self, event: u32, count: usize) {
        self.disconnects += count as u64;
        self.changes.push(Change { event, delta: -(count as i32) });
    }

    /// Ends the pass. What is still connected is left to [`Wiring::end_pass`].
    pub fn finish(self) -> Account {
        let live: u64 = self.topics.iter().map(|topic| topic.source.signal().len() as u64).sum();
        let extra = self.topics.len() as u64 * u64::from(self.extra_slots);
        Account {
            halls: self.topics.into_iter().map(|topic| topic.hall).collect(),
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
        let ledger = Arc::default();
        let hall = Hall::new(&ledger, 1);
        drop(Listener::new(&hall.chairs[0]));
        assert_eq!(ledger.undropped(), 0);
        std::mem::forget(Listener::new(&hall.chairs[0]));
        assert_eq!(ledger.undropped(), 1);
    }

    #[test]
    fn what_a_slot_captures_fits_inline_with_its_samples() {
        assert!(size_of::<Listener>() <= 8 && align_of::<Listener>() <= 8);
    }
}
