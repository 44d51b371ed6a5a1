//! What is wrapped around a slot: as little as was asked for.

use super::budget::Meter;
use super::when::{Verdict, When};
use crate::connection::Connection;
use crate::list::{Chunk, Knowing, Tag};
use crate::panics::PanicPolicy;
use crate::sync::{AtomicU64, Ordering};
use std::ops::ControlFlow;
use std::sync::Arc;

/// A slot behind its conditions.
pub(super) struct Gated<W, F> {
    pub(super) when: W,
    pub(super) slot: F,
}

impl<W, F> Gated<W, F> {
    /// Calls the slot, if the conditions let it and `admit` does.
    #[inline(always)]
    fn give<E>(&self, event: &E, own: Connection, admit: impl FnOnce() -> bool) -> ControlFlow<()>
    where
        W: When<E>,
        F: Fn(&E, Connection) -> ControlFlow<()>,
    {
        match self.when.verdict(event) {
            Verdict::Run if admit() => (self.slot)(event, own),
            Verdict::Run | Verdict::Skip => ControlFlow::Continue(()),
            Verdict::End => {
                own.disconnect();
                ControlFlow::Continue(())
            }
        }
    }
}

impl<E, W, F> Knowing<E> for Gated<W, F>
where
    W: When<E>,
    F: Fn(&E, Connection) -> ControlFlow<()> + Send + Sync + 'static,
{
    #[inline]
    fn call(&self, event: &E, (chunk, tag): (&'static Chunk, Tag)) -> ControlFlow<()> {
        self.give(event, Connection::new(chunk, tag), || true)
    }
}

/// How many calls are left.
pub(super) struct Limit(AtomicU64);

impl Limit {
    pub(super) fn new(times: u64) -> Self {
        Self(AtomicU64::new(times))
    }

    /// Takes a call, if there is one left. Whoever takes the last one ends the connection first.
    pub(super) fn take(&self, own: Connection) -> bool {
        // Relaxed: of all that try, each takes another one, and that is all there is to it.
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if taken.unwrap_or(0) <= 1 {
            own.disconnect();
        }
        taken.is_ok()
    }
}

/// A slot with so many calls.
pub(super) struct Limited<W, F> {
    pub(super) limit: Limit,
    pub(super) gated: Gated<W, F>,
}

impl<E, W, F> Knowing<E> for Limited<W, F>
where
    W: When<E>,
    F: Fn(&E, Connection) -> ControlFlow<()> + Send + Sync + 'static,
{
    #[inline]
    fn call(&self, event: &E, (chunk, tag): (&'static Chunk, Tag)) -> ControlFlow<()> {
        let own = Connection::new(chunk, tag);
        self.gated.give(event, own, || self.limit.take(own))
    }
}

/// A slot with whatever there is.
pub(super) struct Optioned<W, F> {
    pub(super) limit: Option<Limit>,
    pub(super) policy: Option<PanicPolicy>,
    pub(super) meter: Option<Arc<Meter>>,
    pub(super) gated: Gated<W, F>,
}

impl<E, W, F> Knowing<E> for Optioned<W, F>
where
    W: When<E>,
    F: Fn(&E, Connection) -> ControlFlow<()> + Send + Sync + 'static,
{
    fn call(&self, event: &E, (chunk, tag): (&'static Chunk, Tag)) -> ControlFlow<()> {
        let own = Connection::new(chunk, tag);
        let admit = || self.limit.as_ref().is_none_or(|limit| limit.take(own));
        match &self.meter {
            None => self.gated.give(event, own, admit),
            Some(meter) => {
                // What the conditions take is the slot's own time, unless they keep it from running.
                let mut watch = meter.watch(own);
                self.gated.give(event, own, || watch.counts_if(admit()))
            }
        }
    }

    fn panic_policy(&self) -> Option<PanicPolicy> {
        self.policy
    }
}
