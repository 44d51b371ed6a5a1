//! What happens when a slot panics: it is counted, reported, and hurts nobody else.

use crate::domain::DomainCore;
use crate::list::{Chunk, Tag};
use crate::sync::diagnostic::{AtomicU64 as Word, Relaxed};
use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};

/// What a panic in a slot means to its signal; see [`Signal::on_panic`](crate::Signal::on_panic).
///
/// Under each of them the other slots of the emission still run, the panic is counted (for the connection, see
/// [`Connection::panics`](crate::Connection::panics), and in the domain's [`Statistics`](crate::Statistics)) and
/// reported to the domain's [panic hook](crate::Domain::set_panic_hook), and in a batch the slot goes on with the next
/// event. (A slot that takes slices has had the whole batch at once; there is nothing to go on with.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PanicPolicy {
    /// The emission returns as if nothing had happened. The default.
    #[default]
    Isolate,
    /// When all slots have run, the emission panics with the payload of the first panic.
    Propagate,
    /// Like [`Isolate`](Self::Isolate), and a connection ends with its `n`-th panic. Zero is read as one.
    DisconnectAfter(u32),
}

/// One panic of one slot, as the [panic hook](crate::Domain::set_panic_hook) sees it.
#[derive(Debug)]
#[non_exhaustive]
pub struct SlotPanic<'a> {
    /// Where in the source the slot was connected.
    pub place: Option<&'static Location<'static>>,
    /// How often this connection has panicked, this time included.
    pub count: u32,
    /// What it panicked with.
    pub payload: &'a (dyn Any + Send),
}

impl SlotPanic<'_> {
    /// The message, if the payload is one (`panic!` with a text or a format makes such).
    pub fn message(&self) -> Option<&str> {
        let text = self.payload.downcast_ref::<&'static str>().copied();
        text.or_else(|| self.payload.downcast_ref::<String>().map(String::as_str))
    }
}

impl fmt::Display for SlotPanic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some(place) => write!(f, "slot connected at {place} panicked")?,
            None => write!(f, "slot panicked")?,
        }
        write!(f, " (panic {} of this connection): {}", self.count, self.message().unwrap_or("no message"))
    }
}

/// The type of a panic hook.
pub(crate) type Hook = Box<dyn Fn(&SlotPanic<'_>) + Send + Sync>;

/// A [`PanicPolicy`] that can be changed while others emit.
pub(crate) struct Policy(Word);

const ISOLATE: u64 = 0;
const PROPAGATE: u64 = 1;
/// Plus the number of panics.
const DISCONNECT: u64 = 2;

impl Policy {
    pub(crate) const fn new() -> Self {
        Self(Word::new(ISOLATE))
    }

    pub(crate) fn set(&self, policy: PanicPolicy) {
        let word = match policy {
            PanicPolicy::Isolate => ISOLATE,
            PanicPolicy::Propagate => PROPAGATE,
            PanicPolicy::DisconnectAfter(n) => DISCONNECT + u64::from(n.max(1)),
        };
        self.0.store(word, Relaxed);
    }

    pub(crate) fn get(&self) -> PanicPolicy {
        match self.0.load(Relaxed) {
            ISOLATE => PanicPolicy::Isolate,
            PROPAGATE => PanicPolicy::Propagate,
            n => PanicPolicy::DisconnectAfter((n - DISCONNECT) as u32),
        }
    }
}

/// Deals with one panic of the slot that `live` names, inside the emission; or of what has run in its stead, which may have
/// outlived its signal: then the chunk is another's, and is not told.
pub(crate) fn slot_panicked(
    policy: PanicPolicy,
    (chunk, live): (&Chunk, Tag),
    payload: Box<dyn Any + Send>,
    domain: &DomainCore,
    propagation: &mut Propagation,
) {
    let place = chunk.place(live.index());
    let is_ours = chunk.is_generation(live);
    let count = if is_ours { chunk.count_panic(live.index()) } else { 1 };
    domain.count_slot_panic();
    domain.with_hook(|hook| {
        let report = SlotPanic { place: place.filter(|_| is_ours), count, payload: &*payload };
        // A hook that panics has its panic dropped: there is nobody left to tell.
        let _ = isolated(|| hook(&report));
    });
    match policy {
        PanicPolicy::Isolate => {}
        PanicPolicy::Propagate if propagation.0.is_none() => {
            propagation.0 = Some(payload);
            return;
        }
        PanicPolicy::Propagate => {}
        PanicPolicy::DisconnectAfter(n) => {
            // Zero is read as one.
            if count >= n {
                chunk.disconnect(live);
            }
        }
    }
    let _ = drop_quietly(payload);
}

/// The panic that an emission will end with; or not, if a panic of the caller's own ends it before: then it is dropped.
#[derive(Default)]
pub(crate) struct Propagation(Option<Box<dyn Any + Send>>);

impl Propagation {
    /// Panics, if there is something to propagate.
    #[inline(always)]
    pub(crate) fn resume(mut self) {
        if let Some(payload) = self.0.take() {
            resume_unwind(payload);
        }
    }
}

impl Drop for Propagation {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(payload) = self.0.take() {
            // Perhaps while a panic unwinds: one that escaped from here would end the process.
            drop_unresumed(payload);
        }
    }
}

#[cold]
#[inline(never)]
fn drop_unresumed(payload: Box<dyn Any + Send>) {
    let _ = drop_quietly(payload);
}

/// Runs foreign code, and swallows its panic, whatever that is made of.
pub(crate) fn isolated<R>(f: impl FnOnce() -> R) -> Result<R, ()> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| _ = drop_quietly(payload))
}

/// So often a payload's destructor may panic with another payload, before the last one is leaked.
const PATIENCE: usize = 8;

/// Drops a value whose destructor may panic, with a payload whose destructor may panic in turn.
pub(crate) fn drop_quietly<T>(value: T) -> Result<(), ()> {
    let Err(mut payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) else { return Ok(()) };
    if cfg!(loom) {
        // It may be loom's own finding.
        resume_unwind(payload);
    }
    for _ in 0..PATIENCE {
        match catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            Ok(()) => return Err(()),
            Err(next) => payload = next,
        }
    }
    std::mem::forget(payload);
    Err(())
}
