//! Which shard a thread counts in.
//!
//! Only where thread-locals are a matter of compiler and linker. Elsewhere the standard library allocates each of them at its
//! first use: within the allocator that would never end. There, all threads count in the common shard.

pub(super) use platform::{mine, set_mine};

#[cfg(any(
    all(target_os = "linux", not(any(target_env = "ohos", all(target_arch = "x86_64", target_pointer_width = "32")))),
    target_vendor = "apple",
    all(windows, any(target_env = "msvc", target_abi = "llvm"), not(target_vendor = "win7")),
    any(target_os = "freebsd", target_os = "netbsd", target_os = "dragonfly"),
    target_family = "wasm",
))]
mod platform {
    use crate::alloc::shard::{self, Shard};
    use std::cell::Cell;
    use std::ptr;

    thread_local! {
        /// Null before the thread's first call.
        static MINE: Cell<*const Shard> = const { Cell::new(ptr::null()) };
    }

    /// Null, or a static.
    #[inline(always)]
    pub(in crate::alloc) fn mine() -> *const Shard {
        // It needs no destructor, so it is there as long as the thread is. (Should a platform think otherwise: the common one.)
        MINE.try_with(Cell::get).unwrap_or(shard::common())
    }

    pub(in crate::alloc) fn set_mine(shard: &'static Shard) {
        // As in `mine`. Nothing may panic here.
        let _ = MINE.try_with(|mine| mine.set(shard));
    }
}

#[cfg(not(any(
    all(target_os = "linux", not(any(target_env = "ohos", all(target_arch = "x86_64", target_pointer_width = "32")))),
    target_vendor = "apple",
    all(windows, any(target_env = "msvc", target_abi = "llvm"), not(target_vendor = "win7")),
    any(target_os = "freebsd", target_os = "netbsd", target_os = "dragonfly"),
    target_family = "wasm",
)))]
mod platform {
    use crate::alloc::shard::{self, Shard};

    pub(in crate::alloc) fn mine() -> *const Shard {
        shard::common()
    }

    pub(in crate::alloc) fn set_mine(_: &'static Shard) {}
}
