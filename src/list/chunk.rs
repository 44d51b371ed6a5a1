//! A run of slots, and its place in a signal's list.

use super::List;
use super::block::Blocks;
use super::flight::Flight;
use super::slot::{Ops, Remains, Slot};
use super::tag::Tag;
use crate::domain::DomainCore;
use crate::epoch::Link;
use crate::panics::PanicPolicy;
use crate::pool::{Immortal, Ticket};
use crate::sync::diagnostic::{AtomicPtr as Note, AtomicU32 as Count, Relaxed};
use crate::sync::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::mem::offset_of;
use std::panic::Location;
use std::{array, ptr};

/// How many slots a chunk has. Under loom as few as show every transition.
pub(crate) const CHUNK_SLOTS: usize = if cfg!(loom) { 2 } else { 32 };
/// One bit per slot, all set.
const ALL: u32 = ((1u64 << CHUNK_SLOTS) - 1) as u32;

/// A chunk: 2,048 bytes for 32 slots. Immortal, and of one type for ever.
///
/// Its life: taken from the pool → *linked* at the end of a list → its slots are claimed one by one, in order, each
/// once → they die → they are *retired* (known to be dead) → when all are, the chunk is *unlinked* → after a grace
/// period it goes back to the pool, its slots vacant in the next generation.
#[repr(C, align(128))]
pub(crate) struct Chunk {
    read: Read,
    written: Written,
    slots: [Slot; CHUNK_SLOTS],
    // Cold, one entry per slot; each written before the slot is published.
    ops: [Note<Ops>; CHUNK_SLOTS],
    places: [Note<Location<'static>>; CHUNK_SLOTS],
    /// How often the slot's closure has panicked.
    panics: [Count; CHUNK_SLOTS],
}

/// What every emission reads; written rarely.
#[repr(C, align(64))]
struct Read {
    /// The chunk after this one. null → next by compare-exchange of an appender; next → the one after by the sweeper,
    /// when it unlinks that one; null again when the chunk is recycled.
    next: AtomicPtr<Chunk>,
    /// The chunk's number in its list, counting up. Written before it is linked.
    sequence: AtomicU64,
    /// Which slots are known to be dead. Written by the holder of the list's sweep flag only, or by
    /// whoever has torn the list down.
    retired: AtomicU32,
    /// How often each slot is blocked; null until one is for the first time, then there for ever.
    blocks: AtomicPtr<Blocks>,
}

/// What connecting, disconnecting and sweeping write.
#[repr(C, align(64))]
struct Written {
    /// How many slots were claimed; goes beyond their number when several threads find the chunk full.
    claimed: AtomicU32,
    /// A hint: some slot died that is not retired.
    dirty: AtomicBool,
    /// The list it belongs to, or belonged to last: for hints.
    list: AtomicPtr<List>,
    /// The domain of that list's signal at the time, for waiting: the list itself may serve another one sooner than the
    /// chunk does.
    domain: AtomicPtr<DomainCore>,
    flight: Flight,
    limbo: AtomicPtr<Chunk>,
    ticket: Ticket,
}

#[cfg(all(not(loom), target_pointer_width = "64"))]
const _: () = assert!(size_of::<Chunk>() == 2048);

// SAFETY: `limbo` serves nothing else; chunks live in a pool, which makes them immortal.
unsafe impl Link for Chunk {
    fn link(&self) -> &AtomicPtr<Self> {
        &self.written.limbo
    }
}

// SAFETY: `ticket` serves nothing else.
unsafe impl Immortal for Chunk {
    /// 32 KiB an allocation.
    const SLAB: usize = if cfg!(loom) { 1 } else { 16 };

    fn fresh() -> Self {
        Self {
            read: Read {
                next: AtomicPtr::new(ptr::null_mut()),
                sequence: AtomicU64::new(0),
                retired: AtomicU32::new(0),
                blocks: AtomicPtr::new(ptr::null_mut()),
            },
            written: Written {
                claimed: AtomicU32::new(0),
                dirty: AtomicBool::new(false),
                list: AtomicPtr::new(ptr::null_mut()),
                domain: AtomicPtr::new(ptr::null_mut()),
                flight: Flight::new(),
                limbo: AtomicPtr::new(ptr::null_mut()),
                ticket: Ticket::new(),
            },
            slots: array::from_fn(Slot::fresh),
            ops: array::from_fn(|_| Note::new(ptr::null_mut())),
            places: array::from_fn(|_| Note::new(ptr::null_mut())),
            panics: array::from_fn(|_| Count::new(0)),
        }
    }

