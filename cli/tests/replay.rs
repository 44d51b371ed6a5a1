//! What a replay comes to.

mod common;

use common::{Folder, gzip, random_recording, recording, replay, replay_stdin};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

#[test]
fn the_recording_that_ships_comes_to_its_known_figures() {
    for args in [
        &["--threads", "1"][..],
        &["--threads", "2"],
        &["--threads", "4"],
        &["--engine", "--threads", "1"],
        &["--engine", "--threads", "3"],
    ] {
        let json = replay(&[args, &["--json", "-"]].concat()).ok().json();
        assert_eq!(json["recording"]["events"], 256_932);
        assert_eq!(json["dispatch"]["deliveries"], 223_419);
        assert_eq!(json["connections"]["connects"], 63_893);
        assert_eq!(json["connections"]["disconnects"], 63_893);
        assert_eq!(json["connections"]["peak_live"], 450);
        assert_eq!(json["connections"]["live_at_end"], 0);
        assert_eq!(json["connections"]["leaks"], 0);
        assert_eq!(json["check"], json!({ "oracle": true, "passed": true, "differences": [] }));
    }
}

#[test]
fn one_thread_makes_no_heap_call_in_the_steady_state() {
    for args in [&[][..], &["--tick-hz", "0.1"], &["--extra-slots", "3"]] {
        for through in [&[][..], &["--engine"]] {
            let json = replay(&[&["--json", "-"], args, through].concat()).ok().json();
            assert_eq!(json["dispatch"]["heap_calls"], 0, "{args:?} {through:?}");
            assert_eq!(json["bus"]["chunks_made_in_dispatch"], 0, "{args:?} {through:?}");
        }
    }
}

#[test]
fn the_bus_counts_what_was_done_to_it() {
    let json = replay(&["--extra-slots", "2", "--json", "-"]).ok().json();
    let (connects, extra) = (3 * 63_893, 3 * 2 * 231);
    let tracked = &json["tracked"];
    assert_eq!((&tracked["made"], &tracked["live"]), (&json!(connects + extra), &json!(0)));
    assert_eq!(tracked["peak"], 450 + 2 * 231);
    // Leaves one by one, quits by owner, and what a pass leaves by service.
    let ended = json!([
        { "name": "disconnected", "count": 3 * 52_697 },
        { "name": "owner_left", "count": connects - 3 * 52_697 },
        { "name": "service_stopped", "count": extra },
    ]);
    assert_eq!(tracked["ended"], ended);
    assert_eq!((&tracked["rejected"], &tracked["cleanup_errors"]), (&json!(0), &json!(0)));
    assert_eq!(tracked["samples_taken"], tracked["made"]);
    assert!(tracked["samples_made"].as_u64() < Some(2_000), "they are used again: {tracked}");

    let peak = &json["tracked_at_peak"];
    assert_eq!((&peak["live"], &peak["owners"]), (&json!(450 + 2 * 231), &json!(50)));
    assert_eq!((&peak["most_of_an_owner"], &peak["topics"]), (&json!(9), &json!(231)));
    assert_eq!(peak["kinds"], json!([{ "name": "player", "count": 450 }, { "name": "other", "count": 462 }]));
    assert_eq!(
        peak["services"],
        json!([{ "name": "extra slots", "count": 462 }, { "name": "recording", "count": 450 }])
    );
    assert_eq!(peak["fullest_topics"].as_array().map(Vec::len), Some(5));
}

#[test]
fn on_bare_signals_nobody_counts() {
    let ran = replay(&["--engine", "--json", "-"]).ok();
    let json = ran.json();
    assert_eq!(
        (&json["options"]["engine"], &json["tracked"], &json["tracked_at_peak"]),
        (&json!(true), &Value::Null, &Value::Null)
    );
    assert!(ran.err.contains("1 thread, on bare signals") && !ran.err.contains("What the bus counted"), "{}", ran.err);
}

#[test]
fn a_topic_may_have_a_name_that_the_bus_does_not_allow() {
    let long = format!("1,J,ann,{},0", "x".repeat(1_000));
    let input = recording(&[
        "1,J,ann,a b,0",
        "1,J,ann,..,0",
        "1,J,ann,#0,0",
        "1,J,ann,*,0",
        &long,
        "2,M,bob,a b,1",
        "3,M,bob,#0,1",
    ]);
    let json = replay_stdin(&["-", "--json", "-"], input.as_bytes()).ok().json();
    assert_eq!((&json["dispatch"]["deliveries"], &json["recording"]["topics"]), (&json!(2), &json!(5)));
    let names: Vec<&str> = json["tracked_at_peak"]["fullest_topics"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|topic| topic["name"].as_str())
        .collect();
    assert_eq!(BTreeSet::from_iter(names), BTreeSet::from(["#0", "#1", "#2", "#3", "#4"]));
}

