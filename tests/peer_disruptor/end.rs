//! What becomes of all events: each is read before the end, once by each reader, and dropped once.

use crate::common::Tally;
use crate::shared::{Publisher, rest, run_to_end};
use pulsebus::{CloseReason, Ring, TryRecvError};
use std::thread;

#[test]
fn events_that_were_published_are_read_before_the_end() {
    for mut publisher in Publisher::both(8) {
        let mut reader = publisher.subscribe();
        publisher.publish_iter(0..8);
        drop(publisher);
        assert_eq!(rest(&mut reader), (0..8).collect::<Vec<_>>());
        assert_eq!(reader.try_recv(), Err(TryRecvError::Closed(CloseReason::PublishersGone)));
    }
}

#[test]
fn each_event_is_dropped_once_however_often_the_ring_has_gone_round() {
    let tally = Tally::new();
    for mut publisher in Publisher::both(3) {
        let (mut reader, mut other) = (publisher.subscribe(), publisher.subscribe());
        for round in 0..20 {
            let events: Vec<_> = (0..round % 4).map(|_| tally.guard()).collect();
            publisher.publish_iter(events.into_iter());
            for reader in [&mut reader, &mut other] {
                let _ = reader.try_read(8, |guard| guard.check());
            }
        }
        assert!(tally.dropped() < tally.made());
        drop((publisher, reader));
        drop(other);
        tally.assert_all_dropped();
    }
}

#[test]
fn several_publishers_and_several_rows_of_readers_lose_and_double_nothing() {
    const PUBLISHERS: u64 = 3;
    const EACH: u64 = 1_500;
    let ring = Ring::gated(16).expect("a capacity");
    thread::scope(|scope| {
        let mut results = Vec::new();
        for _ in 0..2 {
            let first = ring.subscribe();
            let second = first.then().expect("a gated ring");
            for reader in [first, second] {
                results.push(scope.spawn(move || {
                    let mut all = Vec::new();
                    run_to_end(reader, |n| all.push(*n));
                    all
                }));
            }
        }
        for publisher in 0..PUBLISHERS {
            let ring = ring.clone();
            scope.spawn(move || (0..EACH).for_each(|n| ring.publish(publisher * EACH + n)));
        }
        drop(ring);
        let mut results: Vec<_> = results.into_iter().map(|result| result.join().expect("it reads")).collect();
        results.dedup();
        assert_eq!(results.len(), 1, "all in one order");
        results[0].sort_unstable();
        assert_eq!(results[0], (0..PUBLISHERS * EACH).collect::<Vec<_>>());
    });
}
