//! A debounced slot runs in the stead of its connection's slot: whatever concerns that one concerns it.

mod common;

use common::{Counter, Log};
use pulsebus::{Bus, Domain, ManualClock, PanicPolicy, Signal, WaitError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

fn by_hand() -> (Bus, ManualClock, Signal<u32>) {
    let hand = ManualClock::new();
    (Bus::builder().clock(hand.clock()).build().unwrap(), hand, Signal::new())
}

#[test]
fn whoever_waits_for_its_connection_waits_for_it() {
    let ((bus, hand, _), domain) = (by_hand(), Domain::new());
    // Not the one in which the bus has its timers.
    let signal = Signal::<u32>::new_in(&domain);
    let (inside, go, running) =
        (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)), Arc::new(AtomicBool::new(false)));
    let (entered, may_go, runs) = (inside.clone(), go.clone(), running.clone());
    let slot = move |_: &u32| {
        runs.store(true, SeqCst);
        entered.wait();
        may_go.wait();
        runs.store(false, SeqCst);
    };
    let connection = bus.connect(&signal).debounced(SECOND, slot).unwrap();
    signal.emit(&1);
    hand.advance(SECOND);
    thread::scope(|threads| {
        let timers = threads.spawn(|| bus.run_timers());
        inside.wait();
        let waited = connection.disconnect_and_wait(Duration::ZERO);
        let quiet = domain.quiesce(Duration::ZERO);
        go.wait();
        assert_eq!((waited, quiet), (Err(WaitError::TimedOut), Err(WaitError::TimedOut)));
        assert_eq!(connection.disconnect_and_wait(Duration::MAX), Ok(false));
        assert!(!running.load(SeqCst), "it is still inside");
        assert_eq!(timers.join().unwrap(), 1);
    });
}

#[test]
fn nothing_runs_after_a_disconnect_and_a_quiesce() {
    const ROUNDS: usize = 20_000;
    let (bus, hand, signal) = by_hand();
    let (round, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (late, calls) = (Counter::new(), Counter::new());
    thread::scope(|threads| {
        // Runs the timers once in each round.
        threads.spawn(|| {
            let mut seen = 0;
            loop {
                match round.load(SeqCst) {
                    usize::MAX => break,
                    same if same == seen => thread::yield_now(),
                    new => {
                        seen = new;
                        bus.run_timers();
                        done.store(seen, SeqCst);
                    }
                }
            }
        });
        let start = Instant::now();
        for number in (1..=ROUNDS).take_while(|_| start.elapsed() < SECOND * 2) {
            let over = Arc::new(AtomicBool::new(false));
            let (is_over, too_late, counted) = (over.clone(), late.clone(), calls.clone());
            let slot = move |_: &u32| {
                counted.add(1);
                too_late.add(usize::from(is_over.load(SeqCst)));
            };
            let connection = bus.connect(&signal).debounced(SECOND, slot).unwrap();
            signal.emit(&1);
            hand.advance(SECOND);
            round.store(number, SeqCst);
            (0..number % 400).for_each(|_| std::hint::spin_loop());
            connection.disconnect();
            bus.domain().quiesce(Duration::MAX).unwrap();
            over.store(true, SeqCst);
            while done.load(SeqCst) != number {
                thread::yield_now();
            }
            if number % 1_024 == 0 {
                bus.maintain(SECOND);
            }
        }
        round.store(usize::MAX, SeqCst);
    });
    assert_eq!(late.get(), 0, "of {} that ran", calls.get());
}

#[test]
fn its_panics_are_isolated_whatever_the_policy() {
    for policy in [PanicPolicy::Isolate, PanicPolicy::Propagate, PanicPolicy::DisconnectAfter(1)] {
        let (bus, hand, signal) = by_hand();
        signal.on_panic(policy);
        let fragile = bus.connect(&signal).debounced(SECOND, |_| panic!("each time")).unwrap();
        for round in 1..=2 {
            signal.emit(&1);
            hand.advance(SECOND);
            assert_eq!(bus.run_timers(), 1);
            assert_eq!((fragile.panics(), fragile.is_connected()), (Some(round), true), "{policy:?}");
        }
        assert_eq!((bus.statistics().panics, bus.statistics().cleanup_errors), (2, 0));
    }
}

/// An event whose last copy panics when it goes.
#[derive(Clone)]
struct Bad {
    _last: Arc<BadEnd>,
}

struct BadEnd(Counter);

impl Drop for BadEnd {
    fn drop(&mut self) {
        self.0.add(1);
        panic!("a bad end");
    }
}

#[test]
fn a_slot_and_its_event_may_both_panic() {
    let (bus, hand, _) = by_hand();
    let (signal, ends, calls) = (Signal::<Bad>::new(), Counter::new(), Counter::new());
    let counted = calls.clone();
    let slot = move |_: &Bad| {
        counted.add(1);
        panic!("each time");
    };
    let fragile = bus.connect(&signal).debounced(SECOND, slot).unwrap();
    for round in 1..=2 {
        // The last copy goes with the delivery.
        signal.emit(&Bad { _last: Arc::new(BadEnd(ends.clone())) });
        hand.advance(SECOND);
        assert_eq!((bus.run_timers(), calls.get(), ends.get()), (1, round, round));
    }
    assert_eq!((fragile.panics(), bus.statistics().cleanup_errors), (Some(2), 0));
    // The one that a later event replaces goes inside the emission: a panic of the slot.
    let bad = || Bad { _last: Arc::new(BadEnd(ends.clone())) };
    signal.emit(&bad());
    let _ = catch_unwind(AssertUnwindSafe(|| signal.emit(&bad())));
    assert_eq!(ends.get(), 3);
}

#[test]
fn the_longest_quiet_time_never_passes() {
    let (bus, hand, signal) = by_hand();
    let log = Log::new();
    let connection = bus.connect(&signal).debounced(Duration::MAX, log.slot(|n| *n)).unwrap();
    hand.advance(SECOND);
    signal.emit_batch(&[1, 2, 3]);
    hand.advance(SECOND * 1_000_000);
    assert_eq!((bus.run_timers(), connection.is_connected(), log.take()), (0, true, vec![]));
}
