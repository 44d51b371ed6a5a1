//! The allocator, and its figures.

use super::shard::{self, SHARDS, Shard};
use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt;

/// Counts what another allocator hands out: the system's, if nothing is said. Install it with `#[global_allocator]`; see the
/// [module](super).
///
/// The counts are the process's: two of them would count together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counting<A = System> {
    inner: A,
}

/// What is on the heap, and has been; from [`Counting::figures`].
///
/// Exact as far as threads have finished their calls. Of calls that are under way, a figure may miss some; the live bytes are
/// never fewer than were live in the middle of the reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct HeapFigures {
    /// Bytes that were asked for and not given back.
    pub live_bytes: u64,
    /// Calls that handed memory out: allocations and reallocations.
    pub calls: u64,
    /// Calls that took memory back: deallocations and reallocations.
    pub frees: u64,
    /// Bytes that were ever asked for.
    pub allocated_bytes: u64,
}

impl HeapFigures {
    /// Blocks that were handed out and not given back.
    pub fn live_blocks(&self) -> u64 {
        self.calls.saturating_sub(self.frees)
    }
}

impl fmt::Display for HeapFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { live_bytes, calls, allocated_bytes, .. } = self;
        let blocks = self.live_blocks();
        write!(f, "{live_bytes} bytes live in {blocks} blocks, {allocated_bytes} bytes by {calls} calls so far")
    }
}

impl Counting {
    /// Over the system's allocator.
    pub const fn new() -> Self {
        Self::over(System)
    }

    /// What has been counted in this process, whatever the allocators count over. Zero if none is installed
    /// ([`figures`](super::figures) tells the difference). Costs a look at 256 cache lines: about a microsecond.
    pub fn figures() -> HeapFigures {
        sum()
    }
}

impl<A> Counting<A> {
    /// Over another allocator.
    pub const fn over(inner: A) -> Self {
        Self { inner }
    }
}

pub(super) fn sum() -> HeapFigures {
    // What was taken back first: whatever it counts was handed out before, and is found by the second look.
    let (mut frees, mut freed) = (0_u64, 0_u64);
    for shard in shards() {
        let (calls, bytes) = shard.taken_back();
        frees = frees.wrapping_add(calls);
        freed = freed.wrapping_add(bytes);
    }
    let (mut calls, mut allocated) = (0_u64, 0_u64);
    for shard in shards() {
        let (more, bytes) = shard.handed_out();
        calls = calls.wrapping_add(more);
        allocated = allocated.wrapping_add(bytes);
    }
    HeapFigures { live_bytes: allocated.saturating_sub(freed), calls, frees, allocated_bytes: allocated }
}

fn shards() -> impl Iterator<Item = &'static Shard> {
    SHARDS.iter().chain([shard::common()])
}

// SAFETY: every call is passed on unchanged to the inner allocator, whose promises are thereby kept; counting neither unwinds
// nor allocates.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counting<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is the one that the inner allocator asks for.
        let memory = unsafe { self.inner.alloc(layout) };
        if !memory.is_null() {
            shard::hand_out(layout.size());
        }
        memory
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        let memory = unsafe { self.inner.alloc_zeroed(layout) };
        if !memory.is_null() {
            shard::hand_out(layout.size());
        }
        memory
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        shard::take_back(layout.size());
        // SAFETY: as in `alloc`.
        unsafe { self.inner.dealloc(memory, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as in `alloc`.
        let moved = unsafe { self.inner.realloc(memory, layout, size) };
        if !moved.is_null() {
            shard::hand_out(size);
            shard::take_back(layout.size());
        }
        moved
    }
}
