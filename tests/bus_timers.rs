//! Timers: when they run, how often, and what ends them.

mod common;

use common::{Counter, Log, Tally, collect_all};
use pulsebus::{Bus, CallStatistics, Config, ConnectError, Domain, EndReason, Kind, ManualClock, TimerFired};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const HAIR: Duration = Duration::from_nanos(1);

fn by_hand() -> (Bus, ManualClock) {
    let hand = ManualClock::new();
    (Bus::builder().clock(hand.clock()).build().unwrap(), hand)
}

/// Moves the clock, and runs the timers.
fn pass(bus: &Bus, hand: &ManualClock, time: Duration) -> usize {
    hand.advance(time);
    bus.run_timers()
}

#[test]
fn a_timer_runs_at_its_interval_and_never_early() {
    let ((bus, hand), log) = (by_hand(), Log::new());
    hand.advance(SECOND / 3);
    bus.timer(SECOND).slot(log.slot(|fired: &TimerFired| (fired.number, fired.due, fired.now, fired.missed))).unwrap();
    assert_eq!(pass(&bus, &hand, Duration::ZERO), 0);
    for number in 1..100 {
        assert_eq!(pass(&bus, &hand, SECOND - HAIR), 0, "a hair early");
        assert_eq!(pass(&bus, &hand, HAIR), 1);
        assert_eq!(bus.run_timers(), 0, "once");
        let due = SECOND / 3 + SECOND * number;
        assert_eq!(log.take(), [(u64::from(number), due, due, 0)]);
    }
}

#[test]
fn a_timer_that_is_run_late_does_not_drift() {
    let ((bus, hand), log) = (by_hand(), Log::new());
    bus.timer(SECOND).slot(log.slot(|fired: &TimerFired| (fired.due, fired.now))).unwrap();
    let (mut run, mut expected) = (0, 0);
    for _ in 0..1_000 {
        run += pass(&bus, &hand, Duration::from_millis(300));
        expected += usize::from(hand.now().as_millis() % 1_000 < 300);
    }
    assert_eq!((run, expected), (300, 300));
    for (n, (due, now)) in log.take().into_iter().enumerate() {
        assert_eq!(due, SECOND * (n as u32 + 1));
        assert!(now >= due && now - due < Duration::from_millis(300));
    }
}

#[test]
fn calls_that_fell_out_are_told_and_not_made_up_for() {
    let ((bus, hand), log) = (by_hand(), Log::new());
    bus.timer(SECOND).slot(log.slot(|fired: &TimerFired| (fired.number, fired.due, fired.missed))).unwrap();
    assert_eq!(pass(&bus, &hand, SECOND * 10 + SECOND / 2), 1);
    assert_eq!(log.take(), [(1, SECOND, 9)]);
    assert_eq!(pass(&bus, &hand, SECOND / 2 - HAIR), 0, "the next one is due at eleven seconds");
    assert_eq!(pass(&bus, &hand, HAIR), 1);
    assert_eq!(log.take(), [(2, SECOND * 11, 0)]);
}

#[test]
fn a_timer_ends_after_so_many_calls() {
    let ((bus, hand), calls, reasons) = (by_hand(), Counter::new(), Log::new());
    let ends = reasons.clone();
    let connect = bus.timer(SECOND).times(3).owner(7).on_cleanup(move |reason| ends.push(reason));
    let connection = connect.slot(calls.slot()).unwrap();
    assert_eq!(bus.detail(connection).unwrap().kind, Kind::Timer);
    for call in 1..=3 {
        assert!(connection.is_connected());
        pass(&bus, &hand, SECOND);
        assert_eq!(calls.get(), call);
    }
    assert!(!connection.is_connected());
    assert_eq!((pass(&bus, &hand, SECOND * 10), bus.count_of(7)), (0, 0));
    assert_eq!((reasons.take(), bus.statistics().ended_by(EndReason::Finished)), (vec![EndReason::Finished], 1));
}

