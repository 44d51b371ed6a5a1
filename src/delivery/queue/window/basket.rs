//! The receiver's own: what it has taken out of a window and not handed on, and what it knows of losses.

use std::collections::VecDeque;

/// The receiver's own: what it has taken out and not handed on, and what it knows.
#[derive(Debug)]
pub(crate) struct Basket<E> {
    events: VecDeque<E>,
    /// How many it has taken out in all.
    pub(super) taken: u64,
    /// How many holes there were before that, and 32 bits of the last look at them.
    holes: u64,
    holes_seen: u32,
    /// How many it knows to be lost in all.
    pub(super) known: u64,
    /// How many of them, all of which came before what is in it, the receiver was not told of.
    lost: u64,
}

impl<E> Basket<E> {
    /// An empty one with room for so many events.
    pub(super) fn new(room: usize) -> Self {
        Self { events: VecDeque::with_capacity(room), taken: 0, holes: 0, holes_seen: 0, known: 0, lost: 0 }
    }

    /// Is an event there, of which nothing is to be told before?
    #[inline(always)]
    pub(crate) fn has_event(&self) -> bool {
        self.lost == 0 && !self.events.is_empty()
    }

    /// Is something there: events, or a loss to be told?
    #[inline(always)]
    pub(super) fn has_something(&self) -> bool {
        self.lost > 0 || !self.events.is_empty()
    }

    /// Takes the next event, if there is one.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Option<E> {
        self.events.pop_front()
    }

    /// How many were lost before the next event, which the receiver is told now.
    #[inline(always)]
    pub(super) fn tell(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// Puts in what was taken out.
    #[inline(always)]
    pub(super) fn put(&mut self, event: E) {
        self.events.push_back(event);
    }

    /// How many holes there are by now, of which the last look at them found these 32 bits.
    #[inline(always)]
    pub(super) fn holes_now(&self, seen: u32) -> u64 {
        self.holes + u64::from(seen.wrapping_sub(self.holes_seen))
    }

    /// What lies from `head` to `end` was taken out, with so many holes before it, of which these are 32 bits.
    #[inline(always)]
    pub(super) fn note(&mut self, head: u64, end: u64, holes_seen: u32) {
        self.holes = self.holes_now(holes_seen);
        self.holes_seen = holes_seen;
        // What lies before the head was taken, is a hole, or is lost.
        let lost = head - self.taken - self.holes;
        self.lost = lost - self.known;
        self.known = lost;
        self.taken += end - head;
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    pub(crate) fn received(&self) -> u64 {
        self.taken - self.events.len() as u64
    }
}
