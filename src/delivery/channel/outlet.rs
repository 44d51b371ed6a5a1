//! The end of a mailbox's queue that the receiver has.

use super::{OVERFLOWED, Queue, RECEIVER_GONE, SENDER_GONE, Shared};
use crate::delivery::bell::Bell;
use crate::delivery::error::CloseReason;
use crate::delivery::overflow::Overflow;
use crate::delivery::queue::Popped;
use crate::delivery::queue::line::Cursor;
use crate::delivery::queue::window::Basket;
use crate::delivery::wait::{Wait, is_over, next_look};
use crate::panics::drop_quietly;
use crate::sync::{Arc, Ordering};
use std::time::Instant;

/// Takes events out.
pub(crate) struct Outlet<E> {
    shared: Arc<Shared<E>>,
    place: Place<E>,
}

/// Where the receiver is. Apart from what others write, wherever its owner keeps it.
#[repr(align(128))]
struct Place<E> {
    own: Own<E>,
    /// Set when it has found the end: what somebody may put in after it, who was at it already, is not received any more.
    closed: Option<CloseReason>,
}

/// What the receiver has for itself, of the same kind as the queue.
pub(super) enum Own<E> {
    Line(Cursor),
    Window(Basket<E>),
}

/// What there is instead of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instead {
    Lagged(u64),
    Empty,
    Closed(CloseReason),
}

/// Why an event is there to be taken.
const FOUND: &str = "an event was found, and only its receiver takes it";

impl<E> Place<E> {
    /// Is there an event? If so, it is there until it is taken. See [`Outlet::ready`].
    fn ready(
        &mut self,
        shared: &Shared<E>,
        wanted: usize,
        end: impl Fn() -> Option<CloseReason>,
    ) -> Result<(), Instead> {
        if let Some(reason) = self.closed {
            return Err(Instead::Closed(reason));
        }
        match self.look(shared, wanted) {
            Popped::Event => return Ok(()),
            Popped::Lost(count) => return Err(Instead::Lagged(count)),
            Popped::Nothing => {}
        }
        // Is it the end? Then something may have been put in before that, which was not found yet.
        let Some(reason) = shared.end(end) else { return Err(Instead::Empty) };
        match self.look(shared, wanted) {
            Popped::Event => Ok(()),
            Popped::Lost(count) => Err(Instead::Lagged(count)),
            Popped::Nothing if self.is_done(shared) => {
                self.closed = Some(reason);
                Err(Instead::Closed(reason))
            }
            // Somebody is at it still, and behind him there may be what others had put in before the end. He rings.
            Popped::Nothing => Err(Instead::Empty),
        }
    }

    fn look(&mut self, shared: &Shared<E>, wanted: usize) -> Popped {
        match (&shared.queue, &mut self.own) {
            (Queue::Line(line), Own::Line(cursor)) => {
                // An iterator that was forgotten has told nobody of the room that it made.
                let is_untold = line.is_untold(cursor);
                if is_untold {
                    line.pass(cursor);
                }
                let before = cursor.position();
                // SAFETY: made together, in `channel`.
                let found = unsafe { line.look(cursor) };
                // It takes no event, but passes over what is none: that makes room, too.
                if is_untold || cursor.position() != before {
                    shared.offer_room();
                }
                found
            }
            (Queue::Window(window), Own::Window(basket)) => window.look(basket, wanted),
            _ => unreachable!("made together, in `channel`"),
        }
    }

    /// Has it been told of all that anybody has begun to put in?
    fn is_done(&self, shared: &Shared<E>) -> bool {
        match (&shared.queue, &self.own) {
            (Queue::Line(line), Own::Line(cursor)) => line.is_done(cursor),
            (Queue::Window(window), Own::Window(basket)) => window.is_done(basket),
            _ => unreachable!("made together, in `channel`"),
        }
    }
}

impl<E> Shared<E> {
    /// Has it ended, and why? `end` is asked what the two ends do not know.
    fn end(&self, end: impl Fn() -> Option<CloseReason>) -> Option<CloseReason> {
        // Acquire; partners: the Releases in `Inlet::drop` and `make_room`. Who sees the end sees what was put in before it.
        let state = self.state.load(Ordering::Acquire);
        if state & OVERFLOWED != 0 {
            return Some(CloseReason::Overflowed);
        }
        end().or((state & SENDER_GONE != 0).then_some(CloseReason::Disconnected))
    }
}

impl<E> Outlet<E> {
    pub(super) fn new(shared: Arc<Shared<E>>, own: Own<E>) -> Self {
        Self { shared, place: Place { own, closed: None } }
    }

    /// The next event, or `told` what there is instead. `end` says whether the connection has ended otherwise than the two ends know,
    /// and why.
    #[inline(always)]
    pub(crate) fn try_recv<X>(
        &mut self,
        end: impl Fn() -> Option<CloseReason>,
        told: impl FnOnce(Instead) -> X,
    ) -> Result<E, X> {
        self.receive_or(|outlet| match outlet.ready(1, end) {
            Ok(()) => outlet.receive_or(|_| unreachable!("{FOUND}")),
            Err(instead) => Err(told(instead)),
        })
    }

    /// The same, waiting until there is something; [`Instead::Empty`] if nothing has come by the deadline.
    #[inline(always)]
    pub(crate) fn recv<X>(
        &mut self,
        wait: Wait,
        deadline: Option<Instant>,
        end: impl Fn() -> Option<CloseReason>,
        told: impl FnOnce(Instead) -> X,
    ) -> Result<E, X> {
        self.receive_or(|outlet| match outlet.wait(wait, deadline, end) {
            Ok(()) => outlet.receive_or(|_| unreachable!("{FOUND}")),
            Err(instead) => Err(told(instead)),
        })
    }

