//! Random programs over a broadcast ring, and a model of it as a `Vec` of all that was ever published.
//!
//! [`program`] says what a program is and how random ones are made, [`model`] what must come of it, [`world`] runs it on both.

pub mod model;
pub mod program;
pub mod world;
