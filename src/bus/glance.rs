//! What a monitor reads of a bus: totals that cost one look, and the places that connections come from.

use super::Bus;
use super::audit::PlaceCount;
use super::key::Kind;
use super::registry::Totals;

/// Totals of a bus, as of one instant, those that ended behind its back included.
#[derive(Debug, Clone)]
pub(crate) struct Glance {
    pub(crate) live: usize,
    pub(crate) peak: usize,
    pub(crate) made: u64,
    pub(crate) ended: u64,
    pub(crate) rejected: u64,
    pub(crate) over_limit: u64,
    pub(crate) callback_panics: u64,
    pub(crate) kinds: Vec<(Kind, usize)>,
    /// What waits for its time: timers, debounces.
    pub(crate) timers: usize,
    /// How many connections there may be.
    pub(crate) limit: Option<usize>,
}

impl Bus {
    /// Costs a look at the totals, not at the connections.
    pub(crate) fn glance(&self) -> Glance {
        let inner = &self.inner;
        let (live, totals, kinds) = inner.look(|registry| (registry.len(), registry.totals.clone(), registry.kinds()));
        let ended = totals.ended().map(|(_, count)| count).sum();
        let Totals { made, peak, rejected, over_limit, .. } = totals;
        Glance {
            live,
            peak,
            made,
            ended,
            rejected,
            over_limit,
            callback_panics: inner.errors(),
            kinds,
            timers: inner.timers.len(),
            limit: inner.config.load().limits.overall,
        }
    }

    /// The places that connections were made at, those first that have grown the most since the first look that the audit
    /// keeps. Looks at every connection, a page at a time.
    pub(crate) fn places(&self) -> Vec<PlaceCount> {
        self.inner.place_counts()
    }
}
