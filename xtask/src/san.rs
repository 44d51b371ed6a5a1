//! `cargo xtask san`: the sanitizers of the nightly compiler over the tests, and over a program for those that cannot see
//! through the standard library.

use std::time::Instant;

use clap::ValueEnum;

use crate::error::Error;
use crate::process::{self, Run};
use crate::results_file::results_section;
use crate::table::Table;
use crate::workspace;

/// Runs the tests under AddressSanitizer and LeakSanitizer, and a stress program under ThreadSanitizer.
///
/// Needs the nightly toolchain, for the compiler's `-Zsanitizer`. Takes minutes: each sanitizer has a build of its own.
/// Writes the section `san` of RESULTS.md when all of them ran.
#[derive(clap::Args)]
pub struct Args {
    /// Run only these (repeat it, or separate by commas)
    #[arg(long, value_delimiter = ',', value_name = "SANITIZER")]
    only: Vec<Sanitizer>,

    /// For how long the stress program runs under ThreadSanitizer
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,

    /// How many random programs each property runs under AddressSanitizer and LeakSanitizer
    #[arg(long, default_value_t = 300)]
    cases: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sanitizer {
    /// Use after free, out of bounds; over the tests
    Address,
    /// What nothing points to any more at the end; over the tests
    Leak,
    /// Unordered accesses to plain memory; over the stress program
    Thread,
}

/// What one sanitizer ran, and how it went.
struct Outcome {
    what: String,
    command: String,
    seconds: f64,
}

impl Args {
    pub fn run(self) -> Result<(), Error> {
        if !process::has_toolchain("nightly") {
            return Err(Error::MissingTool {
                tool: "the nightly toolchain",
                install: "rustup toolchain install nightly --profile minimal",
            });
        }
        let target = host()?;
        let mut table = Table::new(["sanitizer", "over", "reports", "seconds"]);
        let mut commands = String::new();
        for &sanitizer in Sanitizer::value_variants() {
            if !self.only.is_empty() && !self.only.contains(&sanitizer) {
                continue;
            }
            let outcome = self.check(sanitizer, &target)?;
            let seconds = format!("{:.0}", outcome.seconds);
            table.row([sanitizer.title().to_owned(), outcome.what, "none".to_owned(), seconds]);
            commands.push_str(&outcome.command);
            commands.push('\n');
        }
        let markdown = format!("{}\n```sh\n{commands}```\n", table.markdown());
        println!("\n{markdown}");
        if self.only.is_empty() {
            results_section("san", &markdown)?;
        }
        Ok(())
    }

    fn check(&self, sanitizer: Sanitizer, target: &str) -> Result<Outcome, Error> {
        let begin = Instant::now();
        let (what, command) = match sanitizer {
            Sanitizer::Address | Sanitizer::Leak => self.tests_under(sanitizer, target)?,
            Sanitizer::Thread => self.stress_under(sanitizer, target)?,
        };
        Ok(Outcome { what, command, seconds: begin.elapsed().as_secs_f64() })
    }

    /// The tests of the library and the random programs.
    fn tests_under(&self, sanitizer: Sanitizer, target: &str) -> Result<(String, String), Error> {
        let packages = ["--package", "pulsebus", "--package", "pulsebus-proptests"];
        // All that there is to find, at once.
        let args = [&["test", "--no-fail-fast"], &packages[..], &["--lib", "--tests"]].concat();
        let cases = self.cases.to_string();
        eprintln!("{}: building and running the tests", sanitizer.title());
        let run = sanitizer.cargo(&args, target).env("PROPTEST_CASES", &cases);
        let output = finished(run, sanitizer, &args)?;
        let passed: u64 = output.lines().filter_map(passed_tests).sum();
        if passed == 0 {
            return Err(Error::Unexpected {
                what: format!("the tests under {}", sanitizer.title()),
                expected: "lines like `test result: ok. 12 passed`".to_owned(),
                found: "none".to_owned(),
            });
        }
        let what = format!("{passed} tests, {cases} random programs for each property");
        Ok((what, sanitizer.shown(&args, target)))
    }

