//! Kinds by number, so that a record has room for one.

use crate::bus::key::Kind;

/// A kind of this registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::bus) struct KindNumber(u32);

/// How many records there are of each kind. Kinds of the user's own are never forgotten.
pub(super) struct Kinds {
    /// Those that are built in first, in their order.
    kinds: Vec<(Kind, usize)>,
}

impl Kinds {
    pub(super) fn new() -> Self {
        Self { kinds: Kind::BUILT_IN.into_iter().map(|kind| (kind, 0)).collect() }
    }

    #[inline]
    pub(super) fn find(&self, kind: &Kind) -> Option<KindNumber> {
        let at = match kind.built_in() {
            Some(at) => at,
            // There are a few, and what is used most comes early.
            None => self.kinds.iter().position(|(known, _)| known == kind)?,
        };
        Some(KindNumber(at as u32))
    }

    /// Counts one more record of a kind.
    #[inline]
    pub(super) fn enter(&mut self, kind: &Kind) -> KindNumber {
        let number = self.find(kind).unwrap_or_else(|| {
            self.kinds.push((kind.clone(), 0));
            KindNumber(self.kinds.len() as u32 - 1)
        });
        self.kinds[number.0 as usize].1 += 1;
        number
    }

    /// Counts one record less.
    #[inline]
    pub(super) fn leave(&mut self, number: KindNumber) {
        self.kinds[number.0 as usize].1 -= 1;
    }

    pub(super) fn get(&self, number: KindNumber) -> &Kind {
        &self.kinds[number.0 as usize].0
    }

    /// Those that there are records of.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Kind, usize)> {
        self.kinds.iter().filter(|(_, count)| *count > 0).map(|(kind, count)| (kind, *count))
    }
}
