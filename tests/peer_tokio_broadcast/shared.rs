//! What these tests share: everything that sends and receives, and what is expected of it.

use pulsebus::{Overflow, Receiver, Ring, RingReader, Signal, SignalRing, TryRecvError};

/// What sends.
pub trait Sends {
    fn send(&self, n: u32);
    fn subscribe(&self) -> Box<dyn Receives>;
}

/// What receives.
pub trait Receives {
    fn next(&mut self) -> Result<u32, TryRecvError>;
    fn len(&self) -> usize;
}

impl Sends for Ring<u32> {
    fn send(&self, n: u32) {
        self.publish(n);
    }

    fn subscribe(&self) -> Box<dyn Receives> {
        Box::new(Ring::subscribe(self))
    }
}

impl Receives for RingReader<u32> {
    fn next(&mut self) -> Result<u32, TryRecvError> {
        self.try_recv()
    }

    fn len(&self) -> usize {
        RingReader::len(self)
    }
}

pub struct RingOf(Signal<u32>, SignalRing<u32>);

impl Sends for RingOf {
    fn send(&self, n: u32) {
        self.0.emit(&n);
    }

    fn subscribe(&self) -> Box<dyn Receives> {
        Box::new(self.1.subscribe())
    }
}

pub struct Mailboxes(Signal<u32>, usize);

impl Sends for Mailboxes {
    fn send(&self, n: u32) {
        self.0.emit(&n);
    }

    fn subscribe(&self) -> Box<dyn Receives> {
        Box::new(self.0.mailbox(self.1, Overflow::DropOldest).expect("a capacity"))
    }
}

impl Receives for Receiver<u32> {
    fn next(&mut self) -> Result<u32, TryRecvError> {
        self.try_recv()
    }

    fn len(&self) -> usize {
        Receiver::len(self)
    }
}

/// Which of [`all`] are mailboxes.
pub const MAILBOX: usize = 2;

/// Everything that sends, for so many events.
pub fn all(capacity: usize) -> [Box<dyn Sends>; 3] {
    let signal = Signal::new();
    let ring = signal.ring(capacity).expect("a capacity");
    [
        Box::new(Ring::lossy(capacity).expect("a capacity")),
        Box::new(RingOf(signal, ring)),
        Box::new(Mailboxes(Signal::new(), capacity)),
    ]
}

pub fn send(sender: &dyn Sends, events: impl IntoIterator<Item = u32>) {
    events.into_iter().for_each(|n| sender.send(n));
}

#[track_caller]
pub fn expect(receiver: &mut dyn Receives, events: impl IntoIterator<Item = u32>) {
    events.into_iter().for_each(|n| assert_eq!(receiver.next(), Ok(n)));
}

#[track_caller]
pub fn expect_empty(receiver: &mut dyn Receives) {
    assert_eq!(receiver.next(), Err(TryRecvError::Empty));
}

#[track_caller]
pub fn expect_lagged(receiver: &mut dyn Receives, by: u64) {
    assert_eq!(receiver.next(), Err(TryRecvError::Lagged(by)));
}

#[track_caller]
pub fn expect_closed(receiver: &mut dyn Receives) {
    assert!(matches!(receiver.next(), Err(TryRecvError::Closed(_))));
    assert!(matches!(receiver.next(), Err(TryRecvError::Closed(_))), "for good");
}
