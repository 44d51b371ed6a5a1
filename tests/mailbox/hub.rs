//! Mailboxes of a hub share one clone of each event.

use crate::common::{Tally, collect_all};
use crate::shared::Tracked;
use pulsebus::{CloseReason, Overflow, RecvError, Signal};
use std::sync::Arc;

#[test]
fn a_hub_shares_one_clone_between_its_mailboxes_and_makes_none_for_nobody() {
    let (signal, tally) = (Signal::<Tracked>::new(), Tally::new());
    let shared = signal.shared();
    signal.emit(&Tracked::new(&tally));
    assert_eq!(tally.made(), 1, "nobody listens");
    let mut receivers = [(); 3].map(|()| shared.mailbox(4, Overflow::DropNewest).expect("a fair capacity"));
    signal.emit_batch(&[(); 2].map(|()| Tracked::new(&tally)));
    assert_eq!(tally.made(), 1 + 2 + 2, "one clone each");
    let [first, second, third] = receivers.each_mut().map(|receiver| receiver.recv().expect("there are two"));
    assert!(Arc::ptr_eq(&first, &second) && Arc::ptr_eq(&second, &third));
    drop(shared);
    assert!(receivers[0].recv().is_ok());
    assert_eq!(receivers[0].recv().err(), Some(RecvError::Closed(CloseReason::Disconnected)));
    drop((first, second, third, receivers));
    assert!(signal.is_empty());
    collect_all(signal.domain());
    collect_all(signal.domain());
    tally.assert_all_dropped();
}

#[test]
fn a_hub_does_not_write_over_what_somebody_holds() {
    let signal = Signal::<Vec<u32>>::new();
    let shared = signal.shared();
    let mut receiver = shared.mailbox(1000, Overflow::DropNewest).expect("a fair capacity");
    let mut held = Vec::new();
    for n in 0..500 {
        signal.emit(&vec![n; 3]);
        let event = receiver.recv().expect("it was emitted");
        assert_eq!(*event, [n; 3]);
        if n % 3 == 0 {
            held.push((n, event));
        }
    }
    assert!(held.iter().all(|(n, event)| **event == [*n; 3]));
}
