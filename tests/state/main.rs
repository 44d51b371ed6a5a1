//! States: who comes late gets the last value at once; nobody gets an older one after a newer one; all end with the
//! last.

#[path = "../common/mod.rs"]
mod common;

mod disconnect;
mod drops;
mod late;
mod panics;
mod reentrancy;
mod threads;
mod update;
