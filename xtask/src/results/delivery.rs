//! Delivery to other threads, beside channels, broadcasts and rings.

use serde::Deserialize;

use super::figures::{Report, Scenario, Timings};
use super::targets::Limit::AtMost;
use super::targets::Targets;
use super::{Section, effort, machine, parsed, run_binary};
use crate::error::Error;
use crate::process::Run;
use crate::table::Table;

/// The shapes: title, and the beginning of their groups' names.
const SHAPES: [(&str, &str); 3] = [("1 → 1", "one_to_one"), ("1 → 2", "one_to_two"), ("2 → 1", "two_to_one")];
const BATCHES: [usize; 3] = [1, 16, 256];
/// Bytes of an event.
const SIZES: [usize; 3] = [8, 64, 1_024];
/// The shapes of LMAX.
const GRAPHS: [&str; 4] = ["unicast", "pipeline", "multicast", "diamond"];

/// Ours that have a promise to keep: a target's name, and those that may keep it.
const MAILBOX: &[&str] = &["pulsebus mailbox"];
const RING: &[&str] = &["pulsebus ring", "pulsebus ring, single publisher", "pulsebus ring, lossy"];
/// No channel and no broadcast: it has goals of its own.
const DISRUPTOR: &str = "disruptor";

/// What the binary appends to a name where a peer waits by its own calls.
const BLOCKING: &str = ", blocking";

/// What `delivery` prints.
#[derive(Deserialize)]
struct Delivered {
    #[serde(flatten)]
    report: Report,
    latencies: Vec<Latency>,
}

#[derive(Deserialize)]
struct Latency {
    peer: String,
    mode: String,
    samples: u64,
    p50: u64,
    p99: u64,
    p99_9: u64,
}

/// Measures it all; the sections about it.
pub fn sections(quick: bool) -> Result<Vec<Section>, Error> {
    let load_before = machine::load();
    Run::cargo().args(["build", "--release", "--package", "pulsebus-benches", "--bins"]).run()?;
    let samples = if quick { "500" } else { "20000" };
    let args = [&effort_of(quick)[..], &["--samples", samples]].concat();
    let Delivered { report, latencies } = parsed("delivery", &run_binary("delivery", &args)?)?;
    let timings = Timings::new(report);
    Ok(vec![
        ("delivery-machine", machine::of_part("delivery", &timings, &load_before)?),
        ("delivery-targets", targets(&timings).markdown()),
        ("delivery-throughput", throughput(&timings)),
        ("delivery-slower", where_others_win(&timings).markdown()),
        ("delivery-disruptor", beside_disruptor(&timings)),
        ("delivery-latency", latency(&latencies)),
        ("delivery-query", query(&timings).markdown()),
    ])
}

/// There are more contestants than anywhere else, so each has fewer turns; they are as long as elsewhere.
fn effort_of(quick: bool) -> [&'static str; 4] {
    if quick { effort(quick) } else { ["--rounds", "21", "--slice-ms", "5"] }
}

/// A cell: its scenario, with everybody in the better of the two ways to wait.
struct Cell<'a> {
    shape: &'static str,
    batch: usize,
    size: usize,
    /// By name, in the order of the scenario.
    peers: Vec<(&'a str, f64)>,
}

fn is_ours(peer: &str) -> bool {
    peer.starts_with("pulsebus")
}

impl<'a> Cell<'a> {
    fn new(shape: &'static str, batch: usize, scenario: &'a Scenario) -> Self {
        Self { shape, batch, size: scenario.parameter, peers: better_of_two(scenario) }
    }

    fn ns(&self, peer: &str) -> Option<f64> {
        self.peers.iter().find(|(name, _)| *name == peer).map(|(_, ns)| *ns)
    }

    /// The fastest of ours that may stand for a target.
    fn fastest_of(&self, ours: &[&str]) -> Option<f64> {
        ours.iter().filter_map(|name| self.ns(name)).min_by(f64::total_cmp)
    }

    /// The fastest that is neither ours nor a disruptor.
    fn fastest_queue(&self) -> Option<(&'a str, f64)> {
        let queues = self.peers.iter().filter(|(name, _)| !is_ours(name) && !name.starts_with(DISRUPTOR));
        queues.min_by(|a, b| a.1.total_cmp(&b.1)).copied()
    }

    /// Ours over the fastest queue.
    fn to_queues(&self, ours: &[&str]) -> Option<f64> {
        Some(self.fastest_of(ours)? / self.fastest_queue()?.1)
    }

    fn name(&self) -> String {
        format!("{}, {} by {}", self.shape, bytes(self.size), self.batch)
    }
}

fn bytes(size: usize) -> String {
    format!("{} bytes", super::tables::thousands_of(size))
}

