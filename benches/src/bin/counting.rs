//! Times what the counting allocator adds to the system's, in alternating rounds of pairs of an allocation and a deallocation.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::io;
use std::time::Instant;

use clap::Parser;
use pulsebus::alloc::Counting;
use serde::Serialize;

/// Times the counting allocator beside the system's, and prints what it adds
#[derive(Parser)]
struct Args {
    /// Rounds; each times both once
    #[arg(long, default_value_t = 101)]
    rounds: usize,

    /// Pairs of an allocation and a deallocation in one round
    #[arg(long, default_value_t = 100_000)]
    pairs: u32,

    /// Bytes of each allocation
    #[arg(long, default_value_t = 64)]
    bytes: usize,

    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    rounds: usize,
    /// Medians, in nanoseconds per pair.
    system_ns: f64,
    counting_ns: f64,
    /// The median of the differences of each round, per call: half a pair.
    added_ns_per_call: f64,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    let layout = Layout::from_size_align(args.bytes.max(1), 8).map_err(io::Error::other)?;
    let counting = Counting::new();
    let (mut system_ns, mut counting_ns, mut added) = (Vec::new(), Vec::new(), Vec::new());
    // One that warms up, and is not counted.
    for round in 0..=args.rounds.max(1) {
        // Whoever comes second finds the other one's caches.
        let (system, counted) = if round % 2 == 0 {
            let system = time(&System, layout, args.pairs);
            (system, time(&counting, layout, args.pairs))
        } else {
            let counted = time(&counting, layout, args.pairs);
            (time(&System, layout, args.pairs), counted)
        };
        if round > 0 {
            system_ns.push(system);
            counting_ns.push(counted);
            added.push((counted - system) / 2.0);
        }
    }
    let report = Report {
        rounds: added.len(),
        system_ns: median(system_ns),
        counting_ns: median(counting_ns),
        added_ns_per_call: median(added),
    };
    if args.json {
        serde_json::to_writer(io::stdout(), &report)?;
        println!();
    } else {
        let Report { rounds, system_ns, counting_ns, added_ns_per_call } = report;
        println!(
            "{system_ns:.2} ns a pair, {counting_ns:.2} ns counted: {added_ns_per_call:.2} ns a call ({rounds} rounds)"
        );
    }
    Ok(())
}

/// Nanoseconds per pair.
fn time(allocator: &impl GlobalAlloc, layout: Layout, pairs: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..pairs {
        // SAFETY: the layout is not empty, and what is taken is given back with the same one.
        unsafe {
            let memory = black_box(allocator.alloc(black_box(layout)));
            assert!(!memory.is_null(), "no memory is left");
            allocator.dealloc(memory, layout);
        }
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(pairs)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
