//! Texts from outside, made fit to be shown: in one line, and without what would steer a terminal.

use super::words::is_visible;
use crate::bus::Owner;
use crate::panics::isolated;
use std::fmt;

/// The first so many characters of a text, with what is not visible written as `\u{…}`. A text that was longer ends with `…`.
pub(super) fn escaped(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == most {
            shown.push('…');
            break;
        }
        push(&mut shown, character);
    }
    shown
}

fn push(shown: &mut String, character: char) {
    if is_visible(character) {
        shown.push(character);
    } else {
        shown.extend(character.escape_unicode());
    }
}

/// Writes through to a formatter, and escapes what is not visible but the ends of lines.
pub(super) struct Lines<'a, 'b>(pub(super) &'a mut fmt::Formatter<'b>);

impl fmt::Write for Lines<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if character == '\n' || is_visible(character) {
                self.0.write_char(character)?;
            } else {
                write!(self.0, "{}", character.escape_unicode())?;
            }
        }
        Ok(())
    }
}

/// How an owner prints. Of one that panics instead (its `Debug` is the user's), that it does.
pub(super) fn printed(owner: &Owner) -> String {
    isolated(|| owner.to_string()).unwrap_or_else(|()| "(an owner whose Debug panics)".to_string())
}

/// A number with its noun.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_breaks_its_line_or_steers_a_terminal() {
        assert_eq!(escaped("a\r\n\u{1b}[2J\u{202e}b", 20), "a\\u{d}\\u{a}\\u{1b}[2J\\u{202e}b");
        assert_eq!(escaped("äöüß", 3), "äöü…");
        assert_eq!(escaped("äöü", 3), "äöü");
    }
}
