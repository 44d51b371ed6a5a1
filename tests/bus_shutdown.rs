//! The end of a bus: shutdown and its report.

mod common;

use common::{Counter, Log};
use pulsebus::{Bus, ConnectError, Domain, EndReason, ManualClock, Signal, WaitError};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn services_stop_in_the_reverse_order_of_their_registration() {
    let (bus, signal, log) = (Bus::new(), Signal::<u32>::new(), Log::new());
    for (name, connections) in [("Players", 1), ("Quest", 3), ("Shop", 2)] {
        let service = bus.service(name);
        for _ in 0..connections {
            let reasons = log.clone();
            let connect = service.connect(&signal).on_cleanup(move |reason| reasons.push((name, reason.as_str())));
            connect.slot(|_| {}).unwrap();
        }
        let hooks = log.clone();
        service.on_shutdown(move || hooks.push((name, "hook")));
    }
    bus.service("Players");
    let report = bus.shutdown(SECOND).unwrap();
    let stopped: Vec<_> = report.services.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(stopped, [("Shop", 2), ("Quest", 3), ("Players", 1)]);
    assert!(report.is_clean() && report.to_string().contains("service Quest stopped, 3 connections"), "{report}");
    let log = log.take();
    assert_eq!(log[..3], [("Shop", "hook"), ("Shop", "service_stopped"), ("Shop", "service_stopped")]);
    assert_eq!((log.len(), log[7]), (9, ("Players", "hook")));
    assert_eq!(bus.statistics().ended_by(EndReason::ServiceStopped), 6);
}

#[test]
fn the_report_names_what_was_left_by_its_place() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    let gone = bus.connect(&signal).owner(1).slot(|_| {}).unwrap();
    for owner in 0..5 {
        bus.connect(&signal).owner(owner).slot(|_| {}).unwrap();
    }
    let line = line!() + 1;
    (0..2).for_each(|_| assert!(bus.connect(&signal).on_cleanup(|_| panic!("clumsy")).slot(|_| {}).is_ok()));
    gone.disconnect();
    let report = bus.shutdown(SECOND).unwrap();
    let left: Vec<_> = report.left.iter().map(|left| (left.count, left.owned)).collect();
    assert_eq!((left, report.errors, report.is_clean()), (vec![(5, 5), (2, 0)], 2, false));
    assert!(report.left[1].place.contains(&format!("bus_shutdown.rs:{line}:")), "{}", report.left[1].place);
    let text = report.to_string();
    for part in ["not clean", "5 connections, 5 of owners", &report.left[1].place, "callbacks that panicked: 2"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    assert_eq!((bus.len(), signal.len(), bus.statistics().ended_by(EndReason::Shutdown)), (0, 0, 7));
}

#[test]
fn after_a_shutdown_every_way_to_connect_is_an_error_and_none_panics() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    let (quest, player, bare) = (bus.service("Quest"), bus.owner(7), signal.connect(|_| {}));
    assert!(!bus.is_shut_down());
    assert!(bus.shutdown(SECOND).unwrap().is_clean());
    assert!(bus.is_shut_down());
    let again = bus.shutdown(SECOND).unwrap_err().to_string();
    assert!(again.contains("was shut down before"), "{again}");
    let refused = [
        bus.connect(&signal).slot(|_| {}),
        bus.connect(&signal).owner(7).named("progress").slot_batch(|_| {}),
        bus.connect(&signal).scoped(|_| {}).map(|scoped| scoped.release()),
        bus.connect(&signal).weak(&Arc::new(1), |_, _| {}),
        bus.connect(&signal).throttled(SECOND, |_| {}),
        bus.connect(&signal).debounced(SECOND, |_| {}),
        bus.track(bare).owner(7).finish(),
        bus.timer(SECOND).slot(|_| {}),
        bus.after(SECOND).slot(|_| {}),
        bus.connect_heartbeat(SECOND, SECOND).slot(|_| {}),
        bus.connect_matching::<u32>("room.*").unwrap().slot(|_, _| {}),
        player.connect(&signal).slot(|_| {}),
    ];
    for (way, refused) in refused.into_iter().enumerate() {
        assert_eq!(refused, Err(ConnectError::ShutDown), "way {way}");
    }
    assert!(quest.connect(&signal).slot(|_| {}).is_err());
    let batch = bus.connect_batch([bus.connect(&signal).prepare(|_| {})]).unwrap_err();
    assert_eq!((batch.index, batch.error), (0, ConnectError::ShutDown));
    // What was not the bus's goes on, and everything can still be asked.
    let calls = Counter::new();
    bus.topic::<u32>("room.1").unwrap().connect(calls.slot());
    bus.topic::<u32>("room.1").unwrap().emit(&1);
    assert_eq!((signal.len(), bare.is_connected(), calls.get()), (1, true, 1));
    assert_eq!((bus.cleanup_owner(7), bus.maintain(SECOND).stale, bus.audit().live, player.leave()), (0, 0, 0, 0));
}

