//! Positions of a line that a sender has claimed, until their events are published or given up.

use super::{LOSS, Line, PENDING_SHIFT, TAIL_SHIFT, VOID};
use crate::delivery::run::{Moving, RUN};
use crate::sync::Ordering;
use crate::sync::diagnostic::Relaxed;
use std::slice;

/// Positions that were claimed in one go.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) first: u64,
    pub(super) end: u64,
    /// For the word of the first one.
    pub(super) flags: u64,
}

/// Positions that the calling thread has claimed, and not all published. What is left when it goes is given back, or is void.
pub(super) struct Claim<'a, E> {
    line: &'a Line<E>,
    /// What is claimed and not published.
    span: Span,
    /// Behind what is made already.
    next: u64,
}

impl<'a, E> Claim<'a, E> {
    #[inline(always)]
    pub(super) fn new(line: &'a Line<E>, span: Span) -> Self {
        Self { line, span, next: span.first }
    }

    /// Makes clones of these, of which there are no more than positions, and publishes them run by run; the last ones when the claim
    /// has gone.
    #[inline(always)]
    pub(super) fn put_clones(&mut self, events: &mut slice::Iter<'_, E>)
    where
        E: Clone,
    {
        while events.len() > 0 {
            self.put_run(events);
            if self.next - self.span.first == RUN {
                self.publish();
            }
        }
    }

    #[inline(always)]
    fn put_run(&mut self, events: &mut slice::Iter<'_, E>)
    where
        E: Clone,
    {
        let (line, end) = (self.line, self.span.end.min(self.span.first + RUN));
        let mut making = Moving::new(&mut self.next);
        while making.next < end {
            let Some(event) = events.next() else { return };
            line.prefetch.for_writing_behind(making.next, |later| line.cell(later));
            // SAFETY: claimed by us, and not published; what was there has been read: the head had passed it when we claimed.
            unsafe { line.cell(making.next).write(|| event.clone()) };
            making.next += 1;
        }
    }

    /// Publishes what is made, the last one first.
    #[inline(always)]
    fn publish(&mut self) {
        let Span { first, flags, .. } = self.span;
        if first < self.next {
            (first + 1..self.next).rev().for_each(|position| self.line.publish(position, 0));
            self.line.publish(first, flags);
            (self.span.first, self.span.flags) = (self.next, 0);
        }
    }

    /// Gives the positions that are left back, if nobody has claimed what comes behind; else nothing comes there.
    #[cold]
    #[inline(never)]
    fn give_up(&mut self) {
        let (line, Span { first, end, flags }) = (self.line, self.span);
        let is_noted = flags != 0;
        if is_noted {
            // SAFETY: claimed by us, and not published.
            let lost = line.losses[line.index(first)].with(|loss| unsafe { *loss });
            // Relaxed: an exchange, which passes on the Release of `lose`; and who looks for the end finds the count by the tail. The bit
            // comes with the positions.
            line.lost.0.pending.fetch_add(lost << PENDING_SHIFT, Ordering::Relaxed);
        }
        let tail = &line.entry.0.tail;
        // Relaxed: an old one makes the exchange fail.
        let found = tail.load(Ordering::Relaxed);
        let back = first << TAIL_SHIFT | found & LOSS | if is_noted { LOSS } else { 0 };
        // Release; partners: the Acquire in `claim`, by who claims them again; and that in `is_done`: who finds the tail where it was
        // finds the count, too.
        if found >> TAIL_SHIFT == end
            && tail.compare_exchange(found, back, Ordering::Release, Ordering::Relaxed).is_ok()
        {
            return;
        }
        let mut flags = if is_noted { line.note_loss(first) } else { 0 };
        line.lost.0.voids.fetch_add(end - first, Relaxed);
        for position in first..end {
            line.publish(position, std::mem::take(&mut flags) | VOID);
        }
    }
}

impl<E> Drop for Claim<'_, E> {
    /// Publishes what is made. If making events has panicked, there are none for the positions that are left.
    #[inline(always)]
    fn drop(&mut self) {
        self.publish();
        if self.span.first < self.span.end {
            self.give_up();
        }
    }
}
