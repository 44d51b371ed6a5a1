//! The monitor: samples of what there is, their history, and alerts.
//!
//! `look` takes a [`Sample`]; `tracks` keeps the [`history`] of its [`series`] and judges their [`trend`]s; `watch` makes alerts of
//! both, in the rhythm of `backoff`; `outbox` delivers them, to code of the user's, outside of all locks. `interval` says when the
//! next sample is due, `report` and `metrics` show it all. Further series (of queues, say) are added in [`Sample::each`].

mod alert;
mod backoff;
mod builder;
mod dispatch;
mod error;
mod gauges;
mod history;
mod interval;
mod log;
mod look;
#[cfg(feature = "metrics")]
mod metrics;
mod outbox;
mod places;
mod report;
mod sample;
mod series;
mod thread;
mod tracks;
mod trend;
mod watch;

pub use alert::{Alert, AlertKind, AlertPhase, Severity};
pub use builder::MonitorBuilder;
pub use dispatch::{DispatchFigures, DispatchTimer};
pub use error::MonitorError;
pub use gauges::Reading;
pub use history::{HistoryPoint, SeriesHistory};
#[cfg(feature = "metrics")]
pub use metrics::MonitorCollector;
pub use places::{GrowingPlace, Made};
pub use report::{MonitorReport, SeriesReport};
pub use sample::{BusSample, DomainSample, Missing, Sample, StandingPin};
pub use series::Unit;
pub use thread::MonitorThread;
pub use trend::Trend;

use crate::bus::{Alarm, Bus, Maintained, Name, WeakBus};
use crate::domain::Domain;
use crate::objects::Pools;
use crate::panics::drop_quietly;
use crate::signal::Signal;
use crate::sync::lock;
use crate::time::{Clock, HeartbeatControl, nanoseconds};
use gauges::{Gauges, Read, Turn};
use interval::{Interval, Mood, TENSE};
use outbox::Outbox;
use places::Places;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tracks::Tracks;
use watch::{Rules, Watch};

type Callback = Box<dyn Fn(&Alert) + Send + Sync>;
type Memory = Box<dyn Fn() -> Option<u64> + Send + Sync>;

/// Watches memory, and everything that the library holds; tells when something nears its limit, grows, or stands.
///
/// A `Monitor` is a handle; clones are the same monitor. It is driven by whoever calls [`poll`](Self::poll) or
/// [`maintain`](Self::maintain), a heartbeat say, from any thread, or by a [thread of its own](Self::spawn).
///
/// # What is promised
/// - No lock is held, and no other sample waits, while code of the user's runs: gauges, callbacks, slots. What of it panics is
///   counted, and hurts nobody. Of code that blocks, only the thread that called it is held up.
/// - Memory is bounded: at most 256 series, of at most 40 kB each.
/// - A sample costs 50 to 400 µs, most of it for trends (some four for each series, of 64 series at a time), besides what the
///   gauges take; its [`cost`](Sample::cost) is measured. A [`poll`](Self::poll) that is not due costs a look at the clock.
/// - A figure that cannot be had is `None`, and the sample says [why](Sample::missing).
///
/// An alert looks for the places in the source behind it, by a look at every connection: it costs more than a sample.
///
/// ```
/// use pulsebus::{Bus, Heartbeat, Monitor, Pools};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (bus, pools) = (Bus::new(), Pools::new());
/// let monitor = Monitor::builder()
///     .bus(&bus)
///     .pools(&pools)
///     .budget(500_000_000) // alerts at 400 and 480 MB
///     .count("entities", || 42)
///     .on_alert(|alert| eprintln!("{alert}"))
///     .build()?;
///
/// // Once per beat: samples when they are due, and whatever upkeep 200 µs allow.
/// let driven = monitor.clone();
/// let heartbeat = Heartbeat::at(60.0)?.on_maintain(Duration::from_micros(200), move |budget| {
///     driven.maintain(budget);
/// });
/// # drop(heartbeat);
///
/// print!("{}", monitor.report());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Monitor {
    shared: Arc<Shared>,
}

