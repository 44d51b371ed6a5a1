//! One callback, with its type erased.

use super::tag::Tag;
use crate::sync::{AtomicU64, Ordering, UnsafeCell};
use std::cell::Cell;
use std::mem::MaybeUninit;

/// Where a slot keeps what its closure captured: the closure itself, or a pointer to a box of it.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(crate) struct Storage([MaybeUninit<u64>; 3]);

impl Storage {
    pub(super) const EMPTY: Self = Self([MaybeUninit::uninit(); 3]);
}

/// Calls the closure in the storage with one event.
pub(super) type Call = unsafe fn(*const Storage, *const ());

/// A slot: 40 bytes outside of loom.
#[repr(C)]
pub(crate) struct Slot {
    /// The truth about the slot. Written by the connecting thread (vacant → live), by whoever ends the connection
    /// (live → dead), and by whoever recycles the chunk (→ vacant). Read by all.
    tag: AtomicU64,
    /// Written while the tag is vacant, by the thread that claimed the slot. Read while it is live, or dead and within
    /// the grace period. Taken out after that, by the one who completes the grace period.
    body: UnsafeCell<Body>,
}

/// What an emission needs of a slot.
#[derive(Clone, Copy)]
pub(super) struct Body {
    pub(super) call: Call,
    pub(super) storage: Storage,
}

/// The rest of what can be done with a slot's closure: cold, one per closure type.
pub(super) struct Ops {
    /// Gives the closure what it has not had of a batch.
    pub(super) batch: unsafe fn(&Slot, *const Storage, &Batch),
    /// Drops the closure in the storage; `None` if there is nothing to do.
    pub(super) drop: Option<unsafe fn(*mut Storage)>,
}

/// A batch on its way through the slots.
pub(super) struct Batch {
    pub(super) events: *const (),
    pub(super) count: usize,
    /// The first event that the present slot has not been given. Up to date whenever no closure is running, also
    /// after one panicked.
    pub(super) next: Cell<usize>,
}

// SAFETY: the body is only touched in the states named at the field; the tag's Release and Acquire order these.
unsafe impl Sync for Slot {}
// SAFETY: the closures inside are `Send`.
unsafe impl Send for Slot {}

impl Slot {
    pub(super) fn fresh(index: usize) -> Self {
        unsafe fn nothing(_: *const Storage, _: *const ()) {}
        let body = Body { call: nothing, storage: Storage::EMPTY };
        Self { tag: AtomicU64::new(Tag::first(index).word()), body: UnsafeCell::new(body) }
    }

    /// The slot's state, with all that its last writer had done.
    #[inline(always)]
    pub(super) fn tag(&self) -> Tag {
        // Acquire; partners: the Releases in `publish`, `end` and `recycle`. If it is live, the closure is in place.
        // If it is dead, what was done before the disconnection comes before what we do next: the destructor, say.
        Tag::from_word(self.tag.load(Ordering::Acquire))
    }

    /// vacant → live. Returns the tag of the new connection.
    ///
    /// # Safety
    /// The caller has claimed the slot and not published it yet, and is pinned or the only one who knows the list.
    pub(super) unsafe fn publish(&self, body: Body) -> Tag {
        // SAFETY: the slot is vacant and claimed by us: nobody else touches the body.
        self.body.with_mut(|place| unsafe { *place = body });
        // Relaxed: a vacant tag was written by whoever recycled the chunk, before we found it.
        let tag = Tag::from_word(self.tag.load(Ordering::Relaxed)).live();
        // Release; partner: the Acquire in `tag`. Whoever sees it live sees the closure.
        self.tag.store(tag.word(), Ordering::Release);
        tag
    }

    /// live → dead, if the tag is exactly `live`: one winner among all that try. Wait-free.
    #[inline]
    pub(super) fn end(&self, live: Tag) -> bool {
        // Release; partner: the Acquire in `tag`, by which the sweeper learns of it: what happened before a
        // disconnection comes before the destructor of what the slot captured.
        // Acquire on failure; partner: this Release. Whoever loses has seen what the winner did before.
        // An emission that comes after needs neither: it reads the same word, and never an older value than we left.
        self.tag.compare_exchange(live.word(), live.dead().word(), Ordering::Release, Ordering::Acquire).is_ok()
    }

    /// dead or vacant → vacant, in the next generation. Every handle to this slot is stale from now on.
    ///
    /// # Safety
    /// The closure was taken out or never was there, and nobody can be looking at the slot (but stale handles).
    pub(super) unsafe fn recycle(&self) {
        let next = Tag::from_word(self.tag.load(Ordering::Relaxed)).next_generation();
        // Release; partner: the Acquire in `tag`, for handles that are checked against it. The next occupant learns
        // of it through the pool and the list.
        self.tag.store(next.word(), Ordering::Release);
    }

    /// Calls the closure.
    ///
    /// # Safety
    /// The tag was live under a pin that is still held, `event` points to an event of the signal's type.
    #[inline(always)]
    pub(super) unsafe fn call(&self, event: *const ()) {
        // SAFETY: live under the pin: the body was written before the tag was, and stays until the pin has gone.
        self.body.with(|body| unsafe { ((*body).call)(&raw const (*body).storage, event) });
    }

    /// Gives the closure what it has not had of a batch.
    ///
    /// # Safety
    /// As for [`call`](Self::call), and `ops` is the slot's own.
    pub(super) unsafe fn call_batch(&self, ops: &Ops, batch: &Batch) {
        // SAFETY: as in `call`.
        self.body.with(|body| unsafe { (ops.batch)(self, &raw const (*body).storage, batch) });
    }

    /// Moves the closure out.
    ///
    /// # Safety
    /// The slot is dead, nobody can be inside the closure or looking at it, and this is the only time.
    pub(super) unsafe fn take(&self, ops: &'static Ops) -> Remains {
        // SAFETY: as demanded of the caller. (Exclusive access, so that a model sees a reader that is left.)
        let storage = self.body.with_mut(|body| unsafe { (*body).storage });
        Remains { storage, drop: ops.drop }
    }
}

/// A closure that was moved out of its slot, on its way to its destructor.
pub(super) struct Remains {
    storage: Storage,
    drop: Option<unsafe fn(*mut Storage)>,
}

impl Drop for Remains {
    fn drop(&mut self) {
        if let Some(drop) = self.drop {
            // SAFETY: the storage holds the closure that `drop` is for; `Slot::take` moved it here, and it is dropped
            // here only.
            unsafe { drop(&raw mut self.storage) };
        }
    }
}
