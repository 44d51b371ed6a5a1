//! A gated ring: publishers share its places with each other and with readers, and use none before it has been read.

use super::shared::{gated, note_of_two, payload, payloads, reads};
use loom_tests::{pair, solo, trio};
use pulsebus::{RingFull, RingPublisher};

/// What is published is read whole, or not yet.
#[test]
fn an_event_is_read_whole() {
    pair("gated: publish vs read", &["read", "not yet"], |run| {
        let ring = gated(1);
        let mut reader = ring.subscribe();
        let event = payload(run);
        let publisher = ring.clone();
        let ((), read) = run.race(move || publisher.publish(event), move || reads(&mut reader));
        run.note_if(read, "read", "not yet");
    });
}

/// The place is used again when the reader is past it, and not before: what it was reading is dropped after that.
#[test]
fn a_place_is_used_again_when_all_have_read_it() {
    trio("gated: publish vs read vs read", &["room", "full"], |run| {
        let ring = gated(1);
        let (mut one, mut two) = (ring.subscribe(), ring.subscribe());
        ring.publish(payload(run));
        let (publisher, event) = (ring.clone(), payload(run));
        let (published, one, two) =
            run.race3(move || publisher.try_publish(event).is_ok(), move || reads(&mut one), move || reads(&mut two));
        assert!(one && two);
        run.note_if(published, "room", "full");
    });
}

/// The same with a single publisher, which has no marks.
#[test]
fn a_single_publisher_and_a_reader_share_a_place() {
    pair("gated, single: publish twice vs read twice", &["both", "one", "none"], |run| {
        let mut publisher = RingPublisher::gated(1).expect("a capacity");
        let mut reader = publisher.subscribe();
        let kept = publisher.subscribe();
        drop(kept);
        let [one, two] = payloads(run);
        let (keep, (one, two, reader)) = run.race(
            move || {
                let _ = publisher.try_publish(one);
                let _ = publisher.try_publish(two);
                publisher
            },
            move || {
                let (one, two) = (reads(&mut reader), reads(&mut reader));
                (one, two, reader)
            },
        );
        drop((keep, reader));
        note_of_two(run, one, two);
    });
}

/// Two publishers: two places, in one row.
#[test]
fn two_publishers_have_two_places() {
    pair("gated: publish vs publish", &["one first", "two first"], |run| {
        let ring = gated(2);
        let mut reader = ring.subscribe();
        let (one, two) = (ring.clone(), ring.clone());
        run.race(move || one.publish(1), move || two.publish_batch(&[2]));
        let mut read = Vec::new();
        assert_eq!(reader.try_read(8, |n| read.push(*n)), Ok(2));
        run.note(match read[..] {
            [1, 2] => "one first",
            [2, 1] => "two first",
            _ => panic!("{read:?}"),
        });
    });
}

/// Without a reader, or with one that came later, publishers do not overtake each other in one place.
#[test]
fn two_publishers_take_turns_at_one_place() {
    pair("gated: publish vs publish, one place", &["both", "behind"], |run| {
        let ring = gated(1);
        let (one, two) = (ring.clone(), ring.clone());
        let [first, second] = payloads(run);
        let (first, second) = run.race(move || one.try_publish(first).is_ok(), move || two.try_publish(second).is_ok());
        assert!(first || second);
        run.note_if(first && second, "both", "behind");
    });
}

/// What one publisher has found out about the readers, another one goes by.
#[test]
fn a_publisher_goes_by_what_another_has_looked_up() {
    trio("gated: read twice vs publish vs publish", &["both", "one", "none"], |run| {
        let ring = gated(2);
        let mut reader = ring.subscribe();
        ring.publish(payload(run));
        ring.publish(payload(run));
        let (one, two, first, second) = (ring.clone(), ring.clone(), payload(run), payload(run));
        let (_reader, one, two) = run.race3(
            move || {
                assert!(reads(&mut reader) && reads(&mut reader));
                reader
            },
            move || one.try_publish(first).is_ok(),
            move || two.try_publish(second).is_ok(),
        );
        note_of_two(run, one, two);
    });
}

/// What was full stays full for who looks alone.
#[test]
fn alone_all_is_exact() {
    solo("gated: alone", &["full"], |run| {
        let ring = gated(1);
        let mut reader = ring.subscribe();
        ring.publish(1);
        assert_eq!(ring.try_publish(2), Err(RingFull(2)));
        assert_eq!(reader.try_recv(), Ok(1));
        assert_eq!(ring.try_publish(2), Ok(()));
        run.note("full");
    });
}
