//! The feature `serde`: configurations from files, and what the bus knows to files.
#![cfg(feature = "serde")]

use pulsebus::{Bus, CallStatistics, Config, EndReason, Filter, Kind, LimitPolicy, ManualClock, Owner, Signal};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn json_of(value: impl Serialize) -> Value {
    serde_json::to_value(value).expect("it has a form in JSON")
}

#[test]
fn what_a_configuration_leaves_out_is_the_default() {
    assert_eq!(toml::from_str::<Config>("").unwrap(), Config::default());
    assert_eq!(serde_json::from_str::<Config>("{}").unwrap(), Config::default());
    let text = r#"
        stale_sweep_every = 1.5
        call_statistics = "exact"
        [limits]
        per_owner = 50
        policy = "evict_oldest"
    "#;
    let config: Config = toml::from_str(text).unwrap();
    let mut expected = Config::default();
    (expected.stale_sweep_every, expected.call_statistics) = (Duration::from_millis(1_500), CallStatistics::Exact);
    (expected.limits.per_owner, expected.limits.policy) = (Some(50), LimitPolicy::EvictOldest);
    assert_eq!(config, expected);
    assert!(Bus::with_config(config).is_ok());
}

#[test]
fn a_limit_can_be_left_open() {
    let config: Config = serde_json::from_value(json!({"limits": {"per_owner": null, "overall": 9}})).unwrap();
    assert_eq!(
        (config.limits.per_owner, config.limits.per_service, config.limits.overall),
        (None, Some(1000), Some(9))
    );
}

#[test]
fn a_configuration_survives_being_written_and_read() {
    let mut config = Config::default();
    (config.sweep_at, config.limits.overall) = (0.25, Some(12_345));
    config.stale_sweep_every = Duration::from_millis(250);
    let (text, value) = (toml::to_string(&config).unwrap(), json_of(&config));
    assert_eq!(serde_json::from_value::<Config>(value.clone()).unwrap(), config);
    assert_eq!(value["stale_sweep_every"], json!(0.25));
    assert_eq!(toml::from_str::<Config>(&text).unwrap(), config, "{text}");
}

#[test]
fn an_unknown_field_is_refused_by_name() {
    for (text, field) in [("sweep_att = 0.5", "sweep_att"), ("[limits]\nper_player = 3", "per_player")] {
        let error = toml::from_str::<Config>(text).unwrap_err().to_string();
        assert!(error.contains(field) && error.contains("unknown field"), "{error}");
    }
}

