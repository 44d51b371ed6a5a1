//! What the bus costs, measured beside its peers in one run.
//!
//! - [`event`]: the event and the callback, the same for everyone;
//! - [`peer`]: what a peer has to offer to be measured; [`peers`]: one file for each of them;
//! - [`scenario`]: what is measured. A [`scenario::Contestant`] is one peer in one scenario, ready
//!   to be timed by any harness: by criterion (`cargo bench -p pulsebus-benches --bench peers`) and by the
//!   interleaving one behind `cargo xtask results` (`src/bin/ratios.rs`).
//!
//! Two binaries count instead of timing: `heap` (bytes per connection, heap calls) and `probe` (instructions and locked
//! operations, under callgrind).

pub mod event;
pub mod heap;
pub mod peer;
pub mod peers;
pub mod scenario;
