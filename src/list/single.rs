//! What concerns one slot only, named by its handle: emitting to it, and running something in its stead.

use super::chunk::Chunk;
use super::stop::Stop;
use super::{List, Root, Tag};
use crate::epoch;
use crate::panics::Propagation;
#[cfg(not(loom))]
use crate::panics::{PanicPolicy, slot_panicked};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::ptr;

/// Runs the slot that `live` names, if it is one of `list`'s, still connected, and not blocked; whether it ran.
///
/// # Safety
/// `list` is the one at `root`, which serves a signal of events like the one that `event` points to, and outlives the
/// call. `live` is the tag of a connection whose slot lies in `chunk`, of this signal or of any other.
pub(crate) unsafe fn emit_to(
    root: &Root,
    list: &'static List,
    (chunk, live): (&'static Chunk, Tag),
    event: *const (),
    place: &'static Location<'static>,
) -> bool {
    let pin = epoch::pin(&list.domain().epoch, place);
    // In this order. The handle was made after the chunk had been prepared for its list, so this is that list or a later
    // one; a later one is prepared after the tags have moved on, and then the tag does not fit any more. Live under our
    // pin, the slot stays what it is until we unpin.
    if !ptr::eq(chunk.list(), list) || !chunk.is_live(live) || chunk.is_blocked(live) {
        return false;
    }
    let slot = chunk.slot(live);
    // SAFETY: live under the pin of its list's domain, and the list's signal has such events.
    let call = || catch_unwind(AssertUnwindSafe(|| unsafe { slot.call(event) }));
    // A slot that breaks has nothing to stop here, least of all the emission that this may be called in.
    let outcome = if root.list().is_some() { call() } else { Stop::scope(|_| call()) };
    let Err(payload) = outcome else { return true };
    if cfg!(loom) {
        // Loom's own finding, in a model.
        resume_unwind(payload);
    }
    let mut propagation = Propagation::default();
    root.slot_panicked(chunk, live.index(), payload, &mut propagation);
    drop(pin);
    propagation.resume();
    true
}

/// Runs `f` in the stead of the slot that `live` names, if it is still connected, and not blocked; whether it was
/// connected. Whoever disconnects it and waits, waits for `f` too. Its panic is the slot's, treated by `policy`: what is to be
/// propagated is returned. (What lies in the slot is not asked for a policy of its own. Nothing here keeps the signal, whose
/// drop, by `f` itself perhaps, does not wait for pins.)
#[cfg(not(loom))]
pub(crate) fn run_for(
    (chunk, live): (&'static Chunk, Tag),
    policy: PanicPolicy,
    place: &'static Location<'static>,
    f: impl FnOnce(),
) -> (bool, Propagation) {
    let mut propagation = Propagation::default();
    // In this order, as in `emit_to`: if the tag still fits, this was the domain of its signal.
    let domain = chunk.domain();
    let _pin = epoch::pin(&domain.epoch, place);
    if !chunk.is_live(live) {
        return (false, propagation);
    }
    if chunk.is_blocked(live) {
        return (true, propagation);
    }
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        slot_panicked(policy, (chunk, live), payload, domain, &mut propagation);
    }
    (true, propagation)
}
