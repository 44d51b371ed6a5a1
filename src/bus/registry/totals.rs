//! What there was, since the bus was made.

use crate::bus::reason::EndReason;

#[derive(Debug, Clone, Default)]
pub(in crate::bus) struct Totals {
    pub(in crate::bus) made: u64,
    pub(in crate::bus) peak: usize,
    pub(in crate::bus) rejected: u64,
    /// Made although a limit was reached.
    pub(in crate::bus) over_limit: u64,
    pub(in crate::bus) emergencies: u64,
    /// Panics of slots that have ended.
    pub(in crate::bus) panics: u64,
    ended: [u64; EndReason::ALL.len()],
}

impl Totals {
    pub(super) fn count_end(&mut self, reason: EndReason) {
        self.ended[reason as usize] += 1;
    }

    /// Each reason with how many ended by it.
    pub(in crate::bus) fn ended(&self) -> impl Iterator<Item = (EndReason, u64)> {
        EndReason::ALL.into_iter().zip(self.ended)
    }
}
