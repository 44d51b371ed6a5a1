//! Events that are made in their place: `publish_with` and `try_publish_with`, and what a panic there leaves.

use crate::shared::{LONG, Publish, gated, lossy, panics, single};
use pulsebus::{Ring, RingFull, RingReader, TryRecvError, Wait};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

/// Says how often one of its kind was dropped.
struct Noted<'a>(u32, &'a Cell<u32>);

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.1.set(self.1.get() + 1);
    }
}

fn numbers(reader: &mut RingReader<Noted<'_>>) -> Vec<u32> {
    let mut found = Vec::new();
    while reader.try_read(2, |event| found.push(event.0)).is_ok() {}
    found
}

fn publishes_what_is_made(mut publisher: impl Publish<u32>) {
    let mut reader = publisher.reader();
    for number in 0..10 {
        publisher.with(|| number);
        assert_eq!(publisher.try_with(|| number + 100).map_err(|_| ()), Ok(()));
        assert_eq!((reader.try_recv(), reader.try_recv()), (Ok(number), Ok(number + 100)));
    }
    assert_eq!(reader.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn what_is_made_in_its_place_is_published() {
    for capacity in [2, 3, 8] {
        publishes_what_is_made(lossy(capacity));
        publishes_what_is_made(gated(capacity));
        publishes_what_is_made(single(capacity));
    }
}

fn makes_nothing_when_full(mut publisher: impl Publish<String>, capacity: usize) {
    let mut reader = publisher.reader();
    for number in 0..capacity {
        publisher.with(|| number.to_string());
    }
    let made = Cell::new(0);
    let make = || {
        made.set(made.get() + 1);
        "late".to_string()
    };
    let Err(RingFull(make)) = publisher.try_with(make) else { panic!("it is full") };
    assert_eq!(made.get(), 0, "not asked for what there is no room for");
    assert_eq!(reader.recv().as_deref(), Ok("0"));
    assert!(publisher.try_with(make).is_ok());
    assert_eq!(made.get(), 1);
    assert_eq!(reader.drain(99).last().as_deref(), Some("late"));
}

#[test]
fn what_there_is_no_room_for_is_not_made() {
    for capacity in [1, 3, 4] {
        makes_nothing_when_full(gated(capacity), capacity);
        makes_nothing_when_full(single(capacity), capacity);
    }
}

#[test]
fn what_would_have_made_an_event_comes_back_with_what_it_holds() {
    let (mut ring, held) = (gated(1), Arc::new(()));
    let reader = ring.reader();
    ring.publish(held.clone());
    let moved = held.clone();
    let back = ring.try_with(move || moved).expect_err("it is full");
    assert_eq!(Arc::strong_count(&held), 3);
    drop(back);
    assert_eq!(Arc::strong_count(&held), 2);
    drop((ring, reader));
    assert_eq!(Arc::strong_count(&held), 1);
}

fn a_panic_publishes_nothing<'a>(mut publisher: impl Publish<Noted<'a>>, dropped: &'a Cell<u32>, places: u32) {
    let mut reader = publisher.reader();
    // In the first round, and where there was something.
    for round in 0..3 * places {
        publisher.with(|| Noted(round, dropped));
        panics(|| publisher.with(|| panic!("no event")));
        panics(|| _ = publisher.try_with(|| panic!("no event")).is_ok());
        publisher.with(|| Noted(round + 1000, dropped));
        assert_eq!(numbers(&mut reader), [round, round + 1000]);
    }
    drop((publisher, reader));
    assert_eq!(dropped.get(), 6 * places, "each once");
}

#[test]
fn a_panic_while_an_event_is_made_publishes_nothing_and_drops_nothing_twice() {
    for capacity in [4_u32, 5, 8] {
        let (a, b, c) = (Cell::new(0), Cell::new(0), Cell::new(0));
        a_panic_publishes_nothing(lossy(capacity as usize), &a, capacity);
        a_panic_publishes_nothing(gated(capacity as usize), &b, capacity);
        a_panic_publishes_nothing(single(capacity as usize), &c, capacity);
    }
}

fn a_panic_leaves_plain_events(mut publisher: impl Publish<[u64; 9]>) {
    let mut reader = publisher.reader();
    for round in 0..50 {
        publisher.with(|| [round; 9]);
        panics(|| publisher.with(|| panic!("no event")));
        publisher.with(|| [round + 1000; 9]);
        let mut found = Vec::new();
        while reader.try_read(9, |event| found.push(*event)).is_ok() {}
        assert_eq!(found, [[round; 9], [round + 1000; 9]]);
    }
}

#[test]
fn a_panic_while_a_plain_event_is_made_publishes_nothing() {
    for capacity in [3, 4, 7] {
        a_panic_leaves_plain_events(lossy(capacity));
        a_panic_leaves_plain_events(gated(capacity));
        a_panic_leaves_plain_events(single(capacity));
    }
}

/// Another publisher's event lies behind a place that is being made; then making panics.
fn wakes_behind_a_skipped_place(ring: Ring<String>) {
    let mut reader = ring.subscribe();
    let (asked, told) = std::sync::mpsc::channel();
    let reading = thread::spawn(move || {
        asked.send(()).expect("somebody listens");
        reader.recv_timeout(LONG)
    });
    told.recv().expect("it begins");
    let other = ring.clone();
    panics(|| {
        ring.publish_with(|| {
            other.publish("behind".to_string());
            // The reader sleeps, or is about to, and has found nothing that it can read.
            thread::sleep(Duration::from_millis(100));
            panic!("no event")
        })
    });
    assert_eq!(reading.join().expect("it waits").as_deref(), Ok("behind"));
}

#[test]
fn a_sleeping_reader_is_woken_for_what_lies_behind_an_event_that_was_not_made() {
    wakes_behind_a_skipped_place(lossy(4));
    wakes_behind_a_skipped_place(gated(4));
}

#[test]
fn what_is_published_while_an_event_of_a_lossy_ring_is_made_comes_before_it() {
    let ring = lossy(2);
    let mut reader = ring.subscribe();
    ring.publish_with(|| {
        ring.publish_batch(&[1, 2]);
        assert_eq!(reader.drain(9).collect::<Vec<_>>(), [1, 2], "nobody is held up");
        3
    });
    assert_eq!(reader.recv(), Ok(3));
}

#[test]
fn a_publisher_that_waits_for_room_makes_its_event_once_and_its_panic_goes_on() {
    let mut publisher = single(1).with_wait(Wait::Park);
    let mut reader = publisher.subscribe();
    publisher.publish(1);
    let made = AtomicUsize::new(0);
    thread::scope(|scope| {
        let publishing = scope.spawn(|| {
            publisher.publish_with(|| {
                made.fetch_add(1, SeqCst);
                2
            });
            let failed = catch_unwind(AssertUnwindSafe(|| {
                publisher.publish_with(|| {
                    made.fetch_add(1, SeqCst);
                    panic!("no event")
                })
            }));
            assert!(failed.is_err());
            publisher.publish_with(|| 3);
        });
        let mut found = Vec::new();
        while found.len() < 3 {
            found.push(reader.recv_timeout(LONG).expect("it comes"));
        }
        assert_eq!(found, [1, 2, 3]);
        publishing.join().expect("it publishes");
    });
    assert_eq!(made.load(SeqCst), 2);
}
