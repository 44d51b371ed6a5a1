//! Signals by type and by name, as users of the bus meet them.

mod common;

use common::{Counter, Log, Tally, collect_all};
use pulsebus::{Bus, Domain, Filter, NameFault, Signal, TopicError};
use std::sync::Arc;
use std::thread;

struct Joined(u32);
struct Left(u32);

#[test]
fn there_is_one_signal_per_type_and_bus() {
    let (bus, other, log) = (Bus::new(), Bus::new(), Log::new());
    bus.signal::<Joined>().connect(log.slot(|e: &Joined| ("joined", e.0)));
    bus.signal::<Left>().connect(log.slot(|e: &Left| ("left", e.0)));
    other.signal::<Joined>().connect(log.slot(|e: &Joined| ("other bus", e.0)));
    let kept = bus.signal::<Joined>();
    kept.emit(&Joined(1));
    bus.clone().signal::<Left>().emit(&Left(2));
    assert_eq!(log.take(), [("joined", 1), ("left", 2)]);
    assert_eq!((kept.id(), kept.name()), (bus.signal::<Joined>().id(), None));
    assert!(kept.label().ends_with("Joined"));
}

#[test]
fn there_is_one_signal_per_name() {
    let (bus, calls) = (Bus::new(), Counter::new());
    let lobby = bus.topic::<String>("room.lobby").unwrap();
    bus.topic::<String>("room.yard").unwrap().connect(calls.slot());
    lobby.connect(calls.slot());
    bus.topic::<String>("room.lobby").unwrap().emit(&"hello".to_string());
    assert_eq!((calls.get(), lobby.label()), (1, "room.lobby"));
    assert_eq!(bus.find_topic::<String>("room.lobby").unwrap().map(|topic| topic.id()), Some(lobby.id()));
    assert!(bus.find_topic::<String>("room.cellar").unwrap().is_none());
}

#[test]
fn a_known_name_with_another_type_is_an_error_that_names_both() {
    let bus = Bus::new();
    let _kept = bus.topic::<String>("room.lobby").unwrap();
    for error in [bus.topic::<u32>("room.lobby").unwrap_err(), bus.find_topic::<u32>("room.lobby").unwrap_err()] {
        assert!(matches!(error, TopicError::OtherType { .. }));
        let text = error.to_string();
        assert!(["room.lobby", "String", "u32"].iter().all(|part| text.contains(part)), "{text}");
    }
}

#[test]
fn what_cannot_be_a_name_is_an_error() {
    let bus = Bus::new();
    for name in ["", ".", "room.", ".room", "room..lobby", "room.*", "room.**"] {
        let error = bus.topic::<u32>(name).unwrap_err();
        assert!(matches!(error, TopicError::BadName { .. }), "{name}: {error:?}");
    }
    let fault = |name| match bus.topic::<u32>(name) {
        Err(TopicError::BadName { fault, .. }) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(fault(""), NameFault::Empty);
}

#[test]
fn tracked_connections_know_their_topic() {
    let bus = Bus::new();
    let (lobby, yard) = (bus.topic::<u32>("room.lobby").unwrap(), bus.topic::<u32>("room.yard").unwrap());
    let outside = Signal::<u32>::new();
    bus.connect(&lobby).owner(7).slot(|_| {}).unwrap();
    bus.connect(&Arc::new(yard.clone())).owner(7).slot(|_| {}).unwrap();
    bus.connect(&outside).owner(7).slot(|_| {}).unwrap();
    lobby.connect(|_| {});
    let found = bus.details(&Filter::new().topic(lobby.id()));
    assert_eq!((found.len(), found[0].topic), (1, Some(lobby.id())));
    let statistics = bus.statistics();
    let live = |label: &str| statistics.topics.iter().find(|topic| topic.label == label).map(|topic| topic.live);
    assert_eq!((live("room.lobby"), live("room.yard")), (Some(2), Some(1)));
    assert_eq!(bus.cleanup_owner(7), 3);
    assert_eq!((lobby.len(), yard.len()), (1, 0));
}

#[test]
fn a_topic_of_another_bus_is_not_taken_for_ones_own() {
    let (bus, other) = (Bus::new(), Bus::new());
    let (own, foreign) = (bus.topic::<u32>("own").unwrap(), other.topic::<u32>("foreign").unwrap());
    let connection = bus.connect(&foreign).owner(7).slot(|_| {}).unwrap();
    assert!(bus.details(&Filter::new().topic(own.id())).is_empty());
    assert_eq!((bus.detail(connection).unwrap().topic, own.id() == foreign.id()), (Some(foreign.id()), false));
    assert_eq!((bus.cleanup_owner(7), foreign.len()), (1, 0));
}

#[test]
fn a_cleanup_makes_a_named_topic_collectable() {
    let domain = Domain::new();
    let bus = Bus::builder().domain(&domain).build().unwrap();
    let tally = Tally::new();
    let room = |n: u32| bus.topic::<u32>(&format!("room.{n}")).unwrap();
    for n in 0..100 {
        let guard = tally.guard();
        bus.connect(&room(n)).owner(n).slot(move |_| guard.check()).unwrap();
    }
    assert_eq!(bus.collect_topics(), 0, "each is used");
    let kept = room(0);
    (0..50).for_each(|owner| assert_eq!(bus.cleanup_owner(owner), 1));
    assert_eq!(bus.collect_topics(), 49, "one is held");
    assert!(bus.find_topic::<u32>("room.1").unwrap().is_none());
    assert_eq!(kept.id(), room(0).id());
    (50..100).for_each(|n| {
        room(n).emit(&1);
    });
    assert_eq!(bus.emergency_cleanup(), 50);
    drop(kept);
    assert_eq!(bus.collect_topics(), 51);
    collect_all(&domain);
    tally.assert_all_dropped();
}

#[test]
fn each_new_topic_is_announced_once() {
    let (bus, log) = (Bus::new(), Log::new());
    bus.topic_created().connect(log.slot(|created: &pulsebus::TopicCreated| created.name().to_string()));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let bus = bus.clone();
            thread::spawn(move || {
                (0..50).map(|n| bus.topic::<u32>(&format!("room.{n}")).expect("one type")).collect::<Vec<_>>()
            })
        })
        .collect();
    let kept: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("it only asks")).collect();
    assert_eq!(kept.len(), 4);
    let mut names = log.take();
    names.sort_unstable();
    let mut expected: Vec<String> = (0..50).map(|n| format!("room.{n}")).collect();
    expected.sort_unstable();
    assert_eq!(names, expected);
}

#[test]
fn a_topic_outlives_its_bus_and_its_tracked_slots_do_not() {
    let (bus, calls) = (Bus::new(), Counter::new());
    let topic = bus.topic::<u32>("room").unwrap();
    bus.connect(&topic).owner(7).slot(calls.slot()).unwrap();
    topic.connect(calls.slot());
    drop(bus);
    topic.emit(&1);
    assert_eq!((calls.get(), topic.len()), (1, 1));
}
