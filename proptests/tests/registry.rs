//! Random programs over the bus's registry, on one thread: the library and the oracle do the same, call by call.

use proptest::prelude::*;
use pulsebus::Bus;
use pulsebus_proptests::config::config;
use pulsebus_proptests::registry::oracle::OracleRegistry;
use pulsebus_proptests::registry::program::{Step, crowd, program};
use pulsebus_proptests::registry::world::{Entry, order_of_callbacks, run};

const REGISTRY_SHORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/registry_short.txt");
const REGISTRY_LONG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/registry_long.txt");
const REGISTRY_CROWD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/registry_crowd.txt");

/// What stands around the first difference of two traces.
fn difference(ours: &[Entry], oracle: &[Entry]) -> String {
    let first = ours.iter().zip(oracle).take_while(|(ours, oracle)| ours == oracle).count();
    let around = |trace: &[Entry]| -> String {
        trace[first.saturating_sub(3)..trace.len().min(first + 1)]
            .iter()
            .map(|entry| format!("\n    {entry:?}"))
            .collect()
    };
    let (of, and) = (ours.len(), oracle.len());
    format!("entry {first} of {of} and {and}; up to it\n  library:{}\n  oracle:{}", around(ours), around(oracle))
}

fn check(program: &[Step], few: bool) -> Result<(), TestCaseError> {
    let (trace, violations) = run::<Bus>(program, Vec::new(), few);
    let (expected, flaws) = run::<OracleRegistry>(program, order_of_callbacks(&trace), few);
    prop_assert!(trace == expected, "{}", difference(&trace, &expected));
    prop_assert!(violations.is_empty() && flaws.is_empty(), "{violations:#?} {flaws:#?}");
    Ok(())
}

proptest! {
    #![proptest_config(config(REGISTRY_SHORT, 4_000))]

    #[test]
    fn short_programs_do_what_the_oracle_says(program in program(12)) {
        check(&program, true)?;
    }
}

proptest! {
    #![proptest_config(config(REGISTRY_LONG, 500))]

    #[test]
    fn long_programs_do_what_the_oracle_says(program in program(80)) {
        check(&program, true)?;
    }
}

proptest! {
    #![proptest_config(config(REGISTRY_CROWD, 100))]

    #[test]
    fn programs_with_hundreds_of_connections_do_what_the_oracle_says(program in crowd(40)) {
        check(&program, false)?;
    }
}
