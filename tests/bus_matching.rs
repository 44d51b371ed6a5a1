//! Connections to every topic that a pattern matches.

mod common;

use common::{Counter, Log, Tally, collect_all};
use pulsebus::{Bus, CallStatistics, Config, Domain, EndReason, Filter, Kind, ManualClock, Timeout};
use std::collections::BTreeMap;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Emits to a topic, made if it is not there.
fn emit(bus: &Bus, name: &str, event: u32) {
    bus.topic::<u32>(name).unwrap().emit(&event);
}

#[test]
fn a_late_topic_gets_the_patterns_slots() {
    let (bus, log) = (Bus::new(), Log::new());
    let kept = bus.topic::<u32>("room.lobby").unwrap();
    let calls = log.clone();
    let slot = move |name: &str, n: &u32| calls.push((name.to_string(), *n));
    bus.connect_matching::<u32>("room.*").unwrap().slot(slot).unwrap();
    kept.emit(&1);
    for (n, name) in (2..).zip(["room.yard", "room", "room.yard.well", "hall.lobby", "room.lobby", "room.cellar"]) {
        emit(&bus, name, n);
    }
    let expected = [("room.lobby", 1), ("room.yard", 2), ("room.lobby", 6), ("room.cellar", 7)];
    assert_eq!(log.take(), expected.map(|(name, n)| (name.to_string(), n)));
}

#[test]
fn topics_of_another_type_are_ignored() {
    let (bus, calls) = (Bus::new(), Counter::new());
    let (texts, number) = (bus.topic::<String>("room.1").unwrap(), bus.topic::<u32>("room.2").unwrap());
    let counted = calls.clone();
    bus.connect_matching::<u32>("**").unwrap().slot(move |_, n| counted.add(*n as usize)).unwrap();
    let later = bus.topic::<i32>("room.3").unwrap();
    texts.emit(&"hello".into());
    number.emit(&7);
    later.emit(&1);
    assert_eq!((calls.get(), texts.len(), number.len(), later.len()), (7, 0, 1, 0));
    bus.signal::<u32>().emit(&100);
    assert_eq!(calls.get(), 7, "the signal of a type has no name");
}

#[test]
fn a_pattern_that_is_none_is_an_error() {
    let bus = Bus::new();
    for pattern in ["", ".", "room.", "room.**.x.", "ro*m", "room.**.x"] {
        let is_bad = bus.connect_matching::<u32>(pattern).is_err();
        assert_eq!(is_bad, pattern.parse::<pulsebus::Pattern>().is_err(), "{pattern}");
    }
    assert!(bus.connect_matching::<u32>("room..x").is_err());
}

#[test]
fn its_handle_stands_for_all_of_it() {
    for by_bus in [true, false] {
        let (bus, calls, reasons) = (Bus::new(), Counter::new(), Log::new());
        let (kept, ends, counted) = (bus.topic::<u32>("room.1").unwrap(), reasons.clone(), calls.clone());
        let connect = bus.connect_matching::<u32>("room.*").unwrap().on_cleanup(move |reason| ends.push(reason));
        let chat = connect.slot(move |_, _| counted.add(1)).unwrap();
        let second = bus.topic::<u32>("room.2").unwrap();
        assert_eq!((kept.len(), second.len(), bus.len()), (1, 1, 3));
        assert!(if by_bus { bus.disconnect(chat) } else { chat.disconnect() });
        // At once, whether the bus has heard of it or not.
        [&kept, &second].iter().for_each(|room| {
            room.emit(&1);
        });
        emit(&bus, "room.3", 1);
        assert_eq!(calls.get(), 0);
        assert_eq!(bus.statistics().live, 0, "the look tells the bus");
        assert!(kept.is_empty() && second.is_empty());
        assert_eq!(reasons.take(), [EndReason::Disconnected]);
    }
}

#[test]
fn ending_it_inside_an_emission_of_one_of_its_topics_stops_the_rest_of_it() {
    for by_bus in [true, false] {
        let (bus, calls, handle) = (Bus::new(), Counter::new(), Arc::new(Mutex::new(None)));
        let topic = bus.topic::<u32>("room.1").unwrap();
        let (weak, theirs) = (bus.downgrade(), Arc::clone(&handle));
        topic.connect(move |_| {
            let chat: pulsebus::Connection = theirs.lock().unwrap().unwrap();
            assert!(if by_bus { weak.upgrade().unwrap().disconnect(chat) } else { chat.disconnect() });
        });
        let counted = calls.clone();
        let chat = bus.connect_matching::<u32>("room.*").unwrap().slot(move |_, _| counted.add(1)).unwrap();
        *handle.lock().unwrap() = Some(chat);
        topic.emit_batch(&[1]);
        assert_eq!(calls.get(), 0);
    }
}

