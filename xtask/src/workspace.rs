//! Where things are: the workspace's root and its build output.

use std::env;
use std::path::{Path, PathBuf};

/// The root of the workspace, wherever the command was started.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask/ lies directly under the workspace's root")
}

/// Cargo's target directory: `CARGO_TARGET_DIR`, or `target/` under the root.
pub fn target_dir() -> PathBuf {
    // A relative override counts from the root, where every command of ours runs cargo.
    root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// The loom suite's own target directory, so that `--cfg loom` does not rebuild everything else.
pub fn loom_target_dir() -> PathBuf {
    target_dir().join("loom")
}
