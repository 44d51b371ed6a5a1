//! Heap calls and memory of the bus: a tracked connection costs none once the pools are warm, and nothing of those that have
//! gone is kept. The tests run one after another, so that none takes what another one has warmed.

mod counting;

use pulsebus::{Bus, CallStatistics, Config, Connection, Domain, Signal};
use std::hint::black_box;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Runs `round` until it has warmed up, and then as often again: with how many heap calls?
fn heap_calls_once_warm(rounds: u64, mut round: impl FnMut(u64)) -> u64 {
    (0..rounds).for_each(&mut round);
    let before = counting::calls();
    (rounds..rounds * 2).for_each(round);
    counting::calls() - before
}

/// A bus whose slots are reclaimed in each round, by `maintain`.
fn bus(statistics: CallStatistics) -> (Bus, Signal<u64>) {
    let domain = Domain::new();
    let mut config = Config::default();
    config.call_statistics = statistics;
    let signal = Signal::new_in(&domain);
    (Bus::builder().config(config).domain(&domain).build().expect("valid"), signal)
}

/// As much as a sampled slot can capture in place.
fn connect(bus: &Bus, signal: &Signal<u64>, owner: u64) -> Connection {
    let capture = owner;
    let connect = bus.connect(signal).owner(owner).service("Quest").tag("hud").tag("quest");
    let connected = connect.slot(move |event| {
        black_box(event + capture);
    });
    connected.expect("no limit is near")
}

#[test]
fn connecting_and_cleaning_up_an_owner_makes_no_heap_calls() {
    let _alone = alone();
    for statistics in [CallStatistics::Sampled, CallStatistics::Off] {
        for connections in [1, 40] {
            let (bus, signal) = bus(statistics);
            let calls = heap_calls_once_warm(2_000, |owner| {
                for _ in 0..connections {
                    connect(&bus, &signal, owner);
                }
                signal.emit(&1);
                assert_eq!(bus.cleanup_owner(owner), connections);
                bus.domain().maintain(Duration::from_secs(1));
            });
            assert_eq!(calls, 0, "{statistics:?}, {connections} connections");
        }
    }
}

#[test]
fn cleaning_up_beside_others_makes_no_heap_calls() {
    let _alone = alone();
    let (bus, signal) = bus(CallStatistics::Sampled);
    for owner in 1_000_000..1_000_500 {
        connect(&bus, &signal, owner);
    }
    let calls = heap_calls_once_warm(2_000, |round| {
        let connections = [(); 8].map(|()| connect(&bus, &signal, round % 100));
        assert!(bus.disconnect(connections[0]) && connections[1].disconnect());
        assert_eq!(bus.count_of(round % 100), 6);
        assert_eq!(bus.cleanup_owner(round % 100), 6);
        bus.domain().maintain(Duration::from_secs(1));
    });
    // `count_of` copies which records the owner has.
    assert_eq!(calls, 2 * 2_000);
    assert_eq!(bus.len(), 500);
}

#[test]
fn emitting_through_tracked_connections_makes_no_heap_calls() {
    let _alone = alone();
    for statistics in [CallStatistics::Off, CallStatistics::Sampled, CallStatistics::Exact] {
        let (bus, signal) = bus(statistics);
        for owner in 0..100 {
            connect(&bus, &signal, owner);
        }
        let calls = heap_calls_once_warm(1_000, |event| {
            signal.emit(&event);
            signal.emit_batch(&[event; 8]);
        });
        assert_eq!(calls, 0, "{statistics:?}");
    }
}

/// The bytes on the heap that `round` leaves behind, once as many rounds have warmed it up.
fn growth(rounds: u64, mut round: impl FnMut(u64)) -> i64 {
    (0..rounds).for_each(&mut round);
    let before = counting::bytes();
    (rounds..rounds * 2).for_each(round);
    counting::bytes() - before
}

#[test]
fn owners_that_come_and_go_do_not_grow_memory() {
    let _alone = alone();
    let (bus, signal) = bus(CallStatistics::Sampled);
    let grown = growth(10_000, |owner| {
        let name = format!("player {owner}");
        let scope = bus.owner(name.clone());
        scope.connect(&signal).tag(name.clone()).named("progress").slot(|_| {}).expect("no limit is near");
        scope.child("character").connect(&signal).service(name.clone()).slot(|_| {}).expect("no limit is near");
        let key = pulsebus::Owner::key((owner, name));
        bus.connect(&signal).owner(key.clone()).on_cleanup(|_| {}).slot(|_| {}).expect("no limit is near");
        assert_eq!(scope.leave() + bus.cleanup_owner(key), 2);
        if owner % 100 == 0 {
            bus.maintain(Duration::from_secs(1));
        }
    });
    assert_eq!(bus.len(), 0);
    assert!(grown < 10_000, "{grown} bytes by ten thousand owners");
}

#[test]
fn kinds_that_come_and_go_do_not_grow_memory() {
    let _alone = alone();
    let (bus, signal) = bus(CallStatistics::Sampled);
    let grown = growth(10_000, |number| {
        let kind = pulsebus::Kind::custom(format!("spell {number}"));
        bus.connect(&signal).owner(7).kind(kind.clone()).slot(|_| {}).expect("no limit is near");
        assert_eq!((bus.cleanup_kind(&kind), bus.cleanup_kind(&kind)), (1, 0));
        if number % 100 == 0 {
            bus.maintain(Duration::from_secs(1));
        }
    });
    assert!(bus.statistics().kinds.is_empty());
    assert!(grown < 10_000, "{grown} bytes by ten thousand kinds");
}

#[test]
fn many_owners_at_a_time_leave_room_that_the_next_ones_use() {
    let _alone = alone();
    let (bus, signal) = bus(CallStatistics::Sampled);
    let grown = growth(6, |round| {
        let owners = round * 10_000..(round + 1) * 10_000;
        for owner in owners.clone() {
            connect(&bus, &signal, owner);
        }
        owners.for_each(|owner| assert_eq!(bus.cleanup_owner(owner), 1));
        bus.maintain(Duration::from_secs(10));
    });
    assert!(grown < 10_000, "{grown} bytes by sixty thousand owners");
}

#[test]
fn looks_of_the_audit_do_not_grow_memory() {
    let _alone = alone();
    let hand = pulsebus::ManualClock::new();
    let bus = Bus::builder().clock(hand.clock()).build().expect("valid");
    let signal = Signal::new();
    for owner in 0..1_000 {
        connect(&bus, &signal, owner);
    }
    let grown = growth(100, |_| {
        hand.advance(Duration::from_secs(30));
        assert_eq!(bus.cleanup_stale(), 0);
    });
    assert_eq!(grown, 0);
}
