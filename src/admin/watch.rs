//! What the commands ask of the monitor: the one file that knows it.

pub use crate::monitor::{MonitorReport as Report, Sample};

use super::show::count;
use crate::bus::Name;
use crate::monitor::{Alert, AlertKind, HistoryPoint, Missing, Monitor, Severity, Unit};
use crate::objects::Pools;
use std::fmt;
use std::time::Duration;

/// What `history` shows: of each series its latest values.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct History {
    /// When it was asked for, by the monitor's clock.
    pub time: Duration,
    /// By name. Those that have a value in the time that was asked for.
    pub series: Vec<SeriesValues>,
}

/// A series in a [`History`].
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SeriesValues {
    /// Its name.
    pub name: Name,
    /// What its values are in.
    pub unit: Unit,
    /// Values of steps of time, oldest first: of five seconds in the last half hour, of five minutes before that.
    pub points: Vec<HistoryPoint>,
}

/// What `alerts` shows.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Alerts {
    /// What is so now that there were alerts for.
    pub now: Vec<Alert>,
    /// How many alerts were told, by kind, repeats and ends included.
    pub told: Vec<(AlertKind, u64)>,
}

/// What `health` shows.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Health {
    /// How bad the worst alert is that holds now; `None`: all is well.
    pub worst: Option<Severity>,
    /// How many alerts hold now.
    pub alerts: usize,
    /// How long ago the latest sample was taken; `None` if none was. What is old says little.
    pub age: Option<Duration>,
    /// What could not be had of it.
    pub missing: Vec<Missing>,
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.series.is_empty() {
            return f.write_str("no samples of that time\n");
        }
        for series in &self.series {
            writeln!(f, "{}", series.name)?;
            for point in &series.points {
                let ago = self.time.saturating_sub(point.time);
                let show = |value| series.unit.show(value);
                writeln!(
                    f,
                    "  {:>8.0?} ago  {:>12}  {} to {}",
                    ago,
                    show(point.last),
                    show(point.min),
                    show(point.max)
                )?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Alerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.now {
            [] => writeln!(f, "no alerts now")?,
            now => now.iter().try_for_each(|alert| writeln!(f, "{alert}"))?,
        }
        self.told.iter().try_for_each(|(kind, told)| writeln!(f, "{kind:<20} told {told}"))
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.worst {
            None => f.write_str("well")?,
            Some(worst) => write!(f, "{worst}: {}", count(self.alerts, "alert", "alerts"))?,
        }
        match self.age {
            None => writeln!(f, ", as far as is known: no sample was taken yet")?,
            Some(age) => writeln!(f, ", {:.0?} ago", age)?,
        }
        self.missing.iter().try_for_each(|missing| writeln!(f, "{} is not known: {}", missing.what, missing.why))
    }
}

/// What the commands ask of a monitor. Called under no lock; may panic.
pub(super) trait Watched: Send + Sync {
    /// What is measured now.
    fn sample(&self) -> Sample;

    /// What it makes of its measurements.
    fn report(&self) -> Report;

    /// The latest measurements: of so long ago at most (`None`: all that are kept), and so many of each series at most.
    fn history(&self, last: Option<Duration>, limit: usize) -> History;

    /// What is wrong, and was of late.
    fn alerts(&self) -> Alerts;

    /// Is all well?
    fn health(&self) -> Health;

    /// The pools that it watches.
    fn pools(&self) -> Pools;
}

impl Watched for Monitor {
    fn sample(&self) -> Sample {
        self.sample_now()
    }

    fn report(&self) -> Report {
        Monitor::report(self)
    }

    fn history(&self, last: Option<Duration>, limit: usize) -> History {
        let time = self.clock().now();
        let since = last.map_or(Duration::ZERO, |last| time.saturating_sub(last));
        let values = |name: Name| {
            let history = Monitor::history(self, &name)?;
            let recent = history.recent.first().map_or(Duration::MAX, |point| point.time);
            let before = history.day.into_iter().take_while(|point| point.time < recent);
            let mut points: Vec<_> = before.chain(history.recent).filter(|point| point.time >= since).collect();
            points.drain(..points.len().saturating_sub(limit));
            (!points.is_empty()).then_some(SeriesValues { name, unit: history.unit, points })
        };
        History { time, series: self.series().into_iter().filter_map(values).collect() }
    }

