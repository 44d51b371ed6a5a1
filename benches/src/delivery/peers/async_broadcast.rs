//! async-broadcast: senders wait for the slowest receiver, as it is by default.

use std::iter;

use async_broadcast::{Receiver, Sender, TryRecvError, TrySendError, broadcast};

use crate::delivery::CAPACITY;
use crate::delivery::event::{Event, Sum};
use crate::delivery::stream::{Receiving, Sending, Stream};
use crate::delivery::waiting::Waiting;

/// A sending end.
#[derive(Clone)]
pub struct Out<const W: usize, const BLOCKS: bool> {
    to: Sender<Event<W>>,
    waiting: Waiting,
}

/// A receiving end.
pub struct In<const W: usize, const BLOCKS: bool>(Receiver<Event<W>>);

/// A fresh queue.
pub fn open<const W: usize, const BLOCKS: bool>(
    senders: usize,
    receivers: usize,
) -> Stream<Out<W, BLOCKS>, In<W, BLOCKS>> {
    let (to, first) = broadcast(CAPACITY);
    let others = iter::repeat_with(|| to.new_receiver()).take(receivers - 1);
    let receivers: Vec<_> = others.collect::<Vec<_>>().into_iter().chain([first]).map(In).collect();
    let out = Out { to, waiting: Waiting::busy_if_possible(senders + receivers.len()) };
    Stream { senders: iter::repeat_n(out, senders).collect(), receivers }
}

impl<const W: usize, const BLOCKS: bool> Sending<W> for Out<W, BLOCKS> {
    #[inline]
    fn send(&mut self, events: &[Event<W>]) {
        for event in events {
            if BLOCKS {
                self.to.broadcast_blocking(*event).expect("there is a receiver");
            } else {
                self.waiting.insist(*event, |event| match self.to.try_broadcast(event) {
                    Ok(_) => Ok(()),
                    Err(TrySendError::Full(event)) => Err(event),
                    Err(error) => panic!("async-broadcast: {error}"),
                });
            }
        }
    }
}

impl<const W: usize, const BLOCKS: bool> Receiving<W> for In<W, BLOCKS> {
    #[inline]
    fn receive(&mut self, most: usize, sum: &mut Sum) -> usize {
        let mut received = 0;
        if BLOCKS {
            sum.add(&self.0.recv_blocking().expect("there is a sender"));
            received = 1;
        }
        while received < most {
            match self.0.try_recv() {
                Ok(event) => sum.add(&event),
                Err(TryRecvError::Empty) => break,
                Err(error) => panic!("async-broadcast: {error}"),
            }
            received += 1;
        }
        received
    }
}
