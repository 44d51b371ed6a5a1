//! Delivery to other threads: what an emission leaves for someone else to take.
//!
//! `bell` is where receivers sleep, and where senders that wait for room do; `wait` how they wait; `error` what receiving may come to.

mod bell;
mod error;
mod wait;

pub(crate) use bell::{Bell, Ticket};
pub use error::{CapacityError, CloseReason, RecvError, RecvTimeoutError, TryRecvError};
pub use wait::Wait;
