//! The tables of everything that was timed and weighed.

use super::figures::{Heap, OURS, Scenario, Timings};
use crate::table::Table;

/// A table: its title, and its columns by group, parameter and heading.
type Layout = (&'static str, &'static [(&'static str, usize, &'static str)]);

const LAYOUTS: [Layout; 6] = [
    (
        "Emit, by connected slots",
        &[
            ("emit", 0, "0"),
            ("emit", 1, "1"),
            ("emit", 4, "4"),
            ("emit", 16, "16"),
            ("emit", 64, "64"),
            ("emit", 1_000, "1,000"),
            ("emit", 10_000, "10,000"),
            ("emit", 100_000, "100,000"),
        ],
    ),
    (
        "One of 64 emissions in a tick, by connected slots",
        &[("emit_in_tick", 1, "1"), ("emit_in_tick", 4, "4"), ("emit_in_tick", 16, "16"), ("emit_in_tick", 64, "64")],
    ),
    (
        "A batch of 64 events at 64 slots, per event and slot",
        &[("batch", 64, "plain slots"), ("batch_slices", 64, "slice slots")],
    ),
    (
        "Connecting and disconnecting, by slots that are live",
        &[
            ("connect_disconnect", 0, "both, 0"),
            ("connect_disconnect", 1_000, "both, 1,000"),
            ("disconnect", 1, "disconnect, 1"),
            ("disconnect", 1_000, "disconnect, 1,000"),
            ("disconnect", 100_000, "disconnect, 100,000"),
        ],
    ),
    (
        "Emit of 64 slots that are left of 100,064",
        &[
            ("first_emit_after_mass_disconnect", 64, "the very first one"),
            ("emit_after_mass_disconnect", 64, "after maintenance"),
            ("emit", 64, "64 that were always alone"),
        ],
    ),
    (
        "Several threads on a signal with 64 slots",
        &[
            ("emitters", 1, "one emits"),
            ("emitters", 2, "two emit"),
            ("emit_under_churn", 64, "one emits, one connects and disconnects"),
        ],
    ),
];

/// Every scenario: nanoseconds, and in brackets how many times ours that is.
pub fn timed(timings: &Timings) -> String {
    let mut text = String::new();
    for (title, columns) in LAYOUTS {
        let scenarios: Vec<_> =
            columns.iter().map(|&(group, parameter, _)| timings.scenario(group, parameter)).collect();
        let mut peers: Vec<&str> = Vec::new();
        for contestant in scenarios.iter().flatten().flat_map(|scenario| &scenario.contestants) {
            if !peers.contains(&contestant.peer.as_str()) {
                peers.push(&contestant.peer);
            }
        }
        let mut table = Table::new_with("ns", columns.iter().map(|&(_, _, heading)| heading));
        for peer in peers {
            let cells = scenarios.iter().map(|scenario| cell(*scenario, peer));
            table.row(std::iter::once(peer.to_owned()).chain(cells));
        }
        text.push_str(&format!("**{title}**\n\n{}\n", table.markdown()));
    }
    text.push_str(&format!("**The pin alone**\n\n{}", pins(timings).markdown()));
    text
}

fn cell(scenario: Option<&Scenario>, peer: &str) -> String {
    let Some((scenario, contestant)) = scenario.and_then(|scenario| Some((scenario, scenario.contestant(peer)?)))
    else {
        return "–".to_owned();
    };
    let ns = thousands(contestant.ns);
    match scenario.ratio(peer, OURS) {
        Some(ratio) if peer != OURS => format!("{ns} ({ratio:.2}×)"),
        _ => ns,
    }
}

/// The same emission in several builds, which differ in nothing but where their code stands.
pub fn placements(placements: &[&Timings]) -> Table {
    let headings: Vec<String> = (0..placements.len()).map(|index| format!("moved by {}", 16 * index)).collect();
    let mut table = Table::new_with("ns for 64 slots", headings.iter().map(String::as_str));
    let first = placements.iter().filter_map(|timings| timings.scenario("emit", 64)).next();
    for contestant in first.into_iter().flat_map(|scenario| &scenario.contestants) {
        let ns =
            |timings: &&Timings| timings.ns("emit", 64, &contestant.peer).map_or_else(|| "–".to_owned(), thousands);
        table.row(std::iter::once(contestant.peer.clone()).chain(placements.iter().map(ns)));
    }
    table
}

fn pins(timings: &Timings) -> Table {
    let mut table = Table::new(["epoch", "ns"]);
    for contestant in timings.scenario("pin", 0).iter().flat_map(|scenario| &scenario.contestants) {
        table.row([contestant.peer.clone(), thousands(contestant.ns)]);
    }
    table
}

/// Every scenario in which somebody was faster, by how much.
pub fn where_others_win(timings: &Timings) -> String {
    let mut table = Table::new(["scenario", "faster than pulsebus (ours to theirs)"]);
    for scenario in &timings.scenarios {
        let faster: Vec<_> = scenario
            .contestants
            .iter()
            .filter_map(|contestant| Some((contestant, scenario.ratio(OURS, &contestant.peer)?)))
            .filter(|&(_, ratio)| ratio > 1.0)
            .map(|(contestant, ratio)| format!("{} ({ratio:.2}×)", contestant.peer))
            .collect();
        if !faster.is_empty() {
            table.row([format!("{} {}", scenario.group, scenario.parameter), faster.join(", ")]);
        }
    }
    table.markdown()
}

/// Bytes per connection, and the heap calls of the two epochs.
pub fn heap(heap: &Heap) -> String {
    let bytes = |bytes: Option<f64>| bytes.map_or_else(|| "–".to_owned(), |bytes| format!("{bytes:.1}"));
    let mut footprints = Table::new(["bytes per connection", "asked for", "held by malloc"]);
    for footprint in &heap.footprints {
        footprints.row([footprint.peer.clone(), bytes(footprint.requested), bytes(footprint.held)]);
    }
    let mut epochs = Table::new(["epoch", "retire cycles", "heap calls"]);
    for epoch in &heap.epochs {
        epochs.row([epoch.epoch.clone(), epoch.cycles.to_string(), epoch.heap_calls.to_string()]);
    }
    format!("{}\n{}", footprints.markdown(), epochs.markdown())
}

/// Two decimals while they say something, then none but separators.
pub fn thousands(ns: f64) -> String {
    if ns < 100.0 {
        return format!("{ns:.2}");
    }
    separated(&format!("{ns:.0}"))
}

/// A number with separators.
pub fn thousands_of(count: usize) -> String {
    separated(&count.to_string())
}

fn separated(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn nanoseconds_are_short_and_readable() {
        assert_eq!(thousands(7.516), "7.52");
        assert_eq!(thousands(117.3), "117");
        assert_eq!(thousands(12_018_009.4), "12,018,009");
    }
}
