//! A run: what a queue shows together.

/// So many events are shown together, the last one first: so who has caught up, and waits at the first, gets them at once, and takes no
/// line from under who writes. More would hold up those who wait.
pub(super) const RUN: u64 = 32;

/// A position that is moved on, and is put back where it is kept when that is over; also by a panic. In between it stays in a register.
pub(super) struct Moving<'a> {
    pub(super) next: u64,
    kept: &'a mut u64,
}

impl<'a> Moving<'a> {
    #[inline(always)]
    pub(super) fn new(kept: &'a mut u64) -> Self {
        Self { next: *kept, kept }
    }
}

impl Drop for Moving<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        *self.kept = self.next;
    }
}
