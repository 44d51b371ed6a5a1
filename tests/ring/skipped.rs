//! Places that were claimed and not used, by iterators that break off or do not keep their word: readers pass them over.

use crate::shared::{all, gated, lossy, panics, single};
use pulsebus::{CloseReason, RingPublisher, TryRecvError};

/// Yields some numbers, and promises so many.
struct Lying(std::vec::IntoIter<u32>, usize);

impl Iterator for Lying {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.1, Some(self.1))
    }
}

impl ExactSizeIterator for Lying {
    fn len(&self) -> usize {
        self.1
    }
}

#[test]
fn an_iterator_that_yields_less_than_promised_leaves_no_hole() {
    for promised in [5, 8, 9, 1000, usize::MAX] {
        let mut publisher = RingPublisher::gated(8).expect("a capacity");
        let mut other = publisher.subscribe();
        publisher.publish_iter(Lying(vec![1, 2, 3].into_iter(), promised));
        publisher.publish(4);
        assert_eq!(all(&mut other), [1, 2, 3, 4]);
    }
    for promised in [5, 7] {
        for ring in [lossy(8), gated(8)] {
            let mut reader = ring.subscribe();
            ring.publish_iter(Lying(vec![1, 2, 3].into_iter(), promised));
            ring.publish(4);
            assert_eq!(all(&mut reader), [1, 2, 3, 4], "the places that were not used are passed over");
        }
    }
    // The places are used up all the same; then it ends.
    let ring = lossy(8);
    ring.publish_iter(Lying(vec![1, 2, 3].into_iter(), usize::MAX));
    assert_eq!(ring.figures().published, 8);
}

#[test]
fn an_iterator_that_yields_more_than_promised_is_cut() {
    for ring in [lossy(8), gated(8)] {
        let mut reader = ring.subscribe();
        ring.publish_iter(Lying(vec![1, 2, 3].into_iter(), 2));
        assert_eq!(all(&mut reader), [1, 2]);
    }
}

#[test]
fn skipped_places_are_skipped_by_those_who_go_after() {
    let ring = gated(8);
    let mut first = ring.subscribe();
    let mut second = first.then().expect("a gated ring");
    ring.publish_iter(Lying(vec![1, 2].into_iter(), 4));
    ring.publish(3);
    assert_eq!(all(&mut first), [1, 2, 3]);
    assert_eq!(all(&mut second), [1, 2, 3]);
}

/// Yields numbers, and panics at one of them.
struct Breaking {
    next: u32,
    at: u32,
    len: u32,
}

impl Iterator for Breaking {
    type Item = String;
    fn next(&mut self) -> Option<String> {
        assert_ne!(self.next, self.at, "no such number");
        self.next += 1;
        (self.next <= self.len).then(|| (self.next - 1).to_string())
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        ((self.len - self.next) as usize, Some((self.len - self.next) as usize))
    }
}

impl ExactSizeIterator for Breaking {}

#[test]
fn a_batch_that_breaks_off_in_whatever_run_leaves_what_came_before_and_the_ring_goes_on() {
    for at in [0, 1, 31, 32, 33, 63, 64, 65, 99] {
        let (ring, mut publisher) = (gated(100), single(100));
        let (mut marked, mut plain) = (ring.subscribe(), publisher.subscribe());
        let mut after = marked.then().expect("a gated ring");
        // Also where there was something before.
        for _ in 0..3 {
            panics(|| ring.publish_iter(Breaking { next: 0, at, len: 100 }));
            panics(|| publisher.publish_iter(Breaking { next: 0, at, len: 100 }));
            let expected: Vec<String> = (0..at).map(|number| number.to_string()).collect();
            assert_eq!(marked.drain(usize::MAX).collect::<Vec<_>>(), expected);
            assert_eq!(plain.drain(usize::MAX).collect::<Vec<_>>(), expected);
            assert_eq!(after.drain(usize::MAX).collect::<Vec<_>>(), expected);
            ring.publish("next".into());
            publisher.publish("next".into());
            assert_eq!(marked.recv().as_deref(), Ok("next"));
            assert_eq!(after.recv().as_deref(), Ok("next"));
            assert_eq!(plain.recv().as_deref(), Ok("next"));
            assert_eq!(marked.try_recv(), Err(TryRecvError::Empty));
        }
    }
}

#[test]
fn a_reader_behind_skipped_places_only_is_at_the_end() {
    let ring = gated::<String>(64);
    let mut first = ring.subscribe();
    let mut second = first.then().expect("a gated ring");
    panics(|| ring.publish_iter(Breaking { next: 0, at: 0, len: 60 }));
    assert_eq!(second.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(first.try_recv(), Err(TryRecvError::Empty));
    drop(ring);
    assert_eq!(second.try_recv(), Err(TryRecvError::Closed(CloseReason::PublishersGone)));
    assert_eq!(first.try_recv(), Err(TryRecvError::Closed(CloseReason::PublishersGone)));
}
