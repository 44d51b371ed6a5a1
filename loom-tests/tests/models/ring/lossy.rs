//! A lossy ring: what is overwritten stays for who reads it, and is dropped once.

use super::shared::{lossy, note_of_two, payload, payloads, reads};
use loom_tests::{Payload, pair, trio};
use pulsebus::TryRecvError;
use pulsebus::model::delivery::Doorbell;

/// An event is overwritten while it is read, before, or after: it stays whole as long as somebody reads it, and is dropped once.
#[test]
fn an_event_that_is_overwritten_stays_for_who_reads_it() {
    pair("lossy: publish, publish vs read", &["first", "lost", "busy"], |run| {
        let ring = lossy(1);
        let mut reader = ring.subscribe();
        ring.publish(payload(run));
        let (publisher, events) = (ring.clone(), payloads::<2>(run));
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
        note_of_two(run, one, two);
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
        let [first, second] = payloads(run);
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
        let [a, b, c] = payloads(run);
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

/// Who leaves what was replaced under it leaves that, and not what somebody else is reading now. (With bells between them: so many
/// changes of threads would not be explored otherwise.)
#[test]
fn who_was_overtaken_lets_nobody_else_out() {
    pair("lossy: overtaken, out and publish vs inside", &["read"], |run| {
        let ring = lossy(1);
        let mut overtaken = ring.subscribe();
        ring.publish(payload(run));
        let mut reader = ring.subscribe();
        let (here, [a, b]) = (ring.clone(), payloads(run));
        let (is_there, is_inside, is_over) = (Doorbell::new(), Doorbell::new(), Doorbell::new());
        let ((), read) = run.race(
            move || {
                let mut a = Some(a);
                let read = overtaken.try_read(1, |event| {
                    a.take().into_iter().for_each(|a| here.publish(a));
                    is_there.ring();
                    is_inside.wait(1);
                    event.run();
                });
                assert_eq!(read, Ok(1));
                here.publish(b);
                is_over.ring();
            },
            move || {
                is_there.wait(1);
                reader.try_read(1, |event| {
                    is_inside.ring();
                    is_over.wait(1);
                    event.run();
                })
            },
        );
        assert_eq!(read, Ok(1));
        run.note("read");
    });
}

/// The same, as it comes.
#[test]
fn who_was_overtaken_leaves_what_it_was_reading() {
    pair("lossy: overtaken, then publish vs read", &["read", "not"], |run| {
        let ring = lossy(1);
        let mut overtaken = ring.subscribe();
        ring.publish(payload(run));
        let mut reader = ring.subscribe();
        let (here, [a, b]) = (ring.clone(), payloads(run));
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
            // What it has lost it is told first.
            move || reads(&mut reader) || reads(&mut reader),
        );
        run.note_if(read, "read", "not");
    });
}
