//! What one thread shows of its pins to one epoch.

use super::Epoch;
use super::barrier::{self, PinFlavour};
use crate::sync::diagnostic::{AtomicPtr as Note, AtomicU64 as Count, Relaxed};
use crate::sync::{AtomicBool, AtomicU64, Ordering, UnsafeCell, immortal, spin_loop, yield_now};
use std::panic::Location;
use std::ptr;
use std::time::{Duration, Instant};

/// The lowest bits of a state: is the thread pinned?
const PINNED: u64 = 1;
/// Above it, a number that changes from pin to pin, so that two pins in one epoch can be told apart.
const TURN_SHIFT: u32 = 1;
const TURN_MASK: u64 = EPOCH_STEP - 1;
/// Above that, the epoch: 40 bits, over 200 days of nothing but grace periods of 17 µs each until it comes round.
const EPOCH_SHIFT: u32 = 24;
/// One step of the epoch counter, which is kept shifted to where a record shows it.
pub(super) const EPOCH_STEP: u64 = 1 << EPOCH_SHIFT;

/// Where the depth of a record starts that is given back when its last pin goes, because its thread has already
/// run the destructor that would do so.
const BORROWED: u32 = 1 << 31;

/// One thread's entry in one epoch. Immortal; owned by one thread at a time.
#[repr(align(128))]
pub(crate) struct Record {
    /// Zero, or `epoch | turn | PINNED`. Written by the owner; read by whoever looks for pins.
    state: AtomicU64,
    /// What only the owner touches. Ownership passes through `owned`.
    own: UnsafeCell<Own>,
    /// Where the outermost pin was taken. Written by the owner before `state`.
    place: Note<Location<'static>>,
    flavour: PinFlavour,
    epoch: &'static Epoch,
    /// Does a thread own it? Taken by compare-exchange, given back by the owner.
    owned: AtomicBool,
    /// Older records. Written once, before the record is published.
    next: UnsafeCell<*const Record>,
    /// The state that an observer saw last, and when it saw it first (nanoseconds since `born`).
    seen: Count,
    seen_since: Count,
    born: Instant,
}

struct Own {
    depth: u32,
    turn: u64,
    /// The owner's other records.
    sibling: *const Record,
}

// SAFETY: `own` is touched by the owning thread only, and passes from one to the next through `owned`
// (Release in `disown`, Acquire in `try_own`); `next` is written before the record is published; the rest is atomic.
unsafe impl Sync for Record {}

/// A pin that an observer found standing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OldestPin {
    pub(crate) age: Duration,
    pub(crate) place: Option<&'static Location<'static>>,
}