#[test]
fn the_first_call_comes_when_it_was_said_to() {
    let ((bus, hand), log) = (by_hand(), Log::new());
    bus.after(SECOND * 2).slot(log.slot(|_| "after")).unwrap();
    bus.timer(SECOND * 10).starting_after(SECOND).times(2).slot(log.slot(|_| "starting after")).unwrap();
    bus.timer(SECOND * 3).starting_after(Duration::ZERO).times(1).slot(log.slot(|_| "at once")).unwrap();
    assert_eq!(bus.run_timers(), 1);
    assert_eq!((0..20).map(|_| pass(&bus, &hand, SECOND)).sum::<usize>(), 3);
    assert_eq!(log.take(), ["at once", "starting after", "after", "starting after"]);
}

#[test]
fn after_no_time_at_all_is_the_next_run() {
    let ((bus, _), calls) = (by_hand(), Counter::new());
    bus.after(Duration::ZERO).slot(calls.slot()).unwrap();
    bus.service("Quest").after(Duration::ZERO).slot(calls.slot()).unwrap();
    assert_eq!((calls.get(), bus.run_timers(), calls.get(), bus.run_timers(), bus.len()), (0, 2, 2, 0, 0));
}

#[test]
fn timers_that_are_due_at_once_run_by_deadline_then_in_order() {
    let ((bus, hand), log) = (by_hand(), Log::new());
    for (name, delay) in [("c", 3), ("a", 1), ("b", 2), ("c again", 3), ("a again", 1)] {
        bus.after(SECOND * delay).slot(log.slot(move |_| name)).unwrap();
    }
    assert_eq!(pass(&bus, &hand, SECOND * 5), 5);
    assert_eq!(log.take(), ["a", "a again", "b", "c", "c again"]);
}

