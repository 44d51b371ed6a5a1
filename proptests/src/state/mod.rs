//! Random programs over a state: slots that set, connect, disconnect and panic, against a `Vec` and a number.

pub mod oracle;
pub mod program;
pub mod world;
