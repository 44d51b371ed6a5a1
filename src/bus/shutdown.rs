//! Shutting down: services in reverse order, then everything that is left, and a report of what that was.

use super::Bus;
use super::audit::connections;
use super::details::{Detail, Filter};
use super::inner::Inner;
use super::key::Name;
use super::reason::EndReason;
use super::registry::Group;
use crate::connection::{WaitError, wait_for_pins};
use crate::domain::DomainCore;
use crate::sync::pause;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::ptr;
use std::time::{Duration, Instant};

/// What was there at the end; from [`Bus::shutdown`].
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ShutdownReport {
    /// The services, in the order in which they were stopped, and how many connections each had. Last those that connections
    /// only [name](crate::Connect::service), and that were never registered.
    pub services: Vec<(Name, usize)>,
    /// Services that somebody else was stopping, and which had not done so in time. A service whose own stopping shuts the bus
    /// down is one of them.
    pub stopping: Vec<Name>,
    /// Connections that no service had, by the place that made them, most first: what nobody cleaned up.
    pub left: Vec<LeftBehind>,
    /// Callbacks that panicked meanwhile.
    pub errors: u64,
    /// Did all slots that were running return in time? If not, one may be running still.
    pub quiet: Result<(), WaitError>,
    /// How long it took.
    pub took: Duration,
}

/// Connections of one place in the source that were left at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LeftBehind {
    /// Where they were made: file, line and column.
    pub place: String,
    /// How many.
    pub count: usize,
    /// How many of them belonged to an owner.
    pub owned: usize,
}

/// The bus was shut down before: by whoever got the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlreadyShutDown;

impl fmt::Display for AlreadyShutDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bus was shut down before; the first call has the report")
    }
}

impl std::error::Error for AlreadyShutDown {}

impl Bus {
    /// Ends the bus: refuses every new connection from now on, stops the services in reverse order of their registration (what
    /// they do [on shutdown](crate::Service::on_shutdown), then their connections), ends whatever else there is, and waits,
    /// `timeout` at most, until none of those slots is running any more: for all emissions that are under way in the domains of
    /// their signals.
    ///
    /// Signals, topics and bare connections stay as they are. Called inside an emission it does not wait, and says so.
    ///
    /// # Errors
    /// The second time.
    ///
    /// ```
    /// use pulsebus::{Bus, ConnectError, Signal};
    /// use std::time::Duration;
    ///
    /// let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    /// bus.service("Quest").connect(&signal).slot(|_| {})?;
    /// bus.connect(&signal).owner(7).slot(|_| {})?; // nobody sees to it that player 7 leaves
    ///
    /// let report = bus.shutdown(Duration::from_secs(1)).expect("the first time");
    /// assert_eq!(report.left[0].count, 1);
    /// print!("{report}");
    /// assert_eq!(bus.connect(&signal).slot(|_| {}), Err(ConnectError::ShutDown));
    /// assert!(bus.shutdown(Duration::ZERO).is_err());
    /// # Ok::<(), ConnectError>(())
    /// ```
    pub fn shutdown(&self, timeout: Duration) -> Result<ShutdownReport, AlreadyShutDown> {
        let start = Instant::now();
        let inner = &self.inner;
        let was_closed = inner.with(|registry, _| std::mem::replace(&mut registry.closed, true));
        if was_closed {
            return Err(AlreadyShutDown);
        }
        let (errors_before, domains) = (inner.errors(), domains(inner));
        let mut services = Vec::new();
        let mut stopping = Vec::new();
        while let Some(service) = inner.services.last(self) {
            services.push((service.name().clone(), service.stop()));
            // (Unless somebody else is just stopping it, it has done so itself.)
            service.forget();
            if !service.has_stopped() {
                stopping.push(service);
            }
        }
        // Those that connections only name, and nobody registered.
        for (name, _, _) in inner.look(|registry| registry.services()) {
            let count = self.cleanup_service(&name);
            services.push((name, count));
        }
        // What is stale would have gone by itself.
        inner.sweep(true);
        let left = left_behind(self.details(&Filter::new()));
        inner.end(&Group::All, EndReason::Shutdown);
        inner.drop_cancelled();
        let wait = |domain| wait_for_pins(Some(domain), timeout.saturating_sub(start.elapsed()));
        let quiet = domains.into_iter().try_for_each(wait);
        let mut rounds = 0;
        while stopping.iter().any(|service| !service.has_stopped()) && start.elapsed() < timeout {
            pause(&mut rounds);
        }
        stopping.retain(|service| !service.has_stopped());
        let stopping = stopping.iter().map(|service| service.name().clone()).collect();
        Ok(ShutdownReport {
            services,
            stopping,
            left,
            errors: inner.errors() - errors_before,
            quiet,
            took: start.elapsed(),
        })
    }

    /// Was it shut down?
    pub fn is_shut_down(&self) -> bool {
        self.inner.look(|registry| registry.closed)
    }
}

/// The domains in which slots may be running.
fn domains(inner: &Inner) -> Vec<&'static DomainCore> {
    let mut domains = vec![inner.domain.core()];
    inner.each_page(|registry, page, _| {
        for domain in registry.look(page).filter_map(|seen| seen.record.connection.domain()) {
            if !domains.iter().any(|known| ptr::eq(*known, domain)) {
                domains.push(domain);
            }
        }
    });
    domains
}

fn left_behind(details: Vec<Detail>) -> Vec<LeftBehind> {
    let mut places: BTreeMap<&'static Location<'static>, (usize, usize)> = BTreeMap::new();
    for detail in details {
        let (count, owned) = places.entry(detail.place).or_default();
        *count += 1;
        *owned += usize::from(detail.owner.is_some());
    }
    let mut left: Vec<_> = places
        .into_iter()
        .map(|(place, (count, owned))| LeftBehind { place: place.to_string(), count, owned })
        .collect();
    left.sort_by_key(|left| std::cmp::Reverse(left.count));
    left
}

impl ShutdownReport {
    /// Was nothing left, did nothing panic, and is nothing running any more?
    pub fn is_clean(&self) -> bool {
        self.left.is_empty() && self.stopping.is_empty() && self.errors == 0 && self.quiet.is_ok()
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clean = if self.is_clean() { "clean" } else { "not clean" };
        writeln!(f, "shut down in {:.1} ms: {clean}", self.took.as_secs_f64() * 1e3)?;
        for (name, count) in &self.services {
            writeln!(f, "  service {name} stopped, {}", connections(*count))?;
        }
        for name in &self.stopping {
            writeln!(f, "  service {name} is being stopped by somebody else")?;
        }
        for left in &self.left {
            writeln!(f, "  left: {}, {} of owners, made at {}", connections(left.count), left.owned, left.place)?;
        }
        if self.errors > 0 {
            writeln!(f, "  callbacks that panicked: {}", self.errors)?;
        }
        if let Err(error) = self.quiet {
            writeln!(f, "  slots may be running still: {error}")?;
        }
        Ok(())
    }
}
