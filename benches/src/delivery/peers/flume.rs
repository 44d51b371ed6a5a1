//! flume: a queue per receiver. Batches are received by `drain`, which takes all that is there.

use std::iter;

use flume::{Receiver, Sender, bounded};

use crate::delivery::CAPACITY;
use crate::delivery::event::{Event, Sum};
use crate::delivery::stream::{Receiving, Sending, Stream};
use crate::delivery::waiting::Waiting;

/// The sending ends, one for each receiver.
#[derive(Clone)]
pub struct Out<const W: usize, const BLOCKS: bool> {
    to: Vec<Sender<Event<W>>>,
    waiting: Waiting,
}

/// A receiving end.
pub struct In<const W: usize, const BLOCKS: bool>(Receiver<Event<W>>);

/// Fresh queues.
pub fn open<const W: usize, const BLOCKS: bool>(
    senders: usize,
    receivers: usize,
) -> Stream<Out<W, BLOCKS>, In<W, BLOCKS>> {
    let (to, receivers): (_, Vec<_>) =
        (0..receivers).map(|_| bounded(CAPACITY)).map(|(to, from)| (to, In(from))).unzip();
    let out = Out { to, waiting: Waiting::busy_if_possible(senders + receivers.len()) };
    Stream { senders: iter::repeat_n(out, senders).collect(), receivers }
}

impl<const W: usize, const BLOCKS: bool> Sending<W> for Out<W, BLOCKS> {
    #[inline]
    fn send(&mut self, events: &[Event<W>]) {
        for to in &self.to {
            for event in events {
                if BLOCKS {
                    to.send(*event).expect("there is a receiver");
                } else {
                    self.waiting.insist(*event, |event| to.try_send(event).map_err(|full| full.into_inner()));
                }
            }
        }
    }
}

impl<const W: usize, const BLOCKS: bool> Receiving<W> for In<W, BLOCKS> {
    #[inline]
    fn receive(&mut self, most: usize, sum: &mut Sum) -> usize {
        let mut received = 0;
        if BLOCKS || most == 1 {
            let first = if BLOCKS { self.0.recv().ok() } else { self.0.try_recv().ok() };
            let Some(first) = first else { return 0 };
            sum.add(&first);
            received = 1;
        }
        if most > 1 {
            received += self.0.drain().map(|event| sum.add(&event)).count();
        }
        received
    }
}
