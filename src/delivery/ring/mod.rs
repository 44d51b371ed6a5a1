//! The broadcast ring: one write per event, and as many readers as there are, each at its own place.
//!
//! - [`ring`], [`publisher`], [`reader`], [`drain`], [`signal`] are what users meet; [`figures`] is what a ring reports, [`error`] what
//!   can be wrong with what it is asked for.
//! - [`shared`] is a ring's inside: one of the two kinds, who waits for it, and how it ends.
//! - [`gated`] is the one whose readers hold publishers back; they are known by [`readers`]. [`lossy`] is the one that overwrites.
//!   Each says at its top who may touch which memory when.

mod drain;
mod error;
mod figures;
mod gated;
mod line;
mod lossy;
mod publisher;
mod reader;
mod readers;
#[expect(clippy::module_inception, reason = "the ring as users meet it, among what belongs to it")]
mod ring;
mod shared;
mod signal;

pub use drain::Drain;
pub use error::{AfterError, RingFull};
pub use figures::RingFigures;
pub use publisher::RingPublisher;
pub use reader::RingReader;
pub use ring::Ring;
pub use signal::SignalRing;
