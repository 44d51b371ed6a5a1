//! Pools of the user's objects: what is used for a moment, and again and again.
//!
//! - [`pool`], [`builder`], [`pooled`], [`keys`] are what users meet; [`registry`] lists all pools, [`figures`] is what they
//!   report.
//! - A [`node`] is an object with its header, on the heap. An idle one lies in a thread's [`magazine`], or in the [`depot`]; the
//!   [`stock`] knows them all, and who waits for one. A [`cell`] is what a key stands for.
//! - The library's own pools report the same figures: [`engine`].
//! - [`sizing`] says how many there should be, [`tracking`] who has had one for too long. [`core`] puts it all together.

mod builder;
mod cell;
mod core;
mod depot;
mod engine;
mod error;
mod figures;
mod keys;
mod local;
mod magazine;
mod node;
mod numbers;
mod pool;
mod pooled;
mod quiet;
mod registry;
mod sizing;
mod stock;
mod tracking;

pub use builder::PoolBuilder;
#[cfg(loom)]
pub(crate) use cell::{Cell, Refusal, Removed, Use};
pub(crate) use depot::Rounds;
#[cfg(loom)]
pub(crate) use depot::{Depot, ROUND};
pub use error::{KeyError, PoolError};
pub use figures::{PoolFigures, PoolLeak};
pub(crate) use keys::Directory;
pub use keys::Key;
#[cfg(loom)]
pub(crate) use magazine::{Magazine, claim_all};
#[cfg(loom)]
pub(crate) use node::Header;
pub use pool::Pool;
pub use pooled::Pooled;
pub use registry::Pools;
pub use sizing::{ResizeReason, Resized};
