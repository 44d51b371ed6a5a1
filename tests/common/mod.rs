//! What the contract tests share: a log of calls, and guards that tell when and where they are dropped.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod monitored;
pub mod pooled;

use std::any::Any;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

/// What slots have done, in order.
pub struct Log<T>(Arc<Mutex<Vec<T>>>);

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Send + 'static> Log<T> {
    pub fn new() -> Self {
        Self(Arc::default())
    }

    pub fn push(&self, entry: T) {
        self.0.lock().expect("no slot panics while it writes").push(entry);
    }

    /// What was logged since the last time.
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.0.lock().expect("no slot panics while it writes"))
    }

    /// A slot that logs what `entry` makes of the event.
    pub fn slot<E>(&self, entry: impl Fn(&E) -> T + Send + Sync + 'static) -> impl Fn(&E) + Send + Sync + 'static {
        let log = self.clone();
        move |event| log.push(entry(event))
    }
}

/// A slot that does nothing but hold what it captured.
pub fn holding<E, C: Send + Sync + 'static>(captured: C) -> impl Fn(&E) + Send + Sync + 'static {
    move |_| {
        let _held = &captured;
    }
}

/// Counts calls.
#[derive(Clone, Default)]
pub struct Counter(Arc<AtomicUsize>);

impl Counter {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn add(&self, n: usize) {
        self.0.fetch_add(n, SeqCst);
    }

    pub fn get(&self) -> usize {
        self.0.load(SeqCst)
    }

    /// What was counted since the last time.
    pub fn take(&self) -> usize {
        self.0.swap(0, SeqCst)
    }

    /// A slot that counts its calls.
    pub fn slot<E>(&self) -> impl Fn(&E) + Send + Sync + 'static {
        let counter = self.clone();
        move |_| counter.add(1)
    }
}

thread_local! {
    static EMISSIONS: Cell<usize> = const { Cell::new(0) };
}

/// Runs `emit` with a mark on this thread by which guards know that they are dropped inside an emission.
pub fn inside_emission<R>(emit: impl FnOnce() -> R) -> R {
    struct Mark;
    impl Drop for Mark {
        fn drop(&mut self) {
            EMISSIONS.set(EMISSIONS.get() - 1);
        }
    }
    EMISSIONS.set(EMISSIONS.get() + 1);
    let _mark = Mark;
    emit()
}

/// Counts guards: made, dropped, dropped twice, dropped inside an emission.
#[derive(Clone, Default)]
pub struct Tally(Arc<Counts>);

#[derive(Default)]
struct Counts {
    made: AtomicUsize,
    dropped: AtomicUsize,
    inside: AtomicUsize,
}

impl Tally {
    pub fn new() -> Self {
        Self::default()
    }

    /// Something to capture.
    pub fn guard(&self) -> Guard {
        self.0.made.fetch_add(1, SeqCst);
        Guard { counts: self.0.clone(), alive: ALIVE }
    }

    pub fn made(&self) -> usize {
        self.0.made.load(SeqCst)
    }

    pub fn dropped(&self) -> usize {
        self.0.dropped.load(SeqCst)
    }

    /// How many were dropped inside [`inside_emission`].
    pub fn dropped_inside(&self) -> usize {
        self.0.inside.load(SeqCst)
    }

    /// Each guard was dropped once; twice would have panicked.
    #[track_caller]
    pub fn assert_all_dropped(&self) {
        assert_eq!(self.dropped(), self.made(), "guards dropped, of those made");
    }
}

const ALIVE: u64 = 0xA11E_A11E_A11E_A11E;
const DEAD: u64 = 0xDEAD_DEAD_DEAD_DEAD;

/// Sixteen bytes that notice when they are dropped, and when they are used or dropped after that.
pub struct Guard {
    counts: Arc<Counts>,
    alive: u64,
}

impl Guard {
    /// Called by slots: fails if what they captured is gone.
    #[track_caller]
    pub fn check(&self) {
        assert_eq!(self.alive, ALIVE, "a slot runs with a capture that was dropped");
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.alive != ALIVE {
            eprintln!("dropped twice");
            std::process::abort();
        }
        // Volatile, or the compiler sees that nobody looks at it any more.
        // SAFETY: a valid, exclusive reference.
        unsafe { std::ptr::write_volatile(&mut self.alive, DEAD) };
        self.counts.dropped.fetch_add(1, SeqCst);
        if EMISSIONS.get() > 0 {
            self.counts.inside.fetch_add(1, SeqCst);
        }
    }
}

/// Collects until it is complete. With other threads' emissions of the domain under way, that may take more than one.
pub fn collect_all(domain: &pulsebus::Domain) {
    while !domain.collect().complete {
        std::thread::yield_now();
    }
}

/// A waker that counts how often it wakes.
#[derive(Default)]
pub struct Wakes(pub AtomicUsize);

impl Wakes {
    pub fn new() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self::default());
        (wakes.clone(), Waker::from(wakes))
    }

    /// How often since the last time.
    pub fn take(&self) -> usize {
        self.0.swap(0, SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Waits until so much was counted.
pub fn wait_for(counter: &Counter, count: usize) {
    while counter.get() < count {
        std::thread::yield_now();
    }
}

/// Long enough for threads that wait to fall asleep, mostly: so that who forgets to wake them is found out. (Nothing goes wrong if they have
/// not.)
pub fn fall_asleep() {
    std::thread::sleep(std::time::Duration::from_millis(30));
}

/// Keeps what must not be dropped: never, and without a leak for those who look for some.
pub fn keep<T: Send + 'static>(value: T) {
    static KEPT: Mutex<Vec<Box<dyn Any + Send>>> = Mutex::new(Vec::new());
    KEPT.lock().expect("nothing panics while it is locked").push(Box::new(value));
}
