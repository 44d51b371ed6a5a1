//! Where a pool keeps the idle objects that no thread has at hand: rounds of them, on a stack.

use super::node::Header;
use crate::pool::{Immortal, Stack, Ticket};
use crate::sync::diagnostic::{AtomicU64 as Count, Relaxed};
use crate::sync::{UnsafeCell, const_unless_loom};
use crate::world::world;
use std::ptr::NonNull;

/// The most objects that change hands at once.
pub(crate) const ROUND: usize = if cfg!(loom) { 2 } else { 32 };

/// A handful of objects. Whoever has taken it from a stack owns it; on a stack it is read and written by nobody.
#[repr(align(64))]
pub(crate) struct Rounds {
    held: UnsafeCell<Held>,
    ticket: Ticket,
}

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
    rounds: Stack<Rounds>,
    /// How many objects are here. Counted before they can be taken and after they have been: never too few.
    idle: Count,
}

impl Depot {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self { rounds: Stack::new(), idle: Count::new(0) }
        }
    }

    /// Takes the nodes in, which the caller owns.
    pub(crate) fn give(&self, nodes: &[NonNull<Header>]) {
        for nodes in nodes.chunks(ROUND) {
            let rounds = world().rounds.take();
            // SAFETY: just taken, so it is ours until it is pushed; a chunk is no longer than a round.
            rounds.held.with_mut(|held| unsafe {
                (*held).count = nodes.len();
                (&mut (*held).nodes)[..nodes.len()].copy_from_slice(nodes);
            });
            self.idle.fetch_add(nodes.len() as u64, Relaxed);
            self.rounds.push(rounds);
        }
    }

    /// Hands out some nodes, which are the caller's then: so many at the front of `nodes`.
    pub(crate) fn take(&self, nodes: &mut [NonNull<Header>; ROUND]) -> usize {
        let Some(rounds) = world().rounds.pop(&self.rounds) else { return 0 };
        // SAFETY: just taken, so it is ours until it is put back.
        let count = rounds.held.with(|held| unsafe {
            let count = (*held).count;
            nodes[..count].copy_from_slice(&(&(*held).nodes)[..count]);
            count
        });
        world().rounds.put(rounds);
        self.idle.fetch_sub(count as u64, Relaxed);
        count
    }

    /// How many nodes there are, at the least as many as can be taken.
    pub(super) fn idle(&self) -> usize {
        self.idle.load(Relaxed) as usize
    }
}
