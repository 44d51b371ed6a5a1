//! A global allocator that counts: live bytes and calls, for a few instructions per call.
//!
//! ```
//! use pulsebus::alloc::Counting;
//!
//! #[global_allocator]
//! static ALLOCATOR: Counting = Counting::new();
//!
//! let before = Counting::figures();
//! let words = vec![0_u8; 1_000];
//! let after = Counting::figures();
//! assert!(after.live_bytes >= before.live_bytes + 1_000 && after.calls > before.calls);
//! # drop(words);
//! ```
//!
//! Over another allocator: `static ALLOCATOR: Counting<Other> = Counting::over(Other);`. A [`Monitor`](crate::Monitor) finds the
//! figures by itself.
//!
//! # Cost
//! Two counters per call, in a cache line that the calling thread alone writes to: one look-up of a thread-local, two
//! comparisons, and twice a load, an addition and a store; no locked instruction. (On Unix a thread gives its line back when it
//! ends. Elsewhere the first 256 threads keep theirs. Threads that find none share one, with locked additions; so do all threads
//! where thread-locals are not native, for the standard library allocates them there: on Android, OpenBSD, illumos, and Windows
//! by GNU's linker.)
//!
//! On Unix, a library that has counted must not be unloaded (`dlclose`): threads that end call into it.

mod counting;
mod exit;
mod mine;
mod shard;

pub use counting::{Counting, HeapFigures};

/// What [`Counting`] allocators have counted in this process; `None` if none has.
///
/// ```
/// assert_eq!(pulsebus::alloc::figures(), None); // this program installs none
/// ```
pub fn figures() -> Option<HeapFigures> {
    installed().then(counting::sum)
}

/// Has a [`Counting`] allocator been called in this process?
pub fn installed() -> bool {
    shard::any_taken()
}
