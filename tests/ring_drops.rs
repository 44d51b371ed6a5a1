//! The broadcast ring: every event is dropped once, whoever has overwritten it, is reading it, or has panicked; and panics leave
//! the ring as usable as before.

mod common;

use common::{Guard, Tally};
use pulsebus::{Ring, RingPublisher, TryRecvError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

fn both<E>(capacity: usize) -> [Ring<E>; 2] {
    [Ring::lossy(capacity).expect("a capacity"), Ring::gated(capacity).expect("a capacity")]
}

fn panics<R>(f: impl FnOnce() -> R) {
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err(), "it was to panic");
}

#[test]
fn events_are_dropped_once_when_they_are_overwritten_or_with_the_ring() {
    for capacity in [1, 2, 3, 8] {
        for published in [0_usize, 1, 2, 3, 7, 8, 9, 50] {
            let tally = Tally::new();
            for ring in both(capacity) {
                let before = tally.dropped();
                (0..published).for_each(|_| ring.publish(tally.guard()));
                let places = if ring.subscribe().then().is_ok() { capacity.next_power_of_two() } else { capacity };
                assert_eq!(tally.dropped() - before, published.saturating_sub(places), "dropped when overwritten");
                drop(ring);
                tally.assert_all_dropped();
            }
            let mut publisher = RingPublisher::gated(capacity).expect("a capacity");
            publisher.publish_iter((0..published).map(|_| tally.guard()));
            drop(publisher);
            tally.assert_all_dropped();
        }
    }
}

#[test]
fn a_reader_keeps_the_ring_and_what_is_in_it() {
    for ring in both(4) {
        let tally = Tally::new();
        let mut reader = ring.subscribe();
        ring.publish_iter((0..3).map(|_| tally.guard()));
        drop(ring);
        assert_eq!(reader.try_read(8, Guard::check), Ok(3));
        assert_eq!(tally.dropped(), 0);
        drop(reader);
        tally.assert_all_dropped();
    }
}

#[test]
fn what_is_read_while_it_is_overwritten_is_dropped_by_the_last_reader() {
    let tally = Tally::new();
    let ring = Ring::lossy(2).expect("a capacity");
    let (mut one, mut two) = (ring.subscribe(), ring.subscribe());
    ring.publish(tally.guard());
    let lent = one.try_read(1, |event| {
        let lent = two.try_read(1, |same| {
            ring.publish_iter((0..4).map(|_| tally.guard()));
            assert_eq!(tally.dropped(), 2, "of five, two are in the ring and one is being read");
            same.check();
        });
        assert_eq!((lent, tally.dropped()), (Ok(1), 2));
        event.check();
    });
    assert_eq!((lent, tally.dropped()), (Ok(1), 3));
    drop((one, two, ring));
    tally.assert_all_dropped();
}

/// Panics when it is cloned, or dropped, if told so.
struct Fragile {
    number: u32,
    clone: Arc<AtomicBool>,
    guard: Option<Guard>,
    drop: bool,
    tally: Tally,
}

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert!(!self.clone.load(SeqCst), "a clone that panics");
        let guard = Some(self.tally.guard());
        Self { number: self.number, clone: self.clone.clone(), guard, drop: self.drop, tally: self.tally.clone() }
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        drop(self.guard.take());
        assert!(!self.drop || std::thread::panicking(), "a destructor that panics");
    }
}

struct Maker(Tally, Arc<AtomicBool>);

impl Maker {
    fn new() -> Self {
        Self(Tally::new(), Arc::default())
    }

    fn make(&self, number: u32) -> Fragile {
        let guard = Some(self.0.guard());
        Fragile { number, clone: self.1.clone(), guard, drop: false, tally: self.0.clone() }
    }
}

