//! A pool's objects, whatever they are: which there are, which are idle, and who may have one.

mod tally;
#[cfg(all(test, not(loom)))]
mod tests;
mod waiting;

use super::depot::{Depot, ROUND};
use super::local;
use super::magazine::{CAPACITY, Magazine, claim_all};
use super::node::Header;
use super::numbers::{NOWHERE, Number};
use crate::sync::{lock, pause};
use smallvec::SmallVec;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
pub(super) use tally::Tally;

/// Objects that a thread has at hand take up no more than this, in bytes, if they are more than [`FEW`].
const AT_HAND: usize = 1024 * 1024;
/// So often a search for an idle object that others have in hand is repeated, before it is taken for lost: often enough to let
/// them run.
const SEARCHES: usize = 128;

/// So many objects a thread may have at hand however large they are.
const FEW: usize = if cfg!(loom) { 1 } else { 8 };
/// And so many threads together may have all that may be. With fewer objects than that a thread has none at hand: each time it
/// did, another one that finds the pool exhausted would have to fetch them, by a barrier.
const SHARERS: usize = 8;

/// How many objects of that size, of `max` in all, a thread may have at hand.
fn at_hand(max: usize, size: usize) -> usize {
    (AT_HAND / size.max(1)).clamp(FEW, CAPACITY).min(max / SHARERS)
}

/// What a magazine has of its pool.
pub(super) trait Home: Send + Sync {
    fn stock(&self) -> &Stock;
    /// Drops what is abandoned, the pointer, and perhaps with it the last of the pool.
    fn leave(self: Arc<Self>);
}

/// The untyped half of a pool. What each get reads comes first, apart from what exchanges with the depot write.
#[repr(C, align(128))]
pub(super) struct Stock {
    /// What a get that need not be noted finds its magazine by: the number, or [`NOWHERE`].
    at_once: u32,
    /// What threads find their magazines by. It is the pool's for as long as one of its objects is out: threads that have a
    /// magazine for it must not take another pool's for it.
    number: Number,
    /// How many objects may be, but for those that are made beyond it for who cannot wait.
    max: usize,
    /// How many a magazine holds.
    at_hand: usize,
    /// No handle is left: what returns is dropped. Written once.
    closed: AtomicBool,
    /// [`Magazines::holds`], to look at.
    held: AtomicU32,
    depot: Depot,
    /// How many objects there are, out or idle.
    objects: AtomicUsize,
    /// Gets of threads without a magazine.
    slow_gets: AtomicU64,
    exhausted: AtomicU64,
    /// So many are neither out nor idle: being made or dropped to resize the pool. Counted before and after: never too few.
    resizing: AtomicUsize,
    /// As many may have been out at a time; see [`may_be_peak`](Self::may_be_peak).
    peak_bound: AtomicUsize,
    /// Idle objects are in the hands of a thread on their way: begun, and over. Equal, and the first one unchanged: in no
    /// thread's meanwhile. Not counted without a limit, as nobody asks then.
    begun: AtomicU64,
    over: AtomicU64,
    magazines: Mutex<Magazines>,
    /// Rung when an object has returned to the depot, or may be made.
    back: Condvar,
}

#[derive(Default)]
struct Magazines {
    list: Vec<Arc<Magazine>>,
    /// For so many reasons nothing is to be in magazines: who waits, objects beyond the limit, and that the pool has closed.
    holds: u32,
    /// What was popped from magazines that are gone.
    popped: u64,
    /// The most that were out, by what magazines told before they were emptied; since the last tally.
    peak: usize,
}

/// What somebody who wants an object gets.
pub(super) enum Got {
    /// One that is theirs now.
    Node(NonNull<Header>),
    /// The right to make one, which is counted already.
    Permit,
}

type Nodes = SmallVec<[NonNull<Header>; CAPACITY]>;

impl Stock {
    /// For up to `max` objects of that size. Those of a pool that tracks are noted when they are taken.
    pub(super) fn new(max: usize, size: usize, is_tracked: bool) -> Self {
        let number = Number::take();
        Self {
            at_once: if is_tracked { NOWHERE } else { number.get() },
            number,
            max,
            at_hand: at_hand(max, size),
            closed: AtomicBool::new(false),
            held: AtomicU32::new(0),
            depot: Depot::new(),
            objects: AtomicUsize::new(0),
            slow_gets: AtomicU64::new(0),
            exhausted: AtomicU64::new(0),
            resizing: AtomicUsize::new(0),
            peak_bound: AtomicUsize::new(0),
            begun: AtomicU64::new(0),
            over: AtomicU64::new(0),
            magazines: Mutex::default(),
            back: Condvar::new(),
        }
    }