    /// The stress program: a plain `main` that shares nothing but leaked state, since the standard library's own locks and
    /// channels are not instrumented, and would be reported.
    fn stress_under(&self, sanitizer: Sanitizer, target: &str) -> Result<(String, String), Error> {
        const THREADS: &str = "4";
        let seconds = self.seconds.to_string();
        let args = ["run", "--package", "pulsebus-proptests", "--bin", "stress", "--release", "--"];
        let args = [args.as_slice(), &[&seconds, THREADS, "5000"]].concat();
        eprintln!("{}: building and running the stress program for {seconds} s", sanitizer.title());
        let output = finished(sanitizer.cargo(&args, target), sanitizer, &args)?;
        let mut samples = output.lines().rev().filter(|line| line.starts_with('{'));
        let last = samples.next().and_then(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let count = |name: &str| last.as_ref().and_then(|sample| sample[name].as_u64()).unwrap_or(0);
        if count("operations") == 0 {
            return Err(Error::Unexpected {
                what: "the stress program".to_owned(),
                expected: "a last sample with operations".to_owned(),
                found: output,
            });
        }
        let what = format!(
            "a stress program: {} operations and {} calls of slots from {} threads that came and went",
            count("operations"),
            count("calls"),
            count("threads")
        );
        Ok((what, sanitizer.shown(&args, target)))
    }
}

impl Sanitizer {
    fn title(self) -> &'static str {
        match self {
            Self::Address => "AddressSanitizer",
            Self::Leak => "LeakSanitizer",
            Self::Thread => "ThreadSanitizer",
        }
    }

    fn flags(self) -> &'static str {
        // The second flag makes crossbeam use orderings that ThreadSanitizer understands; the third lets the library be
        // linked with the standard library, which is not instrumented.
        match self {
            Self::Address => "-Zsanitizer=address --cfg crossbeam_sanitize",
            Self::Leak => "-Zsanitizer=leak --cfg crossbeam_sanitize",
            Self::Thread => "-Zsanitizer=thread --cfg crossbeam_sanitize -Cunsafe-allow-abi-mismatch=sanitizer",
        }
    }

    fn cargo(self, args: &[&str], target: &str) -> Run {
        let directory = workspace::target_dir().join(format!("san-{}", self.title().to_lowercase()));
        let suppressions = workspace::root().join("xtask/tsan-suppressions.txt");
        let (subcommand, rest) = args.split_first().expect("a subcommand");
        Run::cargo_of("nightly")
            .args([*subcommand, "--target", target])
            .args(rest)
            .without_flag_overrides()
            .env("RUSTFLAGS", self.flags())
            .env("CARGO_TARGET_DIR", directory)
            // The first report ends the program, with a failure. Not a request for more memory than there is: it is refused, as tests
            // say.
            .env("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1:allocator_may_return_null=1")
            .env("LSAN_OPTIONS", "allocator_may_return_null=1")
            .env("TSAN_OPTIONS", format!("halt_on_error=1:suppressions={}", suppressions.display()))
    }

    /// The command as one would type it.
    fn shown(self, args: &[&str], target: &str) -> String {
        let (subcommand, rest) = args.split_first().expect("a subcommand");
        format!("RUSTFLAGS={:?} cargo +nightly {subcommand} --target {target} {}", self.flags(), rest.join(" "))
    }
}

/// Runs it to its end; its standard output. A failure shows what was printed before it.
fn finished(run: Run, sanitizer: Sanitizer, args: &[&str]) -> Result<String, Error> {
    let output = run.output()?;
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        return Ok(stdout.into_owned());
    }
    eprintln!("{stdout}\n{stderr}");
    Err(Error::Missed(format!(
        "`cargo {}` failed under {}; what it printed is above",
        args.join(" "),
        sanitizer.title()
    )))
}

/// The number in `test result: ok. 12 passed; …`.
fn passed_tests(line: &str) -> Option<u64> {
    line.strip_prefix("test result: ok. ")?.split_once(" passed")?.0.parse().ok()
}

/// The nightly compiler's own target: sanitized builds must name it, so that build scripts stay as they are.
fn host() -> Result<String, Error> {
    let version = Run::program("rustup").args(["run", "nightly", "rustc", "-vV"]).capture()?.stdout;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Error::Unexpected {
        what: "`rustc -vV` of the nightly toolchain".to_owned(),
        expected: "a line `host: …`".to_owned(),
        found: version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_passed_tests_is_read() {
        assert_eq!(passed_tests("test result: ok. 12 passed; 0 failed; 0 ignored"), Some(12));
        assert_eq!(passed_tests("test result: FAILED. 11 passed; 1 failed"), None);
        assert_eq!(passed_tests("running 12 tests"), None);
    }
}
