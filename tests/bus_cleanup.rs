//! Cleanups: how many they end, what runs afterwards (C3), and what the callbacks are told.

mod common;

use common::Log;
use pulsebus::{Bus, Connection, EndReason, Filter, Kind, PanicPolicy, Signal};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;

/// Connects to `signal` with everything that one can be ended by; logs how it ends.
fn tracked(bus: &Bus, signal: &Signal<u32>, ends: &Log<EndReason>) -> Connection {
    let ends = ends.clone();
    bus.connect(signal)
        .owner(7)
        .service("Quest")
        .tag("hud")
        .kind(Kind::Gui)
        .named("progress")
        .on_cleanup(move |reason| ends.push(reason))
        .slot(|_| {})
        .unwrap()
}

/// A way to end a connection: how many it ended.
type End = fn(&Bus, Connection) -> usize;

const WAYS: [(End, EndReason); 9] = [
    (|bus, _| bus.cleanup_owner(7), EndReason::OwnerLeft),
    (|bus, _| bus.cleanup_service("Quest"), EndReason::ServiceStopped),
    (|bus, _| bus.cleanup_tag("hud"), EndReason::Tag),
    (|bus, _| bus.cleanup_kind(&Kind::Gui), EndReason::Kind),
    (|bus, _| bus.cleanup_where(|detail| detail.owner == Some(7.into())), EndReason::Filter),
    (|bus, _| bus.emergency_cleanup(), EndReason::Emergency),
    (|bus, _| usize::from(bus.unregister(7, "progress")), EndReason::Unregistered),
    (|bus, connection| usize::from(bus.disconnect(connection)), EndReason::Disconnected),
    (
        |bus, connection| usize::from(bus.disconnect_id(bus.detail(connection).expect("tracked").id)),
        EndReason::Disconnected,
    ),
];

#[test]
fn every_way_to_end_ends_once_and_says_why() {
    for (end, reason) in WAYS {
        let (bus, signal, ends) = (Bus::new(), Signal::new(), Log::new());
        let connection = tracked(&bus, &signal, &ends);
        assert_eq!(end(&bus, connection), 1, "{reason}");
        assert!(!connection.is_connected());
        assert_eq!(ends.take(), [reason]);
        assert_eq!((bus.len(), bus.statistics().ended_by(reason)), (0, 1));
        assert_eq!(bus.emergency_cleanup() + bus.cleanup_owner(7) + bus.cleanup_stale(), 0);
        assert!(ends.take().is_empty());
        let statistics = bus.statistics();
        assert!(statistics.owners.is_empty() && statistics.services.is_empty() && statistics.tags.is_empty());
    }
}

#[test]
fn dropping_the_last_handle_of_a_bus_ends_everything() {
    let (bus, signal, ends) = (Bus::new(), Signal::new(), Log::new());
    tracked(&bus, &signal, &ends);
    let second = bus.clone();
    drop(bus);
    assert_eq!(signal.len(), 1);
    drop(second);
    assert!(signal.is_empty());
    assert_eq!(ends.take(), [EndReason::Shutdown]);
}

#[test]
fn what_ended_behind_the_buss_back_is_found_and_told_apart() {
    let (bus, ends) = (Bus::new(), Log::new());
    let kept = Signal::new();
    let first = tracked(&bus, &kept, &ends);
    assert!(first.disconnect());
    assert!(ends.take().is_empty(), "nobody has looked yet");
    assert_eq!(bus.statistics().live, 0);
    assert_eq!(ends.take(), [EndReason::Disconnected]);

    let dropped = Signal::new();
    tracked(&bus, &dropped, &ends);
    drop(dropped);
    assert_eq!(bus.cleanup_owner(7), 0, "it had ended already");
    assert_eq!(ends.take(), [EndReason::DroppedSignal]);

    kept.on_panic(PanicPolicy::DisconnectAfter(1));
    let fragile = bus.connect(&kept).owner(8).slot(|_| panic!("as the test wants")).unwrap();
    kept.emit(&1);
    assert!(!fragile.is_connected());
    assert_eq!(bus.count_of(8), 0);
    let statistics = bus.statistics();
    assert_eq!((statistics.ended_by(EndReason::Disconnected), statistics.panics), (2, 1));
}

#[test]
fn statistics_count_a_panic_once_whatever_their_callbacks_end() {
    let (bus, signal, fragile) = (Bus::new(), Signal::<u32>::new(), Signal::<u32>::new());
    let connect = |owner: u32| bus.connect(&signal).owner(owner).slot(|_| {}).unwrap();
    let first = bus.connect(&fragile).slot(|_| panic!("as the test wants")).unwrap();
    // Far more than are looked at together, so that the callback runs when the first one was looked at.
    (0..1_000).for_each(|owner| _ = connect(owner));
    let ends_first = {
        let bus = bus.downgrade();
        move |_| assert!(bus.upgrade().is_some_and(|bus| bus.disconnect(first)))
    };
    let last = bus.connect(&signal).on_cleanup(ends_first).slot(|_| {}).unwrap();
    let stays = bus.connect(&fragile).slot(|_| panic!("as the test wants")).unwrap();
    fragile.emit(&1);
    assert!(last.disconnect());
    let statistics = bus.statistics();
    assert_eq!((statistics.live, statistics.cleanup_errors, statistics.panics), (1_001, 0, 2));
    assert!(bus.disconnect(stays));
    assert_eq!(bus.statistics().panics, 2);
}

