//! The idle objects that one thread has at hand for one pool.
//!
//! Bonwick and Adams, *Magazines and Vmem* (USENIX 2001): each thread takes from and returns to a small stack of its
//! own, and exchanges half of it with a common [`depot`](super::depot) when it runs empty or full. What is new here is that
//! others can take a magazine's objects without the owner paying for it with a locked instruction, by the handshake that
//! emissions use too (see [`barrier`]):
//!
//! | owner, at each operation | other, now and then |
//! | --- | --- |
//! | *busy* := 1; light barrier; is it *claimed*? | *claimed* := 1; heavy barrier; wait until it is not *busy* |
//! | no: pop or push. *busy* := 0 | take the objects. *claimed* := 0 |
//! | yes: *busy* := 0; go to the depot | |
//!
//! Of two barriers one is first. If the owner's is, the other sees that it is busy, and waits for the end of the operation,
//! some instructions long. If the other's is, the owner sees the claim. So never are both inside.

use super::node::Header;
use crate::epoch::barrier::{self, PinFlavour};
use crate::sync::diagnostic::{AtomicU32 as Tally, AtomicU64 as Count, Relaxed};
use crate::sync::{AtomicU32, Ordering, UnsafeCell, pause};
use std::ptr::NonNull;

/// The most objects that a thread has at hand.
pub(super) const CAPACITY: usize = 2 * super::depot::ROUND;

/// One thread's stack of idle objects of one pool.
#[repr(align(128))]
pub(crate) struct Magazine {
    /// Is the owner inside? Written by the owner only.
    busy: AtomicU32,
    /// Has somebody else laid hands on it? Written under the lock of the pool's list of magazines.
    claimed: AtomicU32,
    flavour: PinFlavour,
    /// How many objects it may hold, [`CAPACITY`] at the most.
    capacity: u32,
    /// How many it holds. Written from inside, read by whoever is curious.
    len: Tally,
    /// The fewest it has held since somebody [asked](Claim::begin_watch).
    low: Tally,
    /// How many were popped, or came to the owner in another way. Written by the owner only.
    popped: Count,
    /// Touched by the owner while it is inside, or by who has claimed it.
    nodes: UnsafeCell<[NonNull<Header>; CAPACITY]>,
}

// SAFETY: `nodes` is touched from inside only, where one thread is at a time: see the module's table. What it holds are nodes of
// objects that may be sent, see `Pool`.
unsafe impl Sync for Magazine {}
// SAFETY: see above.
unsafe impl Send for Magazine {}

impl Magazine {
    /// An empty one for `capacity` objects.
    pub(crate) fn new(capacity: usize, is_claimed: bool) -> Self {
        Self {
            busy: AtomicU32::new(0),
            claimed: AtomicU32::new(u32::from(is_claimed)),
            flavour: barrier::pin_flavour(),
            capacity: capacity.min(CAPACITY) as u32,
            len: Tally::new(0),
            low: Tally::new(0),
            popped: Count::new(0),
            nodes: UnsafeCell::new([NonNull::dangling(); CAPACITY]),
        }
    }

