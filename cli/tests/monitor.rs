//! The monitored pass: what an operator would see, with and without a leak.

mod common;

use common::{Folder, replay};
use serde_json::Value;

/// What the program says in JSON, with these options.
fn json(args: &[&str]) -> Value {
    let ran = replay(&[&["--quiet", "--json", "-"], args].concat()).ok();
    serde_json::from_str(&ran.out).expect("JSON")
}

#[test]
fn the_monitor_names_a_planted_leak_by_file_and_line() {
    let watched = &json(&["--monitor", "--leak"])["watched"];
    assert_eq!(watched["planted"], 1_244);
    assert!(watched["connections"]["last"].as_u64() >= Some(1_244), "{watched}");
    let alerts = watched["alerts"].as_array().expect("alerts");
    let names = |alert: &&Value| {
        let text = alert["text"].as_str().unwrap_or_default();
        alert["series"] == "connections" && text.lines().nth(1).is_some_and(|place| place.contains("watched.rs:"))
    };
    let named = alerts.iter().find(names).expect("an alert whose first place is where the leak is planted");
    assert_eq!(named["kind"], "growth");
}

#[test]
fn without_a_leak_that_place_is_not_named_and_payloads_are_used_again() {
    let watched = &json(&["--monitor"])["watched"];
    assert_eq!(watched["planted"], Value::Null);
    let alerts = watched["alerts"].as_array().expect("alerts");
    assert!(alerts.iter().all(|alert| !alert["text"].to_string().contains("watched.rs")), "{alerts:?}");
    let pool = &watched["pools"][0];
    assert_eq!((pool["name"].as_str(), pool["gets"].as_u64()), (Some("payloads"), Some(139_098)));
    let misses = pool["misses"].as_u64().expect("a number");
    assert!(misses * 100 < 139_098, "less than 99 % were used again: {pool}");
}

#[test]
fn without_the_option_there_is_no_such_pass() {
    assert_eq!(json(&[])["watched"], Value::Null);
}

#[test]
fn the_report_plots_memory_and_pools() {
    let folder = Folder::new();
    let file = folder.arg("run.html");
    let ran = replay(&["--monitor", "--report", &file]).ok();
    assert!(ran.out.contains("What the monitor saw"), "{}", ran.out);
    let html = folder.read("run.html");
    assert_eq!(html.matches("<svg ").count(), 5);
    for text in ["Memory over recorded time", "live on the heap", "payloads idle"] {
        assert!(html.contains(text), "{text}");
    }
}

#[test]
fn a_leak_without_a_monitor_is_refused() {
    let ran = replay(&["--leak"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("--monitor"), "{}", ran.err);
}