#[test]
fn a_clone_that_panics_leaves_the_reader_behind_the_event_and_the_ring_usable() {
    for ring in both(2) {
        let maker = Maker::new();
        let mut reader = ring.subscribe();
        ring.publish_iter([maker.make(1), maker.make(2)]);
        maker.1.store(true, SeqCst);
        panics(|| reader.try_recv());
        maker.1.store(false, SeqCst);
        assert_eq!(reader.try_recv().map(|event| event.number), Ok(2));
        // The place is not stuck.
        for number in 3..10 {
            ring.try_publish(maker.make(number)).map_err(drop).expect("all was read");
            assert_eq!(reader.try_recv().map(|event| event.number), Ok(number));
        }
        assert_eq!(ring.figures().spares, 0, "nobody was overtaken inside");
        drop((ring, reader));
        maker.0.assert_all_dropped();
    }
}

#[test]
fn a_clone_that_panics_while_its_event_is_overwritten_lets_it_go() {
    let tally = Tally::new();
    let ring = Ring::lossy(1).expect("a capacity");
    let mut reader = ring.subscribe();
    ring.publish(tally.guard());
    panics(|| {
        reader.try_read(1, |_| {
            ring.publish(tally.guard());
            panic!("after it was overwritten");
        })
    });
    assert_eq!(tally.dropped(), 1);
    assert_eq!(reader.try_read(1, Guard::check), Ok(1));
    drop((ring, reader));
    tally.assert_all_dropped();
}

#[test]
fn a_closure_that_panics_leaves_the_reader_behind_the_event_it_panicked_with() {
    for ring in both(8) {
        let mut reader = ring.subscribe();
        ring.publish_batch(&[1, 2, 3, 4]);
        panics(|| reader.try_read(8, |&n| assert!(n < 2)));
        assert_eq!(reader.drain(8).collect::<Vec<_>>(), [3, 4]);
    }
    let mut publisher = RingPublisher::gated(4).expect("a capacity");
    let mut reader = publisher.subscribe();
    publisher.publish_batch(&[1, 2, 3, 4]);
    panics(|| reader.try_read(8, |&n| assert!(n < 2)));
    // The publisher knows how far it has come.
    assert!(publisher.try_publish_batch(&[5, 6]).is_ok() && publisher.try_publish(7).is_err());
    assert_eq!(reader.drain(8).collect::<Vec<_>>(), [3, 4, 5, 6]);
}

#[test]
fn a_panic_in_what_reads_leaves_the_reader_behind_that_event() {
    let (ring, mut publisher) = (Ring::gated(8).expect("a capacity"), RingPublisher::gated(8).expect("a capacity"));
    let (marked, plain) = (ring.subscribe(), publisher.subscribe());
    let after = marked.then().expect("a gated ring");
    ring.publish_batch(&[1, 2, 3]);
    publisher.publish_batch(&[1, 2, 3]);
    for mut reader in [marked, after, plain] {
        panics(|| _ = reader.try_read(9, |event| assert_ne!(*event, 2)));
        assert_eq!(reader.drain(9).collect::<Vec<_>>(), [3]);
    }
}

#[test]
fn a_batch_whose_clone_panics_ends_there_and_the_ring_goes_on() {
    for ring in both(8) {
        let maker = Maker::new();
        let mut reader = ring.subscribe();
        let cloned = AtomicUsize::new(0);
        for _ in 0..5 {
            let events = (0..4).map(|n| {
                assert!(cloned.fetch_add(1, SeqCst) % 3 != 2, "the third one panics");
                maker.make(n)
            });
            panics(|| ring.publish_iter(events));
            ring.publish(maker.make(9));
            let mut read = Vec::new();
            assert_eq!(reader.try_read(8, |event| read.push(event.number)), Ok(3));
            assert_eq!(read, [0, 1, 9]);
        }
        drop((ring, reader));
        maker.0.assert_all_dropped();
    }
    let maker = Maker::new();
    let mut publisher = RingPublisher::gated(4).expect("a capacity");
    let mut reader = publisher.subscribe();
    for _ in 0..5 {
        panics(|| publisher.publish_iter((0..4).map(|n| if n < 2 { maker.make(n) } else { panic!("the third one") })));
        publisher.publish(maker.make(9));
        let read: Vec<_> = reader.drain(8).map(|event| event.number).collect();
        assert_eq!(read, [0, 1, 9]);
    }
    drop((publisher, reader));
    maker.0.assert_all_dropped();
}

