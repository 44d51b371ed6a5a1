//! Programs over the options of slots: priorities, turns, conditions, blocks, flow, forwarding, panic policies.
//!
//! - [`program`]: what a program is, and how random ones are made;
//! - [`bus`]: what a program runs on, and the library as such;
//! - [`oracle`]: the same as a `Vec` that each emission sorts;
//! - [`world`]: runs a program and writes down all that can be seen of it.

pub mod bus;
pub mod oracle;
pub mod program;
pub mod world;
