//! A run: what a queue shows together.

/// So many events are shown together, the last one first: so who has caught up, and waits at the first, gets them at once, and takes no
/// line from under who writes. More would hold up those who wait.
pub(super) const RUN: u64 = 32;

/// A position that is moved on, and is put back where it is kept when that is over; also by a panic. In between it stays in a register.
pub(super) struct Moving<'a> {
    pub(super) next: u64,
    kept: &'a mut u64,
}

impl<'a> Moving<'a> {
    #[inline(always)]
    pub(super) fn new(kept: &'a mut u64) -> Self {
        Self { next: *kept, kept }
    }
}

impl Drop for Moving<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        *self.kept = self.next;
    }
}

/// Events to come. Lent out they are on the stack of who makes them, where nothing else can reach them: so an iterator over a slice stays
/// in registers, and is not written back for each event.
pub(super) struct Feed<I>(Option<I>);

impl<I> Feed<I> {
    pub(super) fn new(events: I) -> Self {
        Self(Some(events))
    }

    /// They are put back also if `take` panics, and so dropped by who has the feed: after what `take` may hold.
    #[inline(always)]
    pub(super) fn with<R>(&mut self, take: impl FnOnce(&mut I) -> R) -> R {
        let mut lent = Lent { events: self.0.take(), home: &mut self.0 };
        take(lent.events.as_mut().expect(PUT_BACK))
    }

    pub(super) fn into_rest(self) -> I {
        self.0.expect(PUT_BACK)
    }
}

impl<I: ExactSizeIterator> Feed<I> {
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, I::len)
    }
}

struct Lent<'a, I> {
    events: Option<I>,
    home: &'a mut Option<I>,
}

impl<I> Drop for Lent<'_, I> {
    #[inline(always)]
    fn drop(&mut self) {
        *self.home = self.events.take();
    }
}

const PUT_BACK: &str = "they are put back when they are not lent out";
