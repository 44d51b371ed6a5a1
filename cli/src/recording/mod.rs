//! Reading a recording: where it comes from, how a line is understood, what is said when it is not.
//!
//! The format is one header line, then one event per line, sorted by time; `data/README.md` describes it.

mod error;
mod line;
mod reader;
mod source;

pub use error::{InputError, LineError};
pub use reader::{ReadFacts, read};
pub use source::Source;

/// The line that every recording begins with.
pub const HEADER: &str = "t_ms,op,owner,topic,bytes";

/// One event of a recording, borrowed from the line it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Unix time in milliseconds.
    pub t_ms: u64,
    /// Who: never empty.
    pub owner: &'a str,
    /// What the owner does.
    pub op: Op<'a>,
}

/// What an owner does in one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op<'a> {
    /// `J`: joins a topic.
    Join(&'a str),
    /// `L`: leaves a topic.
    Leave(&'a str),
    /// `Q`: leaves everything.
    Quit,
    /// `N`: goes on under this new name.
    Rename(&'a str),
    /// `M`: sends a message.
    Message {
        /// The topic it is sent to.
        topic: &'a str,
        /// The size of its payload.
        bytes: u32,
    },
}
