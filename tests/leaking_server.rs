//! The example that leaks: the monitor names the line within its first minutes.

#![allow(dead_code, reason = "the example's own `main` has no use here")]

#[path = "../examples/leaking_server.rs"]
mod leaking_server;

use pulsebus::ManualClock;
use std::time::Duration;

#[test]
fn the_monitor_names_the_leak_by_file_and_line_within_minutes() {
    let source = include_str!("../examples/leaking_server.rs");
    let line = source.lines().position(|line| line.ends_with("// THE LEAK")).expect("it is marked") + 1;
    let hand = ManualClock::new();
    let told = leaking_server::run(hand.clock(), |tick| hand.advance(tick)).expect("the server runs");
    let told = told.expect("the monitor tells of it");
    assert!(told.file.ends_with("leaking_server.rs") && told.line as usize == line, "{told:?}");
    assert!(told.after <= Duration::from_secs(180), "{told:?}");
}
