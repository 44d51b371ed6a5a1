//! From samples to alerts: what is so, since when, and when it is told.

use super::alert::{Alert, AlertKind, AlertPhase, Severity};
use super::backoff::{Backoff, Pauses};
use super::sample::Sample;
use super::series::{self, Unit};
use super::tracks::{Tracks, floor};
use super::trend::{Rule, Trend};
use crate::bus::Name;
use std::collections::BTreeMap;
use std::time::Duration;

/// What there are alerts for.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// Bytes.
    pub(super) budget: Option<u64>,
    /// The shares of a budget or limit from which on there are alerts.
    pub(super) warning: f64,
    pub(super) critical: f64,
    /// How many connections there may be; what the bus allows, if nothing is said.
    pub(super) connections: Option<usize>,
    /// For how long an emission may stand.
    pub(super) stall: (Duration, Duration),
    /// By what share, and over what time at least, growth counts.
    pub(super) growth: (f64, Duration),
    pub(super) pauses: Pauses,
    /// The longest interval between samples.
    pub(super) spacing: Duration,
}

/// So far below its threshold a value has to be for an alert to be over: one that swings about it is one alert.
pub(super) const OVER: f64 = 0.95;
/// A series that has grown for less may be a chance.
const GROWS_FOR: Duration = Duration::from_secs(60);
/// What comes and goes without a level is over when it has not been seen for so long.
const LINGER: Duration = Duration::from_secs(120);

/// What a sample shows of one thing that there may be an alert for.
struct Finding {
    kind: AlertKind,
    series: Name,
    unit: Unit,
    value: f64,
    warning: f64,
    critical: f64,
    /// Whatever the value is.
    severity: Option<Severity>,
    /// What the value should be below, if it is none of the two.
    threshold: Option<f64>,
    trend: Option<Trend>,
    linger: Duration,
}

/// Something that is so, and is told again and again.
#[derive(Debug, Clone)]
struct Condition {
    unit: Unit,
    severity: Severity,
    since: Duration,
    value: f64,
    threshold: f64,
    backoff: Backoff,
    /// Since when it has not been seen.
    quiet: Option<Duration>,
}

/// What is so.
#[derive(Debug, Default)]
pub(super) struct Watch {
    conditions: BTreeMap<(AlertKind, Name), Condition>,
    /// How often each pool was exhausted at the last sample.
    exhausted: BTreeMap<Name, u64>,
    /// Alerts that were told, by kind.
    told: BTreeMap<AlertKind, u64>,
    /// Was there ever a figure of the resident set?
    has_resident: bool,
}

impl Watch {
    /// What is to be told, without the places.
    pub(super) fn judge(&mut self, sample: &Sample, tracks: &Tracks, rules: &Rules) -> Vec<Alert> {
        let mut findings = Vec::new();
        self.has_resident |= sample.resident_bytes.is_some();
        self.memory(sample, rules, &mut findings);
        connections(sample, rules, &mut findings);
        self.pools(sample, rules, &mut findings);
        stall(sample, rules, &mut findings);
        growth(sample, tracks, rules, &mut findings);
        let mut alerts: Vec<Alert> =
            findings.iter().filter_map(|finding| self.take_in(finding, sample.time, rules.pauses)).collect();
        let memory_is_known = findings.iter().any(|finding| finding.kind == AlertKind::Memory);
        self.forget_vanished(&findings, memory_is_known, sample.time, &mut alerts);
        for alert in &alerts {
            *self.told.entry(alert.kind).or_default() += 1;
        }
        alerts
    }

    /// Memory near its budget.
    fn memory(&self, sample: &Sample, rules: &Rules, findings: &mut Vec<Finding>) {
        let (Some(budget), Some((series, value))) = (rules.budget, Rules::memory(sample)) else { return };
        if self.has_resident && series != series::RESIDENT {
            // The figure is missing this once. Another one instead would be another alert.
            return;
        }
        findings.push(Finding {
            kind: AlertKind::Memory,
            series: series.into(),
            unit: Unit::Bytes,
            value,
            warning: budget as f64 * rules.warning,
            critical: budget as f64 * rules.critical,
            severity: None,
            threshold: None,
            trend: None,
            linger: Duration::ZERO,
        });
    }

