//! A mailbox without its signal: the two ends of a queue, and what they tell each other besides events.

use super::bell::Bell;
use super::error::{CapacityError, CloseReason};
use super::first_panic::FirstPanic;
use super::overflow::Overflow;
use super::queue::Popped;
use super::queue::line::{Cursor, Line};
use super::queue::window::{Basket, Window};
use super::wait::Wait;
use crate::panics::drop_quietly;
use crate::sync::{Arc, AtomicU32, Ordering};
use std::time::{Duration, Instant};

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

/// What the receiver has for itself, of the same kind as the queue.
enum Own<E> {
    Line(Cursor),
    Window(Basket<E>),
}

/// Nothing more is put in: the slot's closure has been dropped.
const SENDER_GONE: u32 = 1;
/// Nothing more is taken out.
const RECEIVER_GONE: u32 = 2;
/// There was no room, under [`Overflow::Disconnect`].
const OVERFLOWED: u32 = 4;

/// So long nobody sleeps without a look at what cannot wake him: the end of the connection.
pub(super) const LOOK_FOR_END: Duration = Duration::from_millis(50);

/// An empty queue's two ends.
pub(crate) fn channel<E>(capacity: usize, overflow: Overflow) -> Result<(Inlet<E>, Outlet<E>), CapacityError> {
    let (queue, own) = if overflow.keeps_newest() {
        let (window, basket) = Window::new(capacity)?;
        (Queue::Window(window), Own::Window(basket))
    } else {
        let (line, cursor) = Line::new(capacity)?;
        (Queue::Line(line), Own::Line(cursor))
    };
    let shared = Shared { queue, overflow, bell: Bell::new(), room: Bell::new(), state: AtomicU32::new(0) };
    let shared = Arc::new(shared);
    Ok((Inlet { shared: shared.clone() }, Outlet { shared, own, closed: None }))
}

/// The end that the slot has.
pub(crate) struct Inlet<E> {
    shared: Arc<Shared<E>>,
}

impl<E: Clone> Inlet<E> {
    /// Puts clones of events in, in order. `false` if there was no room, and the connection is to end.
    ///
    /// A clone that panics is not put in; the others are, and the first panic goes on when they have been.
    #[inline]
    pub(crate) fn send(&self, events: &[E]) -> bool {
        let mut rings = Rings { shared: &self.shared, gives_room_back: true };
        let goes_on = self.put_in(events);
        rings.gives_room_back = false;
        goes_on
    }

    #[inline(always)]
    fn put_in(&self, events: &[E]) -> bool {
        match (&self.shared.queue, events) {
            (Queue::Line(line), [event]) if push_clone(line, event) => true,
            (Queue::Line(line), _) => self.send_all(line, events),
            (Queue::Window(window), [event]) => {
                window.push(event.clone(), self.shared.overflow == Overflow::KeepLatest);
                true
            }
            (Queue::Window(window), _) => self.push_all(window, events),
        }
    }

    fn push_all(&self, window: &Window<E>, events: &[E]) -> bool {
        let all = self.shared.overflow == Overflow::KeepLatest;
        let mut panic = FirstPanic::default();
        for event in events {
            panic.catch(|| window.push(event.clone(), all));
        }
        panic.resume();
        true
    }

    #[inline(never)]
    fn send_all(&self, line: &Line<E>, events: &[E]) -> bool {
        let mut panic = FirstPanic::default();
        let mut patience = Patience::new(self.shared.overflow);
        let mut done = 0;
        while done < events.len() {
            let rest = &events[done..];
            if self.is_overflowed() {
                line.lose_untold(rest.len() as u64);
                break;
            }
            if let Some(more) = line.push_clones(rest, &mut panic) {
                done += more;
                continue;
            }
            // Else the receiver might sleep while we wait.
            self.shared.bell.ring();
            if !self.make_room(line, rest.len(), &mut patience) {
                break;
            }
        }
        let goes_on = !self.is_overflowed();
        panic.resume();
        goes_on
    }

    /// There is no room for what is left of a batch. Is it worth trying again? If not, it has been counted.
    #[cold]
    fn make_room(&self, line: &Line<E>, rest: usize, patience: &mut Patience) -> bool {
        match self.shared.overflow {
            Overflow::Disconnect => {
                // Release; partner: the Acquire in `Outlet::end`: what is in the queue comes before the end.
                self.shared.state.fetch_or(OVERFLOWED, Ordering::Release);
                line.lose_untold(rest as u64);
                return false;
            }
            Overflow::Block(_) if self.wait_for_room(line, patience) => return true,
            _ => {}
        }
        if !self.is_abandoned() {
            line.lose(rest as u64);
        }
        false
    }

