//! The last handle of a bus ends everything, wherever it is dropped.

mod common;

use common::{Counter, Log, Tally, collect_all, holding};
use pulsebus::{Bus, ConnectError, Connection, Domain, EndReason, Heartbeat, ManualClock, Signal};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_last_bus_ends_everything() {
    let (bus, signal, ends) = (Bus::new(), Signal::<u32>::new(), Log::new());
    let topic = bus.topic::<u32>("room.1").unwrap();
    for owner in 0..3 {
        let (first, second) = (ends.clone(), ends.clone());
        bus.connect(&signal).owner(owner).on_cleanup(move |reason| first.push(reason)).slot(|_| {}).unwrap();
        bus.connect(&topic).on_cleanup(move |reason| second.push(reason)).slot(|_| {}).unwrap();
    }
    let (copy, weak, player) = (bus.clone(), bus.downgrade(), bus.owner(9));
    drop(bus);
    assert!(weak.upgrade().is_some_and(|bus| bus == copy) && signal.len() == 3);
    drop(copy);
    assert!(weak.upgrade().is_some(), "a scope keeps the bus");
    drop(player);
    assert!(weak.upgrade().is_none() && signal.is_empty() && topic.is_empty());
    assert_eq!(ends.take(), [EndReason::Shutdown; 6]);
}

#[test]
fn a_slot_that_captures_a_bus_keeps_it_until_it_is_gone_and_a_weak_one_does_not() {
    let (domain, tally) = (Domain::new(), Tally::new());
    let signal = Signal::<u32>::new_in(&domain);
    let bus = Bus::builder().domain(&domain).build().unwrap();
    let (weak, captured, calls) = (bus.downgrade(), bus.clone(), Counter::new());
    let keeping = bus.connect(&signal).owner(7).slot(move |_| assert!(!captured.is_shut_down())).unwrap();
    let (theirs, counted) = (weak.clone(), calls.clone());
    let slot = move |_: &u32| counted.add(theirs.upgrade().map_or(100, |bus| bus.count_of(8)));
    bus.connect(&signal).owner(8).slot(slot).unwrap();
    bus.connect(&signal).owner(8).slot(holding(tally.guard())).unwrap();
    drop(bus);
    signal.emit(&1);
    assert_eq!((calls.take(), weak.upgrade().is_some()), (2, true));
    // Its capture is the last bus, which ends the others inside the collection.
    assert!(keeping.disconnect());
    collect_all(&domain);
    assert!(weak.upgrade().is_none() && signal.is_empty());
    collect_all(&domain);
    tally.assert_all_dropped();
}

#[test]
fn a_bus_whose_last_handle_is_dropped_by_its_own_slot_ends_there() {
    let (signal, calls) = (Signal::<u32>::new(), Counter::new());
    let bus = Bus::new();
    let handle = Arc::new(Mutex::new(None));
    let (theirs, counted) = (handle.clone(), calls.clone());
    let slot = move |_: &u32| {
        counted.add(1);
        drop(theirs.lock().unwrap().take());
    };
    bus.connect(&signal).slot(slot).unwrap();
    bus.connect(&signal).slot(calls.slot()).unwrap();
    *handle.lock().unwrap() = Some(bus);
    signal.emit(&1);
    assert_eq!((calls.get(), signal.len()), (1, 0));
}

#[test]
fn it_may_be_dropped_by_a_slot_of_its_own_topics_timers_and_beats() {
    type Way = fn(&Bus, Box<dyn Fn() + Send + Sync>) -> Result<Connection, ConnectError>;
    let ways: [(&str, Way); 5] = [
        ("by type", |bus, end| bus.connect(&bus.signal::<u32>()).slot(move |_| end())),
        ("by name", |bus, end| bus.connect(&bus.topic::<u32>("room.1").unwrap()).slot(move |_| end())),
        ("pattern", |bus, end| bus.connect_matching::<u32>("**").unwrap().slot(move |_, _| end())),
        ("timer", |bus, end| bus.timer(SECOND).slot(move |_| end())),
        ("beat", |bus, end| bus.connect_heartbeat(Duration::ZERO, SECOND).slot(move |_| end())),
    ];
    for (what, connect) in ways {
        let (hand, calls, ends) = (ManualClock::new(), Counter::new(), Log::new());
        let bus = Bus::builder().clock(hand.clock()).build().unwrap();
        let (by_type, by_name) = (bus.signal::<u32>(), bus.topic::<u32>("room.1").unwrap());
        let mut heartbeat = Heartbeat::at(10.0).unwrap().clock(hand.clock()).drive(&bus, SECOND);
        let place = Arc::new(Mutex::new(None::<Bus>));
        let (theirs, counted, reasons) = (place.clone(), calls.clone(), ends.clone());
        let end = move || {
            counted.add(1);
            drop(theirs.lock().unwrap().take());
        };
        connect(&bus, Box::new(end)).unwrap();
        bus.connect(&by_type).on_cleanup(move |reason| reasons.push(reason)).slot(|_| {}).unwrap();
        let weak = bus.downgrade();
        *place.lock().unwrap() = Some(bus);
        by_type.emit(&1);
        by_name.emit(&1);
        (0..20).for_each(|_| assert!(heartbeat.step().is_some()));
        assert_eq!((calls.get(), weak.upgrade().is_none()), (1, true), "{what}");
        assert_eq!((ends.take(), by_type.len(), by_name.len()), (vec![EndReason::Shutdown], 0, 0), "{what}");
    }
}
