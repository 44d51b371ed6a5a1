//! Emissions that wait for room: they go on when there is some, and give up in time or when the receiver goes.

use crate::shared::{SOON, all, assert_balance};
use pulsebus::{Domain, Lagged, Overflow, Signal};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_blocked_emission_goes_on_when_there_is_room() {
    let signal = Arc::new(Signal::<u32>::new_in(&Domain::new()));
    let mut receiver = signal.mailbox(2, Overflow::Block(Duration::MAX)).expect("a fair capacity");
    let emitter = {
        let signal = signal.clone();
        thread::spawn(move || {
            (0..50).for_each(|n| {
                signal.emit(&n);
            });
            signal.emit_batch(&(50..100).collect::<Vec<_>>());
        })
    };
    for n in 0..100 {
        if n % 10 == 0 {
            thread::sleep(SOON);
        }
        assert_eq!(receiver.recv(), Ok(n));
    }
    emitter.join().expect("it only emits");
    assert_eq!(receiver.figures().lost(), 0);
    assert_balance(&receiver);
}

#[test]
fn a_blocked_emission_gives_up_after_its_time_and_the_receiver_learns_of_it() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(2, Overflow::Block(Duration::from_millis(10))).expect("a fair capacity");
    let begin = Instant::now();
    signal.emit_batch(&[1, 2, 3, 4, 5]);
    assert!(begin.elapsed() >= Duration::from_millis(10));
    assert_eq!(all(&mut receiver), [Ok(1), Ok(2), Err(Lagged(3))]);
    let figures = receiver.figures();
    assert_eq!((figures.sent, figures.timed_out), (5, 3));
}

#[test]
fn a_blocked_emission_gives_up_when_the_receiver_goes() {
    let signal = Arc::new(Signal::<u32>::new_in(&Domain::new()));
    let receiver = signal.mailbox(1, Overflow::Block(Duration::MAX)).expect("a fair capacity");
    let (emitted, full) = (signal.clone(), Arc::new(Barrier::new(2)));
    let is_full = full.clone();
    let emitter = thread::spawn(move || {
        emitted.emit(&1);
        is_full.wait();
        emitted.emit(&2);
    });
    full.wait();
    thread::sleep(SOON);
    drop(receiver);
    emitter.join().expect("it returns");
}
