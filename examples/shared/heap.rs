//! The system's allocator, which counts its calls, those of all threads together.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static CALLS: AtomicU64 = AtomicU64::new(0);

/// The allocator. (A test that includes several examples has one for all of them.)
pub struct Counting;

#[cfg_attr(not(test), global_allocator)]
static _ALLOCATOR: Counting = Counting;

/// Runs `f`: what it returns, and how often the heap was called meanwhile, to allocate, to resize and to free.
pub fn counted<R>(f: impl FnOnce() -> R) -> (R, u64) {
    let before = CALLS.load(Relaxed);
    let result = f();
    (result, CALLS.load(Relaxed) - before)
}

fn count() {
    CALLS.fetch_add(1, Relaxed);
}

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is the one that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count();
        // SAFETY: as in `alloc`.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as in `alloc`.
        unsafe { System.realloc(memory, layout, size) }
    }
}
