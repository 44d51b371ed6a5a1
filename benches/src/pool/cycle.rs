//! What is counted of a pool, for the binaries that count.

use pulsebus::{Key, Pool};

use super::Words;

/// An object of 64 bytes.
pub type Object = Words<8>;

/// What a user's reset would do to it.
#[inline(always)]
pub fn reset(object: &mut Object) {
    *object = Object::default();
}

/// Puts an object under a key, and takes it back.
#[inline(always)]
pub fn insert_release(pool: &Pool<Object>) -> bool {
    let key = pool.insert(reset);
    pool.release(key)
}

/// Uses the object under a key.
#[inline(always)]
pub fn with(pool: &Pool<Object>, key: Key) -> Option<u64> {
    pool.with(key, |object| object.first())
}
