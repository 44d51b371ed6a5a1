//! Alerts from samples that are made up.

use super::super::sample::{BusSample, DomainSample, StandingPin};
use super::*;
use crate::objects::PoolFigures;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn rules() -> Rules {
    Rules {
        budget: Some(500_000_000),
        warning: 0.8,
        critical: 0.96,
        connections: None,
        stall: (seconds(10), seconds(60)),
        growth: (0.05, seconds(600)),
        pauses: Pauses { first: seconds(30), longest: seconds(300) },
        spacing: seconds(30),
    }
}

fn sample(time: u64) -> Sample {
    Sample {
        time: seconds(time),
        cost: Duration::ZERO,
        resident_bytes: None,
        heap: None,
        bus: None,
        domain: None,
        pools: Vec::new(),
        gauges: Vec::new(),
        missing: Vec::new(),
    }
}

fn pool(name: &str, outstanding: usize, max: usize, exhausted: u64) -> PoolFigures {
    PoolFigures {
        name: name.into(),
        gets: 0,
        misses: 0,
        outstanding,
        kept: 0,
        idle: 0,
        peak_window: 0,
        peak: 0,
        min: 0,
        max,
        resizes: 0,
        exhausted,
        panics: 0,
        leaks_suspected: 0,
        bytes: 0,
        uncounted: &[],
    }
}

/// What is told: kind, phase and severity.
fn judge(watch: &mut Watch, sample: &Sample) -> Vec<(AlertKind, AlertPhase, Severity)> {
    let alerts = watch.judge(sample, &Tracks::default(), &rules());
    alerts.iter().map(|alert| (alert.kind, alert.phase, alert.severity)).collect()
}

use AlertKind::{Connections, Memory, PoolExhausted, ReclamationStalled};
use AlertPhase::{Over, Raised, Worse};
use Severity::{Critical, Warning};

fn with_memory(time: u64, megabytes: u64) -> Sample {
    Sample { resident_bytes: Some(megabytes * 1_000_000), ..sample(time) }
}

#[test]
fn memory_is_told_at_400_and_480_of_500_megabytes() {
    let mut watch = Watch::default();
    assert_eq!(judge(&mut watch, &with_memory(0, 399)), []);
    assert_eq!(judge(&mut watch, &with_memory(5, 400)), [(Memory, Raised, Warning)]);
    assert_eq!(judge(&mut watch, &with_memory(10, 479)), []);
    assert_eq!(judge(&mut watch, &with_memory(15, 480)), [(Memory, Worse, Critical)]);
    assert_eq!(judge(&mut watch, &with_memory(20, 300)), [(Memory, Over, Critical)]);
    assert_eq!(judge(&mut watch, &with_memory(25, 480)), [(Memory, Raised, Critical)]);
    assert_eq!(watch.told().find(|told| told.0 == Memory), Some((Memory, 4)));
}

#[test]
fn what_swings_about_its_threshold_is_one_alert() {
    let mut watch = Watch::default();
    assert_eq!(judge(&mut watch, &with_memory(0, 401)), [(Memory, Raised, Warning)]);
    for time in 1..6 {
        assert_eq!(judge(&mut watch, &with_memory(time * 5, 399 + time % 2 * 3)), []);
    }
    assert_eq!(judge(&mut watch, &with_memory(29, 380)), []);
    assert_eq!(judge(&mut watch, &with_memory(29, 379)), [(Memory, Over, Warning)]);
}

#[test]
fn pools_are_told_when_they_are_nearly_empty_or_were_empty() {
    let mut watch = Watch::default();
    let sample_of = |time, pools| Sample { pools, ..sample(time) };
    let calm = |time| sample_of(time, vec![pool("a", 10, 100, 5), pool("b", 90, usize::MAX, 0)]);
    assert_eq!(judge(&mut watch, &calm(0)), [], "what was before the first sample is no news");
    assert_eq!(judge(&mut watch, &calm(5)), []);
    let burst = sample_of(10, vec![pool("a", 10, 100, 6), pool("b", 90, usize::MAX, 0)]);
    assert_eq!(judge(&mut watch, &burst), [(PoolExhausted, Raised, Critical)]);
    // It was, a while ago.
    let after = |time| sample_of(time, vec![pool("a", 10, 100, 6)]);
    assert_eq!(judge(&mut watch, &after(15)), []);
    assert_eq!(judge(&mut watch, &after(134)), []);
    assert_eq!(judge(&mut watch, &after(135)), [(PoolExhausted, Over, Critical)]);
    let full = sample_of(140, vec![pool("a", 80, 100, 6)]);
    assert_eq!(judge(&mut watch, &full), [(PoolExhausted, Raised, Warning)]);
    // The pool is gone.
    assert_eq!(judge(&mut watch, &sample(145)), [(PoolExhausted, Over, Warning)]);
}

