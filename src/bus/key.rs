//! What connections are grouped by: owners, names, kinds.

use crate::time::Fingerprint;
use std::any::{Any, TypeId};
use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher, RandomState};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// A name: of a service, a tag, a connection. Cheap to clone; a literal costs no heap call.
#[derive(Clone)]
pub struct Name(Text);

#[derive(Clone)]
enum Text {
    Literal(&'static str),
    Shared(Arc<str>),
}

impl Name {
    /// As [`Owner::hint`]. The same text elsewhere has another one.
    #[inline]
    pub(super) fn hint(&self) -> usize {
        // Most are literals, which stay where they are.
        self.as_str().as_ptr().addr() ^ self.len()
    }

    /// The name as text.
    #[inline]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Literal(text) => text,
            Text::Shared(text) => text,
        }
    }
}

impl From<&'static str> for Name {
    #[inline]
    fn from(text: &'static str) -> Self {
        Self(Text::Literal(text))
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Self(Text::Shared(text.into()))
    }
}

impl From<Arc<str>> for Name {
    fn from(text: Arc<str>) -> Self {
        Self(Text::Shared(text))
    }
}

impl From<&Name> for Name {
    fn from(name: &Name) -> Self {
        name.clone()
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Name {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.as_str(), other.as_str());
        // A literal is mostly compared with itself.
        std::ptr::eq(a, b) || a == b
    }
}

impl Eq for Name {}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Who a connection belongs to: a number (the same number is the same owner, whatever its type), a name, or any hashable
/// value ([`Owner::key`]).
///
/// ```
/// use pulsebus::Owner;
///
/// assert_eq!(Owner::from(7_u32), Owner::from(7_i64));
/// assert_ne!(Owner::from(7), Owner::from("7"));
///
/// #[derive(Debug, PartialEq, Eq, Hash)]
/// struct Entity { index: u32, generation: u32 }
/// assert_eq!(Owner::key(Entity { index: 1, generation: 2 }), Owner::key(Entity { index: 1, generation: 2 }));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Owner(Key);

#[derive(Clone, PartialEq, Eq)]
enum Key {
    Number(u64),
    Negative(i64),
    Name(Name),
    Any(AnyKey),
}

impl Hash for Key {
    /// By the payload alone: what is equal is of one variant anyway.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Number(number) => state.write_u64(*number),
            Self::Negative(number) => state.write_i64(*number),
            Self::Name(name) => name.hash(state),
            Self::Any(key) => key.hash(state),
        }
    }
}

impl Owner {
    /// An owner named by any hashable value. Values of one type are the same owner if they hash alike: 128 bits of the hash,
    /// by seeds of this process, stand for the value, and its `Eq` is not asked. Runs its `Hash` twice. Costs a heap call.
    pub fn key<K>(key: K) -> Self
    where
        K: Hash + Eq + fmt::Debug + Send + Sync + 'static,
    {
        static SEEDS: OnceLock<[RandomState; 2]> = OnceLock::new();
        let seeds = SEEDS.get_or_init(Default::default);
        let fingerprint = Fingerprint::of(&(TypeId::of::<K>(), &key), seeds);
        Self(Key::Any(AnyKey { fingerprint, value: Arc::new(key) }))
    }

    /// A number that tells it from most others, and costs next to nothing to find.
    #[inline]
    pub(super) fn hint(&self) -> usize {
        match &self.0 {
            Key::Number(number) => *number as usize,
            Key::Negative(number) => *number as usize,
            Key::Name(name) => name.hint(),
            Key::Any(key) => key.fingerprint.hint(),
        }
    }

    /// Does dropping it run a destructor of the user's?
    pub(super) fn is_foreign(&self) -> bool {
        matches!(self.0, Key::Any(_))
    }

    /// The value that [`key`](Self::key) was given, if it was of this type.
    pub fn downcast_ref<K: 'static>(&self) -> Option<&K> {
        match &self.0 {
            Key::Any(key) => (*key.value).as_any().downcast_ref(),
            _ => None,
        }
    }
}

macro_rules! owner_from {
    ($($number:ty)*) => {$(
        impl From<$number> for Owner {
            #[inline]
            fn from(number: $number) -> Self {
                match u64::try_from(number) {
                    Ok(number) => Self(Key::Number(number)),
                    Err(_) => Self(Key::Negative(number as i64)),
                }
            }
        }
    )*};
}
owner_from!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize);

impl From<u128> for Owner {
    fn from(number: u128) -> Self {
        u64::try_from(number).map_or_else(|_| Self::key(number), |number| Self(Key::Number(number)))
    }
}

impl From<&'static str> for Owner {
    fn from(name: &'static str) -> Self {
        Self(Key::Name(name.into()))
    }
}

impl From<String> for Owner {
    fn from(name: String) -> Self {
        Self(Key::Name(name.into()))
    }
}

impl From<Name> for Owner {
    fn from(name: Name) -> Self {
        Self(Key::Name(name))
    }
}

impl From<&Owner> for Owner {
    fn from(owner: &Owner) -> Self {
        owner.clone()
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Key::Number(number) => number.fmt(f),
            Key::Negative(number) => number.fmt(f),
            Key::Name(name) => name.fmt(f),
            Key::Any(key) => key.value.fmt(f),
        }
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Key::Name(name) => fmt::Debug::fmt(name, f),
            _ => fmt::Display::fmt(self, f),
        }
    }
}

