//! Which slots run before which.

/// When in an emission a slot runs: lower priorities first, in connection order inside one.
///
/// Any `i16` is one. Each that is in use is a lane of its signal, and takes a chunk of memory (2 KiB) until the signal is
/// dropped; an emission looks at each, and keeps 8 bytes of the stack for it. Made for a handful of groups, it bears all that there
/// are: the 131,072 lanes of all priorities and their fronts take about 1 MiB of stack.
///
/// ```
/// use pulsebus::Priority;
///
/// assert!(Priority::BEFORE < Priority::DEFAULT && Priority::DEFAULT < Priority::AFTER);
/// assert_eq!(Priority::from(-3).get(), -3);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(i16);

impl Priority {
    /// Before the slots of which nothing is said, with room on both sides: -16,384.
    pub const BEFORE: Self = Self(-(1 << 14));
    /// That of all slots of which nothing is said: 0.
    pub const DEFAULT: Self = Self(0);
    /// After the slots of which nothing is said, with room on both sides: 16,384.
    pub const AFTER: Self = Self(1 << 14);

    /// As a number.
    pub const fn get(self) -> i16 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl From<i16> for Priority {
    fn from(priority: i16) -> Self {
        Self(priority)
    }
}