    fn ticket(&self) -> &Ticket {
        &self.written.ticket
    }
}

/// What a look at all slots of a chunk found.
#[derive(Default)]
pub(super) struct Census {
    pub(super) live: u32,
    /// Not published yet.
    pub(super) vacant: u32,
    /// Dead and not retired yet, one bit each.
    pub(super) dead: u32,
    /// Those among them whose closure has to be dropped.
    pub(super) drops: u32,
}

impl Chunk {
    /// Makes it a chunk of `list`. The caller has just taken it from the pool, and links it next.
    pub(super) fn prepare(&self, list: &'static List, domain: &'static DomainCore, sequence: u64) {
        // For `Slot::of` and `Chunk::of`, which come from the inside.
        let _ = ptr::from_ref(self).expose_provenance();
        self.read.sequence.store(sequence, Ordering::Relaxed);
        // Release; partner: the Acquire in `domain`. A stale handle meets a domain that is fully made.
        self.written.domain.store(ptr::from_ref(domain).cast_mut(), Ordering::Release);
        // Release; partner: the Acquire in `hint`. A late hint meets the new list, fully made.
        self.written.list.store(ptr::from_ref(list).cast_mut(), Ordering::Release);
    }

    #[inline(always)]
    pub(super) fn sequence(&self) -> u64 {
        // Relaxed: whoever found the chunk through a list has seen it prepared.
        self.read.sequence.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(super) fn next(&self) -> *const Chunk {
        // Acquire; partners: the Releases in `link` and `bypass`. The next chunk is prepared.
        self.read.next.load(Ordering::Acquire)
    }

    /// The chunk that a slot lies in.
    pub(super) fn of(slot: &Slot) -> &'static Self {
        let first = ptr::from_ref(slot).addr() - slot.tag_now().index() * size_of::<Slot>();
        // SAFETY: slots are made in chunks only, at the index that their tag names; `prepare` has exposed this one, or
        // nobody would have come to the slot; and chunks are immortal.
        unsafe { &*ptr::with_exposed_provenance::<Self>(first - offset_of!(Self, slots)) }
    }

    /// The counters of blocks; `None` if no slot ever was.
    #[inline(always)]
    pub(super) fn blocks(&self) -> Option<&'static Blocks> {
        // Acquire; partner: the Release in `blocks_or_new`. The counters are made.
        // SAFETY: null, or immortal.
        unsafe { self.read.blocks.load(Ordering::Acquire).as_ref() }
    }

