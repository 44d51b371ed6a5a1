//! Random programs over the bus's registry, on one thread: the library and the oracle do the same, call by call.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use pulsebus::{Bus, CallStatistics, ConnectError, EndReason, Kind, LimitPolicy};
use pulsebus_proptests::config::config;
use pulsebus_proptests::difference::difference;
use pulsebus_proptests::registry::Order;
use pulsebus_proptests::registry::oracle::OracleRegistry;
use pulsebus_proptests::registry::program::{Action, Form, Pick, Settings, Slot, Step, Through, What, Whose};
use pulsebus_proptests::registry::random::{crowd, program};
use pulsebus_proptests::registry::trace::{Entry, order_of};
use pulsebus_proptests::registry::world::run;
use std::collections::BTreeMap;
use std::time::Duration;

const REGISTRY_SHORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/registry_short.txt");
const REGISTRY_LONG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/registry_long.txt");
const REGISTRY_CROWD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/registry_crowd.txt");

fn check(program: &[Step], few: bool) -> Result<(), TestCaseError> {
    let (trace, violations) = run::<Bus>(program, Order::default(), few);
    let (expected, flaws) = run::<OracleRegistry>(program, order_of(&trace), few);
    prop_assert!(trace == expected, "{}", difference(&trace, &expected));
    prop_assert!(violations.is_empty() && flaws.is_empty(), "{violations:#?} {flaws:#?}");
    Ok(())
}

proptest! {
    #![proptest_config(config(REGISTRY_SHORT, 16_000))]

    #[test]
    fn short_programs_do_what_the_oracle_says(program in program(12)) {
        check(&program, true)?;
    }
}

proptest! {
    #![proptest_config(config(REGISTRY_LONG, 2_500))]

    #[test]
    fn long_programs_do_what_the_oracle_says(program in program(80)) {
        check(&program, true)?;
    }
}

proptest! {
    #![proptest_config(config(REGISTRY_CROWD, 400))]

    #[test]
    fn programs_with_hundreds_of_connections_do_what_the_oracle_says(program in crowd(40)) {
        check(&program, false)?;
    }
}

#[test]
fn an_owner_that_another_sweep_took_below_its_limit_is_swept_at_it_again() {
    // Random programs seldom come to it: an owner is swept beyond its limit, and then the sweep of the whole bus leaves fewer
    // of it.
    let slot = |age: Option<Duration>| {
        let (owner, kind) = (Some(Whose::Number(7)), Kind::Signal);
        let what =
            What { owner, service: None, tags: Vec::new(), kind, name: None, description: None, idle: None, age };
        let (through, form) = (Through::Itself, Form::Plain);
        Box::new(Slot { signal: Pick(0), through, form, what, script: Vec::new(), cleanup: None })
    };
    let time = Duration::from_millis(5);
    let settings = Settings {
        per_owner: Some(2),
        per_service: None,
        overall: Some(3),
        policy: LimitPolicy::Warn,
        sweep_at: 1.0,
        emergency_at: 1.0,
        calls: CallStatistics::Off,
    };
    let actions = [
        Action::Configure(settings),
        Action::Connect(slot(Some(time)), 2),
        // At the owner's limit: swept for nothing, and not again below three.
        Action::Connect(slot(Some(time * 2)), 1),
        Action::Advance(time),
        // At that of all: the first two go, and the owner is below its limit.
        Action::Connect(slot(None), 1),
        Action::Advance(time),
        // At the owner's again: the third one goes.
        Action::Connect(slot(None), 1),
    ];
    let program = actions.map(|action| Step { action, look: true });
    check(&program, true).unwrap_or_else(|error| panic!("{error}"));
    let trace = run::<Bus>(&program, Order::default(), true).0;
    let figures = trace.iter().rev().find_map(|entry| match entry {
        Entry::Figures(figures) => Some(figures),
        _ => None,
    });
    let figures = figures.expect("looked at after each step");
    assert_eq!((figures.live, figures.ended.get(&EndReason::Stale)), (2, Some(&3)));
}

#[test]
fn the_programs_are_worth_running() {
    // Over a fixed set of them, everything that a trace can hold occurs, and often.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut count = |what: String| *counts.entry(what).or_default() += 1;
    for _ in 0..1_000 {
        let program = program(60).new_tree(&mut runner).expect("nothing is filtered").current();
        let trace = run::<OracleRegistry>(&program, Order::default(), true).0;
        for entry in &trace {
            match entry {
                Entry::Called { .. } => count("called".to_owned()),
                Entry::Cleaned { reason, .. } => count(format!("cleaned, {reason}")),
                Entry::Stopping(_) => count("stopping".to_owned()),
                Entry::Alarmed { .. } => count("alarmed".to_owned()),
                Entry::Connected(result) => count(format!("connected, {}", kind_of(result.as_ref().err()))),
                Entry::Batch(result) => count(format!("batch, {}", kind_of(result.as_ref().err().map(|(_, e)| e)))),
                Entry::Answered(answer) => count(format!("answered, {answer}")),
                Entry::Counted(0) => count("counted none".to_owned()),
                Entry::Counted(_) => count("counted some".to_owned()),
                Entry::Farewell(farewell) => count(format!("farewell, {}", farewell.is_some())),
                Entry::Figures(_) | Entry::Details(_) => {}
            }
        }
        if let Some(Entry::Figures(figures)) = trace.iter().rev().find(|entry| matches!(entry, Entry::Figures(_))) {
            let totals = [
                ("rejected", figures.rejected),
                ("over limit", figures.over_limit),
                ("emergencies", figures.emergencies),
                ("cleanup errors", figures.cleanup_errors),
                ("panics", figures.panics),
            ];
            totals.into_iter().filter(|(_, total)| *total > 0).for_each(|(what, _)| count(what.to_owned()));
        }
    }
    let expected = [
        "called",
        "stopping",
        "alarmed",
        "answered, false",
        "answered, true",
        "counted none",
        "counted some",
        "cleaned, disconnected",
        "cleaned, dropped_signal",
        "cleaned, owner_left",
        "cleaned, scope_reset",
        "cleaned, service_stopped",
        "cleaned, tag",
        "cleaned, kind",
        "cleaned, filter",
        "cleaned, stale",
        "cleaned, limit",
        "cleaned, replaced",
        "cleaned, unregistered",
        "cleaned, emergency",
        "cleaned, shutdown",
        "connected, made",
        "connected, LimitReached",
        "connected, ScopeEnded",
        "connected, ServiceStopped",
        "connected, NameWithoutOwner",
        "connected, ZeroTimeout",
        "connected, ShutDown",
        "connected, AlreadyTracked",
        "connected, NotConnected",
        "connected, NoCallStatistics",
        "batch, made",
        "batch, LimitReached",
        "farewell, true",
        "farewell, false",
        "rejected",
        "over limit",
        "emergencies",
        "cleanup errors",
        "panics",
    ];
    let rare: Vec<_> = expected.into_iter().filter(|what| counts.get(*what).is_none_or(|count| *count < 5)).collect();
    assert!(rare.is_empty(), "{rare:?} of {counts:#?}");
}

/// An error without what it carries.
fn kind_of(error: Option<&ConnectError>) -> String {
    error.map_or("made".to_owned(), |error| {
        let text = format!("{error:?}");
        text.split(' ').next().unwrap_or_default().to_owned()
    })
}
