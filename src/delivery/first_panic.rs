//! The first of several panics, when the others are to be swallowed.

use crate::panics::drop_quietly;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The first of several panics.
#[derive(Default)]
pub(super) struct FirstPanic(Option<Box<dyn Any + Send>>);

impl FirstPanic {
    /// What `f` returns; `None` if it panics.
    pub(super) fn catch<R>(&mut self, f: impl FnOnce() -> R) -> Option<R> {
        match catch_unwind(AssertUnwindSafe(f)) {
            Ok(done) => Some(done),
            // It may be loom's own finding.
            Err(payload) if cfg!(loom) => resume_unwind(payload),
            Err(payload) => {
                match self.0 {
                    None => self.0 = Some(payload),
                    Some(_) => _ = drop_quietly(payload),
                }
                None
            }
        }
    }

    /// Goes on with it, if there was one.
    pub(super) fn resume(self) {
        if let Some(payload) = self.0 {
            resume_unwind(payload);
        }
    }
}
