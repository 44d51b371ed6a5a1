//! Connecting: lock-free, a slot per connection, a chunk from the pool per 32.

use super::chunk::Chunk;
use super::{Closure, List, Rank, Root, Slots, Tag};
use crate::domain::DomainCore;
use crate::epoch;
use crate::sync::Ordering;
use crate::world::world;
use std::panic::Location;
use std::ptr;

impl Root {
    /// Connects a closure. What is due afterwards is left to the caller: [`Due::settle`]. It is written, and not returned,
    /// because it seldom is: what is returned fits into registers.
    ///
    /// Runs no foreign code.
    pub(crate) fn connect(
        &self,
        closure: Closure,
        rank: Rank,
        place: &'static Location<'static>,
        due: &mut Option<Due>,
    ) -> (&'static Chunk, Tag) {
        let domain = self.domain.core();
        let pin = epoch::pin(&domain.epoch, place);
        let list = self.list_of(rank, domain);
        let (connection, appended) = list.claim_and_publish(domain, closure, place);
        drop(pin);
        if let Some(sequence) = appended {
            *due = Some(Due { list, sequence });
        }
        connection
    }

    /// The list of a rank; at the first connection one from the pool.
    #[inline(always)]
    fn list_of(&self, rank: Rank, domain: &'static DomainCore) -> &'static List {
        match self.slots() {
            Slots::Plain(list) if rank == Rank::DEFAULT => list,
            _ => self.list_or_new(rank, domain),
        }
    }

    fn list_or_new(&self, rank: Rank, domain: &'static DomainCore) -> &'static List {
        match self.slots() {
            // Another thread has made it meanwhile.
            Slots::Plain(list) if rank == Rank::DEFAULT => return list,
            Slots::None if rank == Rank::DEFAULT => {
                let list = List::started(domain);
                // Release; partner: the Acquire in `Root::slots`, and here: the list is made.
                let stored = self.list.compare_exchange(
                    ptr::null_mut(),
                    ptr::from_ref(list).cast_mut(),
                    Ordering::Release,
                    Ordering::Acquire,
                );
                if stored.is_ok() {
                    return list;
                }
                list.tear_down(domain);
                return self.list_of(rank, domain);
            }
            _ => {}
        }
        self.elaborate(domain);
        self.lane(rank, domain, None)
    }
}

/// What a connect has to do when its caller holds no lock: it appended a chunk.
#[must_use = "appending provokes sweeps"]
pub(crate) struct Due {
    list: &'static List,
    /// The number of the chunk.
    sequence: u64,
}

impl Due {
    /// May sweep, and unless the domain reclaims by hand, and outside of emissions, run the destructors of closures that
    /// were disconnected before. The signal has not been dropped meanwhile.
    pub(crate) fn settle(self) {
        let domain = self.list.domain();
        self.list.sweep_if_due(domain, self.sequence);
        domain.reclaim_if_due();
    }
}

impl List {
    /// One from the pool, in use.
    pub(super) fn started(domain: &'static DomainCore) -> &'static Self {
        let list = world().lists.take();
        list.start(domain);
        list
    }

    /// Begins its use by a signal of `domain`.
    fn start(&'static self, domain: &'static DomainCore) {
        // Relaxed: passed on by the Release in `prepare`, for stale handles of the chunk, which come to the list through
        // it and must not find it without a domain; and by the one below for all others.
        // Release; partner: the Acquire in `is_of`.
        self.domain.store(ptr::from_ref(domain).cast_mut(), Ordering::Release);
        let chunk = domain.take_chunk();
        chunk.prepare(self, domain, 1);
        self.work.due.store(2, Ordering::Relaxed);
        // Release; partner: the Acquire in `tail`.
        self.tail.store(ptr::from_ref(chunk).cast_mut(), Ordering::Release);
        // Last: a collector that finds a head finds all the rest.
        self.set_head(chunk);
    }

    /// Claims a slot at the end and publishes the closure in it. Returns the connection, and the number of the chunk if
    /// this thread has appended one.
    ///
    /// The caller is pinned: the tail may be unlinked at any time, and only the pin keeps it from serving another list
    /// before we have claimed from it.
    fn claim_and_publish(
        &'static self,
        domain: &'static DomainCore,
        closure: Closure,
        place: &'static Location<'static>,
    ) -> ((&'static Chunk, Tag), Option<u64>) {
        let mut appended = None;
        loop {
            // Claiming only from the tail itself: an emission that starts on this thread after we return cuts there or
            // later.
            // SAFETY: never null while the signal lives; chunks are immortal.
            let tail = unsafe { &*self.tail() };
            if let Some(index) = tail.claim() {
                tail.describe(index, closure.ops, place);
                // SAFETY: just claimed, and we are pinned.
                let tag = unsafe { tail.slots()[index].publish(closure.body) };
                return ((tail, tag), appended);
            }
            let mut next = tail.next();
            if next.is_null() {
                let chunk = domain.take_chunk();
                chunk.prepare(self, domain, tail.sequence() + 1);
                match tail.link(chunk) {
                    Ok(()) => {
                        appended = Some(chunk.sequence());
                        next = chunk;
                    }
                    Err(theirs) => {
                        domain.return_chunk(chunk);
                        next = theirs;
                    }
                }
            }
            self.move_tail(tail, next);
        }
    }

    /// A sweep by hints, if enough chunks were appended since the last one: an eighth of those in the list, so that a
    /// connect pays for a quarter of a chunk at the most, and an emission meets few dead ones.
    fn sweep_if_due(&'static self, domain: &DomainCore, sequence: u64) {
        // Relaxed: when to sweep is a matter of cost only.
        if sequence < self.work.due.load(Ordering::Relaxed) {
            return;
        }
        if let Some(swept) = self.sweep_in_passing(domain) {
            self.work.due.store(sequence + (swept.chunks / 8).max(1), Ordering::Relaxed);
        }
    }
}
