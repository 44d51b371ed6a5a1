//! Priorities: which slots of a signal run before which.

mod common;

use common::{Counter, Log, Tally, collect_all};
use pulsebus::{Connection, Domain, Emitted, PanicPolicy, Priority, Signal};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

/// A signal whose slots find it.
fn shared<E>() -> Arc<Signal<E>> {
    Arc::new(Signal::new())
}

#[test]
fn lower_priorities_run_first_in_connection_order_inside_one() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let say = |name| log.slot(move |()| name);
    signal.slot().after().connect(say("after 1"));
    signal.connect(say("default 1"));
    signal.slot().priority(i16::MAX).connect(say("last"));
    signal.slot().before().connect(say("before 1"));
    signal.slot().priority(i16::MIN).connect(say("first"));
    signal.slot().priority(Priority::DEFAULT).connect(say("default 2"));
    signal.slot().priority(-1).connect(say("just before"));
    signal.slot().before().connect(say("before 2"));
    signal.slot().after().connect(say("after 2"));
    signal.slot().priority(1).connect(say("just after"));
    signal.emit(&());
    let expected = [
        "first",
        "before 1",
        "before 2",
        "just before",
        "default 1",
        "default 2",
        "just after",
        "after 1",
        "after 2",
        "last",
    ];
    assert_eq!(log.take(), expected);
}

#[test]
fn at_front_runs_before_the_others_of_its_priority_the_newest_first() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let say = |name| log.slot(move |()| name);
    signal.connect(say("default"));
    signal.slot().at_front().connect(say("front 1"));
    signal.slot().at_front().connect(say("front 2"));
    signal.slot().after().connect(say("after"));
    signal.slot().after().at_front().connect(say("after, front"));
    signal.slot().before().connect(say("before"));
    for priority in [i16::MIN, i16::MAX] {
        signal.slot().priority(priority).at_front().connect(say(if priority < 0 { "first" } else { "last" }));
    }
    signal.emit(&());
    let expected = ["first", "before", "front 2", "front 1", "default", "after, front", "after", "last"];
    assert_eq!(log.take(), expected);
}

#[test]
fn at_front_keeps_its_order_over_thousands_of_slots_with_gaps() {
    // More chunks than one stack frame looks at; a tenth of the slots is gone, whole chunks among them.
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let slots: Vec<_> = (0..5_000).map(|n| signal.slot().at_front().connect(log.slot(move |()| n))).collect();
    let is_gone = |n: usize| n % 10 == 3 || (1_000..1_200).contains(&n);
    slots.iter().enumerate().filter(|(n, _)| is_gone(*n)).for_each(|(_, slot)| assert!(slot.disconnect()));
    let expected: Vec<usize> = (0..5_000).rev().filter(|n| !is_gone(*n)).collect();
    for _ in 0..2 {
        signal.emit(&());
        assert_eq!(log.take(), expected);
        collect_all(signal.domain());
    }
    assert_eq!(signal.len(), expected.len());
}

#[test]
fn a_batch_runs_slot_by_slot_over_all_priorities() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.slot().after().connect(log.slot(|n| ("after", *n)));
    signal.connect_batch({
        let log = log.clone();
        move |events: &[u32]| log.push(("slices", events.iter().sum()))
    });
    signal.slot().at_front().connect(log.slot(|n| ("front", *n)));
    assert_eq!(signal.emit_batch(&[1, 2]), Emitted::Completed);
    assert_eq!(log.take(), [("front", 1), ("front", 2), ("slices", 3), ("after", 1), ("after", 2)]);
    assert_eq!(signal.emit_batch(&[]), Emitted::Completed);
    assert!(log.take().is_empty());
}