#[test]
fn a_quit_ends_what_came_to_its_owner_by_a_rename() {
    let input = recording(&[
        "1,J,ann,a,0",
        "1,J,ann,b,0",
        "1,J,bob,b,0",
        "1,J,bob,c,0",
        "2,N,ann,bob,0", // bob has a and c, and one of the two in b
        "3,J,ann,a,0",   // another ann
        "4,J,zoe,d,0",
        "4,N,bob,zoe,0",
        "5,Q,zoe,,0",  // a, b, c and d
        "6,M,eve,a,1", // ann alone
        "6,M,eve,c,1", // nobody
    ]);
    for args in [&[][..], &["--engine"], &["--threads", "3"]] {
        let json = replay_stdin(&[&["-", "--json", "-"], args].concat(), input.as_bytes()).ok().json();
        let connections = &json["connections"];
        assert_eq!((&connections["disconnects"], &connections["live_at_end"]), (&json!(5), &json!(1)), "{args:?}");
        assert_eq!(json["dispatch"]["deliveries"], 1, "{args:?}");
    }
}

#[test]
fn every_rule_of_the_format_is_kept() {
    let input = recording(&[
        "10,J,ann,a,0",
        "10,J,ann,a,0", // a second join: nothing
        "11,J,bob,a,0",
        "11,J,bob,b,0",
        "12,M,ann,a,100", // bob
        "12,M,eve,a,10",  // ann and bob, who do not hear themselves only
        "13,L,eve,a,0",   // never joined
        "13,Q,eve,,0",    // is nowhere
        "14,N,bob,eve,0", // bob's connections are eve's now
        "14,M,eve,a,1",   // ann
        "15,M,bob,a,1",   // ann and eve: bob is someone else by now
        "16,N,ann,eve,0", // both were in a: one connection is left there
        "16,M,eve,a,1",   // nobody
        "16,M,ann,a,1",   // eve
        "17,N,zoe,eve,0", // is nowhere
        "17,N,eve,eve,0", // the same name
        "18,Q,eve,,0",    // out of a and b
        "18,M,ann,b,1",   // nobody
        "19,J,zoe,a,0",   // stays
    ]);
    let json = replay_stdin(&["-", "--json", "-"], input.as_bytes()).ok().json();
    assert_eq!(json["dispatch"]["deliveries"], 1 + 2 + 1 + 2 + 1);
    assert_eq!(json["dispatch"]["delivered_bytes"], 100 + 20 + 1 + 2 + 1);
    let connections = json!({
        "connects": 4, "disconnects": 3, "peak_live": 3, "live_at_end": 1, "extra": 0, "leaks": 0,
    });
    assert_eq!(json["connections"], connections);
    let recording = &json["recording"];
    let idle = ["repeated_joins", "unmatched_leaves", "unmatched_quits", "idle_renames", "collapsed"];
    assert_eq!(idle.map(|name| recording[name].as_u64()), [1, 1, 1, 2, 1].map(Some));
    assert_eq!((&recording["topics"], &recording["owners"]), (&json!(2), &json!(4)));
    assert_eq!((&recording["first_t_ms"], &recording["last_t_ms"]), (&json!(10), &json!(19)));
}

/// What must not depend on how the same recording is replayed.
fn lasting(json: &Value) -> Map<String, Value> {
    let mut lasting = Map::new();
    for (group, names) in [
        ("dispatch", &["deliveries", "delivered_bytes"][..]),
        ("latency", &["emissions"]),
        ("connections", &["connects", "disconnects", "peak_live", "live_at_end", "leaks"]),
        (
            "recording",
            &["events", "repeated_joins", "unmatched_leaves", "unmatched_quits", "idle_renames", "collapsed"],
        ),
        ("check", &["oracle", "passed", "differences"]),
    ] {
        lasting.extend(names.iter().map(|name| (format!("{group}.{name}"), json[group][name].clone())));
    }
    lasting
}

#[test]
fn bus_and_oracle_agree_on_made_up_recordings_however_they_are_replayed() {
    let folder = Folder::new();
    let mut collapsed = 0;
    for seed in 0..12 {
        let file = folder.file("trace.csv", random_recording(seed, 3_000));
        let run = |args: &[&str]| replay(&[&[&file, "--json", "-"], args].concat()).ok().json();
        let plain = run(&[]);
        assert_eq!(plain["check"]["oracle"], true);
        collapsed += plain["recording"]["collapsed"].as_u64().expect("a number");
        for args in [
            &["--threads", "2"][..],
            &["--threads", "4"],
            &["--threads", "9"],
            &["--tick-hz", "50"],
            &["--tick-hz", "3", "--threads", "3"],
            &["--speed", "1e6", "--tick-hz", "60", "--threads", "2"],
            &["--engine"],
            &["--engine", "--threads", "4"],
            &["--engine", "--tick-hz", "3", "--threads", "3"],
        ] {
            assert_eq!(lasting(&run(args)), lasting(&plain), "seed {seed}, {args:?}");
        }
        let extra = run(&["--extra-slots", "2", "--threads", "2"]);
        let messages = plain["recording"]["messages"].as_u64().expect("a number");
        assert_eq!(
            extra["dispatch"]["deliveries"].as_u64(),
            plain["dispatch"]["deliveries"].as_u64().map(|n| n + 2 * messages)
        );
    }
    assert!(collapsed > 100, "the recordings hold what is hard: {collapsed}");
}

