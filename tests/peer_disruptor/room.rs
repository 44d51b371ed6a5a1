//! Capacities, and publishers that find the ring full.

use crate::shared::{Publisher, rest};
use pulsebus::{CapacityError, Ring, RingFull, RingPublisher};
use std::thread;

#[test]
fn any_capacity_but_zero_will_do_power_of_two_or_not() {
    for capacity in [1, 2, 3, 7, 32, 63, 64, 65] {
        for mut publisher in Publisher::both(capacity) {
            let mut reader = publisher.subscribe();
            publisher.publish_iter((0..capacity as u32).collect::<Vec<_>>().into_iter());
            assert_eq!(publisher.try_publish(0), Err(RingFull(0)));
            assert_eq!(rest(&mut reader).len(), capacity);
        }
    }
    assert_eq!(Ring::<u32>::gated(0).err(), Some(CapacityError::Zero));
    assert_eq!(RingPublisher::<u32>::gated(0).err(), Some(CapacityError::Zero));
}

#[test]
fn a_full_ring_stays_full_until_its_reader_goes_on() {
    for mut publisher in Publisher::both(4) {
        let mut reader = publisher.subscribe();
        (0..4).for_each(|n| assert_eq!(publisher.try_publish(n), Ok(())));
        for _ in 0..3 {
            assert_eq!(publisher.try_publish(4), Err(RingFull(4)));
        }
        assert_eq!(reader.try_recv(), Ok(0));
        assert_eq!(publisher.try_publish(4), Ok(()));
        assert_eq!(publisher.try_publish(5), Err(RingFull(5)));
        drop(publisher);
        assert_eq!(rest(&mut reader), [1, 2, 3, 4]);
    }
}

#[test]
fn a_full_ring_is_full_for_every_publisher() {
    let ring = Ring::gated(64).expect("a capacity");
    let (mut reader, other) = (ring.subscribe(), ring.clone());
    (0..64).for_each(|n| assert_eq!(ring.try_publish(n), Ok(())));
    assert_eq!((ring.try_publish(64), other.try_publish(64)), (Err(RingFull(64)), Err(RingFull(64))));
    // Each of them waits, and gets room when there is some.
    thread::scope(|scope| {
        scope.spawn(|| ring.publish(64));
        scope.spawn(|| other.publish(65));
        (0..64).for_each(|n| assert_eq!(reader.recv(), Ok(n)));
        let mut last = [reader.recv().expect("two are on their way"), reader.recv().expect("two are on their way")];
        last.sort_unstable();
        assert_eq!(last, [64, 65]);
    });
}

#[test]
fn a_ring_is_full_by_the_slowest_of_its_readers() {
    for mut publisher in Publisher::both(4) {
        let mut readers = [publisher.subscribe(), publisher.subscribe(), publisher.subscribe()];
        (0..4).for_each(|n| publisher.publish(n));
        let (slowest, others) = readers.split_last_mut().expect("three");
        for reader in others {
            assert_eq!(rest(reader), [0, 1, 2, 3]);
            assert!(publisher.try_publish(4).is_err());
        }
        assert_eq!(slowest.try_recv(), Ok(0));
        assert_eq!(publisher.try_publish(4), Ok(()));
        assert!(publisher.try_publish(5).is_err());
    }
}
