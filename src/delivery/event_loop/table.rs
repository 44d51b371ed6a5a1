//! What the owner keeps for the slots of its loop: the closures, which never leave its thread.

use super::parcel::Parcel;
use super::queue::Entry;
use crate::connection::Connection;
use crate::panics::PanicPolicy;
use hashbrown::HashMap;
use std::collections::VecDeque;
use std::panic::Location;

/// A slot's closure, which knows the type of its events.
pub(super) type Call = Box<dyn FnMut(&Parcel)>;

/// What a queued call needs besides its event.
pub(super) struct Begun {
    pub(super) call: Call,
    pub(super) connection: Connection,
    pub(super) policy: PanicPolicy,
    pub(super) place: &'static Location<'static>,
}

/// What a queued call comes to.
pub(super) enum Turn {
    Begins(Begun, Parcel),
    /// The slot is in a call up the stack, or being connected: it comes after that.
    Waits,
    /// There is no such slot any more.
    Gone(Parcel),
}

struct Receiver {
    /// `None` until the owner has connected it: what others emit at that moment waits.
    connection: Option<Connection>,
    policy: PanicPolicy,
    place: &'static Location<'static>,
    /// `None` while it is called.
    call: Option<Call>,
    /// What has come up meanwhile.
    waiting: VecDeque<Parcel>,
}

/// What is left of slots that have ended; to be dropped outside of the table.
pub(super) struct Remains {
    pub(super) call: Option<Call>,
    pub(super) waiting: VecDeque<Parcel>,
}

#[derive(Default)]
pub(super) struct Table {
    /// By number. Numbers are not used again, so what is queued for a slot that has ended finds none.
    receivers: HashMap<u64, Receiver>,
    next: u64,
    /// What has waited for a call that has returned since: before all that is in the queue.
    overdue: VecDeque<Entry>,
}

impl Table {
    pub(super) fn add(&mut self, call: Call, policy: PanicPolicy, place: &'static Location<'static>) -> u64 {
        let number = self.next;
        self.next += 1;
        let receiver = Receiver { connection: None, policy, place, call: Some(call), waiting: VecDeque::new() };
        self.receivers.insert(number, receiver);
        number
    }

    pub(super) fn set_connection(&mut self, number: u64, connection: Connection) {
        if let Some(receiver) = self.receivers.get_mut(&number) {
            receiver.connection = Some(connection);
            receiver.line_up(number, &mut self.overdue);
        }
    }

    pub(super) fn begin(&mut self, number: u64, event: Parcel) -> Turn {
        let Some(receiver) = self.receivers.get_mut(&number) else { return Turn::Gone(event) };
        if let Some(connection) = receiver.connection {
            if let Some(call) = receiver.call.take() {
                let begun = Begun { call, connection, policy: receiver.policy, place: receiver.place };
                return Turn::Begins(begun, event);
            }
        }
        receiver.waiting.push_back(event);
        Turn::Waits
    }

    /// Its call has returned: lines up what has waited for it, and puts it back; or hands it out, if its slot has ended and it
    /// may be dropped here.
    pub(super) fn end(&mut self, number: u64, call: Call, may_drop: bool) -> Option<Call> {
        let Some(receiver) = self.receivers.get_mut(&number) else { return Some(call) };
        receiver.line_up(number, &mut self.overdue);
        if may_drop && !receiver.is_connected() {
            self.receivers.remove(&number);
            return Some(call);
        }
        receiver.call = Some(call);
        None
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Remains> {
        let Receiver { call, waiting, .. } = self.receivers.remove(&number)?;
        Some(Remains { call, waiting })
    }

    pub(super) fn pop_overdue(&mut self) -> Option<Entry> {
        self.overdue.pop_front()
    }

    pub(super) fn overdue(&self) -> usize {
        self.overdue.len()
    }

    /// How many slots it keeps something for.
    pub(super) fn len(&self) -> usize {
        self.receivers.len()
    }

    pub(super) fn connections(&self) -> impl Iterator<Item = Connection> {
        self.receivers.values().filter_map(|receiver| receiver.connection)
    }

    /// All of it.
    pub(super) fn into_remains(self) -> (impl Iterator<Item = Remains>, VecDeque<Entry>) {
        let receivers = self.receivers.into_values();
        (receivers.map(|Receiver { call, waiting, .. }| Remains { call, waiting }), self.overdue)
    }
}

impl Receiver {
    /// What has waited is due. In front, and in its order: it was taken out of the queue, or from here, before what
    /// still stands here.
    fn line_up(&mut self, number: u64, overdue: &mut VecDeque<Entry>) {
        while let Some(event) = self.waiting.pop_back() {
            overdue.push_front(Entry::Call { to: number, event });
        }
    }

    fn is_connected(&self) -> bool {
        self.connection.is_some_and(|connection| connection.is_connected())
    }
}