    /// Receives the next event, if there is one of which nothing is to be told before, as far as one sees at a glance.
    ///
    /// An event can be large: so what the caller returns is made at once, instead of being passed on from hand to hand; also by
    /// `otherwise`, which is asked if there is none.
    #[inline(always)]
    fn receive_or<X>(&mut self, otherwise: impl FnOnce(&mut Self) -> Result<E, X>) -> Result<E, X> {
        if self.place.closed.is_none() {
            match (&self.shared.queue, &mut self.place.own) {
                (Queue::Line(line), Own::Line(cursor)) if line.has_event(cursor) => {
                    // SAFETY: made together, in `channel`; and there is an event.
                    let event = Ok(unsafe { line.take(cursor) });
                    self.pass();
                    return event;
                }
                (Queue::Window(_), Own::Window(basket)) if basket.has_event() => {
                    return Ok(basket.take().expect(FOUND));
                }
                _ => {}
            }
        }
        otherwise(self)
    }

    /// Takes the next event, if there is one of which nothing is to be told before; `wanted` is how many the caller is about to
    /// ask for. Senders learn of the room only by [`pass`](Self::pass).
    #[inline]
    pub(crate) fn take(&mut self, wanted: usize) -> Option<E> {
        match (&self.shared.queue, &mut self.place.own) {
            // SAFETY: made together, in `channel`; and there is an event.
            (Queue::Line(line), Own::Line(cursor)) => line.has_event(cursor).then(|| unsafe { line.take(cursor) }),
            (Queue::Window(window), Own::Window(basket)) => {
                if window.fill_if_empty(basket, wanted) && basket.has_event() { basket.take() } else { None }
            }
            _ => unreachable!("made together, in `channel`"),
        }
    }

    /// Tells senders of the room that was made.
    #[inline(always)]
    pub(crate) fn pass(&mut self) {
        if let (Queue::Line(line), Own::Line(cursor)) = (&self.shared.queue, &self.place.own) {
            line.pass(cursor);
            self.shared.offer_room();
        }
    }

    /// Is there an event? If so, it is there until it is taken. `wanted` is how many the caller is about to ask for; `end` says whether
    /// the connection has ended otherwise than the two ends know, and why.
    #[inline(never)]
    pub(crate) fn ready(&mut self, wanted: usize, end: impl Fn() -> Option<CloseReason>) -> Result<(), Instead> {
        self.place.ready(&self.shared, wanted, end)
    }

    /// Waits until there is an event, or something to be told instead; looks for the end now and then. [`Instead::Empty`] if
    /// nothing has come by the deadline.
    #[inline(never)]
    fn wait(
        &mut self,
        wait: Wait,
        deadline: Option<Instant>,
        end: impl Fn() -> Option<CloseReason>,
    ) -> Result<(), Instead> {
        let (shared, place) = (&*self.shared, &mut self.place);
        loop {
            let found = shared.bell.wait(
                wait,
                || next_look(deadline),
                || match place.ready(shared, 1, &end) {
                    Err(Instead::Empty) => None,
                    found => Some(found),
                },
            );
            match found {
                Some(found) => return found,
                None if is_over(deadline) => return Err(Instead::Empty),
                None => {}
            }
        }
    }

    pub(crate) fn bell(&self) -> &Bell {
        &self.shared.bell
    }

    /// Was it closed because it was full?
    pub(crate) fn is_overflowed(&self) -> bool {
        // Relaxed: who asks ends the connection then, and `end` tells what comes before that.
        self.shared.state.load(Ordering::Relaxed) & OVERFLOWED != 0
    }

    pub(crate) fn overflow(&self) -> Overflow {
        self.shared.overflow
    }

    pub(crate) fn capacity(&self) -> usize {
        match &self.shared.queue {
            Queue::Line(line) => line.capacity(),
            Queue::Window(window) => window.capacity(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match (&self.shared.queue, &self.place.own) {
            (Queue::Line(line), Own::Line(_)) => line.len(),
            (Queue::Window(window), Own::Window(basket)) => window.len() + basket.len(),
            _ => unreachable!("made together, in `channel`"),
        }
    }

    /// Sent, received, lost.
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        match (&self.shared.queue, &self.place.own) {
            (Queue::Line(line), Own::Line(_)) => (line.sent(), line.received(), line.lost()),
            (Queue::Window(window), Own::Window(basket)) => (window.sent(), basket.received(), window.lost(basket)),
            _ => unreachable!("made together, in `channel`"),
        }
    }
}

impl<E> Drop for Outlet<E> {
    /// Lets go of senders that wait, and drops what is queued. What somebody puts in after that, who was at it already, goes with
    /// the queue.
    fn drop(&mut self) {
        // Relaxed: nothing depends on it but waits; and the bell orders those.
        self.shared.state.fetch_or(RECEIVER_GONE, Ordering::Relaxed);
        self.shared.room.ring();
        loop {
            match self.place.look(&self.shared, usize::MAX) {
                Popped::Event => _ = self.take(usize::MAX).map(drop_quietly),
                Popped::Lost(_) => {}
                Popped::Nothing => break,
            }
        }
        // Also what an iterator has taken that was forgotten, and did not pass.
        self.pass();
    }
}
