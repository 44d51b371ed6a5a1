//! Who may receive, from where, and what errors say.

use crate::shared::POLICIES;
use pulsebus::{CapacityError, CloseReason, Receiver, RecvError, RecvTimeoutError, Signal, TryRecvError};
use std::sync::{Arc, Mutex};

#[test]
fn receivers_can_be_sent_to_other_threads() {
    fn is_send<T: Send>() {}
    is_send::<Receiver<u32>>();
    is_send::<Receiver<std::cell::Cell<u32>>>();
}

#[test]
fn a_slot_may_receive_from_the_mailbox_of_its_own_signal() {
    for overflow in POLICIES {
        let signal = Signal::<u32>::new();
        let receiver = signal.mailbox(4, overflow).expect("a fair capacity");
        let received = Arc::new(Mutex::new(Vec::new()));
        let (receiver, log) = (Mutex::new(receiver), received.clone());
        signal.connect(move |_| {
            let mut receiver = receiver.lock().expect("nothing panics under it");
            log.lock().expect("nothing panics under it").extend(receiver.try_iter().flatten());
        });
        (0..100).for_each(|n| {
            signal.emit(&n);
        });
        assert!(received.lock().expect("as above").iter().copied().eq(0..100), "{overflow:?}");
    }
}

#[test]
fn errors_say_what_to_do() {
    assert_eq!(
        TryRecvError::Lagged(3).to_string(),
        "3 events were lost before the next one: receive again, more often or with more capacity"
    );
    assert_eq!(
        RecvError::Closed(CloseReason::Disconnected).to_string(),
        "no further event comes, for its connection was ended: let go of the receiver"
    );
    assert!(RecvTimeoutError::Timeout.to_string().contains("wait for longer"));
    assert_eq!(CapacityError::Zero.to_string(), "a capacity of 0 has room for no event: ask for 1 at the least");
}
