//! How long an event takes from one core to another.
//!
//! Events are sent at a low rate, each with the time at which it is: nothing queues, and the clock's own cost, some tens of
//! nanoseconds, is in every figure. Peers take turns, as in [rounds](crate::rounds).

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use indicatif::ProgressBar;
use serde::Serialize;

use super::event::{Event, Sum};
use super::peers::{async_broadcast, bus, crossbeam, disruptor, flume, kanal, mailbox, ring, tokio};
use super::pinned;
use super::stream::{Receiving, Sending, StartLine, Stream};
use super::waiting::Waiting;

/// How the receiver waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It tries again and again.
    Spin,
    /// It waits by the peer's own call, and sleeps by the time the next event comes.
    Park,
}

impl Mode {
    /// From one event to the next: longer than a hand-off takes, and for who is to sleep, longer than anybody looks before that.
    fn interval(self) -> Duration {
        match self {
            Self::Spin => Duration::from_micros(3),
            Self::Park => Duration::from_millis(1),
        }
    }

    /// How many events are timed if so many are asked for: fewer where each takes its time.
    fn samples(self, asked: usize) -> usize {
        match self {
            Self::Spin => asked,
            Self::Park => asked.div_ceil(4),
        }
    }
}

/// One peer's latencies.
#[derive(Debug, Serialize)]
pub struct Latency {
    /// The peer's name.
    pub peer: &'static str,
    /// How its receiver waited.
    pub mode: Mode,
    /// How many events it were.
    pub samples: u64,
    /// Nanoseconds.
    pub p50: u64,
    /// Nanoseconds.
    pub p99: u64,
    /// Nanoseconds.
    pub p99_9: u64,
}

/// The two ends of a peer, with what was measured so far.
struct Pair {
    peer: &'static str,
    mode: Mode,
    sender: Box<dyn Sending<1>>,
    receiver: Box<dyn Receiving<1>>,
    nanoseconds: Histogram<u64>,
}

/// What takes longer is taken for this: a minute.
const LONGEST: u64 = 60_000_000_000;

/// Turns that everybody takes.
const ROUNDS: usize = 10;

/// Times so many events of everybody, by turns; a quarter of them where receivers sleep.
///
/// # Errors
/// None but those of the terminal.
pub fn measure(samples: usize) -> io::Result<Vec<Latency>> {
    let mut latencies = Vec::new();
    for mode in [Mode::Spin, Mode::Park] {
        let mut pairs = everybody(mode);
        let progress = ProgressBar::new((ROUNDS * pairs.len()) as u64);
        if progress.is_hidden() {
            eprintln!("measuring latencies, {mode:?}");
        }
        for round in 0..ROUNDS {
            let count = pairs.len();
            for turn in 0..count {
                pairs[(round + turn) % count].run(mode.samples(samples).div_ceil(ROUNDS));
                progress.inc(1);
            }
        }
        progress.finish_and_clear();
        latencies.extend(pairs.into_iter().map(Pair::latency));
    }
    Ok(latencies)
}

fn everybody(mode: Mode) -> Vec<Pair> {
    let mut pairs = match mode {
        Mode::Spin => with_waiting::<false>(mode),
        Mode::Park => with_waiting::<true>(mode),
    };
    if mode == Mode::Spin {
        // It knows no other way to wait.
        pairs.push(Pair::new("disruptor", mode, disruptor::open()));
    }
    pairs
}

fn with_waiting<const BLOCKS: bool>(mode: Mode) -> Vec<Pair> {
    vec![
        Pair::new("pulsebus mailbox", mode, mailbox::open::<1, BLOCKS>(1, 1)),
        Pair::new("pulsebus ring", mode, ring::open::<1, BLOCKS>(1, 1)),
        Pair::new("pulsebus ring, single publisher", mode, ring::open_single::<1, BLOCKS>(1)),
        Pair::new("pulsebus ring, lossy", mode, ring::open_lossy::<1, BLOCKS>(1, 1)),
        Pair::new("crossbeam-channel", mode, crossbeam::open::<1, BLOCKS>(1, 1)),
        Pair::new("flume", mode, flume::open::<1, BLOCKS>(1, 1)),
        Pair::new("kanal", mode, kanal::open::<1, BLOCKS>(1, 1)),
        Pair::new("tokio broadcast", mode, tokio::open::<1, BLOCKS>(1, 1)),
        Pair::new("async-broadcast", mode, async_broadcast::open::<1, BLOCKS>(1, 1)),
        Pair::new("bus", mode, bus::open::<1, BLOCKS>(1)),
    ]
}

impl Pair {
    fn new<S: Sending<1> + 'static, R: Receiving<1> + 'static>(
        peer: &'static str,
        mode: Mode,
        mut stream: Stream<S, R>,
    ) -> Self {
        let (sender, receiver) = (stream.senders.remove(0), stream.receivers.remove(0));
        let nanoseconds = Histogram::new_with_bounds(1, LONGEST, 3).expect("three digits are possible");
        Self { peer, mode, sender: Box::new(sender), receiver: Box::new(receiver), nanoseconds }
    }

    fn run(&mut self, samples: usize) {
        let cores = pinned::cores();
        let core = |index: usize| cores.get(index).copied().filter(|_| cores.len() > 1);
        let line = StartLine::new(2);
        let zero = Instant::now();
        let now = || zero.elapsed().as_nanos() as u64;
        let Self { mode, sender, receiver, nanoseconds, .. } = self;
        thread::scope(|scope| {
            scope.spawn(|| {
                line.timed(core(0), || {
                    let interval = mode.interval().as_nanos() as u64;
                    let mut due = now();
                    for _ in 0..samples {
                        due = now().max(due + interval);
                        while now() < due {}
                        sender.send(&[Event([now()])]);
                    }
                })
            });
            scope.spawn(|| {
                line.timed(core(1), || {
                    for _ in 0..samples {
                        let mut sum = Sum::default();
                        // Of one event, the sum is the time at which it was sent.
                        Waiting::Spin.until(|| (receiver.receive(1, &mut sum) > 0).then_some(()));
                        nanoseconds.saturating_record(now().saturating_sub(sum.0).max(1));
                    }
                })
            });
        });
    }

    fn latency(self) -> Latency {
        let at = |quantile| self.nanoseconds.value_at_quantile(quantile);
        let [p50, p99, p99_9] = [0.5, 0.99, 0.999].map(at);
        Latency { peer: self.peer, mode: self.mode, samples: self.nanoseconds.len(), p50, p99, p99_9 }
    }
}
