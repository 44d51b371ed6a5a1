//! The builder of slots: how often a slot runs, for which events, for whom, and what it costs.

mod common;

use common::{Counter, Log, Tally, collect_all};
use pulsebus::{Connection, Domain, PanicPolicy, Signal};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, OnceLock};
use std::thread;

/// Panics without a message in the test's output.
fn fail(with: u32) -> ! {
    resume_unwind(Box::new(with))
}

#[test]
fn nothing_happens_before_it_is_connected() {
    let (signal, tally) = (Signal::<u32>::new(), Tally::new());
    let guard = tally.guard();
    drop(signal.slot().once().before().filter(move |_| {
        guard.check();
        true
    }));
    assert!(signal.is_empty());
    tally.assert_all_dropped();
}

#[test]
fn what_is_said_twice_counts_as_said_last() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.slot().after().before().times(1).times(2).connect(log.slot(|n| ("before", *n)));
    signal.slot().on_panic(PanicPolicy::Propagate).on_panic(PanicPolicy::Isolate).connect(|_| fail(1));
    signal.connect(log.slot(|n| ("plain", *n)));
    for n in 0..3 {
        signal.emit(&n);
    }
    assert_eq!(log.take(), [("before", 0), ("plain", 0), ("before", 1), ("plain", 1), ("plain", 2)]);
}

#[test]
fn filters_and_ends_add_up_in_the_order_in_which_they_are_said() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let note = |name: &'static str, verdict: fn(u32) -> bool| {
        let log = log.clone();
        move |n: &u32| {
            log.push((name, *n));
            verdict(*n)
        }
    };
    let connection = signal
        .slot()
        .filter(note("even", |n| n % 2 == 0))
        .until(note("until 6", |n| n >= 6))
        .filter(note("not 2", |n| n != 2))
        .connect(log.slot(|n| ("ran", *n)));
    for n in [1, 2, 4] {
        signal.emit(&n);
    }
    let expected =
        [("even", 1), ("even", 2), ("until 6", 2), ("not 2", 2), ("even", 4), ("until 6", 4), ("not 2", 4), ("ran", 4)];
    assert_eq!(log.take(), expected);
    // 7 would end it, but does not come so far.
    signal.emit(&7);
    assert!(connection.is_connected());
    signal.emit(&8);
    signal.emit(&10);
    assert_eq!(log.take(), [("even", 7), ("even", 8), ("until 6", 8)]);
    assert!(!connection.is_connected());
}

#[test]
fn once_runs_once_and_has_ended_before_it_runs() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let own = Arc::new(OnceLock::<Connection>::new());
    let (inner, seen) = (own.clone(), log.clone());
    let connection = signal.slot().once().connect(move |n| seen.push((*n, inner.get().unwrap().is_connected())));
    own.set(connection).unwrap();
    signal.emit(&1);
    signal.emit(&2);
    assert_eq!(log.take(), [(1, false)]);
    assert!(!connection.disconnect(), "it has ended itself");
}

#[test]
fn once_runs_once_in_a_batch_and_in_nested_emissions() {
    let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
    signal.slot().once().connect(log.slot(|n| ("batch", *n)));
    signal.emit_batch(&[1, 2, 3]);
    assert_eq!(log.take(), [("batch", 1)]);
    let (inner, seen) = (Arc::downgrade(&signal), log.clone());
    signal.slot().once().connect(move |n| {
        seen.push(("nested", *n));
        inner.upgrade().unwrap().emit(&(n + 1));
    });
    signal.emit(&7);
    assert_eq!(log.take(), [("nested", 7)]);
}