/// What a monitor is made of.
struct Parts {
    rules: Rules,
    shortest: Duration,
    bus: Option<WeakBus>,
    clock: Clock,
    domain: Option<Domain>,
    pools: Option<Pools>,
    heartbeat: Option<HeartbeatControl>,
    memory: Option<Memory>,
    gauges: Gauges,
    callbacks: Vec<Callback>,
}

struct Shared {
    rules: Rules,
    bus: Option<WeakBus>,
    clock: Clock,
    domain: Option<Domain>,
    pools: Option<Pools>,
    heartbeat: Option<HeartbeatControl>,
    memory: Option<Memory>,
    memory_turn: Turn,
    /// How often the memory source has panicked.
    memory_panics: AtomicU64,
    gauges: Gauges,
    dispatch: DispatchTimer,
    /// When the next sample is due: nanoseconds.
    due: AtomicU64,
    state: Mutex<State>,
    outbox: Outbox,
    /// Wakes the threads.
    alarm: Arc<Alarm>,
}

/// What the samples leave. No foreign code runs under its lock.
struct State {
    tracks: Tracks,
    watch: Watch,
    interval: Interval,
    latest: Option<Arc<Sample>>,
    costs: Costs,
    pin: look::PinSeen,
}

/// What samples have cost.
#[derive(Debug, Clone, Copy, Default)]
struct Costs {
    samples: u64,
    sum: Duration,
    highest: Duration,
}

/// What [`Monitor::maintain`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MonitorMaintained {
    /// Was a sample due, and taken?
    pub sampled: bool,
    /// What the bus did; `None` if there is none.
    pub bus: Option<Maintained>,
    /// Pooled objects that were made or dropped to fit what is needed.
    pub resized: usize,
}

impl Monitor {
    /// Says what is to be watched.
    pub fn builder() -> MonitorBuilder {
        MonitorBuilder::new()
    }

