//! What a topic may be called.

use super::error::NameFault;

/// The longest name and the longest pattern, in bytes.
pub(super) const MAX_BYTES: usize = 255;

/// Says what is wrong with a name, or with a pattern, in which `stars` are allowed; the first fault that is found.
pub(super) fn check(text: &str, stars: bool) -> Result<(), NameFault> {
    if text.is_empty() {
        return Err(NameFault::Empty);
    }
    if text.len() > MAX_BYTES {
        return Err(NameFault::TooLong { length: text.len() });
    }
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || (c == '*' && !stars);
    if let Some((at, found)) = text.char_indices().find(|&(_, c)| forbidden(c)) {
        return Err(NameFault::Character { at, found });
    }
    match tokens(text).find(|(_, token)| token.is_empty()) {
        Some((at, _)) => Err(NameFault::EmptyToken { at }),
        None => Ok(()),
    }
}

/// The tokens between the dots, each with the byte that it starts at.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split('.').scan(0, |next, token| {
        let at = *next;
        *next += token.len() + 1;
        Some((at, token))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_tokens_between_dots() {
        for name in ["a", "room.lobby", "räume.吹き抜け", "a.b-c_d.>", &"x".repeat(MAX_BYTES)] {
            assert_eq!(check(name, false), Ok(()), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_name_is_said_with_its_place() {
        let cases = [
            ("", NameFault::Empty),
            (".", NameFault::EmptyToken { at: 0 }),
            (".a", NameFault::EmptyToken { at: 0 }),
            ("ab.", NameFault::EmptyToken { at: 3 }),
            ("ab..c", NameFault::EmptyToken { at: 3 }),
            ("ä b", NameFault::Character { at: 2, found: ' ' }),
            ("a\u{2003}b", NameFault::Character { at: 1, found: '\u{2003}' }),
            ("a.b\n", NameFault::Character { at: 3, found: '\n' }),
            ("a\0", NameFault::Character { at: 1, found: '\0' }),
            ("room.*", NameFault::Character { at: 5, found: '*' }),
        ];
        for (name, fault) in cases {
            assert_eq!(check(name, false), Err(fault), "{name:?}");
        }
        let long = "x".repeat(MAX_BYTES + 1);
        assert_eq!(check(&long, false), Err(NameFault::TooLong { length: 256 }));
    }
}
