//! The heartbeat by a clock driven by hand, but for the two tests that say otherwise.

use super::*;
use crate::{ManualClock, PanicPolicy};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, mpsc};

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A heartbeat in a domain of its own, on a clock driven by hand; and the clock.
fn manual(hz: f64) -> (Heartbeat, ManualClock) {
    let hand = ManualClock::new();
    (Heartbeat::at_in(&Domain::new(), hz).unwrap().clock(hand.clock()), hand)
}

/// Makes the beats with those numbers take so many milliseconds.
fn make_long(heartbeat: &Heartbeat, hand: &ManualClock, long: &'static [(u64, u64)]) {
    let hand = hand.clone();
    heartbeat.stepped().connect(move |beat| {
        if let Some((_, milliseconds)) = long.iter().find(|(number, _)| *number == beat.number) {
            hand.advance(ms(*milliseconds));
        }
    });
}

/// The numbers of the next beats, how many were skipped before each, and how many milliseconds late it was.
fn steps(heartbeat: &mut Heartbeat, count: usize) -> Vec<(u64, u64, u128)> {
    let beats = std::iter::from_fn(|| heartbeat.step()).take(count);
    beats.map(|beat| (beat.number, beat.skipped, beat.late.as_millis())).collect()
}

fn assert_send<T: Send>() {}
fn assert_sync<T: Sync>() {}

#[test]
fn threads_can_be_handed_what_they_need() {
    assert_send::<Heartbeat>();
    assert_send::<HeartbeatHandle>();
    assert_sync::<HeartbeatHandle>();
    assert_send::<HeartbeatControl>();
    assert_sync::<HeartbeatControl>();
    assert_send::<Phases>();
    assert_sync::<Phases>();
}

#[test]
fn beats_come_at_their_rate_and_do_not_drift() {
    let (mut heartbeat, hand) = manual(60.0);
    hand.set(ms(12_345));
    let mut sum = Duration::ZERO;
    for number in 1..=3_600 {
        let beat = heartbeat.step().unwrap();
        let due = Duration::from_nanos(number * 1_000_000_000 / 60);
        sum += beat.delta;
        assert_eq!((beat.number, beat.time, beat.late, beat.skipped), (number, due, Duration::ZERO, 0));
        assert_eq!((sum, hand.now()), (due, ms(12_345) + due));
    }
    assert_eq!(hand.now(), ms(72_345));
}

