//! Room: who holds publishers back, what fits, and waiting for it.

use crate::shared::{all, gated, lossy};
use pulsebus::{RecvTimeoutError, RingFull, RingPublisher, TryRecvError, Wait};
use std::time::Duration;

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
