//! What Boost.Signals2 holds its signals to, asked of these. Where the two differ, the test says what holds here, and
//! `docs/PEERS.md` what holds there.

#[path = "../common/mod.rs"]
mod common;

mod connect;
mod disconnect;
mod forward;
mod lifetime;
mod order;
mod outcome;
