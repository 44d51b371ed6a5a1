//! Batches: published and read as a whole, or by parts.

use crate::shared::{ENDED, Publisher, WAITS, rest};
use pulsebus::{Ring, RingFull, TryRecvError};
use std::thread;

#[test]
fn a_batch_for_which_there_is_not_enough_room_is_handed_back_as_a_whole() {
    for mut publisher in Publisher::both(4) {
        let mut reader = publisher.subscribe();
        publisher.publish_iter(0..2);
        assert_eq!(publisher.try_publish_iter(10..14), Err(4), "two places are missing");
        assert_eq!(publisher.try_publish_iter(10..112), Err(102), "more than it could ever hold");
        assert_eq!(publisher.try_publish_iter(10..13), Err(3));
        assert_eq!(reader.len(), 2, "nothing of them was published");
        assert_eq!(publisher.try_publish_iter(2..4), Ok(()));
        assert_eq!(rest(&mut reader), [0, 1, 2, 3]);
        assert_eq!(publisher.try_publish_iter(4..8), Ok(()), "the whole ring");
        assert_eq!(rest(&mut reader), [4, 5, 6, 7]);
    }
}

#[test]
fn a_batch_that_was_handed_back_can_be_published_later() {
    let ring = Ring::gated(4).expect("a capacity");
    let mut reader = ring.subscribe();
    ring.publish_batch(&[0, 1]);
    let batch = [2, 3, 4, 5];
    let RingFull(back) = ring.try_publish_batch(&batch).expect_err("there is room for two");
    assert_eq!(back, batch);
    assert_eq!(rest(&mut reader), [0, 1]);
    assert_eq!(ring.try_publish_batch(back), Ok(()));
    assert_eq!(rest(&mut reader), batch);
}

#[test]
fn an_empty_batch_publishes_nothing_and_needs_no_room() {
    for mut publisher in Publisher::<u32>::both(2) {
        let mut reader = publisher.subscribe();
        publisher.publish_iter([].into_iter());
        assert_eq!(publisher.try_publish_iter([].into_iter()), Ok(()));
        assert_eq!(reader.try_recv(), Err(TryRecvError::Empty));
        publisher.publish_iter([1, 2].into_iter());
        publisher.publish_iter([].into_iter());
        assert_eq!(publisher.try_publish_iter([].into_iter()), Ok(()), "though it is full");
        assert_eq!(rest(&mut reader), [1, 2]);
        drop(publisher);
        assert_eq!(reader.recv(), Err(ENDED));
    }
}

#[test]
fn a_batch_larger_than_the_ring_goes_by_parts_when_it_may_wait() {
    for wait in WAITS {
        for publisher in Publisher::both(4) {
            let mut publisher = publisher.with_wait(wait);
            let mut reader = publisher.subscribe();
            thread::scope(|scope| {
                scope.spawn(move || publisher.publish_iter(0..100));
                (0..100).for_each(|n| assert_eq!(reader.recv(), Ok(n)));
                assert_eq!(reader.recv(), Err(ENDED));
            });
        }
    }
}

#[test]
fn batches_of_several_publishers_are_each_in_a_row() {
    const BATCH: u32 = 5;
    const EACH: u32 = 200;
    let ring = Ring::gated(64).expect("a capacity");
    let mut reader = ring.subscribe();
    thread::scope(|scope| {
        for publisher in 0..3 {
            let ring = ring.clone();
            scope.spawn(move || {
                (0..EACH).for_each(|batch| ring.publish_iter((0..BATCH).map(|n| (publisher, batch, n))))
            });
        }
        drop(ring);
        let (mut next, mut batches) = ([0; 3], 0);
        while let Ok((publisher, batch, n)) = reader.recv() {
            assert_eq!((batch, n), (next[publisher as usize], 0), "a batch begins");
            (1..BATCH).for_each(|n| assert_eq!(reader.recv(), Ok((publisher, batch, n))));
            next[publisher as usize] += 1;
            batches += 1;
        }
        assert_eq!(batches, 3 * EACH);
    });
}

#[test]
fn a_reader_takes_as_many_as_it_asks_for_of_what_is_there() {
    for mut publisher in Publisher::both(8) {
        let mut reader = publisher.subscribe();
        publisher.publish_iter(0..8);
        let mut seen = Vec::new();
        assert_eq!(reader.try_read(3, |n| seen.push(*n)), Ok(3));
        assert_eq!(reader.try_read(1, |n| seen.push(*n)), Ok(1));
        assert_eq!(reader.try_read(64, |n| seen.push(*n)), Ok(4), "it does not wait for more");
        assert_eq!(reader.try_read(64, |n| seen.push(*n)), Err(TryRecvError::Empty));
        assert_eq!(seen, (0..8).collect::<Vec<_>>());
    }
}