    #[inline(always)]
    pub(super) fn number(&self) -> u32 {
        self.number.get()
    }

    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// Takes an object that the calling thread has at hand, unless it has to be noted.
    #[inline(always)]
    pub(super) fn pop_at_once(&self) -> Option<NonNull<Header>> {
        // SAFETY: as in `pop`.
        unsafe { local::find(self.at_once).as_ref()?.pop() }
    }

    /// Takes an object that the calling thread has at hand.
    #[inline(always)]
    pub(super) fn pop(&self) -> Option<NonNull<Header>> {
        // SAFETY: null, or a magazine that the thread's table keeps, and that is the thread's. One of an earlier pool of our
        // number is claimed for good.
        unsafe { local::find(self.number()).as_ref()?.pop() }
    }

    /// Keeps an object at hand for the calling thread; `false` if there is no room.
    ///
    /// # Safety
    /// The caller owns the node, which is one of the pool of that number.
    #[inline(always)]
    pub(super) unsafe fn push(number: u32, node: NonNull<Header>) -> bool {
        // SAFETY: as in `pop`.
        match unsafe { local::find(number).as_ref() } {
            // SAFETY: as in `pop`.
            Some(magazine) => unsafe { magazine.push(node) },
            None => false,
        }
    }

    /// An empty magazine, for the calling thread.
    pub(super) fn new_magazine(&self) -> Arc<Magazine> {
        let mut magazines = lock(&self.magazines);
        let magazine = Arc::new(Magazine::new(self.at_hand, magazines.holds > 0));
        magazines.list.push(Arc::clone(&magazine));
        magazine
    }

    /// Forgets a magazine, and keeps what it holds.
    ///
    /// # Safety
    /// The calling thread owns it, and uses it no more.
    pub(super) unsafe fn retire(&self, magazine: &Arc<Magazine>) {
        let mut nodes = Nodes::new();
        let mut magazines = lock(&self.magazines);
        let Some(index) = magazines.list.iter().position(|other| Arc::ptr_eq(other, magazine)) else { return };
        self.note_peak(&mut magazines);
        magazines.list.swap_remove(index);
        magazines.popped += magazine.popped();
        let transit = self.transit();
        // (What is taken here was not asked for, and has been counted with the others.)
        // SAFETY: as the caller says; under the lock nobody claims it anew.
        nodes.extend(std::iter::from_fn(|| unsafe { magazine.pop() }));
        // Under the lock, so that a tally finds them here or there: a scope does not wait for the end of its threads' locals.
        self.depot.give(&nodes);
        drop(magazines);
        drop(transit);
        self.tell_waiting();
    }

    /// An idle object for the calling thread, which has none at hand, and some more to have at hand; or the right to make one.
    /// `None` if all objects that may be are out.
    pub(super) fn obtain(&self, home: &Weak<dyn Home>) -> Option<Got> {
        // SAFETY: the table keeps it, as long as the thread makes no other: nothing foreign runs before we are done with it.
        let magazine = local::find_or_make(self.number(), home, self).map(|magazine| unsafe { magazine.as_ref() });
        if let Some(node) = self.take(magazine) {
            return Some(Got::Node(node));
        }
        if self.reserve() { Some(Got::Permit) } else { self.search().map(Got::Node) }
    }

    /// The right to make one more, even beyond the limit: those that are too many are dropped when they return.
    pub(super) fn obtain_beyond(&self) {
        self.note_exhausted();
        // Under the lock, so that whoever loses it again releases after we hold, not before.
        let mut magazines = lock(&self.magazines);
        if self.objects.fetch_add(1, Ordering::Relaxed) >= self.max {
            self.hold(&mut magazines);
        }
    }

