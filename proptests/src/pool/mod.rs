//! Random programs over pools of objects: who has an object, who may have one, and what becomes of each.
//!
//! - [`program`]: what a program is, and [`random`]: how random ones are made;
//! - [`object`]: what the pools hold, with constructors, resets and destructors that write down what they do, and fail as told;
//! - [`model`]: what must become of each object, as a plain map;
//! - [`threads`]: the threads that a program can do things on, one at a time;
//! - [`world`]: runs a program on the library, and compares with the model step by step.
//!
//! Which idle object is handed out, and whether one that lies at hand for another thread is found, the library may choose. So
//! the model follows it, and says whether it may do what it does.

pub mod model;
pub mod object;
pub mod program;
pub mod random;
pub mod threads;
pub mod world;

mod keys;
mod sizes;
mod visits;
