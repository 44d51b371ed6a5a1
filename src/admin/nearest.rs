//! The valid word that somebody probably meant.

/// No longer word is compared: the cost grows by the product of the lengths.
const LONGEST: usize = 64;
/// Of names that a program has, no more are compared.
pub(super) const COMPARED: usize = 10_000;

/// The candidate that the word is a mistyped form of, if there is one: at most a third of it is different, or the one is the
/// beginning of the other.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.is_empty() || word.chars().nth(LONGEST).is_some() {
        return None;
    }
    let word = word.to_lowercase();
    let distance = |candidate: &str| {
        if candidate.chars().nth(LONGEST).is_some() {
            return None;
        }
        let lower = candidate.to_lowercase();
        let begins = word.len() >= 2 && (lower.starts_with(&word) || word.starts_with(&lower) && lower.len() >= 3);
        let distance = strsim::damerau_levenshtein(&word, &lower);
        let allowed = (word.chars().count().max(lower.chars().count()) / 3).max(1);
        match distance {
            near if near <= allowed => Some(near),
            _ if begins => Some(LONGEST),
            _ => None,
        }
    };
    let rated = candidates.into_iter().filter_map(|candidate| Some((distance(candidate)?, candidate)));
    rated.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_mistyped_word_finds_what_was_meant_and_nonsense_finds_nothing() {
        let words = ["connections", "config", "cleanup", "collect", "log"];
        for (typed, meant) in [
            ("conections", Some("connections")),
            ("CLEANUP", Some("cleanup")),
            ("celanup", Some("cleanup")),
            ("conn", Some("connections")),
            ("logs", Some("log")),
            ("teapot", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, words), meant, "{typed}");
        }
        assert_eq!(nearest(&"x".repeat(1_000_000), words), None);
    }
}
