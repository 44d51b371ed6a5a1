//! A counting allocator, for the binaries that count. The ones that time leave it out: it would
//! cost those peers time that allocate.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The system's allocator, counted. Install it with `#[global_allocator]`.
#[derive(Debug, Default)]
pub struct Counting {
    calls: AtomicU64,
    allocated: AtomicU64,
    freed: AtomicU64,
}

impl Counting {
    /// A counter at zero.
    pub const fn new() -> Self {
        Self { calls: AtomicU64::new(0), allocated: AtomicU64::new(0), freed: AtomicU64::new(0) }
    }

    /// Calls so far that allocated, resized or freed.
    pub fn calls(&self) -> u64 {
        self.calls.load(Relaxed)
    }

    /// Bytes that were asked for and not given back yet.
    pub fn live_bytes(&self) -> u64 {
        self.allocated.load(Relaxed) - self.freed.load(Relaxed)
    }

    fn count(&self, allocated: usize, freed: usize) {
        self.calls.fetch_add(1, Relaxed);
        self.allocated.fetch_add(allocated as u64, Relaxed);
        self.freed.fetch_add(freed as u64, Relaxed);
    }
}

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size(), 0);
        // SAFETY: the caller's promise is the one that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size(), 0);
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        self.count(0, layout.size());
        // SAFETY: as in `alloc`.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.count(size, layout.size());
        // SAFETY: as in `alloc`.
        unsafe { System.realloc(memory, layout, size) }
    }
}

/// Bytes that malloc has handed out in this process, its own headers and rounding included; what
/// C++ allocated too. `None` where the C library does not say.
pub fn malloc_bytes() -> Option<u64> {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: the call has no precondition.
        let info = unsafe { libc::mallinfo2() };
        Some((info.uordblks + info.hblkhd) as u64)
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    None
}