    /// Pools that have hardly anything left, those of one name together.
    fn pools(&mut self, sample: &Sample, rules: &Rules, findings: &mut Vec<Finding>) {
        let mut pools = BTreeMap::<Name, (usize, usize, u64)>::new();
        for pool in &sample.pools {
            let sum = pools.entry(series::of_pool(&pool.name)).or_default();
            sum.0 = sum.0.saturating_add(pool.outstanding);
            sum.1 = sum.1.saturating_add(pool.max);
            sum.2 = sum.2.saturating_add(pool.exhausted);
        }
        let before = std::mem::take(&mut self.exhausted);
        for (series, (out, max, exhausted)) in pools {
            // What it was before the first sample is no news.
            let news = before.get(&series).is_some_and(|before| exhausted > *before);
            self.exhausted.insert(series.clone(), exhausted);
            if max == usize::MAX {
                continue;
            }
            findings.push(Finding {
                kind: AlertKind::PoolExhausted,
                series,
                unit: Unit::Count,
                value: out as f64,
                warning: max as f64 * rules.warning,
                critical: max as f64 * rules.critical,
                severity: news.then_some(Severity::Critical),
                threshold: None,
                trend: None,
                linger: LINGER,
            });
        }
    }

    fn take_in(&mut self, finding: &Finding, now: Duration, pauses: Pauses) -> Option<Alert> {
        let key = (finding.kind, finding.series.clone());
        let before = self.conditions.get(&key).map(|condition| condition.severity);
        let Some(severity) = finding.severity(before) else {
            let condition = self.conditions.get_mut(&key)?;
            condition.value = finding.value;
            let quiet = *condition.quiet.get_or_insert(now);
            if now.saturating_sub(quiet) < finding.linger {
                return None;
            }
            let condition = self.conditions.remove(&key)?;
            return Some(condition.alert(key, AlertPhase::Over, now, finding.trend));
        };
        let by_severity = if severity == Severity::Critical { finding.critical } else { finding.warning };
        let threshold = finding.threshold.unwrap_or(by_severity);
        let (phase, condition) = match before {
            None => {
                let backoff = Backoff::new(pauses, now);
                let (unit, value) = (finding.unit, finding.value);
                let new = Condition { unit, severity, since: now, value, threshold, backoff, quiet: None };
                (Some(AlertPhase::Raised), self.conditions.entry(key.clone()).or_insert(new))
            }
            Some(before) => {
                let condition = self.conditions.get_mut(&key)?;
                (condition.value, condition.threshold, condition.quiet) = (finding.value, threshold, None);
                condition.severity = severity;
                if severity > before {
                    condition.backoff.restart(now);
                    (Some(AlertPhase::Worse), condition)
                } else {
                    (condition.backoff.repeat(now).then_some(AlertPhase::Repeated), condition)
                }
            }
        };
        Some(condition.alert(key, phase?, now, finding.trend))
    }

    /// Ends what nothing is found of any more: the pool has gone, the gauge was removed.
    fn forget_vanished(&mut self, findings: &[Finding], memory_is_known: bool, now: Duration, alerts: &mut Vec<Alert>) {
        let is_found = |(kind, series): &(AlertKind, Name)| {
            // Without a figure nothing is known, and nothing is over.
            (*kind == AlertKind::Memory && !memory_is_known)
                || findings.iter().any(|finding| finding.kind == *kind && finding.series == *series)
        };
        self.conditions.retain(|key, condition| {
            let keep = is_found(key);
            if !keep {
                alerts.push(condition.alert(key.clone(), AlertPhase::Over, now, None));
            }
            keep
        });
    }

    /// What is so now, as it would be told.
    pub(super) fn active(&self, now: Duration, tracks: &Tracks) -> Vec<Alert> {
        let alert = |(key, condition): (&(AlertKind, Name), &Condition)| {
            let phase = if condition.backoff.repeats == 0 { AlertPhase::Raised } else { AlertPhase::Repeated };
            let trend = tracks.get(&key.1).and_then(|track| track.trend);
            condition.alert(key.clone(), phase, now, trend.filter(|_| key.0 == AlertKind::Growth))
        };
        self.conditions.iter().map(alert).collect()
    }

