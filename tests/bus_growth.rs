//! What the leak audit takes for steady growth, and what it does not.

use pulsebus::{Audit, Bus, Config, Connection, ManualClock, Owner, Signal};
use std::cell::RefCell;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_secs(30);

fn by_hand() -> (Bus, ManualClock, Signal<u32>) {
    let hand = ManualClock::new();
    (Bus::builder().clock(hand.clock()).build().unwrap(), hand, Signal::new())
}

/// One place in the source, for connections that belong to somebody.
fn owned(bus: &Bus, signal: &Signal<u32>, owner: impl Into<Owner>) -> Connection {
    bus.connect(signal).owner(owner).slot(|_| {}).unwrap()
}

/// Several of them.
fn several(bus: &Bus, signal: &Signal<u32>, owner: &'static str, count: usize) {
    for _ in 0..count {
        owned(bus, signal, owner);
    }
}

/// Takes a look after each step, which is told its number.
fn looks(bus: &Bus, hand: &ManualClock, steps: usize, mut step: impl FnMut(usize)) -> Audit {
    for number in 0..steps {
        step(number);
        hand.advance(LOOK);
        bus.cleanup_stale();
    }
    bus.audit()
}

#[test]
fn what_grows_and_grows_is_suspicious_though_it_has_an_owner() {
    let (bus, hand, signal) = by_hand();
    let audit = looks(&bus, &hand, 10, |_| several(&bus, &signal, "forgetful", 3));
    let [entry] = audit.entries() else { panic!("{audit}") };
    let growth = entry.growth.expect("it grows");
    assert_eq!((entry.live, entry.unmanaged, growth.from, growth.looks), (30, 0, 3, 10));
    assert_eq!(growth.over, LOOK * 9);
    let text = audit.to_string();
    assert!(text.starts_with("warning: 30 connections, and more with each look\n"), "{text}");
    assert!(text.contains("   = growing: from 3 to 30, by 10 looks in 4 m 30 s\n"), "{text}");
}

#[test]
fn what_grows_with_its_owners_is_not() {
    let (bus, hand, signal) = by_hand();
    let mut players = 0..;
    let audit = looks(&bus, &hand, 20, |_| {
        for player in players.by_ref().take(10) {
            for _ in 0..3 {
                owned(&bus, &signal, player);
            }
        }
    });
    assert!(audit.is_clean(), "{audit}");
    // But if each of them forgets some, it is.
    let audit = looks(&bus, &hand, 20, |_| {
        for player in (0..200).step_by(7) {
            owned(&bus, &signal, player);
        }
    });
    assert!(audit.entries().len() == 1 && audit.entries()[0].growth.is_some(), "{audit}");
}

#[test]
fn what_comes_and_goes_or_came_once_or_recovers_is_not() {
    // Comes and goes.
    let (bus, hand, signal) = by_hand();
    let audit = looks(&bus, &hand, 20, |number| {
        several(&bus, &signal, "ann", 100);
        if number % 2 == 0 {
            bus.cleanup_owner("ann");
            several(&bus, &signal, "ann", number);
        }
    });
    assert!(audit.is_clean(), "{audit}");
    // Came once.
    let (bus, hand, signal) = by_hand();
    let audit = looks(&bus, &hand, 20, |number| {
        several(&bus, &signal, "ann", if number < 5 { 50 } else { 0 });
    });
    assert!(audit.is_clean(), "{audit}");
    // Recovers.
    let (bus, hand, signal) = by_hand();
    looks(&bus, &hand, 20, |_| several(&bus, &signal, "ann", 50));
    assert!(!bus.audit().is_clean());
    bus.cleanup_owner("ann");
    several(&bus, &signal, "ann", 999);
    assert!(bus.audit().is_clean(), "there were a thousand");
}

#[test]
fn a_rush_or_a_few_more_are_no_growth() {
    let (bus, hand, signal) = by_hand();
    let audit = looks(&bus, &hand, 3, |_| several(&bus, &signal, "ann", 100));
    assert!(audit.is_clean(), "three looks only: {audit}");
    let (bus, hand, signal) = by_hand();
    several(&bus, &signal, "ann", 100);
    let audit = looks(&bus, &hand, 9, |_| several(&bus, &signal, "ann", 1));
    assert!(audit.is_clean(), "eight more than at first: {audit}");
}

#[test]
fn looks_are_taken_at_sweeps_and_not_more_often_than_they_say() {
    let (bus, hand, signal) = by_hand();
    // Twenty sweeps in a moment are one look.
    for _ in 0..20 {
        several(&bus, &signal, "ann", 50);
        bus.cleanup_stale();
    }
    assert!(bus.audit().is_clean());
    // The upkeep's sweeps count as well.
    for _ in 0..10 {
        several(&bus, &signal, "ann", 50);
        bus.maintain(MINUTE);
        hand.advance(LOOK);
    }
    assert_eq!(bus.audit().entries()[0].growth.map(|growth| growth.looks > 4), Some(true));
}

#[test]
fn a_look_for_which_there_is_no_time_goes_on_with_the_next_upkeep() {
    let (bus, hand, signal) = by_hand();
    bus.maintain(Duration::ZERO);
    for _ in 0..10 {
        several(&bus, &signal, "ann", 500);
        hand.advance(LOOK);
        // A call without time sweeps some pages; the later looks take several.
        for _ in 0..10 {
            bus.maintain(Duration::ZERO);
        }
    }
    let growth = bus.audit().entries()[0].growth.expect("it grows");
    assert_eq!((growth.looks, growth.from), (10, 500));
}

#[test]
fn as_many_looks_are_kept_as_the_configuration_says() {
    let (bus, hand, signal) = by_hand();
    let mut config = Config::default();
    config.audit_history = 5;
    bus.configure(config.clone()).unwrap();
    let grow = |_| (0..20).for_each(|_| several(&bus, &signal, "ann", 1));
    let growth = looks(&bus, &hand, 50, grow).entries()[0].growth.unwrap();
    assert_eq!((growth.looks, growth.over, growth.from), (5, LOOK * 4, 46 * 20));
    // What stopped growing longer ago is forgotten.
    assert!(looks(&bus, &hand, 6, |_| {}).is_clean());
}

#[test]
fn a_pattern_that_waits_or_meets_more_and_more_topics_is_no_leak() {
    let (bus, hand, _) = by_hand();
    let rooms = RefCell::new(vec![bus.topic::<u32>("room.first").unwrap()]);
    for _ in 0..15 {
        bus.connect_matching::<u32>("room.*").unwrap().service("chat").slot(|_, _| {}).unwrap();
        hand.advance(Duration::from_secs(1));
    }
    hand.advance(MINUTE * 20);
    rooms.borrow()[0].emit(&1);
    let audit = bus.audit();
    assert!(audit.is_clean(), "they wait for topics: {audit}");
    let audit = looks(&bus, &hand, 20, |number| {
        rooms.borrow_mut().push(bus.topic(&format!("room.{number}")).unwrap());
    });
    assert_eq!(audit.live, 15 * 22);
    assert!(audit.is_clean() && audit.untracked.is_empty(), "{audit}");
}
