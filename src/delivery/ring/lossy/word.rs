//! The word of a cell: which round it is in, where its event is, and how many are reading it.

/// `round 26 │ busy 1 │ node 23 │ readers 14`.
///
/// The round tells newer from older well enough for who passes by. Whoever must be certain looks at the position that is kept
/// with the event, or at the tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(u64);

const READERS_BITS: u32 = 14;
const NODE_BITS: u32 = 23;
const NODE_SHIFT: u32 = READERS_BITS;
const BUSY: u64 = 1 << (NODE_SHIFT + NODE_BITS);
const ROUND_SHIFT: u32 = NODE_SHIFT + NODE_BITS + 1;
const READERS_MASK: u64 = (1 << READERS_BITS) - 1;
const NODE_MASK: u64 = (1 << NODE_BITS) - 1;
const ROUND_MASK: u64 = (1 << (64 - ROUND_SHIFT)) - 1;

/// So many may read one cell at the same time.
pub(in crate::delivery::ring) const MAX_READERS: u32 = READERS_MASK as u32;
/// So many nodes can be told apart.
pub(super) const MAX_NODES: u32 = 1 << NODE_BITS;

impl Word {
    /// Nobody inside. Of the round, only the lower bits are kept.
    pub(super) fn new(round: u64, node: u32) -> Self {
        Self((round & ROUND_MASK) << ROUND_SHIFT | u64::from(node) << NODE_SHIFT)
    }

    pub(super) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    pub(super) fn node(self) -> u32 {
        (self.0 >> NODE_SHIFT & NODE_MASK) as u32
    }

    pub(super) fn readers(self) -> u32 {
        (self.0 & READERS_MASK) as u32
    }

    /// Is a publisher writing into its node?
    pub(super) fn is_busy(self) -> bool {
        self.0 & BUSY != 0
    }

    /// Is it in that round, as far as one can tell?
    pub(super) fn is_of(self, round: u64) -> bool {
        self.0 >> ROUND_SHIFT == round & ROUND_MASK
    }

    /// A publisher writes into the node, in that round. Only if nobody is inside.
    pub(super) fn busy(self, round: u64) -> Self {
        debug_assert!(self.readers() == 0 && !self.is_busy());
        Self(Self::new(round, self.node()).0 | BUSY)
    }

    /// The publisher has written.
    pub(super) fn ready(self) -> Self {
        debug_assert!(self.is_busy());
        Self(self.0 & !BUSY)
    }

    /// One more reader inside. (There are not more readers than fit: [`MAX_READERS`].)
    pub(super) fn entered(self) -> Self {
        debug_assert!(self.readers() < MAX_READERS && !self.is_busy());
        Self(self.0 + 1)
    }

    /// One reader less inside.
    pub(super) fn left(self) -> Self {
        debug_assert!(self.readers() > 0);
        Self(self.0 - 1)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_word_do_not_touch() {
        let word = Word::new(u64::MAX, MAX_NODES - 1);
        assert!(word.is_of(u64::MAX) && !word.is_of(0) && word.is_of(ROUND_MASK));
        assert_eq!((word.node(), word.readers(), word.is_busy()), (MAX_NODES - 1, 0, false));
        let full = (0..MAX_READERS).fold(word, |word, _| word.entered());
        assert_eq!((full.node(), full.readers(), full.is_busy()), (MAX_NODES - 1, MAX_READERS, false));
        assert!(full.is_of(u64::MAX));
        assert_eq!((0..MAX_READERS).fold(full, |word, _| word.left()), word);
        let busy = Word::new(5, 0).busy(6);
        assert!(busy.is_busy() && busy.is_of(6) && busy.node() == 0);
        assert_eq!(busy.ready(), Word::new(6, 0));
        assert_eq!(Word::from_bits(busy.bits()), busy);
    }
}
