//! Outcomes, errors and the audit ring as JSON.
#![cfg(all(feature = "admin", feature = "serde"))]

use pulsebus::admin::{Admin, Policy, Role, Token};
use pulsebus::{Bus, Kind, ManualClock, Owner, Pools, Signal};
use serde_json::{Value, json};
use std::time::Duration;

struct World {
    bus: Bus,
    admin: Admin,
    token: Token,
    hand: ManualClock,
}

fn world() -> World {
    let hand = ManualClock::new();
    let bus = Bus::builder().clock(hand.clock()).build().unwrap();
    let token = Token::generate().unwrap();
    let admin = Admin::without_monitor(&bus, &Pools::new(), Policy::new().token("ann", Role::Admin, &token)).unwrap();
    World { bus, admin, token, hand }
}

impl World {
    fn json(&self, command: &str) -> Value {
        match self.admin.run(self.token.expose(), "here", command) {
            Ok(outcome) => serde_json::to_value(outcome).unwrap(),
            Err(error) => serde_json::to_value(error).unwrap(),
        }
    }
}

#[test]
fn an_outcome_says_what_it_is_and_holds_its_values() {
    let world = world();
    let bus = &world.bus;
    let signal = Signal::<u32>::new();
    bus.connect(&signal).owner(Owner::key((1, 2))).tag("hud").kind(Kind::Remote).slot(|_| {}).unwrap();
    bus.connect(&signal).owner(7).slot(|_| {}).unwrap();
    let connections = world.json("connections owner=key:\"(1, 2)\"");
    assert_eq!((&connections["outcome"], &connections["value"]["total"]), (&json!("connections"), &json!(1)));
    let shown = &connections["value"]["shown"][0];
    assert_eq!(
        (&shown["owner"], &shown["tags"], &shown["kind"]),
        (&json!("(1, 2)"), &json!(["hud"]), &json!("remote"))
    );
    assert_eq!(
        world.json("cleanup owner 7"),
        json!({"outcome": "cleanup", "value": {"target": "owner 7", "count": 1, "dry_run": false}})
    );
    assert_eq!(
        world.json("config set sweep_at 0.5"),
        json!({"outcome": "config_changed", "value": {"setting": "sweep_at", "before": "0.8", "after": "0.5"}})
    );
    assert_eq!(world.json("tokens"), json!({"outcome": "tokens", "value": [{"name": "ann", "role": "admin"}]}));
    assert_eq!(world.json("emergency-cleanup --dry-run")["value"]["stale"], json!(0));
    for command in ["help", "pools", "topics", "audit", "collect", "config get", "log", "emergency-cleanup --yes"] {
        let json = world.json(command);
        assert!(json["outcome"].is_string() && !json["value"].is_null(), "{json}");
    }
}

#[test]
fn an_error_says_what_it_is_and_what_would_be_right() {
    let world = world();
    let error = world.json("conections");
    assert_eq!((&error["error"], &error["nearest"]), (&json!("unknown_command"), &json!("connections")));
    assert!(error["usage"].as_str().unwrap().starts_with("connections [owner=O]"));
    assert!(error["message"].as_str().unwrap().contains("did you mean connections?"));
    let error = world.json("emergency-cleanup");
    assert_eq!((&error["error"], &error["would"]["done"]), (&json!("needs_yes"), &json!(false)));
    assert_eq!(world.json("config set audit_history 1")["error"], json!("out_of_range"));
    for _ in 0..4 {
        let _ = world.admin.run("wrong", "eve", "help");
    }
    world.hand.advance(Duration::from_millis(750));
    let error = serde_json::to_value(world.admin.run("wrong", "eve", "help").unwrap_err()).unwrap();
    assert_eq!((&error["error"], &error["retry_after"]), (&json!("slow_down"), &json!(0.25)));
}

#[test]
fn the_audit_ring_is_for_machines_too() {
    let world = world();
    world.json("topics");
    let ring = serde_json::to_value(world.admin.audit_ring()).unwrap();
    assert_eq!(ring[0]["who"], json!("ann"));
    assert_eq!((&ring[0]["what"], &ring[0]["outcome"]), (&json!("topics"), &json!("ok")));
    assert_eq!(serde_json::to_value(world.admin.attempts()).unwrap()["right"], json!(1));
}
