//! C11: inside a slot anything is allowed.

mod common;

use common::{Counter, Log, Tally, collect_all, holding};
use pulsebus::{Connection, Domain, PanicPolicy, Reclaim, ScopedConnection, Signal};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

#[test]
fn c11_a_slot_may_do_anything_to_its_own_signal() {
    let domain = Domain::new();
    let (signal, calls, tally) = (Arc::new(Signal::<u32>::new_in(&domain)), Counter::new(), Tally::new());
    signal.on_panic(PanicPolicy::Propagate);
    for _ in 0..40 {
        let (weak, domain, calls, tally) = (Arc::downgrade(&signal), domain.clone(), calls.clone(), tally.clone());
        signal.connect(move |&depth| {
            calls.add(1);
            let signal = weak.upgrade().expect("it is being emitted");
            let guard = tally.guard();
            let plain = signal.connect(move |_| guard.check());
            let scoped = signal.connect_scoped(calls.slot());
            assert!(plain.is_connected() && scoped.is_connected() && signal.len() >= 40 && !signal.is_empty());
            assert_eq!(plain.place().map(|place| place.file()), Some(file!()));
            if depth < 2 && RandomState::new().hash_one(depth) % 8 == 0 {
                signal.emit(&(depth + 1));
                signal.emit_batch(&[depth + 1, depth + 2]);
                domain.tick(|t| t.emit(&signal, &(depth + 1)));
            }
            assert!(plain.disconnect());
            drop(scoped);
            assert!(!domain.collect().complete && !pulsebus::collect().complete);
            domain.maintain(Duration::from_secs(1));
            assert!(domain.statistics().oldest_pin.is_some());
            signal.on_panic(PanicPolicy::Propagate);
            assert!(format!("{signal:?} {plain:?} {domain:?}").contains("Signal"));
        });
    }
    signal.emit(&0);
    assert!(calls.get() >= 40);
    assert_eq!(signal.len(), 40);
    collect_all(&domain);
    tally.assert_all_dropped();
}

#[test]
fn c11_a_slot_may_create_use_and_drop_signals_and_domains() {
    let (outer, calls, tally) = (Signal::<u32>::new(), Counter::new(), Tally::new());
    outer.on_panic(PanicPolicy::Propagate);
    let (inner_calls, inner_tally) = (calls.clone(), tally.clone());
    outer.connect(move |event| {
        for reclaim in [Reclaim::Inline, Reclaim::Manual] {
            let domain = Domain::with_reclaim(reclaim);
            let signals = [Signal::<u32>::new(), Signal::new_in(&domain)];
            for signal in &signals {
                for _ in 0..100 {
                    signal.connect(inner_calls.slot());
                    signal.connect(holding(inner_tally.guard())).disconnect();
                }
                signal.emit(event);
            }
        }
    });
    outer.emit(&1);
    assert_eq!((calls.get(), tally.made()), (400, 400));
    while !pulsebus::collect().complete {
        thread::yield_now();
    }
    tally.assert_all_dropped();
}

#[test]
fn c11_a_slot_may_drop_another_signal_with_slots_that_have_ended_and_such_that_have_not() {
    let domain = Domain::new();
    let tally = Tally::new();
    let outer = Signal::<u32>::new_in(&domain);
    let victim = Signal::<u32>::new_in(&domain);
    let connect = |_| victim.connect(holding(tally.guard()));
    let connections: Vec<_> = (0..100).map(connect).collect();
    connections.iter().step_by(2).for_each(|connection| assert!(connection.disconnect()));
    domain.statistics(); // sweeps: these fifty wait for a grace period, which the emission below holds up
    connections.iter().step_by(4).for_each(|connection| assert!(!connection.disconnect()));
    let victim = Mutex::new(Some(victim));
    outer.connect(move |_| drop(victim.lock().expect("nobody panics").take()));
    outer.emit(&1);
    assert_eq!(tally.dropped(), 50);
    collect_all(&domain);
    tally.assert_all_dropped();
    assert_eq!(domain.statistics().chunks, 1, "the outer signal's");
}

