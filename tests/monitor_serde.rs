//! What the monitor writes for machines.
#![cfg(feature = "serde")]

use pulsebus::{Bus, Heartbeat, ManualClock, Monitor, Pools, Signal};
use serde_json::{Value, json};
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn a_report_is_written_with_samples_series_alerts_and_places() {
    let hand = ManualClock::new();
    let bus = Bus::builder().clock(hand.clock()).build().unwrap();
    let signal = Signal::<u32>::new();
    bus.connect(&signal).owner(7).slot(|_| {}).unwrap();
    let heartbeat = Heartbeat::at(60.0).unwrap().clock(hand.clock());
    let monitor = Monitor::builder()
        .bus(&bus)
        .pools(&Pools::new())
        .heartbeat(&heartbeat.control())
        .budget(500)
        .memory(|| Some(450))
        .count("entities", || 42)
        .count("broken", || panic!("gauge"))
        .build()
        .unwrap();
    let (told, hears) = mpsc::channel();
    monitor.alerts().connect(move |alert| told.send(serde_json::to_string(alert).unwrap()).unwrap());
    monitor.dispatch().observe(Duration::from_micros(3));
    monitor.poll();
    let text = serde_json::to_string(&monitor.report()).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&report["budget"], &report["samples"]), (&json!(500), &json!(1)));
    let latest = &report["latest"];
    assert_eq!((&latest["resident_bytes"], &latest["heap"]), (&json!(450), &Value::Null));
    assert_eq!(latest["gauges"][0], json!({"name": "entities", "value": 42.0, "missing": null}));
    assert_eq!(latest["bus"]["kinds"], json!([["signal", 1]]));
    assert!(latest["missing"].as_array().unwrap().iter().any(|missing| missing["what"] == "broken"));
    let series = report["series"].as_array().unwrap();
    assert!(series.iter().any(|series| series["name"] == "resident_bytes" && series["unit"] == "bytes"), "{series:?}");
    let alert: Value = serde_json::from_str(&hears.try_recv().unwrap()).unwrap();
    for alert in [&alert, &report["alerts"][0]] {
        assert_eq!(
            (&alert["kind"], &alert["severity"], &alert["phase"]),
            (&json!("memory"), &json!("warning"), &json!("raised"))
        );
        let place = alert["places"][0]["place"].as_str().unwrap();
        assert!(place.contains("monitor_serde.rs:"), "{place}");
    }
    assert_eq!((&report["dispatch"]["count"], &report["heartbeat"]["beats"]), (&json!(1), &json!(0)));
    let history = serde_json::to_value(monitor.history("entities").unwrap()).unwrap();
    assert_eq!((&history["unit"], &history["recent"][0]["max"]), (&json!("count"), &json!(42.0)));
}
