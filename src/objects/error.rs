//! What can be wrong with a pool, and with what is asked of it.

use std::fmt;
use std::time::Duration;

/// Why there is no pool, or no object.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolError {
    /// [`max`](crate::PoolBuilder::max) is zero: such a pool would never hand anything out.
    NoRoom,
    /// `min` or `initial` is more than `max`.
    TooMany {
        /// Which one.
        what: &'static str,
        /// What it is.
        asked: usize,
        /// What it may be.
        max: usize,
    },
    /// The window that resizing goes by is shorter than [six nanoseconds](crate::PoolBuilder::window).
    NoWindow,
    /// The constructor panicked while the pool was filled for the first time.
    ConstructorPanicked {
        /// So many objects had been made before.
        made: usize,
    },
    /// All objects that may be are out.
    Exhausted {
        /// So many may be.
        max: usize,
    },
    /// No object returned in time.
    TimedOut {
        /// So long it was waited for.
        after: Duration,
        /// So many may be.
        max: usize,
    },
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoom => write!(f, "a pool of at most 0 objects has none to hand out: set `max` to 1 or more"),
            Self::TooMany { what, asked, max } => {
                write!(f, "`{what}` is {asked}, more than `max`, which is {max}: lower the one or raise the other")
            }
            Self::NoWindow => write!(f, "the window that resizing goes by has no length: set `window` to seconds"),
            Self::ConstructorPanicked { made } => {
                write!(f, "the constructor of the pool's objects panicked, after it had made {made}")
            }
            Self::Exhausted { max } => {
                write!(f, "all {max} objects of the pool are out: return some, raise `max`, or use `get`")
            }
            Self::TimedOut { after, max } => {
                write!(f, "all {max} objects of the pool were out, and none returned within {after:?}")
            }
        }
    }
}

impl std::error::Error for PoolError {}

/// Why what is under a key cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The object has been taken back: the key stands for nothing any more, or it is another pool's.
    Stale,
    /// The calling thread is using the object already, further up its stack.
    InUse,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale => write!(f, "the key stands for nothing any more: its object has been taken back"),
            Self::InUse => write!(f, "the object is in use further up this thread's stack: finish there first"),
        }
    }
}

impl std::error::Error for KeyError {}
