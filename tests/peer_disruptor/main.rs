//! What the crate `disruptor` (and LMAX's original) holds its ring to, asked of the gated rings here, with one publisher and
//! with many. Where they differ, the test says what holds here, and `docs/PEERS.md` what holds there.

#[path = "../common/mod.rs"]
mod common;

mod batch;
mod dependent;
mod end;
mod readers;
mod room;
mod shared;
