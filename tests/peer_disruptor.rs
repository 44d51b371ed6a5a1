//! What the crate `disruptor` (and LMAX's original) holds its ring to, asked of the gated rings here, with one publisher and
//! with many. Where they differ, the test says what holds here, and `docs/PEERS.md` what holds there.

mod common;

use common::Tally;
use pulsebus::{
    AfterError, CapacityError, CloseReason, RecvError, Ring, RingFull, RingPublisher, RingReader, TryRecvError, Wait,
};
use std::cell::Cell;
use std::sync::{Arc, mpsc};
use std::thread;

const WAITS: [Wait; 3] = [Wait::Spin, Wait::Yield, Wait::Park];

/// A ring with one publisher, or with any number: what is published to.
enum Publisher<E> {
    Single(RingPublisher<E>),
    Many(Ring<E>),
}

impl<E> Publisher<E> {
    fn both(capacity: usize) -> [Self; 2] {
        [
            Self::Single(RingPublisher::gated(capacity).expect("a capacity")),
            Self::Many(Ring::gated(capacity).expect("a capacity")),
        ]
    }

    fn with_wait(self, wait: Wait) -> Self {
        match self {
            Self::Single(publisher) => Self::Single(publisher.with_wait(wait)),
            Self::Many(ring) => Self::Many(ring.with_wait(wait)),
        }
    }

    fn publish(&mut self, event: E) {
        match self {
            Self::Single(publisher) => publisher.publish(event),
            Self::Many(ring) => ring.publish(event),
        }
    }

    fn try_publish(&mut self, event: E) -> Result<(), RingFull<E>> {
        match self {
            Self::Single(publisher) => publisher.try_publish(event),
            Self::Many(ring) => ring.try_publish(event),
        }
    }

    fn publish_iter(&mut self, events: impl ExactSizeIterator<Item = E>) {
        match self {
            Self::Single(publisher) => publisher.publish_iter(events),
            Self::Many(ring) => ring.publish_iter(events),
        }
    }

    /// How many there are of them, if there is no room.
    fn try_publish_iter(&mut self, events: impl ExactSizeIterator<Item = E>) -> Result<(), usize> {
        match self {
            Self::Single(publisher) => publisher.try_publish_iter(events).map_err(|RingFull(events)| events.len()),
            Self::Many(ring) => ring.try_publish_iter(events).map_err(|RingFull(events)| events.len()),
        }
    }

    fn subscribe(&self) -> RingReader<E> {
        match self {
            Self::Single(publisher) => publisher.subscribe(),
            Self::Many(ring) => ring.subscribe(),
        }
    }

    fn subscribe_after(&self, readers: &[&RingReader<E>]) -> RingReader<E> {
        let reader = match self {
            Self::Single(publisher) => publisher.subscribe_after(readers),
            Self::Many(ring) => ring.subscribe_after(readers),
        };
        reader.expect("readers of this gated ring")
    }
}

fn rest<E: Clone>(reader: &mut RingReader<E>) -> Vec<E> {
    reader.drain(usize::MAX).collect()
}

/// Reads to the end.
fn run_to_end<E>(mut reader: RingReader<E>, mut f: impl FnMut(&E)) -> RecvError {
    loop {
        if let Err(end) = reader.read(64, &mut f) {
            return end;
        }
    }
}

const ENDED: RecvError = RecvError::Closed(CloseReason::PublishersGone);

// --- capacities ------------------------------------------------------------------------------------------------------

#[test]
fn any_capacity_but_zero_will_do_power_of_two_or_not() {
    for capacity in [1, 2, 3, 7, 32, 63, 64, 65] {
        for mut publisher in Publisher::both(capacity) {
            let mut reader = publisher.subscribe();
            publisher.publish_iter((0..capacity as u32).collect::<Vec<_>>().into_iter());
            assert_eq!(publisher.try_publish(0), Err(RingFull(0)));
            assert_eq!(rest(&mut reader).len(), capacity);
        }
    }
    assert_eq!(Ring::<u32>::gated(0).err(), Some(CapacityError::Zero));
    assert_eq!(RingPublisher::<u32>::gated(0).err(), Some(CapacityError::Zero));
}

#[test]
fn a_full_ring_stays_full_until_its_reader_goes_on() {
    for mut publisher in Publisher::both(4) {
        let mut reader = publisher.subscribe();
        (0..4).for_each(|n| assert_eq!(publisher.try_publish(n), Ok(())));
        for _ in 0..3 {
            assert_eq!(publisher.try_publish(4), Err(RingFull(4)));
        }
        assert_eq!(reader.try_recv(), Ok(0));
        assert_eq!(publisher.try_publish(4), Ok(()));
        assert_eq!(publisher.try_publish(5), Err(RingFull(5)));
        drop(publisher);
        assert_eq!(rest(&mut reader), [1, 2, 3, 4]);
    }
}

#[test]
fn a_full_ring_is_full_for_every_publisher() {
    let ring = Ring::gated(64).expect("a capacity");
    let (mut reader, other) = (ring.subscribe(), ring.clone());
    (0..64).for_each(|n| assert_eq!(ring.try_publish(n), Ok(())));
    assert_eq!((ring.try_publish(64), other.try_publish(64)), (Err(RingFull(64)), Err(RingFull(64))));
    // Each of them waits, and gets room when there is some.
    thread::scope(|scope| {
        scope.spawn(|| ring.publish(64));
        scope.spawn(|| other.publish(65));
        (0..64).for_each(|n| assert_eq!(reader.recv(), Ok(n)));
        let mut last = [reader.recv().expect("two are on their way"), reader.recv().expect("two are on their way")];
        last.sort_unstable();
        assert_eq!(last, [64, 65]);
    });
}

#[test]
fn a_ring_is_full_by_the_slowest_of_its_readers() {
    for mut publisher in Publisher::both(4) {
        let mut readers = [publisher.subscribe(), publisher.subscribe(), publisher.subscribe()];
        (0..4).for_each(|n| publisher.publish(n));
        let (slowest, others) = readers.split_last_mut().expect("three");
        for reader in others {
            assert_eq!(rest(reader), [0, 1, 2, 3]);
            assert!(publisher.try_publish(4).is_err());
        }
        assert_eq!(slowest.try_recv(), Ok(0));
        assert_eq!(publisher.try_publish(4), Ok(()));
        assert!(publisher.try_publish(5).is_err());
    }
}

// --- batches ---------------------------------------------------------------------------------------------------------

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

// --- readers ---------------------------------------------------------------------------------------------------------

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

// --- the end ---------------------------------------------------------------------------------------------------------

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
