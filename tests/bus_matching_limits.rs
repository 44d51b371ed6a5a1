//! Connections to patterns that a limit, or their own end, keeps from topics.

mod common;

use common::{Counter, Log};
use pulsebus::{Bus, Config, ConnectError, EndReason, LimitPolicy, Signal, Topic, Who};
use std::sync::{Arc, Mutex};

/// A bus that lets an owner have so many connections.
fn limited(limit: usize, policy: LimitPolicy) -> Bus {
    let mut config = Config::default();
    (config.limits.per_owner, config.limits.policy) = (Some(limit), policy);
    Bus::with_config(config).unwrap()
}

fn rooms(bus: &Bus, count: usize) -> Vec<Topic<u32>> {
    (0..count).map(|n| bus.topic::<u32>(&format!("room.{n}")).unwrap()).collect()
}

#[test]
fn a_limit_that_is_met_at_once_is_an_error_and_nothing_stays() {
    let (bus, reasons) = (limited(3, LimitPolicy::Reject), Log::new());
    let rooms = rooms(&bus, 3);
    let ends = reasons.clone();
    let connect = bus.connect_matching::<u32>("room.*").unwrap().owner(7).on_cleanup(move |reason| ends.push(reason));
    let error = connect.slot(|_, _| {}).unwrap_err();
    assert_eq!(error, ConnectError::LimitReached { who: Who::Owner(7.into()), limit: 3, live: 3 });
    assert!(rooms.iter().all(|room| room.is_empty()) && bus.is_empty());
    assert_eq!(reasons.take(), [], "what was not made has no end");
    bus.topic::<u32>("room.later").unwrap();
    assert!(bus.is_empty());
}

#[test]
fn a_limit_that_is_met_later_is_counted() {
    let (bus, calls) = (limited(3, LimitPolicy::Reject), Counter::new());
    let counted = calls.clone();
    bus.connect_matching::<u32>("room.*").unwrap().owner(7).slot(move |_, _| counted.add(1)).unwrap();
    let rooms = rooms(&bus, 5);
    rooms.iter().for_each(|room| {
        room.emit(&1);
    });
    assert_eq!((calls.get(), bus.statistics().rejected, bus.len()), (2, 3, 3));
}

#[test]
fn a_pattern_that_is_refused_ends_nobody_and_calls_nothing() {
    let (bus, signal, reasons) = (limited(3, LimitPolicy::Reject), Signal::<u32>::new(), Log::new());
    let rooms = rooms(&bus, 5);
    let (first, second) = (reasons.clone(), reasons.clone());
    let connect = bus.connect(&signal).owner(7).named("chat");
    let before = connect.on_cleanup(move |reason| first.push(("before", reason))).slot(|_| {}).unwrap();
    let connect = bus.connect_matching::<u32>("room.*").unwrap().owner(7).named("chat");
    let refused = connect.on_cleanup(move |reason| second.push(("refused", reason))).slot(|_, _| {});
    assert!(matches!(refused, Err(ConnectError::LimitReached { limit: 3, .. })), "{refused:?}");
    assert_eq!((reasons.take(), before.is_connected(), bus.count_of(7)), (vec![], true, 1));
    assert!(rooms.iter().all(|room| room.is_empty()));
    assert!(bus.unregister(7, "chat") && !before.is_connected(), "the name is still its own");
}

#[test]
fn the_topics_of_a_pattern_evict_nobody_not_even_the_pattern() {
    let (bus, signal, calls) = (limited(3, LimitPolicy::EvictOldest), Signal::<u32>::new(), Counter::new());
    let pattern = || {
        let counted = calls.clone();
        bus.connect_matching::<u32>("room.*").unwrap().owner(7).slot(move |_, _| counted.add(1))
    };
    let other = bus.connect(&signal).owner(7).slot(|_| {}).unwrap();
    let early = rooms(&bus, 2);
    let error = pattern().unwrap_err();
    assert_eq!(error, ConnectError::LimitReached { who: Who::Owner(7.into()), limit: 3, live: 3 });
    assert_eq!((bus.count_of(7), other.is_connected()), (1, true));
    assert!(early.iter().all(|room| room.is_empty()));
    drop(early);
    assert_eq!(bus.collect_topics(), 2);
    // Later topics do not either.
    let chat = pattern().unwrap();
    let late = rooms(&bus, 5);
    late.iter().for_each(|room| {
        room.emit(&1);
    });
    assert_eq!((calls.get(), bus.count_of(7), bus.statistics().rejected), (1, 3, 5));
    assert!(chat.is_connected() && other.is_connected());
    assert_eq!(bus.statistics().ended_by(EndReason::Limit), 0);
}

#[test]
fn a_pattern_that_is_ended_while_it_is_connected_leaves_nothing() {
    let mut config = Config::default();
    (config.limits.per_service, config.limits.policy) = (Some(1), LimitPolicy::EvictOldest);
    let (bus, signal, calls) = (Bus::with_config(config).unwrap(), Signal::<u32>::new(), Counter::new());
    let (weak, room) = (bus.downgrade(), Arc::new(Mutex::new(None)));
    let made = room.clone();
    // Makes room for the pattern, whose owner it ends, and makes it a topic.
    let end = move |_| {
        let bus = weak.upgrade().expect("the test has it");
        *made.lock().expect("nobody panics") = Some(bus.topic::<u32>("room.1").unwrap());
        assert_eq!(bus.cleanup_owner(7), 2, "the pattern, and its topic");
    };
    bus.connect(&signal).service("Chat").on_cleanup(end).slot(|_| {}).unwrap();
    let counted = calls.clone();
    let connect = bus.connect_matching::<u32>("room.*").unwrap().owner(7).service("Chat");
    let chat = connect.slot(move |_, _| counted.add(1));
    assert!(chat.is_ok_and(|chat| !chat.is_connected()));
    let room = room.lock().expect("nobody panics").take().expect("it was made");
    room.emit(&1);
    bus.topic::<u32>("room.2").unwrap().emit(&1);
    assert_eq!((calls.get(), bus.len(), room.len()), (0, 0, 0));
}
