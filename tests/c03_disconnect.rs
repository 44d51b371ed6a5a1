//! C3: once a disconnect has returned, no later emission runs the slot, and a running one on the same thread skips it.

mod common;

use common::Log;
use pulsebus::{Connection, PanicPolicy, ScopedConnection, Signal};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::thread;

/// Connections that slots find at their indices.
type Connections = Arc<OnceLock<Vec<Connection>>>;

/// A signal of `count` slots that log their index; slot `actor` does `act` first.
fn signal_with_actor(
    count: usize,
    actor: usize,
    act: impl Fn(&Signal<u32>, &[Connection]) + Send + Sync + 'static,
) -> (Arc<Signal<u32>>, Log<usize>) {
    let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
    let connections = Connections::default();
    let mut act = Some(act);
    let made = (0..count).map(|slot| {
        let log = log.clone();
        if slot != actor {
            return signal.connect(move |_| log.push(slot));
        }
        let act = act.take().expect("one actor");
        let (connections, weak) = (connections.clone(), Arc::downgrade(&signal));
        signal.connect(move |_| {
            log.push(slot);
            let signal = weak.upgrade().expect("it is being emitted");
            act(&signal, connections.get().expect("set before the emission"));
        })
    });
    let made = made.collect();
    connections.set(made).expect("set once");
    (signal, log)
}

/// Positions around the borders of the chunks.
const POSITIONS: [usize; 9] = [0, 1, 2, 30, 31, 32, 33, 63, 64];
const COUNT: usize = 65;

#[test]
fn c3_disconnect_skips_rest_of_running_emission() {
    for actor in POSITIONS {
        for victim in POSITIONS {
            let (signal, log) = signal_with_actor(COUNT, actor, move |_, connections| {
                connections[victim].disconnect();
            });
            signal.emit(&1);
            let skipped = |slot: &usize| *slot == victim && victim > actor;
            assert_eq!(log.take(), (0..COUNT).filter(|slot| !skipped(slot)).collect::<Vec<_>>(), "{actor} {victim}");
            signal.emit(&2);
            assert_eq!(log.take(), (0..COUNT).filter(|slot| *slot != victim).collect::<Vec<_>>(), "{actor} {victim}");
        }
    }
}

#[test]
fn c3_disconnect_all_skips_rest_of_running_emission() {
    for actor in POSITIONS {
        let (signal, log) = signal_with_actor(COUNT, actor, |signal, _| {
            assert_eq!(signal.disconnect_all(), COUNT);
        });
        signal.emit(&1);
        assert_eq!(log.take(), (0..=actor).collect::<Vec<_>>());
        signal.emit(&2);
        assert!(log.take().is_empty());
    }
}

#[test]
fn c3_a_disconnect_in_a_nested_emission_counts_for_the_emissions_around_it() {
    let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
    let (weak, nested) = (Arc::downgrade(&signal), Arc::new(AtomicBool::new(false)));
    let connections = Connections::default();
    let made = (0..50).map(|slot| {
        let (log, connections, weak, nested) = (log.clone(), connections.clone(), weak.clone(), nested.clone());
        signal.connect(move |_| {
            log.push(slot);
            if slot == 10 && !nested.swap(true, SeqCst) {
                weak.upgrade().expect("it is being emitted").emit(&2);
            } else if slot == 20 {
                for victim in [5, 15, 40] {
                    connections.get().expect("set below")[victim].disconnect();
                }
            }
        })
    });
    let made = made.collect();
    connections.set(made).expect("set once");
    signal.emit(&1);
    let outer_before = 0..=10;
    let inner = (0..50).filter(|slot| *slot != 40);
    let outer_after = (11..50).filter(|slot| ![15, 40].contains(slot));
    assert_eq!(log.take(), outer_before.chain(inner).chain(outer_after).collect::<Vec<_>>());
}

#[test]
fn c3_a_scope_dropped_by_a_slot_skips_rest_of_running_emission() {
    let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
    let scopes: Arc<Mutex<Vec<ScopedConnection>>> = Arc::default();
    let inner = scopes.clone();
    signal.connect(move |_| inner.lock().expect("nobody panics").clear());
    for slot in 0..40 {
        scopes.lock().expect("nobody panics").push(signal.connect_scoped(log.slot(move |_| slot)));
    }
    let weak = Arc::downgrade(&signal);
    signal.connect(log.slot(move |_| 100 + weak.upgrade().expect("it is being emitted").len()));
    signal.emit(&1);
    assert_eq!(log.take(), [102]);
}

