//! Flow: a slot that breaks stops the emission that called it, and no other.

mod common;

use common::{Counter, Log};
use pulsebus::{Emitted, PanicPolicy, Signal};
use std::ops::ControlFlow::{self, Break, Continue};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread;

/// Breaks at an event.
fn at(n: u32) -> impl Fn(&u32) -> ControlFlow<()> {
    move |event| if *event == n { Break(()) } else { Continue(()) }
}

#[test]
fn a_slot_that_breaks_stops_the_emission_which_says_so() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.connect(log.slot(|n| ("a", *n)));
    signal.slot().connect_flow(at(2));
    signal.connect(log.slot(|n| ("b", *n)));
    assert_eq!([1, 2, 3].map(|n| signal.emit(&n)), [Emitted::Completed, Emitted::Stopped, Emitted::Completed]);
    assert_eq!(log.take(), [("a", 1), ("b", 1), ("a", 2), ("a", 3), ("b", 3)]);
}

#[test]
fn it_stops_at_each_place_and_over_all_lanes() {
    // First, in the middle, last in a chunk; in a list with gaps, and one that runs backwards.
    for place in [0, 1, 30, 31, 32, 63, 64, 100] {
        for gaps in [false, true] {
            for at_front in [false, true] {
                let (signal, log) = (Signal::<u32>::new(), Log::new());
                let slot = || if at_front { signal.slot().at_front() } else { signal.slot() };
                let slots: Vec<_> = (0..130)
                    .map(|n| match n == if at_front { 129 - place } else { place } {
                        true => slot().connect_flow(at(7)),
                        false => slot().connect(log.slot(move |_| n)),
                    })
                    .collect();
                signal.slot().after().connect(log.slot(|_| 1_000));
                if gaps {
                    let gone = [3, 21, 36, 37, 90, 121];
                    gone.iter().for_each(|n| assert!(slots[*n].disconnect()));
                    signal.domain().collect();
                }
                let before = log_len(&signal, &log, 7, Emitted::Stopped);
                let all = log_len(&signal, &log, 8, Emitted::Completed);
                let gone = [3, 21, 36, 37, 90, 121].map(|n| if at_front { 129 - n } else { n });
                let gone_before = gone.iter().filter(|n| gaps && **n < place).count();
                assert_eq!(before, place - gone_before, "place {place}, gaps {gaps}, at the front {at_front}");
                assert_eq!(all, 130 - if gaps { 6 } else { 0 });
            }
        }
    }
}

/// How many slots log when it is emitted.
fn log_len(signal: &Signal<u32>, log: &Log<usize>, event: u32, emitted: Emitted) -> usize {
    assert_eq!(signal.emit(&event), emitted);
    log.take().len()
}

#[test]
fn the_last_slot_may_break_too() {
    let signal = Signal::<u32>::new();
    signal.slot().connect_flow(at(1));
    assert!(signal.emit(&1).is_stopped() && signal.emit(&2).is_completed());
}

#[test]
fn a_batch_ends_with_it() {
    for at_front in [false, true] {
        let (signal, log) = (Signal::<u32>::new(), Log::new());
        signal.slot().before().connect(log.slot(|n| ("before", *n)));
        let slot = if at_front { signal.slot().at_front() } else { signal.slot() };
        let seen = log.clone();
        slot.connect_flow(move |n| {
            seen.push(("flow", *n));
            at(2)(n)
        });
        signal.connect_batch(|_| unreachable!("the slots after it get none at all"));
        signal.slot().after().connect(log.slot(|n| ("after", *n)));
        assert!(signal.emit_batch(&[1, 2, 3]).is_stopped());
        let expected = [("before", 1), ("before", 2), ("before", 3), ("flow", 1), ("flow", 2)];
        assert_eq!(log.take(), expected);
    }
}

#[test]
fn a_break_stops_the_innermost_emission_only() {
    let (outer, inner, log) = (Signal::<u32>::new(), Arc::new(Signal::<u32>::new()), Log::new());
    inner.slot().connect_flow(at(1));
    inner.connect(log.slot(|n| ("inner", *n)));
    let (nested, seen) = (inner.clone(), log.clone());
    outer.slot().connect_flow(move |n| {
        seen.push(("stopped", u32::from(nested.emit(n).is_stopped())));
        at(2)(n)
    });
    outer.connect(log.slot(|n| ("outer", *n)));
    assert_eq!([1, 2].map(|n| outer.emit(&n)), [Emitted::Completed, Emitted::Stopped]);
    assert_eq!(log.take(), [("stopped", 1), ("outer", 1), ("inner", 2), ("stopped", 0)]);
}

#[test]
fn a_break_in_a_nested_emission_of_the_same_signal_stops_that_one() {
    let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
    let (inner, seen) = (Arc::downgrade(&signal), log.clone());
    signal.connect(move |n| {
        if *n < 3 {
            let emitted = inner.upgrade().unwrap().emit(&(n + 1));
            seen.push((n + 1, emitted.is_stopped()));
        }
    });
    signal.slot().connect_flow(at(2));
    signal.connect(log.slot(|n| (n * 100, false)));
    assert!(signal.emit(&1).is_completed());
    assert_eq!(log.take(), [(300, false), (3, false), (2, true), (100, false)]);
}

