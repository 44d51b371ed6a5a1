//! The broadcast ring: what each of its two kinds promises, one thread at a time.

mod common;

use pulsebus::{
    AfterError, CapacityError, CloseReason, RecvError, RecvTimeoutError, Ring, RingFull, RingPublisher, RingReader,
    TryRecvError, Wait,
};
use std::time::Duration;

/// Capacities that are powers of two and that are not.
const CAPACITIES: [usize; 6] = [1, 2, 3, 5, 8, 100];

fn lossy<E>(capacity: usize) -> Ring<E> {
    Ring::lossy(capacity).expect("a capacity")
}

fn gated<E>(capacity: usize) -> Ring<E> {
    Ring::gated(capacity).expect("a capacity")
}

fn all<E: Clone>(reader: &mut RingReader<E>) -> Vec<E> {
    reader.drain(usize::MAX).collect()
}

// --- capacities ------------------------------------------------------------------------------------------------------

#[test]
fn a_capacity_of_zero_is_refused() {
    assert_eq!(Ring::<u32>::lossy(0).err(), Some(CapacityError::Zero));
    assert_eq!(Ring::<u32>::gated(0).err(), Some(CapacityError::Zero));
    assert_eq!(RingPublisher::<u32>::gated(0).err(), Some(CapacityError::Zero));
}

#[test]
fn a_capacity_that_is_too_large_is_refused() {
    for asked in [Ring::<u8>::MAX_CAPACITY + 1, usize::MAX] {
        let error = CapacityError::TooLarge { asked, most: Ring::<u8>::MAX_CAPACITY };
        assert_eq!(Ring::<u8>::lossy(asked).err(), Some(error));
        assert_eq!(Ring::<u8>::gated(asked).err(), Some(error));
    }
    assert!(Ring::<u8>::lossy(Ring::<u8>::MAX_CAPACITY).is_ok());
    assert!(Ring::<u8>::gated(Ring::<u8>::MAX_CAPACITY).is_ok());
}

#[test]
fn a_lossy_ring_keeps_exactly_its_capacity() {
    for capacity in CAPACITIES {
        let ring = lossy(capacity);
        let mut reader = ring.subscribe();
        let count = capacity as u32 * 3 + 1;
        (0..count).for_each(|n| ring.publish(n));
        assert_eq!(reader.len(), capacity);
        assert_eq!(reader.try_recv(), Err(TryRecvError::Lagged(u64::from(count) - capacity as u64)));
        assert_eq!(all(&mut reader), (count - capacity as u32..count).collect::<Vec<_>>(), "capacity {capacity}");
        assert_eq!(reader.try_recv(), Err(TryRecvError::Empty));
    }
}

#[test]
fn a_gated_ring_has_room_for_exactly_its_capacity() {
    for capacity in CAPACITIES {
        let ring = gated(capacity);
        let mut publisher = RingPublisher::gated(capacity).expect("a capacity");
        let (mut reader, mut other) = (ring.subscribe(), publisher.subscribe());
        for round in 0..5 {
            for n in 0..capacity {
                assert_eq!(ring.try_publish(round * capacity + n), Ok(()));
                assert_eq!(publisher.try_publish(round * capacity + n), Ok(()));
            }
            assert_eq!(ring.try_publish(7), Err(RingFull(7)), "capacity {capacity}");
            assert_eq!(publisher.try_publish(7), Err(RingFull(7)), "capacity {capacity}");
            assert_eq!((reader.len(), other.len()), (capacity, capacity));
            let expected: Vec<_> = (round * capacity..(round + 1) * capacity).collect();
            assert_eq!(all(&mut reader), expected);
            assert_eq!(all(&mut other), expected);
        }
    }
}

// --- lag -------------------------------------------------------------------------------------------------------------

#[test]
fn the_lag_is_what_was_overwritten_and_is_said_once() {
    let ring = lossy(4);
    let mut reader = ring.subscribe();
    (0..4).for_each(|n| ring.publish(n));
    assert_eq!(reader.try_recv(), Ok(0));
    (4..8).for_each(|n| ring.publish(n));
    // 1, 2 and 3 were overwritten.
    assert_eq!(reader.try_recv(), Err(TryRecvError::Lagged(3)));
    assert_eq!(all(&mut reader), [4, 5, 6, 7]);
    assert_eq!(ring.figures().lost, 3);
}

