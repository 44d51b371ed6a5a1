//! Upkeep: by its interval, within its budget, from anywhere, by a thread.

mod common;

use common::{Counter, Log};
use pulsebus::{Bus, Config, EndReason, MaintenanceThread, ManualClock, Signal, Timeout};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const HAIR: Duration = Duration::from_nanos(1);
/// Nothing of what is waited for takes as long; without it, a test that fails would hang.
const LONG: Duration = Duration::from_secs(3_600);

fn by_hand() -> (Bus, ManualClock, Signal<u32>) {
    let hand = ManualClock::new();
    (Bus::builder().clock(hand.clock()).build().unwrap(), hand, Signal::new())
}

fn sweeping_every(interval: Duration) -> Config {
    let mut config = Config::default();
    config.stale_sweep_every = interval;
    config
}

#[test]
fn what_is_stale_is_swept_at_the_interval_of_the_configuration() {
    let (bus, hand, signal) = by_hand();
    bus.configure(sweeping_every(SECOND * 10)).unwrap();
    let connect = || bus.connect(&signal).timeout(Timeout::Age(HAIR)).slot(|_| {}).unwrap();
    assert_eq!(bus.maintain(SECOND).stale, 0, "counted from the first look");
    for _ in 0..3 {
        connect();
        hand.advance(SECOND * 10 - HAIR);
        assert_eq!((bus.maintain(SECOND).stale, signal.len()), (0, 1));
        hand.advance(HAIR);
        assert_eq!((bus.maintain(SECOND).stale, signal.len()), (1, 0));
        assert_eq!(bus.maintain(SECOND).stale, 0);
    }
}

#[test]
fn an_interval_that_is_changed_counts_at_once() {
    let (bus, hand, signal) = by_hand();
    bus.configure(sweeping_every(SECOND * 3_600)).unwrap();
    bus.connect(&signal).timeout(Timeout::Age(HAIR)).slot(|_| {}).unwrap();
    bus.maintain(SECOND);
    hand.advance(SECOND * 10);
    assert_eq!(bus.maintain(SECOND).stale, 0);
    bus.configure(sweeping_every(SECOND)).unwrap();
    assert_eq!(bus.maintain(SECOND).stale, 1);
}

#[test]
fn what_was_disconnected_behind_its_back_is_found_by_a_sweep() {
    let (bus, hand, signal) = by_hand();
    let ends = Log::new();
    for n in 0..3 {
        let reasons = ends.clone();
        let connect = bus.connect(&signal).on_cleanup(move |reason| reasons.push((n, reason)));
        connect.slot(|_| {}).unwrap().disconnect();
    }
    bus.maintain(SECOND);
    hand.advance(SECOND * 30);
    assert_eq!((bus.maintain(SECOND).stale, bus.len()), (0, 0), "it had ended before");
    assert_eq!(ends.take(), [0, 1, 2].map(|n| (n, EndReason::Disconnected)));
}

#[test]
fn without_any_budget_it_comes_to_an_end_over_some_calls() {
    const MANY: usize = 5_000;
    let (bus, hand, signal) = by_hand();
    for n in 0..MANY {
        // Every other one, so that no page is empty.
        let age = if n % 2 == 0 { HAIR } else { LONG };
        bus.connect(&signal).timeout(Timeout::Age(age)).slot(|_| {}).unwrap();
    }
    assert!(bus.topic::<u32>("room.1").is_ok());
    bus.maintain(Duration::ZERO);
    hand.advance(SECOND * 30);
    let mut swept = Vec::new();
    while bus.find_topic::<u32>("room.1").unwrap().is_some() {
        swept.push(bus.maintain(Duration::ZERO).stale);
        assert!(swept.len() < MANY, "it stands still");
    }
    assert_eq!(swept.iter().sum::<usize>(), MANY / 2);
    assert!(swept.len() > 3 && swept.iter().all(|count| *count <= 1_024), "{swept:?}");
    bus.connect(&signal).timeout(Timeout::Age(HAIR)).slot(|_| {}).unwrap();
    hand.advance(SECOND);
    assert_eq!((bus.maintain(SECOND).stale, signal.len()), (0, MANY / 2 + 1), "the sweep is over");
    hand.advance(SECOND * 30);
    assert_eq!((bus.maintain(SECOND * 10).stale, signal.len()), (1, MANY / 2), "the next one begins at the beginning");
}