    /// Waits until there may be room. `false` if it has taken too long, or if nobody makes any.
    fn wait_for_room(&self, line: &Line<E>, patience: &mut Patience) -> bool {
        let deadline = patience.deadline();
        let found = self.shared.room.wait(Wait::Park, deadline, || {
            if self.is_abandoned() { Some(false) } else { line.has_room().then_some(true) }
        });
        found == Some(true)
    }

    fn is_overflowed(&self) -> bool {
        // Relaxed: who sets it is told so at once; others who come after put nothing in that anybody misses.
        self.shared.overflow == Overflow::Disconnect && self.shared.state.load(Ordering::Relaxed) & OVERFLOWED != 0
    }

    fn is_abandoned(&self) -> bool {
        // Relaxed: nothing depends on it but a wait.
        self.shared.state.load(Ordering::Relaxed) & RECEIVER_GONE != 0
    }
}

/// Puts a clone in, if there is room.
#[inline(always)]
fn push_clone<E: Clone>(line: &Line<E>, event: &E) -> bool {
    if const { std::mem::needs_drop::<E>() } {
        // Cloned before it claims a position: such a clone takes time, by which it would hold up what others put in behind it.
        if !line.has_room() {
            return false;
        }
        let event = event.clone();
        line.push(|| event)
    } else {
        line.push(|| event.clone())
    }
}

impl<E> Drop for Inlet<E> {
    fn drop(&mut self) {
        // Release; partner: the Acquire in `Outlet::end`: what was put in comes before the end.
        self.shared.state.fetch_or(SENDER_GONE, Ordering::Release);
        self.shared.bell.ring();
    }
}

/// Rings when it is dropped, also if a clone panics. Then there may be room again, of which nobody else tells those who wait for it.
struct Rings<'a, E> {
    shared: &'a Shared<E>,
    gives_room_back: bool,
}

impl<E> Drop for Rings<'_, E> {
    #[inline(always)]
    fn drop(&mut self) {
        self.shared.bell.ring();
        if self.gives_room_back {
            self.shared.offer_room();
        }
    }
}

/// Until when one call waits for room, decided when there is none for the first time.
struct Patience {
    time: Duration,
    deadline: Option<Instant>,
}

impl Patience {
    fn new(overflow: Overflow) -> Self {
        let time = if let Overflow::Block(time) = overflow { time } else { Duration::ZERO };
        Self { time, deadline: None }
    }

    /// `None`: too far away to be named.
    fn deadline(&mut self) -> Option<Instant> {
        if self.deadline.is_none() {
            self.deadline = Instant::now().checked_add(self.time);
        }
        self.deadline
    }
}

/// The end that the receiver has.
pub(crate) struct Outlet<E> {
    shared: Arc<Shared<E>>,
    own: Own<E>,
    /// Set when it has found the end: what somebody may put in after it, who was at it already, is not received any more.
    closed: Option<CloseReason>,
}

/// What there is instead of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instead {
    Lagged(u64),
    Empty,
    Closed(CloseReason),
}

impl<E> Outlet<E> {
    /// The next event. `end` says whether the connection has ended otherwise than the two ends know, and why.
    #[inline]
    pub(crate) fn try_recv(&mut self, end: impl Fn() -> Option<CloseReason>) -> Result<E, Instead> {
        if self.closed.is_none() {
            match self.pop(1) {
                Popped::Event(event) => return Ok(event),
                Popped::Lost(count) => return Err(Instead::Lagged(count)),
                Popped::Nothing | Popped::Unfinished => {}
            }
        }
        self.ready(1, end)?;
        if let Popped::Event(event) = self.pop(1) { Ok(event) } else { Err(Instead::Empty) }
    }

    /// Is there an event? `wanted` is how many the caller is about to ask for.
    #[inline(never)]
    pub(crate) fn ready(&mut self, wanted: usize, end: impl Fn() -> Option<CloseReason>) -> Result<(), Instead> {
        if let Some(reason) = self.closed {
            return Err(Instead::Closed(reason));
        }
        match self.look(wanted) {
            Popped::Event(()) => return Ok(()),
            Popped::Lost(count) => return Err(Instead::Lagged(count)),
            Popped::Nothing | Popped::Unfinished => {}
        }
        // Is it the end? Then something may have been put in before that, which was not found yet.
        let Some(reason) = self.end(end) else { return Err(Instead::Empty) };
        match self.look(wanted) {
            Popped::Event(()) => Ok(()),
            Popped::Lost(count) => Err(Instead::Lagged(count)),
            // Somebody is at it still, and behind him there may be what others had put in before the end. He rings.
            Popped::Unfinished => Err(Instead::Empty),
            Popped::Nothing => {
                self.closed = Some(reason);
                Err(Instead::Closed(reason))
            }
        }
    }

