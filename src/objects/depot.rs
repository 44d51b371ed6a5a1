//! Where a pool keeps the idle objects that no thread has at hand: rounds of them, on a stack.

use super::node::Header;
use crate::pool::{Immortal, Stack, Ticket};
use crate::sync::diagnostic::{AtomicU64 as Count, Relaxed};
use crate::sync::{UnsafeCell, const_unless_loom};
use crate::world::world;
use std::ptr::NonNull;

/// The most objects that change hands at once: as many as fill eight cache lines, with what else there is.
pub(crate) const ROUND: usize = if cfg!(loom) { 2 } else { 62 };

/// A handful of objects. Whoever has taken it from a stack owns it; on a stack it is read and written by nobody.
#[repr(C, align(64))]
pub(crate) struct Rounds {
    ticket: Ticket,
    held: UnsafeCell<Held>,
}

#[cfg(all(not(loom), target_pointer_width = "64"))]
const _: () = assert!(size_of::<Rounds>() == 512);

#[repr(C)]
struct Held {
    count: usize,
    nodes: [NonNull<Header>; ROUND],
}

// SAFETY: `held` is touched by the owner only, and ownership passes through stacks (Release in `Stack::push`, Acquire in
// `Stack::pop`). The nodes are those of objects that may be sent, see `Pool`.
unsafe impl Sync for Rounds {}

// SAFETY: `ticket` serves nothing else.
unsafe impl Immortal for Rounds {
    const SLAB: usize = if cfg!(loom) { 1 } else { 32 };

    fn fresh() -> Self {
        Self { held: UnsafeCell::new(Held { count: 0, nodes: [NonNull::dangling(); ROUND] }), ticket: Ticket::new() }
    }

    fn ticket(&self) -> &Ticket {
        &self.ticket
    }
}

/// A pool's idle objects, but for those that threads have at hand. Written with each exchange: away from what gets read.
#[repr(align(128))]
pub(crate) struct Depot {
    full: Stack<Rounds>,
    /// For the next to be filled: beside the others, so that an exchange fetches one cache line for both.
    empty: Stack<Rounds>,
    /// How many objects are here. Counted before they can be taken and after they have been: never too few.
    idle: Count,
}

impl Depot {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self { full: Stack::new(), empty: Stack::new(), idle: Count::new(0) }
        }
    }

    /// Takes the nodes in, which the caller owns.
    pub(crate) fn give(&self, nodes: &[NonNull<Header>]) {
        for nodes in nodes.chunks(ROUND) {
            let pool = &world().rounds;
            let rounds = pool.pop(&self.empty).unwrap_or_else(|| pool.take());
            // SAFETY: just taken, so it is ours until it is pushed; a chunk is no longer than a round.
            rounds.held.with_mut(|held| unsafe {
                (*held).count = nodes.len();
                (&mut (*held).nodes)[..nodes.len()].copy_from_slice(nodes);
            });
            self.idle.fetch_add(nodes.len() as u64, Relaxed);
            self.full.push(rounds);
        }
    }

    /// Hands out some nodes, which are the caller's then: so many at the front of `nodes`.
    pub(crate) fn take(&self, nodes: &mut [NonNull<Header>; ROUND]) -> usize {
        let Some(rounds) = world().rounds.pop(&self.full) else { return 0 };
        // SAFETY: just taken, so it is ours until it is put back.
        let count = rounds.held.with(|held| unsafe {
            let count = (*held).count;
            nodes[..count].copy_from_slice(&(&(*held).nodes)[..count]);
            count
        });
        self.empty.push(rounds);
        self.idle.fetch_sub(count as u64, Relaxed);
        count
    }

    /// How many nodes there are, at the least as many as can be taken.
    pub(super) fn idle(&self) -> usize {
        self.idle.load(Relaxed) as usize
    }
}

#[cfg(not(loom))]
impl Drop for Depot {
    /// Nobody uses the pool any more: others may have what its objects lay in.
    fn drop(&mut self) {
        let pool = &world().rounds;
        while let Some(rounds) = pool.pop(&self.empty) {
            pool.put(rounds);
        }
    }
}
