//! State by key, without keeping keys: shards of maps from a key's fingerprint.

use crate::sync::lock;
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::marker::PhantomData;
use std::sync::Mutex;

/// 128 bits of a key, by SipHash with seeds of this process. Two keys of a billion share one with a probability of 10⁻²¹.
///
/// It stands for the key, so that neither its `Hash`, nor its `Eq`, nor its destructor ever runs under a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64, u64);

impl Fingerprint {
    /// Runs the key's `Hash`, twice.
    pub(crate) fn of<K: Hash + ?Sized>(key: &K, seeds: &[RandomState; 2]) -> Self {
        Self(seeds[0].hash_one(key), seeds[1].hash_one(key))
    }

    /// A few bits of it.
    pub(crate) fn hint(self) -> usize {
        self.0 as usize
    }
}

impl Hash for Fingerprint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// What was hashed already needs no hashing.
#[derive(Debug, Default)]
pub(super) struct Already(u64);

impl Hasher for Already {
    fn write(&mut self, _: &[u8]) {
        unreachable!("a fingerprint writes one word");
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

pub(super) type FingerprintMap<V> = HashMap<Fingerprint, V, BuildHasherDefault<Already>>;

const SHARDS: usize = 16;

/// A `V` for each of some groups of keys, each behind a lock of its own.
pub(super) struct Shards<K: ?Sized, V> {
    seeds: [RandomState; 2],
    shards: [Mutex<V>; SHARDS],
    _key: PhantomData<fn(&K)>,
}

impl<K: Hash + ?Sized, V> Shards<K, V> {
    /// The key's fingerprint. Runs the key's `Hash`, twice.
    pub(super) fn fingerprint(&self, key: &K) -> Fingerprint {
        Fingerprint::of(key, &self.seeds)
    }
}

impl<K: ?Sized, V: Default> Shards<K, V> {
    pub(super) fn new() -> Self {
        Self {
            seeds: [RandomState::new(), RandomState::new()],
            shards: std::array::from_fn(|_| Mutex::default()),
            _key: PhantomData,
        }
    }
}

impl<K: ?Sized, V> Shards<K, V> {
    /// Where that key's state is. (By the half of the fingerprint that the maps don't hash by.)
    pub(super) fn shard(&self, fingerprint: Fingerprint) -> &Mutex<V> {
        &self.shards[fingerprint.1 as usize % SHARDS]
    }

    /// The sum over all shards, each for itself.
    pub(super) fn sum(&self, count: impl Fn(&V) -> usize) -> usize {
        self.shards.iter().map(|shard| count(&lock(shard))).sum()
    }
}