    pub(super) fn is_calm(&self) -> bool {
        self.conditions.is_empty()
    }

    /// How many alerts of each kind were told.
    pub(super) fn told(&self) -> impl Iterator<Item = (AlertKind, u64)> {
        AlertKind::ALL.into_iter().map(|kind| (kind, self.told.get(&kind).copied().unwrap_or(0)))
    }
}

impl Finding {
    /// How bad it is, if it was so bad before.
    fn severity(&self, before: Option<Severity>) -> Option<Severity> {
        // What was reached stays, until it is clearly left.
        let reached = |threshold: f64, held: bool| self.value >= if held { threshold * OVER } else { threshold };
        let by_value = if reached(self.critical, before == Some(Severity::Critical)) {
            Some(Severity::Critical)
        } else {
            reached(self.warning, before.is_some()).then_some(Severity::Warning)
        };
        by_value.max(self.severity)
    }
}

impl Condition {
    fn alert(&self, key: (AlertKind, Name), phase: AlertPhase, now: Duration, trend: Option<Trend>) -> Alert {
        let (kind, series) = key;
        let &Self { unit, severity, since, value, threshold, backoff, .. } = self;
        let (repeats, places) = (backoff.repeats, Vec::new());
        Alert { kind, severity, phase, series, unit, value, threshold, time: now, since, repeats, trend, places }
    }
}

impl Rules {
    /// The memory that the budget is for: the resident set, or if there is no such figure, the heap.
    pub(super) fn memory(sample: &Sample) -> Option<(&'static str, f64)> {
        let resident = sample.resident_bytes.map(|bytes| (series::RESIDENT, bytes as f64));
        resident.or(sample.heap.map(|heap| (series::HEAP, heap.live_bytes as f64)))
    }

    /// What growth of a series in that unit has to be to count.
    pub(super) fn growth(&self, unit: Unit) -> Rule {
        let (share, over) = self.growth;
        Rule { share, floor: floor(unit, self.budget.unwrap_or(0) as f64), over, spacing: self.spacing }
    }
}

fn connections(sample: &Sample, rules: &Rules, findings: &mut Vec<Finding>) {
    let Some(bus) = &sample.bus else { return };
    let Some(limit) = rules.connections.or(bus.limit) else { return };
    findings.push(Finding {
        kind: AlertKind::Connections,
        series: series::CONNECTIONS.into(),
        unit: Unit::Count,
        value: bus.connections as f64,
        warning: limit as f64 * rules.warning,
        critical: limit as f64 * rules.critical,
        severity: None,
        threshold: None,
        trend: None,
        linger: Duration::ZERO,
    });
}

fn stall(sample: &Sample, rules: &Rules, findings: &mut Vec<Finding>) {
    let Some(domain) = &sample.domain else { return };
    let (warning, critical) = rules.stall;
    findings.push(Finding {
        kind: AlertKind::ReclamationStalled,
        series: series::LAG.into(),
        unit: Unit::Seconds,
        value: domain.lag(),
        warning: warning.as_secs_f64(),
        critical: critical.as_secs_f64(),
        severity: None,
        threshold: None,
        trend: None,
        linger: Duration::ZERO,
    });
}

fn growth(sample: &Sample, tracks: &Tracks, rules: &Rules, findings: &mut Vec<Finding>) {
    for (series, track) in tracks.iter() {
        let (Some(trend), Some((_, value))) = (track.trend, track.latest) else { continue };
        let grows = track.growing_since.is_some_and(|since| sample.time.saturating_sub(since) >= GROWS_FOR);
        findings.push(Finding {
            kind: AlertKind::Growth,
            series: series.clone(),
            unit: track.unit,
            value,
            // It is no matter of the value.
            warning: f64::INFINITY,
            critical: f64::INFINITY,
            severity: grows.then_some(Severity::Warning),
            threshold: Some(rules.growth(track.unit).least(&trend)),
            trend: Some(trend),
            linger: LINGER,
        });
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
