//! What happens to an event for which a mailbox has no room.

use std::time::Duration;

/// What happens to an event for which a mailbox has no room.
///
/// Whatever is lost is counted, by reason ([`MailboxFigures`](crate::MailboxFigures)), and the receiver learns of it before the first event that comes
/// after the loss, and once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// The emission waits until there is room, for so long at the most (a batch as a whole); then the event is lost. The one policy by which
    /// an emission waits.
    ///
    /// It waits pinned: memory of the signal's domain is not reclaimed meanwhile. And it waits in vain if the emitting thread is the one
    /// that receives, or one that the receiver waits for: nothing can know. Give such a signal a domain of its own, and a short time.
    Block(Duration),
    /// The oldest event makes room, and is lost. Its destructor runs inside the emission, when the new event is in place; a panic in it is
    /// swallowed.
    DropOldest,
    /// The new event is lost; it is not even cloned, unless another thread takes the last room meanwhile.
    DropNewest,
    /// All that is queued makes room, and is lost: only the newest event counts for a receiver that has fallen behind. Destructors as
    /// under [`DropOldest`](Self::DropOldest).
    KeepLatest,
    /// The connection ends, and the new event is lost. What is queued can be received, then it is
    /// [`Closed`](crate::TryRecvError::Closed), by [`Overflowed`](crate::CloseReason::Overflowed).
    Disconnect,
}

impl Overflow {
    /// Do the newest events stay, so that senders take old ones out?
    pub(super) fn keeps_newest(self) -> bool {
        matches!(self, Self::DropOldest | Self::KeepLatest)
    }
}
