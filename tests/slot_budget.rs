//! Budgets of slots: who takes longer than it may, and what becomes of it.

mod common;

use common::collect_all;
use pulsebus::{Connection, Domain, ManualClock, OverBudget, Signal, SlotBudget};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A budget of two milliseconds, by a clock that slots advance by their events.
fn rig(over: OverBudget) -> (ManualClock, SlotBudget, impl Fn(&u64) + Clone + Send + Sync) {
    let hand = ManualClock::new();
    let budget = SlotBudget::new(ms(2)).clock(hand.clock()).over(over);
    let work = hand.clone();
    (hand, budget, move |n: &u64| work.advance(ms(*n)))
}

#[test]
fn calls_that_take_longer_are_counted_under_the_place_where_the_slot_was_connected() {
    let (_, budget, work) = rig(OverBudget::Count);
    let signal = Signal::<u64>::new();
    let line = line!() + 1;
    let slow = signal.slot().budget(&budget).connect(work);
    assert!(budget.slow().is_empty(), "it has done nothing yet");
    signal.emit(&2);
    assert!(budget.slow().is_empty(), "that is what it may take");
    signal.emit_batch(&[3, 1, 9]);
    let [worst] = budget.slow()[..] else { panic!("one slot has taken longer") };
    assert_eq!((worst.connection, worst.calls, worst.overruns, worst.longest), (slow, 4, 2, ms(9)));
    assert_eq!((worst.place.file(), worst.place.line()), (file!(), line));
    assert!(slow.is_connected());
    assert_eq!(budget.most(), ms(2));
}

#[test]
fn all_copies_are_one_budget_and_the_worst_slot_comes_first() {
    let (_, budget, work) = rig(OverBudget::Count);
    let (signal, other) = (Signal::<u64>::new(), Signal::<u64>::new());
    let slots: Vec<Connection> = [3, 5, 1, 4]
        .map(|times| {
            let work = work.clone();
            signal.slot().budget(&budget.clone()).times(times).connect(move |n| work(&(n * (times - 1))))
        })
        .to_vec();
    other.slot().budget(&budget).connect(work);
    for n in [1, 2, 1] {
        signal.emit(&n);
    }
    let slow: Vec<_> = budget.slow().iter().map(|slow| (slow.connection, slow.overruns, slow.longest)).collect();
    assert_eq!(slow, [(slots[1], 3, ms(8)), (slots[3], 3, ms(6)), (slots[0], 1, ms(4))]);
}

#[test]
fn a_connection_ends_with_its_nth_call_that_takes_longer() {
    for (n, ends_after) in [(0, 1), (1, 1), (3, 3)] {
        let (_, budget, work) = rig(OverBudget::DisconnectAfter(n));
        let signal = Signal::<u64>::new();
        let slow = signal.slot().budget(&budget).connect(work);
        signal.emit_batch(&[1, 2]);
        assert!(slow.is_connected());
        signal.emit_batch(&[5, 5, 5, 5, 5]);
        assert_eq!((slow.is_connected(), budget.slow()[0].overruns), (false, ends_after));
    }
}

#[test]
fn a_new_budget_is_made_for_those_that_are_given_it_from_now_on() {
    let (_, counting, work) = rig(OverBudget::Count);
    let ending = counting.clone().over(OverBudget::DisconnectAfter(1));
    let signal = Signal::<u64>::new();
    let counted = signal.slot().budget(&counting).connect(work.clone());
    let ended = signal.slot().budget(&ending).connect(work);
    signal.emit(&7);
    assert!(counted.is_connected() && !ended.is_connected());
    assert_eq!((counting.slow().len(), ending.slow().len()), (1, 1));
    assert!(format!("{ending:?}").contains("DisconnectAfter(1)"));
}

#[test]
fn a_call_that_panics_counts_and_one_that_a_filter_keeps_out_does_not() {
    let (hand, budget, work) = rig(OverBudget::Count);
    let signal = Signal::<u64>::new();
    let busy = hand.clone();
    let filter = move |n: &u64| {
        busy.advance(ms(50));
        *n > 1
    };
    let slot = signal.slot().times(3).budget(&budget).filter(filter).connect(move |n| {
        work(n);
        resume_unwind(Box::new(*n));
    });
    signal.emit(&1);
    assert!(budget.slow().is_empty());
    signal.emit_batch(&[2, 3, 4, 5]);
    let slow = budget.slow()[0];
    assert_eq!((slow.calls, slow.overruns, slow.longest), (3, 3, ms(54)), "the filter is a part of the call");
    assert_eq!((slot.panics(), slot.is_connected()), (Some(3), false));
}

#[test]
fn those_that_have_ended_are_there_until_what_they_captured_is_dropped() {
    let (_, budget, work) = rig(OverBudget::DisconnectAfter(1));
    let domain = Domain::new();
    let signal = Signal::<u64>::new_in(&domain);
    let slow = signal.slot().budget(&budget).connect(work);
    signal.emit(&3);
    assert!(!slow.is_connected());
    assert_eq!(budget.slow().len(), 1);
    collect_all(&domain);
    assert!(budget.slow().is_empty());
}

#[test]
fn slots_that_come_and_go_leave_nothing_in_a_budget() {
    let (_, budget, work) = rig(OverBudget::Count);
    let domain = Domain::new();
    let signal = Signal::<u64>::new_in(&domain);
    for _ in 0..200 {
        let slots: Vec<Connection> = (0..10).map(|_| signal.slot().budget(&budget).connect(work.clone())).collect();
        signal.emit(&3);
        assert_eq!(budget.slow().len(), 10);
        slots.iter().for_each(|slot| assert!(slot.disconnect()));
        collect_all(&domain);
    }
}

#[test]
fn a_slot_may_look_at_its_own_budget_and_end_itself_in_a_nested_emission() {
    let (_, budget, work) = rig(OverBudget::DisconnectAfter(1));
    let signal = Arc::new(Signal::<u64>::new());
    let (inner, looked, seen) = (Arc::downgrade(&signal), budget.clone(), Arc::new(Mutex::new(Vec::new())));
    let log = seen.clone();
    signal.slot().budget(&budget).connect(move |n| {
        if *n == 1 {
            inner.upgrade().unwrap().emit(&5);
        } else {
            work(n);
        }
        log.lock().unwrap().push((*n, looked.slow().len()));
    });
    signal.emit_batch(&[1, 2]);
    // The inner call has ended the connection, so the batch ends, and the outer one took as long.
    assert_eq!(*seen.lock().unwrap(), [(5, 0), (1, 1)]);
    assert_eq!(budget.slow()[0].overruns, 2);
}

#[test]
fn a_budget_is_shared_by_threads() {
    let budget = SlotBudget::new(Duration::ZERO);
    let signal = Signal::<u64>::new();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    signal.slot().budget(&budget).times(3).connect(|_| {});
                    signal.emit(&1);
                    budget.slow();
                }
            });
        }
    });
    assert!(budget.slow().iter().all(|slow| slow.calls <= 3 && slow.overruns <= slow.calls));
}
