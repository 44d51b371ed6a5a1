//! Readers beside each other, each with all events and a state of its own.

use crate::shared::{ENDED, Publisher, WAITS, run_to_end};
use pulsebus::RingPublisher;
use std::cell::Cell;
use std::sync::mpsc;
use std::thread;

#[test]
fn readers_beside_each_other_each_see_everything_however_they_wait() {
    for publisher in Publisher::both(8) {
        let mut publisher = publisher;
        let (found, results) = mpsc::channel();
        thread::scope(|scope| {
            for wait in WAITS {
                let mut reader = publisher.subscribe();
                reader.set_wait(wait);
                let found = found.clone();
                scope.spawn(move || {
                    let mut all = Vec::new();
                    assert_eq!(run_to_end(reader, |n| all.push(*n)), ENDED);
                    found.send(all).expect("somebody collects");
                });
            }
            (0..80_u32).for_each(|n| publisher.publish(n * n));
            drop(publisher);
        });
        drop(found);
        let results: Vec<_> = results.iter().collect();
        assert_eq!(results, vec![(0..80_u32).map(|n| n * n).collect::<Vec<_>>(); 3]);
    }
}

#[test]
fn a_reader_publishes_to_the_next_ring() {
    for (first, second) in Publisher::both(8).into_iter().zip(Publisher::both(8)) {
        let (mut publisher, mut next) = (first, second);
        let (reader, mut last) = (publisher.subscribe(), next.subscribe());
        thread::scope(|scope| {
            scope.spawn(move || run_to_end(reader, |n: &u32| next.publish(n * n)));
            scope.spawn(move || (0..100).for_each(|n| publisher.publish(n)));
            (0..100).for_each(|n| assert_eq!(last.recv(), Ok(n * n)));
            assert_eq!(last.recv(), Err(ENDED), "the end goes on to the next ring");
        });
    }
}

#[test]
fn a_reader_keeps_a_state_of_its_own_that_need_not_be_sent() {
    let mut publisher = RingPublisher::gated(8).expect("a capacity");
    let reader = publisher.subscribe();
    thread::scope(|scope| {
        let sums = scope.spawn(move || {
            let sum = Cell::new(0);
            let mut sums = Vec::new();
            run_to_end(reader, |n| {
                sum.set(sum.get() + n);
                sums.push(sum.get());
            });
            sums
        });
        (0..10).for_each(|n| publisher.publish(n));
        drop(publisher);
        assert_eq!(sums.join().expect("it adds"), [0, 1, 3, 6, 10, 15, 21, 28, 36, 45]);
    });
}
