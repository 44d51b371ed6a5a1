//! What arrives, at whom, and in which order.

use crate::shared::{all, expect, expect_closed, expect_empty, send};
use pulsebus::{Overflow, Ring, Signal};

#[test]
fn every_receiver_gets_every_event_in_order() {
    for sender in all(16) {
        let mut receivers = [(); 3].map(|()| sender.subscribe());
        receivers.iter_mut().for_each(|receiver| expect_empty(&mut **receiver));
        send(&*sender, 0..10);
        for receiver in &mut receivers {
            expect(&mut **receiver, 0..10);
            expect_empty(&mut **receiver);
        }
    }
}

#[test]
fn a_receiver_gets_what_is_sent_after_it_has_subscribed() {
    for sender in all(4) {
        let mut first = sender.subscribe();
        sender.send(1);
        let mut second = sender.subscribe();
        expect_empty(&mut *second);
        send(&*sender, [2, 3]);
        expect(&mut *second, [2, 3]);
        expect(&mut *first, [1, 2, 3]);
    }
}

#[test]
fn sending_to_nobody_is_no_error_and_reaches_nobody_who_comes_later() {
    for sender in all(4) {
        sender.send(1);
        let mut receiver = sender.subscribe();
        sender.send(2);
        expect(&mut *receiver, [2]);
        expect_empty(&mut *receiver);
    }
    // But a ring keeps it for those who ask for what is there.
    let ring = Ring::lossy(4).expect("a capacity");
    ring.publish(1);
    assert_eq!(ring.subscribe_oldest().try_recv(), Ok(1));
}

#[test]
fn a_receiver_that_leaves_with_events_unread_does_not_concern_the_others() {
    for sender in all(4) {
        let (mut stays, leaves) = (sender.subscribe(), sender.subscribe());
        send(&*sender, [1, 2]);
        drop(leaves);
        send(&*sender, [3, 4]);
        expect(&mut *stays, [1, 2, 3, 4]);
    }
}

#[test]
fn dropping_the_sender_overwrites_nothing_and_ends_the_stream_behind_what_was_sent() {
    for sender in all(2) {
        let mut receiver = sender.subscribe();
        send(&*sender, [1, 2]);
        drop(sender);
        expect(&mut *receiver, [1, 2]);
        expect_closed(&mut *receiver);
    }
}

#[test]
fn who_sends_can_ask_how_many_receive() {
    let ring = Ring::<u32>::lossy(4).expect("a capacity");
    assert_eq!(ring.figures().readers, 0);
    let readers = [ring.subscribe(), ring.subscribe()];
    assert_eq!(ring.figures().readers, 2);
    drop(readers);
    assert_eq!(ring.figures().readers, 0);

    let signal = Signal::<u32>::new();
    let receiver = signal.mailbox(4, Overflow::DropOldest).expect("a capacity");
    assert_eq!(signal.len(), 1);
    drop(receiver);
    assert!(signal.is_empty());
}
