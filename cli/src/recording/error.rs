//! What can be wrong with a recording, each said in one line: what was expected, and what was found instead.

use super::HEADER;
use std::io;

/// What is wrong with one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The first line is not the header of the format.
    #[error("expected the header line \"{HEADER}\", found {0}")]
    Header(String),
    /// A line longer than any event.
    #[error("expected a line of at most {limit} bytes, found a longer one")]
    TooLong {
        /// The longest line that is read.
        limit: usize,
    },
    /// Bytes that are not text.
    #[error("expected UTF-8 text, found byte 0x{byte:02x} in column {column}")]
    NotUtf8 {
        /// The first byte that fits no character.
        byte: u8,
        /// Its place in the line, counted in bytes from 1.
        column: usize,
    },
    /// Too few or too many commas.
    #[error("expected 5 fields ({HEADER}), found {0}")]
    Fields(String),
    /// A time that is no whole number of milliseconds.
    #[error("expected t_ms as a whole number of milliseconds, found {0}")]
    Time(String),
    /// A time before that of the previous event.
    #[error("expected events sorted by time (t_ms at least {previous}), found {found}")]
    Unsorted {
        /// The time of the event before.
        previous: u64,
        /// The earlier time that follows it.
        found: u64,
    },
    /// An operation that the format does not have.
    #[error("expected op to be one of J, L, Q, N, M, found {0}")]
    Op(String),
    /// Nobody.
    #[error("expected the name of an owner, found an empty field")]
    EmptyOwner,
    /// Nowhere.
    #[error("expected the topic of {op}, found an empty field")]
    EmptyTopic {
        /// The operation that needs one.
        op: char,
    },
    /// A rename to nothing.
    #[error("expected the owner's new name in the topic field of N, found an empty field")]
    EmptyNewName,
    /// A quit is about everything, so it names no topic.
    #[error("expected an empty topic field for Q, found {0}")]
    TopicOnQuit(String),
    /// A payload size that is no number, or that no message has.
    #[error("expected bytes as a whole number up to {}, found {}", u32::MAX, .0)]
    Bytes(String),
}

/// Why a recording cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The file is not there, or may not be read.
    #[error("{name}: expected a readable recording, found: {error}")]
    Open {
        /// The file as it was given.
        name: String,
        /// What the system says.
        error: io::Error,
    },
    /// A folder in place of a file.
    #[error("{name}: expected a file, found a directory")]
    Directory {
        /// The folder as it was given.
        name: String,
    },
    /// Reading failed on the way.
    #[error("{name}:{line}: expected more of the recording, found: {error}")]
    Read {
        /// The input's name.
        name: String,
        /// The line that could not be read whole.
        line: u64,
        /// What the system says.
        error: io::Error,
    },
    /// A gzip stream that ends too early.
    #[error("{name}:{line}: expected the rest of the gzip stream, found the end of the input (truncated)")]
    GzipTruncated {
        /// The input's name.
        name: String,
        /// The line that could not be read whole.
        line: u64,
    },
    /// A gzip stream that is damaged, or is followed by something else.
    #[error("{name}:{line}: expected intact gzip data up to the end of the input, found: {error}")]
    GzipCorrupt {
        /// The input's name.
        name: String,
        /// The line that could not be read whole.
        line: u64,
        /// What the decoder says.
        error: io::Error,
    },
    /// Not even a header.
    #[error("{name}:1: expected the header line \"{HEADER}\", found an empty input")]
    Empty {
        /// The input's name.
        name: String,
    },
    /// A line that is not an event.
    #[error("{name}:{line}: {error}")]
    Line {
        /// The input's name.
        name: String,
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        error: LineError,
    },
    /// `--lenient`, and nothing was left.
    #[error(
        "{name}: expected at least one good line, found {skipped} bad ones and no other (the first, line {line}: {error})"
    )]
    NothingLeft {
        /// The input's name.
        name: String,
        /// How many lines were skipped.
        skipped: u64,
        /// The first of them.
        line: u64,
        /// What is wrong with it.
        error: LineError,
    },
    /// More than the steps can number.
    #[error("{name}:{line}: expected at most {} events, owners and seats, found more", u32::MAX)]
    TooMany {
        /// The input's name.
        name: String,
        /// The line that was one too many.
        line: u64,
    },
}

/// `found`, quoted, escaped and short enough for one line of an error.
pub fn excerpt(found: &str) -> String {
    const LIMIT: usize = 48;
    if found.is_empty() {
        return "nothing".to_owned();
    }
    match found.char_indices().nth(LIMIT) {
        None => format!("{found:?}"),
        Some((end, _)) => format!("{:?}…", &found[..end]),
    }
}
