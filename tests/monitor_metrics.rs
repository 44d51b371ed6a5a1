//! What the monitor tells Prometheus.
#![cfg(feature = "metrics")]

use prometheus_client::registry::Registry;
use pulsebus::{Bus, Heartbeat, Kind, ManualClock, Monitor, Signal};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Metrics by name: their type, and their samples by what stands before the value.
struct Parsed {
    types: BTreeMap<String, String>,
    values: BTreeMap<String, f64>,
}

/// Reads OpenMetrics text, and finds what is wrong with it.
fn parse(text: &str) -> Parsed {
    let body = text.strip_suffix("# EOF\n").expect("the text ends with # EOF");
    assert!(!body.contains("# EOF"));
    let (mut types, mut values) = (BTreeMap::new(), BTreeMap::new());
    let (mut helped, mut current) = (BTreeSet::new(), (String::new(), String::new()));
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let (keyword, rest) = rest.split_once(' ').unwrap();
            let (name, value) = rest.split_once(' ').unwrap();
            match keyword {
                "HELP" => assert!(helped.insert(name.to_string()) && value.ends_with('.'), "{line}"),
                "TYPE" => {
                    current = (name.to_string(), value.to_string());
                    assert!(types.insert(name.to_string(), value.to_string()).is_none(), "twice: {line}");
                }
                "UNIT" => assert!(name.ends_with(&format!("_{value}")), "{line}"),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (key, value) = line.rsplit_once(' ').unwrap();
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        let name = key.split('{').next().unwrap();
        let (family, kind) = (&current.0, current.1.as_str());
        let suffix = name.strip_prefix(family.as_str()).unwrap_or_else(|| panic!("{line} is not of {family}"));
        match kind {
            "counter" => assert!(suffix == "_total" && value >= 0.0, "{line}"),
            "gauge" => assert_eq!(suffix, "", "{line}"),
            "histogram" => assert!(["_sum", "_count", "_bucket"].contains(&suffix), "{line}"),
            _ => panic!("{kind}"),
        }
        let labels = key.strip_prefix(name).unwrap();
        assert!(labels.is_empty() || (labels.starts_with('{') && labels.ends_with('}')), "{line}");
        assert!(values.insert(key.to_string(), value).is_none(), "twice: {key}");
    }
    Parsed { types, values }
}

fn conforms(name: &str) -> bool {
    let body = name.strip_prefix("pulsebus_").unwrap_or_default();
    !body.is_empty()
        && body.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !body.contains("__")
        && !name.ends_with("_total")
        && !["_ms", "_us", "_ns", "_kb", "_mb"].iter().any(|unit| name.ends_with(unit))
}

#[test]
fn the_text_is_open_metrics_and_its_names_conform() {
    let hand = ManualClock::new();
    let bus = Bus::builder().clock(hand.clock()).build().unwrap();
    let (signal, mut heartbeat) = (Signal::<u32>::new(), Heartbeat::at(60.0).unwrap().clock(hand.clock()));
    bus.connect(&signal).owner("somebody").kind(Kind::Remote).slot(|_| {}).unwrap();
    bus.connect(&signal).owner("\"quoted\"\n").kind(Kind::custom("a \"b\"\nc\\")).slot(|_| {}).unwrap();
    heartbeat.step();
    let monitor = Monitor::builder()
        .bus(&bus)
        .heartbeat(&heartbeat.control())
        .budget(500)
        .memory(|| Some(450))
        .count("entities", || 42)
        .build()
        .unwrap();
    assert_eq!(parse(&monitor.open_metrics()).values.get("pulsebus_samples_total"), Some(&0.0), "before the first");
    monitor.poll();
    let dispatch = monitor.dispatch();
    [50, 3_000, 2_000_000_000].into_iter().for_each(|time| dispatch.observe(Duration::from_nanos(time)));
    let text = monitor.open_metrics();
    let Parsed { types, values } = parse(&text);
    assert!(types.keys().all(|name| conforms(name)), "{:?}", types.keys().filter(|name| !conforms(name)));
    for (key, expected) in [
        ("pulsebus_memory_budget_bytes", 500.0),
        ("pulsebus_resident_memory_bytes", 450.0),
        ("pulsebus_connections{kind=\"remote\"}", 1.0),
        ("pulsebus_connections_made_total", 2.0),
        ("pulsebus_gauge{name=\"entities\"}", 42.0),
        ("pulsebus_alert_severity{kind=\"memory\",series=\"resident_bytes\"}", 1.0),
        ("pulsebus_alerts_total{kind=\"memory\"}", 1.0),
        ("pulsebus_alerts_total{kind=\"growth\"}", 0.0),
        ("pulsebus_samples_total", 1.0),
        ("pulsebus_heartbeat_beats_total", 1.0),
        ("pulsebus_reclamation_lag_seconds", 0.0),
        ("pulsebus_dispatch_seconds_count", 3.0),
        ("pulsebus_dispatch_seconds_bucket{le=\"+Inf\"}", 3.0),
    ] {
        assert_eq!(values.get(key), Some(&expected), "{key} in\n{text}");
    }
    let buckets: Vec<f64> =
        text.lines().filter(|line| line.starts_with("pulsebus_dispatch_seconds_bucket")).map(value_of).collect();
    assert!(buckets.len() == 21 && buckets.is_sorted(), "{buckets:?}");
    assert!((values["pulsebus_dispatch_seconds_sum"] - 2.00000305).abs() < 1e-12);
    assert!(!text.contains("somebody") && !text.contains("quoted"), "owners are no labels");
    assert!(!types.contains_key("pulsebus_heap_live_bytes"), "nothing is guessed");
}

fn value_of(line: &str) -> f64 {
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[test]
fn labels_are_bounded() {
    let bus = Bus::new();
    let signal = Signal::<u32>::new();
    for number in 0..1_000 {
        bus.connect(&signal).owner(number).kind(Kind::custom(format!("k{number}"))).slot(|_| {}).unwrap();
    }
    let monitor = Monitor::builder().bus(&bus).build().unwrap();
    monitor.poll();
    let Parsed { values, .. } = parse(&monitor.open_metrics());
    let kinds: Vec<_> = values.iter().filter(|(key, _)| key.starts_with("pulsebus_connections{")).collect();
    assert_eq!((kinds.len(), kinds.iter().map(|(_, count)| **count).sum::<f64>()), (33, 1_000.0));
    assert_eq!(values["pulsebus_connections{kind=\"(others)\"}"], 968.0);
}

#[test]
fn a_registry_that_there_is_takes_the_figures_in_and_keeps_no_monitor() {
    let monitor = Monitor::builder().build().unwrap();
    let mut registry = Registry::with_prefix("game");
    registry.register_collector(Box::new(monitor.collector()));
    let encoded = |registry: &Registry| {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
        text
    };
    assert!(encoded(&registry).contains("game_pulsebus_samples_total 0"));
    drop(monitor);
    assert_eq!(encoded(&registry), "# EOF\n");
}
