//! Random programs on one thread: the library and the oracle do the same, call by call.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use pulsebus_proptests::bus::Pulsebus;
use pulsebus_proptests::config::config;
use pulsebus_proptests::difference::difference;
use pulsebus_proptests::oracle::Oracle;
use pulsebus_proptests::program::{Action, program};
use pulsebus_proptests::world::{Entry, run};

const SEQUENTIAL_SHORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/sequential_short.txt");
const SEQUENTIAL_LONG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/sequential_long.txt");

fn check(program: &[Action]) -> Result<(), TestCaseError> {
    let (trace, violations) = run::<Pulsebus>(program);
    let (expected, _) = run::<Oracle>(program);
    prop_assert!(trace == expected, "{}", difference(&trace, &expected));
    prop_assert!(violations.is_empty(), "{violations:#?}");
    Ok(())
}

proptest! {
    #![proptest_config(config(SEQUENTIAL_SHORT, 6_000))]

    #[test]
    fn short_programs_do_what_the_oracle_says(program in program(12)) {
        check(&program)?;
    }
}

proptest! {
    #![proptest_config(config(SEQUENTIAL_LONG, 600))]

    #[test]
    fn long_programs_do_what_the_oracle_says(program in program(150)) {
        check(&program)?;
    }
}

#[test]
fn the_programs_are_worth_running() {
    // Over a fixed set of them, everything that a trace can hold occurs, and often.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut calls, mut slices, mut answers, mut panics) = (0, 0, [0; 2], 0);
    for _ in 0..1_000 {
        let program = program(60).new_tree(&mut runner).expect("nothing is filtered").current();
        for entry in run::<Oracle>(&program).0 {
            match entry {
                Entry::Called { events, .. } if events.len() > 1 => slices += 1,
                Entry::Called { .. } => calls += 1,
                Entry::Answered(answer) => answers[usize::from(answer)] += 1,
                Entry::Counted(_) => {}
                Entry::Panicked { .. } => panics += 1,
            }
        }
    }
    assert!(
        calls > 100_000 && slices > 1_000 && answers[0] > 1_000 && answers[1] > 1_000 && panics > 50,
        "{calls} calls, {slices} by the slice, answers {answers:?}, {panics} panics"
    );
}
