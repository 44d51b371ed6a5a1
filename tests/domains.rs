//! Domains come and go, before and after their signals, and keep to themselves.

mod common;

use common::{Counter, Tally, collect_all, holding};
use pulsebus::{Connection, Domain, Reclaim, Signal};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

#[test]
fn a_domain_may_be_dropped_before_its_signals() {
    let tally = Tally::new();
    let domain = Domain::new();
    let signals: Vec<Signal<u32>> = (0..10).map(|_| Signal::new_in(&domain)).collect();
    drop(domain);
    let calls = Counter::new();
    for signal in &signals {
        signal.connect(calls.slot());
        signal.connect(holding(tally.guard())).disconnect();
        signal.emit(&1);
    }
    assert_eq!(calls.get(), 10);
    assert_eq!(signals[0].domain(), signals[9].domain());
    assert!(signals[3].domain().collect().complete);
    tally.assert_all_dropped();
}

#[test]
fn clones_are_the_same_domain_and_others_are_not() {
    let (one, other) = (Domain::new(), Domain::new());
    let clone = one.clone();
    assert!(one == clone && one != other && Domain::global() == Domain::global() && one != Domain::global());
    let signal = Signal::<u32>::new_in(&clone);
    signal.connect(|_| {});
    assert_eq!((one.statistics().signals, other.statistics().signals), (1, 0));
    drop(clone);
    assert_eq!((one.statistics().signals, signal.domain()), (1, &one));
    assert_eq!(Signal::<u32>::new().domain(), &Domain::global());
}

#[test]
fn a_new_domain_starts_afresh_whatever_memory_it_gets() {
    for _ in 0..50 {
        let domain = Domain::new();
        let statistics = domain.statistics();
        assert_eq!(domain.reclaim(), Reclaim::Inline);
        assert_eq!((statistics.signals, statistics.chunks, statistics.chunks_peak), (0, 0, 0));
        assert_eq!((statistics.chunks_taken, statistics.grace_periods, statistics.pending_drops), (0, 0, 0));
        assert_eq!((statistics.slot_panics, statistics.drop_panics), (0, 0));

        domain.set_reclaim(Reclaim::Manual);
        domain.set_panic_hook(|_| std::process::abort());
        let signal = Signal::<u32>::new_in(&domain);
        (0..100).for_each(|_| assert!(signal.connect(|_| {}).disconnect()));
        domain.collect();
        domain.clear_panic_hook();
        signal.connect(|_| panic!("as the test wants"));
        signal.emit(&1);
    }
}

#[test]
fn domains_are_used_by_many_threads_while_they_come_and_go() {
    let tally = Tally::new();
    let threads = [0, 1, 2].map(|_| {
        let tally = tally.clone();
        thread::spawn(move || {
            for round in 0..300 {
                let domain = if round % 2 == 0 { Domain::new() } else { Domain::with_reclaim(Reclaim::Manual) };
                let signal = Arc::new(Signal::<u32>::new_in(&domain));
                let helper = {
                    let (signal, tally) = (signal.clone(), tally.clone());
                    thread::spawn(move || {
                        let connections: Vec<_> = (0..40).map(|_| signal.connect(holding(tally.guard()))).collect();
                        signal.emit(&1);
                        connections.iter().filter(|connection| connection.disconnect()).count()
                    })
                };
                for _ in 0..40 {
                    signal.connect(holding(tally.guard())).disconnect();
                    signal.emit(&1);
                }
                domain.maintain(Duration::from_secs(60));
                assert_eq!(helper.join().expect("no slot panics"), 40);
            }
        })
    });
    threads.into_iter().for_each(|thread| thread.join().expect("no slot panics"));
    while !pulsebus::collect().complete {
        thread::yield_now();
    }
    tally.assert_all_dropped();
}

#[test]
fn a_collection_is_of_one_domain_only() {
    let (one, other) = (Domain::new(), Domain::new());
    let (mine, theirs) = (Tally::new(), Tally::new());
    let signals = [Signal::<u32>::new_in(&one), Signal::<u32>::new_in(&other)];
    let connections = [signals[0].connect(holding(mine.guard())), signals[1].connect(holding(theirs.guard()))];
    assert!(connections.iter().all(Connection::disconnect));
    let collected = one.collect();
    assert_eq!((collected.dropped, collected.complete), (1, true));
    assert_eq!((mine.dropped(), theirs.dropped()), (1, 0));
    collect_all(&other);
    theirs.assert_all_dropped();
}

#[test]
fn maintenance_without_a_budget_drops_nothing_and_says_what_waits() {
    let domain = Domain::new();
    let (signal, tally) = (Signal::<u32>::new_in(&domain), Tally::new());
    (0..100).for_each(|_| assert!(signal.connect(holding(tally.guard())).disconnect()));
    let maintained = domain.maintain(Duration::ZERO);
    assert_eq!((maintained.dropped, maintained.pending, maintained.complete), (0, 100, false));
    let maintained = domain.maintain(Duration::from_secs(60));
    assert_eq!((maintained.dropped, maintained.pending), (100, 0));
    tally.assert_all_dropped();
}
