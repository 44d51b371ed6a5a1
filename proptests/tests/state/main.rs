//! Random programs over a state, whose slots set, connect, disconnect and panic: call by call what the oracle makes of
//! them.

mod oracle;
mod program;
mod world;

use oracle::{Library, Oracle};
use program::{Action, program};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use pulsebus_proptests::config::config;
use world::{World, tally};

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
    let mut sums = [0; 3];
    for _ in 0..300 {
        let program = program(40).new_tree(&mut runner).expect("nothing is filtered").current();
        let tally = tally(&World::<Library>::run(&program));
        sums.iter_mut().zip(tally).for_each(|(sum, times)| *sum += times);
    }
    let [calls, nested, panicked] = sums;
    assert!(calls > 3_000 && nested > 1_000 && panicked > 300, "{calls} {nested} {panicked}");
}
