//! A receiver that is too slow is told how many events it has lost, and goes on with the oldest that is left.

use crate::shared::{MAILBOX, all, expect, expect_closed, expect_empty, expect_lagged, send};
use pulsebus::TryRecvError;

#[test]
fn a_slow_receiver_within_the_capacity_does_not_lag() {
    for sender in all(2) {
        let (mut slow, mut fast) = (sender.subscribe(), sender.subscribe());
        send(&*sender, [1, 2]);
        expect(&mut *fast, [1, 2]);
        expect_empty(&mut *fast);
        expect(&mut *slow, [1, 2]);
        expect_empty(&mut *slow);
    }
}

#[test]
fn the_lag_count_equals_what_was_overwritten() {
    for capacity in [1, 2, 3, 4, 7, 16] {
        for sent in [1, 2, 5, 8, 16, 17, 100] {
            for sender in all(capacity) {
                let mut receiver = sender.subscribe();
                send(&*sender, 0..sent);
                let lost = sent.saturating_sub(capacity as u32);
                if lost > 0 {
                    expect_lagged(&mut *receiver, lost.into());
                }
                expect(&mut *receiver, lost..sent);
                expect_empty(&mut *receiver);
            }
        }
    }
}

#[test]
fn the_lag_count_does_not_include_what_was_received_before() {
    for sender in all(4) {
        let mut receiver = sender.subscribe();
        send(&*sender, 1..=4);
        expect(&mut *receiver, [1]);
        send(&*sender, 5..=8);
        expect_lagged(&mut *receiver, 3);
        expect(&mut *receiver, 5..=8);
        expect_empty(&mut *receiver);
    }
}

#[test]
fn a_lagging_receiver_resumes_at_the_oldest_event_that_is_left() {
    for sender in all(2) {
        let mut receiver = sender.subscribe();
        send(&*sender, [10, 20, 30]);
        expect_lagged(&mut *receiver, 1);
        expect(&mut *receiver, [20, 30]);
        expect_empty(&mut *receiver);
    }
}

#[test]
fn a_lagging_receiver_resumes_after_the_sender_has_gone() {
    for sent in [3, 4, 50] {
        for sender in all(2) {
            let mut receiver = sender.subscribe();
            send(&*sender, 0..sent);
            drop(sender);
            expect_lagged(&mut *receiver, u64::from(sent) - 2);
            expect(&mut *receiver, sent - 2..sent);
            expect_closed(&mut *receiver);
        }
    }
}

#[test]
fn lag_is_each_receivers_own() {
    for sender in all(2) {
        let (mut slow, mut fast) = (sender.subscribe(), sender.subscribe());
        for pair in [[1, 2], [3, 4]] {
            send(&*sender, pair);
            expect(&mut *fast, pair);
        }
        expect_empty(&mut *fast);
        expect_lagged(&mut *slow, 2);
        expect(&mut *slow, [3, 4]);
        expect_empty(&mut *slow);
    }
}

#[test]
fn a_receiver_that_has_caught_up_and_lags_again_is_told_of_the_new_gap_only() {
    for sender in all(2) {
        let mut receiver = sender.subscribe();
        for round in 0..10 {
            send(&*sender, round * 10..round * 10 + 5);
            expect_lagged(&mut *receiver, 3);
            expect(&mut *receiver, [round * 10 + 3, round * 10 + 4]);
            expect_empty(&mut *receiver);
        }
    }
}

#[test]
fn lag_twice_before_reading_is_told_twice_and_loses_no_count() {
    for (kind, sender) in all(2).into_iter().enumerate() {
        let mut receiver = sender.subscribe();
        send(&*sender, [1, 2, 3]);
        expect_lagged(&mut *receiver, 1);
        // Nothing was read since.
        send(&*sender, [4, 5, 6]);
        if kind == MAILBOX {
            // The event that comes behind a gap is the receiver's own as soon as it is told of the gap.
            expect(&mut *receiver, [2]);
            expect_lagged(&mut *receiver, 2);
        } else {
            expect_lagged(&mut *receiver, 3);
        }
        expect(&mut *receiver, [5, 6]);
        expect_empty(&mut *receiver);
    }
}

#[test]
fn what_is_received_and_what_is_lost_is_what_was_sent_whenever_the_receiver_looks() {
    for every in [1, 3, 7, 20] {
        for sender in all(5) {
            let mut receiver = sender.subscribe();
            let (mut next, mut gaps) = (0, 0);
            let mut take_all = || loop {
                match receiver.next() {
                    Ok(n) => {
                        assert_eq!(n, next, "in order, and none twice");
                        next += 1;
                    }
                    Err(TryRecvError::Lagged(lost)) => {
                        next += lost as u32;
                        gaps += 1;
                    }
                    Err(_) => break,
                }
            };
            for n in 0..200 {
                sender.send(n);
                if n % every == 0 {
                    take_all();
                }
            }
            take_all();
            assert_eq!(next, 200);
            assert_eq!(gaps > 0, every > 5);
        }
    }
}

#[test]
fn the_length_is_what_can_be_received_and_never_more_than_the_capacity() {
    for sender in all(3) {
        let mut receiver = sender.subscribe();
        assert_eq!(receiver.len(), 0);
        send(&*sender, [10, 20, 30, 40, 50]);
        assert_eq!(receiver.len(), 3);
        expect_lagged(&mut *receiver, 2);
        for left in [3, 2, 1] {
            assert_eq!(receiver.len(), left);
            receiver.next().expect("it is there");
        }
        assert_eq!(receiver.len(), 0);
    }
}
