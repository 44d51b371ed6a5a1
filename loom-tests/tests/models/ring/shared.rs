//! What these models share: rings of each kind, payloads as events, and readers of them.

use loom_tests::{Payload, Run};
use pulsebus::{Ring, RingReader};

pub fn gated<E>(capacity: usize) -> Ring<E> {
    Ring::gated(capacity).expect("a capacity")
}

pub fn lossy<E>(capacity: usize) -> Ring<E> {
    Ring::lossy(capacity).expect("a capacity")
}

pub fn payload(run: &Run) -> Payload {
    run.payload().0
}

pub fn payloads<const N: usize>(run: &Run) -> [Payload; N] {
    std::array::from_fn(|_| payload(run))
}

/// Reads one event: is there one?
pub fn reads(reader: &mut RingReader<Payload>) -> bool {
    reader.try_read(1, Payload::run) == Ok(1)
}

/// Notes how many of two have come through.
pub fn note_of_two(run: &Run, one: bool, two: bool) {
    run.note(match (one, two) {
        (true, true) => "both",
        (false, false) => "none",
        _ => "one",
    });
}
