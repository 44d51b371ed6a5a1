//! From an input to events: lines of bounded length, in order of time, each good or named.

use super::source::Input;
use super::{Event, InputError, LineError, line};
use std::io::{self, BufRead, Read};

/// The longest line that is read, in bytes: far above any event, far below what memory minds.
const MAX_LINE: usize = 64 * 1024;

/// What reading found besides the events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadFacts {
    /// Good lines.
    pub events: u64,
    /// Bad lines, skipped by `--lenient`.
    pub skipped: u64,
    /// The first of them: its number, and what is wrong with it.
    pub first_skipped: Option<(u64, LineError)>,
}

/// Reads `input` to its end and hands every event to `visit`, which says `false` when it can take no more.
///
/// With `lenient`, bad lines are counted instead of ending the reading; a wrong header, a broken gzip stream or a failing
/// read still end it, since what follows them cannot be trusted.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn read(input: Input, lenient: bool, mut visit: impl FnMut(&Event<'_>) -> bool) -> Result<ReadFacts, InputError> {
    let mut lines = Lines { input, number: 0, buffer: Vec::new() };
    let header = match lines.next()? {
        None => return Err(InputError::Empty { name: lines.input.name }),
        Some(text) => text.and_then(line::parse_header),
    };
    if let Err(error) = header {
        return Err(lines.bad_line(error));
    }
    let mut facts = ReadFacts::default();
    let mut previous = 0;
    while let Some(text) = lines.next()? {
        match text.and_then(|text| line::parse_event(text, previous)) {
            Ok(event) => {
                previous = event.t_ms;
                facts.events += 1;
                if !visit(&event) {
                    return Err(InputError::TooMany { name: lines.input.name, line: lines.number });
                }
            }
            Err(error) if lenient => {
                facts.skipped += 1;
                facts.first_skipped.get_or_insert((lines.number, error));
            }
            Err(error) => return Err(lines.bad_line(error)),
        }
    }
    match facts.first_skipped {
        Some((line, error)) if facts.events == 0 => {
            Err(InputError::NothingLeft { name: lines.input.name, skipped: facts.skipped, line, error })
        }
        _ => Ok(facts),
    }
}

/// The lines of an input, one at a time, through one buffer.
struct Lines {
    input: Input,
    /// The number of the line that was read last, from 1.
    number: u64,
    buffer: Vec<u8>,
}

impl Lines {
    /// The next line without its line end (`\n` or `\r\n`), or the fact that it is too long; `None` at the end.
    fn next(&mut self) -> Result<Option<Result<&[u8], LineError>>, InputError> {
        self.number += 1;
        self.buffer.clear();
        // One byte more than the longest line and its line end, to tell "exactly as long" from "longer".
        let limit = MAX_LINE as u64 + 2;
        let got = self.input.text.by_ref().take(limit).read_until(b'\n', &mut self.buffer);
        if got.map_err(|error| self.failure(error))? == 0 {
            return Ok(None);
        }
        let ended = self.strip(b'\n');
        self.strip(b'\r');
        if self.buffer.len() <= MAX_LINE {
            return Ok(Some(Ok(&self.buffer)));
        }
        if !ended {
            let skipped = self.input.text.skip_until(b'\n');
            skipped.map_err(|error| self.failure(error))?;
        }
        Ok(Some(Err(LineError::TooLong { limit: MAX_LINE })))
    }

    /// Removes `end` from the end of the line, if it is there.
    fn strip(&mut self, end: u8) -> bool {
        let there = self.buffer.last() == Some(&end);
        self.buffer.truncate(self.buffer.len() - usize::from(there));
        there
    }

    /// What is to be said of a bad line: that the gzip stream is damaged, if it is, for then the line is not to blame.
    fn bad_line(mut self, error: LineError) -> InputError {
        if self.input.gzip {
            if let Err(error) = io::copy(&mut self.input.text, &mut io::sink()) {
                return self.failure(error);
            }
        }
        InputError::Line { name: self.input.name, line: self.number, error }
    }

    fn failure(&self, error: io::Error) -> InputError {
        let (name, line) = (self.input.name.clone(), self.number);
        match error.kind() {
            io::ErrorKind::UnexpectedEof if self.input.gzip => InputError::GzipTruncated { name, line },
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if self.input.gzip => {
                InputError::GzipCorrupt { name, line, error }
            }
            _ => InputError::Read { name, line, error },
        }
    }
}