#[test]
fn once_runs_once_when_many_threads_emit_at_the_same_moment() {
    const THREADS: usize = 4;
    for times in [1, 3] {
        for _ in 0..200 {
            let (signal, ran, start) = (Signal::<()>::new(), Counter::new(), Barrier::new(THREADS));
            let connection = signal.slot().times(times).connect(ran.slot());
            thread::scope(|scope| {
                for _ in 0..THREADS {
                    scope.spawn(|| {
                        start.wait();
                        signal.emit_batch(&[(), ()]);
                    });
                }
            });
            assert_eq!(ran.get(), usize::try_from(times).unwrap());
            assert!(!connection.is_connected());
        }
    }
}

#[test]
fn times_runs_exactly_so_many_times_and_has_ended_before_the_last() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let own = Arc::new(OnceLock::<Connection>::new());
    let (inner, seen) = (own.clone(), log.clone());
    let connection = signal.slot().times(3).connect(move |n| seen.push((*n, inner.get().unwrap().is_connected())));
    own.set(connection).unwrap();
    signal.emit(&1);
    signal.emit_batch(&[2, 3, 4]);
    assert_eq!(log.take(), [(1, true), (2, true), (3, false)]);
}

#[test]
fn what_a_filter_keeps_out_does_not_count_and_a_panic_does() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let seen = log.clone();
    let connection = signal.slot().times(2).filter(|n| n % 2 == 0).connect(move |n| {
        seen.push(*n);
        if *n == 2 {
            fail(*n);
        }
    });
    signal.emit_batch(&[1, 3, 2, 5]);
    assert!(connection.is_connected());
    signal.emit_batch(&[4, 6]);
    assert_eq!(log.take(), [2, 4]);
    assert_eq!(connection.panics(), Some(1));
    assert!(!connection.is_connected());
}

#[test]
fn zero_times_never_runs_and_ends_at_the_first_event() {
    let (signal, ran) = (Signal::<u32>::new(), Counter::new());
    let connection = signal.slot().times(0).filter(|n| *n > 0).connect(ran.slot());
    signal.emit(&0);
    assert!(connection.is_connected(), "that was none of its events");
    signal.emit(&1);
    assert!(!connection.is_connected());
    assert_eq!(ran.get(), 0);
}

#[test]
fn a_predicate_that_panics_is_the_slot_that_panics() {
    let (signal, ran) = (Signal::<u32>::new(), Counter::new());
    let odd = |n: &u32| if *n == 3 { fail(*n) } else { true };
    let filtered = signal.slot().times(2).filter(odd).connect(ran.slot());
    let until = signal.slot().until(move |n| !odd(n)).on_panic(PanicPolicy::DisconnectAfter(1)).connect(ran.slot());
    signal.emit_batch(&[1, 3, 5, 7]);
    assert_eq!((filtered.panics(), until.panics()), (Some(1), Some(1)));
    assert_eq!(ran.get(), 2 + 1, "the panic of a filter takes no turn; the other one ended with it");
}

#[test]
fn until_ends_at_its_event_which_is_not_delivered() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let connection = signal.slot().until(|n| *n == 3).connect(log.slot(|n| *n));
    signal.emit_batch(&[1, 2, 3, 4]);
    assert_eq!(log.take(), [1, 2]);
    assert!(!connection.is_connected());
}

#[test]
fn a_slot_has_a_panic_policy_of_its_own() {
    let (signal, ran) = (Signal::<u32>::new(), Counter::new());
    signal.on_panic(PanicPolicy::Propagate);
    let isolated = signal.slot().on_panic(PanicPolicy::Isolate).connect(|n| fail(*n));
    let twice = signal.slot().on_panic(PanicPolicy::DisconnectAfter(2)).connect(|n| fail(*n));
    signal.connect(ran.slot());
    signal.emit_batch(&[1, 2, 3]);
    assert_eq!((isolated.panics(), twice.panics()), (Some(3), Some(2)));
    assert!(isolated.is_connected() && !twice.is_connected());
    assert_eq!(ran.take(), 3);

    signal.on_panic(PanicPolicy::Isolate);
    signal.slot().before().on_panic(PanicPolicy::Propagate).connect(|n| fail(*n + 100));
    let payload = catch_unwind(AssertUnwindSafe(|| signal.emit(&1))).unwrap_err();
    assert_eq!(payload.downcast_ref::<u32>(), Some(&101));
    assert_eq!(ran.get(), 1, "the others have run, in the lanes behind it");
    assert_eq!(isolated.panics(), Some(4));
}

