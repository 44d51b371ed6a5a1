//! Bells, and mailboxes without a signal.

use crate::delivery::{Bell, Inlet, Instead, LateBell, Outlet, Ticket, channel};
use crate::sync::{AtomicU32, Ordering, immortal};
use crate::{CloseReason, Overflow, Wait};
use std::sync::Arc;
use std::task::Waker;

/// A bell, and something that happens: a number that only grows.
pub struct Doorbell {
    bell: Bell,
    /// Release and Acquire only: whether a sleeper sees it is for the bell to see to.
    number: AtomicU32,
}

impl Doorbell {
    /// Nothing has happened.
    pub fn new() -> &'static Self {
        &immortal(vec![Self { bell: Bell::new(), number: AtomicU32::new(0) }])[0]
    }

    /// Lets it happen once more, and rings.
    pub fn ring(&self) {
        self.number.fetch_add(1, Ordering::Release);
        self.bell.ring();
    }

    /// How often it has happened.
    pub fn number(&self) -> u32 {
        self.number.load(Ordering::Acquire)
    }

    /// Sleeps until it has happened so often.
    pub fn wait(&self, number: u32) {
        let ready = || (self.number() >= number).then_some(());
        self.bell.wait(Wait::Park, || None, ready).expect("there is no deadline");
    }

    /// A place to wait at.
    pub fn place(&'static self) -> Waiting {
        Waiting { door: self, ticket: Ticket::default() }
    }
}

/// A task's place at a bell, left when it is dropped.
pub struct Waiting {
    door: &'static Doorbell,
    ticket: Ticket,
}

impl Waiting {
    /// Has it happened so often? If not, the waker is woken when it happens the next time.
    pub fn poll(&mut self, number: u32, waker: &Waker) -> bool {
        if self.door.number() >= number {
            return true;
        }
        self.door.bell.enter(&mut self.ticket, waker);
        self.door.number() >= number
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.door.bell.leave(&mut self.ticket);
    }
}

/// A bell that is made by the first who waits, and something that happens once.
pub struct LateDoorbell {
    bell: LateBell,
    has_happened: AtomicU32,
}

impl LateDoorbell {
    /// Nothing has happened, and nobody has waited.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { bell: LateBell::new(), has_happened: AtomicU32::new(0) })
    }

    /// Lets it happen, and rings.
    pub fn ring(&self) {
        self.has_happened.store(1, Ordering::Release);
        self.bell.ring();
    }

    /// A place to wait at.
    pub fn place(self: Arc<Self>) -> LateWaiting {
        LateWaiting { door: self, ticket: Ticket::default() }
    }
}

/// A task's place at a bell that is made late, left when it is dropped.
pub struct LateWaiting {
    door: Arc<LateDoorbell>,
    ticket: Ticket,
}

impl LateWaiting {
    /// Has it happened? If not, the waker is woken when it does. Looks only after it has entered.
    pub fn poll(&mut self, waker: &Waker) -> bool {
        self.door.bell.bell().enter(&mut self.ticket, waker);
        self.door.has_happened.load(Ordering::Acquire) == 1
    }
}

impl Drop for LateWaiting {
    fn drop(&mut self) {
        self.door.bell.bell().leave(&mut self.ticket);
    }
}

/// The end of a mailbox that a slot would have.
pub struct Post<E>(Inlet<E>);

/// The end that a receiver would have.
pub struct Postbox<E>(Outlet<E>);

/// What there was.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<E> {
    /// An event.
    Event(E),
    /// So many were lost.
    Lagged(u64),
    /// None at present.
    Empty,
    /// There will be none.
    Closed,
}

/// A mailbox.
pub fn mail<E>(capacity: usize, overflow: Overflow) -> (Post<E>, Postbox<E>) {
    let (inlet, outlet) = channel(capacity, overflow).expect("models have room");
    (Post(inlet), Postbox(outlet))
}

impl<E: Clone> Post<E> {
    /// Puts clones of these in; `false` if the mailbox is closed by that.
    pub fn send(&self, events: &[E]) -> bool {
        self.0.send(events)
    }
}

fn found<E>(found: Result<E, Instead>) -> Found<E> {
    match found {
        Ok(event) => Found::Event(event),
        Err(Instead::Lagged(count)) => Found::Lagged(count),
        Err(Instead::Empty) => Found::Empty,
        Err(Instead::Closed(_)) => Found::Closed,
    }
}

impl<E> Postbox<E> {
    /// What there is.
    pub fn try_recv(&mut self) -> Found<E> {
        self.try_recv_beside(|| false)
    }

    /// The same, of a mailbox whose connection may have ended, which `has_ended` says.
    pub fn try_recv_beside(&mut self, has_ended: impl Fn() -> bool) -> Found<E> {
        found(self.0.try_recv(|| has_ended().then_some(CloseReason::Disconnected), |instead| instead))
    }

    /// Sleeps until there is something.
    pub fn recv(&mut self) -> Found<E> {
        found(self.0.recv(Wait::Park, None, || None, |instead| instead))
    }

    /// Sent, received, lost, and how many there are.
    pub fn counts(&self) -> (u64, u64, u64, usize) {
        let (sent, received, lost) = self.0.counts();
        (sent, received, lost, self.0.len())
    }
}
