//! The audit ring: who, from where, what, when, and what came of it.
#![cfg(feature = "admin")]

use pulsebus::admin::{Admin, AuditRecord, Outcome, Policy, Role, Token};
use pulsebus::{Bus, ManualClock, Pools, Signal};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

struct World {
    hand: ManualClock,
    bus: Bus,
    admin: Admin,
    token: Token,
}

fn world(capacity: usize) -> World {
    let hand = ManualClock::new();
    let bus = Bus::builder().clock(hand.clock()).build().unwrap();
    let token = Token::generate().unwrap();
    let policy = Policy::new().token("ann", Role::Admin, &token).audit_capacity(capacity);
    let admin = Admin::without_monitor(&bus, &Pools::new(), policy).unwrap();
    World { hand, bus, admin, token }
}

impl World {
    fn run(&self, command: &str) {
        let _ = self.admin.run(self.token.expose(), "office", command);
    }

    fn wrong(&self, source: &str, command: &str) {
        assert!(self.admin.run("wrong", source, command).is_err());
    }

    fn kept(&self) -> Vec<(u64, String, &'static str)> {
        self.admin.audit_ring().into_iter().map(|record| (record.number, record.what, record.outcome)).collect()
    }
}

#[test]
fn every_command_is_kept_with_who_what_when_and_outcome() {
    let World { hand, bus, admin, token } = world(1024);
    hand.advance(5 * SECOND);
    let (signal, theirs) = (Signal::<u32>::new(), hand.clone());
    let slow = move |_| theirs.advance(Duration::from_millis(40));
    bus.connect(&signal).owner(7).on_cleanup(slow).slot(|_| {}).unwrap();
    admin.run(token.expose(), "10.0.0.7", "cleanup owner 7").unwrap();
    hand.set(9 * SECOND);
    for command in ["no-such", "cleanup", "sample", "pool x", "emergency-cleanup", "config set sweep_at 7", "\u{1b}"] {
        assert!(admin.run(token.expose(), "10.0.0.7", command).is_err());
    }
    assert!(admin.run("wrong", "10.0.0.66", "cleanup stale").is_err());
    let records = admin.audit_ring();
    let AuditRecord { number, at, who, role, source, what, outcome, took, times, .. } = &records[0];
    assert_eq!((*number, *at, *took, *times), (0, 5 * SECOND, Duration::from_millis(40), 1));
    assert_eq!((who.as_ref().unwrap().as_str(), *role), ("ann", Some(Role::Admin)));
    assert_eq!((source.as_str(), what.as_str(), *outcome), ("10.0.0.7", "cleanup owner 7", "ok"));
    assert_eq!(records[0].to_string(), "#0 5s ann (admin) from 10.0.0.7: cleanup owner 7 -> ok in 40ms");
    let outcomes: Vec<_> = records[1..].iter().map(|record| record.outcome).collect();
    let expected = ["unknown_command", "missing_argument", "no_monitor", "not_found", "needs_yes", "out_of_range"];
    assert_eq!(outcomes[..6], expected);
    assert_eq!(outcomes[6..], ["control_character", "wrong_credential"]);
    let last = records.last().unwrap();
    assert_eq!((&last.who, last.role, last.source.as_str(), last.at), (&None, None, "10.0.0.66", 9 * SECOND));
    assert_eq!(last.to_string(), "#8 9s nobody from 10.0.0.66: cleanup stale -> wrong_credential in 0s");
}

