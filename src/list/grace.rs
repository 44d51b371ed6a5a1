//! After the grace period: dropping what dead slots captured, and recycling chunks.

use super::chunk::{CHUNK_SLOTS, Chunk};
use super::flight::Arrival;
use super::slot::Remains;
use crate::domain::DomainCore;
use crate::epoch::{Draining, Ready};
use crate::panics::drop_quietly;

/// What was done with what had waited long enough.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Done {
    /// Closures that were dropped.
    pub(crate) dropped: usize,
    /// Chunks that went back to the pool.
    pub(crate) recycled: usize,
}

impl std::ops::AddAssign for Done {
    fn add_assign(&mut self, other: Self) {
        self.dropped += other.dropped;
        self.recycled += other.recycled;
    }
}

/// Ends the grace period of what is `ready`, for as long as `go_on` says so; the rest waits for another one. Runs
/// destructors, which may do whatever they like.
pub(crate) fn finish(
    ready: Ready<Chunk>,
    domain: &'static DomainCore,
    _: &Draining,
    mut go_on: impl FnMut() -> bool,
) -> Done {
    let mut done = Done::default();
    let mut in_time = true;
    for chunk in ready {
        if !in_time {
            domain.retire_again(chunk);
            continue;
        }
        let mut dead = Dead::default();
        // SAFETY: these slots were dead when the chunk departed, nobody has been able to look at them for a grace period,
        // and a slot departs once.
        dead.extend(unsafe { chunk.take_out(chunk.flight().arrived()) });
        match chunk.flight().arrive() {
            Arrival::Landed => {}
            Arrival::Again => domain.retire_again(chunk),
            Arrival::Free => {
                // SAFETY: unlinked a grace period ago, with every closure on board.
                unsafe { chunk.recycle() };
                domain.return_chunk(chunk);
                done.recycled += 1;
            }
        }
        // Not before the chunk is out of our hands: a destructor may drop the very signal it lived in.
        done.dropped += dead.drop_all(domain);
        // At least one, or a tight budget would never get anything done.
        in_time = go_on();
    }
    done
}

/// The closures of one chunk, on the stack.
#[derive(Default)]
pub(super) struct Dead {
    closures: [Option<Remains>; CHUNK_SLOTS],
    count: usize,
}

impl Dead {
    /// Adds no more than a chunk's closures.
    pub(super) fn extend(&mut self, closures: impl Iterator<Item = Remains>) {
        for closure in closures {
            self.closures[self.count] = Some(closure);
            self.count += 1;
        }
    }

    /// Drops them, each on its own: a panic of one is counted, and hurts no other. Returns how many there were. (In place:
    /// a capture may hold a signal, whose captures hold signals, and the stack is finite.)
    pub(super) fn drop_all(&mut self, domain: &DomainCore) -> usize {
        for closure in self.closures.iter_mut().filter_map(Option::take) {
            if drop_quietly(closure).is_err() {
                domain.count_drop_panic();
            }
        }
        domain.note_dropped(self.count);
        self.count
    }
}
