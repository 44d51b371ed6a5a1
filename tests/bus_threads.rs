//! Threads that connect, clean up, emit and ask at once: no call is lost, no count is wrong.

mod common;

use common::{Counter, Tally, collect_all};
use pulsebus::{Bus, Config, Domain, EndReason, LimitPolicy, Signal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

const ROUNDS: usize = 400;

#[test]
fn threads_that_connect_and_clean_up_the_same_owners_end_each_connection_once() {
    let domain = Domain::new();
    let bus = Bus::builder().domain(&domain).build().unwrap();
    let (signal, tally) = (Arc::new(Signal::<u32>::new_in(&domain)), Tally::new());
    let (made, ended, called_back) = (Counter::new(), Counter::new(), Counter::new());
    let done = AtomicBool::new(false);
    thread::scope(|threads| {
        let busy: Vec<_> = (0..4)
            .map(|thread: usize| {
                let (bus, signal, tally) = (&bus, &signal, &tally);
                let (made, ended, called_back) = (made.clone(), ended.clone(), called_back.clone());
                threads.spawn(move || {
                    for round in 0..ROUNDS {
                        for n in 0..5_usize {
                            let (guard, called_back) = (tally.guard(), called_back.clone());
                            let connect = bus.connect(&**signal).owner((round + n) % 7).service("Quest").tag("hud");
                            let connect = connect.on_cleanup(move |_| called_back.add(1));
                            let connection = connect.slot(move |_| guard.check()).unwrap();
                            made.add(1);
                            if n == 4 && thread % 2 == 0 {
                                ended.add(usize::from(connection.disconnect()));
                            }
                        }
                        ended.add(match (thread + round) % 8 {
                            0 => bus.cleanup_tag("hud"),
                            1 => bus.cleanup_service("Quest"),
                            2 => bus.cleanup_where(|detail| detail.id.to_string().ends_with('3')),
                            3 => bus.cleanup_stale(),
                            _ => bus.cleanup_owner(round % 7),
                        });
                    }
                })
            })
            .collect();
        let (bus, signal, done) = (&bus, &signal, &done);
        threads.spawn(move || {
            while !done.load(SeqCst) {
                signal.emit(&1);
                let statistics = bus.statistics();
                assert!(statistics.live as u64 <= statistics.made && statistics.live <= statistics.peak);
                assert!(bus.audit().is_clean());
            }
        });
        busy.into_iter().for_each(|thread| thread.join().expect("nothing fails"));
        done.store(true, SeqCst);
    });
    ended.add(bus.emergency_cleanup());
    let statistics = bus.statistics();
    assert_eq!((statistics.live, statistics.made), (0, made.get() as u64));
    assert_eq!((made.get(), ended.get(), called_back.get()), (4 * 5 * ROUNDS, 4 * 5 * ROUNDS, 4 * 5 * ROUNDS));
    assert_eq!(statistics.ended.values().sum::<u64>(), made.get() as u64);
    assert!(statistics.owners.is_empty() && statistics.services.is_empty() && statistics.tags.is_empty());
    assert_eq!((statistics.panics, signal.len()), (0, 0));
    collect_all(&domain);
    tally.assert_all_dropped();
}

#[test]
fn a_limit_holds_whoever_connects() {
    let mut config = Config::default();
    (config.limits.per_owner, config.limits.policy) = (Some(100), LimitPolicy::Reject);
    let (bus, signal) = (Bus::with_config(config).unwrap(), Signal::<u32>::new());
    let made = Counter::new();
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for _ in 0..60 {
                    made.add(usize::from(bus.connect(&signal).owner(7).slot(|_| {}).is_ok()));
                    assert!(bus.count_of(7) <= 100);
                }
            });
        }
    });
    assert_eq!((made.get(), signal.len(), bus.statistics().rejected), (100, 100, 140));
}

#[test]
fn of_threads_that_connect_one_name_the_last_one_stays() {
    let (bus, signal, replaced) = (Bus::new(), Signal::<u32>::new(), Counter::new());
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for _ in 0..ROUNDS {
                    let replaced = replaced.clone();
                    let connect = bus.connect(&signal).owner(7).named("progress");
                    let connect = connect.on_cleanup(move |reason| {
                        assert_eq!(reason, EndReason::Replaced);
                        replaced.add(1);
                    });
                    connect.slot(|_| {}).unwrap();
                    assert!(signal.len() <= 1);
                }
            });
        }
    });
    assert_eq!((replaced.get(), signal.len(), bus.count_of(7)), (4 * ROUNDS - 1, 1, 1));
    assert_eq!(bus.statistics().cleanup_errors, 0);
}

#[test]
fn of_threads_that_end_one_connection_one_wins() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    for round in 0..ROUNDS {
        let connection = bus.connect(&signal).owner(7).tag("hud").named("progress").slot(|_| {}).unwrap();
        let id = bus.detail(connection).unwrap().id;
        let ways: [&(dyn Fn() -> usize + Sync); 5] = [
            &|| bus.cleanup_owner(7),
            &|| bus.cleanup_tag("hud"),
            &|| usize::from(bus.unregister(7, "progress")),
            &|| usize::from(bus.disconnect_id(id)),
            &|| usize::from(connection.disconnect()),
        ];
        let ended: usize = thread::scope(|threads| {
            let running: Vec<_> = [ways[round % 5], ways[(round + 1) % 5], ways[(round + 3) % 5]]
                .map(|way| threads.spawn(way))
                .into_iter()
                .collect();
            running.into_iter().map(|thread| thread.join().expect("nothing fails")).sum()
        });
        assert_eq!(ended, 1, "round {round}");
    }
}

#[test]
fn a_bus_dropped_while_others_use_it_goes_with_the_last_of_them() {
    for _ in 0..100 {
        let (bus, signal) = (Bus::new(), Arc::new(Signal::<u32>::new()));
        let threads: Vec<_> = (0..3_u32)
            .map(|owner| {
                let (bus, signal) = (bus.clone(), signal.clone());
                thread::spawn(move || {
                    for _ in 0..10 {
                        bus.connect(&*signal).owner(owner).slot(|_| {}).unwrap();
                    }
                    bus.cleanup_owner(owner + 1);
                })
            })
            .collect();
        drop(bus);
        threads.into_iter().for_each(|thread| thread.join().expect("nothing fails"));
        assert!(signal.is_empty());
    }
}