#[test]
fn a_break_of_a_slot_that_is_called_alone_stops_no_emission() {
    // It once stopped the one around it.
    for at_front in [false, true] {
        let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
        let slot = || if at_front { signal.slot().at_front() } else { signal.slot() };
        let seen = log.clone();
        let flow = slot().connect_flow(move |n| {
            seen.push(("flow", *n));
            at(9)(n)
        });
        let (inner, other) = (Arc::downgrade(&signal), slot().connect(|_| {}));
        slot().connect(move |n| {
            if *n == 1 {
                assert!(inner.upgrade().unwrap().emit_to(flow, &9));
            }
        });
        assert!(other.disconnect());
        signal.slot().after().connect(log.slot(|n| ("after", *n)));
        assert!(signal.emit(&1).is_completed());
        let mut expected = vec![("flow", 1), ("flow", 9), ("after", 1)];
        if at_front {
            expected.swap(0, 1);
        }
        assert_eq!(log.take(), expected);
    }
}

#[test]
fn c10_a_slot_that_panics_after_a_nested_break_stops_nothing() {
    let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
    let flow = signal.slot().connect_flow(at(9));
    let inner = Arc::downgrade(&signal);
    signal.connect(move |n| {
        if *n == 1 {
            let signal = inner.upgrade().unwrap();
            assert!(signal.emit(&9).is_stopped() && signal.emit_to(flow, &9));
            resume_unwind(Box::new(*n));
        }
    });
    signal.connect(log.slot(|n| *n));
    assert!(signal.emit(&1).is_completed());
    assert_eq!(log.take(), [1]);
}

#[test]
fn c10_a_break_after_a_panic_that_propagates_panics() {
    let (signal, ran) = (Signal::<u32>::new(), Counter::new());
    signal.on_panic(PanicPolicy::Propagate);
    signal.connect(|n| {
        if *n == 1 {
            resume_unwind(Box::new(*n))
        }
    });
    signal.slot().connect_flow(at(1));
    signal.connect(ran.slot());
    let payload = catch_unwind(AssertUnwindSafe(|| signal.emit(&1))).unwrap_err();
    assert_eq!(payload.downcast_ref::<u32>(), Some(&1));
    assert!(signal.emit(&2).is_completed());
    assert_eq!(ran.get(), 1);
}

#[test]
fn c10_the_emission_around_a_nested_one_that_panics_can_be_stopped_still() {
    let (outer, inner, ran) = (Signal::<u32>::new(), Signal::<u32>::new(), Counter::new());
    inner.on_panic(PanicPolicy::Propagate);
    inner.slot().connect_flow(|n| resume_unwind(Box::new(*n)));
    outer.slot().connect_flow(move |n| {
        let _ = catch_unwind(AssertUnwindSafe(|| inner.emit(n)));
        Break(())
    });
    outer.connect(ran.slot());
    assert!(outer.emit(&1).is_stopped());
    assert_eq!(ran.get(), 0);
}

#[test]
fn the_first_slot_that_may_break_does_not_stop_the_emission_that_connects_it() {
    let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
    let (inner, seen) = (Arc::downgrade(&signal), log.clone());
    signal.slot().once().connect(move |_| {
        let seen = seen.clone();
        inner.upgrade().unwrap().slot().connect_flow(move |n| {
            seen.push(("flow", *n));
            Break(())
        });
    });
    signal.connect(log.slot(|n| ("there", *n)));
    assert!(signal.emit(&1).is_completed());
    assert_eq!(log.take(), [("there", 1)]);
    assert!(signal.emit(&2).is_stopped());
    assert_eq!(log.take(), [("there", 2), ("flow", 2)]);
}

#[test]
fn a_break_goes_with_the_other_options() {
    let (signal, ran) = (Signal::<u32>::new(), Counter::new());
    let slot = signal.slot().filter(|n| *n > 1).times(2).map(|n| n * 2);
    let flow = slot.connect_flow(|n| if *n >= 4 { Break(()) } else { Continue(()) });
    signal.connect(ran.slot());
    let expected = [Emitted::Completed, Emitted::Stopped, Emitted::Stopped, Emitted::Completed];
    assert_eq!([1, 2, 3, 4].map(|n| signal.emit(&n)), expected);
    assert_eq!((ran.get(), flow.is_connected()), (2, false));
}

#[test]
fn a_slot_that_breaks_and_has_ended_itself_stops_all_the_same() {
    let (signal, ran) = (Signal::<u32>::new(), Counter::new());
    signal.slot().once().connect_flow(|_| Break(()));
    signal.connect(ran.slot());
    assert!(signal.emit_batch(&[1, 2]).is_stopped() && signal.emit_batch(&[1, 2]).is_completed());
    assert_eq!(ran.get(), 2);
}

#[test]
fn each_thread_stops_its_own_emission() {
    let signal = Signal::<u32>::new();
    signal.slot().before().connect(|_| {});
    signal.slot().connect_flow(|n| if n % 2 == 0 { Break(()) } else { Continue(()) });
    thread::scope(|scope| {
        for n in 0..4 {
            let signal = &signal;
            scope.spawn(move || {
                for _ in 0..1_000 {
                    assert_eq!(signal.emit(&n).is_stopped(), n % 2 == 0);
                }
            });
        }
    });
}
