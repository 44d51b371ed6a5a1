//! Where, with what and of what the figures were taken.

use std::fs;
use std::thread;

use super::figures::Timings;
use crate::error::Error;
use crate::process::Run;

/// The machine, the compilers, the commit and the command, as a list in Markdown.
pub fn description(timings: &Timings, load_before: &str) -> Result<String, Error> {
    let boost = timings.boost.as_deref().unwrap_or("not installed, left out");
    let boost = format!("- Boost.Signals2: {boost}");
    Ok([common(timings, load_before)?, vec![boost, "- Made by: `cargo xtask results`".to_owned()]].concat().join("\n"))
}

/// The same for another part, which may be measured alone.
pub fn of_part(part: &str, timings: &Timings, load_before: &str) -> Result<String, Error> {
    let made_by = format!("- Made by: `cargo xtask results --only {part}`");
    Ok([common(timings, load_before)?, vec![made_by]].concat().join("\n"))
}

fn common(timings: &Timings, load_before: &str) -> Result<Vec<String>, Error> {
    let cores = thread::available_parallelism().map_or_else(|_| "?".to_owned(), |cores| cores.to_string());
    Ok(vec![
        format!("- Machine: {}, {cores} cores, Linux {}", cpu(), kernel()),
        format!("- Load before the run, of the last minute: {load_before}"),
        format!("- Compiler: {}", answer("rustc", &["--version"])?),
        format!("- Commit: {}", commit()),
        format!("- Pin: {}", timings.pin.to_lowercase()),
    ])
}

/// The checked-out commit, and whether the tree has changes that are not in it.
fn commit() -> String {
    let Ok(commit) = answer("git", &["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown (not a git checkout)".to_owned();
    };
    // What this very command writes does not count.
    match answer("git", &["status", "--porcelain", "--", ":!RESULTS.md", ":!docs/emit.svg"]) {
        Ok(changes) if changes.is_empty() => commit,
        _ => format!("{commit}, with uncommitted changes"),
    }
}

fn answer(program: &str, args: &[&str]) -> Result<String, Error> {
    Ok(Run::program(program).args(args).capture()?.stdout.trim().to_owned())
}

fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

/// How many threads wanted to run in the last minute: what else the machine had to do, if asked before a run.
pub fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown").to_owned()
}

fn kernel() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned()
}
