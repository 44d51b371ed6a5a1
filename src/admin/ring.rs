//! The audit ring: who gave which command, from where, when, and what came of it.

use super::duration::Written;
use super::role::Role;
use super::show::escaped;
use super::token::{PREFIX, SHORTEST, TokenId};
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// One command, or one refused attempt to give one, as the audit ring keeps it.
///
/// It prints in one line. No text of it holds a control character, nor a secret that stands in it as a word, in quotes, or as
/// the whole command.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct AuditRecord {
    /// How many came before it.
    pub number: u64,
    /// When it came, by the bus's clock.
    pub at: Duration,
    /// Whose credential it was; `None`: nobody's.
    pub who: Option<TokenId>,
    /// The role of the credential.
    pub role: Option<Role>,
    /// Where it came from, as the caller of [`Admin::run`](super::Admin::run) said.
    pub source: String,
    /// The command: its beginning, if it is long.
    pub what: String,
    /// `ok`, `running`, or the [kind](super::AdminError::kind) of the error.
    pub outcome: &'static str,
    /// How long it took.
    pub took: Duration,
    /// How many attempts this stands for: those that are refused without a look at their credential are added to the latest
    /// refused one of the same source.
    pub times: u64,
}

impl fmt::Display for AuditRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, at, who, role, source, what, outcome, took, times } = self;
        write!(f, "#{number} {} ", Written(*at))?;
        match (who, role) {
            (Some(who), Some(role)) => write!(f, "{who} ({role})")?,
            _ => f.write_str("nobody")?,
        }
        write!(f, " from {source}: {what} -> {outcome} in {}", Written(*took))?;
        if *times > 1 { write!(f, ", {times} times") } else { Ok(()) }
    }
}

/// Characters of a command that are kept.
const TEXT: usize = 256;
/// Refused attempts that are kept, at most: each further one of a source is looked for among them.
const REFUSED: usize = 1024;
/// Characters of a source that are kept.
const SOURCE: usize = 64;

/// What is kept of a source: in one line, and not long.
pub(super) fn shown_source(source: &str) -> String {
    if source.is_empty() { "-".to_string() } else { escaped(source, SOURCE) }
}

/// What is kept of a command: in one line, and not long, without words that are secrets, or look like generated ones.
pub(super) fn shown_text(text: &str, is_secret: impl Fn(&str) -> bool) -> String {
    let is_hidden = |word: &str| word.len() >= SHORTEST && (word.starts_with(PREFIX) || is_secret(word));
    if is_hidden(text.trim()) {
        return HIDDEN.to_string();
    }
    let (mut shown, mut rest) = (String::new(), text);
    while let Some((before, quoted)) = rest.split_once('"') {
        push_words(&mut shown, before, &is_hidden);
        let end = end_of_quote(quoted);
        let (inside, after) = quoted.split_at(end);
        shown.push('"');
        // In quotes, a secret may have spaces.
        if is_hidden(&inside.replace("\\\"", "\"").replace("\\\\", "\\")) {
            shown.push_str(HIDDEN);
        } else {
            push_words(&mut shown, inside, &is_hidden);
        }
        rest = after.strip_prefix('"').inspect(|_| shown.push('"')).unwrap_or(after);
    }
    push_words(&mut shown, rest, &is_hidden);
    // Not before: of a secret that is cut, nobody could tell that it is one.
    escaped(&shown, TEXT)
}

const HIDDEN: &str = "[hidden]";

/// Where the quote ends that has begun before: at a `"` that is not escaped, or with the text.
fn end_of_quote(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    end.unwrap_or(text.len())
}

/// Adds a text without those of its words that are to be hidden.
fn push_words(shown: &mut String, text: &str, is_hidden: &impl Fn(&str) -> bool) {
    for piece in text.split_inclusive(' ') {
        let word = piece.trim_end_matches(' ');
        // A value, and an owner's key.
        let starts = [Some(0), word.find('=').map(|at| at + 1), word.find(':').map(|at| at + 1)];
        match starts.into_iter().flatten().find(|start| is_hidden(&word[*start..])) {
            Some(start) => shown.extend([&piece[..start], HIDDEN, &piece[word.len()..]]),
            None => shown.push_str(piece),
        }
    }
}

/// Two rings: those whose credential was refused push out nothing of those whose credential was right.
pub(super) struct Ring {
    commands: VecDeque<AuditRecord>,
    refused: VecDeque<AuditRecord>,
    capacity: usize,
    next: u64,
}

impl Ring {
    pub(super) fn new(capacity: usize) -> Self {
        Self { commands: VecDeque::new(), refused: VecDeque::new(), capacity, next: 0 }
    }

    /// Adds a command that is about to be run; its number.
    pub(super) fn begin(&mut self, record: AuditRecord) -> u64 {
        let number = self.next;
        self.next += 1;
        push(&mut self.commands, self.capacity, AuditRecord { number, ..record });
        number
    }

    /// Says what came of it, if it is there still.
    pub(super) fn finish(&mut self, number: u64, outcome: &'static str, took: Duration) {
        if let Ok(at) = self.commands.binary_search_by_key(&number, |record| record.number) {
            (self.commands[at].outcome, self.commands[at].took) = (outcome, took);
        }
    }

    /// Adds an attempt that was refused.
    pub(super) fn refuse(&mut self, record: AuditRecord) {
        let number = self.next;
        self.next += 1;
        push(&mut self.refused, (self.capacity / 4).clamp(1, REFUSED), AuditRecord { number, ..record });
    }

    /// Adds one to the latest attempt of that source that was refused; `false` if there is none.
    pub(super) fn repeat(&mut self, source: &str) -> bool {
        let latest = self.refused.iter_mut().rev().find(|record| record.source == source);
        latest.map(|record| record.times = record.times.saturating_add(1)).is_some()
    }

    /// All that is kept, the oldest first.
    pub(super) fn records(&self) -> Vec<AuditRecord> {
        let mut records: Vec<AuditRecord> = self.commands.iter().chain(&self.refused).cloned().collect();
        records.sort_by_key(|record| record.number);
        records
    }
}

fn push(ring: &mut VecDeque<AuditRecord>, capacity: usize, record: AuditRecord) {
    while ring.len() >= capacity {
        ring.pop_front();
    }
    ring.push_back(record);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_kept() {
        let secret = "my-own-secret-of-forty-characters-0123456";
        let shown = |text: &str| shown_text(text, |word| word == secret);
        assert_eq!(shown(&format!("pool {secret}")), "pool [hidden]");
        assert_eq!(shown(&format!("connections owner=\"{secret}\" limit=1")), "connections owner=\"[hidden]\" limit=1");
        assert_eq!(shown(&format!("pb_{}", "a".repeat(52))), "[hidden]");
        assert_eq!(shown(&format!("pool owner=key:pb_{}", "a".repeat(52))), "pool owner=key:[hidden]");
        assert_eq!(shown("pool pb_x"), "pool pb_x");
        // Nor the beginning of one that is longer than what is kept.
        let long = "0123456789abcdef".repeat(64);
        assert_eq!(shown_text(&format!("pool {long}"), |word| word == long), "pool [hidden]");
    }

    #[test]
    fn what_is_kept_of_a_text_is_short_and_in_one_line() {
        assert_eq!(shown_text("a\nb\u{1b}", |_| false), "a\\u{a}b\\u{1b}");
        let long = shown_text(&"ä".repeat(100_000), |_| false);
        assert_eq!((long.chars().count(), long.ends_with('…')), (TEXT + 1, true));
        assert_eq!(shown_source("").as_str(), "-");
    }
}
