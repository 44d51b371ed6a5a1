//! Why a command was not run, or an [`Admin`](super::Admin) not made.

use super::command::Command;
use super::duration::Written;
use super::outcome::Emergency;
use super::role::Role;
use super::setting::Setting;
use super::show::escaped;
use super::verb::Verb;
use crate::bus::ConfigError;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// What is wrong with the text of a command, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseError {
    /// There is nothing but spaces.
    Empty,
    /// It is too long.
    TooLong {
        /// Its length, in bytes.
        length: usize,
        /// How long it may be.
        limit: usize,
    },
    /// It is not UTF-8.
    NotUtf8 {
        /// The byte at which it stops being so.
        at: usize,
    },
    /// A control character, or one that is invisible or changes the order of others.
    Control {
        /// The byte at which it stands.
        at: usize,
        /// The character.
        character: char,
    },
    /// A quote that is never closed.
    OpenQuote {
        /// The byte at which it stands.
        at: usize,
    },
    /// A backslash in quotes with something behind it that has no meaning.
    BadEscape {
        /// The byte at which it stands.
        at: usize,
    },
    /// No command has that name.
    UnknownCommand {
        /// The name.
        word: String,
        /// The one that was probably meant.
        nearest: Option<&'static str>,
    },
    /// Something is missing.
    Missing {
        /// The command.
        command: Verb,
        /// What is missing, as the usage calls it.
        argument: &'static str,
        /// What is expected.
        expected: &'static str,
    },
    /// A word too many.
    Unexpected {
        /// The command.
        command: Verb,
        /// The word.
        word: String,
        /// What was probably meant.
        nearest: Option<&'static str>,
    },
    /// A word is not what is expected where it stands.
    BadArgument {
        /// The command.
        command: Verb,
        /// What it stands for, as the usage calls it.
        argument: &'static str,
        /// The word.
        value: String,
        /// What is expected.
        expected: &'static str,
        /// What was probably meant.
        nearest: Option<&'static str>,
    },
    /// Something is said twice.
    Twice {
        /// The command.
        command: Verb,
        /// What, as the usage calls it.
        argument: &'static str,
    },
}

impl ParseError {
    /// How the command is written, if it is known which one is meant.
    pub fn usage(&self) -> Option<&'static str> {
        match self {
            Self::UnknownCommand { nearest, .. } => nearest.and_then(Verb::find).map(Verb::usage),
            Self::Missing { command, .. }
            | Self::Unexpected { command, .. }
            | Self::BadArgument { command, .. }
            | Self::Twice { command, .. } => Some(command.usage()),
            _ => None,
        }
    }

    /// What was probably meant, if something valid is near.
    pub fn nearest(&self) -> Option<&'static str> {
        match self {
            Self::UnknownCommand { nearest, .. }
            | Self::Unexpected { nearest, .. }
            | Self::BadArgument { nearest, .. } => *nearest,
            _ => None,
        }
    }

    /// Its name: lower case, as in `unknown_command`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong { .. } => "too_long",
            Self::NotUtf8 { .. } => "not_utf8",
            Self::Control { .. } => "control_character",
            Self::OpenQuote { .. } => "open_quote",
            Self::BadEscape { .. } => "bad_escape",
            Self::UnknownCommand { .. } => "unknown_command",
            Self::Missing { .. } => "missing_argument",
            Self::Unexpected { .. } => "unexpected_argument",
            Self::BadArgument { .. } => "bad_argument",
            Self::Twice { .. } => "said_twice",
        }
    }
}

/// So much of a word is repeated in an error.
const SHOWN: usize = 60;

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |word: &str| format!("\"{}\"", escaped(word, SHOWN));
        match self {
            Self::Empty => f.write_str("expected a command; help lists them")?,
            Self::TooLong { length, limit } => {
                write!(f, "expected a command of at most {limit} bytes, found {length}")?
            }
            Self::NotUtf8 { at } => write!(f, "expected UTF-8, but byte {at} is none")?,
            Self::Control { at, character } => {
                let hidden = character.escape_unicode();
                write!(
                    f,
                    "expected no control or invisible character, found {hidden} at byte {at}: write it \"{hidden}\", in quotes"
                )?
            }
            Self::OpenQuote { at } => write!(f, "expected a closing quote to the one at byte {at}")?,
            Self::BadEscape { at } => {
                write!(f, "expected \\\" or \\\\ or \\u{{hex}} in quotes, found something else at byte {at}")?
            }
            Self::UnknownCommand { word: found, nearest: None } => {
                write!(f, "expected a command, found {}; help lists them", word(found))?
            }
            Self::UnknownCommand { word: found, .. } => write!(f, "expected a command, found {}", word(found))?,
            Self::Missing { command, argument, expected } => {
                write!(f, "{command}: expected {argument}, {expected}, found nothing")?
            }
            Self::Unexpected { command, word: found, .. } => {
                write!(f, "{command}: expected nothing like {}", word(found))?
            }
            Self::BadArgument { command, argument, value, expected, .. } => {
                write!(f, "{command}: expected {argument} to be {expected}, found {}", word(value))?
            }
            Self::Twice { command, argument } => write!(f, "{command}: expected {argument} once")?,
        }
        if let Some(nearest) = self.nearest() {
            write!(f, "; did you mean {nearest}?")?;
        }
        self.usage().map_or(Ok(()), |usage| write!(f, " (usage: {usage})"))
    }
}

