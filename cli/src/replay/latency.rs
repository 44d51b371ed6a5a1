//! How long emissions took.

use crate::plan::{Op, Part};
use hdrhistogram::Histogram;
use std::time::{Duration, Instant};

/// Over how many equal stretches of recorded time latencies are looked at.
const BINS: usize = 200;

/// The time of every emission of one part, in nanoseconds, in order. An emission of more than 4.29 s counts as 4.29 s.
pub type Times = Vec<u32>;

/// What is looked at while a pass runs: each emission with a clock around it, one moment, or nothing.
pub trait Meter {
    /// Runs `emission`.
    fn around(&mut self, emission: impl FnOnce());

    /// An event has connected a slot.
    #[inline(always)]
    fn connected(&mut self, _event: u32) {}
}

/// No clock: for throughput.
#[derive(Debug)]
pub struct Unmetered;

impl Meter for Unmetered {
    #[inline(always)]
    fn around(&mut self, emission: impl FnOnce()) {
        emission();
    }
}

impl Meter for Times {
    #[inline(always)]
    fn around(&mut self, emission: impl FnOnce()) {
        let begin = Instant::now();
        emission();
        let took = begin.elapsed();
        self.push(u32::try_from(took.as_nanos()).unwrap_or(u32::MAX));
    }
}

/// No clock, but a look at one moment: when an event has connected its slot.
#[derive(Debug)]
pub struct Lookout<F, R> {
    /// The event.
    pub event: Option<u32>,
    /// The look.
    pub look: F,
    /// What it has found.
    pub seen: Option<R>,
}

impl<F: Fn() -> Option<R>, R> Meter for Lookout<F, R> {
    #[inline(always)]
    fn around(&mut self, emission: impl FnOnce()) {
        emission();
    }

    fn connected(&mut self, event: u32) {
        if self.event == Some(event) {
            self.seen = (self.look)();
        }
    }
}

/// All latencies of a replay.
#[derive(Debug)]
pub struct Latency {
    /// All emissions, in nanoseconds, to three significant digits.
    pub all: Histogram<u64>,
    /// The same by recorded time; stretches without emissions are left out.
    pub over_time: Vec<Bin>,
    /// What two readings of the clock cost with nothing between them (the median), in nanoseconds: part of every latency.
    pub clock_ns: u64,
}

/// The latencies of one stretch of recorded time, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Bin {
    /// The middle of the stretch, in Unix milliseconds.
    pub t_ms: u64,
    /// The median.
    pub p50: u64,
    /// What 99 of 100 emissions did not exceed.
    pub p99: u64,
    /// The longest.
    pub max: u64,
}

impl Latency {
    /// Puts together what the `parts` measured, given the time of every event.
    pub fn new<'a>(parts: impl IntoIterator<Item = (&'a Part, &'a Times)>, times: &[u64]) -> Self {
        let mut all = histogram(3);
        let first = times.first().copied().unwrap_or(0);
        let span = times.last().map_or(0, |last| u128::from(last - first)) + 1;
        let bin_of = |t_ms: u64| (u128::from(t_ms - first) * BINS as u128 / span) as usize;
        let mut bins: Vec<Option<Histogram<u64>>> = vec![None; BINS];
        for (part, latencies) in parts {
            let messages = part.steps.iter().filter(|step| matches!(step.op, Op::Message { .. }));
            for (step, &ns) in messages.zip(latencies) {
                all.saturating_record(u64::from(ns));
                let bin = &mut bins[bin_of(times[step.event as usize])];
                bin.get_or_insert_with(|| histogram(2)).saturating_record(u64::from(ns));
            }
        }
        let over_time = bins.into_iter().enumerate().filter_map(|(number, bin)| {
            let bin = bin?;
            let middle = span * (2 * number as u128 + 1) / (2 * BINS as u128);
            Some(Bin {
                t_ms: first + middle as u64,
                p50: bin.value_at_quantile(0.5),
                p99: bin.value_at_quantile(0.99),
                max: bin.max(),
            })
        });
        Self { over_time: over_time.collect(), all, clock_ns: clock_cost() }
    }
}

fn histogram(digits: u8) -> Histogram<u64> {
    Histogram::new_with_bounds(1, u64::from(u32::MAX), digits)
        .expect("1 to 2^32 ns in 2 or 3 digits is a valid histogram")
}

fn clock_cost() -> u64 {
    let mut times = Times::with_capacity(10_001);
    for _ in 0..10_001 {
        times.around(|| ());
    }
    let (_, median, _) = times.select_nth_unstable(5_000);
    u64::from(*median)
}

/// Waits until `due`, and says by how much it was missed.
pub fn wait_until(due: Option<Instant>) -> Duration {
    loop {
        let now = Instant::now();
        match due {
            Some(due) if due <= now => return now - due,
            Some(due) => std::thread::sleep(due - now),
            // Later than any clock can say.
            None => std::thread::sleep(Duration::from_secs(3600)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{NOBODY, Step};

    #[test]
    fn latencies_find_their_percentile_and_their_time() {
        let op = Op::Message { topic: 0, sender: NOBODY, bytes: 0 };
        let steps = (0..100).map(|event| Step { event, op }).collect();
        let part = Part { steps, ..Part::default() };
        let latencies: Times = (1..=100).collect();
        let times: Vec<u64> = (0..100).map(|event| if event < 50 { 0 } else { 1_999 }).collect();
        let latency = Latency::new([(&part, &latencies)], &times);
        assert_eq!((latency.all.len(), latency.all.value_at_quantile(0.5), latency.all.max()), (100, 50, 100));
        let bins: Vec<_> = latency.over_time.iter().map(|bin| (bin.t_ms, bin.p50, bin.max)).collect();
        assert_eq!(bins, [(5, 25, 50), (1_995, 75, 100)]);
    }
}
