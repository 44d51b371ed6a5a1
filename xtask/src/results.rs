//! `cargo xtask results`: measures everything beside its peers, and writes it into `RESULTS.md`.

mod bus;
mod delivery;
mod examples;
mod figures;
mod machine;
mod plot;
mod pool;
mod tables;
mod targets;

use std::fs;

use clap::ValueEnum;
use serde::de::DeserializeOwned;

use crate::budget;
use crate::error::Error;
use crate::process::Run;
use crate::results_file::results_section;
use crate::workspace;
use figures::{Heap, Timings};

/// Measures the signals beside their peers, the bus beside bare signals, pools beside the heap and other pools, and delivery
/// beside channels, broadcasts and rings; writes the tables of RESULTS.md and the plot in docs/.
///
/// Times every peer in every scenario in one interleaved run, weighs a million connections, counts under callgrind
/// (where valgrind is installed), runs heartbeats, and compares with the targets. Takes minutes: leave the machine alone
/// meanwhile. Sections of RESULTS.md that other commands write stay as they are.
#[derive(clap::Args)]
pub struct Args {
    /// A fast, rough pass that prints the tables and writes nothing
    #[arg(long)]
    quick: bool,

    /// Only this part
    #[arg(long, value_name = "PART")]
    only: Option<Part>,
}

/// What can be measured by itself.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Signals beside their peers
    Signals,
    /// What the bus adds to them; about two minutes
    Bus,
    /// Pools of objects beside the heap and other pools; about two minutes
    Pool,
    /// Delivery to other threads beside channels, broadcasts and rings; about three minutes
    Delivery,
    /// What pools spare the examples' games
    Examples,
}

/// A section of RESULTS.md: its name, and what stands in it.
type Section = (&'static str, String);

impl Args {
    pub fn run(self) -> Result<(), Error> {
        let is_asked_for = |part| self.only.is_none_or(|only| only == part);
        if is_asked_for(Part::Signals) {
            self.write(&self.signals()?)?;
        }
        if is_asked_for(Part::Bus) {
            self.write(&bus::sections(self.quick)?)?;
        }
        if is_asked_for(Part::Pool) {
            self.write(&pool::sections(self.quick)?)?;
        }
        if is_asked_for(Part::Delivery) {
            self.write(&delivery::sections(self.quick)?)?;
        }
        if is_asked_for(Part::Examples) {
            self.write(&examples::sections()?)?;
        }
        Ok(())
    }

    fn signals(&self) -> Result<Vec<Section>, Error> {
        let load_before = machine::load();
        let effort = effort(self.quick);
        // The build that is timed in full comes first; the other placements show how much of it is luck.
        let timings = timed_at(0, &effort)?;
        let emissions = ["--only", "emit", "--only", "batch"];
        let elsewhere: Vec<Timings> = [16, 32, 48]
            .into_iter()
            .map(|shift| timed_at(shift, &[effort.as_slice(), &emissions].concat()))
            .collect::<Result<_, _>>()?;
        let placements: Vec<&Timings> = std::iter::once(&timings).chain(&elsewhere).collect();

        let heap: Heap = parsed("heap", &run_binary("heap", &[])?)?;
        let counted = if budget::is_possible() {
            Some(budget::measure_signals()?.into_iter().chain(budget::measure_slots()?).collect::<Vec<_>>())
        } else {
            None
        };
        if !self.quick {
            let path = workspace::root().join("docs/emit.svg");
            fs::write(&path, plot::emit_by_slots(&timings)?).map_err(Error::file(&path))?;
        }
        Ok(vec![
            ("machine", machine::description(&timings, &load_before)?),
            ("targets", targets::table(&timings, &placements, &heap, counted.as_deref()).markdown()),
            ("timed", tables::timed(&timings)),
            ("placements", tables::placements(&placements).markdown()),
            ("slower", tables::where_others_win(&timings)),
            ("heap", tables::heap(&heap)),
            ("counted", counted_table(counted.as_deref())),
        ])
    }

    fn write(&self, sections: &[Section]) -> Result<(), Error> {
        for (name, markdown) in sections {
            if self.quick {
                println!("\n## {name}\n\n{markdown}");
            } else {
                results_section(name, markdown)?;
            }
        }
        Ok(())
    }
}

/// How much the timing binaries do.
fn effort(quick: bool) -> [&'static str; 4] {
    let (rounds, slice_ms) = if quick { ("5", "1") } else { ("41", "5") };
    ["--rounds", rounds, "--slice-ms", slice_ms]
}

fn counted_table(counted: Option<&[budget::Figure]>) -> String {
    match counted {
        Some(figures) => budget::table(figures).markdown(),
        None => "Not counted: valgrind was not installed.".to_owned(),
    }
}

/// Times every peer in a build whose code stands so many bytes further on.
fn timed_at(shift: usize, args: &[&str]) -> Result<Timings, Error> {
    Run::cargo()
        .args(["build", "--release", "--package", "pulsebus-benches", "--bins"])
        .env("PULSEBUS_BENCH_SHIFT", shift.to_string())
        .run()?;
    Ok(Timings::new(parsed("ratios", &run_binary("ratios", args)?)?))
}

/// What one of the measuring binaries of `benches/` prints.
fn run_binary(binary: &str, args: &[&str]) -> Result<String, Error> {
    Run::program(workspace::target_dir().join("release").join(binary)).args(args).stdout()
}

fn parsed<T: DeserializeOwned>(binary: &str, json: &str) -> Result<T, Error> {
    serde_json::from_str(json).map_err(|error| Error::Unexpected {
        what: format!("the output of `{binary}`"),
        expected: "its report in JSON".to_owned(),
        found: error.to_string(),
    })
}
