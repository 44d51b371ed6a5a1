//! Slots that do not take every event: throttled, debounced.

mod common;

use common::{Counter, Guard, Log, Tally, collect_all, holding, keep};
use pulsebus::{Bus, ConnectError, Domain, EndReason, ManualClock, Signal};
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const HAIR: Duration = Duration::from_nanos(1);

fn by_hand() -> (Bus, ManualClock, Signal<u32>) {
    let hand = ManualClock::new();
    (Bus::builder().clock(hand.clock()).build().unwrap(), hand, Signal::new())
}

/// Moves the clock, and runs the timers.
fn pass(bus: &Bus, hand: &ManualClock, time: Duration) -> usize {
    hand.advance(time);
    bus.run_timers()
}

/// An event that counts its copies and their ends, and may panic at its end.
struct Event {
    tally: Tally,
    _guard: Guard,
    is_bad: bool,
}

impl Event {
    fn new(tally: &Tally, is_bad: bool) -> Self {
        Self { tally: tally.clone(), _guard: tally.guard(), is_bad }
    }
}

impl Clone for Event {
    fn clone(&self) -> Self {
        Self::new(&self.tally, self.is_bad)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        assert!(!self.is_bad || std::thread::panicking(), "a bad end");
    }
}

#[test]
fn a_throttled_slot_takes_the_first_event_of_each_interval() {
    let (bus, hand, signal) = by_hand();
    let log = Log::new();
    bus.connect(&signal).owner(7).throttled(SECOND, log.slot(|n| *n)).unwrap();
    signal.emit_batch(&[1, 2, 3]);
    hand.advance(SECOND - HAIR);
    signal.emit(&4);
    hand.advance(HAIR);
    signal.emit_batch(&[5, 6]);
    hand.advance(SECOND * 100);
    signal.emit_batch(&[7, 8]);
    assert_eq!(log.take(), [1, 5, 7]);
    bus.cleanup_owner(7);
    hand.advance(SECOND);
    signal.emit(&9);
    assert_eq!(log.take(), []);
}

#[test]
fn a_slot_throttled_by_a_key_takes_the_first_event_of_each_key() {
    let (bus, hand, signal) = by_hand();
    let log = Log::new();
    bus.connect(&signal).throttled_by(SECOND, |n| n % 10, log.slot(|n| *n)).unwrap();
    signal.emit_batch(&[11, 21, 12, 22, 31]);
    hand.advance(SECOND);
    signal.emit_batch(&[41, 51, 43]);
    assert_eq!(log.take(), [11, 12, 41, 43]);
}

#[test]
fn a_throttled_slot_that_panics_has_had_its_event() {
    let (bus, hand, signal) = by_hand();
    let connection = bus.connect(&signal).throttled(SECOND, |_| panic!("each time")).unwrap();
    signal.emit_batch(&[1, 2]);
    hand.advance(SECOND);
    signal.emit(&3);
    assert_eq!(bus.detail(connection).unwrap().panics, 2);
}

#[test]
fn a_debounced_slot_takes_the_last_event_of_each_burst() {
    let (bus, hand, signal) = by_hand();
    let log = Log::new();
    bus.connect(&signal).debounced(SECOND, log.slot(|n| *n)).unwrap();
    assert_eq!(pass(&bus, &hand, SECOND * 5), 0, "nothing is pending");
    for n in 0..10 {
        signal.emit_batch(&[n, n + 100]);
        assert_eq!(pass(&bus, &hand, SECOND - HAIR), 0);
    }
    assert_eq!(log.take(), []);
    assert_eq!((pass(&bus, &hand, HAIR), log.take()), (1, vec![109]));
    assert_eq!(pass(&bus, &hand, SECOND * 5), 0);
    signal.emit(&7);
    assert_eq!((pass(&bus, &hand, SECOND * 5), log.take()), (1, vec![7]));
}

#[test]
fn a_slot_debounced_by_a_key_takes_the_last_event_of_each_key() {
    let (bus, hand, signal) = by_hand();
    let log = Log::new();
    bus.connect(&signal).debounced_by(SECOND, |n| n % 10, log.slot(|n| *n)).unwrap();
    signal.emit_batch(&[11, 12, 21]);
    assert_eq!(pass(&bus, &hand, SECOND / 2), 0);
    signal.emit_batch(&[31, 13]);
    assert_eq!((pass(&bus, &hand, SECOND / 2), log.take()), (1, vec![12]));
    assert_eq!((pass(&bus, &hand, SECOND / 2), log.take()), (2, vec![13, 31]));
}

#[test]
fn an_interval_of_zero_is_an_error() {
    let (bus, _, signal) = by_hand();
    let zero = Duration::ZERO;
    let errors = [
        bus.connect(&signal).throttled(zero, |_| {}),
        bus.connect(&signal).throttled_by(zero, |n| *n, |_| {}),
        bus.connect(&signal).debounced(zero, |_| {}),
        bus.connect(&signal).debounced_by(zero, |n| *n, |_| {}),
    ];
    assert!(errors.iter().all(|error| *error == Err(ConnectError::ZeroInterval)));
    assert!(signal.is_empty() && bus.is_empty());
}

#[test]
fn a_debounced_slot_may_emit_and_end_itself() {
    let (bus, hand, _) = by_hand();
    let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
    let (theirs, again, calls) = (bus.downgrade(), Arc::downgrade(&signal), log.clone());
    let slot = move |n: &u32| {
        calls.push(*n);
        again.upgrade().unwrap().emit(&(n + 1));
        if *n == 3 {
            assert_eq!(theirs.upgrade().unwrap().cleanup_owner(7), 1);
        }
    };
    bus.connect(&*signal).owner(7).debounced(SECOND, slot).unwrap();
    signal.emit(&1);
    (0..10).for_each(|_| assert!(pass(&bus, &hand, SECOND) <= 1));
    assert_eq!((log.take(), bus.statistics().cleanup_errors), (vec![1, 2, 3], 0));
}

