//! Events whose clones panic, and when events are dropped.

use crate::common::{Counter, Tally};
use pulsebus::{Overflow, Ring, Signal, TryRecvError};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Zero can't be cloned.
#[derive(Debug, PartialEq, Eq)]
struct Fragile(u32);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        if self.0 == 0 {
            // Without the message of the default hook.
            resume_unwind(Box::new("a clone's"));
        }
        Self(self.0)
    }
}

#[test]
fn a_clone_that_panics_in_a_reader_of_a_ring_is_the_readers_and_the_next_event_comes() {
    let ring = Ring::lossy(16).expect("a capacity");
    let (mut reader, mut other) = (ring.subscribe(), ring.subscribe());
    ring.publish(Fragile(0));
    ring.publish(Fragile(1));
    assert!(catch_unwind(AssertUnwindSafe(|| reader.try_recv())).is_err());
    assert_eq!(reader.try_recv(), Ok(Fragile(1)));
    // Who borrows clones nothing.
    let mut seen = Vec::new();
    assert_eq!(other.try_read(16, |event| seen.push(event.0)), Ok(2));
    assert_eq!(seen, [0, 1]);
    ring.publish(Fragile(2));
    assert_eq!(reader.try_recv(), Ok(Fragile(2)));
}

#[test]
fn a_clone_that_panics_for_a_mailbox_is_a_panic_of_its_slot_and_the_receiver_misses_that_event_only() {
    for overflow in [Overflow::DropOldest, Overflow::DropNewest, Overflow::KeepLatest] {
        let (signal, ran) = (Signal::<Fragile>::new(), Counter::new());
        let mut receiver = signal.mailbox(16, overflow).expect("a capacity");
        signal.connect(ran.slot());
        signal.emit(&Fragile(0));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        signal.emit(&Fragile(1));
        assert_eq!(receiver.try_recv(), Ok(Fragile(1)));
        assert_eq!((receiver.connection().panics(), ran.get()), (Some(1), 2));
        assert_eq!(receiver.figures().sent, 1);
    }
}

/// An event that counts how often it is dropped.
#[derive(Clone)]
struct Counted(std::sync::Arc<crate::common::Guard>);

#[test]
fn unread_events_are_dropped_with_the_receiver_of_a_mailbox_and_with_the_ring() {
    let tally = Tally::new();
    let event = || Counted(std::sync::Arc::new(tally.guard()));
    let signal = Signal::<Counted>::new();
    let receiver = signal.mailbox(4, Overflow::DropOldest).expect("a capacity");
    signal.emit(&event());
    assert_eq!(tally.dropped(), 0);
    drop(receiver);
    tally.assert_all_dropped();

    // A ring keeps them for whoever asks for the oldest.
    let ring = Ring::lossy(4).expect("a capacity");
    let reader = ring.subscribe();
    ring.publish(event());
    drop(reader);
    assert_eq!(tally.made() - tally.dropped(), 1);
    ring.subscribe_oldest().try_recv().expect("it is there").0.check();
    drop(ring);
    tally.assert_all_dropped();
}
