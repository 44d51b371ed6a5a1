//! C2: an emission sees a cut: what is connected during it waits for the next one.

mod common;

use common::{Counter, Log};
use pulsebus::{Domain, Signal};
use std::sync::{Arc, OnceLock, Weak};

/// As many slots before the one under test as make it the first, a middle one, the last, and the first of a new chunk.
const BEFORE: [usize; 8] = [0, 1, 15, 30, 31, 32, 63, 64];

#[test]
fn c2_a_slot_connected_by_a_slot_waits_for_the_next_emission() {
    for before in BEFORE {
        let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
        for _ in 0..before {
            signal.connect(|_| {});
        }
        let (inner, inner_log) = (Arc::downgrade(&signal), log.clone());
        let connector = signal.connect(move |&event| {
            let signal = inner.upgrade().expect("it is being emitted");
            signal.connect(inner_log.slot(move |&seen| (event, seen)));
        });
        signal.emit(&1);
        assert!(log.take().is_empty(), "{before} slots before it");
        connector.disconnect();
        signal.emit(&2);
        assert_eq!(log.take(), [(1, 2)], "{before} slots before it");
    }
}

#[test]
fn c2_a_slot_connected_by_the_last_slot_of_a_full_chunk_waits_too() {
    for connected_at_once in [1, 31, 32, 33, 100] {
        let (signal, ran) = (Arc::new(Signal::<()>::new()), Counter::new());
        for _ in 0..31 {
            signal.connect(|()| {});
        }
        let (inner, counter) = (Arc::downgrade(&signal), ran.clone());
        let connector = signal.connect(move |()| {
            let signal = inner.upgrade().expect("it is being emitted");
            for _ in 0..connected_at_once {
                signal.connect(counter.slot());
            }
        });
        signal.emit(&());
        assert_eq!(ran.get(), 0, "of {connected_at_once}");
        connector.disconnect();
        signal.emit(&());
        assert_eq!(ran.get(), connected_at_once);
    }
}

/// A slot that connects another one like itself.
fn connect_breeder(signal: &Arc<Signal<()>>, ran: &Counter) {
    let (weak, counter): (Weak<Signal<()>>, _) = (Arc::downgrade(signal), ran.clone());
    signal.connect(move |()| {
        counter.add(1);
        connect_breeder(&weak.upgrade().expect("it is being emitted"), &counter);
    });
}

#[test]
fn c2_a_chain_of_slots_that_each_connect_another_ends() {
    let (signal, ran) = (Arc::new(Signal::<()>::new()), Counter::new());
    connect_breeder(&signal, &ran);
    for generation in 0..10 {
        signal.emit(&());
        assert_eq!(ran.take(), 1 << generation);
    }
    assert_eq!(signal.len(), 1 << 10);
}

#[test]
fn c2_a_nested_emission_runs_what_was_connected_before_it_and_the_outer_one_does_not() {
    let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
    let (inner, inner_log) = (Arc::downgrade(&signal), log.clone());
    signal.connect(move |&depth| {
        inner_log.push(("outer", depth));
        if depth < 3 {
            let signal = inner.upgrade().expect("it is being emitted");
            signal.connect(inner_log.slot(move |&seen| ("made", depth * 10 + seen)));
            signal.emit(&(depth + 1));
        }
    });
    signal.emit(&0);
    let expected = [
        ("outer", 0),
        ("outer", 1),
        ("outer", 2),
        ("outer", 3),
        // Each emission runs what was made before it started: by the emissions around it.
        ("made", 3),
        ("made", 13),
        ("made", 23),
        ("made", 2),
        ("made", 12),
        ("made", 1),
    ];
    assert_eq!(log.take(), expected);
}

#[test]
fn c2_nested_connects_wait_for_all_emissions_that_were_under_way() {
    let signals = Arc::new([Signal::<()>::new(), Signal::<()>::new()]);
    let ran = Counter::new();
    let (both, counter) = (signals.clone(), ran.clone());
    // The other signal's slot connects to the first one, whose emission is the outer one.
    signals[1].connect(move |()| {
        both[0].connect(counter.slot());
    });
    let both = Arc::downgrade(&signals);
    signals[0].connect(move |()| {
        both.upgrade().expect("kept by the test")[1].emit(&());
    });
    signals[0].emit(&());
    assert_eq!(ran.get(), 0);
    signals[0].emit(&());
    assert_eq!(ran.get(), 1);
    signals[1].disconnect_all();
}

#[test]
fn c2_a_slot_connected_in_mid_batch_gets_nothing_of_it() {
    let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
    let (inner, inner_log) = (Arc::downgrade(&signal), log.clone());
    signal.connect(move |&event| {
        if event == 1 {
            let signal = inner.upgrade().expect("it is being emitted");
            signal.connect(inner_log.slot(|&event| event));
        }
    });
    signal.emit_batch(&[1, 2, 3]);
    assert!(log.take().is_empty());
    signal.emit_batch(&[4, 5]);
    assert_eq!(log.take(), [4, 5]);
}

#[test]
fn c2_the_cut_outlives_panics() {
    for before in BEFORE {
        let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
        for _ in 0..before {
            signal.connect(|_| {});
        }
        let (inner, inner_log) = (Arc::downgrade(&signal), log.clone());
        let connector = signal.connect(move |&event| {
            let signal = inner.upgrade().expect("it is being emitted");
            for _ in 0..40 {
                signal.connect(inner_log.slot(move |&seen| (event, seen)));
            }
            panic!("as the test wants");
        });
        signal.connect(log.slot(|&seen| (0, seen)));
        signal.emit_batch(&[1, 2]);
        assert_eq!(log.take(), [(0, 1), (0, 2)], "{before} slots before it");
        connector.disconnect();
        signal.emit(&3);
        assert_eq!(log.take().len(), 1 + 80, "{before} slots before it");
    }
}

#[test]
fn c2_emissions_of_one_tick_are_emissions_of_their_own() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    pulsebus::tick(|t| {
        t.emit(&signal, &1);
        signal.connect(log.slot(|&event| event));
        t.emit(&signal, &2);
    });
    assert_eq!(log.take(), [2]);
}

#[test]
fn c2_the_cut_holds_while_slots_before_it_end() {
    // The first slot replaces everything behind it by as many new slots: none of them may take a place before the cut.
    let domain = Domain::new();
    let signal: Arc<Signal<()>> = Arc::new(Signal::new_in(&domain));
    let ran = Counter::new();
    let victims: Arc<OnceLock<Vec<pulsebus::Connection>>> = Arc::default();
    let (inner, all, counter, inner_domain) = (Arc::downgrade(&signal), victims.clone(), ran.clone(), domain.clone());
    let replacer = signal.connect(move |()| {
        let signal = inner.upgrade().expect("it is being emitted");
        assert!(all.get().expect("set below").iter().all(|victim| victim.disconnect()));
        inner_domain.collect();
        for _ in 0..100 {
            signal.connect(counter.slot());
        }
    });
    let skipped = Counter::new();
    victims.set((0..100).map(|_| signal.connect(skipped.slot())).collect()).expect("set once");
    signal.emit(&());
    assert_eq!((skipped.get(), ran.get()), (0, 0));
    replacer.disconnect();
    signal.emit(&());
    assert_eq!(ran.get(), 100);
}