#[test]
fn timers_run_whatever_the_budget() {
    let (bus, hand, _) = by_hand();
    let calls = Counter::new();
    (0..10).for_each(|_| assert!(bus.after(SECOND).slot(calls.slot()).is_ok()));
    hand.advance(SECOND);
    assert_eq!((bus.maintain(Duration::ZERO).timers, calls.get()), (10, 10));
    assert_eq!(bus.maintain(Duration::MAX).timers, 0);
}

#[test]
fn a_callback_may_do_the_upkeep_that_called_it() {
    const MANY: usize = 3_000;
    let (bus, hand, signal) = by_hand();
    let calls = Counter::new();
    for _ in 0..MANY {
        let (weak, counted) = (bus.downgrade(), calls.clone());
        let callback = move |reason| {
            assert_eq!(reason, EndReason::Stale);
            counted.add(1);
            let bus = weak.upgrade().unwrap();
            // Due again, or the middle of the sweep that runs: neither starts it over without end, nor ends anything twice.
            assert_eq!(bus.maintain(Duration::ZERO).timers, 0);
        };
        bus.connect(&signal).timeout(Timeout::Age(HAIR)).on_cleanup(callback).slot(|_| {}).unwrap();
    }
    bus.maintain(SECOND);
    hand.advance(SECOND * 30);
    let mut stale = 0;
    while !bus.is_empty() {
        stale += bus.maintain(Duration::ZERO).stale;
        hand.advance(SECOND * 30);
    }
    assert_eq!((calls.get(), bus.statistics().ended_by(EndReason::Stale)), (MANY, MANY as u64));
    assert!(stale <= MANY);
    assert_eq!(bus.statistics().cleanup_errors, 0);
}

#[test]
fn topics_that_nobody_uses_are_collected_with_a_sweep() {
    let (bus, hand, _) = by_hand();
    let kept = bus.topic::<u32>("room.kept").unwrap();
    for n in 0..100 {
        let room = bus.topic::<u32>(&format!("room.{n}")).unwrap();
        bus.connect(&room).owner(n).slot(|_| {}).unwrap();
    }
    bus.maintain(SECOND);
    (0..50).for_each(|owner| assert_eq!(bus.cleanup_owner(owner), 1));
    assert_eq!(bus.maintain(SECOND).topics, 0, "not in each call");
    hand.advance(SECOND * 30);
    assert_eq!(bus.maintain(SECOND).topics, 50);
    assert!(bus.find_topic::<u32>("room.49").unwrap().is_none() && bus.find_topic::<u32>("room.50").unwrap().is_some());
    assert_eq!(bus.find_topic::<u32>("room.kept").unwrap().map(|topic| topic.id()), Some(kept.id()));
}

#[test]
fn a_maintenance_thread_wakes_for_a_timer_that_is_due_before_its_interval_is_over() {
    let (bus, (sender, receiver)) = (Bus::new(), mpsc::channel());
    let first = sender.clone();
    // One that it knows of when it goes to sleep, and one that is made while it sleeps.
    bus.after(Duration::from_millis(2)).slot(move |fired| first.send(fired.now >= fired.due).unwrap()).unwrap();
    let upkeep = bus.maintain_every(LONG, Duration::ZERO).unwrap();
    assert_eq!(receiver.recv_timeout(LONG / 2), Ok(true));
    bus.after(Duration::from_millis(2)).slot(move |fired| sender.send(fired.now >= fired.due).unwrap()).unwrap();
    assert_eq!(receiver.recv_timeout(LONG / 2), Ok(true));
    drop(upkeep);
}

