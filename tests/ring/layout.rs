//! Events of no size, and of a large alignment; in mailboxes, too.

use crate::shared::{Publish, gated, single};
use pulsebus::{Overflow, Signal};

#[test]
fn an_event_of_no_size_goes_through_a_ring_and_a_mailbox() {
    let (mut ring, mut publisher) = (gated(3), single(3));
    let (mut marked, mut plain) = (ring.reader(), publisher.reader());
    for _ in 0..600 {
        ring.with(|| ());
        publisher.with(|| ());
        assert_eq!((marked.recv(), plain.recv()), (Ok(()), Ok(())));
    }
    let signal = Signal::<()>::new();
    let mut mailbox = signal.mailbox(3, Overflow::DropNewest).expect("a capacity");
    for _ in 0..600 {
        signal.emit_batch(&[(), ()]);
        assert_eq!(mailbox.drain(9).expect("two").count(), 2);
    }
}

#[derive(Clone, Debug, PartialEq)]
#[repr(align(256))]
struct Wide(String);

#[test]
fn events_of_a_large_alignment_lie_aligned() {
    let (mut ring, mut publisher, signal) = (gated(3), single(3), Signal::new());
    let (mut marked, mut plain) = (ring.reader(), publisher.reader());
    let mut mailbox = signal.mailbox(3, Overflow::Disconnect).expect("a capacity");
    let aligned = |event: &Wide| assert_eq!(std::ptr::from_ref(event).addr() % 256, 0);
    for number in 0..20 {
        let event = Wide(number.to_string());
        ring.with(|| event.clone());
        publisher.with(|| event.clone());
        signal.emit(&event);
        assert_eq!(marked.try_read(1, aligned), Ok(1));
        assert_eq!(plain.try_read(1, aligned), Ok(1));
        assert_eq!(mailbox.try_recv(), Ok(event));
    }
}