    /// Enters, for the owner; not if it is claimed.
    #[inline(always)]
    fn enter(&self) -> Option<Inside<'_>> {
        // Relaxed: the barrier orders it with the look at `claimed`.
        self.busy.store(1, Ordering::Relaxed);
        // Partner: the heavy barrier in `claim_all`. See the module's table.
        barrier::light(self.flavour);
        let inside = Inside(self);
        // Acquire; partner: the Release in `Claim::drop`. If we see that the claim is over, we see what it did. If we see the
        // claim of somebody who is at it, we leave. If we see neither, our barrier was first, and they wait for us.
        if self.claimed.load(Ordering::Acquire) == 0 { Some(inside) } else { None }
    }

    /// Takes the object that was pushed last. `None` if there is none, or if the magazine is claimed.
    ///
    /// # Safety
    /// The calling thread owns the magazine.
    #[inline(always)]
    pub(crate) unsafe fn pop(&self) -> Option<NonNull<Header>> {
        let inside = self.enter()?;
        let left = self.len.load(Relaxed).checked_sub(1)?;
        self.len.store(left, Relaxed);
        self.popped.store(self.popped.load(Relaxed) + 1, Relaxed);
        Some(inside.read(left))
    }

    /// Counts an object that the owner has got in another way.
    pub(super) fn note_get(&self) {
        self.popped.store(self.popped.load(Relaxed) + 1, Relaxed);
    }

    /// Keeps an object, which the caller owns. `false` if there is no room, or if the magazine is claimed.
    ///
    /// # Safety
    /// The calling thread owns the magazine.
    #[inline(always)]
    pub(crate) unsafe fn push(&self, node: NonNull<Header>) -> bool {
        let Some(inside) = self.enter() else { return false };
        let len = self.len.load(Relaxed);
        if len < self.low.load(Relaxed) {
            self.low.store(len, Relaxed);
        }
        if len >= self.capacity {
            return false;
        }
        inside.write(len, node);
        self.len.store(len + 1, Relaxed);
        true
    }

    /// Keeps some objects, which the caller owns: all or none.
    ///
    /// # Safety
    /// The calling thread owns the magazine.
    pub(crate) unsafe fn fill(&self, nodes: &[NonNull<Header>]) -> bool {
        let Some(inside) = self.enter() else { return false };
        let len = self.len.load(Relaxed);
        if len as usize + nodes.len() > self.capacity as usize {
            return false;
        }
        nodes.iter().zip(len..).for_each(|(node, index)| inside.write(index, *node));
        // They come from the depot: that there were fewer before does not mean that as many more were out.
        self.low.store(self.low.load(Relaxed).min(len) + nodes.len() as u32, Relaxed);
        self.len.store(len + nodes.len() as u32, Relaxed);
        true
    }

    /// Takes half of what fits: so many at the front of `nodes`. None if the magazine is claimed.
    ///
    /// # Safety
    /// The calling thread owns the magazine.
    pub(crate) unsafe fn spill(&self, nodes: &mut [NonNull<Header>; super::depot::ROUND]) -> usize {
        let Some(inside) = self.enter() else { return 0 };
        let len = self.len.load(Relaxed);
        let count = len.min(self.capacity.div_ceil(2)).min(nodes.len() as u32);
        let rest = len - count;
        nodes.iter_mut().zip(rest..len).for_each(|(node, index)| *node = inside.read(index));
        self.len.store(rest, Relaxed);
        count as usize
    }

    /// Waits until the owner of a claimed magazine is outside.
    fn wait_outside(&self) -> Claim<'_> {
        let mut rounds = 0;
        // Acquire; partner: the Release in `Inside::drop`. If we see the end of an operation, we see what it did; one that we
        // do not see at all sees our claim.
        while self.busy.load(Ordering::Acquire) != 0 {
            pause(&mut rounds);
        }
        Claim { magazine: self, is_kept: false }
    }

    /// Ends a claim that was [kept](Claim::keep), for who holds the lock of the list of magazines.
    pub(crate) fn let_in(&self) {
        drop(Claim { magazine: self, is_kept: false });
    }

    /// How many objects it holds.
    pub(super) fn len(&self) -> usize {
        self.len.load(Relaxed) as usize
    }

    /// The fewest it has held since [`Claim::begin_watch`].
    pub(super) fn low(&self) -> usize {
        self.low.load(Relaxed).min(self.len.load(Relaxed)) as usize
    }

    /// How many objects were ever popped.
    pub(super) fn popped(&self) -> u64 {
        self.popped.load(Relaxed)
    }
}

/// Lays hands on all these magazines, and shows them to `f` one after another. The owners stay outside until their claim is
/// dropped, or for as long as it is [kept](Claim::keep). The caller holds the lock of the list of magazines.
///
/// Cost: one heavy barrier, some microseconds.
pub(crate) fn claim_all<'a>(magazines: impl Iterator<Item = &'a Magazine> + Clone, mut f: impl FnMut(Claim<'a>)) {
    // Relaxed: the barrier orders it with the look at `busy`.
    magazines.clone().for_each(|magazine| magazine.claimed.store(1, Ordering::Relaxed));
    // Partner: the light barrier in `Magazine::enter`. See the module's table.
    barrier::heavy();
    magazines.for_each(|magazine| f(magazine.wait_outside()));
}

/// The owner is inside until this is dropped.
struct Inside<'a>(&'a Magazine);

impl Inside<'_> {
    #[inline(always)]
    fn read(&self, index: u32) -> NonNull<Header> {
        // SAFETY: we are inside, and nobody else is; `index` is below a length, which is `CAPACITY` at the most.
        self.0.nodes.with(|nodes| unsafe { *nodes.cast::<NonNull<Header>>().add(index as usize) })
    }

    #[inline(always)]
    fn write(&self, index: u32, node: NonNull<Header>) {
        // SAFETY: as above; `index` is below the capacity.
        self.0.nodes.with_mut(|nodes| unsafe { *nodes.cast::<NonNull<Header>>().add(index as usize) = node });
    }
}

impl Drop for Inside<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // Release; partner: the Acquire in `Magazine::wait_outside`. Who sees us gone sees what we did.
        self.0.busy.store(0, Ordering::Release);
    }
}

/// Somebody other than the owner is inside, until this is dropped.
pub(crate) struct Claim<'a> {
    magazine: &'a Magazine,
    is_kept: bool,
}

impl Claim<'_> {
    /// Takes all objects.
    pub(crate) fn drain(&self, mut f: impl FnMut(NonNull<Header>)) {
        let magazine = self.magazine;
        for index in 0..magazine.len.swap(0, Relaxed) {
            // SAFETY: we have claimed it, and the owner is outside: see `Magazine::wait_outside`.
            f(magazine.nodes.with(|nodes| unsafe { *nodes.cast::<NonNull<Header>>().add(index as usize) }));
        }
        magazine.low.store(0, Relaxed);
    }

    /// Begins to watch anew how few objects it holds.
    pub(super) fn begin_watch(&self) {
        self.magazine.low.store(self.magazine.len.load(Relaxed), Relaxed);
    }

    /// Keeps the owner outside, until somebody claims it again and lets go.
    pub(crate) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            // Release; partner: the Acquire in `Magazine::enter`: the owner sees what we did.
            self.magazine.claimed.store(0, Ordering::Release);
        }
    }
}
