//! Patterns: what names of topics are told apart by.

use super::error::PatternError;
use super::name::{check, tokens};
use std::fmt;
use std::str::FromStr;

/// Matches names of topics, token by token; tokens are what stands between dots.
///
/// | token | matches |
/// | --- | --- |
/// | `*` | exactly one token, whatever it is |
/// | `**`, at the end only | one token or more |
/// | anything else | itself |
///
/// As in the subjects of NATS, whose `>` is `**` here. A pattern has 1 to 255 bytes, no empty token, no whitespace and no
/// control characters.
///
/// ```
/// use pulsebus::Pattern;
///
/// let rooms = Pattern::new("room.*").unwrap();
/// assert!(rooms.matches("room.lobby"));
/// assert!(!rooms.matches("room.lobby.chat") && !rooms.matches("room"));
///
/// let all: Pattern = "room.**".parse().unwrap();
/// assert!(all.matches("room.lobby") && all.matches("room.lobby.chat"));
///
/// let error = Pattern::new("room.**.chat").unwrap_err();
/// assert!(error.to_string().contains("not its last token"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: Box<str>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`PatternError`] says what is wrong with the text, and where.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        check(text, true).map_err(|fault| PatternError::bad_text(text, fault))?;
        for (at, token) in tokens(text) {
            match token {
                "*" => {}
                "**" if at + token.len() == text.len() => {}
                "**" => return Err(PatternError::NotAtEnd { pattern: text.into(), at }),
                _ if token.contains('*') => return Err(PatternError::PartOfToken { pattern: text.into(), at }),
                _ => {}
            }
        }
        Ok(Self { text: text.into() })
    }

    /// Does it match that name? (What cannot be the name of a topic may match or not.)
    ///
    /// Allocates nothing; looks at each byte of both at most a few times.
    pub fn matches(&self, name: &str) -> bool {
        let mut names = name.split('.');
        for token in self.text.split('.') {
            let Some(found) = names.next() else { return false };
            match token {
                "**" => return true,
                "*" => {}
                literal if literal == found => {}
                _ => return false,
            }
        }
        names.next().is_none()
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::new(text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.text).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::topics::error::NameFault;

    /// What the table above says, by recursion over lists of tokens.
    fn oracle(pattern: &[&str], name: &[&str]) -> bool {
        match (pattern, name) {
            ([], []) => true,
            (["**"], [_, ..]) => true,
            (["*", pattern @ ..], [_, name @ ..]) => oracle(pattern, name),
            ([token, pattern @ ..], [found, name @ ..]) => token == found && oracle(pattern, name),
            _ => false,
        }
    }

    /// All lists of one to `length` of these tokens.
    fn lists<'a>(tokens: &[&'a str], length: usize) -> Vec<Vec<&'a str>> {
        let mut all: Vec<Vec<&str>> = tokens.iter().map(|&token| vec![token]).collect();
        let mut from = 0;
        for _ in 1..length {
            let shorter = all[from..].to_vec();
            from = all.len();
            all.extend(
                shorter.iter().flat_map(|list| {
                    tokens.iter().map(|&token| list.iter().copied().chain([token]).collect::<Vec<_>>())
                }),
            );
        }
        all
    }

    #[test]
    fn a_pattern_matches_what_the_naive_reading_matches() {
        let names = lists(&["a", "b", "ab", "ä"], 5);
        let texts: Vec<String> = names.iter().map(|name| name.join(".")).collect();
        let (mut matched, mut refused) = (0, 0);
        for tokens in lists(&["a", "ab", "*", "**"], 4) {
            let in_the_middle = tokens[..tokens.len() - 1].contains(&"**");
            let pattern = Pattern::new(&tokens.join("."));
            assert_eq!(pattern.is_err(), in_the_middle, "{tokens:?}");
            let Ok(pattern) = pattern else {
                refused += 1;
                continue;
            };
            for (name, text) in names.iter().zip(&texts) {
                assert_eq!(pattern.matches(text), oracle(&tokens, name), "{pattern} and {text}");
                matched += usize::from(pattern.matches(text));
            }
        }
        assert!(matched > 10_000 && refused > 50, "{matched} {refused}");
    }

    #[test]
    fn a_bad_pattern_is_refused_with_the_place_of_its_fault() {
        let bad_text = |pattern: &str, fault| PatternError::BadText { pattern: pattern.into(), fault };
        assert_eq!(Pattern::new(""), Err(bad_text("", NameFault::Empty)));
        assert_eq!(Pattern::new("a..*"), Err(bad_text("a..*", NameFault::EmptyToken { at: 2 })));
        assert_eq!(Pattern::new("* "), Err(bad_text("* ", NameFault::Character { at: 1, found: ' ' })));
        let part = |pattern: &str, at| PatternError::PartOfToken { pattern: pattern.into(), at };
        assert_eq!(Pattern::new("a.b*"), Err(part("a.b*", 2)));
        assert_eq!(Pattern::new("***"), Err(part("***", 0)));
        assert_eq!(Pattern::new("a.**.b"), Err(PatternError::NotAtEnd { pattern: "a.**.b".into(), at: 2 }));
        assert_eq!(Pattern::new("**.**"), Err(PatternError::NotAtEnd { pattern: "**.**".into(), at: 0 }));
    }

    #[test]
    fn a_pattern_reads_back_what_it_shows() {
        for text in ["*", "**", "a.*.**", "room.lobby"] {
            let pattern: Pattern = text.parse().unwrap();
            assert_eq!(pattern.to_string(), text);
            assert_eq!(Pattern::new(pattern.as_str()), Ok(pattern));
        }
    }
}
