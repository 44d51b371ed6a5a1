//! Batches of which some clones panic: the others arrive, and what is lost is told.

use crate::shared::LONG;
use pulsebus::{CloseReason, Overflow, RecvTimeoutError, Signal, TryRecvError};
use std::sync::Arc;
use std::thread;

/// Its clone panics, if it says so.
#[derive(Debug, PartialEq)]
struct Fragile<T>(u32, bool, T);

impl<T: Clone> Clone for Fragile<T> {
    fn clone(&self) -> Self {
        assert!(!self.1, "no clone of it");
        Self(self.0, false, self.2.clone())
    }
}

fn clones_that_panic_leave_the_others<T: Clone + Send + 'static>(filling: T) {
    for broken in [vec![0], vec![31], vec![32], vec![33], vec![0, 1, 2], vec![31, 32, 63, 64, 65], (0..70).collect()] {
        let signal = Signal::new();
        let mut mailbox = signal.mailbox(70, Overflow::DropNewest).expect("a capacity");
        let events: Vec<_> = (0..70).map(|n| Fragile(n, broken.contains(&n), filling.clone())).collect();
        for _ in 0..5 {
            signal.emit_batch(&events);
            let expected: Vec<u32> = (0..70).filter(|n| !broken.contains(n)).collect();
            let mut found = Vec::new();
            while let Ok(drain) = mailbox.drain(usize::MAX) {
                found.extend(drain.map(|event| event.0));
            }
            assert_eq!(found, expected);
            // What was given back is there again.
            let whole: Vec<_> = (0..70).map(|n| Fragile(n, false, filling.clone())).collect();
            signal.emit_batch(&whole);
            assert_eq!(mailbox.drain(usize::MAX).expect("all").count(), 70);
            assert_eq!(mailbox.try_recv().map(|_| ()), Err(TryRecvError::Empty));
        }
    }
}

#[test]
fn clones_that_panic_in_whatever_run_leave_the_others() {
    clones_that_panic_leave_the_others(());
    clones_that_panic_leave_the_others("x".to_string());
}

/// A sender that has lost something, a batch whose clones panic after that, and an event behind.
#[test]
fn a_loss_that_a_batch_without_clones_has_taken_is_told_once_and_in_its_place() {
    let signal = Signal::new();
    let mut mailbox = signal.mailbox(3, Overflow::DropNewest).expect("a capacity");
    let whole: Vec<_> = (0..5).map(|n| Fragile(n, false, ())).collect();
    let broken: Vec<_> = (0..3).map(|n| Fragile(n, true, ())).collect();
    signal.emit_batch(&whole);
    assert_eq!(mailbox.drain(9).expect("three").count(), 3);
    signal.emit_batch(&broken);
    signal.emit_batch(&whole[..2]);
    assert_eq!(mailbox.try_recv().map(|_| ()), Err(TryRecvError::Lagged(2)));
    assert_eq!(mailbox.drain(9).expect("two").count(), 2);
    signal.emit_batch(&whole);
    assert_eq!(mailbox.drain(9).expect("three").count(), 3);
    signal.emit_batch(&broken);
    assert_eq!(mailbox.try_recv().map(|_| ()), Err(TryRecvError::Lagged(2)));
    assert_eq!(mailbox.try_recv().map(|_| ()), Err(TryRecvError::Empty));
    drop(signal);
    assert_eq!(mailbox.try_recv().map(|_| ()), Err(TryRecvError::Closed(CloseReason::SignalDropped)));
}

/// Three senders, batches of all sizes, clones that panic; a receiver that looks, drains, and forgets drains.
fn received_lost_or_never_made(capacity: usize, overflow: Overflow) {
    const SENDERS: u32 = 3;
    const EMISSIONS: u32 = if cfg!(miri) { 4 } else { 3000 };
    let signal = Arc::new(Signal::new());
    let mut mailbox = signal.mailbox(capacity, overflow).expect("a capacity");
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let signal = signal.clone();
            thread::spawn(move || {
                let (mut next, mut broken) = (0, 0);
                for round in 0..EMISSIONS {
                    let size = if round % 3 == 0 { 1 } else { round % 70 };
                    let events: Vec<_> = (next..next + size)
                        .map(|n| Fragile(sender << 24 | n, n % 97 == 13 || round % 50 == 49, "x".to_string()))
                        .collect();
                    broken += events.iter().filter(|event| event.1).count() as u64;
                    next += size;
                    signal.emit_batch(&events);
                }
                (u64::from(next), broken)
            })
        })
        .collect();
    drop(signal);
    let (mut received, mut lost, mut last) = (0_u64, 0_u64, [None; SENDERS as usize]);
    let mut note = |event: Fragile<String>| {
        received += 1;
        let (sender, number) = ((event.0 >> 24) as usize, event.0 & 0xff_ffff);
        assert!(last[sender] < Some(number), "twice, or out of order");
        last[sender] = Some(number);
    };
    let mut turn = 0;
    let end = loop {
        turn += 1;
        let found = match turn % 3 {
            0 => mailbox.recv_timeout(LONG).map(&mut note),
            1 => mailbox.try_recv().map(&mut note).map_err(|error| match error {
                TryRecvError::Lagged(count) => RecvTimeoutError::Lagged(count),
                TryRecvError::Closed(reason) => RecvTimeoutError::Closed(reason),
                _ => RecvTimeoutError::Lagged(0),
            }),
            _ => {
                match mailbox.drain(40) {
                    Ok(mut drain) => {
                        drain.by_ref().take(turn % 50).for_each(&mut note);
                        if turn % 2 == 0 {
                            std::mem::forget(drain);
                        }
                    }
                    Err(TryRecvError::Lagged(count)) => lost += count,
                    Err(_) => {}
                }
                continue;
            }
        };
        match found {
            Ok(()) => {}
            Err(RecvTimeoutError::Lagged(count)) => lost += count,
            Err(other) => break other,
        }
    };
    assert_eq!(end, RecvTimeoutError::Closed(CloseReason::SignalDropped));
    let (mut sent, mut broken) = (0, 0);
    for sender in senders {
        let (all, some) = sender.join().expect("it sends");
        (sent, broken) = (sent + all, broken + some);
    }
    let figures = mailbox.figures();
    assert_eq!((figures.received, figures.queued), (received, 0));
    // A clone that panics is not made where its event is lost.
    let gone = sent - received - lost;
    if let Overflow::Block(_) | Overflow::DropOldest | Overflow::KeepLatest = overflow {
        assert_eq!(gone, broken, "{received} of {sent} received, {lost} told to be lost");
    } else {
        assert!(gone <= broken, "{received} of {sent} received, {lost} told to be lost");
    }
    assert!(received > 0);
}

#[test]
fn what_several_send_is_received_told_to_be_lost_or_was_never_made() {
    for capacity in [1, 3, 64] {
        for overflow in [Overflow::DropNewest, Overflow::DropOldest, Overflow::KeepLatest, Overflow::Block(LONG)] {
            received_lost_or_never_made(capacity, overflow);
        }
    }
}