    /// The same; made by who blocks the slot that `live` names.
    pub(super) fn blocks_or_new(&self, live: Tag) -> &'static Blocks {
        if let Some(blocks) = self.blocks() {
            return blocks;
        }
        let fresh = Box::into_raw(Box::new(Blocks::new(live)));
        // Release; partner: the Acquire in `blocks`, and here: the counters are made.
        match self.read.blocks.compare_exchange(ptr::null_mut(), fresh, Ordering::Release, Ordering::Acquire) {
            // SAFETY: made above, and never freed from now on.
            Ok(_) => unsafe { &*fresh },
            Err(theirs) => {
                // SAFETY: made above, and shown to nobody.
                drop(unsafe { Box::from_raw(fresh) });
                // SAFETY: not null, or the exchange had not failed; immortal.
                unsafe { &*theirs }
            }
        }
    }

    /// null → next: appends. `Err` holds the chunk that another thread has appended.
    pub(super) fn link(&self, next: &'static Chunk) -> Result<(), *const Chunk> {
        // Release; partner: the Acquire in `next`. Acquire on failure: we go on with the other thread's chunk.
        self.read
            .next
            .compare_exchange(ptr::null_mut(), ptr::from_ref(next).cast_mut(), Ordering::Release, Ordering::Acquire)
            .map(drop)
            .map_err(|theirs| theirs.cast_const())
    }

    /// next → the one after it: unlinks the next one. Only for the holder of the sweep flag.
    pub(super) fn bypass(&self, after: *const Chunk) {
        // Release; partner: the Acquire in `next`: the one after was prepared by another thread, which we pass on.
        self.read.next.store(after.cast_mut(), Ordering::Release);
    }

    /// Claims the next slot for the calling thread, which alone may write and publish it; `None` if all are claimed.
    pub(super) fn claim(&self) -> Option<usize> {
        // Relaxed: it only hands out indices. That an emission which comes after a connect sees the claim follows
        // from that order itself; an emission beside it may see it or not.
        let index = self.written.claimed.fetch_add(1, Ordering::Relaxed) as usize;
        (index < CHUNK_SLOTS).then_some(index)
    }

    /// How many slots are claimed.
    #[inline(always)]
    pub(super) fn claimed(&self) -> usize {
        // Relaxed: see `claim`; that a claimed slot is also published is what its tag tells.
        (self.written.claimed.load(Ordering::Relaxed) as usize).min(CHUNK_SLOTS)
    }

    #[inline(always)]
    pub(super) fn slots(&self) -> &[Slot; CHUNK_SLOTS] {
        &self.slots
    }

    /// The slot that a tag names.
    #[inline(always)]
    pub(crate) fn slot(&self, tag: Tag) -> &Slot {
        &self.slots[tag.index()]
    }

    /// Notes what belongs to a claimed slot, before it is published.
    pub(super) fn describe(&self, index: usize, ops: &'static Ops, place: &'static Location<'static>) {
        self.ops[index].store(ptr::from_ref(ops).cast_mut(), Relaxed);
        // Release; partner: the fence in `is_generation`. Whoever reads it through a stale handle sees that it is stale.
        self.places[index].store(ptr::from_ref(place).cast_mut(), Ordering::Release);
    }

    /// The cold functions of a slot that was published.
    pub(super) fn ops(&self, index: usize) -> &'static Ops {
        // SAFETY: `describe` stored a `&'static Ops` before the slot was published, which the caller has seen.
        unsafe { &*self.ops[index].load(Relaxed) }
    }

    /// What the panics of a slot's closure mean, if not what they mean to its signal. The slot was found live under a pin
    /// that is still held.
    pub(super) fn panic_policy(&self, index: usize) -> Option<PanicPolicy> {
        // SAFETY: as demanded of the caller.
        unsafe { self.slots[index].panic_policy(self.ops(index)) }
    }

    /// Where a slot was connected; `None` if it never was.
    pub(crate) fn place(&self, index: usize) -> Option<&'static Location<'static>> {
        // SAFETY: null, or what `describe` stored.
        unsafe { self.places[index].load(Relaxed).as_ref() }
    }

    /// How often a slot has panicked.
    pub(crate) fn panics(&self, index: usize) -> u32 {
        self.panics[index].load(Relaxed)
    }

    /// Counts a panic of a slot; its how-manieth it was.
    pub(crate) fn count_panic(&self, index: usize) -> u32 {
        // Release; partner: the fence in `is_generation`, as for the place.
        let next = |count: u32| Some(count.saturating_add(1));
        match self.panics[index].fetch_update(Ordering::Release, Relaxed, next) {
            Ok(before) | Err(before) => before.saturating_add(1),
        }
    }

    /// The domain it belongs to, or belonged to last.
    pub(crate) fn domain(&self) -> &'static DomainCore {
        // Acquire; partner: the Release in `prepare`.
        // SAFETY: as in `list`; domains are immortal.
        unsafe { &*self.written.domain.load(Ordering::Acquire) }
    }

    /// The list it belongs to, or belonged to last.
    pub(crate) fn list(&self) -> &'static List {
        // Acquire; partner: the Release in `prepare`.
        // SAFETY: a handle to a slot exists, so the chunk was prepared at least once; lists are immortal.
        unsafe { &*self.written.list.load(Ordering::Acquire) }
    }

    /// Says that there is something to sweep: first here, then in the list, so that whoever finds the list's mark
    /// finds this one. Harmless at any time, for any chunk.
    #[inline]
    pub(super) fn hint(&self) {
        // Release; partner: the Acquire swap in `take_hint`. Who finds the mark finds the dead tag.
        self.written.dirty.store(true, Ordering::Release);
        self.list().hint();
    }

    /// Clears the mark, before the tags are looked at: a death that the look misses leaves a new one.
    pub(super) fn take_hint(&self) -> bool {
        // A look first, lest a sweep writes to every chunk: whoever has taken the list's mark sees the chunk's. (Not under
        // loom, which a load before an exchange keeps from exploring.)
        if !cfg!(loom) && !self.written.dirty.load(Ordering::Relaxed) {
            return false;
        }
        // Acquire; partner: the Release in `hint`. A swap, not a load and a store, between which a mark could get lost.
        self.written.dirty.swap(false, Ordering::Acquire)
    }

    /// Which slots are retired: dead, known to be so, and not to be looked at by emissions.
    #[inline(always)]
    pub(super) fn retired(&self) -> u32 {
        // Relaxed: a bit is only set for a slot that is dead for good, and cleared when nobody can be looking. An old
        // value costs a look at the tag.
        self.read.retired.load(Ordering::Relaxed)
    }

    /// The slots below `limit` that are not retired, one bit each.
    pub(super) fn unretired(&self, limit: usize) -> u32 {
        !self.retired() & ((1u64 << limit) - 1) as u32
    }

    /// Adds to the retired slots. Only for the holder of the sweep flag, or whoever has torn the list down. Returns whether all are retired now.
    pub(super) fn retire(&self, slots: u32) -> bool {
        if slots == 0 {
            return self.retired() == ALL;
        }
        // Acquire; partner: the Release in `is_all_retired`. If theirs was first, we see where the tail is now.
        self.read.retired.fetch_or(slots, Ordering::Acquire) | slots == ALL
    }

    /// Retires every slot, used or not.
    pub(super) fn retire_all(&self) {
        self.retire(ALL);
    }

    /// Are all slots retired? For whoever has just moved the tail on from this chunk.
    pub(super) fn is_all_retired(&self) -> bool {
        // Release, and an exchange although it changes nothing; partner: the Acquire in `retire`. Whichever is first, one
        // side sees the other: if theirs is, we see that all are retired; if ours is, they see that this is no longer
        // the tail.
        self.read.retired.fetch_or(0, Ordering::Release) == ALL
    }

    /// Looks at every slot.
    pub(super) fn census(&self) -> Census {
        let mut census = Census::default();
        let unretired = self.unretired(CHUNK_SLOTS);
        for index in bits(unretired) {
            let tag = self.slots[index].tag();
            if tag.is_live() {
                census.live += 1;
            } else if !tag.is_dead() {
                census.vacant += 1;
            } else {
                census.dead |= 1 << index;
                census.drops |= u32::from(self.ops(index).drop.is_some()) << index;
            }
        }
        census
    }

    pub(crate) fn flight(&self) -> &Flight {
        &self.written.flight
    }

    /// Moves the closures of `slots` out.
    ///
    /// # Safety
    /// Each of the slots is dead, out of everyone's sight, and its closure was not moved out before.
    pub(super) unsafe fn take_out(&self, slots: u32) -> impl Iterator<Item = Remains> {
        // SAFETY: as demanded of the caller.
        bits(slots).map(|index| unsafe { self.slots[index].take(self.ops(index)) })
    }

    /// Makes everything as new, in the next generation, for the pool. Field by field: stale handles may be reading
    /// tags and leaving hints at this very moment.
    ///
    /// # Safety
    /// The chunk is unlinked, nobody but stale handles can be looking at it, and no closure is left in it.
    pub(super) unsafe fn recycle(&'static self) {
        for (slot, panics) in self.slots.iter().zip(&self.panics) {
            // SAFETY: as demanded of the caller.
            unsafe { slot.recycle() };
            // Release; partner: the fence in `is_generation`, as in `count_panic`.
            panics.store(0, Ordering::Release);
        }
        if let Some(blocks) = self.blocks() {
            self.slots.iter().for_each(|slot| blocks.reset(slot.tag_now()));
        }
        // Relaxed: the pool's Release passes all of it on to the next user.
        self.read.next.store(ptr::null_mut(), Ordering::Relaxed);
        self.read.retired.store(0, Ordering::Relaxed);
        self.written.claimed.store(0, Ordering::Relaxed);
        self.written.dirty.store(false, Ordering::Relaxed);
        self.written.flight.reset();
    }
}

/// The indices of the bits that are set, lowest first.
pub(super) fn bits(mut word: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let index = word.trailing_zeros() as usize;
        // Clears the lowest bit; of no bit there is none to clear.
        (word != 0).then(|| word &= word - 1).map(|()| index)
    })
}