#[test]
fn the_phases_of_a_beat_come_in_their_order_with_the_same_beat() {
    let (mut heartbeat, _hand) = manual(10.0);
    let (sender, receiver) = mpsc::channel();
    let phases = heartbeat.phases();
    for (name, phase) in
        [("render", phases.render_stepped()), ("heart", phases.heartbeat()), ("step", phases.stepped())]
    {
        let sender = sender.clone();
        phase.connect(move |beat| sender.send((name, *beat)).unwrap());
    }
    let beats = [heartbeat.step().unwrap(), heartbeat.step().unwrap()];
    let expected = beats.iter().flat_map(|&beat| ["step", "heart", "render"].map(|name| (name, beat)));
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn catching_up_runs_what_was_missed_at_once() {
    let (mut heartbeat, hand) = manual(100.0);
    make_long(&heartbeat, &hand, &[(1, 35)]);
    assert_eq!(steps(&mut heartbeat, 6), [(1, 0, 0), (2, 0, 25), (3, 0, 15), (4, 0, 5), (5, 0, 0), (6, 0, 0)]);
    let figures = heartbeat.figures();
    // The fourth was late, but no other one was due yet.
    assert_eq!((figures.beats, figures.skipped, figures.caught_up), (6, 0, 2));
}

#[test]
fn catching_up_skips_what_is_too_much() {
    let (heartbeat, hand) = manual(100.0);
    let mut heartbeat = heartbeat.overrun(Overrun::CatchUp { most: 1 });
    make_long(&heartbeat, &hand, &[(1, 35), (7, 1_000)]);
    assert_eq!(steps(&mut heartbeat, 3), [(1, 0, 0), (3, 1, 15), (4, 0, 5)]);
    assert_eq!(steps(&mut heartbeat, 5), [(5, 0, 0), (6, 0, 0), (7, 0, 0), (106, 98, 10), (107, 0, 0)]);
    let figures = heartbeat.figures();
    assert_eq!((figures.beats, figures.skipped, figures.caught_up), (8, 99, 2));
}

#[test]
fn a_heartbeat_that_is_always_too_slow_is_never_further_behind_than_it_may_be() {
    let (heartbeat, hand) = manual(100.0);
    let mut heartbeat = heartbeat.overrun(Overrun::CatchUp { most: 3 });
    heartbeat.heartbeat().connect(move |_| hand.advance(ms(25)));
    let beats = steps(&mut heartbeat, 1_000);
    assert!(beats.iter().all(|(_, _, late)| *late < 40));
    let (last, ..) = beats[999];
    assert_eq!(heartbeat.figures().skipped, last - 1_000);
}

#[test]
fn skipping_waits_for_the_next_due_time() {
    let (heartbeat, hand) = manual(100.0);
    let mut heartbeat = heartbeat.overrun(Overrun::Skip);
    // The sixth ends when the next one is due, which is no overrun, and the eighth a little later.
    make_long(&heartbeat, &hand, &[(1, 35), (6, 10), (8, 11)]);
    let expected = [(1, 0, 0), (5, 3, 0), (6, 0, 0), (7, 0, 0), (8, 0, 0), (10, 1, 0), (11, 0, 0)];
    assert_eq!(steps(&mut heartbeat, 7), expected);
    let figures = heartbeat.figures();
    assert_eq!((figures.beats, figures.skipped, figures.caught_up), (7, 4, 0));
}

#[test]
fn skipping_runs_the_last_one_that_is_due_when_the_wait_was_too_long() {
    let (heartbeat, hand) = manual(100.0);
    let mut heartbeat = heartbeat.overrun(Overrun::Skip);
    assert_eq!(steps(&mut heartbeat, 1), [(1, 0, 0)]);
    hand.advance(ms(35));
    assert_eq!(steps(&mut heartbeat, 2), [(4, 2, 5), (5, 0, 0)]);
    assert_eq!(heartbeat.figures().skipped, 2);
}

#[test]
fn deltas_add_up_to_the_time_whatever_is_skipped() {
    for overrun in [Overrun::Skip, Overrun::CatchUp { most: 2 }] {
        let (heartbeat, hand) = manual(59.94);
        let mut heartbeat = heartbeat.overrun(overrun);
        make_long(&heartbeat, &hand, &[(2, 300), (40, 16), (41, 1_000)]);
        let mut sum = Duration::ZERO;
        for _ in 0..200 {
            let beat = heartbeat.step().unwrap();
            sum += beat.delta;
            assert_eq!(beat.time, sum);
        }
        assert!(heartbeat.figures().skipped > 50);
    }
}

#[test]
fn the_time_between_two_runs_is_no_overrun() {
    let (mut heartbeat, hand) = manual(100.0);
    for run in 0..3 {
        let mut left = 5;
        heartbeat.run(|| {
            left -= 1;
            left >= 0
        });
        let figures = heartbeat.figures();
        assert_eq!((figures.beats, figures.skipped, figures.caught_up), (5 * (run + 1), 0, 0));
        hand.advance(ms(12_345));
    }
    assert_eq!(hand.now(), ms(150 + 3 * 12_345));
}

#[test]
fn a_loop_of_ones_own_runs_a_beat_when_it_is_due() {
    let (mut heartbeat, hand) = manual(100.0);
    assert_eq!(heartbeat.try_step(), None);
    hand.advance(Duration::from_nanos(9_999_999));
    assert_eq!(heartbeat.try_step(), None);
    hand.advance(Duration::from_nanos(1));
    assert_eq!(heartbeat.try_step().map(|beat| beat.number), Some(1));
    assert_eq!(heartbeat.try_step(), None);
    hand.advance(ms(20));
    assert_eq!(heartbeat.try_step().map(|beat| beat.late), Some(ms(10)));
    assert_eq!(heartbeat.try_step().map(|beat| beat.late), Some(ms(0)));
    heartbeat.control().stop();
    hand.advance(ms(20));
    assert_eq!(heartbeat.try_step(), None);
}

#[test]
fn a_slot_can_stop_the_heartbeat_which_finishes_its_beat_and_stays_stopped() {
    let (mut heartbeat, _hand) = manual(100.0);
    let control = heartbeat.control();
    let shown = Arc::new(AtomicU64::new(0));
    let last = Arc::clone(&shown);
    heartbeat.render_stepped().connect(move |beat| last.store(beat.number, Relaxed));
    heartbeat.stepped().connect(move |beat| {
        if beat.number == 10 {
            control.stop();
        }
    });
    heartbeat.run(|| true);
    heartbeat.run(|| true);
    assert_eq!(heartbeat.step(), None);
    assert_eq!((heartbeat.figures().beats, shown.load(Relaxed)), (10, 10));
    assert!(heartbeat.control().is_stopped());
}

#[test]
fn a_slot_that_panics_harms_no_beat() {
    let domain = Domain::new();
    let mut heartbeat = Heartbeat::at_in(&domain, 100.0).unwrap().clock(ManualClock::new().clock());
    heartbeat.stepped().connect(|_| panic!("isolated"));
    assert_eq!(steps(&mut heartbeat, 3).len(), 3);
    assert_eq!((heartbeat.figures().beats, domain.statistics().slot_panics), (3, 3));
}

#[test]
fn a_panic_that_propagates_leaves_a_whole_heartbeat() {
    let (mut heartbeat, _hand) = manual(100.0);
    heartbeat.stepped().on_panic(PanicPolicy::Propagate);
    heartbeat.stepped().connect(|beat| assert!(beat.number != 2, "the second one"));
    assert_eq!(steps(&mut heartbeat, 1), [(1, 0, 0)]);
    assert!(catch_unwind(AssertUnwindSafe(|| heartbeat.step())).is_err());
    assert_eq!(steps(&mut heartbeat, 1), [(3, 0, 0)]);
    assert_eq!(heartbeat.figures().beats, 3);
}

#[test]
fn maintenance_gets_the_time_that_is_left_and_never_less_than_its_share() {
    let (heartbeat, hand) = manual(100.0);
    let (sender, receiver) = mpsc::channel();
    let (second, slow) = (sender.clone(), hand.clone());
    let mut heartbeat = heartbeat
        .on_maintain(ms(4), move |budget| {
            sender.send((1, budget)).unwrap();
            slow.advance(budget / 2);
        })
        .on_maintain(ms(8), move |budget| second.send((2, budget)).unwrap());
    make_long(&heartbeat, &hand, &[(2, 7), (3, 10), (4, 50)]);
    let mut budgets = || {
        heartbeat.step().unwrap();
        receiver.try_iter().collect::<Vec<_>>()
    };
    let micros = Duration::from_micros;
    assert_eq!(budgets(), [(1, ms(4)), (2, ms(8))]);
    assert_eq!(budgets(), [(1, ms(3)), (2, micros(1_500))]);
    assert_eq!(budgets(), [(1, micros(500)), (2, ms(1))]);
    assert_eq!(budgets(), [(1, micros(500)), (2, ms(1))]);
}

#[test]
fn maintenance_that_panics_is_counted_and_called_again() {
    let (heartbeat, _hand) = manual(100.0);
    let calls = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&calls);
    let mut heartbeat = heartbeat.on_maintain(ms(1), |_| panic!("maintenance")).on_maintain(ms(1), move |_| {
        count.fetch_add(1, Relaxed);
    });
    assert_eq!(steps(&mut heartbeat, 3).len(), 3);
    assert_eq!((heartbeat.figures().maintenance_panics, calls.load(Relaxed)), (3, 3));
}

