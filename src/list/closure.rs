//! From a typed closure to a slot's body: where it is stored, and the functions that know its type.

use super::chunk::Chunk;
use super::slot::{Answer, Batch, Body, Call, Ops, Slot, Storage};
use super::stop;
use super::tag::Tag;
use crate::panics::PanicPolicy;
use std::marker::PhantomData;
use std::mem::{align_of, size_of, transmute};
use std::ops::ControlFlow;
use std::slice;

/// A closure with its types erased, ready to be put into a slot.
pub(crate) struct Closure {
    pub(super) body: Body,
    pub(super) ops: &'static Ops,
}

impl Closure {
    /// A slot that takes events one by one.
    pub(crate) fn each<E, F: Fn(&E) + Send + Sync + 'static>(f: F) -> Self {
        Self::of(f, Each::<E, F>::OPS)
    }

    /// A slot that takes events by the slice.
    pub(crate) fn slices<E, F: Fn(&[E]) + Send + Sync + 'static>(f: F) -> Self {
        Self::of(f, Slices::<E, F>::OPS)
    }

    /// A slot that knows its own connection, may stop the emission, and may have a panic policy of its own.
    pub(crate) fn knowing<E, S: Knowing<E>>(slot: S) -> Self {
        Self::of(slot, Selves::<E, S>::OPS)
    }

    /// A slot of a query. Only [`ask`](super::ask) may call it.
    pub(crate) fn answer<A, R, F: Fn(&A) -> R + Send + Sync + 'static>(f: F) -> Self {
        Self::of(f, Answers::<A, R, F>::OPS)
    }

    fn of<F>(f: F, ops: &'static Ops) -> Self {
        Self { body: Body { call: ops.call, storage: store(f) }, ops }
    }
}

/// What a slot is that is told of its own connection.
pub(crate) trait Knowing<E>: Send + Sync + 'static {
    /// Takes an event. `own` names the slot's own connection. `Break` stops the emission, if its signal has lanes.
    fn call(&self, event: &E, own: (&'static Chunk, Tag)) -> ControlFlow<()>;

    /// What its panics mean, if not what they mean to the signal.
    fn panic_policy(&self) -> Option<PanicPolicy> {
        None
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

    /// Gives a slot what it has not had, one by one: until it ends, in mid-batch, by itself perhaps; without what comes
    /// while it is blocked; until it breaks, if it does.
    #[inline(always)]
    fn each<E>(&self, slot: &Slot, events: &[E], mut give: impl FnMut(&E, Tag) -> ControlFlow<()>) -> bool {
        // SAFETY: `Many::give` has noted the chunk of the slot that it gives the batch to; chunks are immortal.
        let chunk = unsafe { &*self.chunk.get() };
        let mut progress = Progress { next: self.next.get(), batch: self };
        while let Some(event) = events.get(progress.next) {
            let tag = slot.tag();
            if !tag.is_live() {
                break;
            }
            progress.next += 1;
            let blocked = tag.is_gated() && chunk.is_blocked(tag);
            if !blocked && give(event, tag).is_break() {
                progress.next = events.len();
                return true;
            }
        }
        progress.next = events.len();
        false
    }
}

struct Each<E, F>(PhantomData<(fn(E), F)>);

impl<E, F: Fn(&E)> Each<E, F> {
    const OPS: &'static Ops = &Ops { call: Self::call, batch: Self::batch, drop: dropper::<F>(), policy: None };

    unsafe fn call(storage: *const Storage, event: *const ()) {
        // SAFETY: `Slot::call` hands over the slot's own storage, and an event of the signal's type.
        unsafe { stored::<F>(storage)(&*event.cast::<E>()) }
    }

    unsafe fn batch(slot: &Slot, storage: *const Storage, batch: &Batch) {
        // SAFETY: `Slot::call_batch` hands over the slot's own storage, and a batch of the signal's type.
        let (f, events) = unsafe { (stored::<F>(storage), batch.events::<E>()) };
        batch.each(slot, events, |event, _| {
            f(event);
            ControlFlow::Continue(())
        });
    }
}

struct Selves<E, S>(PhantomData<(fn(E), S)>);

impl<E, S: Knowing<E>> Selves<E, S> {
    const OPS: &'static Ops =
        &Ops { call: Self::call, batch: Self::batch, drop: dropper::<S>(), policy: Some(Self::policy) };

    unsafe fn call(storage: *const Storage, event: *const ()) {
        // SAFETY: as in `Each::call`; a slot is called under a pin.
        let (chunk, slot) = unsafe {
            let slot = Slot::of(storage);
            (Chunk::of(slot), slot)
        };
        // SAFETY: as in `Each::call`.
        let flow = unsafe { stored::<S>(storage).call(&*event.cast::<E>(), (chunk, slot.tag_now().live())) };
        if flow.is_break() {
            stop::request(chunk.list());
        }
    }

    unsafe fn batch(slot: &Slot, storage: *const Storage, batch: &Batch) {
        // SAFETY: as in `Each::batch`.
        let (s, events) = unsafe { (stored::<S>(storage), batch.events::<E>()) };
        let chunk = Chunk::of(slot);
        let stopped = batch.each(slot, events, |event, tag| s.call(event, (chunk, tag.live())));
        if stopped {
            stop::request(chunk.list());
        }
    }

    unsafe fn policy(storage: *const Storage) -> Option<PanicPolicy> {
        // SAFETY: `Slot::panic_policy` hands over the slot's own storage.
        unsafe { stored::<S>(storage) }.panic_policy()
    }
}

struct Slices<E, F>(PhantomData<(fn(E), F)>);

impl<E, F: Fn(&[E])> Slices<E, F> {
    const OPS: &'static Ops = &Ops { call: Self::call, batch: Self::batch, drop: dropper::<F>(), policy: None };

    unsafe fn call(storage: *const Storage, event: *const ()) {
        // SAFETY: as in `Each::call`.
        unsafe { stored::<F>(storage)(slice::from_ref(&*event.cast::<E>())) }
    }

    unsafe fn batch(slot: &Slot, storage: *const Storage, batch: &Batch) {
        // SAFETY: as in `Each::batch`.
        let (f, events) = unsafe { (stored::<F>(storage), batch.events::<E>()) };
        batch.next.set(events.len());
        // SAFETY: as in `Batch::each`.
        if !unsafe { &*batch.chunk.get() }.is_blocked(slot.tag_now()) {
            f(events);
        }
    }
}

struct Answers<A, R, F>(PhantomData<(A, R, F)>);

impl<A, R, F: Fn(&A) -> R> Answers<A, R, F> {
    // SAFETY: `Slot::call_for` makes it what it was before it is called.
    const CALL: Call = unsafe { transmute::<Answer<R>, Call>(Self::call) };
    const OPS: &'static Ops = &Ops { call: Self::CALL, batch: Self::batch, drop: dropper::<F>(), policy: None };

    unsafe fn call(storage: *const Storage, arguments: *const ()) -> R {
        // SAFETY: `Slot::call_for` hands over the slot's own storage, and the query's arguments.
        unsafe { stored::<F>(storage)(&*arguments.cast::<A>()) }
    }

    unsafe fn batch(_: &Slot, _: *const Storage, _: &Batch) {
        unreachable!("nobody emits to a query");
    }
}
