//! Where readers begin, and how many there may be.

use crate::shared::{all, gated, lossy};
use pulsebus::RingFull;

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
