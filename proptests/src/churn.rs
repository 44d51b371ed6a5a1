//! Everything at once, from several threads, for as long as one likes: the load behind the soak and under ThreadSanitizer.
//!
//! All that threads share is leaked, and reached through references; they pass connections on through a queue without
//! locks. So whatever ThreadSanitizer reports is the library's.

use crossbeam_queue::ArrayQueue;
use pulsebus::{Connection, Domain, Reclaim, Signal};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const SIGNALS: usize = 8;
/// At most so many connections wait to be ended.
const LIVE: usize = 10_000;

/// What the threads share.
pub struct Churn {
    /// The domains of the signals, which stay.
    domains: [Domain; 3],
    signals: Vec<Signal<u64>>,
    /// Connections that any thread may end.
    connections: ArrayQueue<Connection>,
    stop: AtomicBool,
    /// Operations done, and calls of slots.
    pub operations: AtomicU64,
    /// Calls of slots.
    pub calls: AtomicU64,
    /// Captures made.
    pub made: AtomicUsize,
    /// Captures dropped.
    pub dropped: AtomicUsize,
    /// Threads that have come and gone.
    pub threads: AtomicU64,
}

/// What a slot captures: plain memory, read by the slot and freed by the destructor, so that a sanitizer sees it if the
/// one is not ordered before the other.
struct Canary {
    churn: &'static Churn,
    value: Box<u64>,
}

const SINGING: u64 = 0x5149_6147;

impl Canary {
    fn new(churn: &'static Churn) -> Self {
        churn.made.fetch_add(1, Relaxed);
        Self { churn, value: Box::new(SINGING) }
    }

    fn check(&self) {
        assert_eq!(*self.value, SINGING, "a slot ran with captures that were dropped");
        self.churn.calls.fetch_add(1, Relaxed);
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        assert_eq!(*self.value, SINGING, "captures were dropped twice");
        *self.value = 0;
        self.churn.dropped.fetch_add(1, Relaxed);
    }
}

/// A small generator of random numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 32) as usize % limit
    }
}

/// For what is only asked for the sake of asking.
fn discard<T>(answer: T) {
    black_box(answer);
}

impl Churn {
    /// Makes the signals. Leaked: what the threads share must outlive them all.
    pub fn start() -> &'static Self {
        let domains = [Domain::global(), Domain::new(), Domain::with_reclaim(Reclaim::Manual)];
        let signals = (0..SIGNALS).map(|n| Signal::new_in(&domains[n % domains.len()])).collect();
        Box::leak(Box::new(Self {
            domains,
            signals,
            connections: ArrayQueue::new(LIVE),
            stop: AtomicBool::new(false),
            operations: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            made: AtomicUsize::new(0),
            dropped: AtomicUsize::new(0),
            threads: AtomicU64::new(0),
        }))
    }

    /// A thread that churns until [`stop`](Self::stop), in bursts, each on a thread of its own.
    pub fn spawn(&'static self, seed: u64) -> JoinHandle<()> {
        thread::spawn(move || {
            let mut seed = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
            while !self.stop.load(Relaxed) {
                let mut random = Random(seed.next() | 1);
                let burst = thread::spawn(move || {
                    for _ in 0..20_000 {
                        if self.stop.load(Relaxed) {
                            break;
                        }
                        self.operate(&mut random);
                    }
                });
                burst.join().expect("no check fails");
                self.threads.fetch_add(1, Relaxed);
            }
        })
    }

    /// Has the threads end.
    pub fn stop(&self) {
        self.stop.store(true, Relaxed);
    }

    fn signal(&'static self, random: &mut Random) -> &'static Signal<u64> {
        &self.signals[random.below(SIGNALS)]
    }

    fn connect(&'static self, signal: &'static Signal<u64>, random: &mut Random) -> Connection {
        let canary = Canary::new(self);
        match random.below(8) {
            0 => signal.connect(|event| debug_assert!(*event < u64::MAX)), // nothing to drop
            1 => {
                let ballast = [random.next(); 10];
                signal.connect(move |_| {
                    assert_eq!(ballast[0], ballast[9]);
                    canary.check();
                })
            }
            2 | 3 => signal.connect_batch(move |_| canary.check()),
            4 => signal.connect_scoped(move |_| canary.check()).release(),
            5 => {
                // Re-entrant: now and then it ends one, and connects one.
                signal.connect(move |event| {
                    canary.check();
                    if event % 61 == 0 {
                        self.disconnect_one();
                        self.keep(signal.connect(|_| {}));
                    }
                })
            }
            _ => signal.connect(move |_| canary.check()),
        }
    }

    /// Leaves a connection to whoever ends it; ends it if there are too many.
    fn keep(&self, connection: Connection) {
        if let Err(connection) = self.connections.push(connection) {
            connection.disconnect();
        }
    }

    fn disconnect_one(&self) {
        if let Some(connection) = self.connections.pop() {
            connection.disconnect();
        }
    }

    fn operate(&'static self, random: &mut Random) {
        self.operations.fetch_add(1, Relaxed);
        let signal = self.signal(random);
        match random.below(1_000) {
            0..400 => self.keep(self.connect(signal, random)),
            400..800 => self.disconnect_one(),
            800..850 => {
                // Ended at once, twice.
                let connection = self.connect(signal, random);
                assert!(connection.disconnect() || !connection.is_connected());
                assert!(!connection.disconnect());
            }
            850..900 => drop(signal.connect_scoped(|_| {})),
            900..940 => discard(signal.emit(&random.next())),
            940..960 => discard(signal.emit_batch(&[random.next(), random.next(), random.next()])),
            960..970 => {
                let (event, other) = (random.next(), self.signal(random));
                signal.domain().tick(|t| {
                    t.emit(signal, &event);
                    t.emit(other, &event);
                });
            }
            970..985 => self.come_and_go(random),
            985..991 => discard(signal.domain().maintain(Duration::from_micros(200))),
            991..994 => discard(signal.domain().collect()),
            994..996 => discard(signal.domain().statistics()),
            996 => discard(signal.disconnect_all()),
            997 => {
                let connection = signal.connect(|_| {});
                let waited = connection.disconnect_and_wait(Duration::from_millis(1));
                assert!(!connection.is_connected(), "{waited:?}");
            }
            _ => discard((signal.len(), signal.is_empty())),
        }
    }

    /// Signals, and now and then a domain, that are there for a moment.
    fn come_and_go(&'static self, random: &mut Random) {
        let domain = if random.below(4) == 0 { Domain::new() } else { Domain::global() };
        let signal = Signal::<u64>::new_in(&domain);
        for _ in 0..random.below(80) {
            let canary = Canary::new(self);
            let connection = signal.connect(move |_| canary.check());
            if random.below(2) == 0 {
                connection.disconnect();
            } else {
                self.keep(connection); // stale soon
            }
        }
        signal.emit(&random.next());
    }

    /// Live connections of the signals that stay.
    pub fn live(&self) -> usize {
        self.signals.iter().map(Signal::len).sum()
    }

    /// Chunks that the domains that stay hold, and closures that wait to be dropped.
    pub fn held(&self) -> (usize, usize) {
        let statistics = self.domains.each_ref().map(Domain::statistics);
        (statistics.iter().map(|s| s.chunks).sum(), statistics.iter().map(|s| s.pending_drops).sum())
    }

    /// After all threads have ended: ends every slot, and drops what they captured.
    pub fn end(&self) {
        for signal in &self.signals {
            signal.disconnect_all();
        }
        for domain in &self.domains {
            while !domain.collect().complete {
                thread::yield_now();
            }
        }
    }
}
