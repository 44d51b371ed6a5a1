//! The calling thread's records, and the pin.

use super::Epoch;
use super::record::Record;
use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::Location;
use std::ptr;

/// What a thread knows of its own records. It has no destructor, so it can be used for as long as the thread lives,
/// from the destructors of other thread-locals too.
struct Local {
    /// The epoch that was pinned last, and the record for it.
    recent_epoch: Cell<*const Epoch>,
    recent: Cell<*const Record>,
    /// All records of the thread, linked by `Record::sibling`.
    records: Cell<*const Record>,
    /// Has [`Leaver`] run already?
    leaving: Cell<bool>,
    /// Is a thread up the stack running the destructors of closures?
    draining: Cell<bool>,
}

impl Local {
    const fn new() -> Self {
        Self {
            recent_epoch: Cell::new(ptr::null()),
            recent: Cell::new(ptr::null()),
            records: Cell::new(ptr::null()),
            leaving: Cell::new(false),
            draining: Cell::new(false),
        }
    }
}

/// Gives the thread's records back when the thread ends.
struct Leaver {
    records: Cell<*const Record>,
}

#[cfg(not(loom))]
thread_local! {
    static LOCAL: Local = const { Local::new() };
    static LEAVER: Leaver = const { Leaver { records: Cell::new(ptr::null()) } };
}

#[cfg(loom)]
loom::thread_local! {
    static LOCAL: Local = Local::new();
    static LEAVER: Leaver = Leaver { records: Cell::new(ptr::null()) };
}

impl Drop for Leaver {
    fn drop(&mut self) {
        // Under loom the other thread-local may have gone before this one; then nothing asks it any more.
        let _ = LOCAL.try_with(|local| {
            local.leaving.set(true);
            local.recent_epoch.set(ptr::null());
            local.recent.set(ptr::null());
            local.records.set(ptr::null());
        });
        let mut next = self.records.get();
        // SAFETY: records are immortal, and those in this list are this thread's until `disown`.
        while let Some(record) = unsafe { next.as_ref() } {
            // SAFETY: as above.
            next = unsafe { record.sibling() };
            // A record with a pin on it can never be handed on. (No safe code can get here: pins end with the call
            // that took them.)
            // SAFETY: as above.
            if unsafe { record.depth() } == 0 {
                record.disown();
            }
        }
    }
}

/// Keeps what is reachable in its domain from being reused. Nests.
pub(crate) struct Pin {
    record: &'static Record,
    /// Belongs to the thread that took it.
    _not_send: PhantomData<*const ()>,
}

/// Pins `epoch` for the calling thread; `place` is where, for whoever asks what holds reclamation up.
///
/// Cost: a thread-local look-up, two stores, and a fence in the [`PinFlavour::Fence`](super::barrier::PinFlavour)
/// flavour. The first pin of a thread in a domain looks for a record, or makes one.
#[inline(always)]
pub(crate) fn pin(epoch: &'static Epoch, place: &'static Location<'static>) -> Pin {
    let record = LOCAL.with(|local| {
        if ptr::eq(local.recent_epoch.get(), epoch) {
            // SAFETY: the two are always set together, to an epoch and this thread's record of it; immortal.
            unsafe { &*local.recent.get() }
        } else {
            find(local, epoch)
        }
    });
    // SAFETY: the record is this thread's.
    unsafe { record.enter(place) };
    Pin { record, _not_send: PhantomData }
}

impl Drop for Pin {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: a pin does not leave its thread, and was entered when it was made.
        if unsafe { self.record.leave() } {
            give_back(self.record);
        }
    }
}

/// The thread's records, newest first.
fn records(local: &Local) -> impl Iterator<Item = &'static Record> {
    // SAFETY: immortal; the list holds this thread's own records only.
    let first = unsafe { local.records.get().as_ref() };
    // SAFETY: as above.
    std::iter::successors(first, |record| unsafe { record.sibling().as_ref() })
}

/// The thread's record for `epoch`, remembered as the most recent one.
#[cold]
#[inline(never)]
fn find(local: &Local, epoch: &'static Epoch) -> &'static Record {
    let record = records(local).find(|record| record.is_of(epoch)).unwrap_or_else(|| adopt(local, epoch));
    local.recent_epoch.set(epoch);
    local.recent.set(record);
    record
}

/// Takes a record for this thread. A thread that is past its own clean-up only borrows it, until its last pin goes.
fn adopt(local: &Local, epoch: &'static Epoch) -> &'static Record {
    let record = epoch.acquire_record();
    // Registers the destructor too, if this is the first record of the thread.
    let kept = !local.leaving.get() && LEAVER.try_with(|leaver| leaver.records.set(record)).is_ok();
    // SAFETY: just acquired by this thread, not pinned.
    unsafe { record.begin(local.records.get(), !kept) };
    local.records.set(record);
    record
}

/// Gives back a borrowed record.
#[cold]
#[inline(never)]
fn give_back(record: &'static Record) {
    LOCAL.with(|local| {
        local.recent_epoch.set(ptr::null());
        local.recent.set(ptr::null());
        // SAFETY: this thread's own records.
        let after = unsafe { record.sibling() };
        match records(local).find(|other| ptr::eq(unsafe { other.sibling() }, record)) {
            // SAFETY: as above.
            Some(before) => unsafe { before.relink(after) },
            None => local.records.set(after),
        }
    });
    record.disown();
}

/// Is the calling thread inside any emission or tick, of any domain?
pub(crate) fn is_pinned() -> bool {
    // SAFETY: the list holds this thread's own records only.
    LOCAL.with(|local| records(local).any(|record| unsafe { record.depth() } > 0))
}

/// Evidence that the calling thread runs the destructors of closures, and that nobody up its stack does.
pub(crate) struct Draining {
    _not_send: PhantomData<*const ()>,
}

impl Draining {
    /// `None` inside an emission, a tick, or the destructor of another closure: destructors do not run there.
    pub(crate) fn start() -> Option<Self> {
        if is_pinned() || LOCAL.with(|local| local.draining.replace(true)) {
            return None;
        }
        Some(Self { _not_send: PhantomData })
    }
}

impl Drop for Draining {
    fn drop(&mut self) {
        LOCAL.with(|local| local.draining.set(false));
    }
}
