//! Why a policy is none, or a credential not taken.

use super::token::{LONGEST, SHORTEST};
use std::fmt;

/// Why an [`Admin`](super::Admin) was not made, or a credential not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// No credential is configured, and there is no default one.
    NoCredential,
    /// A credential cannot have that name.
    BadName {
        /// The name, made fit to be shown.
        name: String,
    },
    /// There is a credential of that name.
    NameTaken {
        /// The name.
        name: String,
    },
    /// Two names have the same secret: who gave a command could not be told.
    SecretTaken {
        /// The name that came later.
        name: String,
    },
    /// That is no hash of a secret.
    BadHash {
        /// Whose it was to be.
        name: String,
    },
    /// The secret can be guessed: it is too short.
    SecretTooShort {
        /// Its length, in bytes.
        length: usize,
    },
    /// The secret is longer than what is looked at.
    SecretTooLong {
        /// Its length, in bytes.
        length: usize,
    },
    /// The secret can be guessed: it has too few different characters.
    SecretTooPlain {
        /// How many different bytes it has.
        different: usize,
    },
    /// There are as many credentials as there may be.
    TooMany {
        /// How many there may be.
        limit: usize,
    },
    /// A limit of the policy is out of its range.
    OutOfRange {
        /// Which one.
        field: &'static str,
        /// What it may be.
        allowed: &'static str,
    },
    /// The system has no randomness to give.
    NoRandomness,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCredential => f.write_str(
                "expected a credential: there is no default one; make one with Token::generate, and give it to Policy::token",
            ),
            Self::BadName { name } => write!(
                f,
                "expected a name of 1 to 64 ASCII letters, digits, '.', '-', '_' or '@' for a credential, found \"{name}\""
            ),
            Self::NameTaken { name } => write!(f, "there is a credential named {name}: revoke it, or use another name"),
            Self::SecretTaken { name } => {
                write!(f, "the secret of {name} is that of another name too: each name needs one of its own")
            }
            Self::BadHash { name } => {
                write!(f, "expected sha256: and 64 hexadecimal digits for {name}, as Token::hash shows them")
            }
            Self::SecretTooShort { length } => write!(
                f,
                "expected a secret of at least {SHORTEST} bytes, found {length}: use Token::generate, or a longer one"
            ),
            Self::SecretTooLong { length } => {
                write!(f, "expected a secret of at most {LONGEST} bytes, found {length}")
            }
            Self::SecretTooPlain { different } => {
                write!(f, "expected a secret with at least 10 different bytes, found {different}: use Token::generate")
            }
            Self::TooMany { limit } => write!(f, "there are {limit} credentials, as many as there may be: revoke some"),
            Self::OutOfRange { field, allowed } => write!(f, "{field} has to be {allowed}"),
            Self::NoRandomness => f.write_str("the system has no randomness to make a token of"),
        }
    }
}

impl std::error::Error for PolicyError {}