    fn of(parts: Parts) -> Self {
        let Parts { rules, shortest, bus, clock, domain, pools, heartbeat, memory, gauges, callbacks } = parts;
        let state = State {
            tracks: Tracks::default(),
            watch: Watch::default(),
            interval: Interval::new(shortest, rules.spacing),
            latest: None,
            costs: Costs::default(),
            pin: look::PinSeen::default(),
        };
        let shared = Shared {
            rules,
            bus,
            clock,
            domain,
            pools,
            heartbeat,
            memory,
            memory_turn: Turn::default(),
            memory_panics: AtomicU64::new(0),
            gauges,
            dispatch: DispatchTimer::new(),
            due: AtomicU64::new(0),
            state: Mutex::new(state),
            outbox: Outbox::new(callbacks),
            alarm: Arc::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Takes a sample, if one is due, and tells what there is to tell. Was one taken?
    ///
    /// Of several threads that call it, one takes the sample. If none is due, it costs a look at the clock.
    pub fn poll(&self) -> bool {
        let shared = &*self.shared;
        let now = shared.clock.coarse();
        // Relaxed, here and below: it is a time, and what belongs to it is behind the lock.
        let due = shared.due.load(Relaxed);
        if now < due {
            return false;
        }
        // So that no other thread takes it as well; and should this one get stuck in a gauge, another one takes the next.
        let claimed = now.saturating_add(nanoseconds(shared.shortest()));
        if shared.due.compare_exchange(due, claimed, Relaxed, Relaxed).is_err() {
            return false;
        }
        shared.sample();
        true
    }

    /// Takes a sample now, and tells what there is to tell. The next one is due an interval later.
    pub fn sample_now(&self) -> Sample {
        Sample::clone(&self.shared.sample())
    }

    /// The latest sample; `None` before the first one.
    pub fn latest(&self) -> Option<Arc<Sample>> {
        self.shared.state().latest.clone()
    }

    /// [Polls](Self::poll), and does what upkeep the budget allows: [maintains](Bus::maintain) the bus (timers, stale
    /// connections, reclamation), and resizes the [pools](Pools::maintain). Made for each tick of a server. Timers run, and a
    /// sample that is due is taken, whatever the budget.
    pub fn maintain(&self, budget: Duration) -> MonitorMaintained {
        let shared = &*self.shared;
        let deadline = Instant::now().checked_add(budget);
        let left = || deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
        let bus = shared.upgrade();
        let maintained = bus.as_ref().map(|bus| bus.maintain(budget));
        let bus_domain = bus.as_ref().map(Bus::domain);
        match shared.watched_domain(bus.as_ref()).filter(|domain| Some(domain) != bus_domain) {
            // Also what domains that have ended left behind.
            Some(domain) if domain == Domain::global() => drop(crate::maintain(left())),
            Some(domain) => drop(domain.maintain(left())),
            None => {}
        }
        shared.outbox.domain().maintain(left());
        // (Dropping the last handle of a pool would drop objects of the user's.)
        let resized = shared.pools.as_ref().map_or(0, |pools| look::guarded(|| pools.maintain(left())).unwrap_or(0));
        drop(bus);
        MonitorMaintained { sampled: self.poll(), bus: maintained, resized }
    }

    /// Emitted with each alert, on the thread that took the sample (or one that was delivering then), when it has released all
    /// locks. In a domain of its own, so that slots that block hold up nothing else. A slot that captures the monitor keeps it,
    /// until it is disconnected. What is promised of [callbacks](MonitorBuilder::on_alert) holds for its slots.
    ///
    /// ```
    /// use pulsebus::{Monitor, Severity};
    ///
    /// let monitor = Monitor::builder().memory(|| Some(490)).budget(500).build()?;
    /// let told = monitor.alerts().connect(|alert| assert_eq!(alert.severity, Severity::Critical));
    /// monitor.poll();
    /// # assert_eq!(told.panics(), Some(0));
    /// # Ok::<(), pulsebus::MonitorError>(())
    /// ```
    pub fn alerts(&self) -> &Signal<Alert> {
        self.shared.outbox.signal()
    }

    /// Has a number of the user's in each sample, as a series of that name, until it is [removed](Self::remove).
    ///
    /// It is asked on the thread that takes the sample, outside of all locks. If it panics, or another thread is still inside of
    /// it, there is no value, and the sample says so. (Whatever it takes is part of the sample's cost.)
    ///
    /// # Errors
    /// If there is one of that name, or the name cannot be one, or there are 128 gauges.
    ///
    /// ```
    /// use pulsebus::Monitor;
    ///
    /// let monitor = Monitor::builder().build()?;
    /// monitor.count("entities", || 42)?;
    /// assert_eq!(monitor.sample_now().value("entities"), Some(42.0));
    /// assert!(monitor.remove("entities"));
    /// # Ok::<(), pulsebus::MonitorError>(())
    /// ```
    pub fn count(
        &self,
        name: impl Into<Name>,
        count: impl Fn() -> usize + Send + Sync + 'static,
    ) -> Result<(), MonitorError> {
        self.gauge(name, move || count() as f64)
    }

    /// The same for a figure that is no number of things. (For alerts of growth, it counts like one: twenty is little.)
    ///
    /// # Errors
    /// As for [`count`](Self::count).
    pub fn gauge(
        &self,
        name: impl Into<Name>,
        value: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Result<(), MonitorError> {
        let read: Read = Box::new(value);
        self.shared.gauges.add(name.into(), read)
    }

    /// Removes a gauge of the user's, and its history. Was there one of that name?
    pub fn remove(&self, name: &str) -> bool {
        let was_there = self.shared.gauges.remove(name);
        if was_there {
            self.shared.state().tracks.remove(name);
        }
        was_there
    }

    /// What a series was: a half hour in steps of five seconds, and a day in steps of five minutes. `None` if there is no such
    /// series.
    pub fn history(&self, series: &str) -> Option<SeriesHistory> {
        self.shared.state().tracks.get(series).map(history::Track::history)
    }

    /// What times emissions, for the histogram in the metrics and the report.
    pub fn dispatch(&self) -> DispatchTimer {
        self.shared.dispatch.clone()
    }

    /// When the next sample is due, by the monitor's clock. (The past, if nobody polls.)
    pub fn next_sample(&self) -> Duration {
        Duration::from_nanos(self.shared.due.load(Relaxed))
    }

    /// What is so now that there were alerts for, without places.
    pub fn standing(&self) -> Vec<Alert> {
        let state = self.shared.state();
        state.watch.active(self.shared.clock.now(), &state.tracks)
    }

    /// The names of all series that there are.
    pub fn series(&self) -> Vec<Name> {
        self.shared.state().tracks.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The pools that it watches.
    pub fn pools(&self) -> Option<&Pools> {
        self.shared.pools.as_ref()
    }

    /// The clock that it goes by.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn upgrade(&self) -> Option<Bus> {
        self.bus.as_ref()?.upgrade()
    }

    fn shortest(&self) -> Duration {
        self.state().interval.shortest()
    }

    /// The domain that was said; that of the bus, even if there is no bus any more; or the global one.
    fn watched_domain(&self, bus: Option<&Bus>) -> Option<Domain> {
        match (&self.domain, bus) {
            (Some(domain), _) => Some(domain.clone()),
            (None, Some(bus)) => Some(bus.domain().clone()),
            (None, None) if self.bus.is_some() => None,
            (None, None) => Some(Domain::global()),
        }
    }

    /// Looks, notes, judges, and tells.
    fn sample(&self) -> Arc<Sample> {
        let start = Instant::now();
        let removed = self.gauges.removed();
        let mut sample = self.look();
        let mut state = self.state();
        // Under the lock, which whoever removes a gauge takes afterwards: its history must not come back.
        if self.gauges.removed() != removed {
            sample.gauges.retain(|reading| self.gauges.has(&reading.name));
        }
        let (sample, alerts) = self.note(&mut state, sample, start);
        drop(state);
        if !alerts.is_empty() {
            let places = self.places(Some(&sample));
            for mut alert in alerts {
                if alert.phase != AlertPhase::Over {
                    alert.places = places.behind(&alert.series);
                }
                self.outbox.put(alert);
            }
        }
        // Also what another thread has left.
        self.outbox.deliver();
        sample
    }

    fn note(&self, state: &mut State, mut sample: Sample, start: Instant) -> (Arc<Sample>, Vec<Alert>) {
        // A sample that was overtaken, because a gauge took its time, is no news.
        let is_new = state.latest.as_ref().is_none_or(|latest| latest.time <= sample.time);
        let mut alerts = Vec::new();
        if is_new {
            let moves = state.tracks.add(&sample);
            state.tracks.judge(sample.time, |unit| self.rules.growth(unit));
            alerts = state.watch.judge(&sample, &state.tracks, &self.rules);
            let mood = self.mood(&sample, state, moves);
            let pause = state.interval.next(mood);
            let due = nanoseconds(sample.time.saturating_add(pause));
            if due < self.due.swap(due, Relaxed) {
                // A thread that drives the monitor sleeps until it was due before.
                self.alarm.ring();
            }
        }
        sample.cost = start.elapsed();
        let Costs { samples, sum, highest } = &mut state.costs;
        (*samples, *sum, *highest) = (*samples + 1, *sum + sample.cost, sample.cost.max(*highest));
        let sample = Arc::new(sample);
        if is_new {
            // (Nothing of the user's is in the one before.)
            state.latest = Some(Arc::clone(&sample));
        }
        (sample, alerts)
    }

    fn mood(&self, sample: &Sample, state: &State, moves: bool) -> Mood {
        let budget = self.rules.budget.map_or(f64::INFINITY, |budget| budget as f64);
        let is_near = Rules::memory(sample).is_some_and(|(_, bytes)| bytes >= budget * TENSE);
        let grows = state.tracks.iter().any(|(_, track)| track.growing_since.is_some());
        match () {
            () if is_near || grows || !state.watch.is_calm() => Mood::Tense,
            () if moves => Mood::Lively,
            () => Mood::Calm,
        }
    }

    /// Finds the places in the source behind series, as of a sample.
    fn places(&self, sample: Option<&Sample>) -> Places {
        let pin = sample.and_then(|sample| sample.domain.as_ref()?.oldest_pin);
        Places::new(self.upgrade(), self.pools.clone(), pin)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _ = drop_quietly(self.memory.take());
        self.alarm.ring();
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let samples = self.shared.state().costs.samples;
        f.debug_struct("Monitor")
            .field("samples", &samples)
            .field("next_sample", &self.next_sample())
            .finish_non_exhaustive()
    }
}
