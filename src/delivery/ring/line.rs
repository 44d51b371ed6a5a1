//! A field with cache lines of its own, and a row of places.

use std::collections::TryReserveError;
use std::ops::Deref;

/// So many of them, by their numbers; or what the allocator says instead, before any is made.
pub(super) fn row<T>(count: usize, make: impl FnMut(usize) -> T) -> Result<Box<[T]>, TryReserveError> {
    let mut row = Vec::new();
    row.try_reserve_exact(count)?;
    row.extend((0..count).map(make));
    Ok(row.into_boxed_slice())
}

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
