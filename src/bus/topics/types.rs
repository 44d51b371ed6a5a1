//! One topic per event type.
//!
//! There are as many as the program has event types, and none ever goes before the bus does. So nothing has to be protected
//! against being taken away, and no snapshot is needed: a look-up follows a fixed array of short chains, all of it made
//! once, with plain loads. (Through a snapshot it would run two more locked instructions than the two that a handle costs,
//! and 15 ns would not do.)

use super::topic::{Held, Shared, Topic};
use std::any::{Any, TypeId};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

/// So many chains: with a hundred event types, most are the first link of theirs.
const CHAINS: usize = 128;

/// A link of a chain, or the place for it.
type Link = OnceLock<Node>;

pub(super) struct Types {
    chains: [Link; CHAINS],
}

struct Node {
    /// An `Arc<Shared<E>>`, to be handed out to those who ask for the type,
    shared: Box<dyn Any + Send + Sync>,
    /// and the same, for those who do not know it.
    held: Arc<dyn Held>,
    next: Box<Link>,
}

impl Types {
    pub(super) const fn new() -> Self {
        Self { chains: [const { OnceLock::new() }; CHAINS] }
    }

    /// The topic of a type, made with `make` if there is none yet. Two threads that need the same new link make one between
    /// them; a look-up of what is made waits for nobody.
    #[inline]
    pub(super) fn get_or_make<E: 'static>(&self, make: impl Fn() -> Arc<Shared<E>>) -> Topic<E> {
        let chain = &self.chains[chain_of(TypeId::of::<E>())];
        match chain.get().and_then(Node::topic) {
            Some(topic) => topic,
            None => walk(chain, make),
        }
    }

    /// All that are made.
    pub(super) fn iter(&self) -> impl Iterator<Item = &dyn Held> {
        self.chains
            .iter()
            .flat_map(|chain| std::iter::successors(chain.get(), |node: &&Node| node.next.get()))
            .map(|node| &*node.held)
    }
}

/// The same, along the whole chain. Not inlined, so that the way to its first link saves no registers.
#[inline(never)]
fn walk<E: 'static>(mut link: &Link, make: impl Fn() -> Arc<Shared<E>>) -> Topic<E> {
    loop {
        let node = link.get_or_init(|| Node::new(make()));
        if let Some(topic) = node.topic() {
            return topic;
        }
        link = &node.next;
    }
}

impl Node {
    fn new<E: 'static>(shared: Arc<Shared<E>>) -> Self {
        Self { held: shared.clone(), shared: Box::new(shared), next: Box::default() }
    }

    /// A handle, if it is the topic of that type.
    #[inline]
    fn topic<E: 'static>(&self) -> Option<Topic<E>> {
        self.shared.downcast_ref().map(Topic::of_type)
    }
}

/// The chain of a type.
#[inline]
fn chain_of(event: TypeId) -> usize {
    let mut bits = OwnBits(0);
    event.hash(&mut bits);
    bits.finish() as usize % CHAINS
}

/// Takes the bits of a [`TypeId`] as they come: they are a hash already.
struct OwnBits(u64);

impl Hasher for OwnBits {
    #[inline]
    fn write_u64(&mut self, bits: u64) {
        self.0 ^= bits;
    }

    /// Not what a `TypeId` calls at present.
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Event<const N: usize>;

    /// Calls `f` with the chain of `Event<N>`, for N in bits.
    macro_rules! chains {
        ($($n:literal)*) => { [$(chain_of(TypeId::of::<Event<$n>>())),*] };
    }

    #[test]
    fn types_spread_over_the_chains() {
        let mut chains = chains!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
        chains.sort_unstable();
        let mut different = chains.to_vec();
        different.dedup();
        // At random, 30 of 32 are different.
        assert!(different.len() > 20, "{chains:?}");
    }
}
