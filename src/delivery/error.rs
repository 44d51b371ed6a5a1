//! What receiving may come to besides an event, and what is refused when a mailbox is made.

use std::fmt;

/// Why a mailbox, a ring or a bounded event loop was not made. Nothing is connected then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CapacityError {
    /// There was to be room for no event at all: ask for one at the least.
    Zero,
    /// There was to be room for more events than can be numbered or allocated: ask for fewer.
    TooLarge {
        /// How many were asked for.
        asked: usize,
        /// How many there can be: of this kind, and of events of this size.
        most: usize,
    },
    /// The allocator has no room for so many: ask for fewer.
    NoMemory {
        /// How many were asked for.
        asked: usize,
    },
}

impl fmt::Display for CapacityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero => f.write_str("a capacity of 0 has room for no event: ask for 1 at the least"),
            Self::NoMemory { asked } => write!(f, "there is no memory for a capacity of {asked}: ask for less"),
            Self::TooLarge { asked, most } => {
                write!(f, "a capacity of {asked} is more than there can be: ask for {most} at the most")
            }
        }
    }
}

impl std::error::Error for CapacityError {}

/// Why no further event comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The connection was ended, by whatever ends connections.
    Disconnected,
    /// The signal was dropped. (Its connection may have ended before that, if the receiver has not noticed.)
    SignalDropped,
    /// The receiver did not keep up, and [`Overflow::Disconnect`](crate::Overflow::Disconnect) says what that means.
    Overflowed,
    /// The last publisher of the ring has gone.
    PublishersGone,
    /// A reader that this one goes after has left the ring.
    ReaderAheadGone,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disconnected => "its connection was ended",
            Self::SignalDropped => "its signal was dropped",
            Self::Overflowed => "the receiver did not keep up, and was to be disconnected then",
            Self::PublishersGone => "the last publisher has gone",
            Self::ReaderAheadGone => "a reader that it goes after has left",
        })
    }
}

impl std::error::Error for CloseReason {}

/// So many events were lost before the next one: what iterators and streams say. Said once; go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lagged(pub u64);

impl fmt::Display for Lagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        lagged(f, self.0)
    }
}

impl std::error::Error for Lagged {}

/// Why there is no event right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TryRecvError {
    /// So many events were lost before the next one. Said once; receive again.
    Lagged(u64),
    /// There is none at present: come back later, or wait.
    Empty,
    /// What was queued has been received, and nothing more will come: let go of the receiver.
    Closed(CloseReason),
}

/// Why waiting for an event has ended without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecvError {
    /// So many events were lost before the next one. Said once; receive again.
    Lagged(u64),
    /// What was queued has been received, and nothing more will come: let go of the receiver.
    Closed(CloseReason),
}

/// Why waiting for an event, for so long at the most, has ended without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecvTimeoutError {
    /// So many events were lost before the next one. Said once; receive again.
    Lagged(u64),
    /// None came in time: come back later, or wait for longer.
    Timeout,
    /// What was queued has been received, and nothing more will come: let go of the receiver.
    Closed(CloseReason),
}

fn lagged(f: &mut fmt::Formatter<'_>, count: u64) -> fmt::Result {
    write!(f, "{count} events were lost before the next one: receive again, more often or with more capacity")
}

fn closed(f: &mut fmt::Formatter<'_>, reason: CloseReason) -> fmt::Result {
    write!(f, "no further event comes, for {reason}: let go of the receiver")
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Lagged(count) => lagged(f, count),
            Self::Empty => f.write_str("no event at present: come back later, or wait for one"),
            Self::Closed(reason) => closed(f, reason),
        }
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Lagged(count) => lagged(f, count),
            Self::Closed(reason) => closed(f, reason),
        }
    }
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Lagged(count) => lagged(f, count),
            Self::Timeout => f.write_str("no event came in time: come back later, or wait for longer"),
            Self::Closed(reason) => closed(f, reason),
        }
    }
}

impl std::error::Error for TryRecvError {}
impl std::error::Error for RecvError {}
impl std::error::Error for RecvTimeoutError {}

impl From<RecvError> for TryRecvError {
    fn from(error: RecvError) -> Self {
        match error {
            RecvError::Lagged(count) => Self::Lagged(count),
            RecvError::Closed(reason) => Self::Closed(reason),
        }
    }
}

impl From<RecvError> for RecvTimeoutError {
    fn from(error: RecvError) -> Self {
        match error {
            RecvError::Lagged(count) => Self::Lagged(count),
            RecvError::Closed(reason) => Self::Closed(reason),
        }
    }
}
