//! What can be wrong with what a ring is asked for.

use std::fmt;

/// What was to be published does not fit, because the slowest reader holds the ring back: it is handed back. Read on, publish
/// later, or ask for more capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RingFull<T>(pub T);

impl<T> RingFull<T> {
    /// What was to be published.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Display for RingFull<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no room in the ring, whose slowest reader holds it back: read on, publish later, or ask for more capacity",
        )
    }
}

impl<T: fmt::Debug> std::error::Error for RingFull<T> {}

/// Why a reader cannot go after others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AfterError {
    /// The ring is lossy: nobody waits for anybody there. Make it gated.
    Lossy,
    /// There was nobody to go after: name a reader at the least, or subscribe plainly.
    Nobody,
    /// One of the readers is another ring's: name readers of this one.
    OtherRing,
}

impl fmt::Display for AfterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lossy => "readers of a lossy ring do not go after each other: make the ring gated",
            Self::Nobody => "no reader to go after: name one at the least, or subscribe plainly",
            Self::OtherRing => "a reader to go after is another ring's: name readers of this one",
        })
    }
}

impl std::error::Error for AfterError {}
