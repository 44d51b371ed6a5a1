//! How many cases are run, and where failures are kept.

use proptest::test_runner::{Config, FailurePersistence, FileFailurePersistence};

/// Runs `cases`, or as many as the environment variable `PROPTEST_CASES` says. Failures are kept in, and tried first
/// from, that file, which is committed.
pub fn config(regressions: &'static str, cases: u32) -> Config {
    let cases = match std::env::var("PROPTEST_CASES") {
        Ok(value) => value.parse().unwrap_or_else(|_| panic!("PROPTEST_CASES is not a number of cases: {value:?}")),
        Err(_) => cases,
    };
    let failure_persistence: Option<Box<dyn FailurePersistence>> =
        Some(Box::new(FileFailurePersistence::Direct(regressions)));
    Config { cases, failure_persistence, ..Config::default() }
}
