//! Capacities: one, odd ones, none, and too many.

use crate::shared::{all, expect, expect_closed, expect_empty, expect_lagged, send};
use pulsebus::{CapacityError, Overflow, Ring, Signal};

#[test]
fn a_capacity_of_one_keeps_the_last_event() {
    for sender in all(1) {
        let mut receiver = sender.subscribe();
        sender.send(1);
        expect(&mut *receiver, [1]);
        expect_empty(&mut *receiver);
        send(&*sender, [2, 3]);
        expect_lagged(&mut *receiver, 1);
        expect(&mut *receiver, [3]);
        expect_empty(&mut *receiver);
        sender.send(4);
        drop(sender);
        expect(&mut *receiver, [4]);
        expect_closed(&mut *receiver);
    }
}

#[test]
fn a_capacity_that_is_no_power_of_two_is_not_rounded_up() {
    for sender in all(3) {
        let mut receiver = sender.subscribe();
        send(&*sender, 1..=4);
        expect_lagged(&mut *receiver, 1);
        expect(&mut *receiver, 2..=4);
    }
}

#[test]
fn a_capacity_of_zero_is_refused_by_an_error_and_nothing_is_connected() {
    let signal = Signal::<u32>::new();
    assert_eq!(Ring::<u32>::lossy(0).err(), Some(CapacityError::Zero));
    assert_eq!(signal.ring(0).err(), Some(CapacityError::Zero));
    assert_eq!(signal.mailbox(0, Overflow::DropOldest).err(), Some(CapacityError::Zero));
    assert!(signal.is_empty());
}

#[test]
fn a_capacity_that_is_too_large_is_refused_by_an_error_and_nothing_is_connected() {
    let signal = Signal::<u32>::new();
    for asked in [usize::MAX, 1 + (usize::MAX >> 1)] {
        for error in [
            Ring::<u32>::lossy(asked).err(),
            signal.ring(asked).err(),
            signal.mailbox(asked, Overflow::DropOldest).err(),
            signal.mailbox(asked, Overflow::DropNewest).err(),
        ] {
            let is_refused =
                matches!(error, Some(CapacityError::TooLarge { asked: told, most }) if told == asked && most < asked);
            assert!(is_refused, "{error:?}");
        }
    }
    assert!(signal.is_empty());
}
