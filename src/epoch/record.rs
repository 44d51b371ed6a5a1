//! What one thread shows of its pins to one epoch.

use super::Epoch;
use super::barrier::{self, PinFlavour};
use crate::sync::diagnostic::{AtomicPtr as Note, AtomicU64 as Count, Relaxed};
use crate::sync::{AtomicBool, AtomicU64, Ordering, UnsafeCell, const_unless_loom, immortal, lock, pause};
use std::panic::Location;
use std::ptr;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// The upper half of a state is the epoch; the counter is kept shifted to where a record shows it. It comes round after
/// 2³² steps, which matters only if a thread stands still for exactly that long between reading the epoch and showing it.
pub(super) const EPOCH_STEP: u64 = 1 << 32;
const TURN_MASK: u64 = EPOCH_STEP - 1;
/// The lower half is zero, or a number that changes from pin to pin, so that two pins in one epoch can be told apart. It
/// is odd, so that it is never zero.
const FIRST_TURN: u32 = 1;
const NEXT_TURN: u32 = 2;

/// One thread's entry in one epoch. Immortal; owned by one thread at a time.
#[repr(align(128))]
pub(crate) struct Record {
    /// Zero, or `epoch | turn`. Written by the owner; read by whoever looks for pins.
    state: AtomicU64,
    /// What only the owner touches. Ownership passes through `owned`.
    own: UnsafeCell<Own>,
    /// Where the outermost pin was taken. Written by the owner before `state`.
    place: Note<Location<'static>>,
    flavour: PinFlavour,
    /// Whose it is; null for [`nobody`].
    epoch: *const Epoch,
    /// Does a thread own it? Taken by compare-exchange, given back by the owner.
    owned: AtomicBool,
    /// Older records. Written once, before the record is published.
    next: UnsafeCell<*const Record>,
    /// The state that an observer saw last, and when it saw it first, in nanoseconds since the [`dawn`].
    seen: Count,
    seen_since: Count,
}

struct Own {
    turn: u32,
    /// Is it to be given back when its pin goes, because its thread has already run the destructor that would do so?
    borrowed: bool,
    /// Is it pinned? See [`Record::is_pinned`].
    #[cfg(loom)]
    pinned: bool,
    /// The owner's other records.
    sibling: *const Record,
}

// SAFETY: `own` is touched by the owning thread only, and passes from one to the next through `owned`
// (Release in `disown`, Acquire in `try_own`); `next` is written before the record is published; `epoch` points to what is immortal; the rest is atomic.
unsafe impl Sync for Record {}

/// A pin that an observer found standing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OldestPin {
    pub(crate) age: Duration,
    pub(crate) place: Option<&'static Location<'static>>,
    /// Which one it is: the same as long as it stands, and hardly ever another's.
    #[cfg_attr(loom, allow(dead_code))]
    pub(crate) identity: (usize, u64),
}

/// What a record showed when a pin was seen.
#[cfg(all(feature = "async", not(loom)))]
pub(crate) struct Standing(u64);

impl Record {
    const_unless_loom! {
        fn made(epoch: *const Epoch, flavour: PinFlavour) -> Self {
            Record {
                state: AtomicU64::new(0),
                own: UnsafeCell::new(Own {
                    turn: FIRST_TURN,
                    borrowed: false,
                    #[cfg(loom)]
                    pinned: false,
                    sibling: ptr::null(),
                }),
                place: Note::new(ptr::null_mut()),
                flavour,
                epoch,
                owned: AtomicBool::new(true),
                next: UnsafeCell::new(ptr::null()),
                seen: Count::new(0),
                seen_since: Count::new(0),
            }
        }
    }

    /// A new immortal record, owned by the caller and not yet published.
    pub(super) fn new_owned(epoch: &'static Epoch) -> &'static Record {
        &immortal(vec![Record::made(epoch, barrier::pin_flavour())])[0]
    }

    pub(super) fn set_next(&self, next: *const Record) {
        // SAFETY: only called before the record is published, by its maker.
        self.next.with_mut(|field| unsafe { *field = next });
    }

    pub(super) fn next(&self) -> Option<&'static Record> {
        // SAFETY: written before publication, never after; records are immortal.
        self.next.with(|field| unsafe { (*field).as_ref() })
    }

    pub(super) fn is_of(&self, epoch: &Epoch) -> bool {
        ptr::eq(self.epoch, epoch)
    }