#[test]
fn pools_of_one_name_are_one_and_others_have_alerts_of_their_own() {
    let mut watch = Watch::default();
    let pools = vec![pool("a", 85, 100, 0), pool("a", 0, 100, 0), pool("b", 97, 100, 0), pool("c", 81, 100, 0)];
    let alerts = watch.judge(&Sample { pools, ..sample(0) }, &Tracks::default(), &rules());
    let told: Vec<_> = alerts.iter().map(|alert| (alert.series.as_str(), alert.severity)).collect();
    assert_eq!(told, [("pool:b", Critical), ("pool:c", Warning)]);
}

#[test]
fn connections_are_told_by_the_limit_of_the_bus() {
    let mut watch = Watch::default();
    let bus = |connections, limit| BusSample {
        connections,
        kinds: Vec::new(),
        peak: connections,
        limit,
        made: 0,
        ended: 0,
        rejected: 0,
        over_limit: 0,
        callback_panics: 0,
        timers: 0,
    };
    let with_bus = |time, connections, limit| Sample { bus: Some(bus(connections, limit)), ..sample(time) };
    assert_eq!(judge(&mut watch, &with_bus(0, 1_000_000, None)), []);
    assert_eq!(judge(&mut watch, &with_bus(5, 7_999, Some(10_000))), []);
    assert_eq!(judge(&mut watch, &with_bus(10, 8_000, Some(10_000))), [(Connections, Raised, Warning)]);
    assert_eq!(judge(&mut watch, &with_bus(15, 9_600, Some(10_000))), [(Connections, Worse, Critical)]);
    // The bus is gone.
    assert_eq!(judge(&mut watch, &sample(20)), [(Connections, Over, Critical)]);
}

#[test]
fn reclamation_that_stands_is_told_and_over_as_soon_as_it_moves() {
    let mut watch = Watch::default();
    let with_pin = |time, age: Option<u64>| {
        let oldest_pin = age.map(|age| StandingPin { age: seconds(age), place: None });
        let domain = DomainSample {
            signals: Some(0),
            chunks: 0,
            chunks_peak: 0,
            chunks_made: 0,
            pending_drops: 0,
            grace_periods: 0,
            slot_panics: 0,
            drop_panics: 0,
            oldest_pin,
        };
        Sample { domain: Some(domain), ..sample(time) }
    };
    assert_eq!(judge(&mut watch, &with_pin(0, Some(9))), []);
    assert_eq!(judge(&mut watch, &with_pin(1, Some(10))), [(ReclamationStalled, Raised, Warning)]);
    assert_eq!(judge(&mut watch, &with_pin(51, Some(60))), [(ReclamationStalled, Worse, Critical)]);
    assert_eq!(judge(&mut watch, &with_pin(52, None)), [(ReclamationStalled, Over, Critical)]);
}

#[test]
fn a_figure_that_is_missing_ends_nothing() {
    let mut watch = Watch::default();
    assert_eq!(judge(&mut watch, &with_memory(0, 450)), [(Memory, Raised, Warning)]);
    let heap = crate::HeapFigures { live_bytes: 490_000_000, ..Default::default() };
    assert_eq!(judge(&mut watch, &Sample { heap: Some(heap), ..sample(5) }), []);
    assert_eq!(judge(&mut watch, &sample(10)), []);
    assert_eq!(judge(&mut watch, &with_memory(15, 450)), [], "it is the same alert");
    assert_eq!(judge(&mut watch, &with_memory(20, 100)), [(Memory, Over, Warning)]);
}

#[test]
fn alerts_print_what_an_operator_needs() {
    let mut watch = Watch::default();
    let alert = &watch.judge(&with_memory(0, 412), &Tracks::default(), &rules())[0];
    assert_eq!(alert.to_string(), "warning: resident_bytes is 412.0 MB, beyond 400.0 MB of the budget");
    let alert = &watch.judge(&with_memory(35, 412), &Tracks::default(), &rules())[0];
    assert!(alert.to_string().ends_with("budget, since 35s, told once before"), "{alert}");
    let alert = &watch.judge(&with_memory(40, 100), &Tracks::default(), &rules())[0];
    assert_eq!(alert.to_string(), "over: resident_bytes is 100.0 MB (memory, warning, lasted 40s)");
}
