//! Slots that run on an event loop, always or once they are slow; and options of tracked connections.

mod common;

use common::{Counter, Log, Tally, collect_all, holding};
use pulsebus::{Bus, Domain, EndReason, EventLoop, ManualClock, OverBudget, PanicPolicy, Priority, Signal, SlotBudget};
use std::cell::RefCell;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

#[test]
fn filters_and_ends_are_looked_at_when_the_event_is_emitted() {
    let (signal, event_loop) = (Signal::<u32>::new(), EventLoop::new());
    let (seen, looked) = (Rc::new(RefCell::new(Vec::new())), Counter::new());
    let (log, looks) = (Rc::clone(&seen), looked.clone());
    let filter = move |n: &u32| {
        looks.add(1);
        n % 2 == 1
    };
    let connection = signal.slot().until(|n| *n == 9).filter(filter).on(&event_loop).connect(move |n| {
        log.borrow_mut().push(*n);
    });
    signal.emit_batch(&[1, 2, 3, 9, 11]);
    assert_eq!((looked.get(), seen.borrow().len(), connection.is_connected()), (3, 0, false));
    // It has ended: what is queued for it does not run any more.
    assert_eq!((event_loop.run_pending(10).calls, seen.borrow().len()), (0, 0));
}

#[test]
fn calls_on_a_loop_are_counted_when_they_run() {
    let (signal, event_loop) = (Signal::<u32>::new(), EventLoop::new());
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&seen);
    let connection = signal.slot().times(2).on(&event_loop).connect(move |n| log.borrow_mut().push(*n));
    signal.emit_batch(&[1, 2, 3, 4]);
    assert!(connection.is_connected(), "none has run");
    assert_eq!(event_loop.run_pending(10).calls, 2);
    assert_eq!((seen.borrow().as_slice(), connection.is_connected()), ([1, 2].as_slice(), false));
}

#[test]
fn a_call_on_a_loop_is_measured_when_it_runs() {
    let (hand, event_loop) = (ManualClock::new(), EventLoop::new());
    let budget = SlotBudget::new(MS).clock(hand.clock());
    let strict = budget.clone().over(OverBudget::DisconnectAfter(2));
    let signal = Signal::<u32>::new();
    let slots = [&budget, &strict].map(|budget| {
        let work = hand.clone();
        signal.slot().budget(budget).on(&event_loop).connect(move |n| work.advance(MS * *n))
    });
    signal.emit_batch(&[1, 2, 3, 4]);
    hand.advance(MS * 100);
    assert_eq!((budget.slow(), event_loop.run_pending(1).calls), (vec![], 1), "the wait is not the slot's");
    assert_eq!(event_loop.run_pending(10).calls, 6, "one ends with the second that is too slow");
    let slow = &budget.slow()[0];
    assert_eq!((slow.calls, slow.overruns, slow.longest, slow.connection), (4, 3, MS * 4, slots[0]));
    assert!(slow.place.file().ends_with("slot_on_loop.rs"));
    assert_eq!(slots.map(|slot| slot.is_connected()), [true, false]);
}

#[test]
fn priorities_order_what_is_queued_beside_what_runs_at_once() {
    let (signal, event_loop, log) = (Signal::<u32>::new(), EventLoop::new(), Log::new());
    signal.connect(log.slot(|_| "inline"));
    for (priority, name) in [(Priority::AFTER, "after"), (Priority::BEFORE, "before")] {
        let log = log.clone();
        signal.slot().priority(priority).on(&event_loop).connect(move |_| log.push(name));
    }
    signal.emit(&1);
    assert_eq!(event_loop.run_pending(10).calls, 2);
    assert_eq!(log.take(), ["inline", "before", "after"]);
}

#[test]
fn its_own_panic_policy_holds_on_the_loop() {
    let (signal, event_loop) = (Signal::<u32>::new(), EventLoop::new());
    let slot = signal.slot().on_panic(PanicPolicy::DisconnectAfter(2)).on(&event_loop).connect(|_| panic!("each time"));
    signal.emit_batch(&[1, 2, 3]);
    assert_eq!((event_loop.run_pending(10).calls, slot.panics(), slot.is_connected()), (2, Some(2), false));
}

#[test]
fn a_slot_runs_inline_until_it_is_slow_and_on_the_loop_from_then_on() {
    let (hand, event_loop, log) = (ManualClock::new(), EventLoop::new(), Log::new());
    let budget = SlotBudget::new(MS).clock(hand.clock());
    let (signal, work, calls) = (Signal::<u32>::new(), hand.clone(), log.clone());
    let slot = signal.slot().spill(&budget, 2, &event_loop.handle()).connect(move |n| {
        calls.push(*n);
        work.advance(MS * *n);
    });
    signal.emit_batch(&[1, 2, 3, 4, 5]);
    assert_eq!(log.take(), [1, 2, 3], "slow are 2 and 3");
    assert_eq!((event_loop.run_pending(10).calls, log.take()), (2, vec![4, 5]));
    assert_eq!(budget.slow()[0].overruns, 4, "measured there, too");
    // What is queued when it ends is not run.
    signal.emit(&6);
    slot.disconnect();
    event_loop.run_pending(10);
    assert_eq!(log.take(), []);
}

