//! The subscriber list of a signal: chunks of slots, linked in connection order.
//!
//! One file per thing that is done to it: [`append`] connects, [`emission`] walks, [`sweep`] takes the dead out,
//! [`grace`] drops and recycles them when nobody can see them any more, [`teardown`] ends it all.

mod append;
mod ask;
mod block;
mod chunk;
mod closure;
mod delivery;
mod elaborate;
mod emission;
mod flight;
mod grace;
mod lanes;
// Told by the bus, which models do without.
#[cfg_attr(loom, allow(dead_code))]
mod life;
mod single;
mod slot;
mod stop;
mod sweep;
mod tag;
mod teardown;

pub(crate) use append::Due;
pub(crate) use ask::ask;
pub(crate) use chunk::{CHUNK_SLOTS, Chunk};
pub(crate) use closure::{Closure, Knowing};
pub(crate) use elaborate::{emit_batch_elaborate, emit_elaborate};
pub(crate) use emission::{emit, emit_batch};
#[cfg(loom)]
pub(crate) use flight::{Arrival, Flight};
pub(crate) use grace::{Done, finish};
pub(crate) use lanes::{Rank, Slots};
pub(crate) use life::Life;
pub(crate) use single::emit_to;
#[cfg(not(loom))]
pub(crate) use single::run_for;
pub(crate) use sweep::Depth;
pub(crate) use tag::Tag;

#[cfg(all(feature = "async", not(loom)))]
use crate::delivery::LateBell;
use crate::domain::{Domain, DomainCore};
use crate::panics::{Policy, Propagation, slot_panicked};
use crate::pool::{Immortal, Ticket};
use crate::sync::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering, const_unless_loom, fence};
use lanes::Lane;
use std::any::Any;
use std::ptr;
use sweep::SweepFlag;

/// A signal's list. Immortal like its chunks, and like them used again by other signals: a late disconnect may still
/// leave its hint here.
#[repr(C, align(128))]
pub(crate) struct List {
    /// The first chunk; null while no signal uses the list. Written by the first connect and by the holder of the
    /// sweep flag.
    head: AtomicPtr<Chunk>,
    /// The chunk that connects claim from: the last one, or on its way there. Only ever moves forward.
    tail: AtomicPtr<Chunk>,
    /// Whose list it is. Written before `head`.
    domain: AtomicPtr<DomainCore>,
    work: Work,
}

/// What connecting, disconnecting and sweeping write.
#[repr(C, align(64))]
struct Work {
    /// A hint: some chunk is marked, or may be ready to be unlinked.
    dirty: AtomicBool,
    flag: SweepFlag,
    /// The chunk number at which connects sweep next.
    due: AtomicU64,
    /// How many signals have ended that used the list.
    lives: AtomicU64,
    /// Rung when slots are ended by the many. For tasks: threads look for themselves.
    #[cfg(all(feature = "async", not(loom)))]
    end: LateBell,
    ticket: Ticket,
}

// SAFETY: `ticket` serves nothing else.
unsafe impl Immortal for List {
    const SLAB: usize = if cfg!(loom) { 1 } else { 32 };

    fn fresh() -> Self {
        Self {
            head: AtomicPtr::new(ptr::null_mut()),
            tail: AtomicPtr::new(ptr::null_mut()),
            domain: AtomicPtr::new(ptr::null_mut()),
            work: Work {
                dirty: AtomicBool::new(false),
                flag: SweepFlag::new(),
                due: AtomicU64::new(0),
                lives: AtomicU64::new(0),
                #[cfg(all(feature = "async", not(loom)))]
                end: LateBell::new(),
                ticket: Ticket::new(),
            },
        }
    }

    fn ticket(&self) -> &Ticket {
        &self.work.ticket
    }
}

/// What a signal holds: where its lists hang, and what belongs to it whatever its events are.
pub(crate) struct Root {
    /// null until the first connection. Then one list, until the signal is dropped or becomes elaborate; see [`lanes`].
    list: AtomicPtr<List>,
    /// The last lane of an elaborate signal.
    lanes: AtomicPtr<Lane>,
    /// How often the signal is blocked at present; zero unless it is elaborate.
    blocks: AtomicU32,
    pub(crate) domain: Domain,
    pub(crate) policy: Policy,
}

impl Root {
    const_unless_loom! {
        pub(crate) fn new(domain: Domain) -> Self {
            Self {
                list: AtomicPtr::new(ptr::null_mut()),
                lanes: AtomicPtr::new(ptr::null_mut()),
                blocks: AtomicU32::new(0),
                domain,
                policy: Policy::new(),
            }
        }
    }

    /// Deals with one panic of one slot, inside the emission: as the slot says, or else the signal.
    fn slot_panicked(&self, chunk: &Chunk, index: usize, payload: Box<dyn Any + Send>, propagation: &mut Propagation) {
        let policy = chunk.panic_policy(index).unwrap_or_else(|| self.policy.get());
        slot_panicked(policy, (chunk, chunk.live_tag(index)), payload, self.domain.core(), propagation);
    }
}

/// Which slots an emission runs: those that were claimed before it started.
#[derive(Clone, Copy)]
struct Cut {
    sequence: u64,
    claimed: usize,
}

/// What a [`Cut`] is taken from.
struct Tail {
    tail: &'static Chunk,
    claimed: usize,
}

