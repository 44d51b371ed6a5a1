//! Random programs over pools, one thing at a time, on up to four threads: each object is where the model says.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use pulsebus_proptests::config::config;
use pulsebus_proptests::pool::program::Step;
use pulsebus_proptests::pool::random::program;
use pulsebus_proptests::pool::world::World;
use std::collections::BTreeMap;

const POOL_SHORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/pool_short.txt");
const POOL_LONG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/pool_long.txt");

fn check(program: &[Step]) -> Result<(), TestCaseError> {
    World::run(program).map(drop).map_err(TestCaseError::fail)
}

proptest! {
    #![proptest_config(config(POOL_SHORT, 16_000))]

    #[test]
    fn short_programs_do_what_the_model_says(program in program(15)) {
        check(&program)?;
    }
}

proptest! {
    #![proptest_config(config(POOL_LONG, 2_500))]

    #[test]
    fn long_programs_do_what_the_model_says(program in program(120)) {
        check(&program)?;
    }
}

#[test]
fn the_programs_are_worth_running() {
    // Over a fixed set of them, everything that can become of an object does, and often.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..500 {
        let program = program(80).new_tree(&mut runner).expect("nothing is filtered").current();
        let tally = World::run(&program).unwrap_or_else(|error| panic!("{error}\nof {program:#?}"));
        tally.into_iter().for_each(|(what, times)| *counts.entry(what).or_default() += times);
    }
    let expected = [
        "made",
        "made while others had some at hand",
        "made beyond the limit",
        "used again",
        "exhausted",
        "the constructor panicked",
        "the reset panicked",
        "the destructor panicked",
        "too many, and dropped",
        "back after the end",
        "taken by a reset",
        "detached",
        "kept by a pool that is gone",
        "returned by its user",
        "taken back while in use",
        "grown by need",
        "shrunk by need",
        "closed",
        "closed with objects out",
        "used",
        "in use",
        "stale",
        "a stranger's key",
    ];
    let rare: Vec<_> = expected.into_iter().filter(|what| counts.get(what).is_none_or(|count| *count < 5)).collect();
    assert!(rare.is_empty(), "{rare:?} of {counts:#?}");
}
