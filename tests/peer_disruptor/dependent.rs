//! Readers that go after others: rows, diamonds, and branches of different lengths.

use crate::shared::{ENDED, Publisher, rest, run_to_end};
use pulsebus::{AfterError, Ring, RingFull, TryRecvError, Wait};
use std::sync::Arc;
use std::thread;

#[test]
fn dependent_readers_see_an_event_when_those_before_them_have_read_it() {
    for mut publisher in Publisher::both(8) {
        let mut first = publisher.subscribe();
        let mut second = first.then().expect("a gated ring");
        let mut third = publisher.subscribe_after(&[&second]);
        let empty = Err(TryRecvError::Empty);
        assert_eq!((first.try_recv(), second.try_recv(), third.try_recv()), (empty, empty, empty));
        publisher.publish_iter(1..3);
        assert_eq!((first.len(), second.len(), third.len()), (2, 0, 0), "what it may read");
        assert_eq!((second.try_recv(), third.try_recv()), (empty, empty));
        assert_eq!(rest(&mut first), [1, 2]);
        assert_eq!(third.try_recv(), empty);
        // One at a time.
        for n in 1..3 {
            assert_eq!(second.drain(1).collect::<Vec<_>>(), [n]);
            assert_eq!(third.try_recv(), Ok(n));
            assert_eq!(third.try_recv(), empty);
        }
        drop(publisher);
        for reader in [&mut first, &mut second, &mut third] {
            assert_eq!(reader.recv(), Err(ENDED));
        }
    }
}

#[test]
fn a_dependent_reader_sees_an_event_only_after_the_call_that_read_it_before_has_returned() {
    for mut publisher in Publisher::both(8) {
        let mut first = publisher.subscribe();
        let mut second = first.then().expect("a gated ring");
        publisher.publish_iter(0..4);
        let seen = first.try_read(4, |_| assert_eq!(second.try_recv(), Err(TryRecvError::Empty)));
        assert_eq!(seen, Ok(4));
        assert_eq!(rest(&mut second), [0, 1, 2, 3]);
    }
}

#[test]
fn a_reader_after_several_goes_by_the_slowest_of_them() {
    for mut publisher in Publisher::both(8) {
        let mut ahead = [publisher.subscribe(), publisher.subscribe(), publisher.subscribe()];
        let mut after = publisher.subscribe_after(&ahead.each_ref());
        publisher.publish_iter(0..4);
        for (nth, count) in [(0, 4), (1, 2), (2, 3)] {
            assert_eq!(after.try_recv(), Err(TryRecvError::Empty));
            assert_eq!(ahead[nth].drain(count).count(), count);
        }
        assert_eq!(rest(&mut after), [0, 1]);
        assert_eq!(rest(&mut ahead[1]), [2, 3]);
        assert_eq!(rest(&mut after), [2]);
    }
}

#[test]
fn the_last_reader_of_a_row_holds_the_publisher_back() {
    for mut publisher in Publisher::both(2) {
        let mut first = publisher.subscribe();
        let mut second = first.then().expect("a gated ring");
        publisher.publish_iter(0..2);
        assert_eq!(rest(&mut first), [0, 1]);
        assert_eq!(publisher.try_publish(2), Err(RingFull(2)));
        assert_eq!(second.try_recv(), Ok(0));
        assert_eq!(publisher.try_publish(2), Ok(()));
        assert_eq!(publisher.try_publish(3), Err(RingFull(3)));
    }
}

/// An event whose fields are written by the steps.
#[derive(Default)]
struct Work {
    number: u64,
    doubled: std::sync::OnceLock<u64>,
    squared: std::sync::OnceLock<u64>,
}

#[test]
fn in_a_diamond_the_last_step_finds_what_both_before_it_have_written() {
    // (Four threads that spin take turns for ever where there are two cores.)
    for wait in [Wait::Yield, Wait::Park] {
        for publisher in Publisher::both(16) {
            let mut publisher = publisher.with_wait(wait);
            let (double, square) = (publisher.subscribe(), publisher.subscribe());
            let join = publisher.subscribe_after(&[&double, &square]);
            thread::scope(|scope| {
                scope.spawn(|| run_to_end(double, |work: &Work| work.doubled.set(work.number * 2).expect("once")));
                scope.spawn(|| run_to_end(square, |work| work.squared.set(work.number * work.number).expect("once")));
                let joined = scope.spawn(|| {
                    let mut numbers = 0;
                    run_to_end(join, |work| {
                        let found = (work.doubled.get().copied(), work.squared.get().copied());
                        assert_eq!(found, (Some(numbers * 2), Some(numbers * numbers)));
                        numbers += 1;
                    });
                    numbers
                });
                (0..1_000).for_each(|number| publisher.publish(Work { number, ..Work::default() }));
                drop(publisher);
                assert_eq!(joined.join().expect("it finds all"), 1_000);
            });
        }
    }
}

#[test]
fn branches_of_different_lengths_join() {
    // One branch of three steps, one of a single step, and a reader after both.
    for publisher in Publisher::both(8) {
        let mut publisher = publisher;
        let first = publisher.subscribe();
        let second = first.then().expect("a gated ring");
        let third = second.then().expect("a gated ring");
        let aside = publisher.subscribe();
        let join = publisher.subscribe_after(&[&third, &aside]);
        let steps: Arc<[Cells; 4]> = Arc::default();
        thread::scope(|scope| {
            for (nth, reader) in [first, second, third, aside].into_iter().enumerate() {
                let steps = steps.clone();
                scope.spawn(move || {
                    run_to_end(reader, |n: &u64| {
                        // Of the branch, each step finds the step before it done.
                        assert!(nth == 0 || nth == 3 || steps[nth - 1].get() > *n);
                        steps[nth].set(n + 1);
                    })
                });
            }
            let steps = steps.clone();
            let joined = scope.spawn(move || {
                run_to_end(join, |n| assert!(steps.iter().all(|step| step.get() > *n)));
                steps.iter().map(Cells::get).collect::<Vec<_>>()
            });
            (0..1_000).for_each(|n| publisher.publish(n));
            drop(publisher);
            assert_eq!(joined.join().expect("all were before it"), [1_000; 4]);
        });
    }
}

/// How far a step has come.
#[derive(Default)]
struct Cells(std::sync::atomic::AtomicU64);

impl Cells {
    fn get(&self) -> u64 {
        // Relaxed: the ring orders it, which is what is tested.
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn set(&self, n: u64) {
        self.0.store(n, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn readers_of_a_lossy_ring_do_not_depend_on_each_other() {
    let ring = Ring::<u32>::lossy(4).expect("a capacity");
    let reader = ring.subscribe();
    assert_eq!(reader.then().err(), Some(AfterError::Lossy));
    assert_eq!(ring.subscribe_after(&[&reader]).err(), Some(AfterError::Lossy));
    let gated = Ring::<u32>::gated(4).expect("a capacity");
    assert_eq!(gated.subscribe_after(&[]).err(), Some(AfterError::Nobody));
}
