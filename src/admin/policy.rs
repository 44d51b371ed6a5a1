//! Who may do what, and how much is taken from those who may not.

use super::policy_error::PolicyError;
use super::role::Role;
use super::token::{Hash, Token, TokenId, read_hash};
use std::time::Duration;

/// The longest command that is parsed, in bytes, if the policy says nothing. 4 KiB.
pub const MAX_COMMAND: usize = 4096;
/// The most that a policy can say.
const LARGEST_COMMAND: usize = 64 * 1024;
/// Commands that are kept, at most.
const LARGEST_RING: usize = 1 << 16;
/// Sources that are kept, at most.
const LARGEST_TABLE: usize = 1 << 16;

/// Whom an [`Admin`](super::Admin) listens to, and its limits. There is no default credential.
///
/// ```
/// use pulsebus::admin::{Policy, PolicyError, Role, Token};
///
/// let ann = Token::generate()?;
/// let policy = Policy::new()
///     .token("ann", Role::Admin, &ann)
///     // From a configuration, which has no secret in it:
///     .token_hash("watch", Role::Viewer, "sha256:5c0b4c8a5f7bd5f0b0e8d1ac9f5e2d7f4cbb2f4a3d9d5f1e6a7b8c9d0e1f2a3b")
///     .audit_capacity(4096);
/// policy.check()?;
/// # Ok::<(), PolicyError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Policy {
    pub(super) credentials: Vec<Given>,
    pub(super) max_command: usize,
    pub(super) audit_capacity: usize,
    pub(super) slow_down: SlowDown,
}

/// A credential as it was configured, not checked yet.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) name: String,
    pub(super) role: Role,
    /// `None`: what was configured is no hash.
    pub(super) hash: Option<Secret>,
}

/// A hash that does not show itself.
#[derive(Clone)]
pub(super) struct Secret(pub(super) Hash);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// How wrong credentials are slowed down. The library never waits: it refuses, and says for how long it will.
///
/// - After the first [`free`](Self::free) wrong ones from a source, each further one has the source refused for
///   [`first`](Self::first), twice that, four times that, at most for [`most`](Self::most). In that time none of its credentials
///   is looked at, right ones neither; a refusal does not make it longer.
/// - A right one makes nothing shorter: whoever has one credential cannot guess at another one the faster for it. A source is
///   forgotten when nothing wrong has come from it for [`forget_after`](Self::forget_after).
/// - From [`crowd`](Self::crowd) recent wrong ones on, from whatever sources (their number halves each minute), each further
///   wrong one has *its own* source refused for `first` at least, for twice that from twice as many on, and so on, at most for
///   [`crowd_most`](Self::crowd_most).
///
/// **A source that has done nothing wrong is never refused**, whatever others do: its credential is looked at. So nobody is
/// locked out by attackers elsewhere; and attackers with many sources have one look from each. That is what the length of
/// tokens is for.
///
/// A source is a text that the caller chooses. Choose what a peer cannot choose itself, and what different peers do not share:
/// an address (of IPv6, its first 64 bits), not a port and not a name that the peer sent. Peers behind one source share its
/// refusals; [`Admin::forgive`](super::Admin::forgive) ends one.
///
/// Times are those of the bus's clock: while one that is driven by hand stands still, no refusal ends.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlowDown {
    /// Wrong ones from a source that have no consequence. 3.
    pub free: u32,
    /// The first refusal. 1 s.
    pub first: Duration,
    /// The longest refusal. 5 minutes.
    pub most: Duration,
    /// How long a source is remembered. 15 minutes; not shorter than [`most`](Self::most).
    pub forget_after: Duration,
    /// Recent wrong ones in all, from which on none is free. 100.
    pub crowd: u32,
    /// The longest refusal for the sake of that. 30 s.
    pub crowd_most: Duration,
    /// How many sources are remembered. When one more comes, the one that is refused for the shortest time is forgotten. 1,024.
    pub sources: usize,
}

impl Default for SlowDown {
    fn default() -> Self {
        Self {
            free: 3,
            first: Duration::from_secs(1),
            most: Duration::from_secs(5 * 60),
            forget_after: Duration::from_secs(15 * 60),
            crowd: 100,
            crowd_most: Duration::from_secs(30),
            sources: 1024,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self { credentials: Vec::new(), max_command: MAX_COMMAND, audit_capacity: 1024, slow_down: SlowDown::default() }
    }
}

impl Policy {
    /// A policy that listens to nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Listens to whoever has that token. The name is what the audit ring will say; see [`TokenId`].
    pub fn token(mut self, name: &str, role: Role, token: &Token) -> Self {
        self.credentials.push(Given { name: name.into(), role, hash: Some(Secret(token.digest())) });
        self
    }

    /// The same, by what [`Token::hash`] shows: `sha256:` and 64 hexadecimal digits.
    pub fn token_hash(mut self, name: &str, role: Role, hash: &str) -> Self {
        self.credentials.push(Given { name: name.into(), role, hash: read_hash(hash).map(Secret) });
        self
    }

    /// How long a command may be, in bytes: 16 to 65,536. [`MAX_COMMAND`], if nothing is said.
    pub fn max_command(mut self, bytes: usize) -> Self {
        self.max_command = bytes;
        self
    }

    /// How many commands the audit ring keeps: 1 to 65,536. 1,024, if nothing is said. Refused attempts have a ring of their own,
    /// a fourth as large (1,024 at most), so that they push no command out.
    pub fn audit_capacity(mut self, commands: usize) -> Self {
        self.audit_capacity = commands;
        self
    }

    /// How wrong credentials are slowed down.
    pub fn slow_down(mut self, slow_down: SlowDown) -> Self {
        self.slow_down = slow_down;
        self
    }

    /// Is there a credential, and is everything in its range?
    ///
    /// # Errors
    /// What is not.
    pub fn check(&self) -> Result<(), PolicyError> {
        super::credentials::Credentials::new(&self.credentials).map(drop)?;
        let SlowDown { first, most, forget_after, crowd, sources, .. } = &self.slow_down;
        for (is_right, field, allowed) in [
            ((16..=LARGEST_COMMAND).contains(&self.max_command), "max_command", "from 16 to 65536 bytes"),
            ((1..=LARGEST_RING).contains(&self.audit_capacity), "audit_capacity", "from 1 to 65536 commands"),
            (!first.is_zero(), "slow_down.first", "longer than nothing"),
            (first <= most, "slow_down.most", "at least as long as slow_down.first"),
            (forget_after >= most, "slow_down.forget_after", "at least as long as slow_down.most"),
            (*crowd > 0, "slow_down.crowd", "at least 1"),
            ((1..=LARGEST_TABLE).contains(sources), "slow_down.sources", "from 1 to 65536"),
        ] {
            if !is_right {
                return Err(PolicyError::OutOfRange { field, allowed });
            }
        }
        Ok(())
    }
}

impl Given {
    pub(super) fn checked(&self) -> Result<(TokenId, Hash), PolicyError> {
        let id = TokenId::new(&self.name)?;
        let hash = self.hash.as_ref().ok_or_else(|| PolicyError::BadHash { name: self.name.clone() })?;
        Ok((id, hash.0))
    }
}
