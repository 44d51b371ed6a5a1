//! What each policy keeps of a mailbox that is full, and where the receiver is told of what it has lost.

use crate::shared::all;
use pulsebus::{CloseReason, Lagged, Overflow, RecvError, Signal, TryRecvError};
use std::thread;

#[test]
fn drop_oldest_keeps_the_newest_and_tells_of_the_loss_first() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(3, Overflow::DropOldest).expect("a fair capacity");
    signal.emit_batch(&[1, 2, 3, 4, 5]);
    assert_eq!(all(&mut receiver), [Err(Lagged(2)), Ok(3), Ok(4), Ok(5)]);
    signal.emit(&6);
    assert_eq!(all(&mut receiver), [Ok(6)]);
    let figures = receiver.figures();
    assert_eq!((figures.sent, figures.received, figures.dropped_oldest, figures.lost()), (6, 4, 2, 2));
}

#[test]
fn drop_newest_keeps_the_oldest_and_tells_of_the_loss_where_it_was() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(3, Overflow::DropNewest).expect("a fair capacity");
    signal.emit_batch(&[1, 2, 3, 4, 5]);
    assert_eq!(receiver.try_recv(), Ok(1));
    signal.emit(&6);
    signal.emit(&7);
    assert_eq!(receiver.try_recv(), Ok(2));
    signal.emit(&8);
    assert_eq!(all(&mut receiver), [Ok(3), Err(Lagged(2)), Ok(6), Err(Lagged(1)), Ok(8)]);
    let figures = receiver.figures();
    assert_eq!((figures.sent, figures.received, figures.dropped_newest, figures.lost()), (8, 5, 3, 3));
}

#[test]
fn a_loss_behind_the_last_event_is_told_when_the_mailbox_is_empty() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(1, Overflow::DropNewest).expect("a fair capacity");
    signal.emit_batch(&[1, 2, 3]);
    assert_eq!(all(&mut receiver), [Ok(1), Err(Lagged(2))]);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    signal.emit(&4);
    assert_eq!(all(&mut receiver), [Ok(4)], "told once");
}

#[test]
fn keep_latest_keeps_one_event_when_it_was_full() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(3, Overflow::KeepLatest).expect("a fair capacity");
    signal.emit_batch(&[1, 2, 3]);
    signal.emit(&4);
    assert_eq!(receiver.len(), 1);
    signal.emit(&5);
    assert_eq!(all(&mut receiver), [Err(Lagged(3)), Ok(4), Ok(5)]);
    let figures = receiver.figures();
    assert_eq!((figures.sent, figures.received, figures.replaced, figures.lost()), (5, 2, 3, 3));
}

#[test]
fn a_mailbox_that_was_to_be_disconnected_says_why_after_what_is_queued() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(2, Overflow::Disconnect).expect("a fair capacity");
    signal.emit_batch(&[1, 2]);
    assert!(receiver.connection().is_connected());
    signal.emit(&3);
    assert!(!receiver.connection().is_connected() && signal.is_empty());
    signal.emit(&4);
    assert_eq!(all(&mut receiver), [Ok(1), Ok(2)]);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed(CloseReason::Overflowed)));
    assert_eq!(receiver.recv(), Err(RecvError::Closed(CloseReason::Overflowed)), "for good");
    let figures = receiver.figures();
    assert_eq!((figures.sent, figures.received, figures.overflowed), (3, 2, 1));
}

#[test]
fn a_receiver_may_lag_twice_before_it_reads() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(2, Overflow::DropOldest).expect("a fair capacity");
    signal.emit_batch(&[1, 2, 3]);
    signal.emit_batch(&[4, 5, 6]);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(4)));
    signal.emit_batch(&[7, 8]);
    // The event that it was told the loss for is its own by now.
    assert_eq!(all(&mut receiver), [Ok(5), Err(Lagged(1)), Ok(7), Ok(8)]);
}

#[test]
fn receivers_lag_each_for_itself() {
    let signal = Signal::<u32>::new();
    let mut slow = signal.mailbox(1, Overflow::DropOldest).expect("a fair capacity");
    let mut large = signal.mailbox(10, Overflow::DropOldest).expect("a fair capacity");
    signal.emit_batch(&[1, 2, 3]);
    assert_eq!(all(&mut slow), [Err(Lagged(2)), Ok(3)]);
    assert_eq!(all(&mut large), [Ok(1), Ok(2), Ok(3)]);
}

/// One sender, and a receiver that is mostly done: each loss is told exactly where it was.
#[test]
fn a_loss_beside_a_receiver_that_has_caught_up_is_told_in_its_place() {
    const BATCHES: u32 = if cfg!(miri) { 50 } else { 1_000_000 };
    for size in [2, 6] {
        let signal = Signal::<u32>::new();
        let mut mailbox = signal.mailbox(1, Overflow::DropNewest).expect("a capacity");
        let sending = thread::spawn(move || {
            let mut batch: Vec<u32> = (0..size).collect();
            for _ in 0..BATCHES {
                signal.emit_batch(&batch);
                batch.iter_mut().for_each(|number| *number += size);
            }
        });
        let mut next = 0;
        let mut wrong = 0;
        loop {
            match mailbox.try_recv() {
                Ok(number) => {
                    wrong += u32::from(number != next);
                    next = number + 1;
                }
                Err(TryRecvError::Lagged(lost)) => next += lost as u32,
                Err(TryRecvError::Empty) => {}
                Err(_) => break,
            }
        }
        sending.join().expect("it sends");
        assert_eq!((next, wrong), (BATCHES * size, 0));
    }
}
