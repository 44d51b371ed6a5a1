//! Words of a command: separated by spaces, quoted where that is needed.

use super::error::ParseError;
use std::fmt::{self, Write};

/// A word, without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    /// So many bytes of the text stand before the first quote.
    bare: usize,
}

impl Word {
    /// Is nothing of it quoted?
    pub(super) fn is_bare(&self) -> bool {
        self.bare == self.text.len()
    }

    /// Is it a flag, such as `--yes`? In quotes it is a name like any other.
    pub(super) fn is_flag(&self) -> bool {
        self.text[..self.bare].starts_with("--")
    }

    /// The two sides of `key=value`, if the key and the sign are not quoted.
    pub(super) fn split(&self) -> Option<(&str, Self)> {
        let at = self.text[..self.bare].find('=')?;
        let value = Self { text: self.text[at + 1..].to_string(), bare: self.bare - at - 1 };
        Some((&self.text[..at], value))
    }

    /// What follows a prefix that is not quoted.
    pub(super) fn after(&self, prefix: &str) -> Option<&str> {
        if self.text[..self.bare].starts_with(prefix) { Some(&self.text[prefix.len()..]) } else { None }
    }
}

/// Splits a command into its words.
///
/// The memory that it takes is in proportion to the text, which the caller limits.
pub(super) fn words(text: &str) -> Result<Vec<Word>, ParseError> {
    let mut words = Vec::new();
    let mut characters = text.char_indices().peekable();
    loop {
        while characters.next_if(|(_, character)| *character == ' ').is_some() {}
        if characters.peek().is_none() {
            return Ok(words);
        }
        let (mut word, mut bare) = (String::new(), None);
        while let Some((at, character)) = characters.next_if(|(_, character)| *character != ' ') {
            if character != '"' {
                word.push(visible(at, character)?);
                continue;
            }
            bare.get_or_insert(word.len());
            loop {
                let Some((inside, character)) = characters.next() else { return Err(ParseError::OpenQuote { at }) };
                match character {
                    '"' => break,
                    '\\' => word.push(escaped(inside, &mut characters)?),
                    _ => word.push(visible(inside, character)?),
                }
            }
        }
        let bare = bare.unwrap_or(word.len());
        words.push(Word { text: word, bare });
    }
}

/// What stands after a backslash: `"`, `\`, or `u{…}`.
fn escaped(at: usize, characters: &mut impl Iterator<Item = (usize, char)>) -> Result<char, ParseError> {
    let bad = ParseError::BadEscape { at };
    match characters.next() {
        Some((_, quoted @ ('"' | '\\'))) => return Ok(quoted),
        Some((_, 'u')) => {}
        _ => return Err(bad),
    }
    if !matches!(characters.next(), Some((_, '{'))) {
        return Err(bad);
    }
    let mut number = 0;
    // (One more than the digits, for the brace.)
    for count in 0..=6 {
        match characters.next() {
            Some((_, '}')) if count > 0 => return char::from_u32(number).ok_or(bad),
            Some((_, digit)) => match digit.to_digit(16) {
                Some(digit) if count < 6 => number = number * 16 + digit,
                _ => return Err(bad),
            },
            None => return Err(bad),
        }
    }
    Err(bad)
}

fn visible(at: usize, character: char) -> Result<char, ParseError> {
    if is_visible(character) { Ok(character) } else { Err(ParseError::Control { at, character }) }
}

/// Is it neither a control character, nor one that is invisible or changes the order in which others are shown?
pub(super) fn is_visible(character: char) -> bool {
    !character.is_control()
        && !matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Shows a text as one word: as it is if that can be, otherwise in quotes.
pub(super) struct Quoted<'a> {
    pub(super) text: &'a str,
    /// In quotes, even if it need not be?
    pub(super) always: bool,
}

impl<'a> Quoted<'a> {
    pub(super) fn if_needed(text: &'a str) -> Self {
        Self { text, always: false }
    }

    pub(super) fn always(text: &'a str) -> Self {
        Self { text, always: true }
    }
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |character| is_visible(character) && !matches!(character, ' ' | '"');
        let is_plain = !self.text.is_empty() && self.text.chars().all(plain) && !self.text.starts_with("--");
        if is_plain && !self.always {
            return f.write_str(self.text);
        }
        f.write_char('"')?;
        for character in self.text.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                hidden if !is_visible(hidden) => write!(f, "{}", hidden.escape_unicode())?,
                plain => f.write_char(plain)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        words(text).unwrap().into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn quotes_keep_spaces_and_escapes_stand_for_what_they_name() {
        assert_eq!(texts("  a  b "), ["a", "b"]);
        assert_eq!(texts(r#"a "b c" d"e f"g """#), ["a", "b c", "de fg", ""]);
        assert_eq!(texts(r#""say \"hi\" \\ \u{1b}" C:\dir"#), ["say \"hi\" \\ \u{1b}", r"C:\dir"]);
        assert!(texts("   ").is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        assert_eq!(words("a\tb"), Err(ParseError::Control { at: 1, character: '\t' }));
        assert_eq!(words("ä \u{202e}"), Err(ParseError::Control { at: 3, character: '\u{202e}' }));
        assert_eq!(words("a \"b"), Err(ParseError::OpenQuote { at: 2 }));
        for bad in [r#""\n""#, r#""\u{}""#, r#""\u{1234567}""#, r#""\u{d800}""#, r#""\u{12"#, r#""\u12""#, r#""\"#] {
            assert_eq!(words(bad), Err(ParseError::BadEscape { at: 1 }), "{bad}");
        }
    }

    #[test]
    fn only_what_is_not_quoted_is_a_flag_or_a_key() {
        let word = |text| words(text).unwrap().remove(0);
        assert!(word("--yes").is_flag() && !word("\"--yes\"").is_flag());
        let whole = word("owner=\"a b\"");
        let (key, value) = whole.split().unwrap();
        assert_eq!((key, value.text.as_str(), value.is_bare()), ("owner", "a b", false));
        assert!(word("owner=7").split().unwrap().1.is_bare());
        assert!(word("\"owner=7\"").split().is_none());
        assert_eq!(word("key:\"a b\"").after("key:"), Some("a b"));
        assert_eq!(word("\"key:a\"").after("key:"), None);
    }

    #[test]
    fn a_quoted_text_is_read_again_as_it_was() {
        for text in ["", "plain", "two words", "\"", "\\", "a\\b", "--yes", "\u{1b}[2J", "tab\t", "ü\u{200d}x", "="] {
            for quoted in [Quoted::if_needed(text), Quoted::always(text)] {
                let written = quoted.to_string();
                assert_eq!(texts(&written), [text], "{written}");
            }
        }
    }
}
