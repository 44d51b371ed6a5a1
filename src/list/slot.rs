//! One callback, with its type erased.

use super::chunk::Chunk;
use super::tag::Tag;
use crate::panics::PanicPolicy;
use crate::sync::{AtomicU64, Ordering, UnsafeCell};
use std::cell::Cell;
use std::mem::{MaybeUninit, transmute};
use std::ptr;
#[cfg(not(loom))]
use std::{mem::offset_of, ptr::with_exposed_provenance};

/// Where a slot keeps what its closure captured: the closure itself, or a pointer to a box of it.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(crate) struct Storage {
    words: [MaybeUninit<u64>; 3],
    /// Whose storage it is. (Outside of models, the place of the storage tells.)
    #[cfg(loom)]
    slot: *const Slot,
}

impl Storage {
    pub(super) const EMPTY: Self = Self {
        words: [MaybeUninit::uninit(); 3],
        #[cfg(loom)]
        slot: std::ptr::null(),
    };
}

/// Calls the closure in the storage with one event.
pub(super) type Call = unsafe fn(*const Storage, *const ());

/// What the call of a query's slot is in truth.
pub(super) type Answer<R> = unsafe fn(*const Storage, *const ()) -> R;

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
#[repr(C)]
pub(super) struct Body {
    pub(super) call: Call,
    pub(super) storage: Storage,
}

/// The rest of what can be done with a slot's closure: cold, one per closure type.
pub(super) struct Ops {
    /// The call of the body.
    pub(super) call: Call,
    /// Gives the closure what it has not had of a batch.
    pub(super) batch: unsafe fn(&Slot, *const Storage, &Batch),
    /// Drops the closure in the storage; `None` if there is nothing to do.
    pub(super) drop: Option<unsafe fn(*mut Storage)>,
    /// What the panics of the closure in the storage mean, if not what they mean to its signal; `None` if it never says.
    pub(super) policy: Option<unsafe fn(*const Storage) -> Option<PanicPolicy>>,
}

/// A batch on its way through the slots.
pub(super) struct Batch {
    pub(super) events: *const (),
    pub(super) count: usize,
    /// The slot that is getting it.
    pub(super) slot: Cell<*const Slot>,
    /// Where that lies.
    pub(super) chunk: Cell<*const Chunk>,
    /// The first event that the present slot has not been given. Up to date whenever no closure is running, also
    /// after one panicked.
    pub(super) next: Cell<usize>,
}

impl Batch {
    pub(super) fn new(events: *const (), count: usize) -> Self {
        Self { events, count, slot: Cell::new(ptr::null()), chunk: Cell::new(ptr::null()), next: Cell::new(0) }
    }
}

// SAFETY: the body is only touched in the states named at the field; the tag's Release and Acquire order these.
unsafe impl Sync for Slot {}
// SAFETY: the closures inside are `Send`.
unsafe impl Send for Slot {}

impl Slot {
    pub(super) fn fresh(index: usize) -> Self {
        unsafe fn nothing(_: *const Storage, _: *const ()) {}
        Self {
            tag: AtomicU64::new(Tag::first(index).word()),
            body: UnsafeCell::new(Body { call: nothing, storage: Storage::EMPTY }),
        }
    }