#[test]
fn figures_tell_how_long_beats_took_and_how_late_they_were() {
    let (mut heartbeat, hand) = manual(100.0);
    assert_eq!(heartbeat.figures(), HeartbeatFigures::default());
    heartbeat.heartbeat().connect(move |beat| hand.advance(ms(if beat.number % 100 == 0 { 15 } else { 2 })));
    assert_eq!(steps(&mut heartbeat, 1_000).len(), 1_000);
    let figures = heartbeat.figures();
    let is_about =
        |nanoseconds: u64, milliseconds: u64| nanoseconds.abs_diff(milliseconds * 1_000_000) <= milliseconds * 10_000;
    // Ten of a thousand were long, and nine beats came five milliseconds late after them.
    let Quantiles { p50, p99, p99_9, max } = figures.work;
    assert!(is_about(p50, 2) && is_about(p99, 2) && is_about(p99_9, 15) && is_about(max, 15), "{figures:?}");
    let Quantiles { p50, p99, p99_9, max } = figures.jitter;
    assert!(p50 <= 1 && p99 <= 1 && is_about(p99_9, 5) && is_about(max, 5), "{figures:?}");
}

#[test]
fn a_heartbeat_on_its_own_thread_stops_with_its_handle() {
    let (heartbeat, _hand) = manual(1_000.0);
    let handle = heartbeat.spawn().unwrap();
    let (sender, receiver) = mpsc::channel();
    let connection = handle.phases().heartbeat().connect(move |beat| {
        let _ = sender.send(beat.number);
    });
    let first = receiver.recv().unwrap();
    assert!(handle.figures().beats >= first - 1);
    let figures = handle.stop();
    assert_eq!(receiver.try_iter().last().unwrap_or(first), figures.beats);
    assert!(!connection.is_connected(), "the signals have outlived the heartbeat and its handle");

    let (heartbeat, _hand) = manual(1_000.0);
    let control = heartbeat.control();
    drop(heartbeat.spawn().unwrap());
    let beats = control.figures().beats;
    assert!(control.is_stopped());
    assert_eq!(control.figures().beats, beats);
}