impl Error for ParseError {}

/// Why a command was not run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AdminError {
    /// The credential is not one of those that are configured, or was revoked.
    WrongCredential {
        /// For so long nothing from the same source will be looked at.
        retry_after: Duration,
    },
    /// There were too many wrong credentials from that source. This one was not looked at.
    SlowDown {
        /// After so long one will be.
        retry_after: Duration,
    },
    /// The credential is right, but its role is not enough.
    Forbidden {
        /// The command.
        command: Verb,
        /// The least role that may give it.
        needs: Role,
        /// The role of the credential.
        has: Role,
    },
    /// The text is no command.
    Parse(ParseError),
    /// There is nothing of that name.
    NotFound {
        /// What it should be the name of.
        what: &'static str,
        /// The name.
        name: String,
        /// A name that there is, and that was probably meant.
        nearest: Option<String>,
    },
    /// `emergency-cleanup` was not confirmed. Nothing was done.
    NeedsYes(Box<Emergency>),
    /// A value of the configuration is out of its range. Nothing was changed.
    OutOfRange {
        /// Which value.
        setting: Setting,
        /// What it was to be, and what it may be.
        error: ConfigError,
    },
    /// The last credential that may administrate is not revoked by a command: nobody could give the next one.
    LastAdmin {
        /// Its name.
        name: String,
    },
    /// The command needs a monitor, and there is none.
    NoMonitor {
        /// The command.
        command: Verb,
    },
    /// The bus was dropped.
    BusGone,
    /// Code of the user's panicked: the destructor of an idle object, say. What had been done by then stays done.
    Panicked {
        /// With what message.
        message: String,
    },
}

impl AdminError {
    /// Its name: lower case, as in `wrong_credential`. What the audit ring keeps of it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::WrongCredential { .. } => "wrong_credential",
            Self::SlowDown { .. } => "slow_down",
            Self::Forbidden { .. } => "forbidden",
            Self::Parse(error) => error.kind(),
            Self::NotFound { .. } => "not_found",
            Self::NeedsYes(_) => "needs_yes",
            Self::OutOfRange { .. } => "out_of_range",
            Self::LastAdmin { .. } => "last_admin",
            Self::NoMonitor { .. } => "no_monitor",
            Self::BusGone => "bus_gone",
            Self::Panicked { .. } => "panicked",
        }
    }

    pub(super) fn not_found(what: &'static str, name: &str, nearest: Option<&str>) -> Self {
        Self::NotFound { what, name: name.to_string(), nearest: nearest.map(str::to_string) }
    }

    pub(super) fn forbidden(command: &Command, has: Role) -> Self {
        Self::Forbidden { command: command.verb(), needs: command.role(), has }
    }
}

impl From<ParseError> for AdminError {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongCredential { retry_after: Duration::ZERO } => {
                f.write_str("expected a credential that is configured and not revoked")
            }
            Self::WrongCredential { retry_after } => write!(
                f,
                "expected a credential that is configured and not revoked; the next one is looked at in {}",
                Written(*retry_after)
            ),
            Self::SlowDown { retry_after } => write!(
                f,
                "too many wrong credentials: this one was not looked at, the next one will be in {}",
                Written(*retry_after)
            ),
            Self::Forbidden { command, needs, has } => {
                write!(f, "{command}: expected a credential of role {needs} for this, found {has}")
            }
            Self::Parse(error) => error.fmt(f),
            Self::NotFound { what, name, nearest } => {
                write!(f, "expected the name of a {what} that there is, found \"{}\"", escaped(name, SHOWN))?;
                match nearest {
                    Some(nearest) => write!(f, "; did you mean {}?", escaped(nearest, SHOWN)),
                    None => Ok(()),
                }
            }
            Self::NeedsYes(plan) => write!(f, "expected emergency-cleanup --yes; it would: {plan}"),
            Self::OutOfRange { setting, error } => write!(f, "{setting} was not changed: {error}"),
            Self::LastAdmin { name } => write!(
                f,
                "{name} is the last credential of role admin, and stays: add another one to the program's policy first"
            ),
            Self::NoMonitor { command } => {
                write!(f, "{command}: expected a monitor; this program administrates without one")
            }
            Self::BusGone => f.write_str("the bus was dropped: there is nothing left to administrate"),
            Self::Panicked { message } => write!(f, "the program's own code panicked: {}", escaped(message, 200)),
        }
    }
}

impl Error for AdminError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Parse(error) => Some(error),
            Self::OutOfRange { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// As `{"error": kind, "message": text}`, with `retry_after` in seconds where there is one, and `nearest` and `usage` of a
/// text that is no command.
#[cfg(feature = "serde")]
impl serde::Serialize for AdminError {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("error", self.kind())?;
        map.serialize_entry("message", &self.to_string())?;
        match self {
            Self::WrongCredential { retry_after } | Self::SlowDown { retry_after } => {
                map.serialize_entry("retry_after", &retry_after.as_secs_f64())?;
            }
            Self::Parse(error) => {
                map.serialize_entry("nearest", &error.nearest())?;
                map.serialize_entry("usage", &error.usage())?;
            }
            Self::NotFound { nearest, .. } => map.serialize_entry("nearest", nearest)?,
            Self::NeedsYes(plan) => map.serialize_entry("would", plan)?,
            _ => {}
        }
        map.end()
    }
}
