//! The leak audit: what it finds, what it leaves alone, and how it reads.

use pulsebus::{Bus, CallStatistics, Config, Connection, ManualClock, Owner, Signal, Timeout};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn by_hand() -> (Bus, ManualClock, Signal<u32>) {
    let hand = ManualClock::new();
    (Bus::builder().clock(hand.clock()).build().unwrap(), hand, Signal::new())
}

/// One place in the source, for connections that belong to nobody.
fn nobodys(bus: &Bus, signal: &Signal<u32>) -> Connection {
    bus.connect(signal).slot(|_| {}).unwrap()
}

/// One place in the source, for connections that belong to somebody.
fn owned(bus: &Bus, signal: &Signal<u32>, owner: impl Into<Owner>) -> Connection {
    bus.connect(signal).owner(owner).slot(|_| {}).unwrap()
}

#[test]
fn what_belongs_to_nobody_is_found_by_its_place() {
    let (bus, hand, signal) = by_hand();
    for _ in 0..31 {
        nobodys(&bus, &signal);
    }
    hand.advance(MINUTE * 11);
    signal.emit(&1);
    for _ in 0..122 {
        nobodys(&bus, &signal);
    }
    hand.advance(Duration::from_secs(63));
    for n in 0..500 {
        owned(&bus, &signal, n);
    }
    let line = line!() + 1;
    bus.connect(&signal).slot(|_| {}).unwrap();
    let audit = bus.audit();
    assert_eq!((audit.is_clean(), audit.live, audit.entries().len()), (false, 654, 2));
    let [worst, other] = audit.entries() else { panic!("two places") };
    assert_eq!((worst.live, worst.unmanaged, worst.old, worst.never_called), (153, 153, 31, Some(122)));
    assert_eq!((worst.forgotten, worst.growth, worst.oldest), (0, None, Duration::from_secs(723)));
    assert_eq!((other.place.file(), other.place.line(), other.unmanaged), (file!(), line, 1));
    let text = audit.to_string();
    let expected = format!(
        "warning: 153 connections belong to nobody\n  --> {}\n   = oldest 12 m 3 s, 31 more than 10 m old, never called: \
         122\n   = help: give them an owner (`.owner(..)`), a service or a timeout, or keep them with `connect_scoped`\n",
        worst.place
    );
    assert!(text.starts_with(&expected), "{text}");
    assert!(text.contains("\nwarning: 1 connection belongs to nobody\n"), "{text}");
    assert!(text.ends_with("\naudit: 2 warnings, 654 connections looked at\n"), "{text}");
}

#[test]
fn whatever_sees_to_the_end_of_a_connection_manages_it() {
    let (bus, hand, signal) = by_hand();
    let target = Arc::new(());
    let player = bus.owner(7);
    let guard = bus.connect(&signal).scoped(|_| {}).unwrap();
    bus.connect(&signal).owner(7).slot(|_| {}).unwrap();
    player.child("character").release();
    player.connect(&signal).slot(|_| {}).unwrap();
    bus.connect(&signal).service("Quest").slot(|_| {}).unwrap();
    bus.connect(&signal).timeout(Timeout::Age(MINUTE * 1_000)).slot(|_| {}).unwrap();
    bus.connect(&signal).timeout(Timeout::Idle(MINUTE * 1_000)).slot(|_| {}).unwrap();
    bus.connect(&signal).weak(&target, |(), _| {}).unwrap();
    bus.after(MINUTE * 1_000).slot(|_| {}).unwrap();
    hand.advance(MINUTE * 100);
    let audit = bus.audit();
    assert!(audit.is_clean(), "{audit}");
    assert_eq!(audit.to_string(), "audit: clean, 8 connections looked at\n");
    // A tag, a kind, a name for people: nobody ends it by that.
    bus.connect(&signal).tag("hud").describe("watches").slot(|_| {}).unwrap();
    assert_eq!(bus.audit().entries()[0].unmanaged, 1);
    drop(guard);
}

#[test]
fn what_has_ended_is_not_found() {
    let (bus, _, signal) = by_hand();
    nobodys(&bus, &signal).disconnect();
    assert!(bus.audit().is_clean());
    assert_eq!(bus.audit().live, 0);
}

