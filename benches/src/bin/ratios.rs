//! Times every peer in every scenario, interleaved, and prints the figures as JSON.
//!
//! Wall-clock time means little on a shared machine; a ratio of two contestants that ran within
//! the same milliseconds means more. So each round gives every contestant one short slice of
//! time, in rotating order, and all rounds are printed, for the reader to take ratios round by
//! round. `cargo xtask results` does that.

use std::arch::global_asm;
use std::hint::black_box;
use std::io;
use std::time::Duration;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use pulsebus_benches::peers;
use pulsebus_benches::scenario::{Contestant, Scenario};
use serde::Serialize;

/// Bytes by which the code of the libraries is shifted in this build: `PULSEBUS_BENCH_SHIFT` when it was compiled.
///
/// Where a loop stands in its cache line is worth a quarter of its time. The compiler aligns functions to 16 bytes, so
/// the builds with 0, 16, 32 and 48 show each function in every place that it can have.
const SHIFT: usize = match option_env!("PULSEBUS_BENCH_SHIFT") {
    Some(bytes) => match usize::from_str_radix(bytes, 10) {
        Ok(bytes) => bytes,
        Err(_) => panic!("PULSEBUS_BENCH_SHIFT: expected a number of bytes"),
    },
    None => 0,
};

// Linked with this binary's own code, which stands before that of the libraries.
global_asm!(
    ".pushsection .text.pulsebus_bench_shift, \"ax\", @progbits",
    ".globl pulsebus_bench_shift",
    "pulsebus_bench_shift:",
    ".skip {shift}",
    ".popsection",
    shift = const SHIFT,
);

unsafe extern "C" {
    static pulsebus_bench_shift: u8;
}

/// Times every peer in every scenario, interleaved, and prints the figures as JSON
#[derive(Parser)]
struct Args {
    /// Rounds per scenario
    #[arg(long, default_value_t = 31)]
    rounds: usize,

    /// Milliseconds that a contestant runs in one round
    #[arg(long, default_value_t = 4.0)]
    slice_ms: f64,

    /// Only the scenarios of this group, `emit` for instance (may be repeated)
    #[arg(long, value_name = "GROUP")]
    only: Vec<String>,
}

#[derive(Serialize)]
struct Report {
    /// How emissions announced themselves.
    pin: String,
    /// Boost's version and its compiler's, if it takes part.
    boost: Option<String>,
    scenarios: Vec<Measured>,
}

#[derive(Serialize)]
struct Measured {
    group: &'static str,
    parameter: usize,
    contestants: Vec<Figures>,
}

#[derive(Serialize)]
struct Figures {
    peer: &'static str,
    /// Nanoseconds per operation, one figure for each round.
    ns: Vec<f64>,
}

/// A contestant with the number of iterations that fills its slice.
struct Runner {
    contestant: Contestant,
    iterations: u64,
    ns: Vec<f64>,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    // Keeps the linker from leaving it out. Only the address is taken.
    black_box(&raw const pulsebus_bench_shift);
    let chosen: Vec<Scenario> = Scenario::all()
        .into_iter()
        .filter(|scenario| args.only.is_empty() || args.only.iter().any(|name| name == scenario.group()))
        .collect();
    if chosen.is_empty() {
        let mut groups: Vec<_> = Scenario::all().into_iter().map(Scenario::group).collect();
        groups.dedup();
        return Err(io::Error::other(format!("no such group; there are: {}", groups.join(", "))));
    }

    let slice = Duration::from_secs_f64(args.slice_ms / 1_000.0);
    let progress = ProgressBar::new((chosen.len() * args.rounds) as u64).with_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} rounds  {msg}  {eta} left").map_err(io::Error::other)?,
    );
    let mut scenarios = Vec::new();
    for scenario in chosen {
        let label = format!("{} {}", scenario.group(), scenario.parameter());
        if progress.is_hidden() {
            eprintln!("measuring {label}");
        }
        progress.set_message(label);
        scenarios.push(measure(scenario, args.rounds, slice, &progress));
    }
    progress.finish_and_clear();

    let report = Report { pin: format!("{:?}", pulsebus::pin_flavour()), boost: peers::boost_version(), scenarios };
    serde_json::to_writer(io::stdout(), &report)?;
    println!();
    Ok(())
}

fn measure(scenario: Scenario, rounds: usize, slice: Duration, progress: &ProgressBar) -> Measured {
    let mut runners: Vec<Runner> =
        scenario.contestants().into_iter().map(|contestant| Runner::new(contestant, slice)).collect();
    let count = runners.len();
    for round in 0..rounds {
        for turn in 0..count {
            runners[(round + turn) % count].run(scenario.operations());
        }
        progress.inc(1);
    }
    let figures = |runner: Runner| Figures { peer: runner.contestant.peer, ns: runner.ns };
    Measured {
        group: scenario.group(),
        parameter: scenario.parameter(),
        contestants: runners.into_iter().map(figures).collect(),
    }
}

impl Runner {
    /// Finds by doubling how many iterations fill the slice; that warms the contestant up, too.
    fn new(mut contestant: Contestant, slice: Duration) -> Self {
        let mut iterations = 1;
        if let Some(at_most) = contestant.at_most {
            iterations = at_most;
        } else {
            loop {
                let time = contestant.run(iterations);
                if time >= slice / 2 {
                    let fill = slice.as_secs_f64() / time.as_secs_f64();
                    iterations = (iterations as f64 * fill).ceil().max(1.0) as u64;
                    break;
                }
                iterations *= 2;
            }
        }
        Self { contestant, iterations, ns: Vec::new() }
    }

    fn run(&mut self, operations: u64) {
        if self.contestant.at_most.is_none() {
            // The others have used the caches since our last turn.
            self.contestant.run(1);
        }
        let time = self.contestant.run(self.iterations);
        self.ns.push(time.as_secs_f64() * 1e9 / (self.iterations * operations) as f64);
    }
}