impl Cut {
    /// How many of a chunk's slots lie before the cut.
    #[inline(always)]
    fn limit(self, chunk: &Chunk) -> usize {
        let sequence = chunk.sequence();
        if sequence < self.sequence {
            CHUNK_SLOTS
        } else if sequence == self.sequence {
            self.claimed
        } else {
            0
        }
    }
}

impl List {
    /// The domain of the signal that uses the list.
    #[inline(always)]
    pub(crate) fn domain(&self) -> &'static DomainCore {
        // Relaxed: written before the list was shared; whoever asks has found it through its signal.
        // SAFETY: set once the list is in use, never null after; domains are immortal.
        unsafe { &*self.domain.load(Ordering::Relaxed) }
    }

    /// Is it a list of `domain`, or was it when it was last in use? A guess, to be confirmed under the sweep flag.
    pub(crate) fn is_of(&self, domain: &DomainCore) -> bool {
        // Acquire; partner: the Release in `start`. If another domain has it now, we see how its last use ended.
        ptr::eq(self.domain.load(Ordering::Acquire), domain)
    }

    /// The domain that it is of, or was when it was last in use. A guess, as [`is_of`](Self::is_of).
    pub(crate) fn last_domain(&self) -> Option<&'static DomainCore> {
        // Acquire: as in `is_of`.
        // SAFETY: null, or a domain; domains are immortal.
        unsafe { self.domain.load(Ordering::Acquire).as_ref() }
    }

    /// The tail and how much of it is claimed: where an emission that starts now has to stop. The caller is pinned, or
    /// holds the sweep flag.
    #[inline(always)]
    fn tail_and_claimed(&self) -> Tail {
        // SAFETY: never null while a signal uses the list; chunks are immortal.
        let tail = unsafe { &*self.tail() };
        Tail { tail, claimed: tail.claimed() }
    }

    /// As a cut.
    fn cut(&self) -> Cut {
        let Tail { tail, claimed } = self.tail_and_claimed();
        Cut { sequence: tail.sequence(), claimed }
    }

    #[inline(always)]
    fn head(&self) -> *const Chunk {
        // Acquire; partners: the Releases in `start` and `set_head`. The chunk, and the list's other fields, are made.
        self.head.load(Ordering::Acquire)
    }

    /// Only for the holder of the sweep flag, or the maker of the list.
    fn set_head(&self, chunk: *const Chunk) {
        // Release; partner: the Acquire in `head`.
        self.head.store(chunk.cast_mut(), Ordering::Release);
    }

    #[inline(always)]
    fn tail(&self) -> *const Chunk {
        // Acquire; partners: the Releases in `start` and `move_tail`. The chunk is prepared.
        self.tail.load(Ordering::Acquire)
    }

    /// Helps the tail along, from `full` to the chunk after it.
    fn move_tail(&self, full: &Chunk, next: *const Chunk) {
        // Release; partner: the Acquire in `tail`. Fails if another thread has done it, which is as good: this one
        // then reads the tail again, with Acquire.
        let _ = self.tail.compare_exchange(
            ptr::from_ref(full).cast_mut(),
            next.cast_mut(),
            Ordering::Release,
            Ordering::Relaxed,
        );
        if full.is_all_retired() {
            // The sweeper left it in the list because it was the tail.
            self.hint();
        }
    }

    /// Says that there is something to sweep.
    #[inline]
    pub(crate) fn hint(&self) {
        // Release; partner: the Acquire swap in `take_hint`. Who finds the mark finds the chunk's.
        self.work.dirty.store(true, Ordering::Release);
    }

    /// Clears the mark, before those of the chunks.
    fn take_hint(&self) -> bool {
        // Acquire; partner: the Release in `hint`. Release; partner: the Acquire in `is_marked`.
        self.work.dirty.swap(false, Ordering::AcqRel)
    }

    /// Is the mark there?
    fn is_marked(&self) -> bool {
        // Acquire; partner: the Release half in `take_hint`. If a sweeper has cleared it, we see that one's flag.
        self.work.dirty.load(Ordering::Acquire)
    }
}

/// The handle's side: what can be done with nothing but a chunk and a tag, at any time, without a pin.
impl Chunk {
    /// Ends the connection that `live` names: straight-line code, one atomic read-modify-write, two if it was ever blocked,
    /// whatever became of the chunk since.
    #[inline]
    pub(crate) fn disconnect(&self, live: Tag) -> bool {
        let won = self.slot(live).end(live);
        if won {
            // The chunk may serve another list by now; then the hints are in vain.
            self.hint();
        }
        won
    }

    /// The tag that handles to a slot's present connection have. Only for an emission that has run it, and is still under way.
    fn live_tag(&self, index: usize) -> Tag {
        self.slots()[index].tag_now().live()
    }

    /// Is the chunk still in the generation that `tag` is of? What was read before belongs to that connection, then.
    pub(crate) fn is_generation(&self, tag: Tag) -> bool {
        // What was read before comes before this load of the tag; partner: the Release with which the slot's next user
        // stores what belongs to it.
        fence(Ordering::Acquire);
        self.slot(tag).tag().generation() == tag.generation()
    }

    /// Is the connection that `live` names still live?
    #[inline]
    pub(crate) fn is_live(&self, live: Tag) -> bool {
        let tag = self.slot(live).tag();
        tag == live || tag == live.gated()
    }
}
