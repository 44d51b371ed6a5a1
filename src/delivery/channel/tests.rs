use super::{Instead, Outlet, channel};
use crate::Overflow;
use crate::delivery::CloseReason;
use std::time::Duration;

fn next<E>(outlet: &mut Outlet<E>) -> Result<E, Instead> {
    outlet.try_recv(|| None, |instead| instead)
}

#[test]
fn nothing_is_put_in_behind_an_overflow_that_disconnects_although_there_is_room_again() {
    let (inlet, mut outlet) = channel(1, Overflow::Disconnect).expect("a capacity");
    assert!(inlet.send(&[1]));
    assert!(!inlet.send(&[2]), "full");
    assert_eq!(next(&mut outlet), Ok(1));
    assert!(!inlet.send(&[3]), "it has overflowed");
    assert!(!inlet.send(&[4, 5]), "it has overflowed");
    assert_eq!(next(&mut outlet), Err(Instead::Closed(CloseReason::Overflowed)));
    assert_eq!(outlet.counts(), (5, 1, 4));
}

#[test]
fn what_is_lost_last_is_told_before_the_end() {
    for overflow in [Overflow::DropNewest, Overflow::Block(Duration::ZERO)] {
        let (inlet, mut outlet) = channel(2, overflow).expect("a capacity");
        inlet.send(&[1, 2, 3]);
        inlet.send(&[4]);
        drop(inlet);
        assert_eq!((next(&mut outlet), next(&mut outlet)), (Ok(1), Ok(2)));
        assert_eq!(next(&mut outlet), Err(Instead::Lagged(2)), "{overflow:?}");
        assert_eq!(next(&mut outlet), Err(Instead::Closed(CloseReason::Disconnected)));
    }
}

#[test]
fn a_loss_is_told_at_its_place_between_events() {
    let (inlet, mut outlet) = channel(2, Overflow::DropNewest).expect("a capacity");
    inlet.send(&[1, 2, 3, 4]);
    assert_eq!(next(&mut outlet), Ok(1));
    inlet.send(&[5, 6]);
    assert_eq!((next(&mut outlet), next(&mut outlet)), (Ok(2), Err(Instead::Lagged(2))));
    assert_eq!((next(&mut outlet), next(&mut outlet)), (Ok(5), Err(Instead::Lagged(1))));
    assert_eq!(next(&mut outlet), Err(Instead::Empty));
}

#[test]
fn a_batch_of_several_runs_keeps_its_order_and_its_loss_before_it() {
    let (inlet, mut outlet) = channel(100, Overflow::DropNewest).expect("a capacity");
    let events: Vec<u32> = (0..101).collect();
    inlet.send(&events);
    for event in 0..90 {
        assert_eq!(next(&mut outlet), Ok(event));
    }
    // Several runs of a claim that takes the loss with it.
    inlet.send(&events[..80]);
    for event in 90..100 {
        assert_eq!(next(&mut outlet), Ok(event));
    }
    assert_eq!(next(&mut outlet), Err(Instead::Lagged(1)));
    for event in 0..80 {
        assert_eq!(next(&mut outlet), Ok(event));
    }
    assert_eq!(next(&mut outlet), Err(Instead::Empty));
}

#[test]
fn what_an_iterator_has_taken_that_was_forgotten_makes_room_when_the_receiver_looks_again() {
    let (inlet, mut outlet) = channel(2, Overflow::DropNewest).expect("a capacity");
    inlet.send(&[1, 2]);
    // As an iterator takes them that does not come to tell of it.
    assert_eq!((outlet.take(2), outlet.take(2)), (Some(1), Some(2)));
    inlet.send(&[3]);
    assert_eq!(next(&mut outlet), Err(Instead::Lagged(1)));
    inlet.send(&[4]);
    assert_eq!(next(&mut outlet), Ok(4));
}