    /// Keeps an object that returns, and that the calling thread has no room for at hand. If not, it is the caller's to drop and
    /// to [count](Self::lose): one beyond the limit, or of a closed pool. Afterwards the caller asks [whether what is idle is
    /// abandoned](Self::is_abandoned).
    pub(super) fn put(&self, node: NonNull<Header>, home: &Weak<dyn Home>) -> bool {
        // (Of two at once that both find one too many, both are dropped: one too few, to be made again.)
        if self.is_closed() || self.objects() > self.max {
            return false;
        }
        if let Some(magazine) = local::find_or_make(self.number(), home, self) {
            // SAFETY: as in `obtain`.
            let magazine = unsafe { magazine.as_ref() };
            let _transit = self.transit();
            let mut nodes = [NonNull::dangling(); ROUND];
            // SAFETY: the calling thread's.
            let (count, is_kept) = unsafe { (magazine.spill(&mut nodes), magazine.push(node)) };
            self.restock(&nodes[..count]);
            if is_kept {
                return true;
            }
        }
        self.restock(&[node]);
        true
    }

    /// Puts idle objects into the depot, for everyone.
    pub(super) fn restock(&self, nodes: &[NonNull<Header>]) {
        if nodes.is_empty() {
            return;
        }
        self.depot.give(nodes);
        self.tell_waiting();
    }

    /// Is what is in the depot nobody's any more? Whoever restocks a pool asks afterwards, and drops it.
    pub(super) fn is_abandoned(&self) -> bool {
        self.has_closed() && self.depot.idle() > 0
    }

    /// Asked after something was put where who closes the pool looks for it: if it says no, they find it.
    pub(super) fn has_closed(&self) -> bool {
        // Partner: the one in `close`. If ours is first, they find what we did before; if theirs is, we see that it is closed.
        fence(Ordering::SeqCst);
        self.is_closed()
    }

    /// Takes all objects out of the depot.
    pub(super) fn empty(&self, mut f: impl FnMut(NonNull<Header>)) {
        let mut nodes = [NonNull::dangling(); ROUND];
        while let count @ 1.. = self.depot.take(&mut nodes) {
            nodes[..count].iter().for_each(|node| f(*node));
        }
    }

    /// Takes up to so many idle objects, a round at the most, which are the caller's to [lose](Self::lose) and to drop, and are
    /// being [resized](Self::end_resizing) away until then.
    pub(super) fn take_idle(&self, count: usize) -> Nodes {
        let _transit = self.transit();
        let count = count.min(ROUND);
        if self.depot.idle() < count {
            self.gather();
        }
        let mut taken = Nodes::new();
        while taken.len() < count {
            let mut nodes = [NonNull::dangling(); ROUND];
            self.begin_resizing(ROUND);
            let found = self.depot.take(&mut nodes);
            let (ours, others) = nodes[..found].split_at(found.min(count - taken.len()));
            taken.extend_from_slice(ours);
            self.restock(others);
            self.end_resizing(ROUND - ours.len());
            if found == 0 {
                break;
            }
        }
        taken
    }

    /// Puts together what lies in the depot one by one, so that it takes up less memory, and is taken by the handful.
    pub(super) fn pack(&self) {
        let _transit = self.transit();
        self.begin_resizing(2 * ROUND);
        let mut nodes = Nodes::new();
        while nodes.len() < ROUND {
            let mut round = [NonNull::dangling(); ROUND];
            let count @ 1.. = self.depot.take(&mut round) else { break };
            nodes.extend_from_slice(&round[..count]);
        }
        self.restock(&nodes);
        self.end_resizing(2 * ROUND);
    }

    /// So many objects are neither out nor idle until [told otherwise](Self::end_resizing).
    pub(super) fn begin_resizing(&self, count: usize) {
        self.resizing.fetch_add(count, Ordering::SeqCst);
    }

    pub(super) fn end_resizing(&self, count: usize) {
        self.resizing.fetch_sub(count, Ordering::SeqCst);
    }