#[test]
fn c2_a_slot_connected_by_a_slot_waits_whichever_its_priority() {
    // In its own lane, in one before, in one behind, in one that does not exist yet, in one that is full.
    for (priority, at_front) in [(0, false), (0, true), (-1, false), (1, false), (1, true), (5, false), (7, true)] {
        for before in [0, 1, 31, 32, 64] {
            let (signal, log) = (shared::<u32>(), Log::new());
            for priority in [-1, 0, 1] {
                (0..before).for_each(|_| _ = signal.slot().priority(priority).connect(|_| {}));
                (0..before).for_each(|_| _ = signal.slot().priority(priority).at_front().connect(|_| {}));
            }
            let (inner, inner_log) = (Arc::downgrade(&signal), log.clone());
            let connector = signal.connect(move |&event| {
                let signal = inner.upgrade().unwrap();
                let slot = signal.slot().priority(priority);
                let slot = if at_front { slot.at_front() } else { slot };
                slot.connect(inner_log.slot(move |&seen| (event, seen)));
            });
            signal.emit(&1);
            assert!(log.take().is_empty(), "priority {priority}, at the front: {at_front}, {before} before");
            connector.disconnect();
            signal.emit(&2);
            assert_eq!(log.take(), [(1, 2)], "priority {priority}, at the front: {at_front}, {before} before");
        }
    }
}

#[test]
fn c2_a_plain_emission_that_becomes_elaborate_under_way_ends_as_it_began() {
    let (signal, log) = (shared::<u32>(), Log::new());
    let (inner, seen) = (Arc::downgrade(&signal), log.clone());
    signal.slot().connect_self(move |n, own| {
        own.disconnect();
        let signal = inner.upgrade().unwrap();
        signal.slot().after().connect(seen.slot(|n| ("after", *n)));
        signal.slot().before().connect(seen.slot(|n| ("before", *n)));
        signal.connect(seen.slot(|n| ("default", *n)));
        seen.push(("nested", n + 1));
        signal.emit(&(n + 1));
    });
    signal.connect(log.slot(|n| ("there", *n)));
    signal.emit(&1);
    let expected = [("nested", 2), ("before", 2), ("there", 2), ("default", 2), ("after", 2), ("there", 1)];
    assert_eq!(log.take(), expected);
}

#[test]
fn c3_a_slot_ends_slots_of_other_lanes_that_are_to_come() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let later = Arc::new(OnceLock::<Vec<Connection>>::new());
    let inner = later.clone();
    signal.slot().before().connect(move |()| inner.get().unwrap().iter().for_each(|slot| _ = slot.disconnect()));
    let ends = [(0, true), (0, false), (9, true), (9, false)].map(|(priority, at_front)| {
        let slot = || if at_front { signal.slot().at_front() } else { signal.slot() };
        let gone = slot().priority(priority).connect(log.slot(move |()| (priority, at_front, "gone")));
        slot().priority(priority).connect(log.slot(move |()| (priority, at_front, "there")));
        gone
    });
    later.set(ends.to_vec()).unwrap();
    signal.emit(&());
    let expected = [(0, true, "there"), (0, false, "there"), (9, true, "there"), (9, false, "there")];
    assert_eq!(log.take(), expected);
}

#[test]
fn disconnect_all_ends_the_slots_of_all_lanes_and_stops_the_emission_that_does_it() {
    let (signal, ran) = (shared::<()>(), Counter::new());
    let inner = Arc::downgrade(&signal);
    signal.slot().priority(-5).connect(move |()| assert_eq!(inner.upgrade().unwrap().disconnect_all(), 62));
    for priority in -30..31 {
        signal.slot().priority(priority + 100).connect(ran.slot());
    }
    assert_eq!(signal.len(), 62);
    signal.emit(&());
    assert_eq!((ran.get(), signal.len()), (0, 0));
    assert!(signal.is_empty());
    signal.slot().priority(80).connect(ran.slot());
    signal.emit(&());
    assert_eq!((ran.get(), signal.len()), (1, 1));
}

