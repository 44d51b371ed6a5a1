//! Pools of objects, beside the heap and other pools.

use super::figures::{Heap, OURS, PoolHeap, Timings};
use super::targets::Limit::AtMost;
use super::targets::Targets;
use super::{Section, counted_table, effort, machine, parsed, run_binary, tables};
use crate::budget::{self, Figure};
use crate::error::Error;
use crate::process::Run;
use crate::table::Table;

/// The tables: title, group, and what an operation is.
const LAYOUTS: [(&str, &str, &str); 4] = [
    ("One thread takes an object and gives it back", "get_put", "both"),
    ("One thread takes 32 objects, then gives them back", "burst", "one object"),
    ("Two threads take an object of the same pool and give it back", "two_threads", "one object of either"),
    ("One thread takes objects, another one gives them back", "hand_over", "one object"),
];

/// Bytes of an object.
const SIZES: [usize; 3] = [64, 1_024, 16_384];

/// What stands in a table to be taken off, and is no peer.
const CHANNEL: &str = "the channel alone, with numbers";

/// Measures it all; the sections about it.
pub fn sections(quick: bool) -> Result<Vec<Section>, Error> {
    let load_before = machine::load();
    Run::cargo().args(["build", "--release", "--package", "pulsebus-benches", "--bins"]).run()?;
    let timings = Timings::new(parsed("pool", &run_binary("pool", &effort(quick))?)?);
    let heap: Heap = parsed("heap", &run_binary("heap", &["--only-pools"])?)?;
    let counted = if budget::is_possible() { Some(budget::measure_pools()?) } else { None };
    Ok(vec![
        ("pool-machine", machine::of_part("pool", &timings, &load_before)?),
        ("pool-targets", targets(&timings, &heap.pools, counted.as_deref()).markdown()),
        ("pool-timed", timed(&timings)),
        ("pool-heap", heap_calls(&heap.pools).markdown()),
        ("pool-counted", counted_table(counted.as_deref())),
    ])
}

fn targets(timings: &Timings, heap: &[PoolHeap], counted: Option<&[Figure]>) -> Targets {
    let mut targets = Targets::new();
    let cases = [
        ("get_put", "get and put, one thread"),
        ("burst", "32 gets, then 32 puts, one thread"),
        ("two_threads", "get and put, two threads"),
        ("hand_over", "taken on one thread, dropped on another"),
    ];
    for (group, what) in cases {
        for size in SIZES {
            let Some(scenario) = timings.scenario(group, size) else { continue };
            let fastest = scenario.fastest_of(|peer| peer != OURS && peer != CHANNEL);
            let peer = fastest.map_or("", |fastest| fastest.peer.as_str());
            let what = format!("{what}, {size} bytes, to the fastest peer ({peer})");
            targets.row(&what, AtMost(1.0), "×", scenario.ratio(OURS, peer));
        }
    }
    let look = |what: &str| Some(timings.group("figures")?.contestant(what)?.ns / 1e6);
    targets.row("figures of 100 pools with 10,000 objects each", AtMost(1.0), " ms", look("figures"));
    let leaks = "leaks, all objects tracked";
    targets.told("a search for leaks among them, all of them tracked", " ms", look(leaks));
    let calls = heap.iter().map(|pool| pool.heap_calls).sum::<u64>();
    targets.row("heap calls, 100,000 times each", AtMost(0.0), "", Some(calls as f64));
    targets.counted(counted.unwrap_or_default());
    targets
}

/// A table for each case, with a column for each size; in brackets how many times ours it is.
fn timed(timings: &Timings) -> String {
    let mut text = String::new();
    for (title, group, operation) in LAYOUTS {
        let scenarios: Vec<_> = SIZES.iter().filter_map(|size| timings.scenario(group, *size)).collect();
        let Some(first) = scenarios.first() else { continue };
        let header: Vec<_> = scenarios.iter().map(|scenario| format!("{} bytes", scenario.parameter)).collect();
        let corner = format!("ns for {operation}");
        let mut table = Table::new_with(&corner, header.iter().map(String::as_str));
        for contestant in &first.contestants {
            let cell = |scenario: &&super::figures::Scenario| {
                let ns = scenario.contestant(&contestant.peer).map_or(f64::NAN, |contestant| contestant.ns);
                match scenario.ratio(&contestant.peer, OURS) {
                    Some(ratio) if contestant.peer != OURS => format!("{} ({ratio:.2}×)", tables::thousands(ns)),
                    _ => tables::thousands(ns),
                }
            };
            table.row(std::iter::once(contestant.peer.clone()).chain(scenarios.iter().map(cell)));
        }
        text.push_str(&format!("**{title}**\n\n{}\n", table.markdown()));
    }
    text
}

fn heap_calls(heap: &[PoolHeap]) -> Table {
    let mut table = Table::new(["a pool that is warm", "times", "heap calls"]);
    for PoolHeap { operation, cycles, heap_calls } in heap {
        table.row([operation.clone(), cycles.to_string(), heap_calls.to_string()]);
    }
    table
}
