//! Everything that objects are taken from, each used as its documentation does.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use crossbeam_queue::{ArrayQueue, SegQueue};
use lockfree_object_pool::{LinearObjectPool, LinearReusable};
use parking_lot::Mutex;
use pulsebus::{Pool, Pooled};

use super::source::{Payload, ROOM, Source, Words};

/// Ours.
pub struct Ours<P: Payload>(Pool<P>);

impl<P: Payload> Source for Ours<P> {
    const NAME: &'static str = "pulsebus";
    type Object<'a> = Pooled<P>;

    fn new() -> Self {
        Self(Pool::builder(P::default).build().expect("the rest are defaults"))
    }

    #[inline(always)]
    fn get(&self) -> Pooled<P> {
        let mut object = self.0.get();
        object.mark();
        object
    }

    #[inline(always)]
    fn read(&self, object: &Pooled<P>) -> u64 {
        object.marked()
    }

    #[inline(always)]
    fn put(&self, object: Pooled<P>) {
        drop(object);
    }
}

/// The heap, each object made of zeros.
pub struct Zeroed<const N: usize>;

impl<const N: usize> Source for Zeroed<N> {
    const NAME: &'static str = "Box, zeroed";
    type Object<'a> = Box<Words<N>>;

    fn new() -> Self {
        Self
    }

    #[inline(always)]
    fn get(&self) -> Box<Words<N>> {
        let mut object = Box::<Words<N>>::default();
        object.mark();
        object
    }

    #[inline(always)]
    fn read(&self, object: &Box<Words<N>>) -> u64 {
        object.marked()
    }

    #[inline(always)]
    fn put(&self, object: Box<Words<N>>) {
        drop(object);
    }
}

/// The heap, objects as they are found: what malloc and free cost, and nothing else.
pub struct Malloc<const N: usize>;

impl<const N: usize> Source for Malloc<N> {
    const NAME: &'static str = "Box, not initialised (malloc)";
    type Object<'a> = Box<MaybeUninit<Words<N>>>;

    fn new() -> Self {
        Self
    }

    #[inline(always)]
    fn get(&self) -> Box<MaybeUninit<Words<N>>> {
        let mut object = Box::<Words<N>>::new_uninit();
        // SAFETY: any words are good ones to `mark`, which reads none and writes the first.
        unsafe { &mut *object.as_mut_ptr() }.mark();
        object
    }

    #[inline(always)]
    fn read(&self, object: &Box<MaybeUninit<Words<N>>>) -> u64 {
        // SAFETY: the first word, which `get` has written, by the layout of `Words`.
        unsafe { object.as_ptr().cast::<u64>().read() }
    }

    #[inline(always)]
    fn put(&self, object: Box<MaybeUninit<Words<N>>>) {
        drop(object);
    }
}

/// `lockfree-object-pool`, of its kinds the fastest.
pub struct Linear<P: Payload>(LinearObjectPool<P>);

impl<P: Payload> Source for Linear<P> {
    const NAME: &'static str = "lockfree-object-pool";
    type Object<'a> = LinearReusable<'a, P>;

    fn new() -> Self {
        Self(LinearObjectPool::new(P::default, |_| ()))
    }

    #[inline(always)]
    fn get(&self) -> LinearReusable<'_, P> {
        let mut object = self.0.pull();
        object.mark();
        object
    }

    #[inline(always)]
    fn read(&self, object: &LinearReusable<'_, P>) -> u64 {
        object.marked()
    }

    #[inline(always)]
    fn put<'a>(&'a self, object: LinearReusable<'a, P>) {
        drop(object);
    }
}

/// `opool`.
pub struct Opool<P: Payload>(opool::Pool<Fresh, P>);

/// Makes opool's objects.
pub struct Fresh;

impl<P: Payload> opool::PoolAllocator<P> for Fresh {
    #[inline(always)]
    fn allocate(&self) -> P {
        P::default()
    }
}

