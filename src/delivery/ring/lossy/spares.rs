//! Spare nodes: for events whose cell somebody is still reading, or writing, a round late.
//!
//! As many as there ever were such at the same time, which is at most one per reader and one per publisher; made when they are
//! needed, used again and again, freed with the ring.

use super::{MAX_NODES, Node};
use crate::sync::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::ptr;

/// The first segment's length; each further one is twice as long as the one before it.
const FIRST: usize = if cfg!(loom) { 2 } else { 8 };
const SEGMENTS: usize = if cfg!(loom) { 2 } else { 20 };

pub(super) struct Spares<E> {
    /// `tag << 32 | number + 1` of the topmost free one, or zero below the tag. The tag moves with each change, against who sleeps
    /// between reading it and exchanging it.
    free: AtomicU64,
    segments: [AtomicPtr<Node<E>>; SEGMENTS],
    /// How many numbers were given out.
    made: AtomicU32,
}

const NUMBER_MASK: u64 = u32::MAX as u64;
const TAG_STEP: u64 = 1 << 32;

impl<E> Spares<E> {
    pub(super) fn new() -> Self {
        Self {
            free: AtomicU64::new(0),
            segments: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
            made: AtomicU32::new(0),
        }
    }

    /// The number of a node that nobody uses: a free one, given its number's node, or a new one.
    pub(super) fn take<'a>(&'a self, node: impl Fn(u32) -> &'a Node<E>, first: u32) -> u32 {
        // Acquire, here and where the exchange fails; partner: the Release in `put`.
        let mut free = self.free.load(Ordering::Acquire);
        while let Some(number) = ((free & NUMBER_MASK) as u32).checked_sub(1) {
            // Perhaps stale: somebody may have taken it meanwhile. Then the tag has moved, and the exchange fails.
            let below = u64::from(node(number).below.load(Ordering::Relaxed));
            let new = (free & !NUMBER_MASK).wrapping_add(TAG_STEP) | below;
            // Relaxed on success: it was read with Acquire, and an exchange continues the release sequence of the `put` below it.
            match self.free.compare_exchange_weak(free, new, Ordering::Relaxed, Ordering::Acquire) {
                Ok(_) => return number,
                Err(found) => free = found,
            }
        }
        first + self.make(MAX_NODES - first)
    }

    /// Keeps a node that nobody uses any more.
    pub(super) fn put(&self, number: u32, node: &Node<E>) {
        let mut free = self.free.load(Ordering::Relaxed);
        loop {
            node.below.store((free & NUMBER_MASK) as u32, Ordering::Relaxed);
            let new = (free & !NUMBER_MASK).wrapping_add(TAG_STEP) | u64::from(number + 1);
            // Release; partner: the Acquires in `take`: what was done to the node comes before what its next user does.
            match self.free.compare_exchange_weak(free, new, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(found) => free = found,
            }
        }
    }

    /// A made one. The index has come from `make`, through a word that was read with Acquire.
    pub(super) fn get(&self, index: u32) -> &Node<E> {
        let (segment, offset) = locate(index as usize);
        // Acquire; partner: the Release in `make`.
        let first = self.segments[segment].load(Ordering::Acquire);
        // SAFETY: whoever gave out the index has made the segment, which is `FIRST << segment` long and freed with `self`.
        unsafe { &*first.add(offset) }
    }

    /// How many were ever made.
    pub(super) fn made(&self) -> u32 {
        self.made.load(Ordering::Relaxed)
    }

    /// A new one's index. Of its segment, all are made; but each is given out once.
    #[cold]
    fn make(&self, most: u32) -> u32 {
        // Relaxed: it only hands out numbers.
        let next = |made: u32| (made < most && locate(made as usize).0 < SEGMENTS).then(|| made + 1);
        let Ok(index) = self.made.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) else {
            panic!("pulsebus: more than {} events of a ring are being read or written at once", self.made());
        };
        let (segment, _) = locate(index as usize);
        let place = &self.segments[segment];
        // Relaxed, here and where the exchange fails: whoever looks into it reads it again.
        if place.load(Ordering::Relaxed).is_null() {
            let nodes: Box<[Node<E>]> = (0..FIRST << segment).map(|_| Node::new()).collect();
            let made = Box::into_raw(nodes);
            // Release; partner: the Acquire in `get`. Of two that make it one wins.
            let exchanged = place.compare_exchange(ptr::null_mut(), made.cast(), Ordering::Release, Ordering::Relaxed);
            if exchanged.is_err() {
                // SAFETY: ours still.
                drop(unsafe { Box::from_raw(made) });
            }
        }
        index
    }
}

impl<E> Drop for Spares<E> {
    fn drop(&mut self) {
        for (segment, place) in self.segments.iter().enumerate() {
            // Relaxed: ours alone.
            let first = place.load(Ordering::Relaxed);
            if !first.is_null() {
                // SAFETY: made by `make` from a box of that length; nobody uses the ring any more.
                drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(first, FIRST << segment)) });
            }
        }
    }
}

/// Segment and offset of an index.
fn locate(index: usize) -> (usize, usize) {
    let segment = (index / FIRST + 1).ilog2() as usize;
    (segment, index - FIRST * ((1 << segment) - 1))
}
