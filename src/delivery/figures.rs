//! What has become of a mailbox's events.

/// What has become of the events of one mailbox; from [`Receiver::figures`](crate::Receiver::figures).
///
/// When nobody is at work, `sent == received + queued + lost()`. Beside emissions under way, each number is of some moment during the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MailboxFigures {
    /// How many events reached the mailbox, lost ones included. (One whose clone panicked has not.)
    pub sent: u64,
    /// How many were received.
    pub received: u64,
    /// How many are waiting, those included that are just being put in.
    pub queued: usize,
    /// How many were taken out for newer ones: by `DropOldest`.
    pub dropped_oldest: u64,
    /// How many found no room: under `DropNewest`.
    pub dropped_newest: u64,
    /// How many were taken out for newer ones: by `KeepLatest`.
    pub replaced: u64,
    /// How many waited for room in vain: under `Block`.
    pub timed_out: u64,
    /// How many found no room, and ended the connection: under `Disconnect`; those of the same batch, and of emissions that were
    /// under way, included.
    pub overflowed: u64,
}

impl MailboxFigures {
    /// How many events were lost, for whatever reason.
    pub fn lost(&self) -> u64 {
        self.dropped_oldest + self.dropped_newest + self.replaced + self.timed_out + self.overflowed
    }
}
