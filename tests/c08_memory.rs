//! C8: memory is bounded by what is live and what was disconnected since the last grace period.

mod common;

use common::{Tally, collect_all};
use pulsebus::{Connection, Domain, Signal, Statistics};
use std::collections::VecDeque;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

const CHUNK: usize = 32;

/// The chunks that may be waiting for a grace period, besides those in use: two full ones, since three steps take one
/// through, each asked for after 4,096 retirements.
const WAITING: usize = 3 * 4096 / CHUNK;

/// Replaces the oldest of `live` slots, `times` over.
fn churn(signal: &Signal<()>, tally: &Tally, live: usize, times: usize) {
    let mut connections = VecDeque::new();
    for _ in 0..live + times {
        let guard = tally.guard();
        connections.push_back(signal.connect(move |()| guard.check()));
        if connections.len() > live {
            assert!(connections.pop_front().is_some_and(|oldest| oldest.disconnect()));
        }
    }
    connections.iter().for_each(|connection| assert!(connection.disconnect()));
}

#[test]
fn c8_chunks_stay_flat_under_churn_without_any_collection() {
    for live in [0, 1, 100, 5_000] {
        let domain = Domain::new();
        let (signal, tally) = (Signal::<()>::new_in(&domain), Tally::new());
        churn(&signal, &tally, live, 200_000);
        let statistics = domain.statistics();
        let bound = live / CHUNK + live / CHUNK / 8 + WAITING + 8;
        assert!(statistics.chunks_peak <= bound, "{live} live, bound {bound}: {statistics:?}");
        drop(signal);
        collect_all(&domain);
        tally.assert_all_dropped();
    }
}

#[test]
fn c8_chunks_of_slots_with_nothing_to_drop_stay_flat_too() {
    let domain = Domain::new();
    let signal = Signal::<()>::new_in(&domain);
    for _ in 0..300_000 {
        assert!(signal.connect(|()| {}).disconnect());
    }
    let statistics = domain.statistics();
    assert!(statistics.chunks_peak <= WAITING + 8, "{statistics:?}");
    assert!(statistics.chunks_taken > 9_000, "each takes a slot: {statistics:?}");
}

#[test]
fn c8_with_a_collection_now_and_then_there_are_few_chunks() {
    let domain = Domain::new();
    let (signal, tally) = (Signal::<()>::new_in(&domain), Tally::new());
    for _ in 0..500 {
        churn(&signal, &tally, 10, 100);
        assert!(domain.collect().complete);
    }
    assert!(domain.statistics().chunks_peak <= 16, "{:?}", domain.statistics());
    tally.assert_all_dropped();
}

#[test]
fn c8_maintenance_alone_keeps_memory_flat_where_connects_cannot() {
    // Churn inside ticks, where nothing may be reclaimed; maintenance between them.
    let domain = Domain::new();
    let (signal, tally) = (Signal::<()>::new_in(&domain), Tally::new());
    for _ in 0..2_000 {
        domain.tick(|_| churn(&signal, &tally, 10, 100));
        domain.maintain(Duration::from_secs(60));
    }
    assert!(domain.statistics().chunks_peak <= 32, "{:?}", domain.statistics());
}

#[test]
fn c8_signals_that_come_and_go_leave_nothing() {
    let domain = Domain::new();
    let tally = Tally::new();
    for round in 0..5_000 {
        let signal = Signal::<()>::new_in(&domain);
        churn(&signal, &tally, round % 50, 10);
        if round % 64 == 0 {
            domain.maintain(Duration::from_secs(60));
        }
    }
    collect_all(&domain);
    tally.assert_all_dropped();
    let Statistics { signals, chunks, chunks_peak, pending_drops, .. } = domain.statistics();
    assert_eq!((signals, chunks, pending_drops), (0, 0, 0));
    assert!(chunks_peak < 300, "{chunks_peak}");
}

#[test]
fn c8_what_a_domain_left_behind_is_collected_with_the_global_one() {
    // It ends inside an emission of another domain, where nothing can be reclaimed.
    let tally = Tally::new();
    let outer = Signal::<()>::new_in(&Domain::new());
    let inner = tally.clone();
    outer.connect(move |()| {
        let domain = Domain::new();
        let signal = Signal::<()>::new_in(&domain);
        churn(&signal, &inner, 10, 100);
        domain.statistics();
    });
    outer.emit(&());
    assert!(tally.dropped() < tally.made(), "some wait");
    while !pulsebus::collect().complete {}
    tally.assert_all_dropped();
}

#[test]
fn c8_a_blocked_emission_holds_up_its_own_domain_only() {
    let (blocked, free) = (Domain::new(), Domain::new());
    let signal = Arc::new(Signal::<()>::new_in(&blocked));
    let (entered, inside) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    signal.connect(move |()| {
        entered.send(()).expect("the test listens");
        released.lock().expect("nobody panics").recv().expect("the test lets go");
    });
    let emitting = signal.clone();
    let emitter = thread::spawn(move || emitting.emit(&()));
    inside.recv().expect("the slot says so");

    let (held_tally, tally) = (Tally::new(), Tally::new());
    let (held, other) = (Signal::<()>::new_in(&blocked), Signal::<()>::new_in(&free));
    churn(&held, &held_tally, 0, 20_000);
    churn(&other, &tally, 0, 20_000);
    assert!(!blocked.collect().complete);
    assert!(free.collect().complete);
    tally.assert_all_dropped();
    assert_eq!(held_tally.dropped(), 0);
    let oldest = blocked.statistics().oldest_pin.expect("the blocked emission");
    assert_eq!(oldest.place.map(|place| place.file()), Some(file!()));
    assert_eq!(free.statistics().oldest_pin, None);

    release.send(()).expect("the slot waits");
    emitter.join().expect("it only emits");
    assert!(blocked.collect().complete);
    held_tally.assert_all_dropped();
    assert_eq!(blocked.statistics().oldest_pin, None);
}

#[test]
fn c8_statistics_count_what_is_there() {
    let domain = Domain::new();
    let signal = Signal::<()>::new_in(&domain);
    let unused = Signal::<()>::new_in(&domain);
    let tally = Tally::new();
    let connect = |_| {
        let guard = tally.guard();
        signal.connect(move |()| guard.check())
    };
    let connections: Vec<_> = (0..100).map(connect).collect();
    for connection in &connections[..40] {
        connection.disconnect();
    }
    let before = domain.statistics();
    assert_eq!((before.signals, before.slots.live, before.pending_drops), (1, 60, 40));
    assert_eq!((before.slots.free, before.slots.retired, before.chunks), (28, 40, 4));
    assert!(before.chunks_made >= 4 && before.grace_periods == 0 && before.oldest_pin.is_none());
    collect_all(&domain);
    let after = domain.statistics();
    assert_eq!((after.slots.live, after.pending_drops), (60, 0));
    assert_eq!((after.chunks, after.chunks_peak, after.slots.retired), (3, 4, 8), "the first chunk was all dead");
    assert!(after.grace_periods > 0);
    assert!(unused.is_empty() && connections[50..].iter().all(Connection::is_connected));
    unused.connect(|()| {});
    assert_eq!(domain.statistics().signals, 2);
}