#[test]
fn what_was_never_called_while_younger_ones_were_looks_forgotten() {
    let (bus, hand, _) = by_hand();
    let rooms: Vec<Signal<u32>> = (0..40).map(|_| Signal::new()).collect();
    let join = |room: usize| owned(&bus, &rooms[room], "rooms");
    for room in 0..20 {
        join(room);
    }
    hand.advance(MINUTE * 10 + Duration::from_secs(1));
    assert!(bus.audit().is_clean(), "nobody of that place was called: what it waits for has not happened");
    for room in 20..40 {
        join(room);
    }
    (8..40).for_each(|room| {
        rooms[room].emit(&1);
    });
    assert!(bus.audit().is_clean(), "eight are no pattern");
    let (bus, hand, _) = by_hand();
    let join = |room: usize| owned(&bus, &rooms[room], "rooms");
    for room in 0..20 {
        join(room);
    }
    hand.advance(MINUTE * 10 + Duration::from_secs(1));
    join(20);
    (12..21).for_each(|room| {
        rooms[room].emit(&1);
    });
    let audit = bus.audit();
    let [entry] = audit.entries() else { panic!("{audit}") };
    assert_eq!((entry.forgotten, entry.unmanaged, entry.never_called), (12, 0, Some(12)));
    assert!(audit.to_string().starts_with("warning: 12 connections were never called, but younger ones were\n"));
}

#[test]
fn without_call_statistics_nothing_looks_forgotten() {
    let (bus, hand, signal) = by_hand();
    let mut config = Config::default();
    config.call_statistics = CallStatistics::Off;
    bus.configure(config).unwrap();
    for _ in 0..20 {
        nobodys(&bus, &signal);
    }
    hand.advance(MINUTE * 20);
    let audit = bus.audit();
    assert_eq!((audit.entries()[0].never_called, audit.entries()[0].forgotten), (None, 0));
    assert!(!audit.to_string().contains("never called"));
}

#[test]
fn slots_of_topics_that_were_connected_without_the_bus_are_mentioned() {
    let (bus, _, _) = by_hand();
    let lobby = bus.topic::<u32>("room.lobby").unwrap();
    bus.connect(&lobby).owner(7).slot(|_| {}).unwrap();
    for _ in 0..3 {
        lobby.connect(|_| {});
    }
    bus.signal::<String>().connect(|_| {});
    let audit = bus.audit();
    assert!(audit.is_clean());
    let untracked: Vec<_> = audit.untracked.iter().map(|topic| (topic.label.as_str(), topic.count)).collect();
    assert_eq!(untracked, [("room.lobby", 3), ("alloc::string::String", 1)]);
    assert!(audit.to_string().contains("note: 3 slots were connected to topic \"room.lobby\" without the bus\n"));
}

#[test]
fn a_bus_is_clean_when_all_that_was_connected_through_it_has_ended() {
    let (bus, hand, signal) = by_hand();
    bus.assert_clean();
    owned(&bus, &signal, 7);
    bus.cleanup_owner(7);
    nobodys(&bus, &signal).disconnect();
    bus.connect(&signal).timeout(Timeout::Age(MINUTE)).slot(|_| {}).unwrap();
    hand.advance(MINUTE);
    signal.connect(|_| {});
    bus.signal::<u32>().connect(|_| {});
    bus.assert_clean();
}

#[test]
fn a_bus_that_is_not_clean_says_what_is_left_and_where_it_comes_from() {
    let (bus, _, signal) = by_hand();
    nobodys(&bus, &signal);
    for _ in 0..30 {
        owned(&bus, &signal, "ann");
    }
    let payload = catch_unwind(AssertUnwindSafe(|| bus.assert_clean())).unwrap_err();
    let text = payload.downcast_ref::<String>().expect("a message");
    assert!(text.starts_with("the bus is not clean: 31 connections left\n"), "{text}");
    assert!(text.contains(" of ann, ") && text.contains("  and 11 more\n"), "{text}");
    assert!(text.contains("warning: 1 connection belongs to nobody\n"), "{text}");
    assert!(text.contains(file!()), "{text}");
    bus.emergency_cleanup();
    bus.assert_clean();
}
