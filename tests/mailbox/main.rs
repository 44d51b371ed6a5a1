//! Mailboxes: what each overflow policy keeps, what is counted, in what order losses are told, and how it ends.

#[path = "../common/mod.rs"]
mod common;

mod batch_panics;
mod block;
mod capacity;
mod clone_panics;
mod drain;
mod drops;
mod end;
mod hub;
mod order;
mod overflow;
mod receiver;
mod shared;
