//! Events come in the order in which each emitter has sent them.

use crate::shared::{POLICIES, all, assert_balance};
use pulsebus::{Domain, Lagged, Overflow, Signal, TryRecvError};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

#[test]
fn events_are_received_in_order_whatever_the_policy() {
    for overflow in POLICIES {
        let signal = Signal::<u32>::new();
        let mut receiver = signal.mailbox(100, overflow).expect("a fair capacity");
        signal.emit(&1);
        signal.emit_batch(&[2, 3, 4]);
        assert_eq!((receiver.len(), receiver.is_empty(), receiver.capacity()), (4, false, 100));
        assert!(all(&mut receiver).into_iter().eq([1, 2, 3, 4].map(Ok)), "{overflow:?}");
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        assert_eq!((receiver.len(), receiver.is_empty()), (0, true));
        assert_balance(&receiver);
    }
}

#[test]
fn rounds_beyond_the_ring_keep_the_order_whatever_the_capacity_and_the_policy() {
    for overflow in POLICIES {
        for capacity in [1, 2, 3, 7, 8, 100] {
            let signal = Signal::<usize>::new();
            let mut receiver = signal.mailbox(capacity, overflow).expect("a fair capacity");
            let mut next = 0;
            for round in 0..300 {
                let count = 1 + round % capacity;
                signal.emit_batch(&(next..next + count).collect::<Vec<_>>());
                let expected = (next..next + count).map(Ok);
                assert!(all(&mut receiver).into_iter().eq(expected), "{overflow:?}, {capacity}");
                next += count;
            }
            assert_balance(&receiver);
        }
    }
}

#[test]
fn order_is_kept_per_emitter_and_losses_are_told_before_what_comes_after_them() {
    const EMITTERS: usize = 2;
    const EVENTS: u64 = 20_000;
    for overflow in [Overflow::DropOldest, Overflow::DropNewest, Overflow::KeepLatest, Overflow::Block(Duration::MAX)] {
        let signal = Arc::new(Signal::<(usize, u64)>::new_in(&Domain::new()));
        let mut receiver = signal.mailbox(64, overflow).expect("a fair capacity");
        let emitters: Vec<_> = (0..EMITTERS)
            .map(|emitter| {
                let signal = signal.clone();
                thread::spawn(move || {
                    for n in (0..EVENTS).step_by(4) {
                        signal.emit(&(emitter, n));
                        signal.emit_batch(&[1, 2, 3].map(|more| (emitter, n + more)));
                    }
                })
            })
            .collect();
        drop(signal);
        let (mut next, mut told, mut missed, mut received) = ([0; EMITTERS], 0, 0, 0);
        for found in &mut receiver {
            match found {
                Ok((emitter, n)) => {
                    assert!(n >= next[emitter], "{overflow:?}: {n} after {}", next[emitter]);
                    missed += n - next[emitter];
                    next[emitter] = n + 1;
                    received += 1;
                    assert!(missed <= told, "{overflow:?}: {missed} are missed, {told} were told");
                }
                Err(Lagged(count)) => told += count,
            }
        }
        emitters.into_iter().for_each(|emitter| emitter.join().expect("it only emits"));
        let figures = receiver.figures();
        assert_eq!(received + told, EMITTERS as u64 * EVENTS, "{overflow:?}: {figures:?}");
        assert_eq!((figures.sent, figures.received, figures.lost()), (received + told, received, told), "{overflow:?}");
    }
}
