//! `cargo xtask weaken`: does each model earn its place?

mod copy;
mod orderings;
mod plan;
mod trial;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use clap::ValueHint;
use indicatif::{ProgressBar, ProgressStyle};

use self::plan::{ARGUMENTS, Kind, Step, Weakening};
use self::trial::{Fate, Models};
use crate::error::Error;
use crate::results_file::results_section;
use crate::table::Table;

/// Plants weakenings in a copy of the sources, one at a time, and names the loom model that notices.
///
/// Every ordering of the core is made Relaxed (an AcqRel also each of its halves), every fence is taken out, and steps of
/// the protocols are left out or swapped. Fails if one survives that docs/ORDERINGS.md does not argue for, or does not
/// build. A run of everything replaces its section of RESULTS.md.
#[derive(clap::Args)]
pub struct Args {
    /// Only weakenings whose name contains this, or the path of a step's file (repeat it for more)
    #[arg(long, value_name = "PATTERN", value_hint = ValueHint::Other)]
    only: Vec<String>,

    /// Only models whose name contains this (repeat it for more); a weakening that only others notice survives
    #[arg(long, value_name = "PATTERN", value_hint = ValueHint::Other)]
    models: Vec<String>,

    /// Name the weakenings, and run nothing
    #[arg(long)]
    list: bool,

    /// So many models run at a time
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(2, usize::from))]
    jobs: usize,

    /// The longest that one weakening may take, in seconds; then it counts as a survivor
    #[arg(long, default_value_t = 600)]
    limit: u64,
}

impl Args {
    pub fn run(self) -> Result<(), Error> {
        let (mut weakenings, sites) = plan::all()?;
        let whole = self.only.is_empty() && self.models.is_empty();
        weakenings
            .retain(|weakening| self.only.is_empty() || self.only.iter().any(|pattern| weakening.is_meant(pattern)));
        if weakenings.is_empty() {
            return Err(Error::Missed(
                "no weakening has such a name: `cargo xtask weaken --list` names them".to_owned(),
            ));
        }
        if self.list {
            for weakening in &weakenings {
                println!("{}{}", weakening.name, weakening.breaks());
            }
            return Ok(());
        }
        let copy = copy::Copy::new()?;
        eprintln!("building the models with every ordering choosable");
        let choosable = copy.build_choosable(&sites)?;
        let mut models = Models::try_out(&choosable, &self.models, self.jobs)?;
        eprintln!("{} models pass; {} weakenings", models.count(), weakenings.len());

        let progress = Progress::new(weakenings.len());
        let mut outcomes = Vec::new();
        for weakening in &weakenings {
            progress.start(weakening);
            let (program, file) = match &weakening.kind {
                Kind::Ordering { site, .. } => (Ok(choosable.clone()), &sites[*site].file),
                Kind::Step(step) => (copy.build_step(step), &step.file),
            };
            let limit = Duration::from_secs(self.limit);
            let fate = match program {
                Ok(program) => {
                    models.judge(&program, &weakening.kind, &file.display().to_string(), self.jobs, limit)?
                }
                // The others go on: a whole run takes half an hour.
                Err(Error::Failed { output, .. }) => Fate::Unbuildable(output),
                Err(other) => return Err(other),
            };
            progress.end(weakening, &fate);
            outcomes.push((weakening, fate));
        }
        progress.finish();
        report(&outcomes, models.count(), whole)
    }
}

impl Weakening {
    fn is_meant(&self, pattern: &str) -> bool {
        let is_there = |step: &Step| step.file.display().to_string().contains(pattern);
        self.name.contains(pattern) || matches!(&self.kind, Kind::Step(step) if is_there(step))
    }

    /// What it breaks, where that is not in its name.
    fn breaks(&self) -> String {
        match &self.kind {
            Kind::Step(step) => format!(": {}", step.breaks),
            Kind::Ordering { .. } => String::new(),
        }
    }

    fn outcome(&self, fate: &Fate) -> String {
        match (fate, &self.argued) {
            (Fate::Unbuildable(_), _) => "**does not build**".to_owned(),
            (Fate::Killed { model, .. }, None) => format!("`{model}`"),
            (Fate::Killed { model, .. }, Some(_)) => format!("`{model}`, although {ARGUMENTS} argues that none can"),
            (_, Some(anchor)) => format!("[argued]({ARGUMENTS}#{anchor})"),
            (Fate::Survived, None) => "**survived**".to_owned(),
            (Fate::Undecided, None) => "**undecided: the time was over**".to_owned(),
        }
    }
}

/// Prints the table, writes the summary of a whole run, and fails if something survived.
fn report(outcomes: &[(&Weakening, Fate)], models: usize, whole: bool) -> Result<(), Error> {
    let mut table = Table::new(["weakening", "noticed by"]);
    let mut kills = BTreeMap::<&str, usize>::new();
    let (mut killed, mut argued, mut wrong) = (0, 0, Vec::new());
    for (weakening, fate) in outcomes {
        table.row([weakening.name.clone(), weakening.outcome(fate)]);
        match (fate, &weakening.argued) {
            (Fate::Killed { model, .. }, None) => {
                killed += 1;
                *kills.entry(model).or_default() += 1;
            }
            (Fate::Survived | Fate::Undecided, Some(_)) => argued += 1,
            (Fate::Unbuildable(output), _) => {
                eprintln!("{} does not build:\n{output}", weakening.name);
                wrong.push(weakening.name.as_str());
            }
            (Fate::Killed { .. }, Some(_)) | (Fate::Survived | Fate::Undecided, None) => {
                wrong.push(weakening.name.as_str());
            }
        }
    }
    println!("\n{}", table.markdown());
    let total = outcomes.len();
    let summary = format!(
        "{models} models, {total} weakenings: {killed} killed ({:.0} % of those that a model can tell), {argued} argued, {} \
         neither.",
        100.0 * killed as f64 / (total - argued).max(1) as f64,
        wrong.len()
    );
    println!("{summary}");
    if whole {
        results_section("weaken", &format!("{summary}\n\n{}", table.markdown()))?;
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Error::Missed(format!(
        "{} of {total} weakenings ended otherwise than they should; write a model that notices, argue in {ARGUMENTS}, or \
         bring weakenings.toml up to date: {}",
        wrong.len(),
        wrong.join("; ")
    )))
}

/// A bar on a terminal, lines otherwise.
struct Progress {
    bar: Option<ProgressBar>,
    begin: Instant,
}

impl Progress {
    fn new(length: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {wide_msg}");
            ProgressBar::new(length as u64).with_style(style.expect("the template is well-formed"))
        });
        Self { bar, begin: Instant::now() }
    }

    fn start(&self, weakening: &Weakening) {
        if let Some(bar) = &self.bar {
            bar.set_message(weakening.name.clone());
        }
    }

    fn end(&self, weakening: &Weakening, fate: &Fate) {
        match &self.bar {
            Some(bar) => bar.inc(1),
            None => {
                let after = match fate {
                    Fate::Killed { after, .. } => format!(" after {:.1} s", after.as_secs_f64()),
                    Fate::Survived | Fate::Undecided | Fate::Unbuildable(_) => String::new(),
                };
                let now = self.begin.elapsed().as_secs();
                eprintln!("{now:5} s  {}: {}{after}", weakening.name, weakening.outcome(fate));
            }
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