    fn end(&self, end: impl Fn() -> Option<CloseReason>) -> Option<CloseReason> {
        // Acquire; partners: the Releases in `Inlet::drop` and `make_room`. Who sees the end sees what was put in before it.
        let state = self.shared.state.load(Ordering::Acquire);
        if state & OVERFLOWED != 0 {
            return Some(CloseReason::Overflowed);
        }
        end().or((state & SENDER_GONE != 0).then_some(CloseReason::Disconnected))
    }

    fn look(&mut self, wanted: usize) -> Popped<()> {
        match (&self.shared.queue, &mut self.own) {
            (Queue::Line(line), Own::Line(cursor)) => {
                let before = cursor.position();
                // SAFETY: made together, in `channel`.
                let found = unsafe { line.look(cursor) };
                // It takes no event, but passes over what is none: that makes room, too.
                if cursor.position() != before {
                    self.shared.offer_room();
                }
                found
            }
            (Queue::Window(window), Own::Window(basket)) => window.look(basket, wanted),
            _ => unreachable!("made together, in `channel`"),
        }
    }

    /// Takes the next event, or what stands at its place; `wanted` is how many the caller is about to ask for.
    #[inline]
    fn pop(&mut self, wanted: usize) -> Popped<E> {
        match (&self.shared.queue, &mut self.own) {
            (Queue::Line(line), Own::Line(cursor)) => {
                let before = cursor.position();
                // SAFETY: made together, in `channel`.
                let popped = unsafe { line.pop(cursor) };
                if cursor.position() != before {
                    line.pass(cursor);
                    self.shared.offer_room();
                }
                popped
            }
            (Queue::Window(window), Own::Window(basket)) => window.pop(basket, wanted),
            _ => unreachable!("made together, in `channel`"),
        }
    }

    /// Takes the next event, if nothing was lost before it. Senders learn of the room only by [`pass`](Self::pass).
    #[inline]
    pub(crate) fn pop_event(&mut self, wanted: usize) -> Option<E> {
        match (&self.shared.queue, &mut self.own) {
            // SAFETY: made together, in `channel`.
            (Queue::Line(line), Own::Line(cursor)) => unsafe { line.pop_event(cursor) },
            (Queue::Window(window), Own::Window(basket)) => window.pop_event(basket, wanted),
            _ => unreachable!("made together, in `channel`"),
        }
    }

    /// Tells senders of the room that was made.
    pub(crate) fn pass(&mut self) {
        if let (Queue::Line(line), Own::Line(cursor)) = (&self.shared.queue, &self.own) {
            line.pass(cursor);
            self.shared.offer_room();
        }
    }

    /// Waits for something, and looks for the end now and then. `None` if nothing has come by the deadline.
    pub(crate) fn recv(
        &mut self,
        wait: Wait,
        deadline: Option<Instant>,
        end: impl Fn() -> Option<CloseReason>,
    ) -> Option<Result<E, Instead>> {
        let shared = self.shared.clone();
        loop {
            let look = Instant::now().checked_add(LOOK_FOR_END);
            let until = look.into_iter().chain(deadline).min();
            let found = shared.bell.wait(wait, until, || match self.try_recv(&end) {
                Err(Instead::Empty) => None,
                found => Some(found),
            });
            if found.is_some() || super::wait::is_over(deadline) {
                return found;
            }
        }
    }

    pub(crate) fn bell(&self) -> &Bell {
        &self.shared.bell
    }

    /// Was it closed because it was full?
    pub(crate) fn is_overflowed(&self) -> bool {
        // Acquire: as in `end`.
        self.shared.state.load(Ordering::Acquire) & OVERFLOWED != 0
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
        match (&self.shared.queue, &self.own) {
            (Queue::Window(window), Own::Window(basket)) => window.len() + basket.len(),
            (Queue::Line(line), _) => line.len(),
            _ => 0,
        }
    }

    /// Sent, received, lost.
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        match (&self.shared.queue, &self.own) {
            (Queue::Line(line), _) => (line.sent(), line.received(), line.lost()),
            (Queue::Window(window), Own::Window(basket)) => (window.sent(), basket.received(), window.lost(basket)),
            _ => (0, 0, 0),
        }
    }
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

impl<E> Drop for Outlet<E> {
    /// Lets go of senders that wait, and drops what is queued. What somebody puts in after that, who was at it already, goes with
    /// the queue.
    fn drop(&mut self) {
        // Relaxed: nothing depends on it but waits; and the bell orders those.
        self.shared.state.fetch_or(RECEIVER_GONE, Ordering::Relaxed);
        self.shared.room.ring();
        loop {
            match self.pop(usize::MAX) {
                Popped::Event(event) => _ = drop_quietly(event),
                Popped::Lost(_) => {}
                Popped::Nothing | Popped::Unfinished => break,
            }
        }
        // What an iterator has taken that was forgotten, and did not pass.
        self.pass();
    }
}
