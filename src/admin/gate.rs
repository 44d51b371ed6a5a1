//! Who is let in: credentials and refusals, under one lock.

use super::credentials::Credentials;
use super::error::AdminError;
use super::policy::{Given, Policy};
use super::policy_error::PolicyError;
use super::role::Role;
use super::throttle::Throttle;
use super::token::TokenId;
use std::time::Duration;

/// How often credentials were presented, by what came of it; from [`Admin::attempts`](super::Admin::attempts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Attempts {
    /// Right ones.
    pub right: u64,
    /// Wrong ones.
    pub wrong: u64,
    /// Those that were refused without a look, because of earlier wrong ones from their source.
    pub slowed: u64,
    /// Sources that are remembered now for wrong ones.
    pub sources: usize,
}

/// All of it is behind one lock, and looking at a credential happens under it: of many attempts at once from one source no
/// more are looked at than of as many one after another.
pub(super) struct Gate {
    pub(super) credentials: Credentials,
    throttle: Throttle,
    attempts: Attempts,
}

impl Gate {
    pub(super) fn new(policy: &Policy) -> Result<Self, PolicyError> {
        Ok(Self {
            credentials: Credentials::new(&policy.credentials)?,
            throttle: Throttle::new(policy.slow_down.clone()),
            attempts: Attempts::default(),
        })
    }

    /// Whose the credential is.
    pub(super) fn enter(
        &mut self,
        credential: &[u8],
        source: &str,
        now: Duration,
    ) -> Result<(TokenId, Role), AdminError> {
        let retry_after = self.throttle.refused(source, now);
        if !retry_after.is_zero() {
            self.attempts.slowed += 1;
            return Err(AdminError::SlowDown { retry_after });
        }
        match self.credentials.check(credential) {
            Some(who) => {
                self.attempts.right += 1;
                Ok(who)
            }
            None => {
                self.attempts.wrong += 1;
                Err(AdminError::WrongCredential { retry_after: self.throttle.wrong(source, now) })
            }
        }
    }

    pub(super) fn add(&mut self, given: &Given) -> Result<TokenId, PolicyError> {
        self.credentials.add(given)
    }

    pub(super) fn forgive(&mut self, source: &str) -> bool {
        self.throttle.forgive(source)
    }

    pub(super) fn attempts(&self) -> Attempts {
        Attempts { sources: self.throttle.len(), ..self.attempts }
    }
}
