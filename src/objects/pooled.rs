//! The guard of an object that is out.

use super::core::Core;
use super::keys::Key;
use super::node::{Header, Node};
use super::stock::Stock;
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

/// An object of a [`Pool`](crate::Pool), which returns there when it is dropped, on whatever thread that is.
///
/// It is one pointer. It keeps its pool's memory, but does not keep the pool open: once the last [`Pool`](crate::Pool) has been
/// dropped, objects that are still out free themselves. One that is forgotten (`mem::forget`) is lost, and the pool counts it as
/// out forever.
#[must_use = "the object returns to its pool at once if this is dropped"]
pub struct Pooled<T: Send + 'static> {
    node: NonNull<Header>,
    /// It owns a `T`, and gives it back to where others take a `T`: none of a subtype or supertype will do.
    _node: PhantomData<fn(T) -> T>,
}

/// An object must not return as one of a supertype: here another user's `for<'a> fn(&'a str)` would keep what it may not.
///
/// ```compile_fail
/// use pulsebus::{Pool, Pooled};
///
/// fn ignore(_: &str) {}
/// let pool = Pool::builder(|| ignore as for<'a> fn(&'a str)).build().unwrap();
/// let object: Pooled<for<'a> fn(&'a str)> = pool.get();
/// let object: Pooled<fn(&'static str)> = object;
/// ```
#[cfg(doctest)]
struct Invariant;

// SAFETY: it owns its object, alone; what it does with the pool's inside is made for all threads.
unsafe impl<T: Send> Send for Pooled<T> {}
// SAFETY: shared, it gives out `&T` only.
unsafe impl<T: Send + Sync> Sync for Pooled<T> {}

impl<T: Send + 'static> Pooled<T> {
    /// The guard of a node that is out.
    ///
    /// # Safety
    /// It is one of a `Node<T>`, and the caller's.
    #[inline]
    pub(super) unsafe fn new(node: NonNull<Header>) -> Self {
        Self { node, _node: PhantomData }
    }

    fn core(&self) -> &Arc<Core<T>> {
        // SAFETY: ours, by the contract of `new`.
        unsafe { Node::core(self.node) }
    }

    /// Takes the object for good: the pool forgets it, and may make another one in its place. It is not reset.
    ///
    /// ```
    /// use pulsebus::{Pool, Pooled};
    ///
    /// let pool = Pool::builder(|| Vec::<u8>::with_capacity(1024)).build()?;
    /// let mut buffer = pool.get();
    /// buffer.extend(b"kept");
    /// let owned: Vec<u8> = Pooled::detach(buffer);
    /// assert_eq!(pool.figures().objects(), 0);
    /// # drop(owned);
    /// # Ok::<(), pulsebus::PoolError>(())
    /// ```
    pub fn detach(this: Self) -> T {
        let this = ManuallyDrop::new(this);
        this.core().note_peak();
        this.core().untrack(this.node);
        // SAFETY: ours, by the contract of `new`, not dropped any more, and nobody knows it.
        let Node { core, value, .. } = *unsafe { Node::<T>::into_box(this.node) };
        core.stock.lose();
        value
    }

    /// Leaves the object to its pool, under a weak key; see [`Pool::insert`](crate::Pool::insert).
    ///
    /// Cost: some exchanges on the pool's free cells.
    pub fn keep(this: Self) -> Key {
        let core = Arc::clone(this.core());
        core.keep(ManuallyDrop::new(this).node)
    }
}

impl<T: Send + 'static> Drop for Pooled<T> {
    #[inline(always)]
    fn drop(&mut self) {
        let node = self.node;
        // Once it is pushed, others may drop it, and with it the pool's inside: neither is touched any more.
        // SAFETY: ours, by the contract of `new`; the number is the one of its pool, or nobody's.
        if !unsafe { Stock::push(node.as_ref().number(), node) } {
            // SAFETY: not pushed, so it is still ours.
            unsafe { Core::<T>::take_back(node) };
        }
    }
}

impl<T: Send + 'static> Deref for Pooled<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: ours, by the contract of `new`, and borrowed from us.
        unsafe { &*Node::<T>::value(self.node) }
    }
}

impl<T: Send + 'static> DerefMut for Pooled<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: ours, by the contract of `new`, and borrowed from us.
        unsafe { &mut *Node::<T>::value(self.node) }
    }
}

impl<T: Send + 'static> AsRef<T> for Pooled<T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: Send + 'static> AsMut<T> for Pooled<T> {
    fn as_mut(&mut self) -> &mut T {
        self
    }
}

impl<T: Send + fmt::Debug + 'static> fmt::Debug for Pooled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: Send + fmt::Display + 'static> fmt::Display for Pooled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}
