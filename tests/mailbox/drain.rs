//! Drains: how much they take, where they stop, and what becomes of the rest when one is dropped or forgotten.

use crate::common::Tally;
use crate::shared::{LONG, POLICIES, Tracked, assert_balance};
use pulsebus::{Overflow, Signal, TryRecvError};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

#[test]
fn draining_stops_before_a_loss_and_says_it_next() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(3, Overflow::DropNewest).expect("a fair capacity");
    signal.emit_batch(&[1, 2, 3, 4]);
    assert_eq!(receiver.try_recv(), Ok(1));
    signal.emit(&5);
    assert_eq!(receiver.drain(10).expect("two before the loss").collect::<Vec<_>>(), [2, 3]);
    assert_eq!(receiver.drain(10).err(), Some(TryRecvError::Lagged(1)));
    assert_eq!(receiver.drain(10).expect("one behind it").collect::<Vec<_>>(), [5]);
    assert_eq!(receiver.drain(10).err(), Some(TryRecvError::Empty));
    assert_eq!(receiver.drain(0).err(), Some(TryRecvError::Empty));
}

#[test]
fn draining_takes_what_is_asked_for_and_makes_room() {
    for overflow in POLICIES {
        let signal = Signal::<usize>::new();
        let mut receiver = signal.mailbox(100, overflow).expect("a fair capacity");
        signal.emit_batch(&(0..100).collect::<Vec<_>>());
        assert!(receiver.drain(70).expect("a hundred").eq(0..70));
        assert_eq!(receiver.len(), 30, "{overflow:?}");
        drop(receiver.drain(70).expect("thirty"));
        assert_eq!(receiver.len(), 30, "{overflow:?}: nothing was asked for");
        signal.emit_batch(&(100..170).collect::<Vec<_>>());
        assert!(receiver.drain(1000).expect("a hundred again").eq(70..170), "{overflow:?}");
        assert_eq!(receiver.figures().lost(), 0);
        assert_balance(&receiver);
    }
}

#[test]
fn what_a_drain_was_about_to_hand_out_makes_no_room_and_is_received_next() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(16, Overflow::DropOldest).expect("a capacity");
    signal.emit_batch(&(0..16).collect::<Vec<_>>());
    assert_eq!(receiver.drain(16).expect("events").next(), Some(0));
    signal.emit_batch(&(16..32).collect::<Vec<_>>());
    assert!(receiver.len() <= receiver.capacity() + 31, "{} of {}", receiver.len(), receiver.capacity());
    let (got, lost): (Vec<_>, Vec<_>) = receiver.try_iter().partition(Result::is_ok);
    assert_eq!(got.first(), Some(&Ok(1)));
    let lost: u64 = lost.into_iter().filter_map(Result::err).map(|lagged| lagged.0).sum();
    assert_eq!(got.len() as u64 + lost, 31, "each is received, or known to be lost");
}

#[test]
fn a_forgotten_drain_leaves_the_rest_where_it_was() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let (signal, tally) = (Signal::<Tracked>::new(), Tally::new());
        let mut receiver = signal.mailbox(8, overflow).expect("a fair capacity");
        signal.emit_batch(&[(); 8].map(|()| Tracked::new(&tally)));
        let mut drain = receiver.drain(5).expect("there are eight");
        drop((drain.next(), drain.next()));
        std::mem::forget(drain);
        assert_eq!(tally.dropped(), 8 + 2);
        assert_eq!(receiver.try_iter().flatten().count(), 6);
        drop(receiver);
        tally.assert_all_dropped();
    }
}

#[test]
fn a_drain_that_was_forgotten_holds_no_sender_up_and_drops_nothing_twice() {
    let held = Arc::new(());
    let signal = Signal::<Arc<()>>::new();
    let mut mailbox = signal.mailbox(4, Overflow::Block(LONG)).expect("a capacity");
    for _ in 0..3 {
        signal.emit_batch(&vec![held.clone(); 4]);
        let mut drain = mailbox.drain(9).expect("four");
        drop((drain.next(), drain.next()));
        std::mem::forget(drain);
        assert_eq!(mailbox.try_recv().map(|_| ()), Ok(()));
        signal.emit_batch(&vec![held.clone(); 3]);
        assert_eq!(mailbox.drain(9).expect("four").count(), 4);
    }
    signal.emit_batch(&vec![held.clone(); 4]);
    let mut drain = mailbox.drain(9).expect("four");
    drop(drain.next());
    std::mem::forget(drain);
    drop((signal, mailbox));
    pulsebus::collect();
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn a_sender_that_sleeps_is_woken_after_a_drain_was_forgotten() {
    let signal = Signal::<u32>::new();
    let mut mailbox = signal.mailbox(2, Overflow::Block(LONG)).expect("a capacity");
    signal.emit_batch(&[1, 2]);
    let mut drain = mailbox.drain(9).expect("two");
    assert_eq!((drain.next(), drain.next()), (Some(1), Some(2)));
    std::mem::forget(drain);
    thread::scope(|scope| {
        scope.spawn(|| signal.emit(&3));
        thread::sleep(Duration::from_millis(50));
        assert_eq!(mailbox.recv_timeout(LONG), Ok(3));
    });
    assert_eq!(mailbox.figures().timed_out, 0);
}
