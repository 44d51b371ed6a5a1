//! Whether a replay did what it should.

use super::Summary;

/// The exit code of a replay that went wrong.
const EXIT_FAULTY: u8 = 1;

/// What a replay comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every count is right, nothing leaked, nothing panicked.
    Sound,
    /// Something is not: what, one fault per line.
    Faulty(String),
}

impl Verdict {
    /// The exit code: 0, or 1 for a fault.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Sound => 0,
            Self::Faulty(_) => EXIT_FAULTY,
        }
    }
}

impl Summary {
    /// What the run comes to.
    pub fn verdict(&self) -> Verdict {
        let (differences, leaks, panics) = (&self.check.differences, self.connections.leaks, self.bus.slot_panics);
        let mut faults = Vec::new();
        if !differences.is_empty() {
            let with = if self.check.oracle { "the oracle's" } else { "the first pass's" };
            faults.push(format!("check failed: {} counts differ from {with}", differences.len()));
            faults.extend(differences.iter().map(|difference| format!("  {difference}")));
        }
        if leaks > 0 {
            faults.push(format!("leak: {leaks} captures were not dropped once, after everything was collected"));
        }
        if panics > 0 {
            faults.push(format!("panic: slots of the replay panicked {panics} times"));
        }
        if faults.is_empty() { Verdict::Sound } else { Verdict::Faulty(faults.join("\n")) }
    }
}
