//! How an emission has ended.

/// How an emission has ended; from [`Signal::emit`](crate::Signal::emit). May be ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Emitted {
    /// Every slot had its turn. (None, if none was connected.)
    Completed,
    /// A slot [broke it off](crate::SlotBuilder::connect_flow): those after it have not run.
    Stopped,
    /// The signal is [blocked](crate::Signal::block): no slot has run.
    Blocked,
}

impl Emitted {
    /// Has every slot had its turn?
    #[inline]
    pub fn is_completed(self) -> bool {
        self == Self::Completed
    }

    /// Has a slot broken it off?
    #[inline]
    pub fn is_stopped(self) -> bool {
        self == Self::Stopped
    }

    /// Was the signal blocked?
    #[inline]
    pub fn is_blocked(self) -> bool {
        self == Self::Blocked
    }
}
