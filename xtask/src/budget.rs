//! `cargo xtask budget`: what callgrind counts, against what it may be.

mod bus;
mod count;
mod pool;
mod slots;

use serde::Serialize;

use crate::error::Error;
use crate::process::{self, Run};
use crate::table::Table;
use count::{Counts, Line, Probe};

/// Counts instructions, locked operations and heap calls, and holds them to their budgets.
///
/// Runs the probes of `benches/` under callgrind, each part at two sizes, and takes slopes: the counts are the same
/// from run to run, however busy the machine is. Exits with 1 if a budget is exceeded. Needs valgrind.
#[derive(clap::Args)]
pub struct Args {
    /// Print the figures as JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// One counted figure.
#[derive(Serialize)]
pub struct Figure {
    pub what: &'static str,
    pub measured: f64,
    /// The most it may be; none where the figure only informs.
    pub budget: Option<f64>,
}

/// A figure with a budget.
fn held(what: &'static str, measured: f64, budget: impl Into<f64>) -> Figure {
    Figure { what, measured, budget: Some(budget.into()) }
}

/// A figure that only informs.
fn told(what: &'static str, measured: f64) -> Figure {
    Figure { what, measured, budget: None }
}

impl Figure {
    pub fn is_kept(&self) -> bool {
        // Slopes are quotients of whole numbers: an excess is at least a hundredth.
        self.budget.is_none_or(|budget| self.measured <= budget + 1e-6)
    }

    /// For tables: `yes`, `NO`, or nothing to keep.
    pub fn verdict(&self) -> &'static str {
        match self.budget {
            None => "",
            Some(_) if self.is_kept() => "yes",
            Some(_) => "NO",
        }
    }
}

impl Args {
    pub fn run(self) -> Result<(), Error> {
        let figures = measure()?;
        if self.json {
            let json = serde_json::to_string_pretty(&figures);
            println!("{}", json.expect("numbers and names always serialise"));
        } else {
            println!("{}", table(&figures).markdown());
        }
        verdict(&figures)
    }
}

/// Whether valgrind is here to count with.
pub fn is_possible() -> bool {
    process::is_installed("valgrind")
}

/// Fails if any figure exceeds its budget, and names those that do.
pub fn verdict(figures: &[Figure]) -> Result<(), Error> {
    let missed: Vec<_> = figures.iter().filter(|figure| !figure.is_kept()).map(|figure| figure.what).collect();
    if missed.is_empty() { Ok(()) } else { Err(Error::Missed(format!("over budget: {}", missed.join("; ")))) }
}

/// The figures, ready to print.
pub fn table(figures: &[Figure]) -> Table {
    let mut table = Table::new(["counted", "measured", "budget", "kept"]);
    for figure in figures {
        let budget = figure.budget.map_or_else(String::new, |budget| format!("≤ {budget}"));
        table.row([figure.what, &format!("{:.2}", figure.measured), &budget, figure.verdict()]);
    }
    table
}

/// Counts everything, of the signals, of their slots' options, of the bus and of pools.
pub fn measure() -> Result<Vec<Figure>, Error> {
    let mut figures = measure_signals()?;
    figures.extend(measure_slots()?);
    figures.extend(measure_bus()?);
    figures.extend(measure_pools()?);
    Ok(figures)
}

/// Counts what options of slots cost those who use them, and what queries cost.
pub fn measure_slots() -> Result<Vec<Figure>, Error> {
    build("slot_probe")?;
    slots::measure()
}

/// Counts what the bus costs.
pub fn measure_bus() -> Result<Vec<Figure>, Error> {
    build("bus_probe")?;
    bus::measure()
}

/// Counts what pools cost.
pub fn measure_pools() -> Result<Vec<Figure>, Error> {
    build("pool_probe")?;
    pool::measure()
}

fn build(binary: &str) -> Result<(), Error> {
    if !is_possible() {
        return Err(Error::MissingTool { tool: "valgrind", install: "on Debian: apt-get install valgrind" });
    }
    Run::cargo().args(["build", "--release", "--package", "pulsebus-benches", "--bin", binary]).run()
}

