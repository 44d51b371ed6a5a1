//! What `tokio::sync::broadcast` holds its channel to, asked of what delivers here: a ring, a ring behind a signal, mailboxes
//! of a signal. Where they differ from it, the test says what holds here, and `docs/PEERS.md` what holds there.

#[path = "../common/mod.rs"]
mod common;

mod arrival;
mod capacity;
mod events;
mod lag;
mod shared;
#[cfg(feature = "async")]
mod tasks;
mod threads;