#[test]
fn a_cleanup_ends_it_with_all_its_connections_and_one_callback() {
    type End = (&'static str, EndReason, fn(&Bus) -> usize);
    let ends: [End; 5] = [
        ("owner", EndReason::OwnerLeft, |bus| bus.cleanup_owner(7)),
        ("service", EndReason::ServiceStopped, |bus| bus.cleanup_service("Chat")),
        ("tag", EndReason::Tag, |bus| bus.cleanup_tag("hud")),
        ("kind", EndReason::Kind, |bus| bus.cleanup_kind(&Kind::Gui)),
        ("everything", EndReason::Emergency, |bus| bus.emergency_cleanup()),
    ];
    for (what, reason, end) in ends {
        let (bus, reasons) = (Bus::new(), Log::new());
        let theirs = reasons.clone();
        let connect = bus.connect_matching::<u32>("room.*").unwrap().owner(7).service("Chat").tag("hud");
        let connect = connect.kind(Kind::Gui).named("chat").describe("listens");
        let chat = connect.on_cleanup(move |reason| theirs.push(reason)).slot(|_, _| panic!("never")).unwrap();
        let rooms: Vec<_> = (0..3).map(|n| bus.topic::<u32>(&format!("room.{n}")).unwrap()).collect();
        let details = bus.details(&Filter::new().owner(7).service("Chat").tag("hud").kind(Kind::Gui));
        assert!(details.len() == 4 && details.iter().all(|detail| detail.description.as_deref() == Some("listens")));
        assert_eq!(details.iter().filter(|detail| detail.name.is_some()).count(), 1);
        assert_eq!((end(&bus), reasons.take()), (4, vec![reason]), "{what}");
        rooms.iter().for_each(|room| {
            room.emit(&1);
        });
        emit(&bus, "room.later", 1);
        assert_eq!((bus.statistics().live, bus.statistics().panics, chat.is_connected()), (0, 0, false));
        assert!(rooms.iter().all(|room| room.is_empty()));
    }
}

#[test]
fn a_name_replaces_all_of_the_earlier_one() {
    let (bus, log) = (Bus::new(), Log::new());
    let room = bus.topic::<u32>("room.1").unwrap();
    let player = bus.owner(7);
    for n in 0..3 {
        let calls = log.clone();
        let connect = player.connect_matching::<u32>("room.*").unwrap().named("chat");
        connect.slot(move |_, _| calls.push(n)).unwrap();
    }
    room.emit(&1);
    assert_eq!((log.take(), room.len(), player.len()), (vec![2], 1, 2));
    assert!(bus.unregister(7, "chat") && room.is_empty() && bus.is_empty());
}

#[test]
fn an_idle_timeout_counts_from_the_last_event_of_whatever_topic() {
    for statistics in [CallStatistics::Off, CallStatistics::Sampled, CallStatistics::Exact] {
        let (hand, mut config) = (ManualClock::new(), Config::default());
        config.call_statistics = statistics;
        let bus = Bus::builder().clock(hand.clock()).config(config).build().unwrap();
        let rooms = [1, 2].map(|n| bus.topic::<u32>(&format!("room.{n}")).unwrap());
        let connect = bus.connect_matching::<u32>("room.*").unwrap().timeout(Timeout::Idle(SECOND * 2));
        let chat = connect.slot(|_, _| {}).unwrap();
        for n in 0..10 {
            hand.advance(SECOND);
            rooms[n % 2].emit(&1);
            assert_eq!(bus.cleanup_stale(), 0, "{statistics:?}");
        }
        assert_eq!(bus.detail(chat).unwrap().calls.map(|calls| (calls.count, calls.exact)), Some((10, true)));
        // A topic that is made is no call.
        hand.advance(SECOND);
        let _third = bus.topic::<u32>("room.3").unwrap();
        hand.advance(SECOND);
        assert!(bus.cleanup_stale() >= 1);
        assert_eq!((bus.statistics().live, rooms[0].len()), (0, 0));
    }
}

#[test]
fn topics_that_come_and_go_under_a_pattern_leave_nothing() {
    let (domain, tally) = (Domain::new(), Tally::new());
    let bus = Bus::builder().domain(&domain).build().unwrap();
    let (calls, guard) = (Counter::new(), tally.guard());
    let counted = calls.clone();
    let slot = move |_: &str, _: &u32| {
        guard.check();
        counted.add(1);
    };
    let chat = bus.connect_matching::<u32>("room.*").unwrap().owner(7).slot(slot).unwrap();
    for round in 0..200 {
        for n in 0..10 {
            // Half of them are the same names again, and topics of their own.
            let name = if n % 2 == 0 { format!("room.{n}") } else { format!("room.{round}-{n}") };
            emit(&bus, &name, 1);
        }
        assert_eq!(bus.collect_topics(), 10, "pattern slots keep no topic");
        assert_eq!(bus.count_of(7), 1);
        domain.maintain(SECOND);
    }
    assert_eq!((calls.get(), bus.statistics().topics.iter().filter(|topic| topic.named).count()), (2_000, 0));
    assert!(bus.disconnect(chat));
    collect_all(&domain);
    tally.assert_all_dropped();
}

#[test]
fn topics_that_threads_make_at_once_are_each_connected_once() {
    const TOPICS: usize = 50;
    for _ in 0..20 {
        let (bus, counts, barrier) = (Bus::new(), Arc::new(Mutex::new(BTreeMap::new())), Barrier::new(4));
        let topics = thread::scope(|threads| {
            let makers: Vec<_> = (0..3)
                .map(|_| {
                    threads.spawn(|| {
                        barrier.wait();
                        let make = |n| bus.topic::<u32>(&format!("room.{n}")).expect("one type");
                        (0..TOPICS).map(make).collect::<Vec<_>>()
                    })
                })
                .collect();
            let counts = Arc::clone(&counts);
            barrier.wait();
            let slot = move |name: &str, _: &u32| *counts.lock().unwrap().entry(name.to_string()).or_insert(0) += 1;
            bus.connect_matching::<u32>("room.*").unwrap().slot(slot).unwrap();
            makers.into_iter().flat_map(|maker| maker.join().expect("nothing fails")).collect::<Vec<_>>()
        });
        topics[..TOPICS].iter().for_each(|topic| {
            topic.emit(&1);
        });
        let counts = counts.lock().unwrap();
        assert!(counts.len() == TOPICS && counts.values().all(|count| *count == 1), "{counts:?}");
        assert_eq!((bus.len(), topics[..TOPICS].iter().map(|topic| topic.len()).sum::<usize>()), (TOPICS + 1, TOPICS));
    }
}

#[test]
fn it_may_be_ended_while_threads_make_topics() {
    for round in 0..50 {
        let (bus, reasons, barrier) = (Bus::new(), Log::new(), Barrier::new(2));
        let rooms = thread::scope(|threads| {
            let maker = threads.spawn(|| {
                barrier.wait();
                (0..50).map(|n| bus.topic::<u32>(&format!("room.{n}")).expect("one type")).collect::<Vec<_>>()
            });
            let ends = reasons.clone();
            barrier.wait();
            let connect =
                bus.connect_matching::<u32>("**").unwrap().owner(7).on_cleanup(move |reason| ends.push(reason));
            let chat = connect.slot(|_, _| panic!("never")).unwrap();
            assert!(if round % 2 == 0 { bus.disconnect(chat) } else { bus.cleanup_owner(7) >= 1 });
            maker.join().expect("nothing fails")
        });
        rooms.iter().for_each(|room| {
            room.emit(&1);
        });
        assert_eq!((bus.statistics().live, bus.statistics().panics, reasons.take().len()), (0, 0, 1));
        assert!(rooms.iter().all(|room| room.is_empty()));
    }
}

#[test]
fn it_goes_with_the_bus_and_its_slot_with_it() {
    let (domain, tally) = (Domain::new(), Tally::new());
    let bus = Bus::builder().domain(&domain).build().unwrap();
    let (kept, guard, reasons) = (bus.topic::<u32>("room.1").unwrap(), tally.guard(), Log::new());
    let ends = reasons.clone();
    let connect = bus.connect_matching::<u32>("room.*").unwrap().on_cleanup(move |reason| ends.push(reason));
    connect.slot(move |_, _| guard.check()).unwrap();
    kept.emit(&1);
    drop(bus);
    kept.emit(&2);
    assert_eq!((kept.len(), reasons.take()), (0, vec![EndReason::Shutdown]));
    collect_all(&domain);
    tally.assert_all_dropped();
}
