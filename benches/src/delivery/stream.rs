//! Senders that send as fast as they can, and receivers that check that they have had it all.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::event::{Event, LAP, Sum, lap, sum_of};
use super::pinned;
use super::waiting::Waiting;
use crate::scenario::Contestant;

/// The end that a sending thread has.
pub trait Sending<const W: usize>: Send {
    /// Sends copies of all of them, to every receiver, and waits where there is no room.
    fn send(&mut self, events: &[Event<W>]);
}

/// The end that a receiving thread has.
pub trait Receiving<const W: usize>: Send {
    /// Receives up to `most` of the events that are there. Returns how many they were; zero, for somebody else to wait, or it waits
    /// itself for the first one.
    fn receive(&mut self, most: usize, sum: &mut Sum) -> usize;
}

impl<const W: usize, S: Sending<W> + ?Sized> Sending<W> for Box<S> {
    #[inline]
    fn send(&mut self, events: &[Event<W>]) {
        (**self).send(events);
    }
}

impl<const W: usize, R: Receiving<W> + ?Sized> Receiving<W> for Box<R> {
    #[inline]
    fn receive(&mut self, most: usize, sum: &mut Sum) -> usize {
        (**self).receive(most, sum)
    }
}

/// All ends of something that delivers events: each sender's go to each of the receivers.
pub struct Stream<S, R> {
    /// One for each sending thread.
    pub senders: Vec<S>,
    /// One for each receiving thread.
    pub receivers: Vec<R>,
}

/// How a stream is run.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// So many events are sent at a time.
    pub batch: usize,
    /// So many at most are received at a time.
    pub most: usize,
    /// How receivers wait that do not wait themselves.
    pub waiting: Waiting,
}

impl<S, R> Stream<S, R> {
    /// Ready to be timed: an iteration is one lap of each sender.
    pub(super) fn enter<const W: usize>(mut self, peer: &'static str, pace: Pace) -> Contestant
    where
        S: Sending<W> + 'static,
        R: Receiving<W> + 'static,
    {
        let events = lap::<W>();
        Contestant::new(peer, move |laps| self.run(pace, laps, &events))
    }

    /// So many laps of each sender. The time from when all threads are there until each receiver has had everything.
    fn run<const W: usize>(&mut self, pace: Pace, laps: u64, events: &[Event<W>]) -> Duration
    where
        S: Sending<W>,
        R: Receiving<W>,
    {
        let all_laps = laps * self.senders.len() as u64;
        let expected = sum_of(events, all_laps);
        let threads = self.senders.len() + self.receivers.len();
        // Where they are more than the cores, the system does as it likes.
        let cores = Some(pinned::cores()).filter(|cores| threads <= cores.len());
        let line = StartLine::new(threads);
        let mut thread = 0;
        let mut next_core = || {
            thread += 1;
            cores.as_ref().map(|cores| cores[thread - 1])
        };
        thread::scope(|scope| {
            let mut running = Vec::with_capacity(threads);
            for sender in &mut self.senders {
                let (line, core) = (&line, next_core());
                running.push(scope.spawn(move || line.timed(core, || send_all(sender, pace, laps, events))));
            }
            for receiver in &mut self.receivers {
                let (line, core) = (&line, next_core());
                running.push(scope.spawn(move || {
                    line.timed(core, || {
                        let sum = receive_all(receiver, pace, all_laps * LAP as u64);
                        assert_eq!(sum, expected, "a receiver has had other events than were sent");
                    })
                }));
            }
            let spans: Vec<_> = running.into_iter().map(|thread| thread.join().expect("it would abort")).collect();
            let start = spans.iter().map(|span| span.0).min().expect("there are threads");
            let end = spans.iter().map(|span| span.1).max().expect("there are threads");
            end - start
        })
    }
}

fn send_all<const W: usize>(sender: &mut impl Sending<W>, pace: Pace, laps: u64, events: &[Event<W>]) {
    for _ in 0..laps {
        for batch in events.chunks_exact(pace.batch) {
            sender.send(black_box(batch));
        }
    }
}

fn receive_all<const W: usize>(receiver: &mut impl Receiving<W>, pace: Pace, count: u64) -> Sum {
    let (mut sum, mut left) = (Sum::default(), count);
    while left > 0 {
        left -= pace.waiting.until(|| match receiver.receive(pace.most, &mut sum) {
            0 => None,
            received => Some(received as u64),
        });
    }
    sum
}

/// Where all threads meet, awake, before the clock is read.
pub(super) struct StartLine {
    missing: AtomicUsize,
}

impl StartLine {
    pub(super) fn new(threads: usize) -> Self {
        Self { missing: AtomicUsize::new(threads) }
    }

    /// Runs with the others, on that core if one is named; from when until when.
    pub(super) fn timed(&self, core: Option<usize>, run: impl FnOnce()) -> (Instant, Instant) {
        let _aborts = AbortsOnPanic;
        if let Some(core) = core {
            pinned::stay_on(core);
        }
        self.missing.fetch_sub(1, Ordering::AcqRel);
        Waiting::Yield.until(|| (self.missing.load(Ordering::Acquire) == 0).then_some(()));
        let start = Instant::now();
        run();
        (start, Instant::now())
    }
}

/// The other threads would wait for ever for one that has panicked.
struct AbortsOnPanic;

impl Drop for AbortsOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            std::process::abort();
        }
    }
}
