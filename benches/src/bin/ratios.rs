//! Times every peer in every scenario, in [rounds], and prints the figures as JSON for `cargo xtask results`.

use std::arch::global_asm;
use std::hint::black_box;
use std::io;

use clap::Parser;
use pulsebus_benches::peers;
use pulsebus_benches::rounds::{self, Effort, Measured};
use pulsebus_benches::scenario::Scenario;
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
    #[command(flatten)]
    effort: Effort,

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

fn main() -> io::Result<()> {
    let args = Args::parse();
    // Keeps the linker from leaving it out. Only the address is taken.
    black_box(&raw const pulsebus_bench_shift);
    let chosen = rounds::chosen(Scenario::all(), &args.only)?;
    let scenarios = rounds::measure(&chosen, &args.effort)?;
    let report = Report { pin: format!("{:?}", pulsebus::pin_flavour()), boost: peers::boost_version(), scenarios };
    serde_json::to_writer(io::stdout(), &report)?;
    println!();
    Ok(())
}