#[test]
fn c11_a_slot_may_drop_a_signal_whose_emission_it_is_inside_of_if_it_shares_it() {
    // The emission's own reference keeps it alive; that is what sharing is for.
    let domain = Domain::new();
    let signal = Arc::new(Signal::<u32>::new_in(&domain));
    let (shared, calls) = (Mutex::new(Some(signal.clone())), Counter::new());
    signal.connect(move |_| drop(shared.lock().expect("nobody panics").take()));
    signal.connect(calls.slot());
    signal.emit(&1);
    assert_eq!(Arc::strong_count(&signal), 1);
    signal.emit(&2);
    assert_eq!(calls.get(), 2);
}

#[test]
fn c11_slots_may_drop_scopes_their_own_included() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let scopes: Arc<Mutex<Vec<ScopedConnection>>> = Arc::default();
    for slot in 0..40 {
        let (inner, inner_log) = (scopes.clone(), log.clone());
        let scoped = signal.connect_scoped(move |_| {
            inner_log.push(slot);
            if slot == 20 {
                inner.lock().expect("nobody panics").clear();
            }
        });
        scopes.lock().expect("nobody panics").push(scoped);
    }
    signal.emit(&1);
    assert_eq!(log.take(), (0..=20).collect::<Vec<_>>());
    assert!(signal.is_empty());
}

#[test]
fn c11_emissions_nest_deeply() {
    const DEPTH: u32 = 500;
    let domain = Domain::new();
    let (signal, log) = (Arc::new(Signal::<u32>::new_in(&domain)), Log::new());
    let (weak, inner) = (Arc::downgrade(&signal), log.clone());
    signal.connect(move |&depth| {
        if depth < DEPTH {
            weak.upgrade().expect("it is being emitted").emit(&(depth + 1));
        }
        inner.push(depth);
    });
    signal.emit(&0);
    assert_eq!(log.take(), (0..=DEPTH).rev().collect::<Vec<_>>());
    signal.disconnect_all();
    assert!(domain.collect().complete, "no pin is left");
}

#[test]
fn c11_two_signals_may_emit_each_other_and_end_each_other() {
    let signals: Arc<[Signal<u32>; 2]> = Arc::new([Signal::new(), Signal::new_in(&Domain::new())]);
    let log = Log::new();
    for own in 0..2 {
        let (weak, log) = (Arc::downgrade(&signals), log.clone());
        signals[own].connect(move |&n| {
            log.push((own, n));
            let signals = weak.upgrade().expect("kept by the test");
            if n > 0 {
                signals[1 - own].emit(&(n - 1));
            } else {
                assert_eq!(signals.iter().map(Signal::disconnect_all).sum::<usize>(), 2);
            }
        });
    }
    signals[0].emit(&5);
    assert_eq!(log.take(), [(0, 5), (1, 4), (0, 3), (1, 2), (0, 1), (1, 0)]);
    signals[0].emit(&5);
    assert!(log.take().is_empty());
}

#[test]
fn c11_a_slot_may_wait_for_a_thread_that_uses_the_same_signal() {
    let domain = Domain::new();
    let (signal, log) = (Arc::new(Signal::<u32>::new_in(&domain)), Log::new());
    let (weak, inner_log, inner_domain) = (Arc::downgrade(&signal), log.clone(), domain.clone());
    signal.connect(move |&event| {
        if event != 1 {
            return;
        }
        let (weak, log, domain) = (weak.clone(), inner_log.clone(), inner_domain.clone());
        let other = thread::spawn(move || {
            let signal = weak.upgrade().expect("it is being emitted");
            let connection: Connection = signal.connect(log.slot(|&event| event));
            signal.emit(&2);
            assert!(connection.disconnect());
            domain.collect();
            domain.statistics();
            signal.len()
        });
        inner_log.push(100 + other.join().expect("nothing waits for the slot") as u32);
    });
    signal.emit(&1);
    assert_eq!(log.take(), [2, 101]);
}
