//! A field with cache lines of its own.

use std::ops::Deref;

/// What one side writes again and again, away from what the others read: two lines, since processors fetch them in pairs.
#[repr(align(128))]
pub(super) struct Line<T>(T);

impl<T> Line<T> {
    pub(super) fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for Line<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}