#[test]
fn a_slot_is_handed_its_own_connection() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let seen = log.clone();
    let connections = [
        signal.slot().connect_self(move |n, own| seen.push((*n, own))),
        signal.slot().before().connect_self(|n, own| {
            if *n == 2 {
                assert!(own.disconnect());
            }
        }),
    ];
    signal.emit(&1);
    signal.emit_batch(&[2, 3]);
    assert_eq!(log.take(), [1, 2, 3].map(|n| (n, connections[0])));
    assert!(!connections[1].is_connected());
}

#[test]
fn a_slot_that_has_been_blocked_is_handed_the_same_connection() {
    // It once got the tag as it was, gated, which is not the one that handles have.
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let seen = log.clone();
    let connection = signal.slot().connect_self(move |_, own| seen.push(own));
    drop(connection.block());
    signal.emit(&1);
    signal.emit_batch(&[2, 3]);
    assert_eq!(log.take(), [connection; 3]);
}

#[test]
fn a_slot_for_a_target_ends_at_the_first_event_after_the_target_has_gone() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let (target, seen) = (Arc::new(7), log.clone());
    let times = signal.slot().times(2).filter(|_| true).connect_weak(&target, move |target, n| seen.push(target + n));
    assert_eq!(Arc::strong_count(&target), 1, "it is not kept alive");
    signal.emit(&1);
    assert_eq!(log.take(), [8]);
    drop(target);
    assert!(times.is_connected(), "nobody has looked yet");
    signal.emit(&2);
    assert!(!times.is_connected());
    assert!(log.take().is_empty());
}

#[test]
fn an_event_after_the_target_has_gone_counts_for_nothing_else() {
    let signal = Signal::<u32>::new();
    let (target, asked) = (Arc::new(()), Counter::new());
    let counted = asked.clone();
    let filter = move |_: &u32| {
        counted.add(1);
        true
    };
    let connection = signal.slot().filter(filter).connect_weak(&target, |(), _| {});
    drop(target);
    signal.emit(&1);
    assert_eq!(asked.get(), 0);
    assert!(!connection.is_connected());
}

#[test]
fn the_target_is_kept_alive_during_the_call_and_dropped_by_it() {
    let (signal, tally) = (Signal::<()>::new(), Tally::new());
    let target = Arc::new(tally.guard());
    let last = Mutex::new(Some(target.clone()));
    signal.slot().connect_weak(&target, move |target, ()| {
        drop(last.lock().unwrap().take());
        target.check();
    });
    drop(target);
    assert_eq!(tally.dropped(), 0);
    signal.emit(&());
    tally.assert_all_dropped();
}

#[test]
fn a_target_whose_filter_lets_it_go_is_not_called() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    let target = Arc::new(());
    let held = Mutex::new(Some(target.clone()));
    let filter = move |(): &()| held.lock().unwrap().take().is_some();
    let counter = ran.clone();
    let connection = signal.slot().filter(filter).connect_weak(&target, move |(), ()| counter.add(1));
    drop(target);
    signal.emit(&());
    assert_eq!(ran.get(), 0);
    assert!(!connection.is_connected());
}

#[test]
fn a_map_runs_after_the_filters_once_per_call() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let mapped = Arc::new(AtomicUsize::new(0));
    let count = mapped.clone();
    let double = move |n: &u32| {
        count.fetch_add(1, SeqCst);
        n * 2
    };
    signal.slot().filter(|n| n % 2 == 1).times(2).map(double).connect(log.slot(|n| *n));
    signal.emit_batch(&[1, 2, 3, 5]);
    assert_eq!(log.take(), [2, 6]);
    assert_eq!(mapped.load(SeqCst), 2);
}

