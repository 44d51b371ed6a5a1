//! Where a recording comes from: the one that ships, a file, or standard input; plain or gzip.

use super::InputError;
use flate2::bufread::MultiGzDecoder;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

/// The recording that ships, inside the program, so that it replays from any folder.
const SHIPPED: &[u8] = include_bytes!("../../../data/airspace_2018-08-01.csv.gz");
const SHIPPED_NAME: &str = "airspace_2018-08-01.csv.gz";

/// How every gzip stream begins.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Where the events are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The recording that is part of the program.
    Shipped,
    /// Standard input, `-`.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl Source {
    /// What the command line says: nothing, `-`, or a path.
    pub fn from_argument(file: Option<&Path>) -> Self {
        match file {
            None => Self::Shipped,
            Some(path) if path.as_os_str() == "-" => Self::Stdin,
            Some(path) => Self::File(path.to_owned()),
        }
    }

    /// Opens it. Whether it is gzip is told by its first bytes, not by its name.
    ///
    /// # Errors
    /// When it cannot be opened, or not even its beginning can be read.
    pub fn open(&self) -> Result<Input, InputError> {
        let name = self.to_string();
        let raw: Box<dyn Read> = match self {
            Self::Shipped => Box::new(SHIPPED),
            Self::Stdin => Box::new(io::stdin().lock()),
            Self::File(path) => {
                let opened = File::open(path).and_then(|file| Ok((file.metadata()?.is_dir(), file)));
                match opened {
                    Ok((false, file)) => Box::new(file),
                    Ok((true, _)) => return Err(InputError::Directory { name }),
                    Err(error) => return Err(InputError::Open { name, error }),
                }
            }
        };
        Input::new(name, raw)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shipped => f.write_str(SHIPPED_NAME),
            Self::Stdin => f.write_str("<stdin>"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// An opened recording: its name for messages, its text, and whether a decoder stands before it.
pub struct Input {
    /// The name that messages give it.
    pub name: String,
    /// The text, decoded.
    pub text: Box<dyn BufRead>,
    /// Whether `text` comes out of a gzip stream.
    pub gzip: bool,
}

impl Input {
    /// Takes whatever `raw` delivers, in pieces as small as it likes.
    ///
    /// # Errors
    /// When not even the first bytes can be read.
    pub fn new(name: String, mut raw: impl Read + 'static) -> Result<Self, InputError> {
        let mut magic = Vec::with_capacity(GZIP_MAGIC.len());
        if let Err(error) = raw.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut magic) {
            return Err(InputError::Open { name, error });
        }
        let gzip = magic == GZIP_MAGIC;
        let whole = BufReader::with_capacity(1 << 16, Cursor::new(magic).chain(raw));
        let text: Box<dyn BufRead> = if gzip {
            Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(whole)))
        } else {
            Box::new(whole)
        };
        Ok(Self { name, text, gzip })
    }
}