#[test]
fn c3_a_slot_that_disconnects_itself_in_mid_batch_gets_no_more_of_it() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let own: Arc<OnceLock<Connection>> = Arc::default();
    let (inner, inner_log) = (own.clone(), log.clone());
    own.set(signal.connect(move |&event| {
        inner_log.push(("first", event));
        if event == 2 {
            assert!(inner.get().expect("set before the emission").disconnect());
        }
    }))
    .expect("set once");
    signal.connect(log.slot(|&event| ("second", event)));
    signal.emit_batch(&[1, 2, 3]);
    assert_eq!(log.take(), [("first", 1), ("first", 2), ("second", 1), ("second", 2), ("second", 3)]);
}

#[test]
fn c3_a_slot_that_is_disconnected_by_a_nested_batch_gets_no_more_of_the_outer_one() {
    let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
    let own: Arc<OnceLock<Connection>> = Arc::default();
    let (inner, inner_log, weak) = (own.clone(), log.clone(), Arc::downgrade(&signal));
    own.set(signal.connect(move |&event| {
        inner_log.push(event);
        match event {
            2 => drop(weak.upgrade().expect("it is being emitted").emit_batch(&[20, 21, 22])),
            21 => drop(inner.get().expect("set before the emission").disconnect()),
            _ => {}
        }
    }))
    .expect("set once");
    signal.emit_batch(&[1, 2, 3]);
    assert_eq!(log.take(), [1, 2, 20, 21]);
}

#[test]
fn c3_a_disconnect_that_returns_false_means_the_same() {
    let (signal, log) = signal_with_actor(3, 0, |_, connections| {
        assert!(connections[2].disconnect());
        assert!(!connections[2].disconnect());
    });
    signal.emit(&1);
    assert_eq!(log.take(), [0, 1]);
}

#[test]
fn c3_a_panic_policy_that_disconnects_skips_the_slot_from_then_on() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.on_panic(PanicPolicy::DisconnectAfter(1));
    let inner = log.clone();
    let fragile = signal.connect(move |&event| {
        inner.push(event);
        panic!("as the test wants");
    });
    signal.emit_batch(&[1, 2]);
    signal.emit(&3);
    assert_eq!(log.take(), [1]);
    assert!(!fragile.disconnect());
}

#[test]
fn c3_no_emission_that_starts_after_a_disconnect_on_another_thread_runs_the_slot() {
    let signal = Arc::new(Signal::<()>::new());
    let (to_emitter, orders) = mpsc::channel::<Arc<AtomicBool>>();
    let (done, from_emitter) = mpsc::channel();
    let emitting = signal.clone();
    let emitter = thread::spawn(move || {
        // Each order carries what the slot has no business to touch any more.
        for ran in orders {
            ran.store(false, SeqCst);
            emitting.emit(&());
            done.send(ran.load(SeqCst)).expect("the test listens");
        }
    });
    let emit = |ran: &Arc<AtomicBool>| {
        to_emitter.send(ran.clone()).expect("the emitter listens");
        from_emitter.recv().expect("the emitter answers")
    };
    for round in 0..2_000 {
        let ran = Arc::new(AtomicBool::new(false));
        let mark = ran.clone();
        let connection = signal.connect(move |()| mark.store(true, SeqCst));
        assert!(emit(&ran), "round {round}: connected before the emission started");
        assert!(connection.disconnect());
        assert!(!emit(&ran), "round {round}: disconnected before the emission started");
    }
    drop(to_emitter);
    emitter.join().expect("it only emits");
}

#[test]
fn c3_the_loser_of_a_disconnect_may_rely_on_it_as_well() {
    let signal = Arc::new(Signal::<()>::new());
    for round in 0..2_000 {
        let ran = Arc::new(AtomicBool::new(false));
        let mark = ran.clone();
        let connection = signal.connect(move |()| mark.store(true, SeqCst));
        let threads = [0, 1].map(|_| {
            let (signal, ran) = (signal.clone(), ran.clone());
            thread::spawn(move || {
                let won = connection.disconnect();
                signal.emit(&());
                assert!(!ran.load(SeqCst), "round {round}: its own emission ran it; won: {won}");
            })
        });
        threads.into_iter().for_each(|thread| thread.join().expect("the slot does not run"));
    }
}
