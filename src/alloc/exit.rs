//! How it is known that a thread ends.
//!
//! Not by a thread-local with a destructor: on some platforms registering one allocates, under a borrow that a second
//! registration, from within the allocator, aborts the process for. A key of the system's needs nothing of that.

pub(super) use platform::at_exit;

#[cfg(unix)]
mod platform {
    use crate::alloc::shard::{self, Shard};
    use std::ffi::c_void;
    use std::ptr;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    /// The key plus two; zero before it is made, one if it cannot be.
    static KEY: AtomicUsize = AtomicUsize::new(0);
    const NONE: usize = 1;
    const FIRST: usize = 2;

    /// Has the shard given back when this thread ends. Will it be?
    pub(in crate::alloc) fn at_exit(shard: &'static Shard) -> bool {
        let Some(key) = key() else { return false };
        // SAFETY: the key was made and is never deleted. What it is set to is a static.
        unsafe { libc::pthread_setspecific(key, ptr::from_ref(shard).cast()) == 0 }
    }

    fn key() -> Option<libc::pthread_key_t> {
        // Relaxed: the number is all there is to it.
        let made = match KEY.load(Relaxed) {
            0 => make(),
            made => made,
        };
        (made != NONE).then(|| (made - FIRST) as libc::pthread_key_t)
    }

    /// Makes the key, unless another thread has. (Without a lock: this is inside of the allocator.)
    #[cold]
    fn make() -> usize {
        let mut key = 0;
        // SAFETY: `key` is there to be written to; `end` may be called at the end of any thread.
        let code = unsafe { libc::pthread_key_create(&mut key, Some(end)) };
        let made = if code == 0 { key as usize + FIRST } else { NONE };
        match KEY.compare_exchange(0, made, Relaxed, Relaxed) {
            Ok(_) => made,
            Err(others) => {
                if made != NONE {
                    // SAFETY: made above, and nobody has seen it.
                    unsafe { libc::pthread_key_delete(key) };
                }
                others
            }
        }
    }

    /// Called by the system at the end of a thread that has a shard.
    extern "C" fn end(shard: *mut c_void) {
        // SAFETY: what `at_exit` set on this thread: a static, which this thread owns.
        shard::give_back(unsafe { &*shard.cast_const().cast::<Shard>() });
    }
}

#[cfg(not(unix))]
mod platform {
    use crate::alloc::shard::Shard;

    /// Nobody says that a thread ends: it keeps its shard.
    pub(in crate::alloc) fn at_exit(_: &'static Shard) -> bool {
        true
    }
}
