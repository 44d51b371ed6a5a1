//! What a ring reports.

use super::shared::{Core, Shared};

/// What is known of a ring, at a glance. Beside others who use it, not of one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RingFigures {
    /// How many events it keeps at the most.
    pub capacity: usize,
    /// How many were ever published, or are being.
    pub published: u64,
    /// How many readers there are.
    pub readers: u32,
    /// How many events wait for the slowest reader of a gated ring. Zero in a lossy one, which does not know its readers' places.
    pub waiting: u64,
    /// How many events readers were told that they have lost, all of them together.
    pub lost: u64,
    /// How many events of a signal found no room in time, and were not published.
    pub refused: u64,
    /// How many events were ever in use at the same time beside those that are kept, by readers that were overtaken while they
    /// read: what a lossy ring has needed memory for beyond its capacity.
    pub spares: u32,
}

impl<E> Shared<E> {
    pub(super) fn figures(&self) -> RingFigures {
        let published = self.tail();
        let (waiting, spares) = match &self.core {
            Core::Gated(gated) => (published - gated.readers.least(published), 0),
            Core::Lossy(lossy) => (0, lossy.spares()),
        };
        RingFigures {
            capacity: self.capacity(),
            published,
            readers: self.readers(),
            waiting,
            lost: self.lost(),
            refused: self.refused(),
            spares,
        }
    }
}