    /// Counts one more, if one more may be.
    pub(super) fn reserve(&self) -> bool {
        let more = |objects| (objects < self.max).then(|| objects + 1);
        self.objects.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Counts one less, which the caller drops, or could not make.
    pub(super) fn lose(&self) {
        if self.objects.fetch_sub(1, Ordering::Relaxed) > self.max {
            self.release();
        }
        // Whoever waits may make one.
        self.tell_waiting();
    }

    /// Counts an object that the calling thread has [obtained](Self::obtain).
    pub(super) fn note_get(&self) {
        // SAFETY: as in `pop`; it is this pool's: it was looked for, and made, to obtain the object.
        match unsafe { local::find(self.number()).as_ref() } {
            Some(magazine) => magazine.note_get(),
            None => _ = self.slow_gets.fetch_add(1, Ordering::Relaxed),
        }
    }

    pub(super) fn note_exhausted(&self) {
        self.exhausted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// One object of the depot, and others of its round for the magazine.
    fn take(&self, magazine: Option<&Magazine>) -> Option<NonNull<Header>> {
        // Else those who find nothing would keep each other from being sure: see `search`.
        if self.depot.idle() == 0 {
            return None;
        }
        let _transit = self.transit();
        let (node, others, count) = self.take_round()?;
        let (ours, rest) = others[..count].split_at(count.min(self.at_hand.div_ceil(2)));
        // SAFETY: the calling thread's.
        let is_filled = magazine.is_some_and(|magazine| unsafe { magazine.fill(ours) });
        self.restock(if is_filled { rest } else { &others[..count] });
        Some(node)
    }

    /// One object of the depot, and so many others.
    fn take_round(&self) -> Option<(NonNull<Header>, [NonNull<Header>; ROUND], usize)> {
        let mut nodes = [NonNull::dangling(); ROUND];
        let others = self.depot.take(&mut nodes).checked_sub(1)?;
        Some((nodes[others], nodes, others))
    }

    /// An idle object, wherever it is. `None` only if for a moment there was none.
    #[cold]
    fn search(&self) -> Option<NonNull<Header>> {
        let mut rounds = 0;
        for _ in 0..SEARCHES {
            // In this order: what is over has begun.
            let over = self.over.load(Ordering::SeqCst);
            let begun = self.begun.load(Ordering::SeqCst);
            let mut ours = u64::from(self.idle() > 0 && self.gather());
            if self.depot.idle() > 0 {
                ours += 1;
                // (Not by `take`, which may look once more, find nothing, and begin nothing.)
                let _transit = self.transit();
                if let Some((node, others, count)) = self.take_round() {
                    self.restock(&others[..count]);
                    return Some(node);
                }
            }
            // Nobody had any in hand, from before we looked until now.
            if begun == over && self.begun.load(Ordering::SeqCst) == begun + ours {
                return None;
            }
            pause(&mut rounds);
        }
        None
    }

    /// Idle objects are in our hands until this is dropped.
    fn transit(&self) -> Option<Transit<'_>> {
        // (Then nobody searches: one more can always be made.)
        if self.max == usize::MAX {
            return None;
        }
        self.begun.fetch_add(1, Ordering::SeqCst);
        Some(Transit(&self.over))
    }

    /// Takes what all threads have at hand into the depot. Was there anything to look at?
    fn gather(&self) -> bool {
        self.gather_and(&mut lock(&self.magazines), false)
    }

    /// The same. Keeps the owners outside if asked to, until [`release`](Self::release).
    fn gather_and(&self, magazines: &mut MutexGuard<'_, Magazines>, keep: bool) -> bool {
        if magazines.holds > 0 || magazines.list.is_empty() {
            return false;
        }
        let _transit = self.transit();
        let mut nodes = Nodes::new();
        self.note_peak(magazines);
        claim_all(magazines.list.iter().map(|magazine| &**magazine), |claim| {
            claim.drain(|node| nodes.push(node));
            if keep {
                claim.keep();
            }
        });
        // (Nobody waits: there are no holds.)
        self.depot.give(&nodes);
        true
    }

    /// Nobody gets anything any more. What is idle is put into the depot, for the caller to [drop](Self::empty); what returns is
    /// refused.
    pub(super) fn close(&self) {
        let mut magazines = lock(&self.magazines);
        self.closed.store(true, Ordering::Release);
        // Never released: whatever a thread has for us, or makes yet, nobody lets it in again.
        self.hold(&mut magazines);
        magazines.popped += magazines.list.drain(..).map(|magazine| magazine.popped()).sum::<u64>();
        drop(magazines);
        // Partner: the fence in `has_closed`.
        fence(Ordering::SeqCst);
    }
}

struct Transit<'a>(&'a AtomicU64);

impl Drop for Transit<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
