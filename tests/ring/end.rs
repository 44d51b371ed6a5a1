//! The end comes behind all that was published, and behind what was lost.

use crate::shared::{LONG, gated, lossy, single};
use pulsebus::{CloseReason, RecvError, RecvTimeoutError, TryRecvError};
use std::time::Duration;

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

#[test]
fn a_reader_that_goes_by_what_it_knows_finds_the_rest_and_the_end() {
    let mut publisher = single(16);
    let (mut reader, mut waiting) = (publisher.subscribe(), publisher.subscribe());
    publisher.publish_iter(0..6);
    assert_eq!(reader.try_read(4, |_| ()), Ok(4));
    assert_eq!(waiting.try_read(4, |_| ()), Ok(4));
    publisher.publish_iter(6..12);
    drop(publisher);
    let mut found = Vec::new();
    let end = loop {
        match reader.try_read(64, |event| found.push(*event)) {
            Ok(count) => assert!(count > 0),
            Err(error) => break error,
        }
    };
    assert_eq!((found, end), ((4..12).collect(), TryRecvError::Closed(CloseReason::PublishersGone)));
    assert_eq!(waiting.drain(99).collect::<Vec<_>>(), (4..12).collect::<Vec<_>>());
    assert_eq!(waiting.recv_timeout(LONG), Err(RecvTimeoutError::Closed(CloseReason::PublishersGone)));
}
