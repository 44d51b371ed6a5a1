//! Stopping an emission: from the slot that asks for it to the walk that obeys.
//!
//! A walk that can be stopped shows on its thread where it can be asked to; a slot finds it there. Signals none of whose slots
//! may ask are walked without.

use super::List;
use std::cell::Cell;
use std::ptr;

#[cfg(not(loom))]
thread_local! {
    /// The innermost emission on this thread that can be stopped; null if there is none.
    static INNERMOST: Cell<*const Stop> = const { Cell::new(ptr::null()) };
}

#[cfg(loom)]
loom::thread_local! {
    static INNERMOST: Cell<*const Stop> = Cell::new(ptr::null());
}

/// What an emission looks at after each slot.
pub(super) struct Stop {
    /// The list that is being walked; null between two.
    list: Cell<*const List>,
    requested: Cell<bool>,
    outer: *const Stop,
}

impl Stop {
    /// Runs an emission that can be stopped.
    pub(super) fn scope<R>(emission: impl FnOnce(&Stop) -> R) -> R {
        struct Shown;
        impl Drop for Shown {
            fn drop(&mut self) {
                INNERMOST.with(|innermost| {
                    // SAFETY: ours, which is alive: it is taken out in the order in which it was put in.
                    let outer = unsafe { (*innermost.get()).outer };
                    innermost.set(outer);
                });
            }
        }
        let outer = INNERMOST.with(Cell::get);
        let stop = Stop { list: Cell::new(ptr::null()), requested: Cell::new(false), outer };
        INNERMOST.with(|innermost| innermost.set(&raw const stop));
        let _shown = Shown;
        emission(&stop)
    }

    /// Names the list that is walked next.
    pub(super) fn enter(&self, list: &'static List) {
        self.list.set(list);
    }

    #[inline(always)]
    pub(super) fn is_requested(&self) -> bool {
        self.requested.get()
    }
}

/// Asks the emission that is walking `list` on this thread to stop. In vain if it can't be: the slot was connected beside
/// an emission that had begun when no slot of the signal could ask.
#[cold]
pub(super) fn request(list: &'static List) {
    INNERMOST.with(|innermost| {
        // SAFETY: null, or that of a `scope` further up the stack.
        if let Some(stop) = unsafe { innermost.get().as_ref() } {
            if ptr::eq(stop.list.get(), list) {
                stop.requested.set(true);
            }
        }
    });
}