fn better_of_two(scenario: &Scenario) -> Vec<(&str, f64)> {
    let mut peers: Vec<(&str, f64)> = Vec::new();
    for contestant in &scenario.contestants {
        let name = contestant.peer.strip_suffix(BLOCKING).unwrap_or(&contestant.peer);
        match peers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, ns)) => *ns = ns.min(contestant.ns),
            None => peers.push((name, contestant.ns)),
        }
    }
    // Ours lead.
    peers.sort_by_key(|(name, _)| !is_ours(name));
    peers
}

fn cells(timings: &Timings) -> Vec<Cell<'_>> {
    let mut cells = Vec::new();
    for (title, prefix) in SHAPES {
        for size in SIZES {
            for batch in BATCHES {
                let scenario = timings.scenario(&format!("{prefix}_by_{batch}"), size);
                cells.extend(scenario.map(|scenario| Cell::new(title, batch, scenario)));
            }
        }
    }
    cells
}

fn targets(timings: &Timings) -> Targets {
    let mut targets = Targets::new();
    let cells = cells(timings);
    for (shape, _) in SHAPES {
        for (what, ours) in [("mailbox", MAILBOX), ("ring", RING)] {
            let of_shape = cells.iter().filter(|cell| cell.shape == shape);
            let ratios: Vec<_> = of_shape.filter_map(|cell| Some((cell, cell.to_queues(ours)?))).collect();
            let ahead = ratios.iter().filter(|(_, ratio)| *ratio <= 1.0).count();
            let worst = ratios.iter().max_by(|a, b| a.1.total_cmp(&b.1));
            let at = worst.map_or_else(String::new, |(cell, _)| {
                let (peer, _) = cell.fastest_queue().unwrap_or_default();
                format!(": {} by {}, {peer}; ahead in {ahead} of {}", bytes(cell.size), cell.batch, ratios.len())
            });
            let what = format!("{what}, {shape}, to the fastest channel or broadcast, the worst cell{at}");
            targets.row(&what, AtMost(1.0), "×", worst.map(|(_, ratio)| *ratio));
        }
    }
    for (shape, group) in [("1 → 1", "best_one_to_one"), ("1 → 2", "best_one_to_two")] {
        for batch in [16, 256] {
            let what = format!("ring, {shape}, by {batch}, to disruptor at its best");
            let ratio = timings.scenario(group, batch).and_then(to_disruptor);
            targets.row(&what, AtMost(1.15), "×", ratio);
        }
    }
    for graph in GRAPHS {
        for batch in [1, 16] {
            let ratio = timings.scenario(graph, batch).and_then(to_disruptor);
            targets.told(&format!("{graph}, by {batch}, to disruptor"), "×", ratio);
        }
    }
    for slots in [1, 4, 16, 64, 1_024] {
        let ratio = timings.ratio("query_fold", slots, super::figures::OURS, "Vec<Box<dyn Fn>>");
        targets.row(&format!("fold of {slots} answers, to a loop over boxes"), AtMost(1.2), "×", ratio);
    }
    targets
}

/// Ours over the faster kind of disruptor.
fn to_disruptor(scenario: &Scenario) -> Option<f64> {
    let theirs = scenario.fastest_of(|peer| peer.starts_with(DISRUPTOR))?;
    Some(scenario.fastest_of(is_ours)?.ns / theirs.ns)
}

/// A table for each shape: events per second, as a multiple of the fastest peer's.
fn throughput(timings: &Timings) -> String {
    let cells = cells(timings);
    let mut text = String::new();
    for (shape, _) in SHAPES {
        let cells: Vec<_> = cells.iter().filter(|cell| cell.shape == shape).collect();
        let header: Vec<_> = cells.iter().map(|cell| format!("{} by {}", bytes(cell.size), cell.batch)).collect();
        let mut table = Table::new_with("to the fastest peer", header.iter().map(String::as_str));
        let Some(first) = cells.first() else { continue };
        let fastest = |cell: &Cell<'_>| {
            let peers = cell.peers.iter().filter(|(name, _)| !is_ours(name)).map(|(_, ns)| *ns);
            peers.min_by(f64::total_cmp)
        };
        for (peer, _) in &first.peers {
            let ratio = |cell: &&Cell<'_>| match fastest(cell).zip(cell.ns(peer)) {
                Some((fastest, ns)) => format!("{:.2}", fastest / ns),
                None => "–".to_owned(),
            };
            table.row(std::iter::once((*peer).to_owned()).chain(cells.iter().map(ratio)));
        }
        let per_second = |cell: &&Cell<'_>| fastest(cell).map_or_else(String::new, |ns| format!("{:.2}", 1e3 / ns));
        let last = "that one, million events per second".to_owned();
        table.row(std::iter::once(last).chain(cells.iter().map(per_second)));
        text.push_str(&format!("**{shape}**\n\n{}\n", table.markdown()));
    }
    text
}

