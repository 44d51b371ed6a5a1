//! Churns from several threads, and prints what there is now and then, one JSON object a line.
//!
//! `stress SECONDS THREADS MILLISECONDS`: for how long, from how many threads, and how often to print. Fails if something is
//! left at the end. `cargo xtask soak` judges its output; `cargo xtask san` runs it under ThreadSanitizer, for which it is a
//! plain `main` that shares nothing but leaked state.

use pulsebus_proptests::churn::Churn;
use serde::Serialize;
use std::env;
use std::process::ExitCode;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

/// What there was at a time.
#[derive(Serialize)]
struct Sample {
    seconds: f64,
    operations: u64,
    calls: u64,
    threads: u64,
    resident_bytes: usize,
    live: usize,
    /// Captures that are alive, in slots that are live or wait for their grace period.
    captures: usize,
    chunks_held: usize,
    chunks_made: usize,
    pending_drops: usize,
}

impl Sample {
    fn take(churn: &Churn, since: Instant) -> Self {
        let (chunks_held, pending_drops) = churn.held();
        let dropped = churn.dropped.load(Relaxed);
        Self {
            seconds: since.elapsed().as_secs_f64(),
            operations: churn.operations.load(Relaxed),
            calls: churn.calls.load(Relaxed),
            threads: churn.threads.load(Relaxed),
            resident_bytes: memory_stats::memory_stats().map_or(0, |memory| memory.physical_mem),
            live: churn.live(),
            captures: churn.made.load(Relaxed).saturating_sub(dropped),
            chunks_held,
            chunks_made: pulsebus::Domain::global().statistics().chunks_made,
            pending_drops,
        }
    }

    fn print(&self) {
        println!("{}", serde_json::to_string(self).expect("numbers can be written"));
    }
}

fn arguments() -> Option<(Duration, u64, Duration)> {
    let mut arguments = env::args().skip(1).map(|argument| argument.parse::<u64>().ok());
    let mut next = || arguments.next().flatten().filter(|&n| n > 0);
    Some((Duration::from_secs(next()?), next()?, Duration::from_millis(next()?)))
}

fn main() -> ExitCode {
    let Some((duration, threads, every)) = arguments() else {
        eprintln!("usage: stress SECONDS THREADS MILLISECONDS, three positive whole numbers");
        return ExitCode::from(2);
    };
    let churn = Churn::start();
    let start = Instant::now();
    let handles: Vec<_> = (1..=threads).map(|seed| churn.spawn(seed)).collect();
    while start.elapsed() < duration {
        thread::sleep(every.min(duration.saturating_sub(start.elapsed())));
        Sample::take(churn, start).print();
    }
    churn.stop();
    let failed = handles.into_iter().filter_map(|handle| handle.join().err()).count();
    churn.end();
    // The last line: after the end.
    let last = Sample::take(churn, start);
    last.print();
    if (failed, last.live, last.captures) == (0, 0, 0) {
        return ExitCode::SUCCESS;
    }
    eprintln!(
        "{failed} threads failed; at the end {} slots are live, {} captures not dropped",
        last.live, last.captures
    );
    ExitCode::FAILURE
}
