//! The calling thread's records, and the pin.

use super::Epoch;
use super::record::{Record, nobody};
use crate::sync::const_unless_loom;
use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::Location;
use std::ptr::{self, NonNull};

/// What a thread knows of its own records. It has no destructor, so it can be used for as long as the thread lives,
/// from the destructors of other thread-locals too.
struct Local {
    /// The record that was pinned last, unless it was only borrowed; else [`nobody`]. Not a reference: the oldest compilers that this is
    /// for refuse one to something that changes, in what a constant expression makes.
    recent: Cell<NonNull<Record>>,
    /// All records of the thread, linked by `Record::sibling`.
    records: Cell<*const Record>,
    /// Has [`Leaver`] run already?
    leaving: Cell<bool>,
    /// Is somebody up the stack running the destructors of closures?
    draining: Cell<bool>,
}

impl Local {
    const_unless_loom! {
        fn new() -> Self {
            Self {
                recent: Cell::new(pointer(nobody())),
                records: Cell::new(ptr::null()),
                leaving: Cell::new(false),
                draining: Cell::new(false),
            }
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
        if chain(self.records.get()).any(Record::is_pinned) {
            // The process ends inside a slot (`process::exit`), and this thread goes on being in it.
            return;
        }
        // Under loom the other thread-local may have gone before this one; then nothing asks it any more.
        let _ = LOCAL.try_with(|local| {
            local.leaving.set(true);
            local.recent.set(pointer(nobody()));
            local.records.set(ptr::null());
        });
        let mut next = chain(self.records.get()).next();
        while let Some(record) = next {
            // Read first: the next owner may change the link.
            next = chain(record).nth(1);
            record.disown();
        }
    }
}

/// Keeps what is reachable in its domain from being reused. Nests.
pub(crate) struct Pin {
    record: &'static Record,
    /// The others rest on it: pins end in the reverse of the order in which they began.
    outermost: bool,
    /// Belongs to the thread that took it.
    _not_send: PhantomData<*const ()>,
}

/// Pins `epoch` for the calling thread; `place` is where, for whoever asks what holds reclamation up.
///
/// Cost: a thread-local look-up, three stores, and a fence in the [`PinFlavour::Fence`](super::barrier::PinFlavour)
/// flavour; nested, the look-up. The first pin of a thread in a domain looks for a record, or makes one.
#[inline]
pub(crate) fn pin(epoch: &'static Epoch, place: &'static Location<'static>) -> Pin {
    let record = LOCAL.with(|local| recent(local, epoch).unwrap_or_else(|| find(local, epoch)));
    let outermost = !record.is_pinned();
    if outermost {
        // SAFETY: the record is this thread's, for this epoch.
        unsafe { record.show(epoch, place) };
    }
    Pin { record, outermost, _not_send: PhantomData }
}

impl Drop for Pin {
    #[inline]
    fn drop(&mut self) {
        if self.outermost {
            self.record.hide();
            // SAFETY: a pin does not leave its thread.
            if unsafe { self.record.is_borrowed() } {
                give_back(self.record);
            }
        }
    }
}

/// A thread's outermost pin in the domain that it pinned last: what most emissions hold.
pub(crate) struct Outermost {
    record: &'static Record,
    _not_send: PhantomData<*const ()>,
}

/// [`pin`] for the hot path: `None` if this thread is pinned already, or has pinned another domain last.
#[inline(always)]
pub(crate) fn pin_outermost(epoch: &'static Epoch, place: &'static Location<'static>) -> Option<Outermost> {
    let record = LOCAL.with(|local| recent(local, epoch))?;
    if record.is_pinned() {
        return None;
    }
    // SAFETY: the record is this thread's, for this epoch.
    unsafe { record.show(epoch, place) };
    Some(Outermost { record, _not_send: PhantomData })
}

impl Drop for Outermost {
    #[inline(always)]
    fn drop(&mut self) {
        self.record.hide();
    }
}

/// As `Local::recent` keeps it.
const fn pointer(record: &'static Record) -> NonNull<Record> {
    // SAFETY: of a reference.
    unsafe { NonNull::new_unchecked(ptr::from_ref(record).cast_mut()) }
}

/// The record that the thread pinned last, if it is one of `epoch`'s.
#[inline(always)]
fn recent(local: &Local, epoch: &'static Epoch) -> Option<&'static Record> {
    // SAFETY: a record, or `nobody`; both are immortal.
    let record: &'static Record = unsafe { local.recent.get().as_ref() };
    record.is_of(epoch).then_some(record)
}

/// The thread's records, newest first.
fn records(local: &Local) -> impl Iterator<Item = &'static Record> {
    chain(local.records.get())
}

/// The calling thread's records from `first` on, which is one of them, or null.
fn chain(first: *const Record) -> impl Iterator<Item = &'static Record> {
    // SAFETY: records are immortal, and linked with others of their owner.
    let first = unsafe { first.as_ref() };
    // SAFETY: as above; the calling thread owns them.
    std::iter::successors(first, |record| unsafe { record.sibling().as_ref() })
}

/// The thread's record for `epoch`, remembered as the most recent one.
#[cold]
#[inline(never)]
fn find(local: &Local, epoch: &'static Epoch) -> &'static Record {
    let record = records(local).find(|record| record.is_of(epoch)).unwrap_or_else(|| adopt(local, epoch));
    // SAFETY: this thread's record.
    if !unsafe { record.is_borrowed() } {
        local.recent.set(pointer(record));
    }
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
        // SAFETY: this thread's own records.
        let after = unsafe { record.sibling() };
        // SAFETY: as above.
        let is_before = |other: &&Record| ptr::eq(unsafe { other.sibling() }, record);
        match records(local).find(is_before) {
            // SAFETY: as above.
            Some(before) => unsafe { before.relink(after) },
            None => local.records.set(after),
        }
    });
    record.disown();
}

/// Is the calling thread inside any emission or tick, of any domain?
pub(crate) fn is_pinned() -> bool {
    LOCAL.with(|local| records(local).any(Record::is_pinned))
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
