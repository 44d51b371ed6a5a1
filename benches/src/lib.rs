//! What the bus costs, measured beside its peers in one run.
//!
//! - [`event`]: the event and the callback, the same for everyone;
//! - [`peer`]: what a peer has to offer to be measured; [`peers`]: one file for each of them;
//! - [`scenario`]: what is measured. A [`scenario::Contestant`] is one peer in one scenario, ready
//!   to be timed by any harness: by criterion (`cargo bench -p pulsebus-benches --bench peers`) and in [`rounds`], by
//!   the binaries behind `cargo xtask results` (`src/bin/ratios.rs`, `src/bin/bus.rs`);
//! - [`bus`](mod@bus): what the bus adds to bare signals, likewise (`--bench bus`);
//! - [`pool`](mod@pool): pools of objects beside the heap and other pools (`src/bin/pool.rs`);
//! - [`delivery`](mod@delivery): delivery to other threads beside channels, broadcasts and rings (`src/bin/delivery.rs`, `--bench
//!   delivery`).
//!
//! Five binaries count instead of timing: `heap` (bytes per connection, heap calls), and `probe`, `slot_probe`, `bus_probe` and `pool_probe`
//! (instructions and locked operations, under callgrind). `heartbeat` tells how exact heartbeats are, `counting`
//! what the counting allocator adds to the system's.

pub mod bus;
pub mod delivery;
pub mod event;
pub mod heap;
pub mod peer;
pub mod peers;
pub mod pool;
pub mod rounds;
pub mod scenario;