#[test]
fn no_text_from_outside_forges_a_line_or_steers_a_terminal() {
    let world = world(1024);
    let forged = "help\r\n#9 9s ann (admin) from office: cleanup stale -> ok in 0s\u{1b}[2J\u{202e}";
    world.run(forged);
    world.wrong("eve\n#10 \u{7}", forged);
    let _ = world.admin.run_bytes(world.token.expose().as_bytes(), "\u{9b}", b"\xff\xfe\n");
    let records = world.admin.audit_ring();
    for record in &records {
        let text = record.to_string();
        assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
    }
    assert!(records[0].what.contains("help\\u{d}\\u{a}#9"));
    assert_eq!(records[1].source, "eve\\u{a}#10 \\u{7}");
    assert_eq!(records[2].outcome, "not_utf8");
    let log = world.admin.run(world.token.expose(), "office", "log").unwrap();
    assert_eq!(log.to_string().lines().count(), 4);
    assert!(log.to_string().chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn what_is_kept_is_short_however_long_it_was() {
    let world = world(1024);
    let long = "x".repeat(1 << 20);
    let _ = world.admin.run(world.token.expose(), &long, &long);
    world.wrong(&long, &long);
    for record in world.admin.audit_ring() {
        assert!(record.source.len() < 80 && record.what.len() < 300, "{record}");
    }
    let outcomes: Vec<_> = world.admin.audit_ring().iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, ["too_long", "wrong_credential"]);
}

#[test]
fn the_ring_keeps_the_latest() {
    let world = world(4);
    (0..10).for_each(|number| world.run(&format!("log {}", number + 1)));
    let expected: Vec<_> = (6..10).map(|number| (number, format!("log {}", number + 1), "ok")).collect();
    assert_eq!(world.kept(), expected);
}

#[test]
fn refused_attempts_push_no_command_out() {
    let world = world(8);
    world.run("collect");
    (0..1_000).for_each(|number| world.wrong(&format!("eve{number}"), "help"));
    world.run("audit");
    let kept = world.kept();
    // A fourth as many refused ones, and all commands, by number.
    let numbers: Vec<u64> = kept.iter().map(|(number, ..)| *number).collect();
    assert_eq!(numbers, [0, 999, 1_000, 1_001]);
    assert_eq!((kept[0].1.as_str(), kept[3].1.as_str()), ("collect", "audit"));
}

#[test]
fn attempts_that_are_not_looked_at_are_counted_in_one_record() {
    let world = world(1024);
    (0..1_004).for_each(|_| world.wrong("eve", "help"));
    let records = world.admin.audit_ring();
    let times: Vec<_> = records.iter().map(|record| record.times).collect();
    assert_eq!(times, [1, 1, 1, 1_001]);
    assert!(records[3].to_string().ends_with(", 1001 times"));
}

#[test]
fn a_command_is_in_the_ring_before_it_is_run() {
    let world = world(1024);
    let (signal, seen) = (Signal::<u32>::new(), Arc::new(Mutex::new(Vec::new())));
    let (admin, theirs) = (world.admin.clone(), Arc::clone(&seen));
    // A callback may ask, and give commands of its own: nothing is locked.
    let token = Token::generate().unwrap();
    world.admin.add_token("callback", Role::Admin, &token).unwrap();
    let look = move |_| {
        let inner = admin.run(token.expose(), "callback", "config set sweep_at 0.5");
        assert!(matches!(inner, Ok(Outcome::ConfigChanged { .. })));
        *theirs.lock().unwrap() = admin.audit_ring();
    };
    world.bus.connect(&signal).owner(7).on_cleanup(look).slot(|_| {}).unwrap();
    world.run("cleanup owner 7");
    let seen: Vec<_> = seen.lock().unwrap().iter().map(|record| (record.what.clone(), record.outcome)).collect();
    assert_eq!(seen, [("cleanup owner 7".into(), "running"), ("config set sweep_at 0.5".into(), "ok")]);
    assert_eq!(world.admin.audit_ring()[0].outcome, "ok");
}

#[test]
fn the_log_shows_the_latest_and_itself_running() {
    let world = world(1024);
    (0..30).for_each(|_| world.run("topics"));
    let log = |command| match world.admin.run(world.token.expose(), "office", command) {
        Ok(Outcome::Log(records)) => records,
        other => panic!("{other:?}"),
    };
    let records = log("log");
    assert_eq!((records.len(), records.last().unwrap().outcome), (20, "running"));
    assert_eq!(log("log 3").len(), 3);
    assert_eq!(log("log 10000").len(), 33);
}
