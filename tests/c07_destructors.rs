//! C7: an emission runs nobody's destructor, whatever its slots do.

mod common;

use common::{Tally, collect_all, holding, inside_emission};
use pulsebus::{Connection, Domain, Reclaim, Signal};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// More retirements than make a connect reclaim on its own.
const MANY: usize = 10_000;

fn connect_guarded(signal: &Signal<()>, tally: &Tally) -> Connection {
    let guard = tally.guard();
    signal.connect(move |()| guard.check())
}

#[test]
fn c7_no_destructor_runs_inside_an_emission_that_churns() {
    let domain = Domain::new();
    let (signal, tally) = (Arc::new(Signal::<()>::new_in(&domain)), Tally::new());
    let (inner, inner_tally, inner_domain) = (Arc::downgrade(&signal), tally.clone(), domain.clone());
    let churn = signal.connect(move |()| {
        let signal = inner.upgrade().expect("it is being emitted");
        for step in 0..MANY {
            assert!(connect_guarded(&signal, &inner_tally).disconnect());
            if step % 1000 == 0 {
                assert!(!inner_domain.collect().complete, "a collection inside an emission drops nothing");
                inner_domain.maintain(Duration::from_secs(1));
                signal.len();
                inner_domain.statistics();
            }
        }
    });
    inside_emission(|| signal.emit(&()));
    assert_eq!((tally.made(), tally.dropped()), (MANY, 0));
    churn.disconnect();
    // And emissions that come after, and meet what is dead, drop nothing either.
    inside_emission(|| signal.emit(&()));
    assert_eq!(tally.dropped(), 0);
    collect_all(&domain);
    tally.assert_all_dropped();
    assert_eq!(tally.dropped_inside(), 0);
}

#[test]
fn c7_nor_inside_an_emission_of_another_domain() {
    let (here, there) = (Domain::new(), Domain::new());
    let (outer, tally) = (Signal::<()>::new_in(&here), Tally::new());
    let inner = Arc::new(Signal::<()>::new_in(&there));
    let (churned, inner_tally, domain) = (inner.clone(), tally.clone(), there.clone());
    outer.connect(move |()| {
        for _ in 0..MANY {
            connect_guarded(&churned, &inner_tally).disconnect();
        }
        churned.disconnect_all();
        assert!(!domain.collect().complete);
    });
    inside_emission(|| outer.emit(&()));
    assert_eq!((tally.made(), tally.dropped()), (MANY, 0));
    collect_all(&there);
    tally.assert_all_dropped();
}

#[test]
fn c7_nor_inside_a_tick() {
    let domain = Domain::new();
    let (signal, tally) = (Signal::<()>::new_in(&domain), Tally::new());
    inside_emission(|| {
        pulsebus::tick(|_| {
            for _ in 0..MANY {
                connect_guarded(&signal, &tally).disconnect();
            }
            assert!(!domain.collect().complete);
        });
    });
    assert_eq!(tally.dropped(), 0);
    collect_all(&domain);
    tally.assert_all_dropped();
}

#[test]
fn c7_nor_does_a_reclaiming_thread_leave_any_to_an_emission_beside_it() {
    // Two threads emit, two churn and collect: the emitting ones drop nothing.
    const ROUNDS: usize = 2_000;
    let domain = Domain::new();
    let (signal, tally) = (Arc::new(Signal::<()>::new_in(&domain)), Tally::new());
    let churners = [0, 1].map(|_| {
        let (signal, tally, domain) = (signal.clone(), tally.clone(), domain.clone());
        thread::spawn(move || {
            for round in 0..ROUNDS {
                let connections: Vec<_> = (0..10).map(|_| connect_guarded(&signal, &tally)).collect();
                assert!(connections.iter().all(Connection::disconnect));
                if round % 16 == 0 {
                    domain.collect();
                }
            }
        })
    });
    let emitters = [0, 1].map(|_| {
        let signal = signal.clone();
        thread::spawn(move || {
            (0..ROUNDS).for_each(|_| {
                inside_emission(|| signal.emit(&()));
            })
        })
    });
    churners.into_iter().chain(emitters).for_each(|thread| thread.join().expect("no slot panics"));
    collect_all(&domain);
    tally.assert_all_dropped();
    assert_eq!(tally.dropped_inside(), 0);
}

#[test]
fn c7_a_domain_that_reclaims_by_hand_runs_destructors_in_collect_and_maintain_only() {
    let domain = Domain::with_reclaim(Reclaim::Manual);
    let (signal, tally) = (Signal::<()>::new_in(&domain), Tally::new());
    for _ in 0..MANY {
        connect_guarded(&signal, &tally).disconnect();
    }
    for _ in 0..MANY {
        connect_guarded(&signal, &tally);
    }
    assert_eq!(signal.disconnect_all(), MANY);
    signal.emit(&());
    domain.statistics();
    assert_eq!(tally.dropped(), 0, "of {}", tally.made());

    while domain.maintain(Duration::from_secs(60)).pending > 0 {}
    tally.assert_all_dropped();
}

#[test]
fn c7_a_domain_that_reclaims_inline_does_so_in_connects_outside_of_emissions() {
    let domain = Domain::new();
    let (signal, tally) = (Signal::<()>::new_in(&domain), Tally::new());
    for _ in 0..10 * MANY {
        connect_guarded(&signal, &tally).disconnect();
    }
    assert!(tally.dropped() > 5 * MANY, "connects dropped {} of {}", tally.dropped(), tally.made());
}

#[test]
fn c7_destructors_do_not_nest() {
    // A destructor that collects finds the collection that runs it under way: the others wait until it has returned.
    struct CollectOnDrop {
        domain: Domain,
        running: Arc<Mutex<(usize, usize)>>,
    }
    impl Drop for CollectOnDrop {
        fn drop(&mut self) {
            {
                let mut running = self.running.lock().expect("nobody panics");
                running.0 += 1;
                running.1 = running.1.max(running.0);
            }
            assert!(!self.domain.collect().complete);
            self.running.lock().expect("nobody panics").0 -= 1;
        }
    }
    let domain = Domain::new();
    let signal = Signal::<()>::new_in(&domain);
    let running: Arc<Mutex<(usize, usize)>> = Arc::default();
    for _ in 0..100 {
        let captured = CollectOnDrop { domain: domain.clone(), running: running.clone() };
        signal.connect(holding(captured)).disconnect();
    }
    collect_all(&domain);
    assert_eq!(*running.lock().expect("nobody panics"), (0, 1), "(running now, at most at a time)");
}
