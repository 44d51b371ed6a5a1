//! The suite must not pass by being empty.

/// A `RUSTFLAGS` variable replaces the flags of `.cargo/config.toml`, and all models with them.
#[cfg(not(loom))]
#[test]
fn the_suite_runs_with_loom() {
    assert!(
        std::env::var_os("LOOM_SUITE").is_none(),
        "LOOM_SUITE is set, but the suite was built without `--cfg loom`: unset RUSTFLAGS, and run it in loom-tests/"
    );
}