#[test]
fn lagging_twice_before_reading_is_said_as_one() {
    let ring = lossy(2);
    let mut reader = ring.subscribe();
    ring.publish_batch(&[0, 1, 2]);
    ring.publish_batch(&[3, 4, 5]);
    assert_eq!(reader.try_recv(), Err(TryRecvError::Lagged(4)));
    // And again, before the oldest was read.
    ring.publish(6);
    assert_eq!(reader.try_recv(), Err(TryRecvError::Lagged(1)));
    assert_eq!(all(&mut reader), [5, 6]);
}

#[test]
fn each_reader_lags_for_itself() {
    let ring = lossy(3);
    let (mut quick, mut slow) = (ring.subscribe(), ring.subscribe());
    for n in 0..5 {
        ring.publish(n);
        assert_eq!(quick.try_recv(), Ok(n));
    }
    assert_eq!(slow.try_recv(), Err(TryRecvError::Lagged(2)));
    assert_eq!(all(&mut slow), [2, 3, 4]);
    assert_eq!(quick.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn a_batch_that_is_lent_ends_before_what_is_lost_and_a_drain_does_not_swallow_it() {
    let ring = lossy(2);
    let mut reader = ring.subscribe();
    ring.publish_batch(&[1, 2]);
    let mut read = Vec::new();
    let count = reader.try_read(8, |&n| {
        read.push(n);
        if n == 1 {
            // Overtakes the reader while it reads.
            ring.publish_batch(&[3, 4, 5]);
        }
    });
    assert_eq!((count, read), (Ok(1), vec![1]));
    assert!(all(&mut reader).is_empty());
    assert_eq!(reader.try_recv(), Err(TryRecvError::Lagged(2)));
    assert_eq!(all(&mut reader), [4, 5]);
}

#[test]
fn an_event_that_is_overwritten_while_it_is_read_stays_as_it_is() {
    for capacity in CAPACITIES {
        let ring = lossy(capacity);
        let mut reader = ring.subscribe();
        ring.publish("first".to_string());
        let overtaken = reader.try_read(1, |event| {
            for n in 0..capacity * 10 {
                ring.publish(n.to_string());
                assert_eq!(event, "first");
            }
        });
        assert_eq!(overtaken, Ok(1));
        assert!(ring.figures().spares <= 1, "one reader, one spare event");
        assert_eq!(reader.try_recv(), Err(TryRecvError::Lagged(capacity as u64 * 9)));
        assert_eq!(all(&mut reader).len(), capacity);
    }
}

// --- where readers begin ---------------------------------------------------------------------------------------------

#[test]
fn a_reader_gets_what_comes_after_it_has_subscribed() {
    for ring in [lossy(8), gated(8)] {
        ring.publish(1);
        let mut reader = ring.subscribe();
        ring.publish(2);
        assert_eq!(all(&mut reader), [2]);
    }
}

#[test]
fn the_oldest_of_a_lossy_ring_is_the_oldest_that_is_left() {
    let ring = lossy(3);
    assert!(all(&mut ring.subscribe_oldest()).is_empty());
    ring.publish_batch(&[1, 2]);
    assert_eq!(all(&mut ring.subscribe_oldest()), [1, 2]);
    ring.publish_batch(&[3, 4, 5]);
    assert_eq!(all(&mut ring.subscribe_oldest()), [3, 4, 5]);
}

#[test]
fn the_oldest_of_a_gated_ring_is_what_the_slowest_has_not_read() {
    let ring = gated(4);
    ring.publish_batch(&[1, 2]);
    assert!(all(&mut ring.subscribe_oldest()).is_empty(), "nobody was there to hold it");
    let (mut quick, mut slow) = (ring.subscribe(), ring.subscribe());
    ring.publish_batch(&[3, 4, 5]);
    assert_eq!(all(&mut quick), [3, 4, 5]);
    assert_eq!(slow.try_recv(), Ok(3));
    let mut late = ring.subscribe_oldest();
    drop(slow);
    assert_eq!(all(&mut quick).len(), 0);
    // It holds the publishers back in the other's stead.
    assert_eq!(ring.try_publish_batch(&[6, 7, 8]), Err(RingFull(&[6, 7, 8][..])));
    assert_eq!(all(&mut late), [4, 5]);
    assert_eq!(ring.try_publish_batch(&[6, 7, 8]), Ok(()));
}

// --- room ------------------------------------------------------------------------------------------------------------

#[test]
fn without_a_reader_nobody_holds_a_gated_ring_back() {
    let ring = gated(2);
    (0..100).for_each(|n| assert_eq!(ring.try_publish(n), Ok(())));
    let mut publisher = RingPublisher::gated(2).expect("a capacity");
    (0..100).for_each(|n| assert_eq!(publisher.try_publish(n), Ok(())));
}

#[test]
fn the_slowest_reader_holds_a_gated_ring_back_and_lets_go_when_it_leaves() {
    let ring = gated(2);
    let (mut quick, slow) = (ring.subscribe(), ring.subscribe());
    ring.publish_batch(&[1, 2]);
    assert_eq!(all(&mut quick), [1, 2]);
    assert_eq!(ring.try_publish(3), Err(RingFull(3)));
    assert_eq!((ring.figures().readers, ring.figures().waiting), (2, 2));
    drop(slow);
    assert_eq!((ring.figures().readers, ring.figures().waiting), (1, 0));
    assert_eq!(ring.try_publish(3), Ok(()));
}

#[test]
fn a_batch_fits_as_a_whole_or_not_at_all() {
    let ring = gated(4);
    let mut publisher = RingPublisher::gated(4).expect("a capacity");
    let (mut reader, mut other) = (ring.subscribe(), publisher.subscribe());
    assert_eq!(ring.try_publish_batch(&[1, 2]), Ok(()));
    assert_eq!(publisher.try_publish_batch(&[1, 2]), Ok(()));
    assert_eq!(ring.try_publish_batch(&[3, 4, 5]), Err(RingFull(&[3, 4, 5][..])));
    assert_eq!(publisher.try_publish_batch(&[3, 4, 5]), Err(RingFull(&[3, 4, 5][..])));
    // The iterator comes back unused.
    let RingFull(rest) = ring.try_publish_iter(3..6).expect_err("not enough room");
    assert_eq!(rest, 3..6);
    let RingFull(rest) = publisher.try_publish_iter(3..6).expect_err("not enough room");
    assert_eq!(rest, 3..6);
    assert_eq!((all(&mut reader), all(&mut other)), (vec![1, 2], vec![1, 2]));
    assert_eq!(ring.try_publish_iter(3..7).map_err(drop), Ok(()));
    assert_eq!(publisher.try_publish_iter(3..7).map_err(drop), Ok(()));
    assert_eq!((all(&mut reader), all(&mut other)), (vec![3, 4, 5, 6], vec![3, 4, 5, 6]));
    // More than it ever has room for.
    assert!(ring.try_publish_iter(0..5).is_err() && publisher.try_publish_iter(0..5).is_err());
}

#[test]
fn an_empty_batch_is_nothing() {
    for ring in [lossy(2), gated(2)] {
        let mut reader = ring.subscribe();
        ring.publish_batch(&[]);
        assert_eq!(ring.try_publish_batch(&[]), Ok(()));
        assert_eq!(reader.try_recv(), Err::<u32, _>(TryRecvError::Empty));
        assert_eq!(ring.figures().published, 0);
    }
}

#[test]
fn a_lossy_batch_larger_than_the_ring_leaves_its_end() {
    let ring = lossy(3);
    let mut reader = ring.subscribe();
    assert_eq!(ring.try_publish_batch(&[1, 2, 3, 4, 5, 6, 7]), Ok(()));
    assert_eq!(reader.try_recv(), Err(TryRecvError::Lagged(4)));
    assert_eq!(all(&mut reader), [5, 6, 7]);
}

#[test]
fn waiting_for_room_ends_with_its_time() {
    for wait in [Wait::Spin, Wait::Yield, Wait::Park] {
        let ring = gated(1).with_wait(wait);
        let mut publisher = RingPublisher::gated(1).expect("a capacity").with_wait(wait);
        let _readers = (ring.subscribe(), publisher.subscribe());
        ring.publish(1);
        publisher.publish(1);
        assert_eq!(ring.publish_timeout(2, Duration::from_millis(2)), Err(RingFull(2)));
        assert_eq!(publisher.publish_timeout(2, Duration::from_millis(2)), Err(RingFull(2)));
    }
}

#[test]
fn waiting_for_an_event_ends_with_its_time() {
    for ring in [lossy::<u32>(1), gated(1)] {
        for wait in [Wait::Spin, Wait::Yield, Wait::Park] {
            let mut reader = ring.subscribe();
            reader.set_wait(wait);
            assert_eq!(reader.recv_timeout(Duration::from_millis(2)), Err(RecvTimeoutError::Timeout));
            assert_eq!(reader.read_timeout(8, Duration::ZERO, |_| {}), Err(RecvTimeoutError::Timeout));
        }
    }
}

// --- iterators that do not keep their word ---------------------------------------------------------------------------

struct Lying(std::vec::IntoIter<u32>, usize);

impl Iterator for Lying {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.1, Some(self.1))
    }
}