impl Record {
    /// A new immortal record, owned by the caller and not yet published.
    pub(super) fn new_owned(epoch: &'static Epoch) -> &'static Record {
        let flavour = barrier::pin_flavour();
        let record = Record {
            state: AtomicU64::new(0),
            own: UnsafeCell::new(Own { depth: 0, turn: 0, sibling: ptr::null() }),
            place: Note::new(ptr::null_mut()),
            flavour,
            epoch,
            owned: AtomicBool::new(true),
            next: UnsafeCell::new(ptr::null()),
            seen: Count::new(0),
            seen_since: Count::new(0),
            born: Instant::now(),
        };
        &immortal(vec![record])[0]
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

    /// Pins, or nests into the pin that is held: a nested pin never refreshes the epoch, or what the outer one
    /// protects would be let go.
    ///
    /// # Safety
    /// The calling thread owns the record.
    #[inline(always)]
    pub(super) unsafe fn enter(&self, place: &'static Location<'static>) {
        // SAFETY: the caller owns the record.
        let depth = self.own.with_mut(|own| unsafe {
            (*own).depth += 1;
            (*own).depth
        });
        if depth == 1 || depth == BORROWED + 1 {
            // SAFETY: as above.
            unsafe { self.show(place) };
        }
    }

    /// Shows the outermost pin.
    ///
    /// # Safety
    /// The calling thread owns the record.
    #[inline(always)]
    unsafe fn show(&self, place: &'static Location<'static>) {
        // SAFETY: the caller owns the record.
        let turn = self.own.with_mut(|own| unsafe {
            (*own).turn = (*own).turn.wrapping_add(1 << TURN_SHIFT) & TURN_MASK;
            (*own).turn
        });
        self.place.store(ptr::from_ref(place).cast_mut(), Relaxed);
        // Acquire; partner: the Release in `Epoch::try_advance`. If we see the new epoch, we also see everything
        // that was taken out before it began. If we see an older one, our pin holds the next step back.
        let epoch = self.epoch.global.load(Ordering::Acquire);
        // Release; partner: the Acquire in `shows`. Whoever sees this pin, rather than the end of the one before it,
        // has also seen everything that was done under that one.
        self.state.store(epoch | turn | PINNED, Ordering::Release);
        // Partner: `barrier::heavy` in `Epoch::try_advance` and `Epoch::wait_for_pins`.
        barrier::light(self.flavour);
    }

    /// Undoes one [`enter`](Self::enter); `true` if the record was borrowed for this pin and must be given back.
    ///
    /// # Safety
    /// The calling thread owns the record and has entered it once more than it has left it.
    #[inline(always)]
    pub(super) unsafe fn leave(&self) -> bool {
        // SAFETY: the caller owns the record.
        let depth = self.own.with_mut(|own| unsafe {
            (*own).depth -= 1;
            (*own).depth
        });
        if depth == 0 || depth == BORROWED {
            // Release; partner: the Acquire in `shows`. Whoever finds us gone has seen all we did under the pin.
            self.state.store(0, Ordering::Release);
        }
        depth == BORROWED
    }

    /// How deep the owner's pins nest. Only for the owner.
    ///
    /// # Safety
    /// The calling thread owns the record.
    pub(super) unsafe fn depth(&self) -> u32 {
        // SAFETY: the caller owns the record.
        self.own.with(|own| unsafe { (*own).depth } & !BORROWED)
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
            (*own).depth = if borrowed { BORROWED } else { 0 };
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
        // Acquire; partners: the Releases in `enter` and `leave`. What the owner did before them comes before what we
        // do next, reuse of memory above all.
        self.state.load(Ordering::Acquire)
    }

    /// Is it pinned in another epoch than `now`?
    pub(super) fn is_behind(&self, now: u64) -> bool {
        let state = self.shows();
        state & PINNED != 0 && state & !TURN_MASK != now
    }

    /// Waits until the pin that is seen now has gone; `false` if `deadline` came first.
    pub(super) fn wait_until_moved(&self, deadline: Option<Instant>) -> bool {
        let before = self.shows();
        if before & PINNED == 0 {
            return true;
        }
        for round in 0u32.. {
            if self.shows() != before {
                return true;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return false;
            }
            match round {
                0..64 if !cfg!(loom) => spin_loop(),
                64..256 if !cfg!(loom) => yield_now(),
                _ if cfg!(loom) => yield_now(),
                _ => std::thread::sleep(Duration::from_micros(100)),
            }
        }
        false
    }

    /// Notes the pin that stands now; its age counts from the first observation that met it.
    ///
    /// Observers are serialised by the domain; the pins themselves never read a clock.
    pub(super) fn observe(&self, now: Instant) -> Option<OldestPin> {
        let state = self.shows();
        let elapsed = u64::try_from(now.saturating_duration_since(self.born).as_nanos()).unwrap_or(u64::MAX);
        if self.seen.swap(state, Relaxed) != state {
            self.seen_since.store(elapsed, Relaxed);
        }
        if state & PINNED == 0 {
            return None;
        }
        let age = Duration::from_nanos(elapsed.saturating_sub(self.seen_since.load(Relaxed)));
        // SAFETY: only ever null or a `&'static Location`.
        Some(OldestPin { age, place: unsafe { self.place.load(Relaxed).as_ref() } })
    }
}