#[test]
fn a_scoped_slot_ends_with_its_guard() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    let scoped = signal.slot().after().times(9).connect_scoped(ran.slot());
    signal.emit(&());
    drop(scoped);
    signal.emit(&());
    assert_eq!(ran.get(), 1);
    assert!(signal.is_empty());
}

#[test]
fn one_slot_only_can_be_emitted_to_whatever_was_asked_for() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let slots = [
        signal.slot().before().once().connect(log.slot(|n| ("before", *n))),
        signal.connect(log.slot(|n| ("plain", *n))),
        signal.slot().at_front().connect(log.slot(|n| ("front", *n))),
    ];
    for (n, slot) in (0..).zip(slots) {
        assert!(signal.emit_to(slot, &n));
    }
    assert_eq!(log.take(), [("before", 0), ("plain", 1), ("front", 2)]);
    assert!(!signal.emit_to(slots[0], &3), "it was to run once");
}

#[test]
fn what_options_and_slots_captured_is_dropped_once_and_not_inside_an_emission() {
    let (domain, tally) = (Domain::new(), Tally::new());
    let signal = Signal::<u32>::new_in(&domain);
    for n in 0..200 {
        let (a, b, c) = (tally.guard(), tally.guard(), tally.guard());
        let slot = signal.slot().priority(n % 5).filter(move |_| {
            a.check();
            true
        });
        let slot = slot.until(move |n| {
            b.check();
            *n == 7
        });
        slot.times(u64::from(n.unsigned_abs() % 4) + 1)
            .on_panic(PanicPolicy::DisconnectAfter(2))
            .map(|n| n + 1)
            .connect(move |_| c.check());
    }
    common::inside_emission(|| signal.emit_batch(&[1, 2]));
    assert_eq!(tally.dropped(), 0);
    collect_all(&domain);
    assert_eq!(tally.dropped(), 3 * 100, "those that were to run once or twice");
    common::inside_emission(|| signal.emit(&7));
    collect_all(&domain);
    tally.assert_all_dropped();
    assert_eq!(tally.dropped_inside(), 0);
}

#[test]
fn a_destructor_in_one_lane_does_not_end_a_slot_of_another_when_the_signal_is_dropped() {
    struct Disconnects(Arc<OnceLock<[Connection; 3]>>, Arc<AtomicU32>);
    impl Drop for Disconnects {
        fn drop(&mut self) {
            let won = self.0.get().unwrap().iter().filter(|connection| connection.disconnect()).count();
            self.1.fetch_add(u32::try_from(won).unwrap(), SeqCst);
        }
    }
    let (all, won) = (Arc::new(OnceLock::new()), Arc::new(AtomicU32::new(0)));
    let signal = Signal::<()>::new();
    let slots = [-1, 0, 1].map(|priority| {
        let captured = Disconnects(all.clone(), won.clone());
        signal.slot().priority(priority).connect(common::holding(captured))
    });
    all.set(slots).unwrap();
    drop(signal);
    assert_eq!(won.load(SeqCst), 0, "the signal has ended them all");
    assert!(slots.iter().all(|slot| !slot.is_connected()));
}

#[test]
fn a_builder_tells_what_was_said() {
    let signal = Signal::<u32>::new();
    let told = format!("{:?}", signal.slot().before().times(3).on_panic(PanicPolicy::Propagate).map(|n| n + 1));
    assert!(told.contains("-16384") && told.contains("Some(3)") && told.contains("Propagate"), "{told}");
}

#[test]
#[should_panic(expected = "not another signal's")]
fn a_bus_connects_no_slot_of_another_signal_than_it_was_asked_to() {
    static OTHER: Signal<u32> = Signal::new();
    let (bus, mine) = (pulsebus::Bus::new(), Signal::<u32>::new());
    let _ = bus.connect(&mine).options(|_| OTHER.slot());
}