#[test]
fn a_destructor_that_panics_reaches_who_has_overwritten_and_the_event_is_published() {
    for ring in both(2) {
        let maker = Maker::new();
        let mut reader = ring.subscribe();
        for number in [1, 2] {
            let mut event = maker.make(number);
            event.drop = true;
            ring.publish(event);
            assert_eq!(reader.try_read(1, |_| {}), Ok(1));
        }
        panics(|| ring.publish(maker.make(3)));
        assert_eq!(reader.try_recv().map(|event| event.number), Ok(3));
        // In a batch the rest of it is not published; nor is the place stuck.
        panics(|| ring.publish_iter([maker.make(4), maker.make(5)]));
        assert_eq!(reader.try_recv().map(|event| event.number), Ok(4));
        assert_eq!(reader.try_recv().map(|event| event.number), Err(TryRecvError::Empty));
        for number in 6..12 {
            ring.publish(maker.make(number));
            assert_eq!(reader.try_recv().map(|event| event.number), Ok(number));
        }
        drop((ring, reader));
        maker.0.assert_all_dropped();
    }
}

/// Its destructor panics, if it says so.
struct Angry(bool, u32);

impl Drop for Angry {
    fn drop(&mut self) {
        if std::mem::take(&mut self.0) {
            panic!("let go of");
        }
    }
}

#[test]
fn a_destructor_that_panics_in_the_middle_of_a_batch_ends_it_there_and_what_is_written_is_read() {
    for at in [0, 31, 32, 40] {
        let (ring, mut publisher) =
            (Ring::gated(64).expect("a capacity"), RingPublisher::gated(64).expect("a capacity"));
        let (mut marked, mut plain) = (ring.subscribe(), publisher.subscribe());
        let first = || (0..64).map(move |n| Angry(n == at, n)).collect::<Vec<_>>();
        ring.publish_iter(first());
        publisher.publish_iter(first());
        assert_eq!((marked.try_read(99, |_| ()), plain.try_read(99, |_| ())), (Ok(64), Ok(64)));
        panics(|| ring.publish_iter((0..64).map(|n| Angry(false, n)).collect::<Vec<_>>()));
        panics(|| publisher.publish_iter((0..64).map(|n| Angry(false, n)).collect::<Vec<_>>()));
        for reader in [&mut marked, &mut plain] {
            let mut found = Vec::new();
            while reader.try_read(7, |event| found.push(event.1)).is_ok() {}
            assert_eq!(found, (0..=at).collect::<Vec<_>>());
        }
    }
}

#[test]
fn destructors_that_panic_with_the_ring_keep_no_other_from_being_dropped() {
    for ring in both(4) {
        let maker = Maker::new();
        for number in 0..3 {
            let mut event = maker.make(number);
            event.drop = number != 1;
            ring.publish(event);
        }
        drop(ring);
        maker.0.assert_all_dropped();
    }
}

#[test]
fn an_event_may_hold_a_handle_of_its_ring() {
    #[allow(dead_code, reason = "held for its destructor")]
    struct Holding(Option<Ring<Holding>>, Guard);
    let tally = Tally::new();
    for ring in both(2) {
        for _ in 0..5 {
            ring.publish(Holding(Some(ring.clone()), tally.guard()));
        }
        // Else they keep each other.
        for _ in 0..4 {
            ring.publish(Holding(None, tally.guard()));
        }
    }
    tally.assert_all_dropped();
}

#[test]
fn a_destructor_may_publish_to_its_own_lossy_ring() {
    struct Again(Option<Ring<Again>>, Tally, #[allow(dead_code, reason = "held for its destructor")] Guard);
    impl Drop for Again {
        fn drop(&mut self) {
            if let Some(ring) = self.0.take() {
                let guard = self.1.guard();
                ring.publish(Again(None, self.1.clone(), guard));
            }
        }
    }
    let tally = Tally::new();
    let ring = Ring::lossy(2).expect("a capacity");
    for _ in 0..10 {
        ring.publish(Again(Some(ring.clone()), tally.clone(), tally.guard()));
    }
    (0..4).for_each(|_| ring.publish(Again(None, tally.clone(), tally.guard())));
    drop(ring);
    tally.assert_all_dropped();
}
