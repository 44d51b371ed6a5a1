//! tokio's broadcast: it overwrites what is not read in time, so senders are held back by a `credit`.

use std::iter;

use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::broadcast::{Receiver, Sender, channel};

use crate::delivery::CAPACITY;
use crate::delivery::credit::{Allowance, Credit, Progress};
use crate::delivery::event::{Event, Sum};
use crate::delivery::stream::{Receiving, Sending, Stream};

/// A sending end.
pub struct Out<const W: usize> {
    to: Sender<Event<W>>,
    allowance: Allowance,
}

/// A receiving end.
pub struct In<const W: usize, const BLOCKS: bool> {
    from: Receiver<Event<W>>,
    progress: Progress,
}

/// A fresh queue.
pub fn open<const W: usize, const BLOCKS: bool>(senders: usize, receivers: usize) -> Stream<Out<W>, In<W, BLOCKS>> {
    let (to, _) = channel(CAPACITY);
    let credit = Credit::new(receivers);
    let end = |receiver| In { from: to.subscribe(), progress: Progress::new(&credit, receiver) };
    let receivers = (0..receivers).map(end).collect();
    let out = || Out { to: to.clone(), allowance: Allowance::new(&credit) };
    Stream { senders: iter::repeat_with(out).take(senders).collect(), receivers }
}

impl<const W: usize> Sending<W> for Out<W> {
    #[inline]
    fn send(&mut self, events: &[Event<W>]) {
        self.allowance.wait_for(events.len());
        for event in events {
            self.to.send(*event).expect("there is a receiver");
        }
    }
}

impl<const W: usize, const BLOCKS: bool> Receiving<W> for In<W, BLOCKS> {
    #[inline]
    fn receive(&mut self, most: usize, sum: &mut Sum) -> usize {
        let mut received = 0;
        while received < most {
            match self.from.try_recv() {
                Ok(event) => sum.add(&event),
                Err(TryRecvError::Empty) => break,
                Err(error) => panic!("tokio broadcast: {error}"),
            }
            received += 1;
        }
        self.progress.add(received);
        if BLOCKS && received == 0 {
            sum.add(&self.from.blocking_recv().expect("there is a sender, and nothing is overwritten"));
            self.progress.add(1);
            received = 1;
        }
        received
    }
}