/// Counts what signals cost.
pub fn measure_signals() -> Result<Vec<Figure>, Error> {
    build("probe")?;
    const PLAIN: Probe = Probe { binary: "probe", args: &[] };
    const FENCED: Probe = Probe { binary: "probe", args: &["--fence"] };

    // Whole chunks, so that the slope holds its share of a chunk's cost.
    let walk = |probe, function, part| Line::measure(probe, function, part, 64, 1_088);
    let emit = walk(PLAIN, "measured_emit", "emit")?;
    let fenced = walk(FENCED, "measured_emit", "emit")?;
    let batch = walk(PLAIN, "measured_batch", "batch")?;
    let raw = walk(PLAIN, "measured_raw", "raw")?;
    let callback = walk(PLAIN, "measured_callback", "callback")?;
    // What an emission costs besides its callbacks, from one callback: what the line through long lists has at zero
    // also holds what the slots of the last chunk cost more or less than those of the chunks before it.
    let besides = |probe| -> Result<f64, Error> {
        let single = Counts::take(probe, "measured_emit", "emit", 1)?;
        Ok(single.instructions as f64 - emit.instructions.slope)
    };
    let (per_emission, per_fenced_emission) = (besides(PLAIN)?, besides(FENCED)?);
    // 64 slots that are left when 100,000 others have been disconnected, to 64 that were always alone.
    let of_64 =
        |part| -> Result<f64, Error> { Ok(Counts::take(PLAIN, "measured_emit", part, 64)?.instructions as f64) };
    let alone = of_64("emit")?;
    let (of_later, of_earlier) = (of_64("emit-after")? / alone, of_64("emit-behind")? / alone);
    let first = of_64("emit-first")?;
    let connect = Line::measure(PLAIN, "measured_connect", "connect", 5_000, 10_000)?;
    let churn = Line::measure(PLAIN, "measured_connect", "churn", 5_000, 10_000)?;
    let disconnect = Line::measure(PLAIN, "measured_disconnect", "disconnect", 5_000, 10_000)?;
    let collect = Line::measure(PLAIN, "measured_collect", "collect", 5_000, 10_000)?;

    let own = callback.instructions.slope;
    let pins_with_fence = emit.pin == "Fence";
    let heap_calls: u64 =
        [&emit, &fenced, &batch, &connect, &churn, &disconnect, &collect].iter().map(|line| line.heap_calls).sum();

    Ok(vec![
        held("instructions per callback, besides its own", emit.instructions.slope - own, 11),
        told("instructions of the callback itself", own),
        told("instructions per callback of the raw loop, besides its own", raw.instructions.slope - own),
        held("instructions per emission, besides its callbacks", per_emission, 60),
        told("instructions per emission, pinned with a fence", per_fenced_emission),
        told("instructions per emission, from the line through long lists", emit.instructions.start),
        held("instructions of an emission after 100,000 later slots have ended, to one without", of_later, 1.1),
        held("the same: earlier slots", of_earlier, 1.1),
        told("instructions of the first emission after that, per slot that has ended", (first - alone) / 100_000.0),
        told("instructions per disconnect", disconnect.instructions.slope),
        told("instructions per connect, the list growing", connect.instructions.slope),
        told("instructions per connect, each followed by a disconnect", churn.instructions.slope),
        told("instructions per slot of a collection", collect.instructions.slope),
        held("locked operations per callback", emit.locked.slope, 0),
        held("locked operations per emission", emit.locked.start, u8::from(pins_with_fence)),
        held("locked operations per emission, pinned with a fence", fenced.locked.start, 1),
        held("locked operations per disconnect", disconnect.locked.slope, 1),
        held("locked operations per connect, the list growing", connect.locked.slope, 2),
        held("locked operations per connect, each followed by a disconnect", churn.locked.slope, 2),
        held("heap calls of all of the above", heap_calls as f64, 0),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_exceeded_by_the_smallest_fraction_that_can_occur() {
        let figure = |measured| Figure { what: "x", measured, budget: Some(2.0) };
        assert!(figure(2.0).is_kept());
        assert!(!figure(2.0 + 1.0 / 5_000.0).is_kept());
        assert!(verdict(&[figure(1.0), figure(2.5)]).is_err());
    }
}
