//! Our rings: gated with several publishers and with a single one, and lossy, whose publishers are held back by a
//! `credit`.

use std::iter;

use pulsebus::{Ring, RingPublisher, RingReader, TryRecvError, Wait};

use crate::delivery::CAPACITY;
use crate::delivery::credit::{Allowance, Credit, Progress};
use crate::delivery::event::{Event, Sum};
use crate::delivery::stream::{Pace, Receiving, Sending, Stream};
use crate::delivery::waiting::Waiting;
use crate::scenario::Contestant;

/// Publishes to a gated ring.
#[derive(Clone)]
pub struct Out<const W: usize, const BLOCKS: bool> {
    ring: Ring<Event<W>>,
    waiting: Waiting,
}

/// The only one that publishes to a gated ring.
pub struct Single<const W: usize, const BLOCKS: bool> {
    publisher: RingPublisher<Event<W>>,
    waiting: Waiting,
}

/// Publishes to a lossy ring.
pub struct Lossy<const W: usize> {
    ring: Ring<Event<W>>,
    allowance: Allowance,
}

/// Reads a gated ring.
pub struct In<const W: usize, const BLOCKS: bool>(RingReader<Event<W>>);

/// Reads a lossy ring.
pub struct LossyIn<const W: usize, const BLOCKS: bool> {
    reader: In<W, BLOCKS>,
    progress: Progress,
}

/// A fresh gated ring for several publishers.
pub fn open<const W: usize, const BLOCKS: bool>(
    senders: usize,
    receivers: usize,
) -> Stream<Out<W, BLOCKS>, In<W, BLOCKS>> {
    let ring = Ring::gated(CAPACITY).expect("there is memory");
    let out = Out { ring, waiting: Waiting::busy_if_possible(senders + receivers) };
    let receivers = iter::repeat_with(|| In(out.ring.subscribe())).take(receivers).collect();
    Stream { senders: iter::repeat_n(out, senders).collect(), receivers }
}

/// A fresh gated ring for a single publisher.
pub fn open_single<const W: usize, const BLOCKS: bool>(receivers: usize) -> Stream<Single<W, BLOCKS>, In<W, BLOCKS>> {
    let waiting = Waiting::busy_if_possible(1 + receivers);
    let publisher = RingPublisher::gated(CAPACITY).expect("there is memory");
    let receivers = iter::repeat_with(|| In(publisher.subscribe())).take(receivers).collect();
    Stream { senders: vec![Single { publisher, waiting }], receivers }
}

/// Nobody ever sleeps: in both ways to wait, readers in any shape.
pub fn enter_awake<const W: usize>(
    readers: impl Fn(&RingPublisher<Event<W>>) -> Vec<RingReader<Event<W>>>,
    pace: Pace,
) -> [Contestant; 2] {
    [
        open_awake::<W, false>(&readers, pace.waiting).enter("pulsebus ring, single publisher", pace),
        open_awake::<W, true>(&readers, pace.waiting).enter("pulsebus ring, single publisher, blocking", pace),
    ]
}

fn open_awake<const W: usize, const BLOCKS: bool>(
    readers: impl Fn(&RingPublisher<Event<W>>) -> Vec<RingReader<Event<W>>>,
    waiting: Waiting,
) -> Stream<Single<W, BLOCKS>, In<W, BLOCKS>> {
    let wait = match waiting {
        Waiting::Spin => Wait::Spin,
        Waiting::Yield => Wait::Yield,
    };
    let publisher = RingPublisher::gated(CAPACITY).expect("there is memory").with_wait(wait);
    let receivers = readers(&publisher).into_iter().map(In).collect();
    Stream { senders: vec![Single { publisher, waiting }], receivers }
}

/// A fresh lossy ring.
pub fn open_lossy<const W: usize, const BLOCKS: bool>(
    senders: usize,
    receivers: usize,
) -> Stream<Lossy<W>, LossyIn<W, BLOCKS>> {
    let ring = Ring::lossy(CAPACITY).expect("there is memory");
    let credit = Credit::new(receivers);
    let reader = |receiver| LossyIn { reader: In(ring.subscribe()), progress: Progress::new(&credit, receiver) };
    let receivers = (0..receivers).map(reader).collect();
    let out = || Lossy { ring: ring.clone(), allowance: Allowance::new(&credit) };
    Stream { senders: iter::repeat_with(out).take(senders).collect(), receivers }
}

impl<const W: usize, const BLOCKS: bool> Sending<W> for Out<W, BLOCKS> {
    #[inline]
    fn send(&mut self, events: &[Event<W>]) {
        match events {
            [event] if BLOCKS => self.ring.publish_with(|| *event),
            [event] => self.waiting.until(|| self.ring.try_publish_with(|| *event).ok()),
            _ if BLOCKS => self.ring.publish_batch(events),
            _ => self.waiting.until(|| self.ring.try_publish_batch(events).ok()),
        }
    }
}

impl<const W: usize, const BLOCKS: bool> Sending<W> for Single<W, BLOCKS> {
    #[inline]
    fn send(&mut self, events: &[Event<W>]) {
        let (publisher, waiting) = (&mut self.publisher, self.waiting);
        match events {
            [event] if BLOCKS => publisher.publish_with(|| *event),
            [event] => waiting.until(|| publisher.try_publish_with(|| *event).ok()),
            _ if BLOCKS => publisher.publish_batch(events),
            _ => waiting.until(|| publisher.try_publish_batch(events).ok()),
        }
    }
}

impl<const W: usize> Sending<W> for Lossy<W> {
    #[inline]
    fn send(&mut self, events: &[Event<W>]) {
        self.allowance.wait_for(events.len());
        match events {
            [event] => self.ring.publish_with(|| *event),
            _ => self.ring.publish_batch(events),
        }
    }
}

impl<const W: usize, const BLOCKS: bool> In<W, BLOCKS> {
    #[inline]
    fn try_receive(&mut self, most: usize, sum: &mut Sum) -> usize {
        match self.0.try_read(most, |event| sum.add(event)) {
            Ok(received) => received,
            Err(TryRecvError::Empty) => 0,
            Err(error) => panic!("pulsebus ring: {error}"),
        }
    }

    #[inline]
    fn wait(&mut self, most: usize, sum: &mut Sum) -> usize {
        self.0.read(most, |event| sum.add(event)).expect("there is a publisher, and nothing is overwritten")
    }
}

impl<const W: usize, const BLOCKS: bool> Receiving<W> for In<W, BLOCKS> {
    #[inline]
    fn receive(&mut self, most: usize, sum: &mut Sum) -> usize {
        if BLOCKS { self.wait(most, sum) } else { self.try_receive(most, sum) }
    }
}

impl<const W: usize, const BLOCKS: bool> Receiving<W> for LossyIn<W, BLOCKS> {
    #[inline]
    fn receive(&mut self, most: usize, sum: &mut Sum) -> usize {
        let mut received = self.reader.try_receive(most, sum);
        self.progress.add(received);
        if BLOCKS && received == 0 {
            received = self.reader.wait(most, sum);
            self.progress.add(received);
        }
        received
    }
}
