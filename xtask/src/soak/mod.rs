//! `cargo xtask soak`: churn from several threads for as long as one likes; memory and counts must stay flat.

mod trend;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::process::Run;
use crate::results_file::results_section;
use crate::table::Table;
use crate::workspace;
use trend::{Trend, sparkline};

/// Connects, disconnects, emits and collects from several threads, and checks that memory and counts stay flat.
///
/// Signals, domains and threads come and go meanwhile. After a warm-up, the median of each figure over the last third of
/// the run may not exceed that over the first third by more than a margin, and at the end nothing may be left. Runs of a
/// minute or more write the section `soak` of RESULTS.md.
#[derive(clap::Args)]
pub struct Args {
    /// For how many minutes
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    minutes: u64,

    /// For how many seconds instead
    #[arg(long, conflicts_with = "minutes", value_parser = clap::value_parser!(u64).range(10..))]
    seconds: Option<u64>,

    /// From how many threads at a time
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    threads: u64,

    /// Also write every sample and the verdict to this file, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What there was at a time, as the stress program prints it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Sample {
    seconds: f64,
    operations: u64,
    calls: u64,
    threads: u64,
    resident_bytes: usize,
    live: usize,
    captures: usize,
    chunks_held: usize,
    chunks_made: usize,
    pending_drops: usize,
}

/// So many samples are taken in a run: enough for medians, few enough to be looked at.
const SAMPLES: u64 = 200;

impl Args {
    pub fn run(self) -> Result<(), Error> {
        let seconds = self.seconds.unwrap_or(self.minutes * 60);
        let (samples, last) = self.samples(seconds)?;
        let trends = trends(&samples);
        let report = report(&samples, &last, &trends, self.threads);
        println!("\n{report}");
        if let Some(file) = &self.json {
            let json = serde_json::json!({ "samples": samples, "at_the_end": last, "trends": trends });
            fs::write(file, format!("{json:#}\n")).map_err(Error::file(file))?;
        }
        let growing: Vec<&str> = trends.iter().filter(|trend| !trend.is_flat()).map(|trend| trend.name).collect();
        if !growing.is_empty() {
            return Err(Error::Missed(format!("not flat: {}", growing.join(", "))));
        }
        if seconds >= 60 {
            results_section("soak", &report)?;
        }
        Ok(())
    }

    /// Runs the stress program: its samples, and the one after its end.
    fn samples(&self, seconds: u64) -> Result<(Vec<Sample>, Sample), Error> {
        let build = ["build", "--release", "--package", "pulsebus-proptests", "--bin", "stress"];
        Run::cargo().args(build).run()?;
        let program = workspace::target_dir().join("release").join("stress");
        let every = (seconds * 1000 / SAMPLES).max(1);
        let arguments = [seconds, self.threads, every].map(|argument| argument.to_string());
        let shown = format!("{} {}", program.display(), arguments.join(" "));
        let start = |source| Error::Start { command: shown.clone(), source };
        let mut child = Command::new(&program).args(&arguments).stdout(Stdio::piped()).spawn().map_err(start)?;
        let output = child.stdout.take().expect("piped above");

        let progress = ProgressBar::new(seconds);
        let style = ProgressStyle::with_template("{elapsed_precise} {wide_bar} {pos}/{len} s  {msg}");
        progress.set_style(style.expect("the template is well-formed"));
        let mut samples = Vec::new();
        for line in BufReader::new(output).lines() {
            let line = line.map_err(start)?;
            let sample: Sample = serde_json::from_str(&line).map_err(|error| Error::Unexpected {
                what: shown.clone(),
                expected: "one sample as JSON a line".to_owned(),
                found: format!("{line:?} ({error})"),
            })?;
            progress.set_position((sample.seconds as u64).min(seconds));
            progress.set_message(format!("{:.1} MiB, {} live", mib(sample.resident_bytes as f64), sample.live));
            samples.push(sample);
        }
        progress.finish_and_clear();
        let status = child.wait().map_err(start)?;
        if !status.success() {
            return Err(Error::Failed { command: shown, status, output: String::new() });
        }
        let last = samples.pop();
        match last {
            Some(last) if samples.len() >= 15 => Ok((samples, last)),
            _ => Err(Error::Unexpected {
                what: shown,
                expected: "at least 15 samples".to_owned(),
                found: samples.len().to_string(),
            }),
        }
    }
}

/// The figures that must stay flat, and by how much their medians may grow: by chance, not by leaks.
fn trends(samples: &[Sample]) -> Vec<Trend> {
    let resident = |sample: &Sample| mib(sample.resident_bytes as f64);
    // Limbo fills and empties in waves of thousands; the medians of two thirds of a run differ by a part of one.
    vec![
        Trend::of("resident memory, MiB", samples, resident, 1.05, 1.0),
        Trend::of("live connections", samples, |sample| sample.live as f64, 1.25, 1000.0),
        Trend::of("captures alive", samples, |sample| sample.captures as f64, 1.25, 5000.0),
        Trend::of("captures waiting", samples, |sample| sample.pending_drops as f64, 1.25, 5000.0),
        Trend::of("chunks held", samples, |sample| sample.chunks_held as f64, 1.25, 200.0),
        Trend::of("chunks made by the process", samples, |sample| sample.chunks_made as f64, 1.10, 128.0),
    ]
}

fn report(samples: &[Sample], last: &Sample, trends: &[Trend], threads: u64) -> String {
    let time = Duration::from_secs_f64(samples.last().map_or(0.0, |sample| sample.seconds.round()));
    let mut table =
        Table::new(["after the warm-up", "first third", "last third", "lowest", "highest", "flat", "trend"]);
    for trend in trends {
        let number = |value: f64| if value < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") };
        table.row([
            trend.name.to_owned(),
            number(trend.first_third),
            number(trend.last_third),
            number(trend.lowest),
            number(trend.highest),
            if trend.is_flat() { "yes" } else { "NO" }.to_owned(),
            format!("`{}`", sparkline(&trend.values, 40)),
        ]);
    }
    format!(
        "{:.1} minutes, {threads} threads at a time, {} in all: {:.1} million operations, {:.0} million calls of slots. \
         At the end: {} live connections, {} captures that were not dropped.\n\n{}",
        time.as_secs_f64() / 60.0,
        last.threads,
        last.operations as f64 / 1e6,
        last.calls as f64 / 1e6,
        last.live,
        last.captures,
        table.markdown()
    )
}

fn mib(bytes: f64) -> f64 {
    bytes / f64::from(1 << 20)
}
