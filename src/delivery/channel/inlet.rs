//! The end of a mailbox's queue that the slot has.

use super::{OVERFLOWED, Queue, RECEIVER_GONE, SENDER_GONE, Shared};
use crate::delivery::first_panic::FirstPanic;
use crate::delivery::overflow::Overflow;
use crate::delivery::queue::line::Line;
use crate::delivery::queue::window::Window;
use crate::delivery::wait::Wait;
use crate::sync::{Arc, Ordering};
use std::time::{Duration, Instant};

/// Puts events in.
pub(crate) struct Inlet<E> {
    shared: Arc<Shared<E>>,
}

impl<E> Inlet<E> {
    pub(super) fn new(shared: Arc<Shared<E>>) -> Self {
        Self { shared }
    }
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
            (Queue::Line(line), [event]) if !self.is_overflowed() && push_clone(line, event) => true,
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
                // Release; partner: the Acquire in `Shared::end`: what is in the queue comes before the end.
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
        let ready = || if self.is_abandoned() { Some(false) } else { line.has_room().then_some(true) };
        self.shared.room.wait(Wait::Park, || deadline, ready) == Some(true)
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
        // Release; partner: the Acquire in `Shared::end`: what was put in comes before the end.
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
