//! The program's allocator: the system's, with a count of the calls that each thread makes, and the monitor's count around it.
//!
//! It is how a replay shows that the bus needs no heap in the steady state. The count is per thread, so that a progress
//! bar on another thread does not disturb it.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static ALLOCATOR: pulsebus::alloc::Counting<Calls> = pulsebus::alloc::Counting::over(Calls);

thread_local! {
    // Constant and without a destructor: reading it never allocates, and works while a thread starts and ends.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// How many heap calls (allocations, reallocations and frees) this thread has made so far.
pub fn calls_of_this_thread() -> u64 {
    CALLS.get()
}

struct Calls;

fn count() {
    CALLS.set(CALLS.get() + 1);
}

// SAFETY: every method passes its arguments on to `System` unchanged, so `System` keeps the contract.
unsafe impl GlobalAlloc for Calls {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: `pointer` came from `System` with this layout, as all memory of this allocator does.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: `pointer` came from `System` with this layout, as all memory of this allocator does.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_two_calls() {
        let before = calls_of_this_thread();
        drop(std::hint::black_box(Box::new(7)));
        assert_eq!(calls_of_this_thread() - before, 2);
    }
}
