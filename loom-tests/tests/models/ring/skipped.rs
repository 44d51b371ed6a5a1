//! Places that were claimed and not used are passed over.

use super::shared::{gated, payload};
use loom_tests::{Payload, pair, solo, trio};
use pulsebus::TryRecvError;
use std::fmt::Debug;

/// Places that a batch has claimed and not used are passed over, also by a reader that waits.
#[test]
fn a_batch_that_is_cut_is_passed_over() {
    pair("gated: publish a cut batch vs read, waiting", &["read"], |run| {
        let ring = gated(4);
        let mut reader = ring.subscribe();
        let publisher = ring.clone();
        let (_, read) = run.race(
            move || {
                publisher.publish_iter(cut(2));
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

/// Also where something was written a round ago: what has nothing to drop, which the place forgets, and what has.
#[test]
fn what_was_there_a_round_ago_is_not_read_again() {
    solo("gated: publish, read, publish a cut batch", &["read"], |run| {
        goes_round(|n| n);
        goes_round(Box::new);
        run.note("read");
    });
}

fn goes_round<E: Clone + PartialEq + Debug>(event: impl Fn(u32) -> E) {
    let ring = gated(2);
    let mut reader = ring.subscribe();
    ring.publish_batch(&[event(1), event(2)]);
    assert_eq!([reader.try_recv(), reader.try_recv()], [Ok(event(1)), Ok(event(2))]);
    ring.publish_iter(cut(event(3)));
    let first = reader.try_recv();
    ring.publish(event(4));
    let read = [first, reader.try_recv(), reader.try_recv()];
    assert_eq!(read, [Ok(event(3)), Ok(event(4)), Err(TryRecvError::Empty)]);
}

/// Also by a reader that goes after another one, and looks at no round.
#[test]
fn a_reader_that_goes_after_another_passes_over_what_that_has() {
    solo("gated: publish a cut batch, read, read after it", &["read"], |run| {
        let ring = gated(4);
        let mut first = ring.subscribe();
        let mut second = first.then().expect("a gated ring");
        ring.publish_iter(cut(2));
        ring.publish(7);
        for reader in [&mut first, &mut second] {
            let read = [reader.try_recv(), reader.try_recv(), reader.try_recv()];
            assert_eq!(read, [Ok(2), Ok(7), Err(TryRecvError::Empty)]);
        }
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
struct Cut<E>(Option<E>);

fn cut<E>(event: E) -> Cut<E> {
    Cut(Some(event))
}

impl<E> Iterator for Cut<E> {
    type Item = E;

    fn next(&mut self) -> Option<E> {
        self.0.take()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (2, Some(2))
    }
}

impl<E> ExactSizeIterator for Cut<E> {}
