//! The broadcast ring: what is read is whole, stays so while it is read, and is dropped once; and nobody who waits is forgotten.

use loom_tests::{Note, Payload, Run, pair, solo, trio};
use pulsebus::{CloseReason, RecvError, Ring, RingFull, RingPublisher, RingReader, TryRecvError};

fn gated<E>(capacity: usize) -> Ring<E> {
    Ring::gated(capacity).expect("a capacity")
}

fn lossy<E>(capacity: usize) -> Ring<E> {
    Ring::lossy(capacity).expect("a capacity")
}

fn payload(run: &Run) -> Payload {
    run.payload().0
}

/// Reads one event: is there one?
fn reads(reader: &mut RingReader<Payload>) -> bool {
    reader.try_read(1, Payload::run) == Ok(1)
}

// --- gated -----------------------------------------------------------------------------------------------------------

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
        let (one, two) = (payload(run), payload(run));
        let (keep, read) = run.race(
            move || {
                let _ = publisher.try_publish(one);
                let _ = publisher.try_publish(two);
                publisher
            },
            move || {
                let read = [reads(&mut reader), reads(&mut reader)];
                (read, reader)
            },
        );
        drop(keep);
        run.note(match read.0 {
            [true, true] => "both",
            [false, false] => "none",
            _ => "one",
        });
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
        let events = [payload(run), payload(run)];
        let [first, second] = events;
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
        run.note(match (one, two) {
            (true, true) => "both",
            (false, false) => "none",
            _ => "one",
        });
    });
}

