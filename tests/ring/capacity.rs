//! Capacities: kept exactly, and refused where there is no memory for them, as those of event loops are.

use crate::shared::{CAPACITIES, all, gated, lossy};
use pulsebus::{CapacityError, EventLoop, Ring, RingFull, RingPublisher, TryRecvError};
use std::thread;

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

#[test]
fn what_there_is_no_memory_for_is_refused_and_nothing_aborts() {
    let refused = CapacityError::NoMemory { asked: 1 << 50 };
    assert_eq!(EventLoop::bounded(1 << 50).err(), Some(refused));
    // More than addresses: 2^48 bytes.
    type Large = [u8; 1 << 26];
    let asked = 1 << 22;
    let rings = move || [Ring::<Large>::lossy(asked).err(), Ring::<Large>::gated(asked).err()];
    // Room on the stack for one, in case that a compiler wants it.
    let made = thread::Builder::new().stack_size(1 << 30).spawn(rings).expect("a thread");
    assert_eq!(made.join().expect("nothing panics"), [Some(CapacityError::NoMemory { asked }); 2]);
}
