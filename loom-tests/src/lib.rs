//! What the models in `tests/` have in common: running them in every assignment of roles to threads, and proving that
//! they were not vacuous.
//!
//! Without `--cfg loom` this crate is empty; see `.cargo/config.toml`.

#[cfg(loom)]
mod model;
#[cfg(loom)]
mod payload;

#[cfg(loom)]
pub use model::{Bell, Run, long_pair, long_trio, pair, solo, trio};
#[cfg(loom)]
pub use payload::{Note, Payload, Watch};
