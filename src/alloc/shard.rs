//! Counters by thread.
//!
//! A thread that allocates for the first time takes a [`Shard`] that nobody owns, and is from then on the only one that writes
//! to it: a plain store is enough, and no cache line is shared. A thread that finds none counts in the common one, by locked
//! additions. When a thread ends, its shard keeps its counts for the next owner to go on with.
//!
//! The allocator is called from everywhere: while thread-locals are made and destroyed, and by what taking a shard itself calls.
//! So the thread-local is a pointer that needs neither making nor destroying, and it points to the common shard while the thread
//! has not got its own yet, and again once it has given it back.

use super::exit;
use super::mine::{mine, set_mine};
use std::ptr;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

/// So many threads have a shard of their own.
pub(super) const OWN: usize = 256;

pub(super) static SHARDS: [Shard; OWN] = [const { Shard::new() }; OWN];
static COMMON: Shard = Shard::new();
/// Has any thread counted?
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Two cache lines: processors fetch them in pairs.
#[repr(align(128))]
pub(super) struct Shard {
    owned: AtomicBool,
    calls: AtomicU64,
    allocated: AtomicU64,
    frees: AtomicU64,
    freed: AtomicU64,
}

impl Shard {
    const fn new() -> Self {
        Self {
            owned: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            allocated: AtomicU64::new(0),
            frees: AtomicU64::new(0),
            freed: AtomicU64::new(0),
        }
    }

    fn try_own(&self) -> bool {
        // A look first: an exchange that fails, too, takes the line away from the owner that counts in it.
        // Acquire; partner: the Release in `disown`: the counts go on where the last owner left them.
        !self.owned.load(Relaxed) && self.owned.compare_exchange(false, true, Acquire, Relaxed).is_ok()
    }

    /// Only for the owner, which writes to it no more.
    pub(super) fn disown(&self) {
        self.owned.store(false, Release);
    }

    /// Calls, and bytes.
    pub(super) fn handed_out(&self) -> (u64, u64) {
        (self.calls.load(Relaxed), self.allocated.load(Relaxed))
    }

    /// Calls, and bytes.
    pub(super) fn taken_back(&self) -> (u64, u64) {
        // Acquire; partner: the Release in `take_back`. What it counts was counted as handed out before, by a thread that
        // passed the memory on to the one that counts here, so that a look at `handed_out` after this one finds it.
        (self.frees.load(Acquire), self.freed.load(Acquire))
    }
}

pub(super) fn common() -> &'static Shard {
    &COMMON
}

pub(super) fn any_taken() -> bool {
    TAKEN.load(Relaxed)
}

#[inline(always)]
pub(super) fn hand_out(bytes: usize) {
    let bytes = bytes as u64;
    let mine = mine();
    // SAFETY: null, or one of the statics.
    match unsafe { mine.as_ref() } {
        Some(shard) if !ptr::eq(mine, &COMMON) => {
            // The owner reads what it wrote itself: no addition is lost.
            shard.calls.store(shard.calls.load(Relaxed).wrapping_add(1), Relaxed);
            shard.allocated.store(shard.allocated.load(Relaxed).wrapping_add(bytes), Relaxed);
        }
        _ => hand_out_slowly(mine, bytes),
    }
}

#[inline(always)]
pub(super) fn take_back(bytes: usize) {
    let bytes = bytes as u64;
    let mine = mine();
    // SAFETY: null, or one of the statics.
    match unsafe { mine.as_ref() } {
        Some(shard) if !ptr::eq(mine, &COMMON) => {
            // Release; partner: the Acquire in `taken_back`.
            shard.frees.store(shard.frees.load(Relaxed).wrapping_add(1), Release);
            shard.freed.store(shard.freed.load(Relaxed).wrapping_add(bytes), Release);
        }
        _ => take_back_slowly(mine, bytes),
    }
}

#[cold]
#[inline(never)]
fn hand_out_slowly(mine: *const Shard, bytes: u64) {
    if mine.is_null() && take_one() {
        return hand_out(bytes as usize);
    }
    // (Where no thread has a shard of its own, this is the only place that knows.)
    if !any_taken() {
        TAKEN.store(true, Relaxed);
    }
    COMMON.calls.fetch_add(1, Relaxed);
    COMMON.allocated.fetch_add(bytes, Relaxed);
}