/// Each cell in which a channel, a broadcast or a disruptor was faster than the fastest of ours, and by how much than each.
fn where_others_win(timings: &Timings) -> Table {
    let mut table =
        Table::new(["cell", "faster than our ring (ours to theirs)", "faster than our mailbox (ours to theirs)"]);
    for cell in cells(timings) {
        let faster = |ours: &[&str]| {
            let ours = cell.fastest_of(ours).unwrap_or(f64::NAN);
            let others = cell.peers.iter().filter(|(name, _)| !is_ours(name));
            let faster = others.filter(|(_, ns)| *ns < ours);
            faster.map(|(name, ns)| format!("{name} ({:.2}×)", ours / ns)).collect::<Vec<_>>().join(", ")
        };
        let (ring, mailbox) = (faster(RING), faster(MAILBOX));
        if !(ring.is_empty() && mailbox.is_empty()) {
            table.row([cell.name(), ring, mailbox]);
        }
    }
    table
}

/// Disruptor's own best case, and LMAX's shapes.
fn beside_disruptor(timings: &Timings) -> String {
    let best = [("1 → 1, at its best", "best_one_to_one"), ("1 → 2, at its best", "best_one_to_two")];
    let graphs = GRAPHS.map(|graph| (graph, graph));
    let mut table = Table::new(["ns per event (to ours)", "by", "pulsebus ring", "pollers", "handlers"]);
    for (title, group) in best.into_iter().chain(graphs) {
        for scenario in timings.scenarios.iter().filter(|scenario| scenario.group == group) {
            let Some(ours) = scenario.fastest_of(is_ours) else { continue };
            let cell = |kind: &str| {
                let theirs = scenario.contestant(&format!("{DISRUPTOR}, {kind}"));
                theirs.map_or_else(String::new, |theirs| format!("{:.2} ({:.2}×)", theirs.ns, theirs.ns / ours.ns))
            };
            let first = [title.to_owned(), scenario.parameter.to_string(), format!("{:.2}", ours.ns)];
            table.row(first.into_iter().chain([cell("pollers"), cell("handlers")]));
        }
    }
    table.markdown()
}

fn latency(latencies: &[Latency]) -> String {
    let mut text = String::new();
    for (mode, title) in [("spin", "The receiver looks again and again"), ("park", "The receiver sleeps")] {
        let of_mode: Vec<_> = latencies.iter().filter(|latency| latency.mode == mode).collect();
        let samples = of_mode.first().map_or(0, |latency| latency.samples);
        let mut table = Table::new(["µs from one core to another", "p50", "p99", "p99.9"]);
        for latency in of_mode {
            let Latency { p50, p99, p99_9, .. } = *latency;
            let micros = [p50, p99, p99_9].map(|ns| format!("{:.2}", ns as f64 / 1e3));
            table.row(std::iter::once(latency.peer.clone()).chain(micros));
        }
        text.push_str(&format!("**{title}**, {samples} events each\n\n{}\n", table.markdown()));
    }
    text
}

fn query(timings: &Timings) -> Table {
    let mut table = Table::new(["answers", "Query::fold, ns", "loop over Vec<Box<dyn Fn>>, ns", "ours to theirs"]);
    for scenario in timings.scenarios.iter().filter(|scenario| scenario.group == "query_fold") {
        let ns: Vec<_> = scenario.contestants.iter().map(|contestant| contestant.ns).collect();
        let [ours, theirs] = ns[..] else { continue };
        let cells = [format!("{ours:.2}"), format!("{theirs:.2}"), format!("{:.2}×", ours / theirs)];
        table.row(std::iter::once(scenario.parameter.to_string()).chain(cells));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn timings(contestants: serde_json::Value) -> Timings {
        let scenario = json!({ "group": "one_to_one_by_1", "parameter": 8, "contestants": contestants });
        let report = json!({ "pin": "", "boost": null, "scenarios": [scenario], "latencies": [] });
        let delivered: Delivered = serde_json::from_value(report).expect("as the binary prints it");
        Timings::new(delivered.report)
    }

    #[test]
    fn everybody_stands_there_in_the_better_of_two_ways() {
        let timings = timings(json!([
            { "peer": "kanal", "ns": [9.0] },
            { "peer": "kanal, blocking", "ns": [4.0] },
            { "peer": "disruptor, pollers", "ns": [1.0] },
            { "peer": "pulsebus mailbox", "ns": [5.0] },
            { "peer": "pulsebus mailbox, blocking", "ns": [8.0] },
        ]));
        let cells = cells(&timings);
        assert_eq!(cells[0].peers, [("pulsebus mailbox", 5.0), ("kanal", 4.0), ("disruptor, pollers", 1.0)]);
        assert_eq!(cells[0].fastest_queue(), Some(("kanal", 4.0)), "a disruptor is no queue");
        assert_eq!(cells[0].to_queues(MAILBOX), Some(1.25));
        assert_eq!(cells[0].to_queues(RING), None);
        let lost = where_others_win(&timings).markdown();
        assert!(lost.contains("kanal (1.25×), disruptor, pollers (5.00×)"), "{lost}");
        assert!(
            throughput(&timings).contains("| pulsebus mailbox                    | 0.20"),
            "{}",
            throughput(&timings)
        );
    }
}
