//! The commands by name: how each is written, and what it does.

use std::fmt;

/// The first word of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// `help`
    Help,
    /// `sample`
    Sample,
    /// `report`
    Report,
    /// `history`
    History,
    /// `pools`
    Pools,
    /// `pool`
    Pool,
    /// `connections`
    Connections,
    /// `topics`
    Topics,
    /// `audit`
    Audit,
    /// `collect`
    Collect,
    /// `cleanup`
    Cleanup,
    /// `emergency-cleanup`
    EmergencyCleanup,
    /// `config`
    Config,
    /// `alerts`
    Alerts,
    /// `health`
    Health,
    /// `tokens`
    Tokens,
    /// `token`
    Token,
    /// `log`
    Log,
}

impl Verb {
    /// All of them, in the order in which `help` lists them.
    pub const ALL: [Self; 18] = [
        Self::Help,
        Self::Health,
        Self::Sample,
        Self::Report,
        Self::History,
        Self::Alerts,
        Self::Connections,
        Self::Topics,
        Self::Pools,
        Self::Pool,
        Self::Audit,
        Self::Collect,
        Self::Cleanup,
        Self::EmergencyCleanup,
        Self::Config,
        Self::Tokens,
        Self::Token,
        Self::Log,
    ];

    /// How it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Help => "help",
            Self::Sample => "sample",
            Self::Report => "report",
            Self::History => "history",
            Self::Pools => "pools",
            Self::Pool => "pool",
            Self::Connections => "connections",
            Self::Topics => "topics",
            Self::Audit => "audit",
            Self::Collect => "collect",
            Self::Cleanup => "cleanup",
            Self::EmergencyCleanup => "emergency-cleanup",
            Self::Config => "config",
            Self::Alerts => "alerts",
            Self::Health => "health",
            Self::Tokens => "tokens",
            Self::Token => "token",
            Self::Log => "log",
        }
    }

    /// How the whole command is written: what is in brackets can be left out, what is in capitals is yours to say.
    pub fn usage(self) -> &'static str {
        match self {
            Self::Help => "help [COMMAND]",
            Self::History => "history [TIME] [limit=N]",
            Self::Pool => "pool NAME",
            Self::Connections => {
                "connections [owner=O] [service=S] [tag=T] [kind=K] [name=N] [topic=T] [place=P] [older=TIME] [stale] \
                 [limit=N]"
            }
            Self::Topics => "topics [limit=N]",
            Self::Cleanup => "cleanup owner|service|tag|kind NAME [--dry-run], cleanup stale [--dry-run]",
            Self::EmergencyCleanup => "emergency-cleanup --yes, emergency-cleanup --dry-run",
            Self::Config => "config get [KEY], config set KEY VALUE",
            Self::Token => "token revoke NAME",
            Self::Log => "log [N]",
            plain => plain.name(),
        }
    }

    /// What it does, in a sentence or some.
    pub fn about(self) -> &'static str {
        match self {
            Self::Help => {
                "Lists the commands, or explains one. A word with spaces is written in quotes: \"like this\"; in them \\\" is a quote, \\\\ a backslash, and \\u{200d} \
                 the character of that number."
            }
            Self::Sample => "What the monitor measures now.",
            Self::Report => "What the monitor makes of its measurements.",
            Self::History => {
                "What the monitor measured of late: in the last TIME (30s, 5m, 1h30m), N measurements at most."
            }
            Self::Pools => "What each pool of objects has done and holds.",
            Self::Pool => "One pool, and what is out of it by where it was taken, if it notes that.",
            Self::Connections => {
                "Connections that fit all that is said, the oldest first, N of them (100). An owner in digits is a number, in \
                 quotes a name; owner=key:TEXT is any other value by how it prints. place= is a part of file:line:column. \
                 older=30s: made at least so long ago. stale: whose target is gone, or whose timeout has passed."
            }
            Self::Topics => "Topics with how many slots each has, those with the most first, N of them (100).",
            Self::Audit => "Looks for leaks: connections that belong to nobody, were never called, or grow and grow.",
            Self::Collect => "Drops what ended slots captured, and forgets topics that nobody uses.",
            Self::Cleanup => {
                "Ends all connections of an owner, a service, a tag or a kind, or all that are stale. --dry-run only counts \
                 them. Owners are written as for connections."
            }
            Self::EmergencyCleanup => {
                "For when memory runs out. Ends what is stale and what belongs to nobody, drops idle objects of pools, \
                 forgets topics that nobody uses, and collects. Whatever else has an owner or a service stays. --dry-run only \
                 counts."
            }
            Self::Config => {
                "Shows the configuration of the bus, or changes one value of it: numbers, none, 30s, names."
            }
            Self::Alerts => "The alerts of the monitor.",
            Self::Health => "Is all well?",
            Self::Tokens => "The names and roles of the credentials. Nobody can list the credentials themselves.",
            Self::Token => "Takes a credential's rights away, from the next command on.",
            Self::Log => "The last N commands (20), with who gave them and what came of them, the latest last.",
        }
    }

    /// The command of that name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.name() == name)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