impl ExactSizeIterator for Lying {
    fn len(&self) -> usize {
        self.1
    }
}

#[test]
fn an_iterator_that_yields_less_than_promised_leaves_no_hole() {
    for promised in [5, 8, 9, 1000, usize::MAX] {
        let mut publisher = RingPublisher::gated(8).expect("a capacity");
        let mut other = publisher.subscribe();
        publisher.publish_iter(Lying(vec![1, 2, 3].into_iter(), promised));
        publisher.publish(4);
        assert_eq!(all(&mut other), [1, 2, 3, 4]);
    }
    for promised in [5, 7] {
        for ring in [lossy(8), gated(8)] {
            let mut reader = ring.subscribe();
            ring.publish_iter(Lying(vec![1, 2, 3].into_iter(), promised));
            ring.publish(4);
            assert_eq!(all(&mut reader), [1, 2, 3, 4], "the places that were not used are passed over");
        }
    }
    // The places are used up all the same; then it ends.
    let ring = lossy(8);
    ring.publish_iter(Lying(vec![1, 2, 3].into_iter(), usize::MAX));
    assert_eq!(ring.figures().published, 8);
}

#[test]
fn an_iterator_that_yields_more_than_promised_is_cut() {
    for ring in [lossy(8), gated(8)] {
        let mut reader = ring.subscribe();
        ring.publish_iter(Lying(vec![1, 2, 3].into_iter(), 2));
        assert_eq!(all(&mut reader), [1, 2]);
    }
}

