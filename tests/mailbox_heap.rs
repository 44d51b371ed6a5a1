//! C9 for mailboxes: in the steady state neither sending nor receiving makes a heap call.

mod counting;

use counting::heap_calls;
use pulsebus::{Domain, Overflow, Signal};
use std::hint::black_box;
use std::time::Duration;

const POLICIES: [Overflow; 4] =
    [Overflow::Block(Duration::ZERO), Overflow::DropOldest, Overflow::DropNewest, Overflow::KeepLatest];

#[test]
fn c9_the_counter_counts() {
    assert_eq!(heap_calls(|| drop(black_box(Box::new(1)))), 2);
}

#[test]
fn c9_sending_and_receiving_make_no_heap_calls_also_when_events_are_lost() {
    for overflow in POLICIES {
        let signal = Signal::<[u64; 8]>::new_in(&Domain::new());
        let mut receiver = signal.mailbox(50, overflow).expect("a fair capacity");
        signal.emit(&[0; 8]);
        let calls = heap_calls(|| {
            for round in 0..100 {
                (0..round).for_each(|n| {
                    signal.emit(&[n; 8]);
                });
                signal.emit_batch(&[[1; 8]; 20]);
                black_box(receiver.try_recv().ok());
                black_box(receiver.drain(30).map(|drain| drain.count()).ok());
                black_box(receiver.recv_timeout(Duration::ZERO).ok());
                black_box(receiver.try_iter().flatten().count());
                black_box(receiver.figures());
            }
        });
        assert_eq!(calls, 0, "{overflow:?}");
    }
}

#[test]
fn c9_sleeping_and_waking_make_no_heap_calls() {
    let signal = Signal::<u64>::new_in(&Domain::new());
    let mut receiver = signal.mailbox(8, Overflow::DropOldest).expect("a fair capacity");
    signal.emit(&0);
    assert_eq!(receiver.recv(), Ok(0));
    // The handle of this thread, which the standard library makes at the first use.
    black_box(std::thread::current());
    let calls = heap_calls(|| {
        for _ in 0..10 {
            black_box(receiver.recv_timeout(Duration::from_millis(1)).ok());
        }
    });
    assert_eq!(calls, 0);
}

#[test]
fn c9_a_hub_makes_no_heap_calls_once_it_has_enough_to_use_again() {
    let signal = Signal::<Vec<u64>>::new_in(&Domain::new());
    let shared = signal.shared();
    let mut receivers = [(); 3].map(|()| shared.mailbox(16, Overflow::DropOldest).expect("a fair capacity"));
    let event = vec![7; 100];
    let mut round = || {
        signal.emit(&event);
        receivers.iter_mut().for_each(|receiver| assert_eq!(receiver.recv().expect("it was emitted")[99], 7));
    };
    (0..100).for_each(|_| round());
    assert_eq!(heap_calls(|| (0..100).for_each(|_| round())), 0);
}
