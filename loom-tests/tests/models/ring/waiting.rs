//! Who waits, for room, for an event, or for the end, is not forgotten.

use super::shared::{gated, lossy, payload};
use loom_tests::{Payload, pair, trio};
use pulsebus::{CloseReason, RecvError, Ring};

/// A publisher that waits for room goes on when the reader that holds it back reads, or leaves.
#[test]
fn a_publisher_that_waits_goes_on() {
    pair("gated: publish, waiting vs read or leave", &["went on"], |run| {
        let ring = gated(1);
        let (mut reader, leaving) = (ring.subscribe(), ring.subscribe());
        ring.publish(1);
        let publisher = ring.clone();
        run.race(
            move || publisher.publish(2),
            move || {
                assert_eq!(reader.try_recv(), Ok(1));
                drop(leaving);
                reader
            },
        );
        run.note("went on");
    });
}

/// A publisher that is held back by a reader that is just joining goes on when it has joined, though it has read nothing.
#[test]
fn a_publisher_that_waits_for_who_is_joining_goes_on() {
    pair("gated: publish twice, waiting vs join, read to the end", &["went on"], |run| {
        let ring = gated(1);
        let joining = ring.clone();
        run.race(
            move || {
                ring.publish(1);
                ring.publish(2);
            },
            move || {
                let mut reader = joining.subscribe();
                drop(joining);
                while reader.recv().is_ok() {}
            },
        );
        run.note("went on");
    });
}

/// A reader that waits is woken.
#[test]
fn a_reader_that_waits_is_woken() {
    pair("lossy: publish vs receive", &["received"], |run| {
        let ring = lossy(2);
        let mut reader = ring.subscribe();
        let publisher = ring.clone();
        let ((), got) = run.race(move || publisher.publish(1), move || reader.recv());
        assert_eq!(got, Ok(1));
        run.note("received");
    });
}

/// A reader that waits finds what was published, and then the end.
#[test]
fn a_reader_that_waits_finds_the_end_behind_what_was_published() {
    for (name, make) in [("gated", gated as fn(usize) -> Ring<u32>), ("lossy", lossy)] {
        pair(&format!("{name}: publish, drop vs receive"), &["closed"], move |run| {
            let ring = make(1);
            let mut reader = ring.subscribe();
            let keep = ring.subscribe();
            let ((), (reader, got)) = run.race(
                move || {
                    ring.publish(1);
                    drop(ring);
                },
                move || {
                    let got = [reader.recv(), reader.recv()];
                    (reader, got)
                },
            );
            assert_eq!(got, [Ok(1), Err(RecvError::Closed(CloseReason::PublishersGone))]);
            drop((reader, keep));
            run.note("closed");
        });
    }
}

/// What another handle has published comes before the end that the last one makes.
#[test]
fn the_end_comes_after_what_all_handles_have_published() {
    trio("lossy: publish, drop vs drop vs receive", &["closed"], |run| {
        let ring = lossy(1);
        let mut reader = ring.subscribe();
        let keep = ring.subscribe();
        let other = ring.clone();
        let event = payload(run);
        let ((), (), reader) = run.race3(
            move || {
                ring.publish(event);
                drop(ring);
            },
            move || drop(other),
            move || {
                assert_eq!(reader.read(1, Payload::run), Ok(1));
                assert_eq!(reader.read(1, Payload::run), Err(RecvError::Closed(CloseReason::PublishersGone)));
                reader
            },
        );
        drop((reader, keep));
        run.note("closed");
    });
}
