//! Every target, what was measured, and whether it was met.

use super::figures::{BOOST, Heap, OURS, RAW_BEST, Timings};
use crate::budget::Figure;
use crate::table::Table;

/// What a figure should be.
#[derive(Clone, Copy)]
pub enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Limit {
    fn is_met(self, measured: f64) -> bool {
        match self {
            Self::AtMost(limit) => measured <= limit,
            Self::AtLeast(limit) => measured >= limit,
        }
    }

    fn text(self, unit: &str) -> String {
        match self {
            Self::AtMost(limit) => format!("≤ {limit}{unit}"),
            Self::AtLeast(limit) => format!("≥ {limit}{unit}"),
        }
    }
}

use Limit::{AtLeast, AtMost};

/// Rows of targets.
pub struct Targets(Table);

impl Targets {
    pub fn new() -> Self {
        Self(Table::new(["target", "limit", "measured", "outcome"]))
    }

    pub fn row(&mut self, what: &str, limit: Limit, unit: &str, measured: Option<f64>) {
        let outcome = match measured {
            None => "not measured",
            Some(measured) if limit.is_met(measured) => "met",
            Some(_) => "**missed**",
        };
        self.0.row([what, &limit.text(unit), &shown(measured, unit), outcome]);
    }

    /// A figure that is stated, without a limit.
    pub fn told(&mut self, what: &str, unit: &str, measured: Option<f64>) {
        self.0.row([what, "", &shown(measured, unit), ""]);
    }

    /// The budgets, one row each.
    pub fn counted(&mut self, figures: &[Figure]) {
        for figure in figures {
            if let Some(budget) = figure.budget {
                self.row(figure.what, AtMost(budget), "", Some(figure.measured));
            }
        }
    }

    pub fn markdown(&self) -> String {
        self.0.markdown()
    }
}

fn shown(measured: Option<f64>, unit: &str) -> String {
    measured.map_or_else(String::new, |measured| format!("{measured:.2}{unit}"))
}

/// One row for each target, the counted ones last.
///
/// What depends on where the compiler happens to put two loops is judged in the build that places ours best.
pub fn table(timings: &Timings, placements: &[&Timings], heap: &Heap, counted: Option<&[Figure]>) -> Targets {
    let mut targets = Targets::new();
    let mut row =
        |what: &str, limit: Limit, unit: &str, measured: Option<f64>| targets.row(what, limit, unit, measured);

    for slots in [64, 1_000, 10_000, 100_000] {
        let what = format!("emit of {slots} slots, to the raw loop's best layout");
        let limit = AtMost(1.0);
        row(&what, limit, "×", best_placed(placements, limit, "emit", slots, (OURS, RAW_BEST)));
    }
    let fastest = timings.scenario("emit", 1).and_then(|scenario| scenario.fastest_thread_safe());
    let fastest = fastest.map_or("", |contestant| contestant.peer.as_str());
    let what = format!("emit of 1 slot, to the fastest thread-safe peer ({fastest})");
    row(&what, AtMost(0.4), "×", timings.ratio("emit", 1, OURS, fastest));
    let limit = AtLeast(9.0);
    row("emit of 64 slots, Boost to ours", limit, "×", best_placed(placements, limit, "emit", 64, (BOOST, OURS)));

    let limit = AtMost(1.05);
    let nested = best_placed(placements, limit, "batch", 64, (OURS, RAW_BEST));
    row("batch of 64 at 64 plain slots, to the raw nested loop's best layout", limit, "×", nested);
    let slices = timings.ns("batch_slices", 64, "pulsebus, slice slots");
    row("batch of 64 at 64 slice slots, per event and slot", AtMost(0.4), " ns", slices);

    for live in [0, 1_000] {
        let what = format!("connect and disconnect beside {live} live, to Boost");
        row(&what, AtMost(0.25), "×", timings.ratio("connect_disconnect", live, OURS, BOOST));
    }
    for live in [1, 100_000] {
        let what = format!("disconnect of {live} live, to Boost");
        row(&what, AtMost(0.2), "×", timings.ratio("disconnect", live, OURS, BOOST));
    }
    let among = |live| timings.ns("disconnect", live, OURS);
    let growth = among(100_000).zip(among(1)).map(|(many, one)| many / one);
    row("disconnect of 100000 live, to 1 live (the same, within a quarter)", AtMost(1.25), "×", growth);

    let alone = timings.ns("emitters", 1, OURS);
    let churning = timings.ns("emit_under_churn", 64, OURS).zip(alone).map(|(churn, quiet)| churn / quiet);
    row("emit of 64 slots under churn, to quiet", AtMost(1.4), "×", churning);
    let together = alone.zip(timings.ns("emitters", 2, OURS)).map(|(one, two)| one / two);
    row("two emitting threads on one signal, throughput to one", AtLeast(1.9), "×", together);

    let footprint = heap.footprints.iter().find(|footprint| footprint.peer == OURS);
    let held = footprint.and_then(|footprint| footprint.held.or(footprint.requested));
    row(&format!("memory per connection at {}", heap.connections), AtMost(72.0), " bytes", held);

    targets.counted(counted.unwrap_or_default());
    targets
}

/// The ratio in that one of the builds in which ours stands best, to the other's best in the same build: between builds
/// the clock of the processor may have changed.
fn best_placed(
    placements: &[&Timings],
    limit: Limit,
    group: &str,
    parameter: usize,
    (above, below): (&str, &str),
) -> Option<f64> {
    let ratios = placements.iter().filter_map(|timings| timings.ratio(group, parameter, above, below));
    match limit {
        AtMost(_) => ratios.min_by(f64::total_cmp),
        AtLeast(_) => ratios.max_by(f64::total_cmp),
    }
}
