//! Hubs, and their mailboxes.

use super::{alone, end_and_sweep};
use pulsebus::{CloseReason, Overflow, RecvError, TryRecvError};
use std::sync::Arc;
use std::thread;

#[test]
fn the_mailboxes_of_a_hub_end_with_the_signal() {
    let (signal, _domain) = alone::<u32>();
    let shared = signal.shared();
    let mut receiver = shared.mailbox(4, Overflow::DropOldest).expect("a fair capacity");
    signal.emit(&1);
    assert_eq!(receiver.try_recv(), Ok(Arc::new(1)));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    signal.emit(&2);
    drop(signal);
    assert_eq!(receiver.iter().collect::<Vec<_>>(), [Ok(Arc::new(2))]);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed(CloseReason::SignalDropped)));
    // One that comes too late.
    let mut late = shared.mailbox(4, Overflow::DropOldest).expect("a fair capacity");
    assert_eq!(late.recv(), Err(RecvError::Closed(CloseReason::SignalDropped)));
}

#[test]
fn a_thread_that_sleeps_at_a_hub_finds_the_end_of_the_signal() {
    let (signal, _domain) = alone::<u32>();
    let shared = signal.shared();
    let mut receiver = shared.mailbox(4, Overflow::DropNewest).expect("a fair capacity");
    let waiting = thread::spawn(move || receiver.recv());
    drop(signal);
    assert_eq!(waiting.join().expect("it only receives"), Err(RecvError::Closed(CloseReason::SignalDropped)));
}

#[test]
fn the_mailboxes_of_a_hub_end_with_its_connection_and_with_the_hub() {
    let (signal, domain) = alone::<u32>();
    let shared = signal.shared();
    let mut receiver = shared.mailbox(4, Overflow::DropNewest).expect("a fair capacity");
    signal.emit(&1);
    end_and_sweep(shared.connection(), &domain);
    assert_eq!(receiver.try_recv(), Ok(Arc::new(1)));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed(CloseReason::Disconnected)));

    let shared = signal.shared();
    let mut receiver = shared.mailbox(4, Overflow::DropNewest).expect("a fair capacity");
    drop(shared);
    assert_eq!(receiver.recv(), Err(RecvError::Closed(CloseReason::Disconnected)));
}

#[test]
fn an_emission_of_the_hub_itself_waits_for_nobody_who_has_found_the_end() {
    let (signal, _domain) = alone::<u32>();
    let shared = signal.shared();
    let mut receiver = shared.mailbox(1, Overflow::Block(std::time::Duration::MAX)).expect("a fair capacity");
    drop(signal);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed(CloseReason::SignalDropped)));
    for n in 0..3 {
        shared.signal().emit(&Arc::new(n));
    }
    assert!(receiver.is_empty() && shared.signal().is_empty());
}
