//! What can be wrong with a name, a pattern, or the type that a topic is asked for with.

use super::name::MAX_BYTES;
use std::error::Error;
use std::fmt;

/// Why there is no topic of that name and type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TopicError {
    /// There is a topic of that name, and its events are of another type.
    OtherType {
        /// The topic's name.
        name: Box<str>,
        /// The type of its events.
        is: &'static str,
        /// The type that it was asked for with.
        asked: &'static str,
    },
    /// No topic can have that name.
    BadName {
        /// The name, or its beginning if it is too long.
        name: Box<str>,
        /// What is wrong with it.
        fault: NameFault,
    },
}

impl TopicError {
    pub(super) fn bad_name(name: &str, fault: NameFault) -> Self {
        Self::BadName { name: beginning(name), fault }
    }
}

impl fmt::Display for TopicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherType { name, is, asked } => write!(
                f,
                "the topic {name:?} has events of the type `{is}`, and was asked for with `{asked}`: use that type, or another \
                 name"
            ),
            Self::BadName { name, fault } => write!(f, "{name:?} cannot be the name of a topic: {fault}"),
        }
    }
}

impl Error for TopicError {}

/// What is wrong with the text of a name or of a [pattern](PatternError).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameFault {
    /// It is empty.
    Empty,
    /// It is longer than 255 bytes.
    TooLong {
        /// Its length, in bytes.
        length: usize,
    },
    /// Nothing stands between two dots, before the first one, or after the last one.
    EmptyToken {
        /// The byte at which something should stand.
        at: usize,
    },
    /// It contains whitespace, a control character, or (in a name) a `*`.
    Character {
        /// The byte at which it stands.
        at: usize,
        /// The character.
        found: char,
    },
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Empty => write!(f, "it is empty; 1 to {MAX_BYTES} bytes are allowed"),
            Self::TooLong { length } => write!(f, "it has {length} bytes; 1 to {MAX_BYTES} are allowed"),
            Self::EmptyToken { at } => {
                write!(f, "nothing stands at byte {at}; each token between dots needs a character")
            }
            Self::Character { at, found: '*' } => {
                write!(f, "a `*` stands at byte {at}; it is for patterns, names are literal")
            }
            Self::Character { at, found } => {
                write!(f, "{found:?} stands at byte {at}; whitespace and control characters are not allowed")
            }
        }
    }
}

/// Why a text is no [`Pattern`](super::Pattern).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternError {
    /// No name could match it.
    BadText {
        /// The pattern, or its beginning if it is too long.
        pattern: Box<str>,
        /// What is wrong with it.
        fault: NameFault,
    },
    /// A `*` stands beside other characters in its token.
    PartOfToken {
        /// The pattern.
        pattern: Box<str>,
        /// The byte at which the token starts.
        at: usize,
    },
    /// Something follows after a `**`.
    NotAtEnd {
        /// The pattern.
        pattern: Box<str>,
        /// The byte at which the `**` stands.
        at: usize,
    },
}

impl PatternError {
    pub(super) fn bad_text(pattern: &str, fault: NameFault) -> Self {
        Self::BadText { pattern: beginning(pattern), fault }
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadText { pattern, fault } => write!(f, "{pattern:?} is no pattern: {fault}"),
            Self::PartOfToken { pattern, at } => write!(
                f,
                "{pattern:?} is no pattern: the token at byte {at} contains a `*`; a token is either `*`, `**`, or literal"
            ),
            Self::NotAtEnd { pattern, at } => write!(
                f,
                "{pattern:?} is no pattern: the `**` at byte {at} is not its last token; in the middle, use a `*` for each token"
            ),
        }
    }
}

impl Error for PatternError {}

/// As much of a text as an error repeats.
fn beginning(text: &str) -> Box<str> {
    let end = (0..=text.len().min(MAX_BYTES)).rev().find(|&at| text.is_char_boundary(at));
    text[..end.unwrap_or(0)].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_repeats_no_more_than_the_beginning_of_what_is_too_long() {
        let long = "ä".repeat(10_000);
        let TopicError::BadName { name, .. } = TopicError::bad_name(&long, NameFault::TooLong { length: 20_000 })
        else {
            panic!("no other error is made there")
        };
        assert_eq!(&*name, "ä".repeat(127));
    }

    #[test]
    fn errors_name_both_types_and_the_place_of_what_is_wrong() {
        let other = TopicError::OtherType { name: "a.b".into(), is: "u32", asked: "i64" }.to_string();
        assert!(["a.b", "`u32`", "`i64`"].iter().all(|part| other.contains(part)), "{other}");
        let star = TopicError::bad_name("a.*", NameFault::Character { at: 2, found: '*' }).to_string();
        assert!(star.contains("byte 2") && star.contains("patterns"), "{star}");
        let middle = PatternError::NotAtEnd { pattern: "a.**.b".into(), at: 2 }.to_string();
        assert!(middle.contains("byte 2") && middle.contains("`**`"), "{middle}");
    }
}
