//! The broadcast ring: what is read is whole, stays so while it is read, and is dropped once; and nobody who waits is forgotten.

mod gated;
mod lossy;
mod readers;
mod shared;
mod skipped;
mod waiting;
