//! Readers that go after others: what they see, where they begin, and how they end.

use crate::shared::{all, gated, lossy};
use pulsebus::{AfterError, CloseReason, RecvError, Ring, RingFull, RingPublisher, TryRecvError};

#[test]
fn a_reader_that_goes_after_others_sees_what_all_of_them_have_left() {
    for ring in [gated(8), gated(5)] {
        let (mut left, mut right) = (ring.subscribe(), ring.subscribe());
        let mut last = ring.subscribe_after(&[&left, &right]).expect("a gated ring");
        ring.publish_batch(&[1, 2, 3]);
        assert_eq!((last.len(), last.try_recv()), (0, Err(TryRecvError::Empty)));
        assert_eq!(all(&mut left), [1, 2, 3]);
        assert_eq!(last.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(right.drain(2).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(all(&mut last), [1, 2]);
        assert_eq!(all(&mut right), [3]);
        assert_eq!(all(&mut last), [3]);
    }
}

#[test]
fn the_last_of_a_pipeline_holds_the_publishers_back() {
    let mut publisher = RingPublisher::gated(2).expect("a capacity");
    let mut first = publisher.subscribe();
    let mut second = first.then().expect("a gated ring");
    let mut third = second.then().expect("a gated ring");
    publisher.publish_batch(&[1, 2]);
    assert_eq!((all(&mut first), all(&mut second)), (vec![1, 2], vec![1, 2]));
    assert_eq!(publisher.try_publish(3), Err(RingFull(3)));
    assert_eq!(third.try_recv(), Ok(1));
    assert_eq!(publisher.try_publish(3), Ok(()));
    assert_eq!(publisher.try_publish(4), Err(RingFull(4)));
}

#[test]
fn a_reader_that_goes_after_another_begins_where_that_one_is() {
    let ring = gated(4);
    let mut first = ring.subscribe();
    ring.publish_batch(&[1, 2, 3]);
    assert_eq!(first.try_recv(), Ok(1));
    let mut second = first.then().expect("a gated ring");
    assert_eq!(all(&mut first), [2, 3]);
    assert_eq!(all(&mut second), [2, 3]);
}

#[test]
fn a_reader_whose_leader_has_left_reads_what_that_has_read_and_finds_the_end() {
    let ring = gated(4);
    let mut first = ring.subscribe();
    let mut second = first.then().expect("a gated ring");
    ring.publish_batch(&[1, 2, 3]);
    assert_eq!(first.try_recv(), Ok(1));
    drop(first);
    // Somebody else takes the place among the readers; that is nothing to the second.
    let mut new = ring.subscribe();
    assert_eq!(second.recv(), Ok(1));
    assert_eq!(second.recv(), Err(RecvError::Closed(CloseReason::ReaderAheadGone)));
    drop(second);
    ring.publish_batch(&[4, 5, 6, 7]);
    assert_eq!(all(&mut new), [4, 5, 6, 7]);
}

#[test]
fn a_pipeline_ends_with_its_publisher() {
    let ring = gated(4);
    let mut first = ring.subscribe();
    let mut second = first.then().expect("a gated ring");
    ring.publish(1);
    drop(ring);
    assert_eq!(second.try_recv(), Err(TryRecvError::Empty), "the first has not been there");
    assert_eq!((first.recv(), second.recv()), (Ok(1), Ok(1)));
    assert_eq!(second.recv(), Err(RecvError::Closed(CloseReason::PublishersGone)));
}

#[test]
fn what_nobody_can_go_after_is_refused() {
    let (ring, other, lossy) = (gated::<u32>(1), gated::<u32>(1), lossy::<u32>(1));
    assert_eq!(lossy.subscribe().then().err(), Some(AfterError::Lossy));
    assert_eq!(lossy.subscribe_after(&[]).err(), Some(AfterError::Lossy));
    assert_eq!(ring.subscribe_after(&[]).err(), Some(AfterError::Nobody));
    assert_eq!(ring.subscribe_after(&[&other.subscribe()]).err(), Some(AfterError::OtherRing));
    assert_eq!(ring.figures().readers, 0, "who is refused does not stay");
}

#[test]
fn a_reader_is_told_that_the_one_ahead_has_left_events_unread_also_when_the_publishers_have_gone() {
    let ring = Ring::gated(8).expect("a capacity");
    let mut first = ring.subscribe();
    let mut second = first.then().expect("a gated ring");
    let mut whole = first.then().expect("a gated ring");
    ring.publish_batch(&[1, 2, 3]);
    assert_eq!(first.try_recv(), Ok(1));
    drop((first, ring));
    assert_eq!(second.try_recv(), Ok(1));
    assert_eq!(second.try_recv(), Err(TryRecvError::Closed(CloseReason::ReaderAheadGone)));
    assert_eq!(whole.try_recv(), Ok(1));
    assert_eq!(whole.try_recv(), Err(TryRecvError::Closed(CloseReason::ReaderAheadGone)));
}

#[test]
fn a_reader_that_has_read_all_is_told_that_the_publishers_have_gone() {
    let ring = Ring::gated(8).expect("a capacity");
    let mut first = ring.subscribe();
    let mut second = first.then().expect("a gated ring");
    ring.publish(1);
    assert_eq!(first.try_recv(), Ok(1));
    drop((first, ring));
    assert_eq!(second.try_recv(), Ok(1));
    assert_eq!(second.try_recv(), Err(TryRecvError::Closed(CloseReason::PublishersGone)));
}
