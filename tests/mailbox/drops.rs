//! Every event is dropped once, whatever its destructor does.

use crate::common::Tally;
use crate::shared::{POLICIES, Tracked};
use pulsebus::{Overflow, Signal, TryRecvError};
use std::thread;

#[test]
fn every_event_is_dropped_exactly_once_whatever_the_policy() {
    for overflow in POLICIES {
        for capacity in [1, 3, 20] {
            let (signal, tally) = (Signal::<Tracked>::new(), Tally::new());
            let mut receiver = signal.mailbox(capacity, overflow).expect("a fair capacity");
            for round in 0..30 {
                (0..round % 7).for_each(|_| {
                    signal.emit(&Tracked::new(&tally));
                });
                signal.emit_batch(&(0..round % 5).map(|_| Tracked::new(&tally)).collect::<Vec<_>>());
                match round % 3 {
                    0 => drop(receiver.try_recv()),
                    1 => drop(receiver.drain(3).map(|mut drain| drain.next())),
                    _ => {}
                }
            }
            drop(receiver);
            drop(signal);
            tally.assert_all_dropped();
        }
    }
}

#[test]
fn a_destructor_that_panics_hurts_nobody() {
    #[derive(Clone)]
    struct Bomb(bool);
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!self.0 || thread::panicking(), "on purpose");
        }
    }
    for overflow in [Overflow::DropOldest, Overflow::KeepLatest] {
        let signal = Signal::<Bomb>::new();
        let mut receiver = signal.mailbox(2, overflow).expect("a fair capacity");
        let bomb = std::mem::ManuallyDrop::new(Bomb(true));
        (0..10).for_each(|_| {
            signal.emit(&bomb);
        });
        assert_eq!(receiver.connection().panics(), Some(0), "{overflow:?}");
        signal.emit(&Bomb(false));
        signal.emit(&Bomb(false));
        assert!(matches!(receiver.try_recv(), Err(TryRecvError::Lagged(_))));
        (0..10).for_each(|_| {
            signal.emit(&bomb);
        });
        drop(receiver);
    }
}

#[test]
fn a_destructor_may_emit_into_the_mailbox_that_drops_it() {
    static SIGNAL: Signal<Again> = Signal::new();
    #[derive(Clone)]
    struct Again(u32);
    impl Drop for Again {
        fn drop(&mut self) {
            if self.0 > 0 {
                SIGNAL.emit(&Again(0));
            }
        }
    }
    for overflow in [Overflow::DropOldest, Overflow::KeepLatest] {
        let mut receiver = SIGNAL.mailbox(1, overflow).expect("one is enough");
        for _ in 0..100 {
            SIGNAL.emit(&std::mem::ManuallyDrop::new(Again(1)));
        }
        assert!(receiver.try_iter().flatten().count() <= 2);
    }
}
