//! Events to come: an iterator that is lent out.

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
