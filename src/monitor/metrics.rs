//! Everything for Prometheus, in its conventions: base units as suffixes, `_total` for what only grows. Labels are bounded: kinds,
//! pools and gauges have at most so many values, owners are none.

use super::alert::{AlertKind, Severity};
use super::sample::{BusSample, DomainSample, POOLS, Sample};
use super::{Monitor, Shared, series};
use crate::bus::Kind;
use crate::objects::PoolFigures;
use crate::time::HeartbeatFigures;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The figures of a [`Monitor`] for a registry of `prometheus-client` that a server has already; from [`Monitor::collector`]. It
/// does not keep the monitor.
///
/// ```
/// use prometheus_client::registry::Registry;
/// use pulsebus::Monitor;
///
/// let monitor = Monitor::builder().build()?;
/// let mut registry = Registry::default();
/// registry.register_collector(Box::new(monitor.collector()));
/// # Ok::<(), pulsebus::MonitorError>(())
/// ```
#[derive(Clone)]
pub struct MonitorCollector(Weak<Shared>);

/// So many kinds of the user's own have a label.
const KINDS: usize = 32;
/// The label of whatever is beyond the bounds.
const OTHERS: &str = "(others)";

impl Monitor {
    /// All figures as OpenMetrics text, as of the latest sample: what an HTTP server answers Prometheus with. (Its content type
    /// is `application/openmetrics-text; version=1.0.0; charset=utf-8`.)
    ///
    /// ```
    /// use pulsebus::{Bus, Monitor};
    ///
    /// let bus = Bus::new();
    /// let monitor = Monitor::builder().bus(&bus).count("entities", || 42).build()?;
    /// monitor.poll();
    /// let text = monitor.open_metrics();
    /// assert!(text.contains("pulsebus_gauge{name=\"entities\"} 42.0") && text.ends_with("# EOF\n"));
    /// # Ok::<(), pulsebus::MonitorError>(())
    /// ```
    pub fn open_metrics(&self) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self.collector()));
        let mut text = String::new();
        let encoded = prometheus_client::encoding::text::encode(&mut text, &registry);
        encoded.expect("a string takes everything");
        text
    }

    /// The same for a registry that there is already.
    pub fn collector(&self) -> MonitorCollector {
        MonitorCollector(Arc::downgrade(&self.shared))
    }
}

impl fmt::Debug for MonitorCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MonitorCollector").finish_non_exhaustive()
    }
}

impl Collector for MonitorCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(shared) = self.0.upgrade() else { return Ok(()) };
        let monitor = Monitor { shared };
        monitor.write(&mut Writer(encoder))
    }
}

/// Writes one metric after another.
struct Writer<'a>(DescriptorEncoder<'a>);

/// What there is one value of.
type Row = (&'static str, &'static str, Option<Unit>, f64);
/// What there is one value of, and only grows.
type Total = (&'static str, &'static str, Option<Unit>, u64);

impl Writer<'_> {
    fn begin(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        kind: MetricType,
        f: impl FnOnce(MetricEncoder<'_>) -> fmt::Result,
    ) -> fmt::Result {
        let name = format!("pulsebus_{name}");
        f(self.0.encode_descriptor(&name, help, unit, kind)?)
    }

    fn gauges(&mut self, rows: impl IntoIterator<Item = Row>) -> fmt::Result {
        rows.into_iter().try_for_each(|(name, help, unit, value)| {
            self.begin(name, help, unit.as_ref(), MetricType::Gauge, |mut metric| metric.encode_gauge(&value))
        })
    }

    fn totals(&mut self, rows: impl IntoIterator<Item = Total>) -> fmt::Result {
        rows.into_iter().try_for_each(|(name, help, unit, value)| {
            self.begin(name, help, unit.as_ref(), MetricType::Counter, |mut metric| {
                metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
            })
        })
    }

    /// Values by label. Nothing, if there is none.
    fn family<L: EncodeLabelSet>(
        &mut self,
        (name, help, unit): (&str, &str, Option<Unit>),
        values: &[(L, f64)],
    ) -> fmt::Result {
        if values.is_empty() {
            return Ok(());
        }
        self.begin(name, help, unit.as_ref(), MetricType::Gauge, |mut metric| {
            values.iter().try_for_each(|(labels, value)| metric.encode_family(labels)?.encode_gauge(value))
        })
    }

    /// The same of what only grows.
    fn family_of_totals<L: EncodeLabelSet>(&mut self, (name, help): (&str, &str), values: &[(L, u64)]) -> fmt::Result {
        if values.is_empty() {
            return Ok(());
        }
        self.begin(name, help, None, MetricType::Counter, |mut metric| {
            values.iter().try_for_each(|(labels, value)| {
                metric.encode_family(labels)?.encode_counter::<NoLabelSet, _, u64>(value, None)
            })
        })
    }
}

