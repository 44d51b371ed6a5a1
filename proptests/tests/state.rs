//! Random programs over a state, whose slots set, connect, disconnect and panic: call by call what the oracle makes of them.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use pulsebus_proptests::config::config;
use pulsebus_proptests::state::oracle::{Library, Oracle};
use pulsebus_proptests::state::program::{Action, program};
use pulsebus_proptests::state::world::{Seen, World, tally};
use std::collections::BTreeMap;

const STATE_SHORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/state_short.txt");
const STATE_LONG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/state_long.txt");

fn check(program: &[Action]) -> Result<(), TestCaseError> {
    let (library, oracle) = (World::<Library>::run(program), World::<Oracle>::run(program));
    prop_assert_eq!(library, oracle);
    Ok(())
}

proptest! {
    #![proptest_config(config(STATE_SHORT, 8_000))]

    #[test]
    fn short_programs_do_what_the_oracle_says(program in program(8)) {
        check(&program)?;
    }
}

proptest! {
    #![proptest_config(config(STATE_LONG, 1_500))]

    #[test]
    fn long_programs_do_what_the_oracle_says(program in program(60)) {
        check(&program)?;
    }
}

#[test]
fn the_programs_are_worth_running() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..300 {
        let program = program(40).new_tree(&mut runner).expect("nothing is filtered").current();
        let seen: Vec<Seen> = World::<Library>::run(&program);
        tally(&seen).into_iter().for_each(|(what, times)| *counts.entry(what).or_default() += times);
    }
    for what in ["called", "called inside a call", "panicked", "acted"] {
        assert!(counts.get(what).is_some_and(|&times| times > 300), "too seldom {what}: {counts:?}");
    }
}