    /// The slot that a storage is in.
    ///
    /// # Safety
    /// The storage lies in a slot of a chunk that was prepared, and a pin keeps it there.
    pub(super) unsafe fn of(storage: *const Storage) -> &'static Self {
        #[cfg(not(loom))]
        {
            let slot = storage.addr() - offset_of!(Self, body) - offset_of!(Body, storage);
            // SAFETY: as demanded of the caller; `Chunk::prepare` exposes the whole chunk, and chunks are immortal.
            unsafe { &*with_exposed_provenance::<Self>(slot) }
        }
        #[cfg(loom)]
        // SAFETY: as demanded of the caller; `publish` wrote it.
        unsafe {
            &*(*storage).slot
        }
    }

    /// The slot's state, with all that its last writer had done.
    #[inline(always)]
    pub(super) fn tag(&self) -> Tag {
        // Acquire; partners: the Releases in `publish`, `end` and `recycle`. If it is live, the closure is in place.
        // If it is dead, what was done before the disconnection comes before what we do next: the destructor, say.
        Tag::from_word(self.tag.load(Ordering::Acquire))
    }

    /// The slot's state, for who looks at nothing else.
    pub(super) fn tag_now(&self) -> Tag {
        // Relaxed: it orders nothing.
        Tag::from_word(self.tag.load(Ordering::Relaxed))
    }

    /// vacant → live. Returns the tag of the new connection.
    ///
    /// # Safety
    /// The caller has claimed the slot and not published it yet, and is pinned or the only one who knows the list.
    pub(super) unsafe fn publish(&self, body: Body) -> Tag {
        // SAFETY: the slot is vacant and claimed by us: nobody else touches the body.
        self.body.with_mut(|place| unsafe {
            *place = body;
            #[cfg(loom)]
            {
                (*place).storage.slot = self;
            }
        });
        // Relaxed: a vacant tag was written by whoever recycled the chunk, before we found it.
        let tag = Tag::from_word(self.tag.load(Ordering::Relaxed)).live();
        // Release; partner: the Acquire in `tag`. Whoever sees it live sees the closure.
        self.tag.store(tag.word(), Ordering::Release);
        tag
    }

    /// live → dead, if the tag is exactly `live`, or what that became at a gate: one winner among all that try. Wait-free.
    #[inline]
    pub(super) fn end(&self, live: Tag) -> bool {
        self.exchange(live, live.dead()) || self.end_gated(live)
    }

    /// gated → dead. What is gated does not become live again, so after this there is nothing left to try.
    #[cold]
    fn end_gated(&self, live: Tag) -> bool {
        self.tag_now() == live.gated() && self.exchange(live.gated(), live.dead())
    }

    /// live → gated: emissions look at the gate from now on. Whether it is gated now.
    pub(super) fn gate(&self, live: Tag) -> bool {
        self.exchange(live, live.gated()) || self.tag_now() == live.gated()
    }

    #[inline(always)]
    fn exchange(&self, from: Tag, to: Tag) -> bool {
        // Release; partner: the Acquire in `tag`, by which the sweeper learns of it: what happened before a
        // disconnection comes before the destructor of what the slot captured.
        // Acquire on failure; partner: this Release. Whoever loses has seen what the winner did before.
        // An emission that comes after needs neither: it reads the same word, and never an older value than we left.
        self.tag.compare_exchange(from.word(), to.word(), Ordering::Release, Ordering::Acquire).is_ok()
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

    /// Calls the closure of a query, which answers.
    ///
    /// # Safety
    /// As for [`call`](Self::call), of a slot that `Closure::answer` made, for such arguments and an `R`.
    #[inline(always)]
    pub(super) unsafe fn call_for<R>(&self, arguments: *const ()) -> R {
        // SAFETY: as in `call`; the function was made one that returns an `R`, and is called as what it was made.
        self.body.with(|body| unsafe {
            let call = transmute::<Call, Answer<R>>((*body).call);
            call(&raw const (*body).storage, arguments)
        })
    }

    /// Gives the closure what it has not had of a batch.
    ///
    /// # Safety
    /// As for [`call`](Self::call), and `ops` is the slot's own.
    pub(super) unsafe fn call_batch(&self, ops: &Ops, batch: &Batch) {
        // SAFETY: as in `call`.
        self.body.with(|body| unsafe { (ops.batch)(self, &raw const (*body).storage, batch) });
    }

    /// What the closure's panics mean, if not what they mean to its signal.
    ///
    /// # Safety
    /// The slot was found live under a pin that is still held, and `ops` is its own.
    pub(super) unsafe fn panic_policy(&self, ops: &Ops) -> Option<PanicPolicy> {
        // SAFETY: as in `call`.
        ops.policy.and_then(|policy| self.body.with(|body| unsafe { policy(&raw const (*body).storage) }))
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
