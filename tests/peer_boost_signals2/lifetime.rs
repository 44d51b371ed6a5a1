//! What ends a connection by going: its signal, or an object that it tracks.

use crate::common::{Counter, Log, Tally, holding};
use pulsebus::Signal;
use std::sync::{Arc, Barrier, Mutex, Weak};
use std::thread;

// --- the signal's end ------------------------------------------------------------------------------------------------

#[test]
fn a_signal_whose_last_owner_is_dropped_while_it_emits_finishes_and_ends_then() {
    let tally = Tally::new();
    let log = Log::new();
    let owner = Arc::new(Mutex::new(Some(Arc::new(Signal::<()>::new()))));
    let signal = owner.lock().expect("nobody panics").clone().expect("it is there");
    let (owned, said, guard) = (owner.clone(), log.clone(), tally.guard());
    signal.connect(move |()| {
        owned.lock().expect("nobody panics").take();
        guard.check();
        said.push("drops the owner");
    });
    let (last, guard) = (log.clone(), tally.guard());
    let connection = signal.connect(move |()| {
        guard.check();
        last.push("comes after it");
    });
    let weak = Arc::downgrade(&signal);
    assert!(signal.emit(&()).is_completed());
    assert!(owner.lock().expect("nobody panics").is_none());
    assert!(connection.is_connected(), "the emission's own reference is there still");
    drop(signal);
    assert!(weak.upgrade().is_none() && !connection.is_connected());
    assert_eq!(log.take(), ["drops the owner", "comes after it"]);
    tally.assert_all_dropped();
}

#[test]
fn a_signal_let_go_of_by_another_thread_while_it_emits_ends_with_the_emission() {
    let (tally, ran) = (Tally::new(), Counter::new());
    let signal = Arc::new(Signal::<()>::new());
    let inside = Arc::new(Barrier::new(2));
    for _ in 0..3 {
        let (inside, guard, counter) = (inside.clone(), tally.guard(), ran.clone());
        signal.connect(move |()| {
            inside.wait(); // we are in
            inside.wait(); // it has been dropped
            guard.check();
            counter.add(1);
        });
    }
    let emitting = signal.clone();
    let thread = thread::spawn(move || emitting.emit(&()));
    inside.wait();
    drop(signal);
    inside.wait();
    (0..4).for_each(|_| _ = inside.wait());
    assert!(thread.join().expect("no slot panics").is_completed());
    assert_eq!(ran.get(), 3);
    tally.assert_all_dropped();
}

#[test]
fn a_slot_that_drops_another_signal_ends_that_one_only() {
    let (signal, ran, tally) = (Signal::<()>::new(), Counter::new(), Tally::new());
    let other = Signal::<()>::new();
    other.connect(holding(tally.guard()));
    let other = Mutex::new(Some(other));
    signal.connect(move |()| drop(other.lock().expect("nobody panics").take()));
    signal.connect(ran.slot());
    signal.emit(&());
    assert_eq!(ran.get(), 1);
    tally.assert_all_dropped();
}

// --- tracked objects -------------------------------------------------------------------------------------------------

struct Receiver {
    guard: crate::common::Guard,
    log: Log<u32>,
}

impl Receiver {
    fn new(tally: &Tally, log: &Log<u32>) -> Arc<Self> {
        Arc::new(Self { guard: tally.guard(), log: log.clone() })
    }

    fn take(&self, n: &u32) {
        self.guard.check();
        self.log.push(*n);
    }
}

#[test]
fn a_tracked_object_that_has_gone_is_not_called_and_its_connection_ends() {
    let (signal, log, tally) = (Signal::<u32>::new(), Log::new(), Tally::new());
    let receiver = Receiver::new(&tally, &log);
    let connection = signal.slot().connect_weak(&receiver, Receiver::take);
    signal.emit(&1);
    drop(receiver);
    tally.assert_all_dropped();
    assert!(connection.is_connected(), "nobody has looked yet");
    signal.emit(&2);
    assert!(!connection.is_connected() && signal.is_empty());
    assert_eq!(log.take(), [1]);
}

#[test]
fn a_tracked_object_that_expired_before_the_first_emission_is_never_called() {
    let (signal, log, tally) = (Signal::<u32>::new(), Log::new(), Tally::new());
    let expired: Weak<Receiver> = Arc::downgrade(&Receiver::new(&tally, &log));
    // To connect takes the object itself: with one that has expired already there is nothing to connect.
    let connection = expired.upgrade().map(|receiver| signal.slot().connect_weak(&receiver, Receiver::take));
    assert!(connection.is_none() && signal.is_empty());
    // And a temporary one is expired when `connect` returns.
    signal.slot().connect_weak(&Receiver::new(&tally, &log), Receiver::take);
    signal.emit(&1);
    assert!(signal.is_empty());
    assert_eq!(log.take(), []);
}

#[test]
fn the_last_reference_to_a_receiver_dropped_inside_its_slot_is_kept_until_the_call_returns() {
    let (signal, log, tally) = (Signal::<u32>::new(), Log::new(), Tally::new());
    let owner = Arc::new(Mutex::new(Some(Receiver::new(&tally, &log))));
    let (owned, dropped) = (owner.clone(), tally.clone());
    {
        let receiver = owner.lock().expect("nobody panics");
        signal.slot().connect_weak(receiver.as_ref().expect("it is there"), move |receiver, n| {
            owned.lock().expect("nobody panics").take();
            assert_eq!(dropped.dropped(), 0, "the call keeps it");
            receiver.take(n);
        });
    }
    let (after, dropped) = (Counter::new(), tally.clone());
    let counter = after.clone();
    signal.connect(move |_| {
        assert_eq!(dropped.dropped(), 1, "it goes with the call, not with the emission");
        counter.add(1);
    });
    signal.emit(&1);
    signal.emit(&2);
    assert_eq!(log.take(), [1]);
    assert_eq!((after.get(), signal.len()), (2, 1));
    tally.assert_all_dropped();
}

#[test]
fn an_earlier_slot_that_drops_a_receiver_keeps_a_later_slot_of_it_from_running() {
    let (signal, log, tally) = (Signal::<u32>::new(), Log::new(), Tally::new());
    let receiver = Receiver::new(&tally, &log);
    let owner = Mutex::new(Some(receiver.clone()));
    signal.connect(move |_| drop(owner.lock().expect("nobody panics").take()));
    signal.slot().connect_weak(&receiver, Receiver::take);
    drop(receiver);
    assert!(signal.emit(&1).is_completed());
    assert_eq!(log.take(), []);
    tally.assert_all_dropped();
}
