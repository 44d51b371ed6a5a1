//! Weak receivers, idle and age timeouts, and the sweeps that end them.

mod common;

use common::{Counter, Log, Tally};
use pulsebus::{Bus, CallStatistics, Config, ConnectError, EndReason, ManualClock, Signal, Timeout};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn by_hand() -> (Bus, ManualClock, Signal<u32>) {
    let hand = ManualClock::new();
    (Bus::builder().clock(hand.clock()).build().unwrap(), hand, Signal::new())
}

#[test]
fn a_weak_receiver_is_called_as_long_as_it_is_there() {
    let (bus, _, signal) = by_hand();
    let (log, ends) = (Log::new(), Log::new());
    let (target, reasons) = (Arc::new(log.clone()), ends.clone());
    let connect = bus.connect(&signal).on_cleanup(move |reason| reasons.push(reason));
    connect.weak(&target, |log, event| log.push(*event)).unwrap();
    signal.emit(&1);
    assert_eq!((Arc::strong_count(&target), bus.cleanup_stale()), (1, 0));
    drop(target);
    assert_eq!(bus.cleanup_stale(), 1);
    signal.emit(&2);
    assert_eq!((log.take(), ends.take()), (vec![1], vec![EndReason::Stale]));
}

#[test]
fn an_emission_that_finds_the_target_gone_ends_the_connection() {
    let (bus, _, signal) = by_hand();
    let (target, ends) = (Arc::new(()), Log::new());
    let reasons = ends.clone();
    let connect = bus.connect(&signal).on_cleanup(move |reason| reasons.push(reason));
    let connection = connect.weak(&target, |(), _| {}).unwrap();
    drop(target);
    assert!(connection.is_connected(), "nobody has noticed yet");
    signal.emit(&1);
    assert!(!connection.is_connected());
    assert_eq!(bus.cleanup_stale(), 0, "it has ended already");
    assert_eq!((ends.take(), bus.len()), (vec![EndReason::Stale], 0));
}

#[test]
fn the_target_is_kept_alive_during_a_call() {
    struct Target {
        _guard: common::Guard,
        last: Arc<Mutex<Option<Arc<Target>>>>,
    }
    let (bus, _, signal) = by_hand();
    let (tally, last) = (Tally::new(), Arc::new(Mutex::new(None)));
    let target = Arc::new(Target { _guard: tally.guard(), last: last.clone() });
    let inner = tally.clone();
    let slot = move |target: &Target, _: &u32| {
        drop(target.last.lock().expect("nobody panics").take());
        assert_eq!(inner.dropped(), 0, "the slot is still in it");
    };
    let connection = bus.connect(&signal).weak(&target, slot).unwrap();
    *last.lock().expect("nobody panics") = Some(target);
    signal.emit(&1);
    assert_eq!((connection.panics(), tally.dropped()), (Some(0), 1));
}

#[test]
fn an_idle_timeout_counts_from_the_last_call() {
    for statistics in [CallStatistics::Off, CallStatistics::Sampled, CallStatistics::Exact] {
        let (bus, hand, signal) = by_hand();
        let mut config = Config::default();
        config.call_statistics = statistics;
        bus.configure(config).unwrap();
        let connection = bus.connect(&signal).timeout(Timeout::Idle(MINUTE)).slot(|_| {}).unwrap();
        for _ in 0..5 {
            hand.advance(MINUTE - Duration::from_nanos(1));
            assert_eq!(bus.cleanup_stale(), 0);
            signal.emit(&1);
        }
        assert_eq!(bus.detail(connection).unwrap().calls.map(|calls| (calls.count, calls.exact)), Some((5, true)));
        hand.advance(MINUTE);
        assert_eq!(bus.cleanup_stale(), 1);
        assert!(!connection.is_connected());
    }
}

