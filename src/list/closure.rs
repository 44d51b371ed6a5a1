//! From a typed closure to a slot's body: where it is stored, and the functions that know its type.

use super::slot::{Batch, Body, Ops, Slot, Storage};
use std::marker::PhantomData;
use std::mem::{align_of, size_of};
use std::slice;

/// A closure with its types erased, ready to be put into a slot.
pub(crate) struct Closure {
    pub(super) body: Body,
    pub(super) ops: &'static Ops,
}

impl Closure {
    /// A slot that takes events one by one.
    pub(crate) fn each<E, F: Fn(&E) + Send + Sync + 'static>(f: F) -> Self {
        Self { body: Body { call: Each::<E, F>::call, storage: store(f) }, ops: Each::<E, F>::OPS }
    }

    /// A slot that takes events by the slice.
    pub(crate) fn slices<E, F: Fn(&[E]) + Send + Sync + 'static>(f: F) -> Self {
        Self { body: Body { call: Slices::<E, F>::call, storage: store(f) }, ops: Slices::<E, F>::OPS }
    }
}

/// Does a closure of this type fit into a slot?
const fn fits<F>() -> bool {
    size_of::<F>() <= size_of::<Storage>() && align_of::<F>() <= align_of::<Storage>()
}

/// Puts a closure into a storage, in a box if it does not fit.
fn store<F>(f: F) -> Storage {
    let mut storage = Storage::EMPTY;
    let place = &raw mut storage;
    if const { fits::<F>() } {
        // SAFETY: it fits, in size and alignment.
        unsafe { place.cast::<F>().write(f) };
    } else {
        // SAFETY: a pointer fits.
        unsafe { place.cast::<*mut F>().write(Box::into_raw(Box::new(f))) };
    }
    storage
}

/// The closure in a storage.
///
/// # Safety
/// [`store`] put an `F` there, which is alive for as long as the reference.
#[inline(always)]
unsafe fn stored<'a, F>(storage: *const Storage) -> &'a F {
    if const { fits::<F>() } {
        // SAFETY: as demanded of the caller.
        unsafe { &*storage.cast::<F>() }
    } else {
        // SAFETY: as demanded of the caller.
        unsafe { &**storage.cast::<*const F>() }
    }
}

/// How to drop an `F` in a storage, if that does anything.
const fn dropper<F>() -> Option<unsafe fn(*mut Storage)> {
    unsafe fn drop_stored<F>(storage: *mut Storage) {
        if const { fits::<F>() } {
            // SAFETY: the storage holds an `F` that nobody uses again.
            unsafe { storage.cast::<F>().drop_in_place() };
        } else {
            // SAFETY: it holds the pointer of the box that `store` made.
            drop(unsafe { Box::from_raw(*storage.cast::<*mut F>()) });
        }
    }
    if fits::<F>() && !std::mem::needs_drop::<F>() { None } else { Some(drop_stored::<F>) }
}

/// Leaves in a batch how far a slot has come, also when it panics.
struct Progress<'a> {
    next: usize,
    batch: &'a Batch,
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.batch.next.set(self.next);
    }
}

impl Batch {
    /// # Safety
    /// The batch is one of `E`, and its events outlive the reference.
    unsafe fn events<'a, E>(&self) -> &'a [E] {
        // SAFETY: made from a slice of `count` events in `emission::emit_batch`.
        unsafe { slice::from_raw_parts(self.events.cast::<E>(), self.count) }
    }
}

struct Each<E, F>(PhantomData<(fn(E), F)>);

impl<E, F: Fn(&E)> Each<E, F> {
    const OPS: &'static Ops = &Ops { batch: Self::batch, drop: dropper::<F>() };

    unsafe fn call(storage: *const Storage, event: *const ()) {
        // SAFETY: `Slot::call` hands over the slot's own storage, and an event of the signal's type.
        unsafe { stored::<F>(storage)(&*event.cast::<E>()) }
    }

    unsafe fn batch(slot: &Slot, storage: *const Storage, batch: &Batch) {
        // SAFETY: `Slot::call_batch` hands over the slot's own storage, and a batch of the signal's type.
        let (f, events) = unsafe { (stored::<F>(storage), batch.events::<E>()) };
        let mut progress = Progress { next: batch.next.get(), batch };
        while let Some(event) = events.get(progress.next) {
            // Disconnected in mid-batch, by itself perhaps: it gets no more of it.
            if !slot.tag().is_live() {
                progress.next = events.len();
                return;
            }
            progress.next += 1;
            f(event);
        }
    }
}

struct Slices<E, F>(PhantomData<(fn(E), F)>);

impl<E, F: Fn(&[E])> Slices<E, F> {
    const OPS: &'static Ops = &Ops { batch: Self::batch, drop: dropper::<F>() };

    unsafe fn call(storage: *const Storage, event: *const ()) {
        // SAFETY: as in `Each::call`.
        unsafe { stored::<F>(storage)(slice::from_ref(&*event.cast::<E>())) }
    }

    unsafe fn batch(_: &Slot, storage: *const Storage, batch: &Batch) {
        // SAFETY: as in `Each::batch`.
        let (f, events) = unsafe { (stored::<F>(storage), batch.events::<E>()) };
        batch.next.set(events.len());
        f(events);
    }
}
