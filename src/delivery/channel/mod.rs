//! A mailbox without its signal: the two ends of a queue, and what they tell each other besides events.

mod inlet;
mod outlet;

pub(crate) use inlet::Inlet;
pub(crate) use outlet::{Instead, Outlet};

use super::bell::Bell;
use super::error::CapacityError;
use super::overflow::Overflow;
use super::queue::line::Line;
use super::queue::window::Window;
use crate::sync::{Arc, AtomicU32};

/// What both ends hold.
struct Shared<E> {
    queue: Queue<E>,
    overflow: Overflow,
    /// Where the receiver sleeps.
    bell: Bell,
    /// Where senders wait for room, under [`Overflow::Block`].
    room: Bell,
    /// Who has gone, and why.
    state: AtomicU32,
}

enum Queue<E> {
    Line(Line<E>),
    Window(Window<E>),
}

/// Nothing more is put in: the slot's closure has been dropped.
const SENDER_GONE: u32 = 1;
/// Nothing more is taken out.
const RECEIVER_GONE: u32 = 2;
/// There was no room, under [`Overflow::Disconnect`].
const OVERFLOWED: u32 = 4;

/// An empty queue's two ends.
pub(crate) fn channel<E>(capacity: usize, overflow: Overflow) -> Result<(Inlet<E>, Outlet<E>), CapacityError> {
    let (queue, own) = if overflow.keeps_newest() {
        let (window, basket) = Window::new(capacity)?;
        (Queue::Window(window), outlet::Own::Window(basket))
    } else {
        let (line, cursor) = Line::new(capacity)?;
        (Queue::Line(line), outlet::Own::Line(cursor))
    };
    let shared = Shared { queue, overflow, bell: Bell::new(), room: Bell::new(), state: AtomicU32::new(0) };
    let shared = Arc::new(shared);
    Ok((Inlet::new(shared.clone()), Outlet::new(shared, own)))
}

impl<E> Shared<E> {
    /// There may be room: for senders who wait for some.
    #[inline(always)]
    fn offer_room(&self) {
        if let Overflow::Block(_) = self.overflow {
            self.room.ring();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
