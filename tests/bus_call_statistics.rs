//! Call statistics: off, sampled, exact; one test at a time, since all buses of a process share the windows.

mod common;

use common::Counter;
use pulsebus::{Bus, CallStatistics, Calls, Config, Connection, ManualClock, Signal, Timeout};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn counting(statistics: CallStatistics) -> (Bus, ManualClock, Signal<u32>) {
    let (hand, mut config) = (ManualClock::new(), Config::default());
    config.call_statistics = statistics;
    (Bus::builder().clock(hand.clock()).config(config).build().unwrap(), hand, Signal::new())
}

fn calls(bus: &Bus, connection: Connection) -> Calls {
    bus.detail(connection).unwrap().calls.unwrap()
}

/// Opens a window, or closes the one that this bus has opened.
fn turn(bus: &Bus) {
    bus.maintain(Duration::ZERO);
}

#[test]
fn off_counts_nothing_but_for_an_idle_timeout() {
    let _alone = alone();
    let (bus, hand, signal) = counting(CallStatistics::Off);
    let plain = bus.connect(&signal).slot(|_| {}).unwrap();
    let idle = bus.connect(&signal).timeout(Timeout::Idle(SECOND * 10)).slot(|_| {}).unwrap();
    let aged = bus.connect(&signal).timeout(Timeout::Age(SECOND * 10)).slot(|_| {}).unwrap();
    hand.advance(SECOND);
    signal.emit_batch(&[1, 2, 3]);
    for connection in [plain, aged] {
        assert_eq!(bus.detail(connection).unwrap().calls, None);
    }
    let counted = calls(&bus, idle);
    assert_eq!((counted.count, counted.exact, counted.last), (3, true, Some(SECOND)));
    assert_eq!(bus.statistics().samples_taken, 0);
}

#[test]
fn exact_counts_each_call_also_of_batches_threads_and_panics() {
    let _alone = alone();
    let (bus, hand, signal) = counting(CallStatistics::Exact);
    let each = bus.connect(&signal).slot(|n| assert!(*n < 1_000)).unwrap();
    let slices = bus.connect(&signal).slot_batch(|_| {}).unwrap();
    assert_eq!(calls(&bus, each), calls(&bus, slices));
    assert_eq!((calls(&bus, each).count, calls(&bus, each).last), (0, None));
    hand.advance(SECOND * 5);
    signal.emit_batch(&[1, 2, 3]);
    thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                (0..500).for_each(|n| {
                    signal.emit(&n);
                })
            });
        }
    });
    hand.advance(SECOND);
    signal.emit(&1_000);
    assert_eq!((calls(&bus, each).count, calls(&bus, each).last), (1_004, Some(SECOND * 6)));
    assert_eq!((calls(&bus, slices).count, calls(&bus, slices).exact), (1_002, true), "a slice is one call");
    assert_eq!(bus.detail(each).unwrap().panics, 1);
}

#[test]
fn sampled_knows_for_certain_whether_there_was_a_call() {
    let _alone = alone();
    let (bus, _, signal) = counting(CallStatistics::Sampled);
    // While no window is open, in an open one, after it.
    for phase in 0..5 {
        let connection = bus.connect(&signal).slot(|_| {}).unwrap();
        let idle = bus.connect(&Signal::<u32>::new()).slot(|_| {}).unwrap();
        assert_eq!(calls(&bus, connection), Calls { count: 0, exact: true, last: None });
        signal.emit(&1);
        let counted = calls(&bus, connection);
        assert!(counted.count > 0 && !counted.exact, "phase {phase}: {counted:?}");
        assert!(!idle.is_connected(), "its signal was dropped");
        turn(&bus);
    }
    // Many threads at once make the first call.
    for _ in 0..50 {
        let connection = bus.connect(&signal).slot(|_| {}).unwrap();
        thread::scope(|threads| (0..3).for_each(|_| drop(threads.spawn(|| signal.emit(&1)))));
        assert!(calls(&bus, connection).count > 0);
    }
}

