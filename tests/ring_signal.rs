//! The broadcast ring behind a signal: what is emitted is published, and both end with each other.

mod common;

use common::{Tally, collect_all};
use pulsebus::{
    CapacityError, CloseReason, Domain, PanicPolicy, RecvError, RecvTimeoutError, Signal, TryRecvError, Wait,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

#[test]
fn every_reader_gets_what_is_emitted_after_it_has_subscribed() {
    let signal = Signal::<u32>::new();
    let ring = signal.ring(8).expect("a capacity");
    let mut one = ring.subscribe();
    signal.emit(&1);
    let mut two = ring.subscribe();
    signal.emit_batch(&[2, 3]);
    assert_eq!(one.drain(8).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(two.drain(8).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(ring.subscribe_oldest().drain(8).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(signal.len(), 1, "one slot, whatever the number of readers");
}

#[test]
fn a_capacity_that_is_refused_connects_nothing() {
    let signal = Signal::<u32>::new();
    assert_eq!(signal.ring(0).err(), Some(CapacityError::Zero));
    assert_eq!(signal.ring_gated(0, Duration::ZERO).err(), Some(CapacityError::Zero));
    assert!(signal.is_empty());
}

#[test]
fn one_clone_per_event_whatever_the_number_of_readers() {
    struct Counted(Arc<AtomicUsize>);
    impl Clone for Counted {
        fn clone(&self) -> Self {
            self.0.fetch_add(1, SeqCst);
            Self(self.0.clone())
        }
    }
    let clones = Arc::new(AtomicUsize::new(0));
    let signal = Signal::<Counted>::new();
    let ring = signal.ring(8).expect("a capacity");
    let mut readers: Vec<_> = (0..5).map(|_| ring.subscribe()).collect();
    let events = [0, 1, 2].map(|_| Counted(clones.clone()));
    signal.emit_batch(&events);
    readers.iter_mut().for_each(|reader| assert_eq!(reader.try_read(8, |_| {}), Ok(3)));
    assert_eq!(clones.load(SeqCst), 3);
}

#[test]
fn an_emission_waits_for_no_reader_and_who_is_slow_is_told() {
    let signal = Signal::<u32>::new();
    let ring = signal.ring(2).expect("a capacity");
    let mut slow = ring.subscribe();
    for n in 0..100 {
        signal.emit(&n);
    }
    assert_eq!(slow.try_recv(), Err(TryRecvError::Lagged(98)));
    assert_eq!(slow.drain(8).collect::<Vec<_>>(), [98, 99]);
    assert_eq!(ring.figures().lost, 98);
}

#[test]
fn a_gated_emission_waits_for_its_readers() {
    let signal = Arc::new(Signal::<u32>::new());
    let ring = signal.ring_gated(2, Duration::MAX).expect("a capacity");
    let mut reader = ring.subscribe();
    let emitting = thread::spawn(move || {
        for n in 0..50 {
            signal.emit(&n);
        }
        signal.emit_batch(&(50..100).collect::<Vec<_>>());
    });
    let mut got = Vec::new();
    while let Ok(event) = reader.recv() {
        got.push(event);
    }
    emitting.join().expect("it emits");
    assert_eq!(got, (0..100).collect::<Vec<_>>());
    assert_eq!((ring.figures().lost, ring.figures().refused), (0, 0));
}

#[test]
fn what_finds_no_room_in_time_is_counted() {
    let signal = Signal::<u32>::new();
    let ring = signal.ring_gated(2, Duration::from_millis(1)).expect("a capacity");
    let mut reader = ring.subscribe();
    signal.emit_batch(&[1, 2, 3, 4]);
    signal.emit(&5);
    assert_eq!(ring.figures().refused, 3);
    assert_eq!(reader.drain(8).collect::<Vec<_>>(), [1, 2]);
    signal.emit(&6);
    assert_eq!(reader.try_recv(), Ok(6));
}

#[test]
fn the_connection_ends_with_the_last_handle_and_reader() {
    let signal = Signal::<u32>::new();
    let ring = signal.ring_gated(4, Duration::ZERO).expect("a capacity");
    let connection = ring.connection();
    let reader = ring.subscribe();
    let second = reader.then().expect("a gated ring");
    let after = ring.subscribe_after(&[&reader]).expect("a gated ring");
    drop(ring.clone());
    drop(ring);
    drop(reader);
    drop(after);
    assert!(connection.is_connected());
    drop(second);
    assert!(!connection.is_connected() && signal.is_empty());
}

#[test]
fn the_stream_ends_with_the_signal_behind_what_was_emitted() {
    for wait in [Wait::Spin, Wait::Yield, Wait::Park] {
        let signal = Signal::<u32>::new();
        let ring = signal.ring(4).expect("a capacity").with_wait(wait);
        let mut reader = ring.subscribe();
        let reading = thread::spawn(move || (reader.recv(), reader.recv()));
        signal.emit(&1);
        drop(signal);
        let ended = RecvError::Closed(CloseReason::SignalDropped);
        assert_eq!(reading.join().expect("it reads"), (Ok(1), Err(ended)));
    }
}

#[test]
fn the_stream_of_a_connection_that_was_ended_ends_when_its_slot_is_dropped() {
    let domain = Domain::new();
    let signal = Signal::<u32>::new_in(&domain);
    let ring = signal.ring(4).expect("a capacity");
    let mut reader = ring.subscribe();
    signal.emit(&1);
    assert_eq!(signal.disconnect_all(), 1);
    signal.emit(&2);
    collect_all(&domain);
    assert_eq!(reader.recv(), Ok(1));
    assert_eq!(reader.recv(), Err(RecvError::Closed(CloseReason::Disconnected)));
}

#[test]
fn events_and_slot_are_dropped_once() {
    let (domain, tally) = (Domain::new(), Tally::new());
    let signal = Signal::<Arc<common::Guard>>::new_in(&domain);
    for gated in [false, true] {
        let ring = if gated { signal.ring_gated(2, Duration::ZERO) } else { signal.ring(2) }.expect("a capacity");
        let mut reader = ring.subscribe();
        for _ in 0..5 {
            signal.emit(&Arc::new(tally.guard()));
        }
        let _ = reader.try_read(1, |event| event.check());
        drop((ring, reader));
        collect_all(&domain);
        tally.assert_all_dropped();
    }
}

#[test]
fn a_clone_that_panics_is_a_panic_of_the_slot() {
    #[derive(Debug, PartialEq)]
    struct Fragile(u32);
    impl Clone for Fragile {
        fn clone(&self) -> Self {
            assert!(self.0 != 2, "on purpose");
            Self(self.0)
        }
    }
    let signal = Signal::<Fragile>::new();
    signal.on_panic(PanicPolicy::Isolate);
    let ring = signal.ring(4).expect("a capacity");
    let mut reader = ring.subscribe();
    signal.emit_batch(&[Fragile(1), Fragile(2), Fragile(3)]);
    signal.emit(&Fragile(4));
    let mut got = Vec::new();
    assert_eq!(reader.try_read(8, |event| got.push(event.0)), Ok(2));
    assert_eq!((got, ring.connection().panics()), (vec![1, 4], Some(1)));
}

#[test]
fn a_slot_may_read_the_ring_of_its_own_signal() {
    let signal = Signal::<u32>::new();
    let ring = signal.ring(4).expect("a capacity");
    let (reader, sum) = (std::sync::Mutex::new(ring.subscribe()), Arc::new(AtomicUsize::new(0)));
    let total = sum.clone();
    signal.connect(move |_| {
        let mut reader = reader.lock().expect("nothing panics under it");
        total.fetch_add(reader.recv_timeout(Duration::ZERO).expect("the ring came first") as usize, SeqCst);
        assert_eq!(reader.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    });
    signal.emit(&1);
    signal.emit(&2);
    assert_eq!(sum.load(SeqCst), 3);
}