#[test]
fn what_can_not_be_queued_runs_inline() {
    let (hand, log) = (ManualClock::new(), Log::new());
    let budget = SlotBudget::new(MS).clock(hand.clock());
    let (signal, work, calls) = (Signal::<u32>::new(), hand.clone(), log.clone());
    let event_loop = EventLoop::bounded(1).expect("a capacity");
    signal.slot().spill(&budget, 1, &event_loop.handle()).connect(move |n| {
        calls.push(*n);
        work.advance(MS * 2);
    });
    signal.emit_batch(&[1, 2, 3]);
    assert_eq!(log.take(), [1, 3], "the loop had room for one");
    assert_eq!((event_loop.run_pending(10).calls, log.take()), (1, vec![2]));
    drop(event_loop);
    signal.emit(&4);
    assert_eq!(log.take(), [4]);
}

#[test]
fn panics_and_blocks_are_the_slots_own_after_it_has_moved() {
    let (hand, event_loop, calls) = (ManualClock::new(), EventLoop::new(), Counter::new());
    let budget = SlotBudget::new(MS).clock(hand.clock());
    let (signal, work, counted) = (Signal::<u32>::new(), hand.clone(), calls.clone());
    let slot = signal.slot().spill(&budget, 1, &event_loop.handle()).connect(move |n| {
        work.advance(MS * 2);
        counted.add(1);
        assert!(*n != 7, "seven");
    });
    signal.emit_batch(&[1, 7]);
    let block = slot.block();
    let run = event_loop.run_pending(1);
    assert_eq!((run.calls, run.skipped), (0, 1));
    drop(block);
    signal.emit(&8);
    event_loop.run_pending(10);
    assert_eq!((calls.take(), slot.panics()), (2, Some(0)), "that of 7 was passed by");
    signal.emit(&7);
    event_loop.run_pending(10);
    assert_eq!((calls.take(), slot.panics(), slot.is_connected()), (1, Some(1), true));
}

#[test]
fn calls_that_were_given_away_and_not_made_are_skipped_and_take_nothing_of_the_budget() {
    let (hand, event_loop, calls) = (ManualClock::new(), EventLoop::new(), Counter::new());
    let budget = SlotBudget::new(MS).clock(hand.clock());
    let (signal, work, counted) = (Signal::<u32>::new(), hand.clone(), calls.clone());
    let slot = signal.slot().spill(&budget, 1, &event_loop.handle()).connect(move |_| {
        work.advance(MS * 2);
        counted.add(1);
    });
    signal.emit_batch(&[1, 2, 3]);
    assert!(slot.disconnect());
    event_loop.handle().post(|_| {}).expect("there is room");
    let run = event_loop.run_pending(1);
    assert_eq!((run.calls, run.skipped, run.left, calls.take()), (1, 2, 0, 1));
    assert_eq!(event_loop.figures().skipped, 2);
}

#[test]
fn a_slot_that_spills_runs_as_often_as_it_says() {
    let (hand, event_loop, log) = (ManualClock::new(), EventLoop::new(), Log::new());
    let budget = SlotBudget::new(MS).clock(hand.clock());
    let (signal, work, calls) = (Signal::<u32>::new(), hand.clone(), log.clone());
    let slot = signal.slot().times(3).spill(&budget, 1, &event_loop.handle()).connect(move |n| {
        work.advance(MS * 2);
        calls.push(*n);
    });
    signal.emit_batch(&[1, 2, 3, 4]);
    assert_eq!(log.take(), [1]);
    let run = event_loop.run_pending(10);
    assert_eq!((run.calls, run.skipped), (2, 1), "the last one has no turn left");
    assert_eq!((log.take(), slot.is_connected()), (vec![2, 3], false));
}

#[test]
fn a_slot_that_spills_keeps_its_panic_policy() {
    let (hand, event_loop) = (ManualClock::new(), EventLoop::new());
    let budget = SlotBudget::new(MS).clock(hand.clock());
    let (signal, work) = (Signal::<u32>::new(), hand.clone());
    let policy = PanicPolicy::DisconnectAfter(1);
    let slot = signal.slot().on_panic(policy).spill(&budget, 1, &event_loop.handle()).connect(move |n| {
        work.advance(MS * 2);
        assert!(*n != 7, "seven");
    });
    signal.emit_batch(&[1, 7]);
    event_loop.run_pending(10);
    assert!(!slot.is_connected());
}