/// A reader that joins holds back a publisher that has looked for readers before: what it may read is not overwritten.
#[test]
fn a_reader_that_joins_is_not_overtaken() {
    pair("gated: publish three times vs join, read", &["read", "nothing"], |run| {
        let ring = gated(1);
        let (publisher, events) = (ring.clone(), [payload(run), payload(run), payload(run)]);
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
        let events = [payload(run), payload(run), payload(run)];
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

/// Places that a batch has claimed and not used are passed over, also by a reader that waits.
#[test]
fn a_batch_that_is_cut_is_passed_over() {
    pair("gated: publish a cut batch vs read, waiting", &["read"], |run| {
        let ring = gated(4);
        let mut reader = ring.subscribe();
        let publisher = ring.clone();
        let (_, read) = run.race(
            move || {
                publisher.publish_iter(Cut(2));
                publisher.publish(7);
            },
            move || [reader.recv(), reader.recv()],
        );
        assert_eq!(read, [Ok(2), Ok(7)]);
        run.note("read");
    });
}

/// Places of which nothing came, as after a panic, are passed over beside another publisher, too. (A panic itself loom cannot follow: it
/// runs all threads on one of the system's, which is panicking or is not.)
#[test]
fn places_of_which_nothing_came_are_passed_over() {
    trio("gated: publish nothing vs publish vs read, waiting", &["read"], |run| {
        let ring = gated(4);
        let mut reader = ring.subscribe();
        let (empty, publisher, event) = (ring.clone(), ring.clone(), payload(run));
        let ((), (), read) = run.race3(
            move || empty.publish_iter(Empty),
            move || publisher.publish(event),
            move || reader.read(1, Payload::run),
        );
        assert_eq!(read, Ok(1));
        run.note("read");
    });
}

/// Also where something was written a round ago.
#[test]
fn what_was_there_a_round_ago_is_not_read_again() {
    solo("gated: publish, read, publish a cut batch", &["read"], |run| {
        let ring = gated(2);
        let mut reader = ring.subscribe();
        ring.publish_batch(&[1, 2]);
        assert_eq!([reader.try_recv(), reader.try_recv()], [Ok(1), Ok(2)]);
        ring.publish_iter(Cut(3));
        let first = reader.try_recv();
        ring.publish(4);
        let read = [first, reader.try_recv(), reader.try_recv()];
        assert_eq!(read, [Ok(3), Ok(4), Err(TryRecvError::Empty)]);
        run.note("read");
    });
}

/// Yields nothing, having promised something.
struct Empty;

impl Iterator for Empty {
    type Item = Payload;

    fn next(&mut self) -> Option<Payload> {
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (1, Some(1))
    }
}

impl ExactSizeIterator for Empty {}

/// Yields one, having promised more.
struct Cut(u32);

impl Iterator for Cut {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        Some(std::mem::take(&mut self.0)).filter(|n| *n > 0)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (2, Some(2))
    }
}

impl ExactSizeIterator for Cut {}

// --- the end ---------------------------------------------------------------------------------------------------------

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

// --- lossy -----------------------------------------------------------------------------------------------------------

/// An event is overwritten while it is read, before, or after: it stays whole as long as somebody reads it, and is dropped once.
#[test]
fn an_event_that_is_overwritten_stays_for_who_reads_it() {
    pair("lossy: publish, publish vs read", &["first", "lost", "busy"], |run| {
        let ring = lossy(1);
        let mut reader = ring.subscribe();
        ring.publish(payload(run));
        let (publisher, events) = (ring.clone(), [payload(run), payload(run)]);
        let ((), read) = run.race(
            move || events.into_iter().for_each(|event| publisher.publish(event)),
            move || {
                let read = reader.try_read(1, Payload::run);
                drop(reader);
                read
            },
        );
        run.note(match read {
            Ok(1) => "first",
            Err(TryRecvError::Lagged(lost)) => {
                assert!(lost == 1 || lost == 2);
                "lost"
            }
            Err(TryRecvError::Empty) => "busy",
            _ => panic!("{read:?}"),
        });
    });
}

/// Two readers are inside, and an event is published: the last of the three to be done drops what was read.
#[test]
fn the_last_one_out_drops_what_was_overwritten() {
    trio("lossy: publish vs read vs read", &["both", "one", "none"], |run| {
        let ring = lossy(1);
        let (mut one, mut two) = (ring.subscribe(), ring.subscribe());
        ring.publish(payload(run));
        let (publisher, event) = (ring.clone(), payload(run));
        let ((), one, two) =
            run.race3(move || publisher.publish(event), move || reads(&mut one), move || reads(&mut two));
        run.note(match (one, two) {
            (true, true) => "both",
            (false, false) => "none",
            _ => "one",
        });
    });
}

/// Two publishers at one place: the later one stays, whoever comes late.
#[test]
fn the_later_of_two_events_stays() {
    pair("lossy: publish vs publish, one place", &["one", "two"], |run| {
        let ring = lossy(1);
        let (one, two) = (ring.clone(), ring.clone());
        let mut reader = ring.subscribe();
        run.race(move || one.publish(1), move || two.publish(2));
        let lag = reader.try_recv();
        assert_eq!(lag, Err(TryRecvError::Lagged(1)));
        let read = reader.try_recv();
        assert_eq!(reader.try_recv(), Err(TryRecvError::Empty));
        run.note(match read {
            Ok(1) => "one",
            Ok(2) => "two",
            _ => panic!("{read:?}: the later one is gone"),
        });
    });
}

/// The same beside a reader, with events that are dropped once.
#[test]
fn two_publishers_and_a_reader_share_one_place() {
    trio("lossy: publish vs publish vs read", &["read", "not"], |run| {
        let ring = lossy(1);
        let mut reader = ring.subscribe();
        ring.publish(payload(run));
        let (one, two) = (ring.clone(), ring.clone());
        let (first, second) = (payload(run), payload(run));
        let ((), (), read) =
            run.race3(move || one.publish(first), move || two.publish(second), move || reads(&mut reader));
        assert!(reads(&mut ring.subscribe_oldest()), "the later one is there");
        run.note_if(read, "read", "not");
    });
}

/// Spare events go from hand to hand: two readers that were overtaken let go of theirs while two more are published.
#[test]
fn spare_nodes_are_handed_on() {
    pair("lossy: overtaken twice vs publish", &["done"], |run| {
        let ring = lossy(1);
        let (mut one, mut two) = (ring.subscribe(), ring.subscribe());
        ring.publish(payload(run));
        let (here, there) = (ring.clone(), ring.clone());
        let [a, b, c] = [payload(run), payload(run), payload(run)];
        run.race(
            move || {
                let mut a = Some(a);
                let _ = one.try_read(1, |event| {
                    a.take().into_iter().for_each(|a| here.publish(a));
                    event.run();
                });
                drop(one);
            },
            move || {
                let mut events = [b, c].into_iter();
                let _ = two.try_read(1, |event| {
                    events.next().into_iter().for_each(|b| there.publish(b));
                    event.run();
                });
                events.for_each(|event| there.publish(event));
                drop(two);
            },
        );
        run.note("done");
    });
}

/// Who leaves what was replaced under it leaves that, and not what somebody else is reading now.
#[test]
fn who_was_overtaken_leaves_what_it_was_reading() {
    pair("lossy: overtaken, then publish vs read", &["read", "not"], |run| {
        let ring = lossy(1);
        let mut overtaken = ring.subscribe();
        ring.publish(payload(run));
        let mut reader = ring.subscribe();
        let (here, [a, b]) = (ring.clone(), [payload(run), payload(run)]);
        let ((), read) = run.race(
            move || {
                let mut a = Some(a);
                let read = overtaken.try_read(1, |event| {
                    a.take().into_iter().for_each(|a| here.publish(a));
                    event.run();
                });
                assert_eq!(read, Ok(1));
                here.publish(b);
            },
            move || reads(&mut reader),
        );
        run.note_if(read, "read", "not");
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
