//! What ends the program early, said in one line on standard error.

use crate::recording::InputError;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;

/// The exit code of bad input, bad options, and results that cannot be written.
pub const EXIT_BAD_INPUT: u8 = 2;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The recording cannot be replayed.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A result has nowhere to go.
    #[error("{option} {}: expected a file that can be written, found: {error}", path.display())]
    Output {
        /// The option that names the file.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Two things would be written over each other.
    #[error("{option} {}: expected a file of its own, found that it is also {other}", path.display())]
    SameFile {
        /// The option that names the file.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// What else it is.
        other: &'static str,
    },
    /// More extra slots than anyone wants to wait for.
    #[error(
        "--extra-slots {extra_slots}: expected at most {limit} extra slots in all, found {topics} topics in the recording"
    )]
    TooManySlots {
        /// How many for each topic.
        extra_slots: u32,
        /// The number of topics.
        topics: usize,
        /// How many are allowed in all.
        limit: u64,
    },
    /// The summary cannot be shown.
    #[error("standard output: expected to write the result, found: {0}")]
    Stdout(io::Error),
    /// No thread to emit from.
    #[error("--threads {threads}: expected to start as many threads, found: {error}")]
    Threads {
        /// How many were wanted.
        threads: usize,
        /// What the system says.
        error: io::Error,
    },
}

/// Shows an error on standard error.
pub fn print(error: &dyn fmt::Display) {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    say(&format!("{style}error:{style:#} {error}"));
}

/// Shows a warning on standard error.
pub fn warn(warning: &dyn fmt::Display) {
    let style = anstyle::AnsiColor::Yellow.on_default().bold();
    say(&format!("{style}warning:{style:#} {warning}"));
}

fn say(text: &str) {
    // If this fails too, there is nowhere left to say so.
    let _ = writeln!(anstream::stderr(), "{text}");
}
