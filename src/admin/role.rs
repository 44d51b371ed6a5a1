//! What a credential allows.

use std::fmt;
use std::str::FromStr;

/// What a credential allows. Each role may do what the ones before it may.
///
/// | | viewer | operator | admin |
/// |---|---|---|---|
/// | `help` `sample` `report` `history` `pools` `pool` `connections` `topics` `audit` `config get` `alerts` `health` | yes | yes | yes |
/// | `collect` `cleanup …`, with `--dry-run` too | | yes | yes |
/// | `config set` `emergency-cleanup` `tokens` `token revoke` `log` | | | yes |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Role {
    /// Reads.
    Viewer,
    /// Also cleans up.
    Operator,
    /// Also reconfigures, revokes tokens and reads the log of commands.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// Its name: `viewer`, `operator`, `admin`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownRole;

impl fmt::Display for UnknownRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected viewer, operator or admin")
    }
}

impl std::error::Error for UnknownRole {}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}
