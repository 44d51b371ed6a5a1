//! Times pools of objects beside the heap and other pools, in [rounds], and prints the figures as JSON for `cargo xtask
//! results`.

use std::io;

use clap::Parser;
use pulsebus_benches::pool::PoolScenario;
use pulsebus_benches::rounds::{self, Effort};

/// Times pools of objects beside the heap and other pools, interleaved, and prints the figures as JSON
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    effort: Effort,

    /// Only the scenarios of this group, `get_put` for instance (may be repeated)
    #[arg(long, value_name = "GROUP")]
    only: Vec<String>,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    rounds::print(PoolScenario::all(), &args.only, &args.effort)
}
