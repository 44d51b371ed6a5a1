//! A bell that is made when the first one waits.
//!
//! | who rings | who waits |
//! | --- | --- |
//! | makes it visible; fence; is there a bell? | shows a bell; enters it, with the heavy barrier; is it visible? |
//!
//! Of the two one is first. If the ringer's fence is, who waits sees what happened. If the barrier is, the ringer finds the bell, and
//! who is in it.

use super::Bell;
use crate::sync::{AtomicPtr, Ordering, fence};
use std::ptr;

/// A place for a bell, for what few will wait for.
pub(crate) struct LateBell(AtomicPtr<Bell>);

impl LateBell {
    pub(crate) fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// The bell, to be entered; made for the first one. What happened before it had one, the caller has yet to look for.
    pub(crate) fn bell(&self) -> &Bell {
        // Acquire; partner: the Release in `show`. The bell is made.
        // SAFETY: null, or from a box that is dropped with `self`.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }.unwrap_or_else(|| self.show())
    }

    #[cold]
    fn show(&self) -> &Bell {
        let made = Box::into_raw(Box::new(Bell::new()));
        // Release; partners: the Acquires in `bell` and `ring`, and the one here of who comes second. The bell is made.
        let shown = self.0.compare_exchange(ptr::null_mut(), made, Ordering::Release, Ordering::Acquire);
        let bell = match shown {
            Ok(_) => made,
            Err(first) => {
                // SAFETY: of the box above, which nobody else has seen.
                drop(unsafe { Box::from_raw(made) });
                first
            }
        };
        // SAFETY: it is shown, so it is dropped with `self`.
        unsafe { &*bell }
    }

    /// Rings, if there is a bell, after something was made visible. Cost: a fence and a load, if nobody ever waited.
    pub(crate) fn ring(&self) {
        // Partner: the heavy barrier of who enters the bell. See the module's table.
        fence(Ordering::SeqCst);
        // Acquire; partner: the Release in `show`. The bell is made.
        // SAFETY: as in `bell`.
        if let Some(bell) = unsafe { self.0.load(Ordering::Acquire).as_ref() } {
            bell.ring();
        }
    }
}

impl Drop for LateBell {
    fn drop(&mut self) {
        // Relaxed: ours alone.
        let bell = self.0.load(Ordering::Relaxed);
        if !bell.is_null() {
            // SAFETY: made by `show` of a box, and nobody can have a reference to it any more.
            drop(unsafe { Box::from_raw(bell) });
        }
    }
}
