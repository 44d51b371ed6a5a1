//! Readers of a lossy ring that were overtaken: what they are told, and what they read meanwhile.

use crate::shared::{CAPACITIES, all, lossy};
use pulsebus::TryRecvError;

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
