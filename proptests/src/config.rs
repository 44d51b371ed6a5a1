//! How many cases are run, and where failures are kept.

use proptest::test_runner::{Config, FileFailurePersistence};

/// Runs `cases`, or as many as the environment variable `PROPTEST_CASES` says. Failures are kept in, and tried first
/// from, the file `proptest-regressions/<name>.txt`, which is committed.
pub fn config(name: &str, cases: u32) -> Config {
    let cases = match std::env::var("PROPTEST_CASES") {
        Ok(value) => value.parse().unwrap_or_else(|_| panic!("PROPTEST_CASES is not a number of cases: {value:?}")),
        Err(_) => cases,
    };
    let file = format!("{}/proptest-regressions/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    Config {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(file.leak()))),
        ..Config::default()
    }
}
