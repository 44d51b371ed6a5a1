//! The broadcast ring makes no heap call once it is warm, whatever is done with it. The tests run one after another, each counting its
//! own thread's calls.

mod counting;

use counting::heap_calls;
use pulsebus::{Ring, RingPublisher, Signal};
use std::hint::black_box;
use std::time::Duration;

/// Runs `round` until it has warmed up, and then as often again: with how many heap calls?
fn heap_calls_once_warm(rounds: usize, mut round: impl FnMut()) -> u64 {
    (0..rounds).for_each(|_| round());
    heap_calls(|| (0..rounds).for_each(|_| round()))
}

#[test]
fn the_counter_counts() {
    assert_eq!(heap_calls(|| drop(black_box(Box::new(1)))), 2);
}

#[test]
fn publishing_and_reading_make_no_heap_calls() {
    for ring in [Ring::lossy(16).expect("a capacity"), Ring::gated(16).expect("a capacity")] {
        let mut readers = [ring.subscribe(), ring.subscribe()];
        let calls = heap_calls_once_warm(100, || {
            ring.publish(1_u64);
            assert!(ring.publish_timeout(2, Duration::ZERO).is_ok());
            ring.publish_batch(&[3; 8]);
            ring.publish_iter([4; 4]);
            for reader in &mut readers {
                assert_eq!(reader.try_recv(), Ok(1));
                assert_eq!(reader.recv(), Ok(2));
                assert_eq!(reader.try_read(4, |n| assert_eq!(*n, 3)), Ok(4));
                assert_eq!(reader.drain(100).count(), 8);
                assert!(reader.recv_timeout(Duration::ZERO).is_err());
            }
        });
        assert_eq!(calls, 0);
    }
}

#[test]
fn overtaking_makes_no_heap_calls() {
    let ring = Ring::lossy(4).expect("a capacity");
    let (mut slow, mut inside) = (ring.subscribe(), ring.subscribe());
    let calls = heap_calls_once_warm(100, || {
        ring.publish_batch(&[1_u64; 4]);
        // While it is being read.
        let _ = inside.try_read(1, |_| ring.publish_batch(&[2; 9]));
        while inside.try_recv().is_err() {}
        assert!(slow.try_recv().is_err(), "it has lost some");
    });
    assert_eq!(calls, 0);
}

#[test]
fn a_single_publisher_makes_no_heap_calls() {
    let mut publisher = RingPublisher::gated(16).expect("a capacity");
    let mut first = publisher.subscribe();
    let mut second = first.then().expect("a gated ring");
    let calls = heap_calls_once_warm(100, || {
        (0..8).for_each(|n: u64| publisher.publish(n));
        publisher.publish_batch(&[3; 8]);
        assert!(publisher.try_publish(0).is_err());
        assert_eq!((first.drain(16).count(), second.drain(16).count()), (16, 16));
    });
    assert_eq!(calls, 0);
}

#[test]
fn coming_and_going_readers_make_no_heap_calls() {
    for ring in [Ring::<u64>::lossy(4).expect("a capacity"), Ring::gated(4).expect("a capacity")] {
        let calls = heap_calls_once_warm(10, || drop((ring.subscribe(), ring.subscribe_oldest())));
        assert_eq!(calls, 0, "records of readers are used again");
    }
}

#[test]
fn emitting_to_a_ring_makes_no_heap_calls() {
    let signal = Signal::<u64>::new();
    let rings = [signal.ring(8).expect("a capacity"), signal.ring_gated(8, Duration::ZERO).expect("a capacity")];
    let mut readers = rings.each_ref().map(|ring| ring.subscribe());
    let calls = heap_calls_once_warm(100, || {
        signal.emit(&1);
        signal.emit_batch(&[2; 4]);
        readers.iter_mut().for_each(|reader| assert_eq!(reader.drain(8).count(), 5));
    });
    assert_eq!(calls, 0);
}