#[test]
fn a_cleanup_ends_what_it_names_and_nothing_else() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    let connect = |owner: u32, service: &'static str, tag: &'static str, kind: Kind| {
        bus.connect(&signal).owner(owner).service(service).tag(tag).kind(kind).slot(|_| {}).unwrap()
    };
    let fill = || {
        for owner in 0..4 {
            for (service, kind) in [("Quest", Kind::Remote), ("Shop", Kind::Gui)] {
                connect(owner, service, if owner < 2 { "early" } else { "late" }, kind);
            }
        }
    };
    type Cleanup = fn(&Bus) -> usize;
    let counts: [(Cleanup, usize); 5] = [
        (|bus| bus.cleanup_owner(1), 2),
        (|bus| bus.cleanup_service("Quest"), 4),
        (|bus| bus.cleanup_tag("late"), 4),
        (|bus| bus.cleanup_kind(&Kind::Gui), 4),
        (|bus| bus.cleanup_where(|detail| detail.tags[0] == "early" && detail.kind == Kind::Gui), 2),
    ];
    for (cleanup, expected) in counts {
        fill();
        assert_eq!(cleanup(&bus), expected);
        assert_eq!((bus.len(), signal.len()), (8 - expected, 8 - expected));
        assert_eq!(cleanup(&bus), 0);
        bus.emergency_cleanup();
    }
}

#[test]
fn a_predicate_may_use_the_bus() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    for owner in 0..600_u32 {
        bus.connect(&signal).owner(owner).slot(|_| {}).unwrap();
    }
    let even = bus.cleanup_where(|detail| {
        assert!(bus.detail(detail.connection).is_some());
        bus.count_of(detail.owner.as_ref().expect("each has one")) == 1 && detail.owner.as_ref().is_some_and(is_even)
    });
    assert_eq!((even, bus.len()), (300, 300));
}

fn is_even(owner: &pulsebus::Owner) -> bool {
    owner.to_string().parse::<u32>().is_ok_and(|number| number % 2 == 0)
}

/// Around the borders of the engine's chunks.
const POSITIONS: [usize; 6] = [0, 1, 31, 32, 63, 64];
const COUNT: usize = 65;

#[test]
fn c3_a_cleanup_inside_a_slot_skips_the_rest_of_the_running_emission() {
    let ways: [fn(&Bus) -> usize; 6] = [
        |bus| bus.cleanup_owner("odd"),
        |bus| bus.cleanup_service("odd"),
        |bus| bus.cleanup_tag("odd"),
        |bus| bus.cleanup_kind(&Kind::custom("odd")),
        |bus| bus.cleanup_where(|detail| detail.tags[0] == "odd"),
        |bus| bus.emergency_cleanup(),
    ];
    for (way, cleanup) in ways.into_iter().enumerate() {
        let odd_only = way < 5;
        for actor in POSITIONS {
            let (bus, signal, log, ended) = (Bus::new(), Signal::<u32>::new(), Log::new(), Log::new());
            for slot in 0..COUNT {
                let (weak, log, ended) = (bus.downgrade(), log.clone(), ended.clone());
                let group = if slot % 2 == 1 { "odd" } else { "even" };
                let connect = bus.connect(&signal).owner(group).service(group).tag(group).kind(Kind::custom(group));
                let act = move |_: &u32| {
                    log.push(slot);
                    if slot == actor {
                        ended.push(cleanup(&weak.upgrade().expect("the test has it")));
                    }
                };
                connect.slot(act).unwrap();
            }
            let skipped = |slot: usize| slot % 2 == 1 || !odd_only;
            signal.emit(&1);
            let ran: Vec<usize> = (0..COUNT).filter(|slot| *slot <= actor || !skipped(*slot)).collect();
            assert_eq!(log.take(), ran, "way {way}, slot {actor}");
            assert_eq!(ended.take(), [if odd_only { COUNT / 2 } else { COUNT }]);
            signal.emit(&2);
            assert_eq!(
                log.take(),
                (0..COUNT).filter(|slot| !skipped(*slot)).collect::<Vec<_>>(),
                "way {way}, slot {actor}"
            );
        }
    }
}

#[test]
fn c3_no_emission_that_starts_after_a_cleanup_on_another_thread_runs_a_slot() {
    let (bus, signal) = (Bus::new(), Arc::new(Signal::<()>::new()));
    let (to_emitter, orders) = mpsc::channel::<Arc<AtomicBool>>();
    let (done, from_emitter) = mpsc::channel();
    let emitting = signal.clone();
    let emitter = thread::spawn(move || {
        for ran in orders {
            ran.store(false, SeqCst);
            emitting.emit(&());
            done.send(ran.load(SeqCst)).expect("the test listens");
        }
    });
    let emit = |ran: &Arc<AtomicBool>| {
        to_emitter.send(ran.clone()).expect("the emitter listens");
        from_emitter.recv().expect("the emitter answers")
    };
    for round in 0..500_u32 {
        let ran = Arc::new(AtomicBool::new(false));
        for _ in 0..3 {
            let mark = ran.clone();
            bus.connect(&signal).owner(round).tag("round").slot(move |()| mark.store(true, SeqCst)).unwrap();
        }
        assert!(emit(&ran), "round {round}");
        let ended = if round % 2 == 0 { bus.cleanup_owner(round) } else { bus.cleanup_tag("round") };
        assert_eq!(ended, 3);
        assert!(!emit(&ran), "round {round}");
    }
    drop(to_emitter);
    emitter.join().expect("it only emits");
    assert!(bus.details(&Filter::new()).is_empty());
}
