//! Everybody who delivers events, one file each.
//!
//! With `BLOCKS` a peer waits by its own calls, as its documentation shows it first; without, by trying again, with the pause
//! that is the same for all.

pub mod async_broadcast;
pub mod bus;
pub mod crossbeam;
pub mod disruptor;
pub mod flume;
pub mod kanal;
pub mod mailbox;
pub mod ring;
pub mod tokio;
