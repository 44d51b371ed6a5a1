//! Random programs over the options of slots: the library and the oracle do the same, call by call.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use pulsebus::Emitted;
use pulsebus_proptests::config::config;
use pulsebus_proptests::difference::difference;
use pulsebus_proptests::options::bus::Pulsebus;
use pulsebus_proptests::options::oracle::Oracle;
use pulsebus_proptests::options::program::{Action, program};
use pulsebus_proptests::options::world::{Entry, run};

const OPTIONS_SHORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/options_short.txt");
const OPTIONS_LONG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/options_long.txt");

fn check(program: &[Action]) -> Result<(), TestCaseError> {
    let (trace, violations) = run::<Pulsebus>(program);
    let (expected, flaws) = run::<Oracle>(program);
    prop_assert!(flaws.is_empty(), "the oracle: {flaws:#?}");
    prop_assert!(trace == expected, "{}", difference(&trace, &expected));
    prop_assert!(violations.is_empty(), "{violations:#?}");
    Ok(())
}

proptest! {
    #![proptest_config(config(OPTIONS_SHORT, 6_000))]

    #[test]
    fn short_programs_do_what_the_oracle_says(program in program(12)) {
        check(&program)?;
    }
}

proptest! {
    #![proptest_config(config(OPTIONS_LONG, 300))]

    #[test]
    fn long_programs_do_what_the_oracle_says(program in program(100)) {
        check(&program)?;
    }
}

#[test]
fn the_programs_are_worth_running() {
    // Over a fixed set of them, everything that a trace can hold occurs, and often.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut calls, mut slices, mut asked, mut panics) = (0, 0, 0, 0);
    let (mut emitted, mut answers, mut looks) = ([0; 3], [0; 2], [0; 3]);
    for _ in 0..600 {
        let program = program(60).new_tree(&mut runner).expect("nothing is filtered").current();
        for entry in run::<Oracle>(&program).0 {
            match entry {
                Entry::Called { events, .. } if events.len() > 1 => slices += 1,
                Entry::Called { .. } => calls += 1,
                Entry::Asked { .. } => asked += 1,
                Entry::Emitted(Emitted::Completed) => emitted[0] += 1,
                Entry::Emitted(Emitted::Stopped) => emitted[1] += 1,
                Entry::Emitted(_) => emitted[2] += 1,
                Entry::Answered(answer) => answers[usize::from(answer)] += 1,
                Entry::Looked(stands, blocked, panics) => {
                    looks[0] += usize::from(stands);
                    looks[1] += usize::from(blocked);
                    looks[2] += usize::from(panics > 0);
                }
                Entry::Counted(_) => {}
                Entry::Panicked(..) => panics += 1,
            }
        }
    }
    let often = [calls, slices, asked, panics, emitted[0], emitted[1], emitted[2], answers[0], answers[1]];
    let least = [50_000, 300, 30_000, 30, 2_000, 300, 1_000, 1_000, 1_000];
    assert!(
        often.iter().zip(least).all(|(often, least)| *often > least) && looks.iter().all(|often| *often > 1_000),
        "{often:?} and {looks:?}, and {least:?} are expected at least"
    );
}
