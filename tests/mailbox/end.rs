//! How it ends: what is queued comes first, and who sleeps is woken.

use crate::common::{Tally, collect_all};
use crate::shared::{POLICIES, SOON, Tracked, all};
use pulsebus::{CloseReason, Overflow, Receiver, RecvError, RecvTimeoutError, Signal, TryRecvError, Wait};
use std::thread;
use std::time::Duration;

#[test]
fn dropping_the_receiver_disconnects_and_drops_what_is_queued_here() {
    for overflow in POLICIES {
        let (signal, tally) = (Signal::<Tracked>::new(), Tally::new());
        let receiver = signal.mailbox(10, overflow).expect("a fair capacity");
        let connection = receiver.connection();
        (0..5).for_each(|_| {
            signal.emit(&Tracked::new(&tally));
        });
        drop(receiver);
        assert!(!connection.is_connected() && signal.is_empty());
        tally.assert_all_dropped();
        signal.emit(&Tracked::new(&tally));
        collect_all(signal.domain());
        tally.assert_all_dropped();
    }
}

#[test]
fn dropping_the_signal_ends_the_stream_after_what_is_queued() {
    for overflow in POLICIES {
        let signal = Signal::<u32>::new();
        let mut receiver = signal.mailbox(10, overflow).expect("a fair capacity");
        signal.emit_batch(&[1, 2]);
        drop(signal);
        assert_eq!(all(&mut receiver), [Ok(1), Ok(2)]);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed(CloseReason::SignalDropped)));
        assert_eq!(receiver.recv_timeout(Duration::MAX), Err(RecvTimeoutError::Closed(CloseReason::SignalDropped)));
        assert_eq!(receiver.drain(7).err(), Some(TryRecvError::Closed(CloseReason::SignalDropped)));
    }
}

#[test]
fn dropping_the_signal_wakes_a_receiver_that_sleeps() {
    for wait in [Wait::Spin, Wait::Yield, Wait::Park] {
        let signal = Signal::<u32>::new();
        let mut receiver = signal.mailbox(10, Overflow::DropOldest).expect("a fair capacity");
        receiver.wait_strategy(wait);
        let reader = thread::spawn(move || receiver.recv());
        thread::sleep(SOON);
        drop(signal);
        assert_eq!(reader.join().expect("it only waits"), Err(RecvError::Closed(CloseReason::SignalDropped)));
    }
}

#[test]
fn a_sleeping_receiver_notices_the_end_of_its_connection() {
    for wait in [Wait::Spin, Wait::Yield, Wait::Park] {
        let signal = Signal::<u32>::new();
        let mut receiver = signal.mailbox(10, Overflow::DropOldest).expect("a fair capacity");
        receiver.wait_strategy(wait);
        let connection = receiver.connection();
        let reader = thread::spawn(move || receiver.recv());
        thread::sleep(SOON);
        assert!(connection.disconnect());
        assert_eq!(reader.join().expect("it only waits"), Err(RecvError::Closed(CloseReason::Disconnected)));
    }
}

#[test]
fn whatever_ends_the_connection_ends_the_stream_after_what_is_queued() {
    type End = fn(&Signal<u32>, &Receiver<u32>);
    let ends: [End; 3] = [
        |_, receiver| assert!(receiver.connection().disconnect()),
        |signal, _| assert_eq!(signal.disconnect_all(), 1),
        |signal, receiver| {
            receiver.connection().disconnect();
            collect_all(signal.domain());
        },
    ];
    for end in ends {
        let signal = Signal::<u32>::new();
        let mut receiver = signal.mailbox(10, Overflow::DropNewest).expect("a fair capacity");
        signal.emit_batch(&[1, 2]);
        end(&signal, &receiver);
        signal.emit(&3);
        assert_eq!(all(&mut receiver), [Ok(1), Ok(2)]);
        assert_eq!(receiver.recv(), Err(RecvError::Closed(CloseReason::Disconnected)));
    }
}
