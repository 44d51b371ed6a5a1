//! One run of a probe under callgrind, and what two of them say of the cost of one more.

use serde::Deserialize;

use crate::error::Error;
use crate::process::Run;
use crate::workspace;

/// A binary of `benches/` that does one thing for callgrind to count.
#[derive(Clone, Copy)]
pub struct Probe {
    pub binary: &'static str,
    pub args: &'static [&'static str],
}

/// How a part's counts grow with its size.
pub struct Line {
    pub instructions: Growth,
    pub locked: Growth,
    /// Of both runs together.
    pub heap_calls: u64,
    pub pin: String,
}

/// A straight line through two counts.
pub struct Growth {
    /// Per unit of size.
    pub slope: f64,
    /// What is left at size zero.
    pub start: f64,
}

impl Growth {
    fn through((small, at_small): (u32, u64), (large, at_large): (u32, u64)) -> Self {
        let slope = (at_large as f64 - at_small as f64) / f64::from(large - small);
        Self { slope, start: at_small as f64 - slope * f64::from(small) }
    }
}

impl Line {
    pub fn measure(probe: Probe, function: &str, part: &str, small: u32, large: u32) -> Result<Self, Error> {
        let at_small = Counts::take(probe, function, part, small)?;
        let at_large = Counts::take(probe, function, part, large)?;
        let growth = |count: fn(&Counts) -> u64| Growth::through((small, count(&at_small)), (large, count(&at_large)));
        Ok(Self {
            instructions: growth(|counts| counts.instructions),
            locked: growth(|counts| counts.locked),
            heap_calls: at_small.report.heap_calls + at_large.report.heap_calls,
            pin: at_small.report.pin,
        })
    }
}

/// What one run of a probe came to.
pub struct Counts {
    pub instructions: u64,
    pub locked: u64,
    pub report: ProbeReport,
}

/// What a probe prints.
#[derive(Deserialize)]
pub struct ProbeReport {
    pub pin: String,
    pub heap_calls: u64,
}

impl Counts {
    pub fn take(Probe { binary, args }: Probe, function: &str, part: &str, size: u32) -> Result<Self, Error> {
        let path = workspace::target_dir().join("release").join(binary);
        let printed = Run::program("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-bus=yes"])
            .args([format!("--toggle-collect={function}")])
            .args([path.as_os_str()])
            .args([part, &size.to_string()])
            .args(args)
            .capture()?;
        let unexpected = |expected: &str, found: &str| Error::Unexpected {
            what: format!("callgrind's run of `{binary} {part} {size}`"),
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
}
