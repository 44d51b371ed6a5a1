//! Times what the bus adds to bare signals, in [rounds], and prints the figures as JSON for `cargo xtask results`.

use std::io;
use std::time::Duration;

use clap::Parser;
use pulsebus_benches::bus::BusScenario;
use pulsebus_benches::rounds::{self, Measured};
use serde::Serialize;

/// Times what the bus adds to bare signals, interleaved, and prints the figures as JSON
#[derive(Parser)]
struct Args {
    /// Rounds per scenario
    #[arg(long, default_value_t = 31)]
    rounds: usize,

    /// Milliseconds that a contestant runs in one round
    #[arg(long, default_value_t = 4.0)]
    slice_ms: f64,

    /// Only the scenarios of this group, `tracked_emit` for instance (may be repeated)
    #[arg(long, value_name = "GROUP")]
    only: Vec<String>,
}

#[derive(Serialize)]
struct Report {
    /// How emissions announced themselves.
    pin: String,
    scenarios: Vec<Measured>,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    let chosen = rounds::chosen(BusScenario::all(), &args.only)?;
    let scenarios = rounds::measure(&chosen, args.rounds, Duration::from_secs_f64(args.slice_ms / 1_000.0))?;
    serde_json::to_writer(io::stdout(), &Report { pin: format!("{:?}", pulsebus::pin_flavour()), scenarios })?;
    println!();
    Ok(())
}
