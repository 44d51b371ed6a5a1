//! Every option does what it says, and refuses what it cannot.

mod common;

use common::{Folder, command, recording, replay};
use std::time::{Duration, Instant};

/// Two owners in two topics, over half a second of recorded time.
const LINES: [&str; 8] = [
    "1000,J,ann,a,0",
    "1000,J,bob,a,0",
    "1000,J,bob,b,0",
    "1100,M,ann,a,10",
    "1199,M,bob,a,20",
    "1200,M,eve,b,30",
    "1500,Q,ann,,0",
    "1500,Q,bob,,0",
];

#[test]
fn bad_values_are_refused_with_what_was_expected() {
    let speed = "expected a factor above 0, such as 1 for real time or 0.5 for half of it";
    let tick_hz = "expected a number of ticks per recorded second, above 0 and at most 1000";
    let cases: [(&[&str], &str); 21] = [
        (&["--speed", "0"], speed),
        (&["--speed=-1"], speed),
        (&["--speed", "NaN"], speed),
        (&["--speed", "inf"], speed),
        (&["--speed", "1e-320"], speed),
        (&["--speed", "fast"], speed),
        (&["--tick-hz", "0"], tick_hz),
        (&["--tick-hz=-60"], tick_hz),
        (&["--tick-hz", "NaN"], tick_hz),
        (&["--tick-hz", "1000.5"], tick_hz),
        (&["--tick-hz", "sixty"], tick_hz),
        (&["--threads", "0"], "0 is not in 1..=1024"),
        (&["--threads", "1025"], "1025 is not in 1..=1024"),
        (&["--threads", "1.5"], "invalid digit found in string"),
        (&["--extra-slots=-1"], "-1"),
        (&["--extra-slots", "1000001"], "1000001 is not in 0..=1000000"),
        (&["--progress", "loud"], "[possible values: auto, bar, lines, none]"),
        (&["--speed"], "a value is required"),
        (&["--fast"], "unexpected argument '--fast'"),
        (&["one.csv", "two.csv"], "unexpected argument 'two.csv'"),
        (&["--speed", "1", "--speed", "2"], "cannot be used multiple times"),
    ];
    for (args, message) in cases {
        let ran: common::Ran = command(args).output().expect("the program starts").into();
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {}", ran.err);
        assert!(ran.err.starts_with("error: ") && ran.err.contains(message), "{args:?}: {}", ran.err);
    }
}

#[test]
fn results_that_cannot_be_written_are_refused_before_the_run() {
    let folder = Folder::new();
    let trace = folder.file("trace.csv", recording(&LINES));
    let nowhere = folder.arg("no/such/folder/run.html");
    let missing = folder.arg("missing.csv");
    let expected = "expected a file that can be written, found: ";
    for option in ["--report", "--json"] {
        // The input is missing too, and is not what is complained of.
        let error = replay(&[&missing, option, &nowhere]).err;
        assert!(error.starts_with(&format!("error: {option} {nowhere}: {expected}")), "{error}");
        let directory = folder.arg("");
        replay(&[&missing, option, &directory]).refused(&format!("{expected}Is a directory (os error 21)"));
        replay(&[&trace, option, &trace])
            .refused(&format!("{option} {trace}: expected a file of its own, found that it is also the recording"));
    }
    assert_eq!(folder.read("trace.csv"), recording(&LINES));
    let both = folder.arg("both");
    replay(&[&trace, "--report", &both, "--json", &both]).refused("found that it is also --report");
    assert!(!folder.path("both").exists());
}

#[test]
fn an_earlier_result_is_replaced_whole() {
    let folder = Folder::new();
    let trace = folder.file("trace.csv", recording(&LINES));
    let json = folder.file("run.json", "x".repeat(1 << 20));
    replay(&[&trace, "--json", &json]).ok();
    assert!(serde_json::from_str::<serde_json::Value>(&folder.read("run.json")).is_ok());
}