impl Monitor {
    fn write(&self, to: &mut Writer<'_>) -> fmt::Result {
        let shared = &*self.shared;
        let state = shared.state();
        let (latest, costs, interval) = (state.latest.clone(), state.costs, state.interval.now());
        let mut active = BTreeMap::<(AlertKind, String), f64>::new();
        for alert in state.watch.active(shared.clock.now(), &state.tracks) {
            // There may be any number of pools, but not of labels.
            let is_other = series::pool_of(&alert.series).is_some() && state.tracks.get(&alert.series).is_none();
            let name = if is_other { series::OTHER_POOLS.into() } else { alert.series.to_string() };
            let severity = if alert.severity == Severity::Critical { 2.0 } else { 1.0 };
            let worst = active.entry((alert.kind, name)).or_insert(severity);
            *worst = worst.max(severity);
        }
        let told: Vec<(AlertKind, u64)> = state.watch.told().collect();
        let trends: Vec<(String, f64)> = state
            .tracks
            .iter()
            .filter_map(|(name, track)| Some((name.to_string(), track.trend?.per_hour / 3600.0)))
            .collect();
        drop(state);
        if let Some(budget) = shared.rules.budget {
            let help = "Bytes that the program may have in memory.";
            to.gauges([("memory_budget", help, Some(Unit::Bytes), budget as f64)])?;
        }
        if let Some(sample) = &latest {
            write_sample(to, sample)?;
        }
        let trends: Vec<_> = trends.iter().map(|(name, slope)| ([("series", name.as_str())], *slope)).collect();
        to.family(("trend_per_second", "How each series moves: the slope of its lower envelope.", None), &trends)?;
        let active: Vec<_> = active
            .iter()
            .map(|((kind, series), severity)| ([("kind", kind.as_str()), ("series", series.as_str())], *severity))
            .collect();
        to.family(("alert_severity", "What is so now: 1 is a warning, 2 is critical.", None), &active)?;
        let told: Vec<_> = told.iter().map(|(kind, count)| ([("kind", kind.as_str())], *count)).collect();
        to.family_of_totals(("alerts", "Alerts that were told, repeats and ends included."), &told)?;
        let (dropped, panics) = shared.outbox.failures();
        to.totals([
            (
                "alerts_dropped",
                "Alerts that were never told, because one before them did not get through.",
                None,
                dropped,
            ),
            ("alert_callback_panics", "Callbacks for alerts that panicked.", None, panics),
            ("gauge_panics", "Gauges and memory sources that panicked.", None, shared.gauge_panics()),
            ("samples", "Samples that were taken.", None, costs.samples),
        ])?;
        to.gauges([
            ("sample_interval", "The time to the next sample.", Some(Unit::Seconds), interval.as_secs_f64()),
            ("sample_cost_max", "What the dearest sample has cost.", Some(Unit::Seconds), costs.highest.as_secs_f64()),
        ])?;
        if let Some(heartbeat) = &shared.heartbeat {
            write_heartbeat(to, &heartbeat.figures())?;
        }
        self.write_dispatch(to)
    }