#[test]
fn a_queued_call_that_drops_its_signal_and_panics_hurts_nobody_who_comes_after() {
    let (domain, event_loop) = (Domain::new(), EventLoop::new());
    let next = Rc::new(Signal::<u32>::new_in(&domain));
    for _ in 0..2 {
        let signal = Rc::new(RefCell::new(Some(Signal::<u32>::new_in(&domain))));
        let (theirs, following, born) = (Rc::clone(&signal), Rc::clone(&next), Rc::new(RefCell::new(None)));
        let newborn = Rc::clone(&born);
        let captured = Tally::new();
        // More than fits into the slot, and to be dropped.
        let (ballast, guard) = ([7_u64; 8], captured.guard());
        let filter = move |_: &u32| ballast[0] == 7 && !std::ptr::eq(&guard, std::ptr::null());
        let policy = PanicPolicy::DisconnectAfter(1);
        signal.borrow().as_ref().unwrap().slot().on_panic(policy).filter(filter).on(&event_loop).connect(move |_| {
            drop(theirs.borrow_mut().take());
            let connections: Vec<_> =
                (0..100).map(|_| following.slot().on_panic(PanicPolicy::Isolate).connect(|_| {})).collect();
            *newborn.borrow_mut() = Some(connections);
            panic!("after its signal's end");
        });
        signal.borrow().as_ref().unwrap().emit(&1);
        event_loop.run_pending(10);
        captured.assert_all_dropped();
        for connection in born.take().unwrap() {
            assert_eq!((connection.is_connected(), connection.panics()), (true, Some(0)));
        }
    }
}

#[test]
fn what_loop_slots_captured_is_dropped_with_the_loop_or_the_signal() {
    let (domain, tally) = (Domain::new(), Tally::new());
    let (signal, event_loop) = (Signal::<u32>::new_in(&domain), EventLoop::new());
    signal.slot().once().on(&event_loop).connect(holding(tally.guard()));
    let other = Signal::<u32>::new_in(&domain);
    let budget = SlotBudget::new(Duration::ZERO);
    other.slot().spill(&budget, 1, &event_loop.handle()).connect(holding(tally.guard()));
    other.emit_batch(&[1, 2, 3]);
    drop(other);
    drop(event_loop);
    assert!(signal.is_empty(), "the loop has ended its slots");
    collect_all(&domain);
    tally.assert_all_dropped();
}

#[test]
fn a_tracked_connection_has_options_too() {
    let (bus, signal, log) = (Bus::new(), Signal::<u32>::new(), Log::new());
    let ends = Log::new();
    let reasons = ends.clone();
    bus.connect(&signal).owner(7).slot(log.slot(|n| ("plain", *n))).unwrap();
    let once = bus
        .connect(&signal)
        .owner(7)
        .on_cleanup(move |reason| reasons.push(reason))
        .options(|slot| slot.before().filter(|n| *n > 10).once())
        .slot(log.slot(|n| ("first", *n)))
        .unwrap();
    signal.emit(&5);
    signal.emit(&50);
    signal.emit(&60);
    assert_eq!(log.take(), [("plain", 5), ("first", 50), ("plain", 50), ("plain", 60)]);
    assert!(!once.is_connected());
    bus.cleanup_stale();
    assert_eq!((ends.take(), bus.cleanup_owner(7)), (vec![EndReason::Disconnected], 1));
}

#[test]
fn a_tracked_slot_may_stop_an_emission_and_ends_with_its_owner() {
    let (bus, signal, calls) = (Bus::new(), Signal::<u32>::new(), Counter::new());
    let stop = |n: &u32| if *n == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    bus.connect(&signal).owner(1).options(|slot| slot.before()).slot_flow(stop).unwrap();
    signal.connect(calls.slot());
    assert!(signal.emit(&3).is_stopped() && signal.emit(&4).is_completed());
    assert_eq!((calls.take(), bus.cleanup_owner(1)), (1, 1));
    assert!(signal.emit(&3).is_completed());
    // A guard, and the signal's end is heard of in every lane.
    let scoped = bus.connect(&signal).owner(2).options(|slot| slot.after()).scoped(|_| {}).unwrap();
    drop(scoped);
    bus.cleanup_stale();
    bus.connect(&signal).owner(3).options(|slot| slot.at_front()).slot(|_| {}).unwrap();
    drop(signal);
    bus.cleanup_stale();
    assert_eq!(bus.statistics().ended_by(EndReason::DroppedSignal), 1);
    assert_eq!(bus.statistics().live, 0);
}
