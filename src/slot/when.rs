//! For which events a slot runs.

/// For which events a slot runs: [`Always`], and what [`filter`](crate::SlotBuilder::filter) and
/// [`until`](crate::SlotBuilder::until) make of it. Not for others to implement.
pub trait When<E>: sealed::Sealed + Send + Sync + 'static {
    /// Is there nothing to ask?
    #[doc(hidden)]
    const IS_ALWAYS: bool = false;

    #[doc(hidden)]
    fn verdict(&self, event: &E) -> Verdict;
}

/// What to do with an event.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Call the slot.
    Run,
    /// Let it pass.
    Skip,
    /// End the connection.
    End,
}

mod sealed {
    pub trait Sealed {}
}

/// For every event.
#[derive(Debug, Clone, Copy)]
pub struct Always;

impl sealed::Sealed for Always {}

impl<E> When<E> for Always {
    const IS_ALWAYS: bool = true;

    #[inline(always)]
    fn verdict(&self, _: &E) -> Verdict {
        Verdict::Run
    }
}

/// For events that a predicate is true of, of those that come so far.
#[derive(Debug, Clone, Copy)]
pub struct Filter<W, P> {
    before: W,
    predicate: P,
}

impl<W, P> Filter<W, P> {
    pub(super) fn new(before: W, predicate: P) -> Self {
        Self { before, predicate }
    }
}

impl<W, P> sealed::Sealed for Filter<W, P> {}

impl<E, W: When<E>, P: Fn(&E) -> bool + Send + Sync + 'static> When<E> for Filter<W, P> {
    #[inline]
    fn verdict(&self, event: &E) -> Verdict {
        match self.before.verdict(event) {
            Verdict::Run if !(self.predicate)(event) => Verdict::Skip,
            verdict => verdict,
        }
    }
}

/// Until one that a predicate is true of, of those that come so far.
#[derive(Debug, Clone, Copy)]
pub struct Until<W, P> {
    before: W,
    predicate: P,
}

impl<W, P> Until<W, P> {
    pub(super) fn new(before: W, predicate: P) -> Self {
        Self { before, predicate }
    }
}

impl<W, P> sealed::Sealed for Until<W, P> {}

impl<E, W: When<E>, P: Fn(&E) -> bool + Send + Sync + 'static> When<E> for Until<W, P> {
    #[inline]
    fn verdict(&self, event: &E) -> Verdict {
        match self.before.verdict(event) {
            Verdict::Run if (self.predicate)(event) => Verdict::End,
            verdict => verdict,
        }
    }
}

/// One condition, and then another.
#[derive(Debug, Clone, Copy)]
pub(super) struct First<A, B> {
    first: A,
    then: B,
}

impl<A, B> First<A, B> {
    pub(super) fn new(first: A, then: B) -> Self {
        Self { first, then }
    }
}

impl<A, B> sealed::Sealed for First<A, B> {}

impl<E, A: When<E>, B: When<E>> When<E> for First<A, B> {
    #[inline]
    fn verdict(&self, event: &E) -> Verdict {
        match self.first.verdict(event) {
            Verdict::Run => self.then.verdict(event),
            verdict => verdict,
        }
    }
}