#[test]
fn sampled_counts_the_calls_of_a_window() {
    let _alone = alone();
    let (bus, hand, signal) = counting(CallStatistics::Sampled);
    let busy = bus.connect(&signal).slot(|_| {}).unwrap();
    hand.advance(SECOND);
    turn(&bus);
    (0..1_000).for_each(|n| {
        signal.emit(&n);
    });
    hand.advance(SECOND);
    turn(&bus);
    let in_window = calls(&bus, busy);
    assert!(in_window.count >= 1_000 && !in_window.exact, "{in_window:?}");
    assert_eq!(in_window.last, Some(SECOND), "that of the window");
    // Between windows calls are not counted: the estimate grows with the time, not with them.
    (0..1_000).for_each(|n| {
        signal.emit(&n);
    });
    let quiet = bus.connect(&signal).slot(|_| {}).unwrap();
    (0..1_000).for_each(|n| {
        signal.emit(&n);
    });
    assert_eq!(calls(&bus, quiet).count, 1, "the first call, and no window since");
    assert_eq!(calls(&bus, busy).last, Some(SECOND * 2), "called since that window was closed");
}

#[test]
fn a_window_that_a_bus_has_opened_is_closed_with_it() {
    let _alone = alone();
    let (bus, _, signal) = counting(CallStatistics::Sampled);
    let (other, ..) = counting(CallStatistics::Sampled);
    turn(&other);
    drop(other);
    let connection = bus.connect(&signal).slot(|_| {}).unwrap();
    (0..100).for_each(|n| {
        signal.emit(&n);
    });
    assert_eq!(calls(&bus, connection).count, 1);
}

#[test]
fn what_one_connection_counted_is_no_other_ones() {
    let _alone = alone();
    for statistics in [CallStatistics::Sampled, CallStatistics::Exact] {
        let (bus, _, signal) = counting(statistics);
        turn(&bus);
        for round in 0..200 {
            let connections = [(); 3].map(|()| bus.connect(&signal).owner(round).slot(|_| {}).unwrap());
            let before = connections.map(|connection| calls(&bus, connection));
            assert_eq!(before, [Calls { count: 0, exact: true, last: None }; 3]);
            (0..10).for_each(|n| {
                signal.emit(&n);
            });
            assert!(connections.iter().all(|connection| calls(&bus, *connection).count >= 10));
            assert_eq!(bus.cleanup_owner(round), 3);
        }
        let reuse = (bus.statistics().samples_taken, bus.statistics().samples_made);
        assert!(statistics == CallStatistics::Exact || reuse.0 == 600 && reuse.1 <= 64, "{reuse:?}");
    }
}

#[test]
fn a_slot_that_ends_itself_leaves_its_call_to_no_other_one() {
    let _alone = alone();
    let (bus, _, signal) = counting(CallStatistics::Sampled);
    turn(&bus);
    let (nested, counter) = (bus.downgrade(), Counter::new());
    let counted = counter.clone();
    // Another one is connected that takes over its sample while its call is under way.
    bus.connect(&signal)
        .owner(7)
        .slot(move |_| {
            counted.add(1);
            let bus = nested.upgrade().unwrap();
            assert_eq!(bus.cleanup_owner(7), 1);
            bus.connect(&bus.signal::<u32>()).owner(8).slot(|_| {}).unwrap();
        })
        .unwrap();
    signal.emit_batch(&[1, 2, 3]);
    let next = bus.details(&pulsebus::Filter::new().owner(8));
    assert_eq!((next.len(), next[0].calls.unwrap().count, counter.get()), (1, 0, 1));
}

#[test]
fn how_calls_are_counted_can_be_changed_for_what_is_made_later() {
    let _alone = alone();
    let (bus, _, signal) = counting(CallStatistics::Off);
    let mut made = Vec::new();
    for statistics in [CallStatistics::Off, CallStatistics::Exact, CallStatistics::Sampled] {
        let mut config = bus.config().as_ref().clone();
        config.call_statistics = statistics;
        bus.configure(config).unwrap();
        made.push(bus.connect(&signal).slot(|_| {}).unwrap());
    }
    signal.emit(&1);
    let exact = |connection: &Connection| bus.detail(*connection).unwrap().calls.map(|calls| calls.exact);
    assert_eq!(made.iter().map(exact).collect::<Vec<_>>(), [None, Some(true), Some(false)]);
}