    fn write_dispatch(&self, to: &mut Writer<'_>) -> fmt::Result {
        let figures = self.dispatch().figures();
        let bound = |bound: Option<Duration>| bound.map_or(f64::INFINITY, |bound| bound.as_secs_f64());
        let buckets: Vec<(f64, u64)> = figures.buckets.iter().map(|(limit, count)| (bound(*limit), *count)).collect();
        let (sum, count, help) =
            (figures.sum.as_secs_f64(), figures.count, "How long the emissions took that were timed.");
        to.begin("dispatch", help, Some(&Unit::Seconds), MetricType::Histogram, |mut metric| {
            metric.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
        })
    }
}

fn write_sample(to: &mut Writer<'_>, sample: &Sample) -> fmt::Result {
    let seconds = sample.cost.as_secs_f64();
    to.gauges([("sample_cost", "What the latest sample has cost.", Some(Unit::Seconds), seconds)])?;
    if let Some(bytes) = sample.resident_bytes {
        to.gauges([("resident_memory", "The resident set of the process.", Some(Unit::Bytes), bytes as f64)])?;
    }
    if let Some(heap) = sample.heap {
        to.gauges([("heap_live", "Bytes on the heap.", Some(Unit::Bytes), heap.live_bytes as f64)])?;
        to.totals([
            ("heap_allocated", "Bytes that were ever asked for.", Some(Unit::Bytes), heap.allocated_bytes),
            ("heap_allocations", "Allocations and reallocations.", None, heap.calls),
            ("heap_frees", "Deallocations and reallocations.", None, heap.frees),
        ])?;
    }
    if let Some(bus) = &sample.bus {
        write_bus(to, bus)?;
    }
    if let Some(domain) = &sample.domain {
        write_domain(to, domain)?;
    }
    write_pools(to, &sample.pools)?;
    let value = |reading: &super::Reading| Some(([("name", reading.name.to_string())], reading.value?));
    let gauges: Vec<_> = sample.gauges.iter().filter_map(value).collect();
    to.family(("gauge", "Figures of the user's, by name.", None), &gauges)
}

fn write_bus(to: &mut Writer<'_>, bus: &BusSample) -> fmt::Result {
    let mut kinds = BTreeMap::<&str, f64>::new();
    let mut own = 0;
    for (kind, count) in &bus.kinds {
        own += usize::from(matches!(kind, Kind::Custom(_)));
        let label = if own > KINDS { OTHERS } else { kind.as_str() };
        *kinds.entry(label).or_default() += *count as f64;
    }
    let kinds: Vec<_> = kinds.into_iter().map(|(kind, count)| ([("kind", kind)], count)).collect();
    to.family(("connections", "Connections that there are, by kind.", None), &kinds)?;
    if let Some(limit) = bus.limit {
        to.gauges([("connections_limit", "Connections that there may be.", None, limit as f64)])?;
    }
    to.gauges([
        ("connections_peak", "The most connections that there were at a time.", None, bus.peak as f64),
        ("timers", "What waits for its time.", None, bus.timers as f64),
    ])?;
    to.totals([
        ("connections_made", "Connections that were made.", None, bus.made),
        ("connections_ended", "Connections that ended.", None, bus.ended),
        ("connections_rejected", "Connections that were refused because of a limit.", None, bus.rejected),
        ("connections_over_limit", "Connections that were made although a limit was reached.", None, bus.over_limit),
        ("bus_callback_panics", "Callbacks of the bus that panicked.", None, bus.callback_panics),
    ])
}