#[test]
fn whatever_ends_a_connection_cancels_a_timer() {
    type End = (&'static str, fn(&Bus));
    let ends: [End; 7] = [
        ("owner", |bus| assert_eq!(bus.cleanup_owner(7), 1)),
        ("service", |bus| assert_eq!(bus.cleanup_service("Quest"), 1)),
        ("tag", |bus| assert_eq!(bus.cleanup_tag("hud"), 1)),
        ("kind", |bus| assert_eq!(bus.cleanup_kind(&Kind::Timer), 1)),
        ("name", |bus| assert!(bus.unregister(7, "save"))),
        ("everything", |bus| assert_eq!(bus.emergency_cleanup(), 1)),
        ("shutdown", |bus| assert_eq!(bus.shutdown(Duration::ZERO).unwrap().services, [("Quest".into(), 1)])),
    ];
    for (what, end) in ends {
        let ((bus, hand), calls) = (by_hand(), Counter::new());
        let timer = bus.timer(SECOND).owner(7).service("Quest").tag("hud").named("save").slot(calls.slot()).unwrap();
        assert_eq!(pass(&bus, &hand, SECOND), 1);
        end(&bus);
        assert_eq!((pass(&bus, &hand, SECOND * 10), calls.get(), timer.is_connected()), (0, 1, false), "{what}");
    }
}

#[test]
fn a_timer_goes_with_its_handle_its_scope_and_its_service() {
    let ((bus, hand), calls) = (by_hand(), Counter::new());
    let by_handle = bus.timer(SECOND).slot(calls.slot()).unwrap();
    let (player, quest) = (bus.owner(7), bus.service("Quest"));
    let body = player.child("character");
    body.timer(SECOND).slot(calls.slot()).unwrap();
    player.after(SECOND).slot(calls.slot()).unwrap();
    quest.timer(SECOND).slot(calls.slot()).unwrap();
    quest.after(SECOND).slot(calls.slot()).unwrap();
    assert!(by_handle.disconnect());
    assert_eq!((body.reset(), player.leave(), quest.stop()), (1, 1, 2));
    assert_eq!((pass(&bus, &hand, SECOND * 2), calls.get()), (0, 0));
    assert!(matches!(quest.timer(SECOND).slot(|_| {}), Err(ConnectError::ServiceStopped { .. })));
    assert!(matches!(body.after(SECOND).slot(|_| {}), Err(ConnectError::ScopeEnded { .. })));
}

#[test]
fn a_timer_may_end_itself_and_its_owner_in_its_own_slot() {
    for times in [None, Some(1), Some(2)] {
        let ((bus, hand), calls, reasons) = (by_hand(), Counter::new(), Log::new());
        let (theirs, ends, counted) = (bus.downgrade(), reasons.clone(), calls.clone());
        let timer = bus.timer(SECOND).owner(7).on_cleanup(move |reason| ends.push(reason));
        let timer = if let Some(times) = times { timer.times(times) } else { timer };
        timer
            .slot(move |_| {
                counted.add(1);
                assert_eq!(theirs.upgrade().unwrap().cleanup_owner(7), 2);
            })
            .unwrap();
        // Due at the same time, after it.
        bus.timer(SECOND).owner(7).slot(calls.slot()).unwrap();
        assert_eq!((pass(&bus, &hand, SECOND), calls.get()), (1, 1));
        assert_eq!((pass(&bus, &hand, SECOND * 5), calls.get()), (0, 1));
        assert_eq!((reasons.take(), bus.len(), bus.statistics().panics), (vec![EndReason::OwnerLeft], 0, 0));
    }
}

#[test]
fn a_timer_that_adds_timers_does_not_run_them_at_once() {
    let ((bus, hand), calls) = (by_hand(), Counter::new());
    let (theirs, counted) = (bus.downgrade(), calls.clone());
    bus.timer(SECOND)
        .slot(move |_| {
            let bus = theirs.upgrade().unwrap();
            bus.timer(SECOND).times(1).starting_after(Duration::ZERO).slot(counted.slot()).unwrap();
            bus.after(HAIR).slot(counted.slot()).unwrap();
        })
        .unwrap();
    assert_eq!((pass(&bus, &hand, SECOND), calls.take()), (1, 0));
    assert_eq!((bus.run_timers(), calls.take()), (1, 1));
    assert_eq!((pass(&bus, &hand, HAIR), calls.take()), (1, 1));
}

#[test]
fn a_timer_that_runs_the_timers_runs_none_twice() {
    let ((bus, hand), calls) = (by_hand(), Counter::new());
    for _ in 0..3 {
        let (theirs, counted) = (bus.downgrade(), calls.clone());
        let slot = move |_: &TimerFired| {
            counted.add(1);
            theirs.upgrade().unwrap().maintain(Duration::ZERO);
        };
        bus.timer(SECOND).slot(slot).unwrap();
    }
    for round in 1..10 {
        assert_eq!((pass(&bus, &hand, SECOND), calls.get()), (3, 3 * round));
    }
}

#[test]
fn a_timer_that_panics_hurts_nobody_and_goes_on() {
    let ((bus, hand), calls) = (by_hand(), Counter::new());
    bus.timer(SECOND).slot(calls.slot()).unwrap();
    let fragile = bus.timer(SECOND).times(3).slot(|fired| panic!("call {}", fired.number)).unwrap();
    bus.timer(SECOND).slot(calls.slot()).unwrap();
    for round in 1..=3 {
        assert_eq!(bus.detail(fragile).unwrap().panics, round - 1);
        assert_eq!((pass(&bus, &hand, SECOND), calls.take()), (3, 2));
    }
    assert_eq!((fragile.is_connected(), pass(&bus, &hand, SECOND)), (false, 2));
    assert_eq!((bus.statistics().panics, bus.statistics().cleanup_errors), (3, 0));
}

#[test]
fn threads_that_run_the_timers_at_once_run_each_one_once() {
    const TIMERS: usize = 2_000;
    let ((bus, hand), calls, barrier) = (by_hand(), Counter::new(), Barrier::new(3));
    (0..TIMERS).for_each(|n| assert!(bus.after(SECOND + HAIR * (n as u32 % 7)).slot(calls.slot()).is_ok()));
    let repeated = Arc::new(Counter::new());
    let theirs = repeated.clone();
    bus.timer(SECOND).slot(move |_| theirs.add(1)).unwrap();
    hand.advance(SECOND * 2 - HAIR);
    let run: usize = thread::scope(|threads| {
        let running: Vec<_> = (0..3)
            .map(|_| {
                threads.spawn(|| {
                    barrier.wait();
                    (0..10).map(|_| bus.run_timers()).sum::<usize>()
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().expect("nothing fails")).sum()
    });
    assert_eq!((run, calls.get(), repeated.get()), (TIMERS + 1, TIMERS, 1));
}

#[test]
fn of_a_hundred_thousand_timers_only_those_due_are_run() {
    let ((bus, hand), calls) = (by_hand(), Counter::new());
    for n in 1..=100_000_u32 {
        bus.after(Duration::from_millis(10) * n).owner(n % 1_000).slot(calls.slot()).unwrap();
    }
    for _ in 0..60 {
        assert_eq!(pass(&bus, &hand, Duration::from_micros(16_667)), calls.take());
    }
    assert_eq!(bus.len(), 100_000 - 100, "a second is over");
    (0..1_000).step_by(2).for_each(|owner| assert!(bus.cleanup_owner(owner) >= 99));
    assert_eq!(pass(&bus, &hand, SECOND * 2_000), 50_000 - 50);
    assert_eq!((calls.get(), bus.len()), (50_000 - 50, 0));
}

#[test]
fn what_a_timer_captured_is_dropped_once_when_it_has_ended() {
    let (domain, hand, tally) = (Domain::new(), ManualClock::new(), Tally::new());
    let bus = Bus::builder().domain(&domain).clock(hand.clock()).build().unwrap();
    for n in 0..100 {
        let guard = tally.guard();
        bus.timer(SECOND).times(1 + n % 3).owner(n % 10).slot(move |_| guard.check()).unwrap();
    }
    assert_eq!((pass(&bus, &hand, SECOND), bus.cleanup_owner(4)), (100, 7));
    pass(&bus, &hand, SECOND * 5);
    assert_eq!(tally.dropped(), 0, "only a collection drops");
    pass(&bus, &hand, SECOND);
    collect_all(&domain);
    tally.assert_all_dropped();
}

#[test]
fn what_makes_no_sense_is_an_error_and_the_ends_of_time_are_none() {
    let ((bus, hand), calls) = (by_hand(), Counter::new());
    assert_eq!(bus.timer(Duration::ZERO).slot(|_| {}), Err(ConnectError::ZeroInterval));
    assert_eq!(bus.timer(SECOND).times(0).slot(|_| {}), Err(ConnectError::ZeroTimes));
    assert!(bus.is_empty());
    bus.timer(Duration::MAX).slot(|_| panic!("never")).unwrap();
    bus.timer(SECOND).starting_after(Duration::MAX).slot(|_| panic!("never")).unwrap();
    bus.timer(HAIR).slot(calls.slot()).unwrap();
    assert_eq!((pass(&bus, &hand, Duration::MAX - HAIR), calls.get()), (1, 1));
    assert_eq!((pass(&bus, &hand, SECOND), bus.statistics().panics), (0, 0));
}

#[test]
fn calls_of_timers_are_counted_like_others() {
    let ((bus, hand), mut config) = (by_hand(), Config::default());
    config.call_statistics = CallStatistics::Exact;
    bus.configure(config).unwrap();
    let timer = bus.timer(SECOND).slot(|_| {}).unwrap();
    (0..5).for_each(|_| assert_eq!(pass(&bus, &hand, SECOND), 1));
    let calls = bus.detail(timer).unwrap().calls.unwrap();
    assert_eq!((calls.count, calls.exact, calls.last), (5, true, Some(SECOND * 5)));
}