#[test]
fn hooks_and_callbacks_may_use_the_bus_that_is_shutting_down() {
    let (bus, signal, log) = (Bus::new(), Arc::new(Signal::<u32>::new()), Log::new());
    let (weak, theirs, results) = (bus.downgrade(), signal.clone(), log.clone());
    bus.service("Quest").on_shutdown(move || {
        let bus = weak.upgrade().unwrap();
        results.push(bus.connect(&*theirs).slot(|_| {}) == Err(ConnectError::ShutDown));
        results.push(bus.shutdown(SECOND).is_err());
        results.push(bus.cleanup_owner(7) == 1);
        let hooks = results.clone();
        bus.service("Late").on_shutdown(move || hooks.push(true));
        results.push(bus.service("Quest").len() == 1);
    });
    bus.service("Quest").connect(&*signal).slot(|_| {}).unwrap();
    let (weak, results) = (bus.downgrade(), log.clone());
    let callback = move |reason| results.push(reason == EndReason::OwnerLeft && weak.upgrade().unwrap().len() == 1);
    bus.connect(&*signal).owner(7).on_cleanup(callback).slot(|_| {}).unwrap();
    let report = bus.shutdown(SECOND).unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(log.take(), [true; 6]);
    let stopped: Vec<_> = report.services.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(stopped, [("Quest", 1), ("Late", 0)]);
}

#[test]
fn inside_a_slot_a_shutdown_does_not_wait_and_says_so() {
    let hand = ManualClock::new();
    let make = || (Bus::builder().clock(hand.clock()).build().unwrap(), Signal::<u32>::new(), Log::new());
    let slot = |bus: &Bus, log: &Log<_>| {
        let (weak, log) = (bus.downgrade(), log.clone());
        move || log.push(weak.upgrade().unwrap().shutdown(Duration::MAX).unwrap().quiet)
    };
    for way in ["slot", "timer", "debounced"] {
        let (bus, signal, log) = make();
        let (calls, shut_down) = (Counter::new(), slot(&bus, &log));
        match way {
            "slot" => bus.connect(&signal).slot(move |_| shut_down()),
            "timer" => bus.timer(SECOND).slot(move |_| shut_down()),
            _ => bus.connect(&signal).debounced(SECOND, move |_| shut_down()),
        }
        .unwrap();
        bus.connect(&signal).slot(calls.slot()).unwrap();
        signal.emit(&1);
        hand.advance(SECOND);
        bus.run_timers();
        assert_eq!((log.take(), bus.len()), (vec![Err(WaitError::WouldDeadlock)], 0), "{way}");
        assert_eq!(calls.get(), usize::from(way != "slot"), "the emission under way skips what has ended");
    }
}

/// Blocks a slot of `signal`'s, or one that `run` runs, on a thread of its own while `check` looks.
fn while_a_slot_runs(
    connect: impl FnOnce(&Bus, Box<dyn Fn() + Send + Sync>),
    run: impl FnOnce(&Bus) + Send,
    check: impl FnOnce(&Bus, &AtomicBool, &dyn Fn()),
) {
    let (bus, returned) = (Bus::builder().domain(&Domain::new()).build().unwrap(), Arc::new(AtomicBool::new(false)));
    let (entered, inside) = mpsc::sync_channel(1);
    let (release, released) = mpsc::sync_channel::<()>(1);
    let (released, theirs) = (std::sync::Mutex::new(released), returned.clone());
    let block = move || {
        entered.send(()).unwrap();
        released.lock().unwrap().recv().unwrap();
        theirs.store(true, SeqCst);
    };
    connect(&bus, Box::new(block));
    thread::scope(|threads| {
        threads.spawn(|| run(&bus));
        inside.recv().unwrap();
        check(&bus, &returned, &|| release.send(()).unwrap());
    });
}

