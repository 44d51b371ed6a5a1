//! Places that were claimed and not used are passed over.

use super::shared::{gated, payload};
use loom_tests::{Payload, pair, solo, trio};
use pulsebus::TryRecvError;

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
