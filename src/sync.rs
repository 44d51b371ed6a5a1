//! The one place that chooses between the atomics and cells of the standard library and those of loom.
//!
//! Everything that carries a protocol goes through these names, so that the models of `loom-tests/` run the
//! real code. What only counts or describes ([`diagnostic`]) stays on the standard library's atomics even under
//! loom: it synchronises nothing, and each of its accesses would multiply the interleavings to explore.

#[cfg(loom)]
pub(crate) use self::modelled::*;
#[cfg(not(loom))]
pub(crate) use self::real::*;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Waits a little, and longer the more `rounds` there were.
pub(crate) fn pause(rounds: &mut u32) {
    match *rounds {
        _ if cfg!(loom) => yield_now(),
        0..64 => spin_loop(),
        64..256 => yield_now(),
        _ => std::thread::sleep(std::time::Duration::from_micros(100)),
    }
    *rounds = rounds.saturating_add(1);
}

/// Locks what no panic can leave half done: no foreign code runs under it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Atomics for counters and descriptions: Relaxed, but for what a stale handle may read beside the slot's next user.
pub(crate) mod diagnostic {
    pub(crate) use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering::Relaxed};
}

/// Declares a constructor that is `const` outside of loom, whose atomics cannot be made in a constant.
macro_rules! const_unless_loom {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident : $ty:ty),*) -> $out:ty $body:block) => {
        #[cfg(not(loom))]
        $(#[$meta])* $vis const fn $name($($arg: $ty),*) -> $out $body
        #[cfg(loom)]
        $(#[$meta])* $vis fn $name($($arg: $ty),*) -> $out $body
    };
}
pub(crate) use const_unless_loom;

#[cfg(not(loom))]
mod real {
    pub(crate) use std::hint::spin_loop;
    pub(crate) use std::sync::Arc;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};
    pub(crate) use std::thread::yield_now;

    /// Threads that sleep, and the lock over what wakes them.
    pub(crate) mod sleep {
        pub(crate) use std::sync::{Mutex, MutexGuard};
        pub(crate) use std::thread::{Thread, current};
        use std::time::Instant;

        /// Sleeps until the thread is unparked, or the deadline has come, or without a reason.
        pub(crate) fn park(deadline: Option<Instant>) {
            match deadline {
                Some(deadline) => std::thread::park_timeout(deadline.saturating_duration_since(Instant::now())),
                None => std::thread::park(),
            }
        }
    }

    /// [`std::cell::UnsafeCell`] with the closure-shaped access that loom can watch.
    #[repr(transparent)]
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        #[inline(always)]
        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        #[inline(always)]
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }

    /// Memory that is never given back: handles and thread records may point to it for as long as they like.
    pub(crate) fn immortal<T>(values: Vec<T>) -> &'static [T] {
        Vec::leak(values)
    }
}

#[cfg(loom)]
mod modelled {
    pub(crate) use loom::cell::UnsafeCell;
    pub(crate) use loom::hint::spin_loop;
    pub(crate) use loom::sync::Arc;
    pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};
    pub(crate) use loom::thread::yield_now;
    use std::cell::RefCell;

    /// Threads that sleep, and the lock over what wakes them.
    pub(crate) mod sleep {
        pub(crate) use loom::sync::{Mutex, MutexGuard};
        pub(crate) use loom::thread::{Thread, current};
        use std::time::Instant;

        /// Sleeps until the thread is unparked. In models no time goes by: who is never woken is found to be.
        pub(crate) fn park(_: Option<Instant>) {
            loom::thread::park();
        }
    }

    /// A boolean whose stores are exchanges.
    ///
    /// Loom does not keep what C++ demands: that nothing comes between what an exchange reads and what it writes. A
    /// store that comes after an exchange, and is not ordered with it otherwise, may seem to be overwritten by it, and
    /// marks would get lost that no machine loses.
    pub(crate) struct AtomicBool(loom::sync::atomic::AtomicBool);

    impl AtomicBool {
        pub(crate) fn new(value: bool) -> Self {
            Self(loom::sync::atomic::AtomicBool::new(value))
        }

        pub(crate) fn load(&self, ordering: Ordering) -> bool {
            self.0.load(ordering)
        }

        pub(crate) fn store(&self, value: bool, ordering: Ordering) {
            self.0.swap(value, ordering);
        }

        pub(crate) fn swap(&self, value: bool, ordering: Ordering) -> bool {
            self.0.swap(value, ordering)
        }

        pub(crate) fn compare_exchange(
            &self,
            current: bool,
            new: bool,
            success: Ordering,
            failure: Ordering,
        ) -> Result<bool, bool> {
            self.0.compare_exchange(current, new, success, failure)
        }
    }

    type Freer = Box<dyn FnOnce()>;

    std::thread_local! {
        /// What the running execution made immortal. Loom runs all threads of a model on one thread of the system.
        static ARENA: RefCell<Vec<Freer>> = const { RefCell::new(Vec::new()) };
    }

    /// Memory that lives until the next execution of the model starts.
    pub(crate) fn immortal<T: 'static>(values: Vec<T>) -> &'static [T] {
        let slice: *mut [T] = Box::into_raw(values.into_boxed_slice());
        // SAFETY: the box was leaked a line above; `end_of_execution` alone frees it, when no thread of that
        // execution exists any more.
        ARENA.with(|arena| arena.borrow_mut().push(Box::new(move || drop(unsafe { Box::from_raw(slice) }))));
        // SAFETY: see above.
        unsafe { &*slice }
    }

    /// Frees what the previous execution of a model made immortal.
    pub(crate) fn end_of_execution() {
        let freers = ARENA.with(|arena| std::mem::take(&mut *arena.borrow_mut()));
        freers.into_iter().for_each(|free| free());
    }
}
