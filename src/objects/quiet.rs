//! A user's closure, whose destructor may panic wherever the last of its pool goes.

use crate::panics::drop_quietly;
use std::mem::ManuallyDrop;
use std::ops::Deref;

/// Swallows the panic of its content's destructor.
pub(super) struct Quiet<F>(ManuallyDrop<F>);

impl<F> Quiet<F> {
    pub(super) fn new(content: F) -> Self {
        Self(ManuallyDrop::new(content))
    }
}

impl<F> Deref for Quiet<F> {
    type Target = F;

    fn deref(&self) -> &F {
        &self.0
    }
}

impl<F> Drop for Quiet<F> {
    fn drop(&mut self) {
        // SAFETY: taken once, and not used afterwards.
        let _ = drop_quietly(unsafe { ManuallyDrop::take(&mut self.0) });
    }
}
