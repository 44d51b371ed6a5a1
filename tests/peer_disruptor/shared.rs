//! What these tests share: a publisher that is alone or one of many, and how readers read.

use pulsebus::{CloseReason, RecvError, Ring, RingFull, RingPublisher, RingReader, Wait};

pub const WAITS: [Wait; 3] = [Wait::Spin, Wait::Yield, Wait::Park];

/// A ring with one publisher, or with any number: what is published to.
pub enum Publisher<E> {
    Single(RingPublisher<E>),
    Many(Ring<E>),
}

impl<E> Publisher<E> {
    pub fn both(capacity: usize) -> [Self; 2] {
        [
            Self::Single(RingPublisher::gated(capacity).expect("a capacity")),
            Self::Many(Ring::gated(capacity).expect("a capacity")),
        ]
    }

    pub fn with_wait(self, wait: Wait) -> Self {
        match self {
            Self::Single(publisher) => Self::Single(publisher.with_wait(wait)),
            Self::Many(ring) => Self::Many(ring.with_wait(wait)),
        }
    }

    pub fn publish(&mut self, event: E) {
        match self {
            Self::Single(publisher) => publisher.publish(event),
            Self::Many(ring) => ring.publish(event),
        }
    }

    pub fn try_publish(&mut self, event: E) -> Result<(), RingFull<E>> {
        match self {
            Self::Single(publisher) => publisher.try_publish(event),
            Self::Many(ring) => ring.try_publish(event),
        }
    }

    pub fn publish_iter(&mut self, events: impl ExactSizeIterator<Item = E>) {
        match self {
            Self::Single(publisher) => publisher.publish_iter(events),
            Self::Many(ring) => ring.publish_iter(events),
        }
    }

    /// How many there are of them, if there is no room.
    pub fn try_publish_iter(&mut self, events: impl ExactSizeIterator<Item = E>) -> Result<(), usize> {
        match self {
            Self::Single(publisher) => publisher.try_publish_iter(events).map_err(|RingFull(events)| events.len()),
            Self::Many(ring) => ring.try_publish_iter(events).map_err(|RingFull(events)| events.len()),
        }
    }

    pub fn subscribe(&self) -> RingReader<E> {
        match self {
            Self::Single(publisher) => publisher.subscribe(),
            Self::Many(ring) => ring.subscribe(),
        }
    }

    pub fn subscribe_after(&self, readers: &[&RingReader<E>]) -> RingReader<E> {
        let reader = match self {
            Self::Single(publisher) => publisher.subscribe_after(readers),
            Self::Many(ring) => ring.subscribe_after(readers),
        };
        reader.expect("readers of this gated ring")
    }
}

pub fn rest<E: Clone>(reader: &mut RingReader<E>) -> Vec<E> {
    reader.drain(usize::MAX).collect()
}

/// Reads to the end.
pub fn run_to_end<E>(mut reader: RingReader<E>, mut f: impl FnMut(&E)) -> RecvError {
    loop {
        if let Err(end) = reader.read(64, &mut f) {
            return end;
        }
    }
}

pub const ENDED: RecvError = RecvError::Closed(CloseReason::PublishersGone);
