//! What is shown while one waits: a bar on a terminal, lines elsewhere, always on standard error.

use crate::args::ProgressArg;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// How often a long phase says a line.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// How progress is shown in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A bar for every phase.
    Bar,
    /// A line when a phase ends, and now and then before.
    Lines,
    /// Nothing.
    Silent,
}

impl Progress {
    /// What the options and the terminal allow.
    pub fn new(wanted: ProgressArg, quiet: bool) -> Self {
        match (wanted, stderr().is_terminal()) {
            _ if quiet => Self::Silent,
            (ProgressArg::Auto | ProgressArg::Bar, true) => Self::Bar,
            (ProgressArg::Auto, false) | (ProgressArg::Lines, _) => Self::Lines,
            (ProgressArg::Bar, false) | (ProgressArg::None, _) => Self::Silent,
        }
    }

    /// Begins a phase of `total` things, if that is known.
    pub fn phase(self, name: &'static str, unit: &'static str, total: Option<u64>) -> Phase {
        let bar = (self == Self::Bar).then(|| {
            let (bar, template) = match total {
                Some(total) => (
                    ProgressBar::new(total),
                    "{prefix:>14} [{bar:32}] {human_pos} of {human_len} {msg}, {elapsed} (left: {eta})",
                ),
                None => (ProgressBar::new_spinner(), "{prefix:>14} {spinner} {human_pos} {msg}, {elapsed}"),
            };
            let style = ProgressStyle::with_template(template).expect("the templates above are well-formed");
            bar.with_style(style.progress_chars("=> ")).with_prefix(name).with_message(unit)
        });
        let now = Instant::now();
        Phase { how: self, name, unit, total, bar, begun: now, said: now }
    }
}

/// One phase of the run.
#[derive(Debug)]
pub struct Phase {
    how: Progress,
    name: &'static str,
    unit: &'static str,
    total: Option<u64>,
    bar: Option<ProgressBar>,
    begun: Instant,
    said: Instant,
}

impl Phase {
    /// Says how far it is.
    pub fn at(&mut self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
        if self.how == Progress::Lines && self.said.elapsed() >= LINE_EVERY {
            self.said = Instant::now();
            let of = self.total.map(|total| format!(" of {}", HumanCount(total))).unwrap_or_default();
            line(&format!("{}: {}{of} {}", self.name, HumanCount(done), self.unit));
        }
    }

    /// Ends it.
    pub fn finish(self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if self.how == Progress::Lines {
            let seconds = self.begun.elapsed().as_secs_f64();
            line(&format!("{}: {} {} in {seconds:.2} s", self.name, HumanCount(done), self.unit));
        }
    }
}

/// Nobody to read it is no reason to stop.
fn line(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}
