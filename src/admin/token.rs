//! Credentials: made once, shown once, kept as a hash.

use super::policy_error::PolicyError;
use sha2::{Digest, Sha256};
use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A credential: a secret text that its bearer presents with each command.
///
/// Only its SHA-256 is kept by an [`Admin`](super::Admin). A slow hash, such as passwords need, would add nothing: it is there to
/// make guessing of what people think up expensive, and nobody guesses 256 random bits. Secrets that people make themselves
/// ([`from_secret`](Self::from_secret)) must therefore be long.
///
/// The memory of a token is overwritten when it is dropped. `Debug` does not show it.
///
/// ```
/// use pulsebus::admin::{PolicyError, Token};
///
/// let token = Token::generate()?;
/// // Shown once, to whoever will use it; the hash is what a configuration has:
/// assert!(token.expose().starts_with("pb_"));
/// assert!(token.hash().starts_with("sha256:"));
/// # Ok::<(), PolicyError>(())
/// ```
pub struct Token(Zeroizing<String>);

/// What is kept of a credential.
pub(super) type Hash = [u8; 32];

/// What generated tokens begin with.
pub(super) const PREFIX: &str = "pb_";
const HASH_PREFIX: &str = "sha256:";
/// Five bits each.
const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Bytes of a secret that a person made.
pub(super) const SHORTEST: usize = 32;
/// Different bytes of such a secret.
const DIFFERENT: usize = 10;
/// No longer credential is looked at.
pub(super) const LONGEST: usize = 1024;

impl Token {
    /// A new one: 256 bits of the system's randomness, as `pb_` and 52 letters and digits.
    ///
    /// # Errors
    /// If the system has no randomness to give.
    pub fn generate() -> Result<Self, PolicyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).map_err(|_| PolicyError::NoRandomness)?;
        // All of it at once: what a growing text leaves behind would not be overwritten.
        let mut text = Zeroizing::new(String::with_capacity(64));
        text.push_str(PREFIX);
        let (mut bits, mut count) = (0_u32, 0);
        for byte in bytes.iter() {
            (bits, count) = (bits << 8 | u32::from(*byte), count + 8);
            while count >= 5 {
                count -= 5;
                text.push(char::from(DIGITS[(bits >> count & 31) as usize]));
            }
            bits &= (1 << count) - 1;
        }
        text.push(char::from(DIGITS[(bits << (5 - count) & 31) as usize]));
        Ok(Self(text))
    }

    /// One that somebody made: at least 32 bytes, at most 1,024, and ten different ones among them.
    ///
    /// # Errors
    /// If it is too short, too long, or too plain.
    pub fn from_secret(secret: impl Into<String>) -> Result<Self, PolicyError> {
        let secret = Zeroizing::new(secret.into());
        let length = secret.len();
        if length < SHORTEST {
            return Err(PolicyError::SecretTooShort { length });
        }
        if length > LONGEST {
            return Err(PolicyError::SecretTooLong { length });
        }
        let mut seen = [false; 256];
        secret.bytes().for_each(|byte| seen[usize::from(byte)] = true);
        let different = seen.into_iter().filter(|seen| *seen).count();
        if different < DIFFERENT {
            return Err(PolicyError::SecretTooPlain { different });
        }
        Ok(Self(secret))
    }

    /// The secret itself: for its bearer, and nobody else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What a configuration has of it: `sha256:` and 64 hexadecimal digits. See
    /// [`Policy::token_hash`](super::Policy::token_hash).
    pub fn hash(&self) -> String {
        self.digest().iter().fold(HASH_PREFIX.to_string(), |text, byte| text + &format!("{byte:02x}"))
    }

    pub(super) fn digest(&self) -> Hash {
        digest(self.0.as_bytes())
    }
}

pub(super) fn digest(secret: &[u8]) -> Hash {
    Sha256::digest(secret).into()
}

/// Reads what [`Token::hash`] writes.
pub(super) fn read_hash(text: &str) -> Option<Hash> {
    let digits = text.strip_prefix(HASH_PREFIX)?.as_bytes();
    let mut hash = Hash::default();
    if digits.len() != hash.len() * 2 {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
    }
    Some(hash)
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The name of a credential: what the audit ring says of who gave a command. Cheap to clone.
///
/// 1 to 64 letters and digits of ASCII, and `.`, `-`, `_`, `@`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId(Arc<str>);

/// Bytes of a name.
const LONGEST_NAME: usize = 64;

impl TokenId {
    pub(super) fn new(name: &str) -> Result<Self, PolicyError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'@');
        if (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(fits) {
            Ok(Self(name.into()))
        } else {
            Err(PolicyError::BadName { name: super::show::escaped(name, LONGEST_NAME) })
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for TokenId {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for TokenId {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for TokenId {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for TokenId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_tokens_carry_all_their_bits_and_differ() {
        let tokens: Vec<Token> = (0..50).map(|_| Token::generate().unwrap()).collect();
        for token in &tokens {
            let digits = token.expose().strip_prefix(PREFIX).unwrap();
            assert_eq!(digits.len(), 52);
            assert!(digits.bytes().all(|digit| DIGITS.contains(&digit)));
        }
        let different: std::collections::HashSet<&str> = tokens.iter().map(Token::expose).collect();
        assert_eq!(different.len(), tokens.len());
        // Each place but the last one, which has one bit left, shows many digits.
        for place in 0..51 {
            let shown: std::collections::HashSet<u8> =
                tokens.iter().map(|token| token.expose().as_bytes()[PREFIX.len() + place]).collect();
            assert!(shown.len() > 10, "place {place}: {shown:?}");
        }
    }

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        let token = Token::from_secret("correct horse battery staple, twice").unwrap();
        assert_eq!(read_hash(&token.hash()), Some(token.digest()));
        // By the standard.
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(read_hash(empty), Some(digest(b"")));
        for bad in
            ["", "sha256:", "md5:e3b0", &empty[1..], &empty[..70], &format!("{empty}0"), &empty.replace('e', "g")]
        {
            assert_eq!(read_hash(bad), None, "{bad}");
        }
    }

    #[test]
    fn no_token_shows_itself() {
        let token = Token::generate().unwrap();
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