fn write_domain(to: &mut Writer<'_>, domain: &DomainSample) -> fmt::Result {
    if let Some(signals) = domain.signals {
        to.gauges([("signals", "Signals that were connected to and still exist.", None, signals as f64)])?;
    }
    to.gauges([
        ("chunks", "Chunks of slots that the domain holds.", None, domain.chunks as f64),
        ("chunks_made", "Chunks of slots that the process has made.", None, domain.chunks_made as f64),
        (
            "pending_drops",
            "Slots that have ended and whose captures are not dropped yet.",
            None,
            domain.pending_drops as f64,
        ),
        ("reclamation_lag", "For how long an emission has held reclamation up.", Some(Unit::Seconds), domain.lag()),
    ])?;
    to.totals([
        ("grace_periods", "How often the domain's epoch moved.", None, domain.grace_periods),
        ("slot_panics", "Panics of slots.", None, domain.slot_panics),
        ("drop_panics", "Panics of destructors of what slots captured.", None, domain.drop_panics),
    ])
}

/// Pools of one name together, and those beyond the first ones.
#[derive(Default)]
struct PoolSum {
    outstanding: usize,
    idle: usize,
    bytes: usize,
    totals: [u64; 4],
}

fn write_pools(to: &mut Writer<'_>, pools: &[PoolFigures]) -> fmt::Result {
    let mut sums = BTreeMap::<&str, PoolSum>::new();
    for (at, pool) in pools.iter().enumerate() {
        let sum = sums.entry(if at < POOLS { &pool.name } else { OTHERS }).or_default();
        sum.outstanding = sum.outstanding.saturating_add(pool.outstanding);
        sum.idle = sum.idle.saturating_add(pool.idle);
        sum.bytes = sum.bytes.saturating_add(pool.bytes);
        for (sum, value) in sum.totals.iter_mut().zip([pool.gets, pool.misses, pool.exhausted, pool.resizes]) {
            *sum = sum.saturating_add(value);
        }
    }
    let by_state = |(pool, sum): (&&str, &PoolSum)| {
        let label = |state| [("pool", pool.to_string()), ("state", String::from(state))];
        [(label("outstanding"), sum.outstanding as f64), (label("idle"), sum.idle as f64)]
    };
    let objects: Vec<_> = sums.iter().flat_map(by_state).collect();
    to.family(("pool_objects", "Objects of each pool, by whether they are out.", None), &objects)?;
    let bytes: Vec<_> = sums.iter().map(|(pool, sum)| ([("pool", *pool)], sum.bytes as f64)).collect();
    to.family(("pool", "Bytes that all objects of a pool take up, an estimate.", Some(Unit::Bytes)), &bytes)?;
    for (index, (name, help)) in [
        ("pool_gets", "Objects that were handed out."),
        ("pool_misses", "Objects that had to be made for that."),
        ("pool_exhausted", "How often a pool had nothing left."),
        ("pool_resizes", "How often objects were made or dropped to fit what is needed."),
    ]
    .into_iter()
    .enumerate()
    {
        let values: Vec<_> = sums.iter().map(|(pool, sum)| ([("pool", *pool)], sum.totals[index])).collect();
        to.family_of_totals((name, help), &values)?;
    }
    Ok(())
}

fn write_heartbeat(to: &mut Writer<'_>, figures: &HeartbeatFigures) -> fmt::Result {
    to.totals([
        ("heartbeat_beats", "Beats that were run.", None, figures.beats),
        ("heartbeat_skipped", "Beats that were skipped.", None, figures.skipped),
        ("heartbeat_caught_up", "Beats that came so late that the next one was due.", None, figures.caught_up),
    ])?;
    for (name, help, quantiles) in [
        ("heartbeat_work", "How long beats took, by quantile; 1 is the longest.", figures.work),
        ("heartbeat_jitter", "How far off their time beats began, by quantile; 1 is the longest.", figures.jitter),
    ] {
        let values =
            [("0.5", quantiles.p50), ("0.99", quantiles.p99), ("0.999", quantiles.p99_9), ("1", quantiles.max)];
        let values = values.map(|(quantile, nanoseconds)| ([("quantile", quantile)], nanoseconds as f64 / 1e9));
        to.family((name, help, Some(Unit::Seconds)), &values)?;
    }
    Ok(())
}