#[test]
fn a_shutdown_waits_for_slots_that_run_on_other_threads() {
    let elsewhere = Arc::new(Signal::<u32>::new_in(&Domain::new()));
    let wait = |bus: &Bus, returned: &AtomicBool, release: &dyn Fn()| {
        thread::scope(|threads| {
            let shutdown = threads.spawn(|| {
                let report = bus.shutdown(Duration::MAX).unwrap();
                assert!(returned.load(SeqCst), "it did not wait");
                report
            });
            while !bus.is_shut_down() {
                thread::yield_now();
            }
            release();
            let report = shutdown.join().unwrap();
            assert_eq!((report.quiet, report.left.len()), (Ok(()), 1));
        });
    };
    let (theirs, emitted) = (elsewhere.clone(), elsewhere.clone());
    let connect = move |bus: &Bus, block: Box<dyn Fn() + Send + Sync>| {
        bus.connect(&*theirs).slot(move |_| block()).unwrap();
    };
    while_a_slot_runs(
        connect,
        move |_| {
            emitted.emit(&1);
        },
        wait,
    );
    let connect = |bus: &Bus, block: Box<dyn Fn() + Send + Sync>| {
        bus.connect(&bus.signal::<u32>()).debounced(Duration::from_nanos(1), move |_| block()).unwrap();
        bus.signal::<u32>().emit(&1);
    };
    while_a_slot_runs(connect, |bus| while bus.run_timers() == 0 {}, wait);
}

#[test]
fn a_shutdown_that_waits_for_too_long_says_so() {
    for (domain, timeout) in [(Domain::global(), Duration::ZERO), (Domain::new(), Duration::from_millis(1))] {
        let signal = Arc::new(Signal::<u32>::new_in(&domain));
        let (theirs, emitted) = (signal.clone(), signal.clone());
        let connect = move |bus: &Bus, block: Box<dyn Fn() + Send + Sync>| {
            bus.connect(&*theirs).owner(7).slot(move |_| block()).unwrap();
        };
        while_a_slot_runs(
            connect,
            move |_| {
                emitted.emit(&1);
            },
            |bus, _, release| {
                let (report, has_ended) = (bus.shutdown(timeout).unwrap(), signal.is_empty());
                release();
                assert_eq!((report.quiet, report.is_clean()), (Err(WaitError::TimedOut), false));
                assert!(report.to_string().contains("slots may be running still"), "{report}");
                assert!(has_ended, "all the same");
            },
        );
    }
}

#[test]
fn a_shutdown_waits_for_a_service_that_somebody_else_is_stopping_and_says_if_it_did_not() {
    for timeout in [Duration::MAX, Duration::ZERO] {
        let (bus, signal, saved) = (Bus::new(), Signal::<u32>::new(), Arc::new(AtomicBool::new(false)));
        let ((entered, inside), (release, released)) = (mpsc::sync_channel(1), mpsc::sync_channel::<()>(1));
        let (storage, is_saved) = (bus.service("Storage"), saved.clone());
        storage.connect(&signal).slot(|_| {}).unwrap();
        storage.on_shutdown(move || {
            entered.send(()).unwrap();
            released.recv().unwrap();
            is_saved.store(true, SeqCst);
        });
        let report = thread::scope(|threads| {
            threads.spawn(|| storage.stop());
            inside.recv().unwrap();
            let shutdown = threads.spawn(|| {
                let report = bus.shutdown(timeout).unwrap();
                assert_eq!(saved.load(SeqCst), timeout > Duration::ZERO, "{report}");
                report
            });
            while !(shutdown.is_finished() || timeout > Duration::ZERO && bus.is_shut_down()) {
                thread::yield_now();
            }
            release.send(()).unwrap();
            shutdown.join().unwrap()
        });
        let stopping: &[&str] = if timeout.is_zero() { &["Storage"] } else { &[] };
        assert_eq!((&report.stopping[..] == stopping, report.is_clean()), (true, stopping.is_empty()), "{report}");
        assert_eq!(report.to_string().contains("is being stopped by somebody else"), timeout.is_zero());
        assert!(signal.is_empty());
    }
}