    fn alerts(&self) -> Alerts {
        let report = Monitor::report(self);
        Alerts { now: report.alerts, told: report.alerts_told }
    }

    fn health(&self) -> Health {
        let alerts = self.standing();
        let latest = self.latest();
        let age = latest.as_ref().map(|sample| self.clock().now().saturating_sub(sample.time));
        let missing = latest.map_or_else(Vec::new, |sample| sample.missing.clone());
        Health { worst: alerts.iter().map(|alert| alert.severity).max(), alerts: alerts.len(), age, missing }
    }

    fn pools(&self) -> Pools {
        Monitor::pools(self).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::{Admin, AdminError, Outcome, Policy, Role, Token};
    use crate::{Bus, ManualClock, Pool};

    /// A monitor whose memory is nearly used up, its clock, and what runs commands as a viewer.
    fn watched() -> (ManualClock, impl Fn(&str) -> Result<Outcome, AdminError>) {
        let (hand, token, pools) = (ManualClock::new(), Token::generate().unwrap(), Pools::new());
        let bus = Bus::builder().clock(hand.clock()).build().unwrap();
        let pool = Pool::builder(|| 0u8).name("sparks").registry(&pools).build().unwrap();
        let memory = hand.clone();
        let monitor = Monitor::builder().bus(&bus).pools(&pools).budget(1_000);
        let monitor = monitor.memory(move || Some(700 + memory.now().as_secs())).build().unwrap();
        let admin = Admin::new(&bus, &monitor, Policy::new().token("ann", Role::Viewer, &token)).unwrap();
        (hand, move |command: &str| {
            let (_bus, _pool) = (&bus, &pool);
            monitor.poll();
            admin.run(token.expose(), "here", command)
        })
    }

    #[test]
    fn what_the_monitor_knows_is_told() {
        let (hand, run) = watched();
        assert!(matches!(run("sample"), Ok(Outcome::Sample(sample)) if sample.resident_bytes == Some(700)));
        assert!(run("sample").unwrap().to_string().contains("resident_bytes                  700 B\n"));
        assert_eq!(run("health").unwrap().to_string().lines().next(), Some("well, 0ns ago"));
        for _ in 0..20 {
            hand.advance(Duration::from_secs(10));
            run("pools").unwrap();
        }
        let health = run("health").unwrap();
        assert!(matches!(&health, Outcome::Health(health) if health.worst == Some(Severity::Warning)), "{health}");
        assert!(health.to_string().starts_with("warning: 1 alert, "), "{health}");
        let alerts = run("alerts").unwrap().to_string();
        assert!(alerts.starts_with("warning: resident_bytes is 900 B, beyond 800 B of the budget"), "{alerts}");
        assert!(run("report").unwrap().to_string().contains("budget 1.0 kB"));
        assert!(matches!(run("pools"), Ok(Outcome::Pools(pools)) if pools.len() == 1 && &*pools[0].name == "sparks"));
    }

    #[test]
    fn history_is_cut_to_what_was_asked_for() {
        let (hand, run) = watched();
        for _ in 0..30 {
            hand.advance(Duration::from_secs(10));
            run("sample").unwrap();
        }
        let memory = |command: &str| match run(command) {
            Ok(Outcome::History(history)) => {
                history.series.into_iter().find(|series| &*series.name == "resident_bytes")
            }
            other => panic!("{other:?}"),
        };
        let all = memory("history").unwrap().points;
        assert_eq!((all.len(), all.last().unwrap().last), (31, 1_000.0));
        assert_eq!(memory("history limit=3").unwrap().points, all[28..]);
        let minute = memory("history 1m").unwrap().points;
        assert_eq!(minute.first().unwrap().time, Duration::from_secs(240));
        assert!(run("history 1m").unwrap().to_string().contains("  60s ago"), "{}", run("history 1m").unwrap());
    }
}