#[cold]
#[inline(never)]
fn take_back_slowly(mine: *const Shard, bytes: u64) {
    if mine.is_null() && take_one() {
        return take_back(bytes as usize);
    }
    COMMON.frees.fetch_add(1, Release);
    COMMON.freed.fetch_add(bytes, Release);
}

/// Finds a shard for this thread. Was there one?
fn take_one() -> bool {
    TAKEN.store(true, Relaxed);
    // First: what is called below may allocate, and must not come here again.
    set_mine(&COMMON);
    let Some(shard) = SHARDS.iter().find(|shard| shard.try_own()) else { return false };
    if !exit::at_exit(shard) {
        shard.disown();
        return false;
    }
    set_mine(shard);
    true
}

/// Gives back the shard of the thread that ends: this one. Whatever it still allocates is counted in the common one.
#[cfg_attr(not(unix), allow(dead_code))]
pub(super) fn give_back(shard: &'static Shard) {
    set_mine(&COMMON);
    shard.disown();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alloc::counting;
    use std::sync::{Barrier, Mutex, MutexGuard};

    /// The counts are the process's.
    fn alone() -> MutexGuard<'static, ()> {
        static ALONE: Mutex<()> = Mutex::new(());
        crate::sync::lock(&ALONE)
    }

    fn owned() -> usize {
        SHARDS.iter().filter(|shard| shard.owned.load(Relaxed)).count()
    }

    #[test]
    fn what_one_thread_hands_out_and_another_takes_back_is_not_live() {
        let _alone = alone();
        let before = counting::sum();
        std::thread::spawn(|| (0..1_000).for_each(|_| hand_out(10))).join().unwrap();
        assert_eq!(counting::sum().live_bytes, before.live_bytes + 10_000);
        std::thread::spawn(|| (0..1_000).for_each(|_| take_back(10))).join().unwrap();
        let after = counting::sum();
        assert_eq!((after.live_bytes, after.live_blocks()), (before.live_bytes, before.live_blocks()));
        assert_eq!((after.calls, after.frees), (before.calls + 1_000, before.frees + 1_000));
        assert_eq!(after.allocated_bytes, before.allocated_bytes + 10_000);
        assert!(any_taken());
    }

    #[cfg(unix)]
    #[test]
    fn a_thread_that_ends_gives_its_shard_back_with_its_counts() {
        let _alone = alone();
        let before = counting::sum();
        for _ in 0..2 * OWN {
            std::thread::spawn(|| hand_out(7)).join().unwrap();
        }
        assert!(owned() < OWN / 2, "{} shards are taken", owned());
        assert_eq!(counting::sum().allocated_bytes, before.allocated_bytes + 7 * 2 * OWN as u64);
    }

    #[test]
    fn threads_beyond_the_shards_are_counted_together_and_lose_nothing() {
        let _alone = alone();
        let before = counting::sum();
        let threads = OWN + 20;
        let barrier = Barrier::new(threads);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    hand_out(1);
                    barrier.wait();
                    (0..100).for_each(|_| hand_out(1));
                    (0..101).for_each(|_| take_back(1));
                    barrier.wait();
                });
            }
        });
        let after = counting::sum();
        assert_eq!(after.calls, before.calls + 101 * threads as u64);
        assert_eq!(after.live_bytes, before.live_bytes);
        assert!(COMMON.calls.load(Relaxed) >= 20 * 101);
    }

    #[cfg(unix)]
    #[test]
    fn what_a_thread_allocates_after_its_shard_has_gone_is_counted() {
        let _alone = alone();
        let before = counting::sum();
        let common = COMMON.calls.load(Relaxed);
        std::thread::spawn(|| {
            hand_out(1);
            let mine = mine();
            // SAFETY: a shard of its own, which is a static.
            give_back(unsafe { &*mine });
            hand_out(1);
            // (At its end the thread gives it back once more: then it must still be its own, so it is taken again.)
            // SAFETY: as above.
            assert!(unsafe { &*mine }.try_own());
        })
        .join()
        .unwrap();
        assert_eq!(counting::sum().calls, before.calls + 2);
        assert_eq!(COMMON.calls.load(Relaxed), common + 1);
    }
}
