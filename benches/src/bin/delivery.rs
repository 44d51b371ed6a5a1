//! Times delivery to other threads beside channels, broadcasts and rings, in [rounds], and prints the figures as JSON for
//! `cargo xtask results`.

use std::io;

use clap::Parser;
use pulsebus_benches::delivery::DeliveryScenario;
use pulsebus_benches::delivery::latency::{self, Latency};
use pulsebus_benches::rounds::{self, Effort, Measured};
use serde::Serialize;

/// Times delivery to other threads beside channels, broadcasts and rings, interleaved, and prints the figures as JSON
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    effort: Effort,

    /// Only the scenarios of this group, `one_to_one_by_16` for instance, or `latency` (may be repeated)
    #[arg(long, value_name = "GROUP")]
    only: Vec<String>,

    /// Events that latencies are taken of, for each peer; a quarter of them where receivers sleep
    #[arg(long, default_value_t = 10_000)]
    samples: usize,
}

/// What `--only` calls what is no contest.
const LATENCY: &str = "latency";

#[derive(Serialize)]
struct Report {
    /// How emissions announced themselves.
    pin: String,
    scenarios: Vec<Measured>,
    latencies: Vec<Latency>,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    let (latency, groups): (Vec<_>, Vec<_>) = args.only.into_iter().partition(|group| group == LATENCY);
    let is_everything = latency.is_empty() && groups.is_empty();
    let mut report =
        Report { pin: format!("{:?}", pulsebus::pin_flavour()), scenarios: Vec::new(), latencies: Vec::new() };
    if is_everything || !groups.is_empty() {
        report.scenarios = rounds::measure(&rounds::chosen(DeliveryScenario::all(), &groups)?, &args.effort)?;
    }
    if is_everything || !latency.is_empty() {
        report.latencies = latency::measure(args.samples)?;
    }
    serde_json::to_writer(io::stdout(), &report)?;
    println!();
    Ok(())
}