#[test]
fn input_may_be_plain_or_gzip_from_a_file_or_a_pipe() {
    let folder = Folder::new();
    let text = random_recording(99, 500);
    let (first, second) = text.split_at(text.len() / 2);
    let inputs = [
        text.clone().into_bytes(),
        text.replace('\n', "\r\n").into_bytes(),
        text.trim_end().to_owned().into_bytes(),
        gzip(&text),
        [gzip(first), gzip(second)].concat(),
    ];
    let expected = lasting(&replay_stdin(&["-", "--json", "-"], &inputs[0]).ok().json());
    for (number, input) in inputs.iter().enumerate() {
        // A name that promises the opposite must not matter.
        for name in ["trace.csv", "trace.csv.gz"] {
            let file = folder.file(name, input);
            assert_eq!(lasting(&replay(&[&file, "--json", "-"]).ok().json()), expected, "input {number} as {name}");
        }
        assert_eq!(lasting(&replay_stdin(&["-", "--json", "-"], input).ok().json()), expected, "input {number}, piped");
    }
}

#[test]
fn a_recording_without_events_is_no_error() {
    let ran = replay_stdin(&["-", "--json", "-", "--threads", "2"], common::HEADER.as_bytes()).ok();
    let json = ran.json();
    assert_eq!((&json["recording"]["events"], &json["latency"]["p50_ns"]), (&json!(0), &Value::Null));
    assert_eq!(json["check"]["passed"], true);
}

#[test]
fn times_may_be_as_far_apart_as_numbers_go() {
    let input = recording(&["0,J,ann,a,0", "18446744073709551615,M,bob,a,1"]);
    for args in [&["-", "--json", "-"][..], &["-", "--json", "-", "--tick-hz", "1000"]] {
        assert_eq!(replay_stdin(args, input.as_bytes()).ok().json()["dispatch"]["deliveries"], 1);
    }
}

#[test]
fn the_summary_shows_what_the_json_says() {
    let ran = replay(&["--json", "-"]).ok();
    let (json, summary) = (ran.json(), &ran.err);
    let line = |name: &str| {
        let mut lines = summary.lines().filter(|line| line.trim_start().starts_with(name));
        lines.next().unwrap_or_else(|| panic!("{name} in\n{summary}")).to_owned()
    };
    for (name, value) in [
        ("made", "191,679"),
        ("still live", "0"),
        ("at most live", "450"),
        ("owners", "50"),
        ("events", "256,932"),
        ("deliveries", "223,419"),
        ("connects", "63,893"),
        ("disconnects", "63,893"),
        ("peak live", "450"),
        ("live at the end", "0"),
        ("leaks", "0"),
        ("heap calls", "0"),
        ("messages", "139,098"),
    ] {
        assert!(line(name).split_whitespace().any(|word| word == value), "{name}: {value} in\n{summary}");
    }
    for (name, key) in
        [("p50", "p50_ns"), ("p90", "p90_ns"), ("p99", "p99_ns"), ("p99.9", "p999_ns"), ("max", "max_ns")]
    {
        let ns = json["latency"][key].as_u64().expect("there were emissions");
        if ns < 1_000 {
            assert!(line(&format!("{name} ")).contains(&format!(" {ns} ns")), "{name}: {ns} in\n{summary}");
        }
    }
    assert!(summary.contains("checked: every count of all 3 passes equals the oracle's"), "{summary}");
}

#[test]
fn every_field_of_the_json_is_documented() {
    fn names(value: &Value, prefix: &str, list: &mut Vec<(String, String)>) {
        for (name, value) in value.as_object().into_iter().flatten() {
            list.push((prefix.to_owned(), name.clone()));
            names(value, name, list);
        }
    }
    let documented = include_str!("../README.md");
    let mut list = Vec::new();
    names(&replay(&["--monitor", "--json", "-"]).ok().json(), "", &mut list);
    assert!(list.len() > 50, "{list:?}");
    for (group, name) in list {
        // Groups stand before their first field only: `latency.p50_ns`, `.p90_ns`.
        let row = documented.lines().any(|line| {
            let first = line.split('|').nth(1).unwrap_or_default();
            let in_group = group.is_empty() || first.contains(&format!("`{group}."));
            in_group
                && [format!("`{name}`"), format!(".{name}`"), format!("`{name}."), format!(".{name}[]`")]
                    .iter()
                    .any(|form| first.contains(form))
        });
        assert!(row, "{group}.{name}");
    }
}