#[test]
fn what_is_no_value_at_all_is_refused_while_reading() {
    for (text, part) in [
        ("stale_sweep_every = -1.0", "number of seconds from 0 on, found -1"),
        ("stale_sweep_every = nan", "number of seconds"),
        ("call_statistics = 'often'", "often"),
        ("limits = { policy = 'Warn' }", "warn"),
        ("limits = { per_owner = -3 }", "-3"),
        ("sweep_at = 'much'", "f64"),
    ] {
        let error = toml::from_str::<Config>(text).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn a_value_out_of_its_range_is_read_and_refused_by_the_bus() {
    let bus = Bus::new();
    for (text, field) in [
        ("sweep_at = 1.5", "sweep_at"),
        ("emergency_at = -0.5", "emergency_at"),
        ("stale_sweep_every = 0", "stale_sweep_every"),
        ("audit_history = 1", "audit_history"),
        ("limits = { per_owner = 0 }", "limits.per_owner"),
    ] {
        let config: Config = toml::from_str(text).unwrap();
        assert_eq!(config.check().unwrap_err().field, field);
        assert_eq!(bus.configure(config).unwrap_err().field, field);
    }
    assert_eq!(*bus.config(), Config::default());
}

#[test]
fn statistics_are_written_with_their_groups() {
    let (bus, lobby) = (Bus::new(), Signal::<u32>::new());
    let room = bus.topic::<u32>("room.1").unwrap();
    bus.connect(&room).owner(7).service("Quest").tag("hud").kind(Kind::Remote).slot(|_| {}).unwrap();
    bus.connect(&lobby).owner("lobby").slot(|_| {}).unwrap();
    bus.connect(&lobby).owner(Owner::key((1, 2))).kind(Kind::custom("weather")).slot(|_| {}).unwrap();
    bus.connect(&lobby).owner(8).slot(|_| {}).unwrap();
    bus.cleanup_owner(8);
    let written = json_of(bus.statistics());
    assert_eq!(
        (&written["live"], &written["made"], &written["ended"]),
        (&json!(3), &json!(4), &json!({"owner_left": 1}))
    );
    assert_eq!(written["services"], json!([{"key": "Quest", "live": 1, "made": 1}]));
    assert_eq!(written["owners"].as_array().map(Vec::len), Some(3));
    assert_eq!(written["kinds"].as_object().map(|kinds| kinds.len()), Some(3), "{}", written["kinds"]);
    let topic = written["topics"].as_array().unwrap().iter().find(|topic| topic["label"] == "room.1").unwrap();
    assert_eq!(*topic, json!({"label": "room.1", "named": true, "event": "u32", "live": 1}));
    assert_eq!(written["limits"], json_of(&bus.config().limits));
}

#[test]
fn details_are_written_with_everything_that_is_known() {
    let hand = ManualClock::new();
    let bus = Bus::builder().clock(hand.clock()).build().unwrap();
    let signal = Signal::<u32>::new();
    let connect = bus.connect(&signal).owner(7).service("Quest").tag("hud").tag("quest").named("progress");
    let place = connect.describe("progress watcher").slot(|n| assert!(*n > 0)).unwrap().place().unwrap().to_string();
    bus.connect_heartbeat(SECOND, SECOND).slot(|_| {}).unwrap();
    hand.advance(SECOND);
    signal.emit(&0);
    let written = json_of(bus.details(&Filter::new()));
    let first =
        written.as_array().unwrap().iter().find(|detail| detail["owner"] == json!("7")).expect("one of owner 7");
    for (field, value) in [
        ("service", json!("Quest")),
        ("tags", json!(["hud", "quest"])),
        ("kind", json!("signal")),
        ("name", json!("progress")),
        ("description", json!("progress watcher")),
        ("place", json!(place)),
        ("connected", json!(true)),
        ("panics", json!(1)),
        ("executions", Value::Null),
    ] {
        assert_eq!(first[field], value, "{field}");
    }
    assert!(first["calls"]["count"] == json!(1) && first["id"].is_u64() && first["age"].is_object(), "{first}");
}

#[test]
fn audits_and_reports_are_written_with_places() {
    let bus = Bus::new();
    // Another bus's first topic: it is not taken for one of this bus.
    let (other, elsewhere) = (Bus::new(), Bus::new().signal::<u32>());
    let room = other.topic::<u32>("room.1").unwrap();
    bus.connect(&room).owner(7).slot(|_| {}).unwrap();
    bus.signal::<u32>().connect(|_| {});
    bus.connect(&elsewhere).slot(|_| {}).unwrap();
    bus.service("Quest");
    let audit = json_of(bus.audit());
    assert!(audit["entries"][0]["place"].as_str().is_some_and(|place| place.contains("bus_serde.rs:")), "{audit}");
    assert_eq!((&audit["entries"][0]["unmanaged"], &audit["untracked"][0]["count"]), (&json!(1), &json!(1)));
    let report = bus.shutdown(SECOND).unwrap();
    let written = json_of(&report);
    assert_eq!(written["services"], json!([["Quest", 0]]));
    assert_eq!((&written["left"][0]["place"], &written["quiet"]), (&json!(report.left[0].place), &json!({"Ok": null})));
    let blocked = Signal::<u32>::new();
    let bus = Bus::new();
    let weak = bus.downgrade();
    let slot = move |_: &u32| {
        let report = weak.upgrade().unwrap().shutdown(SECOND).unwrap();
        assert_eq!(json_of(&report)["quiet"], json!({"Err": "would_deadlock"}));
    };
    let connection = bus.connect(&blocked).slot(slot).unwrap();
    blocked.emit(&1);
    assert_eq!((connection.panics(), bus.is_shut_down()), (Some(0), true));
}

#[test]
fn reasons_are_read_as_they_are_written() {
    for reason in EndReason::ALL {
        assert_eq!(json_of(reason), json!(reason.as_str()));
        assert_eq!(serde_json::from_value::<EndReason>(json_of(reason)).unwrap(), reason);
    }
}
