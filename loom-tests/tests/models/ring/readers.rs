//! Readers of a gated ring that join, leave, and go after each other, beside those who publish.

use super::shared::{gated, payload, payloads, reads};
use loom_tests::{Note, pair, solo, trio};
use pulsebus::{CloseReason, RingPublisher, TryRecvError};

/// A reader that joins holds back a publisher that has looked for readers before: what it may read is not overwritten.
#[test]
fn a_reader_that_joins_is_not_overtaken() {
    pair("gated: publish three times vs join, read", &["read", "nothing"], |run| {
        let ring = gated(1);
        let (publisher, events) = (ring.clone(), payloads::<3>(run));
        let joining = ring.clone();
        let ((), (read, _reader)) = run.race(
            move || events.into_iter().for_each(|event| drop(publisher.try_publish(event))),
            move || {
                let mut reader = joining.subscribe();
                (reads(&mut reader), reader)
            },
        );
        run.note_if(read, "read", "nothing");
    });
}

/// The same with a single publisher.
#[test]
fn a_reader_that_joins_is_not_overtaken_by_a_single_publisher() {
    pair("gated, single: publish vs join by another's record", &["read", "nothing"], |run| {
        let mut publisher = RingPublisher::gated(1).expect("a capacity");
        let first = publisher.subscribe();
        let events = payloads::<3>(run);
        // It joins where the first is, which then moves on and leaves.
        let (publisher, read) = run.race(
            move || {
                events.into_iter().for_each(|event| drop(publisher.try_publish(event)));
                publisher
            },
            move || {
                let mut first = first;
                let mut second = first.then().expect("gated");
                let read = reads(&mut first);
                assert_eq!(reads(&mut second), read);
                drop(first);
                (read, second)
            },
        );
        drop(publisher);
        run.note_if(read.0, "read", "nothing");
    });
}

/// A reader that begins where the slowest is finds all that the slowest has not read, though that moves on and leaves.
#[test]
fn a_reader_that_joins_at_the_oldest_is_not_overtaken() {
    trio("gated: publish vs read, leave vs join at the oldest, read", &["oldest", "later", "nothing"], |run| {
        let ring = gated(1);
        let slow = ring.subscribe();
        ring.publish(1);
        let (publisher, joining) = (ring.clone(), ring.clone());
        let ((), (), (read, _reader)) = run.race3(
            move || {
                let _ = publisher.try_publish(2);
            },
            move || {
                let mut slow = slow;
                assert_eq!(slow.try_recv(), Ok(1));
            },
            move || {
                let mut reader = joining.subscribe_oldest();
                (reader.try_recv(), reader)
            },
        );
        run.note(match read {
            Ok(1) => "oldest",
            Ok(2) => "later",
            Err(TryRecvError::Empty) => "nothing",
            _ => panic!("{read:?}"),
        });
    });
}

/// A reader goes after another: it sees what that one has done with the event, and holds the publisher back when that one is past it.
#[test]
fn a_reader_that_goes_after_another_sees_what_that_has_done() {
    trio("gated: publish vs read vs read after", &["all", "first", "full"], |run| {
        let ring = gated(1);
        let mut first = ring.subscribe();
        let mut second = first.then().expect("gated");
        let (done, seen) = (Note::default(), Note::default());
        let (done2, seen2) = (done.clone(), seen);
        ring.publish(payload(run));
        let (publisher, event) = (ring.clone(), payload(run));
        let (published, (first, _one), (second, _two)) = run.race3(
            move || publisher.try_publish(event).is_ok(),
            move || {
                (
                    first.try_read(1, |event| {
                        event.run();
                        done.write(1);
                    }),
                    first,
                )
            },
            move || {
                let read = second.try_read(1, |event| {
                    event.run();
                    assert_eq!(done2.read(), 1);
                    seen2.write(1);
                });
                (read, second)
            },
        );
        assert_eq!(first, Ok(1));
        assert!(!published || second == Ok(1));
        run.note(match (published, second) {
            (true, _) => "all",
            (false, Ok(_)) => "first",
            (false, _) => "full",
        });
    });
}

/// A record serves one reader after the other: what the first has read comes before what overwrites it, though only the second is
/// looked at.
#[test]
fn a_record_is_handed_on() {
    trio("gated: read, leave vs join vs publish", &["published", "full"], |run| {
        let ring = gated(1);
        let mut leaving = ring.subscribe();
        ring.publish(payload(run));
        let (joining, publisher, event) = (ring.clone(), ring.clone(), payload(run));
        let ((), _reader, published) = run.race3(
            move || {
                assert!(reads(&mut leaving));
                drop(leaving);
            },
            move || joining.subscribe(),
            move || publisher.try_publish(event).is_ok(),
        );
        run.note_if(published, "published", "full");
    });
}

/// A record stays its reader's until those have gone that go after it, too.
#[test]
fn a_record_stays_for_those_who_go_after_it() {
    solo("gated: leave, join, read after", &["the end"], |run| {
        let ring = gated(2);
        let mut first = ring.subscribe();
        let mut second = first.then().expect("gated");
        ring.publish(1);
        assert_eq!(first.try_recv(), Ok(1));
        drop(first);
        let mut other = ring.subscribe();
        ring.publish(2);
        assert_eq!(other.try_recv(), Ok(2));
        assert_eq!(second.try_recv(), Ok(1));
        assert_eq!(second.try_recv(), Err(TryRecvError::Closed(CloseReason::ReaderAheadGone)));
        run.note("the end");
    });
}
