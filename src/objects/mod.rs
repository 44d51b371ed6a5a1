//! Pools of the user's objects.

mod figures;
mod registry;

pub use figures::{PoolFigures, PoolLeak};
pub use registry::Pools;
