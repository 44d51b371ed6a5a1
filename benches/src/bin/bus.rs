//! Times what the bus adds to bare signals, in [rounds], and prints the figures as JSON for `cargo xtask results`.

use std::io;

use clap::Parser;
use pulsebus_benches::bus::BusScenario;
use pulsebus_benches::rounds::{self, Effort};

/// Times what the bus adds to bare signals, interleaved, and prints the figures as JSON
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    effort: Effort,

    /// Only the scenarios of this group, `tracked_emit` for instance (may be repeated)
    #[arg(long, value_name = "GROUP")]
    only: Vec<String>,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    rounds::print(BusScenario::all(), &args.only, &args.effort)
}