#[test]
fn c10_the_slots_of_all_lanes_run_beside_those_that_panic() {
    let (signal, ran) = (Signal::<u32>::new(), Counter::new());
    for priority in [-3, 0, 3] {
        for _ in 0..40 {
            signal.slot().priority(priority).connect(ran.slot());
            signal.slot().priority(priority).at_front().connect(|n| resume_unwind(Box::new(*n)));
            signal.slot().priority(priority).connect(|n| resume_unwind(Box::new(*n)));
            signal.slot().priority(priority).at_front().connect(ran.slot());
        }
    }
    signal.emit(&1);
    assert_eq!(ran.take(), 3 * 80);
    signal.emit_batch(&[1, 2, 3]);
    assert_eq!(ran.take(), 3 * 80 * 3);
    signal.on_panic(PanicPolicy::Propagate);
    let payload = catch_unwind(AssertUnwindSafe(|| signal.emit_batch(&[7, 8]))).unwrap_err();
    assert_eq!((payload.downcast_ref::<u32>(), ran.take()), (Some(&7), 3 * 80 * 2));
    signal.on_panic(PanicPolicy::DisconnectAfter(1));
    signal.emit_batch(&[9, 9]);
    assert_eq!((ran.take(), signal.len()), (3 * 80 * 2, 3 * 80));
}

#[test]
fn c12_an_emission_that_meets_the_dead_of_a_lane_has_them_swept() {
    for at_front in [false, true] {
        let domain = Domain::new();
        let signal = Signal::<()>::new_in(&domain);
        let slot = || if at_front { signal.slot().priority(3).at_front() } else { signal.slot().priority(3) };
        let slots: Vec<_> = (0..3_200).map(|_| slot().connect(|()| {})).collect();
        slots.iter().for_each(|slot| assert!(slot.disconnect()));
        signal.emit(&());
        domain.collect();
        assert!(domain.statistics().chunks <= 2, "{} chunks, at the front: {at_front}", domain.statistics().chunks);
    }
}

#[test]
fn an_emission_bears_as_many_lanes_as_there_are_on_a_small_stack() {
    // A lane once took a hundred bytes of it.
    let deep = thread::Builder::new().stack_size(2 << 20).spawn(|| {
        let (signal, order) = (Signal::<()>::new(), Arc::new(Mutex::new(Vec::new())));
        for priority in i16::MIN..=i16::MAX {
            let order = order.clone();
            signal.slot().priority(priority).connect(move |()| order.lock().unwrap().push(priority));
        }
        assert!(signal.emit(&()).is_completed());
        assert!(order.lock().unwrap().iter().copied().eq(i16::MIN..=i16::MAX));
        assert_eq!(signal.len(), 1 << 16);
        assert_eq!(signal.disconnect_all(), 1 << 16);
    });
    deep.unwrap().join().unwrap();
}

#[test]
fn a_signal_with_lanes_leaves_nothing() {
    let (domain, tally) = (Domain::new(), Tally::new());
    for round in 0..20 {
        let signal = Signal::<()>::new_in(&domain);
        let mut ends = Vec::new();
        for n in 0..300_i16 {
            let slot = signal.slot().priority((n + round) % 7 - 3);
            let guard = tally.guard();
            let slot = if n % 3 == 0 { slot.at_front() } else { slot };
            let connection = slot.connect(move |()| guard.check());
            if n % 2 == 0 {
                ends.push(connection);
            }
        }
        ends.iter().for_each(|connection| assert!(connection.disconnect()));
        signal.emit(&());
    }
    collect_all(&domain);
    tally.assert_all_dropped();
    let statistics = domain.statistics();
    assert_eq!((statistics.chunks, statistics.signals, statistics.drop_panics), (0, 0, 0));
}

#[test]
fn slots_that_many_threads_connect_with_many_priorities_all_run() {
    for _ in 0..50 {
        let (signal, ran) = (Signal::<()>::new(), Counter::new());
        thread::scope(|scope| {
            for thread in 0..4_i16 {
                let (signal, ran) = (&signal, &ran);
                scope.spawn(move || {
                    for n in 0..20 {
                        signal.slot().priority((n * 7 + thread) % 5 - 2).connect(ran.slot());
                        if n == 10 {
                            signal.emit(&());
                        }
                    }
                });
            }
        });
        ran.take();
        signal.emit(&());
        assert_eq!((ran.get(), signal.len()), (80, 80));
    }
}
