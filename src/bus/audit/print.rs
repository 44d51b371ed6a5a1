//! An audit as text: plain, like the warnings of a compiler.

use super::{Audit, AuditEntry};
use std::fmt;
use std::time::Duration;

impl AuditEntry {
    /// How many look leaked for which reason, the worst first.
    pub(super) fn findings(&self) -> impl Iterator<Item = (usize, &'static str)> {
        let grown = if self.growth.is_some() { self.live } else { 0 };
        [(self.unmanaged, "belongs to nobody"), (grown, "growing steadily"), (self.forgotten, "never called")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
    }

    fn headline(&self) -> String {
        let belong = if self.unmanaged == 1 { "belongs" } else { "belong" };
        match self {
            Self { unmanaged: 1.., .. } => format!("{} {belong} to nobody", connections(self.unmanaged)),
            Self { growth: Some(_), .. } => format!("{}, and more with each look", connections(self.live)),
            _ => format!("{} were never called, but younger ones were", connections(self.forgotten)),
        }
    }

    fn help(&self) -> &'static str {
        match self {
            Self { unmanaged: 1.., .. } => {
                "give them an owner (`.owner(..)`), a service or a timeout, or keep them with `connect_scoped`"
            }
            Self { growth: Some(_), .. } => {
                "end each with the life it belongs to (`.child(..)` and `.reset()`), or let it replace the earlier one \
                 (`.named(..)`)"
            }
            _ => "end them with what they listen to, or give them a timeout (`.timeout(..)`)",
        }
    }
}

impl fmt::Display for AuditEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "warning: {}", self.headline())?;
        writeln!(f, "  --> {}", self.place)?;
        if self.unmanaged > 0 && self.unmanaged < self.live {
            writeln!(f, "   = of {} made here", connections(self.live))?;
        }
        write!(f, "   = oldest {}", Time(self.oldest))?;
        if self.old > 0 {
            write!(f, ", {} more than 10 m old", self.old)?;
        }
        if let Some(count) = self.never_called {
            write!(f, ", never called: {count}")?;
        }
        writeln!(f)?;
        if let Some(growth) = self.growth {
            let (from, looks, over) = (growth.from, growth.looks, Time(growth.over));
            writeln!(f, "   = growing: from {from} to {}, by {looks} looks in {over}", self.live)?;
        }
        if self.forgotten > 0 && self.unmanaged > 0 {
            writeln!(f, "   = forgotten: {} never called, but younger ones were", self.forgotten)?;
        }
        writeln!(f, "   = help: {}", self.help())
    }
}

impl fmt::Display for Audit {
    /// Plain text, of several lines. Colours are for the program with the terminal to add.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            writeln!(f, "{entry}")?;
        }
        for topic in &self.untracked {
            let (count, label) = (topic.count, &topic.label);
            let were = if count == 1 { "slot was" } else { "slots were" };
            writeln!(f, "note: {count} {were} connected to topic \"{label}\" without the bus")?;
            writeln!(f, "   = help: connect with `bus.connect(..)`, or take the connection in with `bus.track(..)`\n")?;
        }
        match self.entries.len() {
            0 => writeln!(f, "audit: clean, {} looked at", connections(self.live)),
            1 => writeln!(f, "audit: 1 warning, {} looked at", connections(self.live)),
            count => writeln!(f, "audit: {count} warnings, {} looked at", connections(self.live)),
        }
    }
}

pub(in crate::bus) fn connections(count: usize) -> String {
    let noun = if count == 1 { "connection" } else { "connections" };
    format!("{count} {noun}")
}

/// A time by its two largest units.
struct Time(Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
        match () {
            () if days > 0 => write!(f, "{days} d {} h", hours % 24),
            () if hours > 0 => write!(f, "{hours} h {} m", minutes % 60),
            () if minutes > 0 => write!(f, "{minutes} m {} s", seconds % 60),
            () if seconds > 0 => write!(f, "{seconds} s"),
            () => write!(f, "{} ms", self.0.as_millis()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_by_its_two_largest_units() {
        let shown = |milliseconds| Time(Duration::from_millis(milliseconds)).to_string();
        assert_eq!(shown(850), "850 ms");
        assert_eq!(shown(59_999), "59 s");
        assert_eq!(shown(723_000), "12 m 3 s");
        assert_eq!(shown(3_600_000), "1 h 0 m");
        assert_eq!(shown(26 * 3_600_000), "1 d 2 h");
    }
}