#[test]
fn every_maintenance_thread_wakes_in_time() {
    let (bus, (sender, receiver)) = (Bus::new(), mpsc::channel());
    let second = bus.maintain_every(LONG, Duration::ZERO).unwrap();
    let first = bus.maintain_every(LONG * 2, Duration::ZERO).unwrap();
    for _ in 0..3 {
        let sender = sender.clone();
        bus.timer(Duration::from_millis(1)).times(3).slot(move |_| sender.send(()).unwrap()).unwrap();
    }
    (0..9).for_each(|_| assert_eq!(receiver.recv_timeout(LONG / 2), Ok(())));
    drop(first);
    bus.after(Duration::from_millis(1)).slot(move |_| sender.send(()).unwrap()).unwrap();
    assert_eq!(receiver.recv_timeout(LONG / 2), Ok(()));
    drop(second);
}

#[test]
fn a_maintenance_thread_ends_with_its_handle_and_with_the_bus() {
    /// Is told to the test when the thread that it is kept on ends.
    struct Farewell(mpsc::Sender<()>);
    impl Drop for Farewell {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    thread_local! {
        static FAREWELL: Mutex<Option<Farewell>> = const { Mutex::new(None) };
    }
    let bus = Bus::new();
    for end_by_handle in [true, false] {
        let ((ended, has_ended), (begun, has_begun)) = (mpsc::channel(), mpsc::channel());
        let ended = Mutex::new(Some(Farewell(ended)));
        let slot = move |_: &pulsebus::TimerFired| {
            FAREWELL.with(|place| *place.lock().unwrap() = ended.lock().unwrap().take());
            begun.send(()).unwrap();
        };
        bus.after(Duration::from_millis(1)).slot(slot).unwrap();
        let upkeep = bus.maintain_every(LONG, Duration::ZERO).unwrap();
        has_begun.recv_timeout(LONG / 2).unwrap();
        if end_by_handle {
            drop(upkeep);
            assert_eq!(has_ended.try_recv(), Ok(()), "it is waited for");
        } else {
            drop(bus);
            assert_eq!(has_ended.recv_timeout(LONG / 2), Ok(()), "it sleeps on without a bus");
            drop(upkeep);
            break;
        }
    }
}

#[test]
fn a_maintenance_thread_may_be_ended_by_what_it_runs() {
    let (bus, (sender, receiver)) = (Bus::new(), mpsc::channel());
    let place = Arc::new(Mutex::new(None::<MaintenanceThread>));
    let theirs = Arc::clone(&place);
    let slot = move |_: &pulsebus::TimerFired| {
        if let Some(upkeep) = theirs.lock().unwrap().take() {
            drop(upkeep);
            sender.send(()).unwrap();
        }
    };
    bus.timer(Duration::from_millis(1)).slot(slot).unwrap();
    *place.lock().unwrap() = Some(bus.maintain_every(Duration::from_millis(1), Duration::ZERO).unwrap());
    assert_eq!(receiver.recv_timeout(LONG / 2), Ok(()));
}

#[test]
fn the_last_bus_may_be_dropped_by_what_a_maintenance_thread_runs() {
    let (bus, (sender, receiver)) = (Bus::new(), mpsc::channel());
    let (weak, place) = (bus.downgrade(), Arc::new(Mutex::new(None::<Bus>)));
    let (theirs, ends) = (Arc::clone(&place), sender.clone());
    let connect = bus.after(Duration::from_millis(1)).on_cleanup(move |reason| ends.send(reason).unwrap());
    connect.slot(move |_| drop(theirs.lock().unwrap().take())).unwrap();
    let ends = sender;
    bus.connect(&bus.signal::<u32>()).on_cleanup(move |reason| ends.send(reason).unwrap()).slot(|_| {}).unwrap();
    let upkeep = bus.maintain_every(LONG, Duration::ZERO).unwrap();
    *place.lock().unwrap() = Some(bus);
    let ends = [receiver.recv_timeout(LONG / 2), receiver.recv_timeout(LONG / 2)];
    assert!(ends.contains(&Ok(EndReason::Shutdown)), "{ends:?}");
    drop(upkeep);
    assert!(weak.upgrade().is_none());
}