#[test]
fn an_idle_timeout_counts_from_the_beginning_if_there_was_no_call() {
    let (bus, hand, signal) = by_hand();
    hand.advance(MINUTE * 100);
    bus.connect(&signal).timeout(Timeout::Idle(MINUTE)).slot(|_| {}).unwrap();
    hand.advance(MINUTE - Duration::from_nanos(1));
    assert_eq!(bus.cleanup_stale(), 0);
    hand.advance(Duration::from_nanos(1));
    assert_eq!(bus.cleanup_stale(), 1);
}

#[test]
fn an_age_timeout_counts_from_the_beginning_whatever_is_called() {
    let (bus, hand, signal) = by_hand();
    bus.connect(&signal).timeout(Timeout::Age(MINUTE)).slot(|_| {}).unwrap();
    let taken_in = signal.connect(|_| {});
    bus.track(taken_in).timeout(Timeout::Age(MINUTE * 2)).finish().unwrap();
    hand.advance(MINUTE - Duration::from_nanos(1));
    signal.emit(&1);
    assert_eq!(bus.cleanup_stale(), 0);
    hand.advance(Duration::from_nanos(1));
    assert_eq!(bus.cleanup_stale(), 1);
    hand.advance(MINUTE);
    assert_eq!((bus.cleanup_stale(), taken_in.is_connected()), (1, false));
}

#[test]
fn of_both_timeouts_the_first_one_counts() {
    let (bus, hand, signal) = by_hand();
    let connect = |idle: Duration, age: Duration| {
        let connect = bus.connect(&signal).timeout(Timeout::Idle(idle)).timeout(Timeout::Age(age));
        connect.slot(|_| {}).unwrap()
    };
    let (idle, age) = (connect(MINUTE, MINUTE * 3), connect(MINUTE * 3, MINUTE));
    hand.advance(MINUTE / 2);
    signal.emit(&1);
    hand.advance(MINUTE / 2);
    assert_eq!((bus.cleanup_stale(), age.is_connected()), (1, false));
    hand.advance(MINUTE / 2);
    assert_eq!((bus.cleanup_stale(), idle.is_connected()), (1, false));
}

#[test]
fn a_timeout_of_zero_is_an_error_and_the_longest_one_is_none() {
    let (bus, hand, signal) = by_hand();
    for timeout in [Timeout::Idle(Duration::ZERO), Timeout::Age(Duration::ZERO)] {
        assert_eq!(bus.connect(&signal).timeout(timeout).slot(|_| {}), Err(ConnectError::ZeroTimeout));
    }
    bus.connect(&signal)
        .timeout(Timeout::Age(Duration::MAX))
        .timeout(Timeout::Idle(Duration::MAX))
        .slot(|_| {})
        .unwrap();
    hand.advance(MINUTE * 1_000_000);
    assert_eq!((bus.cleanup_stale(), signal.len()), (0, 1));
}

#[test]
fn the_upkeep_sweeps_at_its_interval() {
    let (bus, hand, signal) = by_hand();
    let second = Duration::from_secs(1);
    let calls = Counter::new();
    bus.connect(&signal).timeout(Timeout::Age(second)).slot(calls.slot()).unwrap();
    assert_eq!(bus.maintain(second).stale, 0);
    hand.advance(Duration::from_secs(29));
    assert_eq!((bus.maintain(second).stale, signal.len()), (0, 1));
    hand.advance(second);
    assert_eq!((bus.maintain(second).stale, signal.len()), (1, 0));
}

#[test]
fn a_weak_receiver_that_is_owned_goes_with_its_owner_too() {
    let (bus, _, signal) = by_hand();
    let target = Arc::new(());
    bus.connect(&signal).owner(7).tag("hud").weak(&target, |(), _| {}).unwrap();
    assert_eq!(bus.cleanup_owner(7), 1);
    signal.emit(&1);
    bus.connect(&signal).weak(&target, |(), _| {}).unwrap();
    drop(bus);
    assert!(signal.is_empty());
}
