//! The files that results go to. They are opened before the run, so that a mistyped folder costs no waiting, and written
//! after it, so that bad input leaves an earlier result as it was.

use crate::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that will take one result.
#[derive(Debug)]
pub struct OutputFile {
    option: &'static str,
    path: PathBuf,
    file: File,
    /// There was no such file before: without a result, it goes away again.
    created: bool,
    written: bool,
}

impl OutputFile {
    /// Opens `path`, the value of `option`, without changing what it holds. None of `others` may be the same file.
    ///
    /// # Errors
    /// When it cannot be written, or is one of the others.
    pub fn open(option: &'static str, path: &Path, others: &[(&'static str, &Path)]) -> Result<Self, Error> {
        let created = fs::symlink_metadata(path).is_err();
        let opened = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = opened.map_err(|error| Error::Output { option, path: path.to_owned(), error })?;
        let output = Self { option, path: path.to_owned(), file, created, written: false };
        for (other, taken) in others {
            if same_file(path, taken) {
                return Err(Error::SameFile { option, path: path.to_owned(), other });
            }
        }
        Ok(output)
    }

    /// Replaces what the file holds.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write(mut self, text: &str) -> Result<(), Error> {
        let mut replace = || {
            // Devices and pipes cannot be cut.
            if self.file.metadata()?.is_file() {
                self.file.set_len(0)?;
            }
            self.file.write_all(text.as_bytes())
        };
        replace().map_err(|error| Error::Output { option: self.option, path: self.path.clone(), error })?;
        self.written = true;
        Ok(())
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if self.created && !self.written {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (fs::canonicalize(a), fs::canonicalize(b)) {
        // Two devices may be one, /dev/null say; only files lose what they hold.
        (Ok(a), Ok(b)) => a == b && a.is_file(),
        _ => false,
    }
}

/// Writes `text` to standard output, in colour if that is wanted there. A reader that went away is no error.
///
/// # Errors
/// When standard output fails in another way.
pub fn print(text: &str) -> Result<(), Error> {
    write(anstream::stdout(), text)
}

/// Writes `text` to standard error, for when standard output is taken.
///
/// # Errors
/// When standard error fails, other than by its reader going away.
pub fn print_aside(text: &str) -> Result<(), Error> {
    write(anstream::stderr(), text)
}

fn write(mut to: impl Write, text: &str) -> Result<(), Error> {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Stdout(error)),
        _ => Ok(()),
    }
}
