//! Contestants that take turns.
//!
//! Wall-clock time means little on a shared machine; a ratio of two contestants that ran within the same milliseconds
//! means more. So each round gives every contestant one short slice of time, in rotating order, and all rounds are
//! reported, for the reader to take ratios of.

use std::io;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::scenario::{Contest, Contestant};

/// How much is measured: the arguments that the measuring binaries share.
#[derive(Debug, Args)]
pub struct Effort {
    /// Rounds per scenario
    #[arg(long, default_value_t = 31)]
    rounds: usize,

    /// Milliseconds that a contestant runs in one round
    #[arg(long, default_value_t = 4.0)]
    slice_ms: f64,
}

/// One contest, round by round.
#[derive(Debug, Serialize)]
pub struct Measured {
    /// As [`Contest::group`].
    pub group: &'static str,
    /// As [`Contest::parameter`].
    pub parameter: usize,
    /// Everybody who took part.
    pub contestants: Vec<Figures>,
}

/// What one contestant needed.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// The contestant's name.
    pub peer: &'static str,
    /// Nanoseconds per operation, one figure for each round.
    pub ns: Vec<f64>,
}

/// Those of a group's name, or all if nothing is named.
///
/// # Errors
/// If there is no such group; it says which there are.
pub fn chosen<C: Contest>(all: Vec<C>, only: &[String]) -> io::Result<Vec<C>> {
    let mut groups: Vec<_> = all.iter().map(Contest::group).collect();
    let chosen: Vec<C> =
        all.into_iter().filter(|contest| only.is_empty() || only.iter().any(|name| name == contest.group())).collect();
    if chosen.is_empty() {
        groups.dedup();
        return Err(io::Error::other(format!("no such group; there are: {}", groups.join(", "))));
    }
    Ok(chosen)
}

/// What a measuring binary prints that has nothing else to tell.
#[derive(Serialize)]
struct Report {
    /// How emissions announced themselves.
    pin: String,
    scenarios: Vec<Measured>,
}

/// Measures those of a group's name, or all if nothing is named, and prints the figures as JSON.
///
/// # Errors
/// If there is no such group; and those of the terminal.
pub fn print<C: Contest>(all: Vec<C>, only: &[String], effort: &Effort) -> io::Result<()> {
    let scenarios = measure(&chosen(all, only)?, effort)?;
    serde_json::to_writer(io::stdout(), &Report { pin: format!("{:?}", pulsebus::pin_flavour()), scenarios })?;
    println!();
    Ok(())
}

/// Runs contest after contest, and shows on the terminal how far it has come.
///
/// # Errors
/// None but those of the terminal.
pub fn measure(contests: &[impl Contest], effort: &Effort) -> io::Result<Vec<Measured>> {
    let (rounds, slice) = (effort.rounds, Duration::from_secs_f64(effort.slice_ms / 1_000.0));
    let progress = ProgressBar::new((contests.len() * rounds) as u64).with_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} rounds  {msg}  {eta} left").map_err(io::Error::other)?,
    );
    let mut measured = Vec::new();
    for contest in contests {
        let label = format!("{} {}", contest.group(), contest.parameter());
        if progress.is_hidden() {
            eprintln!("measuring {label}");
        }
        progress.set_message(label);
        measured.push(measure_one(contest, rounds, slice, &progress));
    }
    progress.finish_and_clear();
    Ok(measured)
}

fn measure_one(contest: &impl Contest, rounds: usize, slice: Duration, progress: &ProgressBar) -> Measured {
    let mut runners: Vec<Runner> =
        contest.contestants().into_iter().map(|contestant| Runner::new(contestant, slice)).collect();
    let count = runners.len();
    for round in 0..rounds {
        for turn in 0..count {
            runners[(round + turn) % count].run(contest.operations());
        }
        progress.inc(1);
    }
    let figures = |runner: Runner| Figures { peer: runner.contestant.peer, ns: runner.ns };
    Measured {
        group: contest.group(),
        parameter: contest.parameter(),
        contestants: runners.into_iter().map(figures).collect(),
    }
}

/// A contestant with the number of iterations that fills its slice.
struct Runner {
    contestant: Contestant,
    iterations: u64,
    ns: Vec<f64>,
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