#[cfg(target_os = "linux")]
#[test]
fn results_may_go_to_devices_and_fail_there() {
    let folder = Folder::new();
    let trace = folder.file("trace.csv", recording(&LINES));
    replay(&[&trace, "--json", "/dev/null", "--report", "/dev/null"]).ok();
    let full = "No space left on device (os error 28)";
    replay(&[&trace, "--quiet", "--json", "/dev/full"]).refused(full);
    let stdout = std::fs::File::options().write(true).open("/dev/full").expect("Linux has it");
    let output = command(&[&trace, "--progress", "none"]).stdout(stdout).output().expect("the program starts");
    common::Ran::from(output).refused(full);
}

#[test]
fn speed_waits_for_the_recorded_clock() {
    let folder = Folder::new();
    let trace = folder.file("trace.csv", recording(&LINES));
    // It can only be slower than asked for, so the lower bound holds on any machine.
    for (speed, least_ms) in [("1", 500), ("2.5", 200)] {
        let begun = Instant::now();
        let json = replay(&[&trace, "--speed", speed, "--json", "-"]).ok().json();
        assert!(begun.elapsed() >= Duration::from_millis(least_ms));
        assert!(json["dispatch"]["wall_ns"].as_u64() >= Some(least_ms * 1_000_000), "{json}");
        assert!(json["dispatch"]["late_ns"].is_u64());
        assert_eq!(json["latency"]["emissions"], 3);
        assert_eq!(json["bus"]["passes"], 2);
        assert_eq!(json["dispatch"]["deliveries"], 3);
    }
}

#[test]
fn ticks_are_of_recorded_time() {
    let folder = Folder::new();
    let trace = folder.file("trace.csv", recording(&LINES));
    // At 10 a second: 1000..1100, 1100..1200, 1200..1300, 1500..1600.
    for (hz, ticks) in [("10", 4), ("1000", 5), ("1", 1), ("0.001", 1)] {
        let json = replay(&[&trace, "--tick-hz", hz, "--json", "-"]).ok().json();
        assert_eq!(
            (&json["dispatch"]["ticks"], &json["dispatch"]["deliveries"]),
            (&ticks.into(), &3.into()),
            "{hz} Hz"
        );
        assert_eq!(json["connections"]["leaks"], 0);
    }
    // The last tick ends 600 ms after the first event, that is 300 ms at this speed.
    let json = replay(&[&trace, "--tick-hz", "10", "--speed", "2", "--json", "-"]).ok().json();
    assert!(json["dispatch"]["wall_ns"].as_u64() >= Some(300_000_000), "{json}");
    assert_eq!(json["dispatch"]["ticks"], 4);
}

#[test]
fn extra_slots_hear_everything() {
    let folder = Folder::new();
    let trace = folder.file("trace.csv", recording(&LINES));
    let json = replay(&[&trace, "--extra-slots", "5", "--json", "-"]).ok().json();
    assert_eq!(json["dispatch"]["deliveries"], 3 + 3 * 5);
    assert_eq!(json["dispatch"]["delivered_bytes"], (10 + 20 + 30) + (10 + 20 + 30) * 5);
    assert_eq!(json["connections"]["extra"], 10);
    assert_eq!(json["connections"]["peak_live"], 3);
    assert_eq!(json["connections"]["leaks"], 0);
}

#[test]
fn too_many_extra_slots_are_refused() {
    replay(&["--extra-slots", "1000000"]).refused(
        "--extra-slots 1000000: expected at most 10000000 extra slots in all, found 231 topics in the recording",
    );
}

