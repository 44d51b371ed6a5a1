//! What these tests share: rings of each kind, their publishers, and how they are read.

use pulsebus::{Ring, RingFull, RingPublisher, RingReader};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// Capacities that are powers of two and that are not.
pub const CAPACITIES: [usize; 6] = [1, 2, 3, 5, 8, 100];

/// Long enough for whatever is to happen.
pub const LONG: Duration = Duration::from_secs(10);

pub fn lossy<E>(capacity: usize) -> Ring<E> {
    Ring::lossy(capacity).expect("a capacity")
}

pub fn gated<E>(capacity: usize) -> Ring<E> {
    Ring::gated(capacity).expect("a capacity")
}

pub fn single<E>(capacity: usize) -> RingPublisher<E> {
    RingPublisher::gated(capacity).expect("a capacity")
}

pub fn all<E: Clone>(reader: &mut RingReader<E>) -> Vec<E> {
    reader.drain(usize::MAX).collect()
}

pub fn panics<R>(f: impl FnOnce() -> R) {
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err(), "it panics");
}

/// A publisher of whatever kind.
pub trait Publish<E> {
    fn with(&mut self, make: impl FnOnce() -> E);
    fn try_with<F: FnOnce() -> E>(&mut self, make: F) -> Result<(), RingFull<F>>;
    fn reader(&self) -> RingReader<E>;
}

impl<E> Publish<E> for Ring<E> {
    fn with(&mut self, make: impl FnOnce() -> E) {
        self.publish_with(make);
    }
    fn try_with<F: FnOnce() -> E>(&mut self, make: F) -> Result<(), RingFull<F>> {
        self.try_publish_with(make)
    }
    fn reader(&self) -> RingReader<E> {
        self.subscribe()
    }
}

impl<E> Publish<E> for RingPublisher<E> {
    fn with(&mut self, make: impl FnOnce() -> E) {
        self.publish_with(make);
    }
    fn try_with<F: FnOnce() -> E>(&mut self, make: F) -> Result<(), RingFull<F>> {
        self.try_publish_with(make)
    }
    fn reader(&self) -> RingReader<E> {
        self.subscribe()
    }
}
