//! Mailboxes.

use super::{alone, end_and_sweep};
use pulsebus::{CloseReason, Overflow, RecvError, TryRecvError};
use std::thread;

#[test]
fn the_end_of_a_signal_with_priorities_is_told_as_that() {
    let (before, _domain) = alone::<u32>();
    before.slot().priority(5).connect(|_: &u32| {});
    let mut receiver = before.mailbox(4, Overflow::DropNewest).expect("a fair capacity");
    before.emit(&1);
    drop(before);
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed(CloseReason::SignalDropped)));

    let (later, _domain) = alone::<u32>();
    let mut receiver = later.mailbox(4, Overflow::DropNewest).expect("a fair capacity");
    later.slot().priority(-5).connect(|_: &u32| {});
    drop(later);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed(CloseReason::SignalDropped)));
}

#[test]
fn a_thread_that_sleeps_finds_that_all_were_disconnected_and_the_signal_dropped() {
    let (signal, _domain) = alone::<u32>();
    let mut receiver = signal.mailbox(4, Overflow::DropNewest).expect("a fair capacity");
    signal.emit(&1);
    let waiting = thread::spawn(move || (receiver.recv(), receiver.recv()));
    signal.disconnect_all();
    drop(signal);
    let (first, second) = waiting.join().expect("it only receives");
    assert_eq!(first, Ok(1));
    assert!(matches!(second, Err(RecvError::Closed(_))), "{second:?}");
}

#[test]
fn who_was_disconnected_before_the_signal_was_dropped_is_told_of_the_end() {
    let (signal, domain) = alone::<u32>();
    let mut receiver = signal.mailbox(4, Overflow::DropNewest).expect("a fair capacity");
    end_and_sweep(receiver.connection(), &domain);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed(CloseReason::Disconnected)));
    drop(signal);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed(CloseReason::Disconnected)), "said once, it stays");
}

#[test]
fn who_owns_a_receiver_goes_through_its_events_to_the_end() {
    let (signal, _domain) = alone::<u32>();
    let receiver = signal.mailbox(2, Overflow::DropNewest).expect("a fair capacity");
    let other = signal.mailbox(2, Overflow::DropNewest).expect("a fair capacity");
    signal.emit_batch(&[1, 2, 3]);
    let mut events = other.into_iter();
    assert_eq!(events.next(), Some(Ok(1)));
    drop(events);
    assert_eq!(signal.len(), 1, "dropped before the end, it disconnects");
    drop(signal);
    let mut sum = 0;
    for event in receiver.into_iter().flatten() {
        sum += event;
    }
    assert_eq!(sum, 3);
}