impl<P: Payload> Source for Opool<P> {
    const NAME: &'static str = "opool";
    type Object<'a> = opool::RefGuard<'a, Fresh, P>;

    fn new() -> Self {
        Self(opool::Pool::new(ROOM, Fresh))
    }

    #[inline(always)]
    fn get(&self) -> opool::RefGuard<'_, Fresh, P> {
        let mut object = self.0.get();
        object.mark();
        object
    }

    #[inline(always)]
    fn read(&self, object: &opool::RefGuard<'_, Fresh, P>) -> u64 {
        object.marked()
    }

    #[inline(always)]
    fn put<'a>(&'a self, object: opool::RefGuard<'a, Fresh, P>) {
        drop(object);
    }
}

/// `sharded-slab`: an object that is out is a key.
pub struct Sharded<const N: usize>(sharded_slab::Pool<Words<N>>);

impl<const N: usize> Source for Sharded<N> {
    const NAME: &'static str = "sharded-slab";
    type Object<'a> = usize;

    fn new() -> Self {
        Self(sharded_slab::Pool::new())
    }

    #[inline(always)]
    fn get(&self) -> usize {
        self.0.create_with(Payload::mark).expect("room for more than any measurement takes")
    }

    #[inline(always)]
    fn read(&self, object: &usize) -> u64 {
        self.0.get(*object).expect("not cleared yet").marked()
    }

    #[inline(always)]
    fn put(&self, object: usize) {
        self.0.clear(object);
    }
}

/// What a free list of boxes would be kept in.
pub trait FreeList<T>: Send + Sync + 'static {
    /// The name in tables.
    const NAME: &'static str;

    /// An empty one, with room for [`ROOM`].
    fn new() -> Self;

    /// One of those that were put there.
    fn pop(&self) -> Option<T>;

    /// Puts one there. One that there is no room for is dropped.
    fn push(&self, object: T);
}

impl<T: Send + 'static> FreeList<T> for ArrayQueue<T> {
    const NAME: &'static str = "crossbeam ArrayQueue";

    fn new() -> Self {
        Self::new(ROOM)
    }

    #[inline(always)]
    fn pop(&self) -> Option<T> {
        self.pop()
    }

    #[inline(always)]
    fn push(&self, object: T) {
        drop(self.push(object));
    }
}

impl<T: Send + 'static> FreeList<T> for SegQueue<T> {
    const NAME: &'static str = "crossbeam SegQueue";

    fn new() -> Self {
        Self::new()
    }

    #[inline(always)]
    fn pop(&self) -> Option<T> {
        self.pop()
    }

    #[inline(always)]
    fn push(&self, object: T) {
        self.push(object);
    }
}

impl<T: Send + 'static> FreeList<T> for Mutex<Vec<T>> {
    const NAME: &'static str = "Mutex<Vec>";

    fn new() -> Self {
        Self::new(Vec::with_capacity(ROOM))
    }

    #[inline(always)]
    fn pop(&self) -> Option<T> {
        self.lock().pop()
    }

    #[inline(always)]
    fn push(&self, object: T) {
        self.lock().push(object);
    }
}

/// A pool that one writes by hand: a free list, and a new object if it is empty.
pub struct ByHand<P, F> {
    free: F,
    _objects: PhantomData<fn() -> P>,
}

impl<P: Payload, F: FreeList<P>> Source for ByHand<P, F> {
    const NAME: &'static str = F::NAME;
    type Object<'a> = P;

    fn new() -> Self {
        Self { free: F::new(), _objects: PhantomData }
    }

    #[inline(always)]
    fn get(&self) -> P {
        let mut object = self.free.pop().unwrap_or_default();
        object.mark();
        object
    }

    #[inline(always)]
    fn read(&self, object: &P) -> u64 {
        object.marked()
    }

    #[inline(always)]
    fn put(&self, object: P) {
        self.free.push(object);
    }
}
