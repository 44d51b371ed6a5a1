//! `cargo xtask budget`: what callgrind counts, against what it may be.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::process::{self, Run};
use crate::table::Table;
use crate::workspace;

/// Counts instructions, locked operations and heap calls, and holds them to their budgets.
///
/// Runs the probe of `benches/` under callgrind, each part at two sizes, and takes slopes: the counts are the same
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

/// Builds the probe and counts everything.
pub fn measure() -> Result<Vec<Figure>, Error> {
    if !is_possible() {
        return Err(Error::MissingTool { tool: "valgrind", install: "on Debian: apt-get install valgrind" });
    }
    Run::cargo().args(["build", "--release", "--package", "pulsebus-benches", "--bin", "probe"]).run()?;

    // Whole chunks, so that the slope holds its share of a chunk's cost.
    let walk = |function, part, fence| Line::measure(function, part, 64, 1_088, fence);
    let emit = walk("measured_emit", "emit", false)?;
    let fenced = walk("measured_emit", "emit", true)?;
    let batch = walk("measured_batch", "batch", false)?;
    let raw = walk("measured_raw", "raw", false)?;
    let callback = walk("measured_callback", "callback", false)?;
    // What an emission costs besides its callbacks, from one callback: what the line through long lists has at zero
    // also holds what the slots of the last chunk cost more or less than those of the chunks before it.
    let besides = |fence| -> Result<f64, Error> {
        let single = Counts::take("measured_emit", "emit", 1, fence)?;
        Ok(single.instructions as f64 - emit.instructions.slope)
    };
    let (per_emission, per_fenced_emission) = (besides(false)?, besides(true)?);
    let connect = Line::measure("measured_connect", "connect", 5_000, 10_000, false)?;
    let churn = Line::measure("measured_connect", "churn", 5_000, 10_000, false)?;
    let disconnect = Line::measure("measured_disconnect", "disconnect", 5_000, 10_000, false)?;
    let collect = Line::measure("measured_collect", "collect", 5_000, 10_000, false)?;

    let own = callback.instructions.slope;
    let pins_with_fence = emit.pin == "Fence";
    let heap_calls: u64 =
        [&emit, &fenced, &batch, &connect, &churn, &disconnect, &collect].iter().map(|line| line.heap_calls).sum();

    let held = |what, measured, budget: u8| Figure { what, measured, budget: Some(f64::from(budget)) };
    let told = |what, measured| Figure { what, measured, budget: None };
    Ok(vec![
        held("instructions per callback, besides its own", emit.instructions.slope - own, 11),
        told("instructions of the callback itself", own),
        told("instructions per callback of the raw loop, besides its own", raw.instructions.slope - own),
        held("instructions per emission, besides its callbacks", per_emission, 60),
        told("instructions per emission, pinned with a fence", per_fenced_emission),
        told("instructions per emission, from the line through long lists", emit.instructions.start),
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

/// How a part's counts grow with its size.
struct Line {
    instructions: Growth,
    locked: Growth,
    /// Of both runs together.
    heap_calls: u64,
    pin: String,
}

/// A straight line through two counts.
struct Growth {
    /// Per unit of size.
    slope: f64,
    /// What is left at size zero.
    start: f64,
}

impl Growth {
    fn through((small, at_small): (u32, u64), (large, at_large): (u32, u64)) -> Self {
        let slope = (at_large as f64 - at_small as f64) / f64::from(large - small);
        Self { slope, start: at_small as f64 - slope * f64::from(small) }
    }
}

impl Line {
    fn measure(function: &str, part: &str, small: u32, large: u32, fence: bool) -> Result<Self, Error> {
        let at_small = Counts::take(function, part, small, fence)?;
        let at_large = Counts::take(function, part, large, fence)?;
        let growth = |count: fn(&Counts) -> u64| Growth::through((small, count(&at_small)), (large, count(&at_large)));
        Ok(Self {
            instructions: growth(|counts| counts.instructions),
            locked: growth(|counts| counts.locked),
            heap_calls: at_small.report.heap_calls + at_large.report.heap_calls,
            pin: at_small.report.pin,
        })
    }
}

/// What one run of the probe came to.
struct Counts {
    instructions: u64,
    locked: u64,
    report: ProbeReport,
}

/// What the probe prints.
#[derive(Deserialize)]
struct ProbeReport {
    pin: String,
    heap_calls: u64,
}

impl Counts {
    fn take(function: &str, part: &str, size: u32, fence: bool) -> Result<Self, Error> {
        let probe = workspace::target_dir().join("release/probe");
        let mut run = Run::program("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-bus=yes"])
            .args([format!("--toggle-collect={function}")])
            .args([probe.as_os_str()])
            .args([part, &size.to_string()]);
        if fence {
            run = run.args(["--fence"]);
        }
        let printed = run.capture()?;
        let unexpected = |expected: &str, found: &str| Error::Unexpected {
            what: format!("callgrind's run of `probe {part} {size}`"),
            expected: expected.to_owned(),
            found: found.to_owned(),
        };
        let (instructions, locked) = collected(&printed.stderr)
            .ok_or_else(|| unexpected("a line `Collected : <instructions> [<locked>]`", &printed.stderr))?;
        let report = serde_json::from_str(&printed.stdout)
            .map_err(|error| unexpected("the probe's report in JSON", &error.to_string()))?;
        Ok(Self { instructions, locked, report })
    }
}

/// The sums of callgrind's events `Ir` and `Ge`. It leaves zeros at the end of the line out.
fn collected(stderr: &str) -> Option<(u64, u64)> {
    let (_, sums) = stderr.lines().find_map(|line| line.split_once("Collected :"))?;
    let mut sums = sums.split_whitespace();
    let instructions = sums.next()?.parse().ok()?;
    let locked = sums.next().map_or(Some(0), |sum| sum.parse().ok())?;
    Some((instructions, locked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_read_with_and_without_locked_operations() {
        assert_eq!(collected("==1== \n==1== Collected : 1411\n"), Some((1_411, 0)));
        assert_eq!(collected("==1== Collected : 20 10\n"), Some((20, 10)));
        assert_eq!(collected("==1== Collected : many\n"), None);
        assert_eq!(collected("valgrind: cannot start\n"), None);
    }

    #[test]
    fn a_budget_is_exceeded_by_the_smallest_fraction_that_can_occur() {
        let figure = |measured| Figure { what: "x", measured, budget: Some(2.0) };
        assert!(figure(2.0).is_kept());
        assert!(!figure(2.0 + 1.0 / 5_000.0).is_kept());
        assert!(verdict(&[figure(1.0), figure(2.5)]).is_err());
    }
}
