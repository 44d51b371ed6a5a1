//! What the commands ask of the monitor: the one file that knows it.

use crate::objects::Pools;
use std::fmt;
use std::time::Duration;

// To be filled when there is a monitor:
// 1. These five become its own types. Each needs `Debug + Clone + Display`, and `Serialize` with the feature `serde`.
// 2. `impl Watched for Monitor`.
// 3. `Admin::new(&bus, &monitor, policy)`, which is `Admin::over(&bus, Arc::new(monitor.clone()), policy)`.
// 4. `Unfilled` goes, and with it what tests say by it.

/// What `sample` shows.
pub type Sample = Unfilled;
/// What `report` shows.
pub type Report = Unfilled;
/// What `history` shows.
pub type History = Unfilled;
/// What `alerts` shows.
pub type Alerts = Unfilled;
/// What `health` shows.
pub type Health = Unfilled;

/// What the commands ask of a monitor. Called under no lock; may panic.
pub(super) trait Watched: Send + Sync {
    /// What is measured now.
    fn sample(&self) -> Sample;

    /// What it makes of its measurements.
    fn report(&self) -> Report;

    /// The latest measurements: of so long ago at most (`None`: all that are kept), and so many at most.
    fn history(&self, last: Option<Duration>, limit: usize) -> History;

    /// What is wrong, and was of late.
    fn alerts(&self) -> Alerts;

    /// Is all well?
    fn health(&self) -> Health;

    /// The pools that it watches.
    fn pools(&self) -> Pools;
}

/// In the place of what a monitor will tell.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Unfilled(pub(super) String);

impl fmt::Display for Unfilled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bus;
    use crate::admin::{Admin, AdminError, Outcome, Policy, Role, Token};
    use std::sync::Arc;

    /// Says what it was asked.
    struct Fake;

    impl Watched for Fake {
        fn sample(&self) -> Sample {
            Unfilled("a sample".into())
        }

        fn report(&self) -> Report {
            Unfilled("a report".into())
        }

        fn history(&self, last: Option<Duration>, limit: usize) -> History {
            Unfilled(format!("{last:?}, {limit}"))
        }

        fn alerts(&self) -> Alerts {
            panic!("no alerts\n")
        }

        fn health(&self) -> Health {
            Unfilled("\u{1b}[2Jwell\nindeed".into())
        }

        fn pools(&self) -> Pools {
            Pools::new()
        }
    }

    #[test]
    fn what_the_monitor_tells_is_handed_on() {
        let (bus, token) = (Bus::new(), Token::generate().unwrap());
        let policy = Policy::new().token("ann", Role::Viewer, &token);
        let admin = Admin::over(&bus, Arc::new(Fake), &policy).unwrap();
        let run = |command: &str| admin.run(token.expose(), "here", command);
        let shown = |command: &str| run(command).unwrap().to_string();
        assert_eq!(shown("sample"), "a sample\n");
        assert_eq!(shown("report"), "a report\n");
        assert_eq!(shown("history 5m limit=3"), "Some(300s), 3\n");
        assert_eq!(shown("history"), "None, 100\n");
        assert_eq!(shown("health"), "\\u{1b}[2Jwell\nindeed\n");
        assert!(matches!(run("pools"), Ok(Outcome::Pools(pools)) if pools.is_empty()));
        assert_eq!(run("alerts").unwrap_err(), AdminError::Panicked { message: "no alerts\\u{a}".into() });
        assert_eq!(admin.audit_ring().last().unwrap().outcome, "panicked");
    }
}
