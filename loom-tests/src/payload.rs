//! What slots capture in models: memory that loom watches.

use loom::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A cell that one side writes without any synchronisation and the other side reads: loom fails the model unless the
/// protocol between them orders the two.
#[derive(Clone, Default)]
pub struct Note(Arc<UnsafeCell<u32>>);

// SAFETY: loom runs the threads of a model one at a time, and its cell reports accesses that no protocol orders.
unsafe impl Send for Note {}
// SAFETY: as above.
unsafe impl Sync for Note {}

impl Note {
    /// Writes, and leaves the number there.
    pub fn write(&self, value: u32) {
        // SAFETY: loom's cell panics if another access is not ordered before or after this one.
        self.0.with_mut(|cell| unsafe { *cell = value });
    }

    /// Reads what was written last.
    pub fn read(&self) -> u32 {
        // SAFETY: as in `write`.
        self.0.with(|cell| unsafe { *cell })
    }
}

/// For a slot to capture. Its destructor writes where the slot reads: a slot that runs after the destructor, or beside
/// it, fails the model.
pub struct Payload(Watch);

/// What becomes of a [`Payload`].
#[derive(Clone)]
pub struct Watch(Arc<Inner>);

struct Inner {
    alive: Note,
    /// Plain counters, which order nothing.
    runs: AtomicU32,
    drops: AtomicU32,
}

impl Payload {
    pub(crate) fn new() -> (Self, Watch) {
        let alive = Note::default();
        alive.write(1);
        let watch = Watch(Arc::new(Inner { alive, runs: AtomicU32::new(0), drops: AtomicU32::new(0) }));
        (Self(watch.clone()), watch)
    }

    /// What the slot does.
    pub fn run(&self) {
        assert_eq!(self.0.0.alive.read(), 1, "a slot ran after what it captured was dropped");
        self.0.0.runs.fetch_add(1, Relaxed);
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        self.0.0.alive.write(0);
        self.0.0.drops.fetch_add(1, Relaxed);
    }
}

impl Watch {
    /// How often the slot has run.
    pub fn runs(&self) -> u32 {
        self.0.runs.load(Relaxed)
    }

    /// How often it was dropped.
    pub fn drops(&self) -> u32 {
        self.0.drops.load(Relaxed)
    }

    /// Was it dropped? If so, what its destructor did must come before this call.
    pub fn is_dropped(&self) -> bool {
        self.drops() > 0 && self.0.alive.read() == 0
    }
}
