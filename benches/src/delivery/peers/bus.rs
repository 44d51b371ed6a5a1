//! bus: a broadcast from one sender.

use std::iter;

use bus::{Bus, BusReader};

use crate::delivery::CAPACITY;
use crate::delivery::event::{Event, Sum};
use crate::delivery::stream::{Receiving, Sending, Stream};
use crate::delivery::waiting::Waiting;

/// The sending end.
pub struct Out<const W: usize, const BLOCKS: bool> {
    bus: Bus<Event<W>>,
    waiting: Waiting,
}

/// A receiving end.
pub struct In<const W: usize, const BLOCKS: bool>(BusReader<Event<W>>);

/// A fresh bus.
pub fn open<const W: usize, const BLOCKS: bool>(receivers: usize) -> Stream<Out<W, BLOCKS>, In<W, BLOCKS>> {
    let mut bus = Bus::new(CAPACITY);
    let waiting = Waiting::busy_if_possible(1 + receivers);
    let receivers = iter::repeat_with(|| In(bus.add_rx())).take(receivers).collect();
    Stream { senders: vec![Out { bus, waiting }], receivers }
}

impl<const W: usize, const BLOCKS: bool> Sending<W> for Out<W, BLOCKS> {
    #[inline]
    fn send(&mut self, events: &[Event<W>]) {
        for event in events {
            if BLOCKS {
                self.bus.broadcast(*event);
            } else {
                self.waiting.insist(*event, |event| self.bus.try_broadcast(event));
            }
        }
    }
}

impl<const W: usize, const BLOCKS: bool> Receiving<W> for In<W, BLOCKS> {
    #[inline]
    fn receive(&mut self, most: usize, sum: &mut Sum) -> usize {
        let mut received = 0;
        if BLOCKS {
            sum.add(&self.0.recv().expect("there is a sender"));
            received = 1;
        }
        while received < most {
            let Ok(event) = self.0.try_recv() else { break };
            sum.add(&event);
            received += 1;
        }
        received
    }
}