#[test]
fn the_oracle_runs_by_default_and_can_be_left_out() {
    let folder = Folder::new();
    let trace = folder.file("trace.csv", recording(&LINES));
    for (args, oracle) in [
        (&[][..], true),
        (&["--check"], true),
        (&["--no-check"], false),
        (&["--no-check", "--check"], true),
        (&["--check", "--no-check"], false),
    ] {
        let ran = replay(&[&[&trace, "--json", "-"], args].concat()).ok();
        assert_eq!(ran.json()["check"]["oracle"], oracle, "{args:?}");
        assert_eq!(ran.json()["check"]["passed"], true);
        assert_eq!(ran.err.contains("not checked"), !oracle, "{}", ran.err);
    }
}

#[test]
fn the_oracle_is_left_out_from_a_million_events_on() {
    let mut text = common::HEADER.to_owned();
    text.push_str(&"1,M,ann,a,1\n".repeat(999_999));
    let oracle = |text: &str| {
        let ran = common::replay_stdin(&["-", "--json", "-"], text.as_bytes()).ok();
        ran.json()["check"]["oracle"].clone()
    };
    assert_eq!(oracle(&text), true);
    text.push_str("1,M,ann,a,1\n");
    assert_eq!(oracle(&text), false);
}

#[test]
fn quiet_says_nothing_and_still_writes() {
    let folder = Folder::new();
    let trace = folder.file("trace.csv", recording(&LINES));
    let json = folder.arg("run.json");
    let output = command(&[&trace, "--quiet", "--json", &json]).output().expect("the program starts");
    assert_eq!((output.stdout.len(), output.stderr.len()), (0, 0));
    assert!(folder.path("run.json").exists());
    let ran = replay(&[&trace, "-q", "--json", "-"]).ok();
    assert_eq!((ran.json()["dispatch"]["deliveries"].as_u64(), ran.err.as_str()), (Some(3), ""));
}

#[test]
fn progress_is_lines_without_a_terminal() {
    let output = command(&[]).output().expect("the program starts");
    let ran = common::Ran::from(output).ok();
    let phases: Vec<&str> = ran.err.lines().filter_map(|line| line.split_once(": 256,932 ")).map(|l| l.0).collect();
    assert_eq!(phases, ["reading", "warm-up", "dispatch", "latency"], "{}", ran.err);
    let output = command(&["--progress", "bar"]).output().expect("the program starts");
    assert_eq!(common::Ran::from(output).ok().err, "");
}

#[test]
fn colour_only_where_it_is_wanted() {
    let folder = Folder::new();
    let trace = folder.file("trace.csv", recording(&LINES));
    let colour = |set: &[(&str, &str)]| {
        let output =
            command(&[&trace, "--progress", "none"]).envs(set.iter().copied()).output().expect("the program starts");
        String::from_utf8_lossy(&output.stdout).contains('\u{1b}')
    };
    assert!(!colour(&[]), "a pipe is no terminal");
    assert!(colour(&[("CLICOLOR_FORCE", "1")]));
    assert!(!colour(&[("NO_COLOR", "1")]));
}

#[test]
fn the_engine_alone_takes_every_option() {
    let folder = Folder::new();
    let trace = folder.file("trace.csv", recording(&LINES));
    let args = ["--engine", "--threads", "2", "--tick-hz", "10", "--speed", "100", "--extra-slots", "5"];
    let json = replay(&[&[&trace, "--json", "-"], &args[..]].concat()).ok().json();
    assert_eq!(json["dispatch"]["deliveries"], 3 + 3 * 5);
    assert_eq!((&json["connections"]["extra"], &json["connections"]["leaks"]), (&10.into(), &0.into()));
}

#[test]
fn help_teaches_and_names_the_exit_codes() {
    let ran: common::Ran = command(&["--help"]).output().expect("the program starts").into();
    let help = ran.ok().out;
    for part in [
        "Examples:",
        "Exit codes:",
        "How it is measured:",
        "Bus or engine:",
        "--engine",
        "--tick-hz <N>",
        "pulsebus replay --speed",
    ] {
        assert!(help.contains(part), "{part}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    let (_, after) = help.split_once("Examples:").expect("they are there");
    assert!(after.lines().all(|line| line.chars().count() <= 78), "{after}");
}
