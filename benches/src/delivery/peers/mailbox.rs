//! Our mailboxes: one per receiver, on one signal, which holds emissions back. That wait is the mailbox's own in either case.

use std::iter;
use std::sync::Arc;
use std::time::Duration;

use pulsebus::{Overflow, Receiver, Signal, TryRecvError};

use crate::delivery::CAPACITY;
use crate::delivery::event::{Event, Sum};
use crate::delivery::stream::{Receiving, Sending, Stream};

/// Longer than any measurement.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// Emits.
#[derive(Clone)]
pub struct Out<const W: usize>(Arc<Signal<Event<W>>>);
/// A mailbox.
pub struct In<const W: usize, const BLOCKS: bool>(Receiver<Event<W>>);

/// A fresh signal with its mailboxes.
pub fn open<const W: usize, const BLOCKS: bool>(senders: usize, receivers: usize) -> Stream<Out<W>, In<W, BLOCKS>> {
    let signal = Arc::new(Signal::new());
    let mailbox = || In(signal.mailbox(CAPACITY, Overflow::Block(PATIENCE)).expect("there is memory"));
    let receivers = iter::repeat_with(mailbox).take(receivers).collect();
    Stream { senders: iter::repeat_n(Out(signal), senders).collect(), receivers }
}

impl<const W: usize> Sending<W> for Out<W> {
    #[inline]
    fn send(&mut self, events: &[Event<W>]) {
        let _ = match events {
            [event] => self.0.emit(event),
            _ => self.0.emit_batch(events),
        };
    }
}

impl<const W: usize, const BLOCKS: bool> Receiving<W> for In<W, BLOCKS> {
    #[inline]
    fn receive(&mut self, most: usize, sum: &mut Sum) -> usize {
        if most > 1 {
            match self.0.drain(most) {
                Ok(events) => return events.map(|event| sum.add(&event)).count(),
                Err(TryRecvError::Empty) if BLOCKS => {}
                Err(TryRecvError::Empty) => return 0,
                Err(error) => panic!("pulsebus mailbox: {error}"),
            }
        }
        if BLOCKS {
            sum.add(&self.0.recv().expect("there is a signal"));
            return 1;
        }
        match self.0.try_recv() {
            Ok(event) => sum.add(&event),
            Err(TryRecvError::Empty) => return 0,
            Err(error) => panic!("pulsebus mailbox: {error}"),
        }
        1
    }
}
