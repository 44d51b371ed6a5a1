//! Everything that the monitor knows, for a reader.

use super::Monitor;
use super::alert::{Alert, AlertKind};
use super::dispatch::DispatchFigures;
use super::history::Track;
use super::places::GrowingPlace;
use super::sample::Sample;
use super::series::{self, Unit};
use super::trend::Trend;
use crate::bus::Name;
use crate::objects::PoolLeak;
use crate::time::HeartbeatFigures;
use std::fmt;
use std::time::Duration;

/// Everything that a [`Monitor`] knows; from [`Monitor::report`]. It prints as text of several lines.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MonitorReport {
    /// When it was made, by the monitor's clock.
    pub time: Duration,
    /// How many bytes there may be in memory.
    pub budget: Option<u64>,
    /// The latest sample; `None` if none was taken yet.
    pub latest: Option<Sample>,
    /// All series, by name.
    pub series: Vec<SeriesReport>,
    /// What is so now that there were alerts for.
    pub alerts: Vec<Alert>,
    /// How many alerts were told, by kind, repeats and ends included.
    pub alerts_told: Vec<(AlertKind, u64)>,
    /// The places in the source that connections come from, those first that have grown the most.
    pub places: Vec<GrowingPlace>,
    /// What has been out of pools for more than a minute.
    pub pool_leaks: Vec<PoolLeak>,
    /// The figures of the heartbeat, if the monitor was given one.
    pub heartbeat: Option<HeartbeatFigures>,
    /// How long emissions take, if any were [timed](Monitor::dispatch).
    pub dispatch: Option<DispatchFigures>,
    /// How many samples were taken.
    pub samples: u64,
    /// What a sample has cost on average.
    pub mean_cost: Duration,
    /// What the dearest sample has cost.
    pub highest_cost: Duration,
    /// The time between samples, as it is now.
    pub interval: Duration,
    /// Alerts that were never told, because one before them did not get through.
    pub alerts_dropped: u64,
    /// Callbacks for alerts that panicked.
    pub callback_panics: u64,
    /// Gauges and memory sources that panicked.
    pub gauge_panics: u64,
}

/// One series; in [`MonitorReport::series`].
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SeriesReport {
    /// Its name.
    pub name: Name,
    /// What its values are in.
    pub unit: Unit,
    /// The latest value.
    pub latest: f64,
    /// When that was.
    pub time: Duration,
    /// The lowest and the highest value of the last half hour.
    pub recent: (f64, f64),
    /// The lowest and the highest value of the last day.
    pub day: (f64, f64),
    /// How it moves; `None` if there is not enough of it to say.
    pub trend: Option<Trend>,
}

/// What has been out of a pool for so long is told.
const OUT: Duration = Duration::from_secs(60);

impl Monitor {
    /// Everything that is known. Takes no sample, but looks at every connection for where it comes from.
    pub fn report(&self) -> MonitorReport {
        let shared = &*self.shared;
        let time = shared.clock.now();
        let state = shared.state();
        let (latest, costs, interval) = (state.latest.clone(), state.costs, state.interval.now());
        let alerts = state.watch.active(time, &state.tracks);
        let alerts_told = state.watch.told().collect();
        let series = state.tracks.iter().filter_map(|(name, track)| SeriesReport::of(name, track)).collect();
        drop(state);
        let places = shared.places(latest.as_deref());
        let with_places = |mut alert: Alert| {
            alert.places = places.behind(&alert.series);
            alert
        };
        let (alerts_dropped, callback_panics) = shared.outbox.failures();
        MonitorReport {
            time,
            budget: shared.rules.budget,
            series,
            alerts: alerts.into_iter().map(with_places).collect(),
            alerts_told,
            places: places.behind(series::CONNECTIONS),
            pool_leaks: places.leaks(OUT),
            heartbeat: shared.heartbeat.as_ref().map(crate::HeartbeatControl::figures),
            dispatch: Some(shared.dispatch.figures()).filter(|figures| figures.count > 0),
            samples: costs.samples,
            mean_cost: costs.sum.checked_div(u32::try_from(costs.samples).unwrap_or(u32::MAX)).unwrap_or_default(),
            highest_cost: costs.highest,
            interval,
            alerts_dropped,
            callback_panics,
            gauge_panics: shared.gauge_panics(),
            latest: latest.map(|sample| Sample::clone(&sample)),
        }
    }
}

impl SeriesReport {
    fn of(name: &Name, track: &Track) -> Option<Self> {
        let (time, latest) = track.latest?;
        let (recent, day) = track.ranges()?;
        Some(Self { name: name.clone(), unit: track.unit, latest, time, recent, day, trend: track.trend })
    }
}

impl fmt::Display for SeriesReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value| self.unit.show(value).to_string();
        let range = |(low, high)| format!("{} to {}", show(low), show(high));
        write!(f, "{:<24} {:>12}  {:<26}", self.name, show(self.latest), range(self.recent))?;
        match self.trend {
            Some(trend) => write!(f, " {trend}"),
            None => f.write_str(" too little to judge"),
        }
    }
}

impl fmt::Display for MonitorReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { samples, interval, mean_cost, highest_cost, .. } = self;
        writeln!(f, "{samples} samples, every {interval:.1?} now, {mean_cost:.1?} each, {highest_cost:.1?} at most")?;
        if let Some(budget) = self.budget {
            writeln!(f, "budget {}", Unit::Bytes.show(budget as f64))?;
        }
        if !self.series.is_empty() {
            writeln!(f, "\n{:<24} {:>12}  {:<26} trend", "series", "now", "in the last half hour")?;
            self.series.iter().try_for_each(|series| writeln!(f, "{}", series.to_string().trim_end()))?;
        }
        let sample = self.latest.iter();
        for missing in sample.clone().flat_map(|sample| &sample.missing) {
            writeln!(f, "{:<24} not known: {}", missing.what, missing.why)?;
        }
        for pool in sample.flat_map(|sample| &sample.pools) {
            writeln!(f, "{pool}")?;
        }
        if let Some(heartbeat) = &self.heartbeat {
            let ms = |nanoseconds: u64| nanoseconds as f64 / 1e6;
            let (p50, p99, max) = (ms(heartbeat.work.p50), ms(heartbeat.work.p99), ms(heartbeat.work.max));
            let (beats, skipped) = (heartbeat.beats, heartbeat.skipped);
            writeln!(
                f,
                "\nheartbeat: {beats} beats, {skipped} skipped, half in {p50:.2} ms, 99 % in {p99:.2} ms, at most {max:.2} ms"
            )?;
        }
        if let Some(dispatch) = &self.dispatch {
            let mean = dispatch.sum.as_nanos() / u128::from(dispatch.count.max(1));
            writeln!(f, "dispatch: {} timed, {mean} ns on average", dispatch.count)?;
        }
        if !self.places.is_empty() {
            writeln!(f, "\nwhere connections come from")?;
            self.places.iter().try_for_each(|place| writeln!(f, "  {place}"))?;
        }
        self.pool_leaks.iter().try_for_each(|leak| writeln!(f, "  {leak}"))?;
        for (count, what) in [
            (self.alerts_dropped, "alerts were never told"),
            (self.callback_panics, "callbacks panicked"),
            (self.gauge_panics, "gauges panicked"),
        ] {
            if count > 0 {
                writeln!(f, "{what}: {count}")?;
            }
        }
        match self.alerts.len() {
            0 => writeln!(f, "\nno alerts"),
            count => {
                writeln!(f, "\nalerts: {count}")?;
                self.alerts.iter().try_for_each(|alert| writeln!(f, "{alert}"))
            }
        }
    }
}
