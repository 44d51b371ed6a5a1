//! The credentials that are listened to.

use super::policy::{Given, Secret};
use super::policy_error::PolicyError;
use super::role::Role;
use super::token::{Hash, LONGEST, TokenId, digest};
use subtle::{ConditionallySelectable, ConstantTimeEq};

/// More would make each look at one needlessly long.
const MOST: usize = 1024;

pub(super) struct Credentials(Vec<Credential>);

struct Credential {
    id: TokenId,
    role: Role,
    hash: Secret,
}

impl Credentials {
    pub(super) fn new(given: &[Given]) -> Result<Self, PolicyError> {
        let mut credentials = Self(Vec::new());
        for one in given {
            credentials.add(one)?;
        }
        if credentials.0.is_empty() { Err(PolicyError::NoCredential) } else { Ok(credentials) }
    }

    pub(super) fn add(&mut self, given: &Given) -> Result<TokenId, PolicyError> {
        let (id, hash) = given.checked()?;
        let name = given.name.clone();
        if self.0.iter().any(|known| known.id == id) {
            return Err(PolicyError::NameTaken { name });
        }
        if self.find(&hash).is_some() {
            return Err(PolicyError::SecretTaken { name });
        }
        if self.0.len() >= MOST {
            return Err(PolicyError::TooMany { limit: MOST });
        }
        self.0.push(Credential { id: id.clone(), role: given.role, hash: Secret(hash) });
        Ok(id)
    }

    /// Whose that secret is. The time that it takes depends on its length, and on how many credentials there are; not on which
    /// one it is, nor on how much of it is right.
    pub(super) fn check(&self, secret: &[u8]) -> Option<(TokenId, Role)> {
        // A longer one is wrong: whoever sends it knows its length already.
        if secret.len() > LONGEST {
            return None;
        }
        self.find(&digest(secret)).map(|credential| (credential.id.clone(), credential.role))
    }

    /// Looks at all of them, whichever it is.
    fn find(&self, hash: &Hash) -> Option<&Credential> {
        let mut found = 0_u32;
        for (number, credential) in (1_u32..).zip(&self.0) {
            let is_it = credential.hash.0.ct_eq(hash);
            found.conditional_assign(&number, is_it);
        }
        self.0.get((found as usize).checked_sub(1)?)
    }

    /// Is the text one of the secrets?
    pub(super) fn knows(&self, text: &str) -> bool {
        self.check(text.as_bytes()).is_some()
    }

    /// Takes one away. Was there one?
    pub(super) fn revoke(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|credential| credential.id != *name);
        self.0.len() < before
    }

    pub(super) fn list(&self) -> impl Iterator<Item = (&TokenId, Role)> {
        self.0.iter().map(|credential| (&credential.id, credential.role))
    }

    /// Is it the only one that may administrate?
    pub(super) fn is_last_admin(&self, name: &str) -> bool {
        let mut admins = self.list().filter(|(_, role)| *role == Role::Admin);
        admins.next().is_some_and(|(id, _)| id == name) && admins.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::token::Token;

    fn given(name: &str, role: Role, token: &Token) -> Given {
        Given { name: name.into(), role, hash: Some(Secret(token.digest())) }
    }

    #[test]
    fn each_secret_is_found_wherever_it_stands_and_no_other_one() {
        let tokens: Vec<Token> = (0..20).map(|_| Token::generate().unwrap()).collect();
        let all: Vec<Given> =
            tokens.iter().enumerate().map(|(n, token)| given(&n.to_string(), Role::Viewer, token)).collect();
        let credentials = Credentials::new(&all).unwrap();
        for (number, token) in tokens.iter().enumerate() {
            let (id, _) = credentials.check(token.expose().as_bytes()).unwrap();
            assert_eq!(id, number.to_string().as_str());
        }
        let one = tokens[0].expose();
        for wrong in ["", "pb_", &one[..one.len() - 1], &format!("{one}a"), &one.to_uppercase(), &"a".repeat(5_000)] {
            assert_eq!(credentials.check(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_name_or_a_secret_is_taken_once() {
        let (one, two) = (Token::generate().unwrap(), Token::generate().unwrap());
        let taken = Credentials::new(&[given("a", Role::Admin, &one), given("a", Role::Admin, &two)]);
        assert_eq!(taken.err(), Some(PolicyError::NameTaken { name: "a".into() }));
        let taken = Credentials::new(&[given("a", Role::Admin, &one), given("b", Role::Viewer, &one)]);
        assert_eq!(taken.err(), Some(PolicyError::SecretTaken { name: "b".into() }));
    }
}
