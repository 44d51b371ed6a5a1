//! What the bus adds to bare signals.

use super::figures::{Beats, Quantiles, Timings};
use super::targets::Limit::AtMost;
use super::targets::Targets;
use super::{Section, counted_table, effort, machine, parsed, run_binary, tables};
use crate::budget::{self, Figure};
use crate::error::Error;
use crate::process::Run;
use crate::table::Table;

/// The tables: title, group, and what an operation is.
const LAYOUTS: [(&str, &str, &str); 9] = [
    ("Connecting", "tracked_connect", "one connect"),
    ("Connecting and everything that follows from it, 256 at a time", "cycle", "one connection"),
    ("Emitting to 64 slots", "tracked_emit", "one emission"),
    ("Ending 500 connections", "cleanup_owner", "all of them"),
    ("The signal of one of 32 event types", "lookup_by_type", "one look-up"),
    ("The signal of one of 1,000 names, 64 of them in turn", "lookup_by_name", "one look-up"),
    ("Looking at 100,000 connections", "looks", "one look"),
    ("Emitting to 100 slots while another thread looks at 100,000 connections", "emit_beside_looks", "one emission"),
    ("A tick in which 100 timers are due", "tick", "one tick"),
];

/// Measures it all; the sections about it.
pub fn sections(quick: bool) -> Result<Vec<Section>, Error> {
    let load_before = machine::load();
    Run::cargo().args(["build", "--release", "--package", "pulsebus-benches", "--bins"]).run()?;
    let timings = Timings::new(parsed("bus", &run_binary("bus", &effort(quick))?)?);
    let seconds = if quick { "1" } else { "15" };
    let beats: Vec<Beats> = parsed("heartbeat", &run_binary("heartbeat", &["--seconds", seconds])?)?;
    let counted = if budget::is_possible() { Some(budget::measure_bus()?) } else { None };
    Ok(vec![
        ("bus-machine", machine::of_part("bus", &timings, &load_before)?),
        ("bus-targets", targets(&timings, counted.as_deref()).markdown()),
        ("bus-timed", timed(&timings)),
        ("bus-heartbeat", heartbeat(&beats).markdown()),
        ("bus-counted", counted_table(counted.as_deref())),
    ])
}

fn targets(timings: &Timings, counted: Option<&[Figure]>) -> Targets {
    let mut targets = Targets::new();
    let ratio = |group: &str, above: &str, below: &str| timings.group(group)?.ratio(above, below);
    let ns = |group: &str, contestant: &str| Some(timings.group(group)?.contestant(contestant)?.ns);

    let connect = |how: &str| ratio("tracked_connect", how, "bare");
    targets.row("tracked connect (owner, statistics off), to bare", AtMost(3.0), "×", connect("owner, statistics off"));
    targets.row("tracked connect (owner, sampled), to bare", AtMost(3.0), "×", connect("owner, sampled"));
    targets.told("tracked connect (owner, exact), to bare", "×", connect("owner, exact"));
    let described = connect("owner, service, two tags, sampled");
    targets.told("tracked connect (owner, service, two tags, sampled), to bare", "×", described);

    let emit = |how: &str| ratio("tracked_emit", how, "untracked");
    targets.row("emit of 64 slots, statistics off, to untracked", AtMost(1.02), "×", emit("statistics off"));
    targets.row("emit of 64 slots, sampled, to untracked", AtMost(1.1), "×", emit("sampled"));
    targets.told("emit of 64 slots, sampled, in a window, to untracked", "×", emit("sampled, in a window"));
    let exact = ns("tracked_emit", "exact").zip(ns("tracked_emit", "untracked"));
    targets.told("exact statistics, per call", " ns", exact.map(|(exact, bare)| (exact - bare) / 64.0));

    let cleanup = |how: &str| ns("cleanup_owner", how).map(|ns| ns / 1e3);
    for how in ["cleanup_owner, statistics off", "cleanup_owner, sampled"] {
        targets.row(&format!("{how}: 500 connections"), AtMost(25.0), " µs", cleanup(how));
    }

    targets.row("look-up by type", AtMost(15.0), " ns", ns("lookup_by_type", "Bus::signal"));
    for peer in ["RwLock<HashMap>", "Mutex<HashMap>", "DashMap"] {
        targets.told(&format!("look-up by type, to {peer}"), "×", ratio("lookup_by_type", "Bus::signal", peer));
    }
    for peer in ["RwLock<HashMap>", "Mutex<HashMap>", "DashMap"] {
        targets.told(&format!("look-up by name, to {peer}"), "×", ratio("lookup_by_name", "Bus::topic", peer));
    }

    for look in ["statistics", "details"] {
        let took = ns("looks", look).map(|ns| ns / 1e6);
        targets.row(&format!("{look} of 100,000 connections"), AtMost(20.0), " ms", took);
    }
    for look in ["statistics", "details"] {
        let meanwhile = ratio("emit_beside_looks", &format!("{look} meanwhile"), "nobody looks");
        targets.told(&format!("emit while another thread takes {look} of 100,000, to quiet"), "×", meanwhile);
    }
    let tick = ratio("tick", "100,000 others pending", "nothing else pending");
    let what = "a tick with 100,000 timers pending, to one without (the same, within a quarter)";
    targets.row(what, AtMost(1.25), "×", tick);
    targets.counted(counted.unwrap_or_default());
    targets
}

/// A table for each scenario; ratios to its first contestant.
fn timed(timings: &Timings) -> String {
    let mut text = String::new();
    for (title, group, operation) in LAYOUTS {
        let Some(scenario) = timings.group(group) else { continue };
        let Some(first) = scenario.contestants.first() else { continue };
        let mut table = Table::new_with(title, [&*format!("ns for {operation}"), "to the first"].into_iter());
        for contestant in &scenario.contestants {
            let ratio = format!("{:.2}×", contestant.ns / first.ns);
            table.row([contestant.peer.clone(), tables::thousands(contestant.ns), ratio]);
        }
        text.push_str(&format!("{}\n", table.markdown()));
    }
    text
}

fn heartbeat(beats: &[Beats]) -> Table {
    let mut table =
        Table::new(["heartbeat", "µs", "p50", "p99", "p99.9", "max", "beats", "of them late by a beat", "skipped"]);
    for of in beats {
        let mut row = |what: &str, quantiles: &Quantiles, counts: [String; 3]| {
            let Quantiles { p50, p99, p99_9, max } = *quantiles;
            let cells = [p50, p99, p99_9, max].map(|ns| format!("{:.1}", ns as f64 / 1e3));
            let first = [format!("{} Hz", of.hz), what.to_owned()];
            table.row(first.into_iter().chain(cells).chain(counts));
        };
        let counts = [of.beats, of.caught_up, of.skipped].map(|count| count.to_string());
        row("late by (jitter)", &of.jitter, counts);
        row("took", &of.work, Default::default());
    }
    table
}