    /// Takes an ownerless record for the calling thread.
    pub(super) fn try_own(&self) -> bool {
        // Acquire; partner: the Release in `disown`. The next owner continues where the last one stopped.
        self.owned.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Gives the record up. The caller owns it and holds no pin of it.
    pub(super) fn disown(&self) {
        // Release; partner: the Acquire in `try_own`: what we did to `own` comes before what the next owner does.
        self.owned.store(false, Ordering::Release);
    }

    /// Is it pinned? Only for the owner.
    #[inline(always)]
    pub(super) fn is_pinned(&self) -> bool {
        // Of the loads before a store loom explores the last one only, which must not be our own.
        #[cfg(loom)]
        // SAFETY: the caller owns the record.
        return self.own.with(|own| unsafe { (*own).pinned });
        // Relaxed: the owner reads what it wrote itself.
        #[cfg(not(loom))]
        return self.state.load(Ordering::Relaxed) != 0;
    }

    /// Pins. A nested pin must not do so again: it would refresh the epoch, and let go what the outer one protects.
    ///
    /// # Safety
    /// The calling thread owns the record, which is one of `epoch`'s and not pinned.
    #[inline(always)]
    pub(super) unsafe fn show(&self, epoch: &Epoch, place: &'static Location<'static>) {
        // SAFETY: the caller owns the record.
        let turn = self.own.with_mut(|own| unsafe {
            #[cfg(loom)]
            {
                (*own).pinned = true;
            }
            (*own).turn = (*own).turn.wrapping_add(NEXT_TURN);
            u64::from((*own).turn)
        });
        self.place.store(ptr::from_ref(place).cast_mut(), Relaxed);
        // Acquire; partner: the Release in `Epoch::try_advance`. If we see the new epoch, we also see everything
        // that was taken out before it began. If we see an older one, our pin holds the next step back.
        let epoch = epoch.global.load(Ordering::Acquire);
        // Release; partner: the Acquire in `shows`. Whoever sees this pin, rather than the end of the one before it,
        // has also seen everything that was done under that one.
        self.state.store(epoch | turn, Ordering::Release);
        // Partner: `barrier::heavy` in `Epoch::try_advance` and `Epoch::wait_for_pins`.
        barrier::light(self.flavour);
    }

    /// Unpins. Only for the owner, and the outermost pin.
    #[inline(always)]
    pub(super) fn hide(&self) {
        #[cfg(loom)]
        // SAFETY: the caller owns the record.
        self.own.with_mut(|own| unsafe { (*own).pinned = false });
        // Release; partner: the Acquire in `shows`. Whoever finds us gone has seen all we did under the pin.
        self.state.store(0, Ordering::Release);
    }

    /// Does the owner have to give it back when its pin goes?
    ///
    /// # Safety
    /// The calling thread owns the record.
    pub(super) unsafe fn is_borrowed(&self) -> bool {
        // SAFETY: the caller owns the record.
        self.own.with(|own| unsafe { (*own).borrowed })
    }

    /// The owner's next record.
    ///
    /// # Safety
    /// The calling thread owns the record.
    pub(super) unsafe fn sibling(&self) -> *const Record {
        // SAFETY: the caller owns the record.
        self.own.with(|own| unsafe { (*own).sibling })
    }

    /// Starts the owner's use of the record; a `borrowed` one is to be given back when its last pin goes.
    ///
    /// # Safety
    /// The calling thread owns the record and holds no pin of it.
    pub(super) unsafe fn begin(&self, sibling: *const Record, borrowed: bool) {
        // SAFETY: the caller owns the record.
        self.own.with_mut(|own| unsafe {
            (*own).sibling = sibling;
            (*own).borrowed = borrowed;
        });
    }

    /// Changes the link to the owner's next record.
    ///
    /// # Safety
    /// The calling thread owns the record.
    pub(super) unsafe fn relink(&self, sibling: *const Record) {
        // SAFETY: the caller owns the record.
        self.own.with_mut(|own| unsafe { (*own).sibling = sibling });
    }

    /// The state as of now, with everything its owner did under earlier pins.
    fn shows(&self) -> u64 {
        // Acquire; partners: the Releases in `show` and `hide`. What the owner did before them comes before what we
        // do next, reuse of memory above all.
        self.state.load(Ordering::Acquire)
    }

    /// Is it pinned in another epoch than `now`?
    pub(super) fn is_behind(&self, now: u64) -> bool {
        let state = self.shows();
        state != 0 && state & !TURN_MASK != now
    }

    /// The pin that is seen now, if there is one.
    #[cfg(all(feature = "async", not(loom)))]
    pub(super) fn standing(&self) -> Option<Standing> {
        let state = self.shows();
        (state != 0).then_some(Standing(state))
    }

    /// Has that pin gone?
    #[cfg(all(feature = "async", not(loom)))]
    pub(super) fn has_moved_since(&self, Standing(state): &Standing) -> bool {
        self.shows() != *state
    }

    /// Waits until the pin that is seen now has gone; `false` if `deadline` came first.
    pub(super) fn wait_until_moved(&self, deadline: Option<Instant>) -> bool {
        let before = self.shows();
        if before == 0 {
            return true;
        }
        let mut rounds = 0;
        while self.shows() == before {
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return false;
            }
            pause(&mut rounds);
        }
        true
    }

    /// Notes the pin that stands now; its age counts from the first observation that met it.
    ///
    /// The pins themselves never read a clock.
    pub(super) fn observe(&self, now: Instant) -> Option<OldestPin> {
        /// One observer at a time, for the two words of an observation.
        static OBSERVER: Mutex<()> = Mutex::new(());
        let _observer = lock(&OBSERVER);
        let state = self.shows();
        let elapsed = u64::try_from(now.saturating_duration_since(dawn()).as_nanos()).unwrap_or(u64::MAX);
        if self.seen.swap(state, Relaxed) != state {
            self.seen_since.store(elapsed, Relaxed);
        }
        if state == 0 {
            return None;
        }
        let age = Duration::from_nanos(elapsed.saturating_sub(self.seen_since.load(Relaxed)));
        // SAFETY: only ever null or a `&'static Location`.
        let place = unsafe { self.place.load(Relaxed).as_ref() };
        Some(OldestPin { age, place, identity: (ptr::from_ref(self).addr(), state) })
    }
}

/// The record of no thread, of no epoch: so that a thread always has a most recent one.
#[cfg(not(loom))]
pub(super) const fn nobody() -> &'static Record {
    static NOBODY: Record = Record::made(ptr::null(), PinFlavour::Fence);
    &NOBODY
}

/// The same for the execution of a model.
#[cfg(loom)]
pub(super) fn nobody() -> &'static Record {
    &immortal(vec![Record::made(ptr::null(), PinFlavour::Fence)])[0]
}

/// When the first observer looked.
fn dawn() -> Instant {
    static DAWN: OnceLock<Instant> = OnceLock::new();
    *DAWN.get_or_init(Instant::now)
}
