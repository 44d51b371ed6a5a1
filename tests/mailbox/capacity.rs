//! Capacities: kept exactly, of one at the least, and refused where they cannot be.

use crate::shared::{POLICIES, assert_balance};
use pulsebus::{CapacityError, Overflow, Signal};
use std::time::Duration;

#[test]
fn the_capacity_is_kept_exactly() {
    for capacity in [1, 2, 3, 5, 16, 17, 100] {
        for overflow in [Overflow::DropOldest, Overflow::DropNewest, Overflow::Block(Duration::ZERO)] {
            let signal = Signal::<usize>::new();
            let mut receiver = signal.mailbox(capacity, overflow).expect("a fair capacity");
            (0..3 * capacity).for_each(|n| {
                signal.emit(&n);
            });
            assert_eq!(receiver.len(), capacity, "{overflow:?}");
            assert_eq!(receiver.try_iter().flatten().count(), capacity, "{overflow:?}");
            assert_eq!(receiver.figures().lost(), 2 * capacity as u64, "{overflow:?}");
            assert_balance(&receiver);
        }
    }
}

#[test]
fn a_capacity_of_one_is_enough() {
    for overflow in POLICIES {
        let signal = Signal::<u32>::new();
        let mut receiver = signal.mailbox(1, overflow).expect("one is enough");
        for n in 0..100 {
            signal.emit(&n);
            assert_eq!(receiver.try_recv(), Ok(n), "{overflow:?}");
        }
    }
}

#[test]
fn capacities_that_cannot_be_are_refused_and_nothing_is_connected() {
    let signal = Signal::<[u64; 16]>::new();
    for overflow in POLICIES {
        assert_eq!(signal.mailbox(0, overflow).err(), Some(CapacityError::Zero));
        let error = signal.mailbox(usize::MAX, overflow).expect_err("there is no such memory");
        assert!(matches!(error, CapacityError::TooLarge { asked: usize::MAX, most } if most > 0), "{error:?}");
        let CapacityError::TooLarge { most, .. } = error else { unreachable!() };
        let error = signal.mailbox(most, overflow).expect_err("nor such");
        assert_eq!(error, CapacityError::NoMemory { asked: most });
        assert!(error.to_string().contains("ask for less"));
    }
    assert!(signal.is_empty());
}
