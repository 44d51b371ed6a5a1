//! The word that says what a slot is: the one truth about it.

use super::chunk::CHUNK_SLOTS;

const PHASE_BITS: u32 = 3;
const INDEX_BITS: u32 = CHUNK_SLOTS.trailing_zeros();
const INDEX_SHIFT: u32 = PHASE_BITS;
const GENERATION_SHIFT: u32 = INDEX_SHIFT + INDEX_BITS;

const _: () = assert!(CHUNK_SLOTS.is_power_of_two());

const PHASE_MASK: u64 = (1 << PHASE_BITS) - 1;
const VACANT: u64 = 0b000;
/// The only phase with the lowest bit set: one bit tells an emission whether to call without another look.
const LIVE: u64 = 0b001;
const DEAD: u64 = 0b010;
/// Live, and has been blocked at least once: whether to call is what its count of blocks says.
const GATED: u64 = 0b100;

/// ```text
///  63                8 7     3 2   0
/// ┌───────────────────┬───────┬─────┐
/// │ generation        │ index │phase│
/// └───────────────────┴───────┴─────┘
/// ```
/// The generation moves each time the chunk is used again, so a handle's tag never fits a later occupant: with 56 bits
/// it does not come round. The index is the slot's own, so that a handle needs no more than the chunk and the tag.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Tag(u64);

impl Tag {
    /// The tag of slot `index` before its first use.
    pub(super) const fn first(index: usize) -> Self {
        Self((index as u64) << INDEX_SHIFT | VACANT)
    }

    #[inline(always)]
    pub(super) const fn from_word(word: u64) -> Self {
        Self(word)
    }

    #[inline(always)]
    pub(super) const fn word(self) -> u64 {
        self.0
    }

    pub(crate) const fn index(self) -> usize {
        (self.0 >> INDEX_SHIFT) as usize % CHUNK_SLOTS
    }

    pub(crate) const fn generation(self) -> u64 {
        self.0 >> GENERATION_SHIFT
    }

    /// Is it connected, and was never blocked?
    #[inline(always)]
    pub(super) const fn is_open(self) -> bool {
        self.0 & LIVE != 0
    }

    /// Is it connected, and was blocked at least once?
    #[inline(always)]
    pub(super) const fn is_gated(self) -> bool {
        self.0 & GATED != 0
    }

    /// Is it connected?
    #[inline(always)]
    pub(crate) const fn is_live(self) -> bool {
        self.0 & (LIVE | GATED) != 0
    }

    pub(super) const fn is_dead(self) -> bool {
        self.0 & PHASE_MASK == DEAD
    }

    /// vacant → live: a connection is published. Of any phase, the tag that handles have.
    pub(super) const fn live(self) -> Self {
        Self(self.0 & !PHASE_MASK | LIVE)
    }

    /// live → gated: a connection is blocked for the first time.
    pub(super) const fn gated(self) -> Self {
        Self(self.0 & !PHASE_MASK | GATED)
    }

    /// live or gated → dead: a connection ends.
    pub(super) const fn dead(self) -> Self {
        Self(self.0 & !PHASE_MASK | DEAD)
    }

    /// dead or vacant → vacant, one generation on: the chunk is used again.
    pub(super) const fn next_generation(self) -> Self {
        Self((self.0 & !PHASE_MASK | VACANT).wrapping_add(1 << GENERATION_SHIFT))
    }
}

impl std::fmt::Debug for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let phase = match self.0 & PHASE_MASK {
            VACANT => "vacant",
            LIVE => "live",
            GATED => "gated",
            _ => "dead",
        };
        write!(f, "{phase} #{} generation {}", self.index(), self.generation())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_tag_keeps_its_index_through_all_phases_and_generations() {
        for index in 0..CHUNK_SLOTS {
            let mut tag = Tag::first(index);
            for generation in 0..3 {
                for phase in [tag, tag.live(), tag.live().gated(), tag.live().dead()] {
                    assert_eq!((phase.index(), phase.generation()), (index, generation));
                }
                assert!(!tag.is_live() && !tag.is_dead());
                assert!(tag.live().is_live() && tag.live().is_open() && !tag.live().is_dead());
                assert!(tag.live().gated().is_live() && !tag.live().gated().is_open());
                assert_eq!(tag.live().gated().live(), tag.live());
                assert!(tag.live().dead().is_dead() && !tag.live().dead().is_live());
                tag = tag.live().dead().next_generation();
            }
        }
    }
}
