//! Random programs over a signal bus, and what must be true of them.
//!
//! - [`program`]: what a program is, and how random ones are made;
//! - [`bus`]: what a program runs on, and the library as such;
//! - [`oracle`]: the same bus as a `Vec` under a mutex, which is slow and obviously right;
//! - [`world`]: runs a program and writes down all that can be seen of it;
//! - [`registry`]: the same four for the bus's registry of connections;
//! - [`options`]: the same four for the options of slots;
//! - [`pool`]: programs over pools of objects, and a model of them that follows along;
//! - [`ring`]: programs over the broadcast ring, and a model of it;
//! - [`config`]: how many cases, and where failures are kept;
//! - [`difference`]: where two traces part;
//! - [`churn`]: no program but a load: everything at once, for as long as one likes.
//!
//! `tests/sequential.rs`, `tests/registry.rs` and `tests/options.rs` compare what the library and the oracle make of a program, call by call.
//! `tests/pool.rs` and `tests/ring.rs` have the models of pools and of the ring follow step by step.
//! `tests/threaded.rs` runs programs on several threads, where no oracle can tell the order, and checks what must hold under
//! any.

#![forbid(unsafe_code)]

pub mod bus;
pub mod churn;
pub mod config;
pub mod difference;
pub mod options;
pub mod oracle;
pub mod pool;
pub mod program;
pub mod registry;
pub mod ring;
pub mod world;
