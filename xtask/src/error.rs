//! Why a command failed, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};

/// The failure of an xtask command. `main` prints it and exits with its code.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program could not be started at all.
    #[error("cannot start `{command}`: {source}")]
    Start {
        command: String,
        #[source]
        source: io::Error,
    },

    /// A program ran and reported failure.
    #[error("`{command}` failed with {status}{}", indented(.output))]
    Failed {
        command: String,
        status: ExitStatus,
        /// What it printed, when that was captured rather than shown as it came.
        output: String,
    },

    /// A tool that the command needs is not installed.
    #[error("`{tool}` is needed and was not found: {install}")]
    MissingTool {
        tool: &'static str,
        /// How to get it.
        install: &'static str,
    },

    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },

    /// A program's output, or a file, is not what was expected of it.
    #[error("{what}: expected {expected}, found {found}")]
    Unexpected { what: String, expected: String, found: String },

    /// Everything ran, and the outcome is not good enough.
    #[error("{0}")]
    Missed(String),
}

impl Error {
    /// 2 if the machine lacks something, so that nothing was checked at all; 1 otherwise.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::MissingTool { .. } => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }

    /// Names the file in an I/O error: `fs::read(path).map_err(Error::file(path))`.
    pub fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}

fn indented(output: &str) -> String {
    output.lines().flat_map(|line| ["\n    ", line]).collect()
}