// --- the end ---------------------------------------------------------------------------------------------------------

#[test]
fn the_last_publisher_ends_the_stream_behind_what_it_has_published() {
    for ring in [lossy(4), gated(4)] {
        let mut reader = ring.subscribe();
        let other = ring.clone();
        ring.publish(1);
        drop(ring);
        other.publish(2);
        drop(other);
        assert_eq!((reader.recv(), reader.recv()), (Ok(1), Ok(2)));
        let gone = CloseReason::PublishersGone;
        assert_eq!(reader.recv(), Err(RecvError::Closed(gone)));
        assert_eq!(reader.try_recv(), Err(TryRecvError::Closed(gone)));
        assert_eq!(reader.recv_timeout(Duration::MAX), Err(RecvTimeoutError::Closed(gone)));
    }
}

#[test]
fn what_was_lost_is_said_also_after_the_end() {
    let ring = lossy(1);
    let mut reader = ring.subscribe();
    ring.publish_batch(&[1, 2]);
    drop(ring);
    assert_eq!((reader.recv(), reader.recv()), (Err(RecvError::Lagged(1)), Ok(2)));
    assert_eq!(reader.recv(), Err(RecvError::Closed(CloseReason::PublishersGone)));
}

// --- readers that go after others ------------------------------------------------------------------------------------

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
fn skipped_places_are_skipped_by_those_who_go_after() {
    let ring = gated(8);
    let mut first = ring.subscribe();
    let mut second = first.then().expect("a gated ring");
    ring.publish_iter(Lying(vec![1, 2].into_iter(), 4));
    ring.publish(3);
    assert_eq!(all(&mut first), [1, 2, 3]);
    assert_eq!(all(&mut second), [1, 2, 3]);
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

// --- limits ----------------------------------------------------------------------------------------------------------

#[test]
fn there_are_at_most_so_many_readers_and_places_become_free() {
    let ring = lossy::<u32>(1);
    let mut readers: Vec<_> = (0..16_383).map(|_| ring.subscribe()).collect();
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ring.subscribe())).expect_err("one too many");
    readers.pop();
    readers.push(ring.subscribe());
    ring.publish(1);
    assert!(readers.iter_mut().all(|reader| reader.try_recv() == Ok(1)));
    assert_eq!(ring.figures().readers, 16_383);
}
