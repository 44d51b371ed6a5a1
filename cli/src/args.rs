//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Below this many events, the oracle runs unless it is told not to.
pub const CHECK_BELOW: u64 = 1_000_000;

/// A lock-free in-process signal bus, shown on real recordings.
#[derive(Debug, Parser)]
#[command(name = "pulsebus", version, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Replay a recorded event trace through the bus, check every count, and measure it
    #[command(long_about = ABOUT, after_long_help = AFTER)]
    Replay(ReplayArgs),
}

const ABOUT: &str = "\
Replay a recorded event trace through the bus, check every count, and measure it.

Every topic of the recording is a topic of the bus, and who joins is an owner there. A join connects a slot for its owner, a \
leave disconnects it, a quit cleans up everything of its owner in one call, a rename lets the connections go on under the new \
name, and a message is emitted to the topic: every connection hears it except the sender's own.

With --engine there is no bus: topics are bare signals, and the replay keeps a list of who has which connections itself. The \
counts must be the same.

Without FILE, the recording that ships with the program is replayed: flights over Switzerland, 17 hours, 256,932 events.";

// Lines of at most 78 columns, so that no terminal of usual width breaks them again.
const AFTER: &str = "\
Examples:
  The recording that ships, as fast as possible:
    pulsebus replay
  An hour a second, in one tick every 10 recorded seconds:
    pulsebus replay --speed 3600 --tick-hz 0.1
  Without the bus, to see beside the first what ownership costs:
    pulsebus replay --engine
  Topics divided between two threads, and a report with plots:
    pulsebus replay --threads 2 --report run.html
  A recording without joins, with 8 listeners for every topic:
    pulsebus replay ticks.csv.gz --extra-slots 8
  What a monitor sees, and how it names a leak by file and line:
    pulsebus replay --monitor --leak --report leak.html
  Figures only, from standard input to standard output:
    zcat trace.csv.gz | pulsebus replay - --quiet --json -

Recordings:
  UTF-8 text, plain or gzip (told by its first bytes, not by its name): the
  header t_ms,op,owner,topic,bytes and then one event per line, sorted by
  time. op is J (join), L (leave), Q (quit; topic empty), N (rename; the topic
  field holds the new name) or M (message). Lines may end in LF or CRLF.

Bus or engine:
  The bus knows of every connection whose it is, which service it is for, and
  of what kind; and it ends all of an owner's in one call. Connecting and
  disconnecting pay for that, with a lock and a record each. Emissions only
  pay for the samples of how often slots are called: a comparison per slot.
  What the bus counted stands in the summary. With --engine, connecting and
  disconnecting take no lock, and whose a connection is has to be known
  elsewhere.

How it is measured:
  The recording is replayed three times as a whole, through the same bus and
  domain. The warm-up pass takes from the heap whatever the bus will need, and
  asks the bus for its statistics when there are most connections. The
  dispatch pass has no clock in its loop; it gives the wall time (that of the
  slowest thread), the deliveries per second, and the heap calls of the steady
  state: all those of the emitting threads, from its first event to its last.
  The latency pass has a clock around every emission. What two readings of the
  clock cost is measured too and shown beside the latencies, which contain it.
  With --speed there is time for a clock, so the last two passes are one.
  Every pass must come to the same counts.

Exit codes:
  0  replayed, and every count is right (unchecked with --no-check)
  1  replayed, but a count differs from the oracle's, or the bus's own from
     what was done to it, or a slot's capture was not dropped exactly once
  2  not replayed: bad input or bad options; or a result cannot be written

NO_COLOR, CLICOLOR and CLICOLOR_FORCE are respected.

The recording that ships: positions recorded by the OpenSky Network, from the
samples of xoolive/traffic (MIT licence, Copyright (c) 2018 Xavier Olive).";