#[test]
fn a_debounced_slot_that_panics_is_counted_and_takes_the_next_burst() {
    let (bus, hand, signal) = by_hand();
    let calls = Counter::new();
    let fragile = bus.connect(&signal).debounced(SECOND, |_| panic!("each time")).unwrap();
    bus.connect(&signal).debounced(SECOND, calls.slot()).unwrap();
    for round in 1..=3 {
        signal.emit(&1);
        assert_eq!(pass(&bus, &hand, SECOND), 2);
        assert_eq!((calls.get() as u64, bus.statistics().panics), (round, round));
        assert_eq!((fragile.panics(), bus.statistics().cleanup_errors), (Some(round as u32), 0));
    }
}

#[test]
fn what_is_pending_when_the_connection_ends_is_dropped_once_and_not_delivered() {
    let (domain, hand, tally) = (Domain::new(), ManualClock::new(), Tally::new());
    let bus = Bus::builder().domain(&domain).clock(hand.clock()).build().unwrap();
    let (signal, calls) = (Signal::<Event>::new_in(&domain), Counter::new());
    bus.connect(&signal).owner(7).debounced(SECOND, calls.slot()).unwrap();
    bus.connect(&signal).owner(7).debounced_by(SECOND, |_| 1, calls.slot()).unwrap();
    let event = Event::new(&tally, false);
    signal.emit(&event);
    signal.emit(&event);
    assert_eq!((tally.made(), tally.dropped()), (5, 2), "of a burst, one is kept");
    assert_eq!(bus.cleanup_owner(7), 2);
    assert_eq!((pass(&bus, &hand, SECOND), calls.get()), (0, 0));
    collect_all(&domain);
    drop(event);
    tally.assert_all_dropped();
}

#[test]
fn a_destructor_that_panics_keeps_no_timer_from_running() {
    let (domain, hand, tally) = (Domain::new(), ManualClock::new(), Tally::new());
    let bus = Bus::builder().domain(&domain).clock(hand.clock()).build().unwrap();
    let (signal, calls) = (Signal::<Event>::new_in(&domain), Counter::new());
    for _ in 0..2 {
        bus.connect(&signal).owner(7).debounced(SECOND, |_| {}).unwrap();
    }
    let event = Event::new(&tally, true);
    signal.emit(&event);
    bus.after(SECOND).slot(calls.slot()).unwrap();
    bus.cleanup_owner(7);
    // What is pending goes with what the slots captured.
    collect_all(&domain);
    assert_eq!(tally.dropped(), 2);
    assert_eq!((pass(&bus, &hand, SECOND), calls.get()), (1, 1));
    assert_eq!((domain.statistics().drop_panics, bus.statistics().cleanup_errors), (2, 0));
    keep(event);
    assert_eq!(tally.dropped(), 2);
}

#[test]
fn a_shutdown_and_the_end_of_the_bus_drop_what_is_pending() {
    for (shut_down, is_bad) in [(true, false), (true, true), (false, false), (false, true)] {
        let (domain, tally) = (Domain::new(), Tally::new());
        let bus = Bus::builder().domain(&domain).build().unwrap();
        let (signal, ends) = (Signal::<Event>::new_in(&domain), Log::new());
        for key in 0..2 {
            let reasons = ends.clone();
            let connect = bus.connect(&signal).on_cleanup(move |reason| reasons.push(reason));
            connect.debounced_by(SECOND * 1_000, move |_| key, |_| panic!("never")).unwrap();
        }
        let event = Event::new(&tally, is_bad);
        signal.emit(&event);
        if shut_down {
            assert_eq!(bus.shutdown(Duration::ZERO).unwrap().left[0].count, 2);
        } else {
            drop(bus);
        }
        collect_all(&domain);
        assert_eq!((ends.take(), tally.dropped()), (vec![EndReason::Shutdown; 2], 2));
        keep(event);
    }
}

#[test]
fn destructors_that_panic_do_not_disturb_the_end_of_the_bus() {
    let (domain, tally) = (Domain::new(), Tally::new());
    let bus = Bus::builder().domain(&domain).build().unwrap();
    let signal = Signal::<Event>::new_in(&domain);
    (0..3).for_each(|_| assert!(bus.connect(&signal).debounced(SECOND, |_| {}).is_ok()));
    let event = Event::new(&tally, true);
    signal.emit(&event);
    // Now what is pending is held by nothing but the bus.
    drop(signal);
    collect_all(&domain);
    drop(bus);
    keep(event);
    assert_eq!(tally.dropped(), 3);
}

#[test]
fn what_a_paced_slot_captured_is_dropped_once() {
    let (domain, hand, tally) = (Domain::new(), ManualClock::new(), Tally::new());
    let bus = Bus::builder().domain(&domain).clock(hand.clock()).build().unwrap();
    let signal = Signal::<u32>::new_in(&domain);
    bus.connect(&signal).throttled(SECOND, holding(tally.guard())).unwrap();
    bus.connect(&signal).throttled_by(SECOND, |n| *n, holding(tally.guard())).unwrap();
    bus.connect(&signal).debounced(SECOND, holding(tally.guard())).unwrap();
    bus.connect(&signal).debounced_by(SECOND, |n| *n, holding(tally.guard())).unwrap();
    signal.emit(&1);
    drop(signal);
    collect_all(&domain);
    assert_eq!((pass(&bus, &hand, SECOND), bus.statistics().ended_by(EndReason::DroppedSignal)), (0, 4));
    tally.assert_all_dropped();
}