#[test]
fn a_handle_that_is_dropped_in_a_slot_of_its_heartbeat_does_not_wait_for_itself() {
    let (heartbeat, _hand) = manual(1_000.0);
    let (control, phases) = (heartbeat.control(), heartbeat.phases());
    let place = Arc::new(Mutex::new(None::<HeartbeatHandle>));
    let (sender, receiver) = mpsc::channel();
    let inside = Arc::clone(&place);
    phases.stepped().connect(move |_| {
        let handle = inside.lock().unwrap().take();
        if let Some(handle) = handle {
            drop(handle);
            sender.send(()).unwrap();
        }
    });
    *place.lock().unwrap() = Some(heartbeat.spawn().unwrap());
    receiver.recv().unwrap();
    assert!(control.is_stopped());
}

#[test]
fn a_panic_that_ends_the_thread_reaches_whoever_stops_it() {
    let (heartbeat, _hand) = manual(1_000.0);
    heartbeat.stepped().on_panic(PanicPolicy::Propagate);
    let (sender, receiver) = mpsc::channel::<()>();
    // The sender goes with the slot's panic: that is when `recv` returns.
    let sender = Mutex::new(Some(sender));
    heartbeat.stepped().connect(move |_| {
        let _sender = sender.lock().unwrap_or_else(|poison| poison.into_inner()).take();
        panic!("the end");
    });
    let handle = heartbeat.spawn().unwrap();
    assert!(receiver.recv().is_err());
    let payload = catch_unwind(AssertUnwindSafe(|| handle.stop())).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"the end"));
}

#[test]
fn a_wait_by_the_systems_clock_can_be_stopped() {
    // A thousand seconds, if not.
    let mut heartbeat = Heartbeat::at(0.001).unwrap();
    let control = heartbeat.control();
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::spawn(move || heartbeat.run(|| sender.send(()).is_ok()));
    receiver.recv().unwrap();
    control.stop();
    thread.join().unwrap();
    assert_eq!(control.figures().beats, 0);
}

#[test]
fn by_the_systems_clock_no_beat_is_early() {
    let clock = Clock::system();
    let mut heartbeat = Heartbeat::at(1_000.0).unwrap().clock(clock.clone()).spin(Duration::from_micros(50));
    let start = clock.now();
    for _ in 0..30 {
        let beat = heartbeat.step().unwrap();
        assert!(clock.now() >= start + beat.time, "{beat:?}");
    }
}

#[test]
fn a_rate_out_of_range_is_refused_and_the_range_named() {
    for hz in [0.0, -60.0, f64::NAN, f64::INFINITY, 100_001.0] {
        let error = Heartbeat::at(hz).unwrap_err();
        assert!(matches!(error, HeartbeatError::Rate { hz: found } if found.to_bits() == hz.to_bits()));
        let text = format!("a heartbeat cannot have {hz} Hz: ask for 0.001 to 100000 Hz");
        assert_eq!(error.to_string(), text);
    }
    assert!(Heartbeat::at(0.001).is_ok() && Heartbeat::at(100_000.0).is_ok());
}