/// The options of `pulsebus replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The recording: a file, plain or gzip, or `-` for standard input [default: the recording that ships]
    pub file: Option<PathBuf>,

    /// Pace the replay by the recorded clock, X times as fast; 1 is real time [default: as fast as possible]
    #[arg(long, value_name = "X", value_parser = speed)]
    pub speed: Option<f64>,

    /// Deliver in heartbeat ticks of recorded time, N per recorded second, each under one pin
    ///
    /// An event waits for the end of its tick, as in a server that drains its queue at every heartbeat; the bus is given
    /// a moment of maintenance after each. Ticks in which nothing happened are skipped. With --speed, ticks come X times as
    /// fast; without, one right after the other. Fractions are fine: 0.1 is a tick every 10 seconds.
    #[arg(long, value_name = "N", value_parser = tick_hz)]
    pub tick_hz: Option<f64>,

    /// Emit from N threads; every topic belongs to one of them, so order within a topic is kept
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=MAX_THREADS))]
    pub threads: u16,

    /// Add N slots to every topic, which hear everything, from before the first event to after the last
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=MAX_EXTRA_SLOTS))]
    pub extra_slots: u32,

    /// Replay on bare signals, without the bus: to compare
    ///
    /// Nobody knows then whose a connection is: the replay keeps the connections of every owner itself, and a quit disconnects
    /// them one after the other. Every count comes out the same; what the bus counts by itself is left out.
    #[arg(long)]
    pub engine: bool,

    /// Replay once more under a monitor that goes by the recorded clock: memory, connections, pools, and what it warns of
    ///
    /// A pass of its own, on one thread, after those that are measured: each message has its payload from a pool. The summary says
    /// what the monitor saw, the report plots it.
    #[arg(long)]
    pub monitor: bool,

    /// Plant a leak in the monitored pass, to see what an operator would: who leaves forgets a slot
    #[arg(long, requires = "monitor")]
    pub leak: bool,

    /// Write a report with plots: one HTML file that needs nothing else
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,

    /// Write all figures as JSON; `-` is standard output (the summary then goes to standard error)
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Compare every count with a plain oracle [default: for recordings of less than a million events]
    #[arg(long, overrides_with = "no_check")]
    pub check: bool,

    /// Do not run the oracle; that all passes agree is still checked
    #[arg(long, overrides_with = "check")]
    pub no_check: bool,

    /// Skip and count bad lines, instead of stopping at the first
    ///
    /// A wrong header, a damaged gzip stream and a failing read still end the run: nothing after them can be trusted.
    #[arg(long)]
    pub lenient: bool,

    /// How to show progress, on standard error
    #[arg(long, value_name = "HOW", value_enum, default_value_t = ProgressArg::Auto)]
    pub progress: ProgressArg,

    /// Neither progress nor summary: only errors, files and the exit code
    #[arg(long, short)]
    pub quiet: bool,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProgressArg {
    /// A bar on a terminal, lines otherwise
    Auto,
    /// A bar, if standard error is a terminal; nothing otherwise
    Bar,
    /// One line per phase, and one every ten seconds
    Lines,
    /// Nothing
    None,
}

const MAX_THREADS: i64 = 1024;
const MAX_EXTRA_SLOTS: i64 = 1_000_000;
/// Recorded time has milliseconds, so a faster heartbeat would only add empty ticks.
const MAX_TICK_HZ: f64 = 1000.0;

impl ReplayArgs {
    /// Whether the oracle runs: always, never, or (`None`) as long as the recording is short.
    pub fn check(&self) -> Option<bool> {
        match (self.check, self.no_check) {
            (false, false) => None,
            (check, _) => Some(check),
        }
    }
}

fn speed(text: &str) -> Result<f64, String> {
    positive(text, "a factor above 0, such as 1 for real time or 0.5 for half of it")
}

fn tick_hz(text: &str) -> Result<f64, String> {
    let expected = "a number of ticks per recorded second, above 0 and at most 1000";
    let hz = positive(text, expected)?;
    if hz <= MAX_TICK_HZ { Ok(hz) } else { Err(format!("expected {expected}")) }
}

fn positive(text: &str, expected: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        // `is_normal` leaves out zero, NaN, infinity, and numbers so small that dividing by them overflows.
        Ok(number) if number > 0.0 && number.is_normal() => Ok(number),
        _ => Err(format!("expected {expected}")),
    }
}