/// A value of a type that only its owner knows. 128 bits of its hash stand for it, so that nothing of the user's runs where it
/// is compared.
#[derive(Clone)]
struct AnyKey {
    fingerprint: Fingerprint,
    value: Arc<dyn AnyValue>,
}

impl PartialEq for AnyKey {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for AnyKey {}

impl Hash for AnyKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fingerprint.hash(state);
    }
}

trait AnyValue: fmt::Debug + Send + Sync {
    fn as_any(&self) -> &dyn Any;
}

impl<K: fmt::Debug + Send + Sync + 'static> AnyValue for K {
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What a connection is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum Kind {
    /// A plain connection to a signal: the default.
    #[default]
    Signal,
    /// What a player does.
    Player,
    /// The handler of a remote call or message.
    Remote,
    /// A watcher of some state.
    State,
    /// Each beat of the heartbeat; the default of [`connect_heartbeat`](crate::Bus::connect_heartbeat).
    Heartbeat,
    /// Each beat, before the heartbeat.
    Stepped,
    /// Each beat, after the heartbeat.
    RenderStepped,
    /// A timer; the default of [`timer`](crate::Bus::timer).
    Timer,
    /// A tween.
    Tween,
    /// A sound.
    Sound,
    /// The user interface.
    Gui,
    /// Physics.
    Physics,
    /// Anything else.
    Other,
    /// A kind of the user's own.
    Custom(Name),
}

impl Kind {
    /// All but those of the user's own, in the order of their numbers.
    pub(super) const BUILT_IN: [Self; 13] = [
        Self::Signal,
        Self::Player,
        Self::Remote,
        Self::State,
        Self::Heartbeat,
        Self::Stepped,
        Self::RenderStepped,
        Self::Timer,
        Self::Tween,
        Self::Sound,
        Self::Gui,
        Self::Physics,
        Self::Other,
    ];

    /// Its number among them.
    #[inline]
    pub(super) fn built_in(&self) -> Option<usize> {
        Some(match self {
            Self::Signal => 0,
            Self::Player => 1,
            Self::Remote => 2,
            Self::State => 3,
            Self::Heartbeat => 4,
            Self::Stepped => 5,
            Self::RenderStepped => 6,
            Self::Timer => 7,
            Self::Tween => 8,
            Self::Sound => 9,
            Self::Gui => 10,
            Self::Physics => 11,
            Self::Other => 12,
            Self::Custom(_) => return None,
        })
    }

    /// A kind of one's own.
    pub fn custom(name: impl Into<Name>) -> Self {
        Self::Custom(name.into())
    }

    /// Its name: lower case, as in `render_stepped`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Signal => "signal",
            Self::Player => "player",
            Self::Remote => "remote",
            Self::State => "state",
            Self::Heartbeat => "heartbeat",
            Self::Stepped => "stepped",
            Self::RenderStepped => "render_stepped",
            Self::Timer => "timer",
            Self::Tween => "tween",
            Self::Sound => "sound",
            Self::Gui => "gui",
            Self::Physics => "physics",
            Self::Other => "other",
            Self::Custom(name) => name,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(feature = "serde")]
mod serialized {
    use super::{Kind, Name, Owner};
    use serde::{Serialize, Serializer};

    impl Serialize for Name {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(self)
        }
    }

    impl Serialize for Owner {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl Serialize for Kind {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(self.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_same_number_is_the_same_owner_whatever_its_type() {
        let owners: HashSet<Owner> =
            [7_u8.into(), 7_i64.into(), 7_usize.into(), 7_u128.into(), Owner::from(7)].into_iter().collect();
        assert_eq!(owners.len(), 1);
        assert_ne!(Owner::from(-1), Owner::from(u64::MAX));
        assert_eq!(Owner::from(-1_i8), Owner::from(-1_i64));
    }

    #[test]
    fn a_key_is_only_equal_to_the_same_value_of_the_same_type() {
        assert_eq!(Owner::key((1, 2)), Owner::key((1, 2)));
        assert_ne!(Owner::key((1, 2)), Owner::key((2, 1)));
        assert_ne!(Owner::key(1_u32), Owner::key(1_u64));
        assert_eq!(Owner::key((1, 2)).downcast_ref::<(i32, i32)>(), Some(&(1, 2)));
        assert_eq!(Owner::key((1, 2)).to_string(), "(1, 2)");
    }

    #[test]
    fn built_in_kinds_have_their_numbers() {
        for (number, kind) in Kind::BUILT_IN.iter().enumerate() {
            assert_eq!(kind.built_in(), Some(number));
        }
        assert_eq!(Kind::custom("timer").built_in(), None);
    }

    #[test]
    fn a_name_is_its_text_wherever_that_is_kept() {
        assert_eq!(Name::from("hud"), Name::from("hud".to_string()));
        assert_eq!(Owner::from("hud"), Owner::from(Name::from("hud".to_string())));
        assert_ne!(Name::from("hud"), Name::from("HUD"));
    }
}
