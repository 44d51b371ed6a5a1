//! Event loops: slots run on the owner's thread, in the order in which they were queued, and not once they are
//! disconnected.

#[path = "../common/mod.rs"]
mod common;

mod disconnect;
mod drops;
mod limits;
mod order;
mod panics;
mod reentrancy;
mod shared;
mod sleep;
