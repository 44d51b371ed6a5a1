//! `cargo xtask test`: the one test command.

use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::budget;
use crate::error::Error;
use crate::process::{self, Run};
use crate::table::Table;
use crate::workspace;

/// Runs every check that a change must pass, and names the step that failed.
///
/// The steps run in the order of `--only`'s list, stop at the first failure, and end with a table
/// of their times. A step whose tool is not installed is skipped with a note. Longer runs are
/// commands of their own.
#[derive(clap::Args)]
pub struct Args {
    /// Run only these steps (repeat it, or separate by commas)
    #[arg(long, value_delimiter = ',', value_name = "STEP")]
    only: Vec<Step>,

    /// Leave these steps out (repeat it, or separate by commas)
    #[arg(long, value_delimiter = ',', value_name = "STEP", conflicts_with = "only")]
    skip: Vec<Step>,
}

/// One step of the test command.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    /// Formatting, checked and not changed
    Fmt,
    /// Clippy over every target, without and with the library's features, warnings denied; the loom models under their own cfg
    Clippy,
    /// The documentation, without and with the library's features, warnings denied
    Doc,
    /// The library still compiles with the oldest supported compiler, without and with its features, where it is installed
    Msrv,
    /// Unit, integration and documentation tests of the workspace; those of the library with its features, too
    Unit,
    /// Random programs against the oracle, optimised
    Prop,
    /// The loom models, on the real code
    Loom,
    /// Instructions, locked operations and heap calls against their budgets, under callgrind
    Budget,
}

/// How a step ended, short of failing.
enum Outcome {
    Passed,
    /// Not run, for this reason.
    Skipped(&'static str),
}

impl Args {
    pub fn run(self) -> Result<(), Error> {
        let chosen = Step::value_variants()
            .iter()
            .filter(|step| !self.skip.contains(step) && (self.only.is_empty() || self.only.contains(step)));
        let mut summary = Table::new(["step", "outcome", "seconds"]);
        let begin = Instant::now();
        for &step in chosen {
            let name = step.name();
            eprintln!("\n== {name} ==");
            let begin = Instant::now();
            let outcome = step.run();
            let word = match &outcome {
                Ok(Outcome::Passed) => "passed".to_owned(),
                Ok(Outcome::Skipped(why)) => format!("skipped: {why}"),
                Err(_) => "FAILED".to_owned(),
            };
            summary.row([name.clone(), word, seconds(begin.elapsed())]);
            if let Err(error) = outcome {
                println!("\n{}", summary.markdown());
                return Err(Error::Missed(format!(
                    "step `{name}` failed (again: cargo xtask test --only {name}): {error}"
                )));
            }
        }
        summary.row(["all".to_owned(), "passed".to_owned(), seconds(begin.elapsed())]);
        println!("\n{}", summary.markdown());
        Ok(())
    }
}

/// The library with all of its features, which no other package of the workspace turns on.
const FEATURES: [&str; 3] = ["--package", "pulsebus", "--all-features"];

/// The random programs, those too that need a feature of the library.
const PROPTESTS: [&str; 3] = ["--package", "pulsebus-proptests", "--all-features"];

impl Step {
    /// The name on the command line.
    fn name(self) -> String {
        let value = self.to_possible_value().expect("no step is hidden");
        value.get_name().to_owned()
    }

    fn run(self) -> Result<Outcome, Error> {
        match self {
            Self::Fmt => Run::cargo().args(["fmt", "--all", "--", "--check"]).run()?,
            Self::Clippy => {
                const DENY: [&str; 3] = ["--", "-D", "warnings"];
                let args = ["clippy", "--workspace", "--all-targets"];
                Run::cargo().args(args).args(DENY).run()?;
                Run::cargo().args(["clippy", "--all-targets"]).args(FEATURES).args(DENY).run()?;
                Run::cargo().args(["clippy", "--all-targets"]).args(PROPTESTS).args(DENY).run()?;
                loom_cargo().args(["clippy", "--release", "--all-targets"]).args(DENY).run()?;
            }
            Self::Doc => {
                // The program has the library's name, and would overwrite its pages.
                Run::cargo()
                    .args(["doc", "--workspace", "--exclude", "pulsebus-cli", "--no-deps"])
                    .env("RUSTDOCFLAGS", "-D warnings")
                    .run()?;
                Run::cargo().args(["doc", "--no-deps"]).args(FEATURES).env("RUSTDOCFLAGS", "-D warnings").run()?
            }
            Self::Msrv => {
                const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");
                if !process::has_toolchain(OLDEST) {
                    return Ok(Outcome::Skipped("the oldest supported toolchain is not installed"));
                }
                Run::cargo_of(OLDEST).args(["check", "--package", "pulsebus"]).run()?;
                Run::cargo_of(OLDEST).args(["check"]).args(FEATURES).run()?;
            }
            Self::Unit => {
                Run::cargo().args(["test", "--workspace", "--exclude", "pulsebus-proptests"]).run()?;
                Run::cargo().args(["test"]).args(FEATURES).run()?;
            }
            Self::Prop => Run::cargo().args(["test", "--release"]).args(PROPTESTS).run()?,
            Self::Loom => loom_cargo().args(["test", "--release"]).run()?,
            Self::Budget => {
                if !budget::is_possible() {
                    return Ok(Outcome::Skipped("valgrind is not installed (Debian: apt-get install valgrind)"));
                }
                let figures = budget::measure()?;
                println!("\n{}", budget::table(&figures).markdown());
                budget::verdict(&figures)?;
            }
        }
        Ok(Outcome::Passed)
    }
}

/// Cargo as the loom suite needs it: in its folder, so that its configuration applies, and free
/// of variables that would override it (the suite would then pass without a single model).
fn loom_cargo() -> Run {
    Run::cargo().in_dir("loom-tests").without_flag_overrides().env("CARGO_TARGET_DIR", workspace::loom_target_dir())
}

fn seconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64())
}
