//! Kinds by number, so that a record has room for one.

use super::groups::Groups;
use crate::bus::key::{Kind, Name};

/// A kind of this registry, as long as there are records of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::bus) enum KindNumber {
    BuiltIn(u8),
    Custom(u32),
}

/// How many records there are of each kind.
pub(super) struct Kinds {
    built_in: [usize; Kind::BUILT_IN.len()],
    custom: Groups<Name>,
}

impl Kinds {
    pub(super) fn new() -> Self {
        Self { built_in: [0; Kind::BUILT_IN.len()], custom: Groups::new() }
    }

    pub(super) fn find(&self, kind: &Kind) -> Option<KindNumber> {
        match kind {
            Kind::Custom(name) => self.custom.find(name).map(KindNumber::Custom),
            _ => kind.built_in().map(|at| KindNumber::BuiltIn(at as u8)),
        }
    }

    /// Counts one more record of a kind.
    #[inline]
    pub(super) fn enter(&mut self, kind: &Kind) -> KindNumber {
        match (kind, kind.built_in()) {
            (_, Some(at)) => {
                self.built_in[at] += 1;
                KindNumber::BuiltIn(at as u8)
            }
            (Kind::Custom(name), None) => KindNumber::Custom(self.custom.enter(name)),
            _ => unreachable!("what is not built in is custom"),
        }
    }

    /// Counts one record less.
    #[inline]
    pub(super) fn leave(&mut self, number: KindNumber) {
        match number {
            KindNumber::BuiltIn(at) => self.built_in[usize::from(at)] -= 1,
            KindNumber::Custom(index) => drop(self.custom.leave(index)),
        }
    }

    pub(super) fn get(&self, number: KindNumber) -> Kind {
        // Looked into, where the constant would be made, and dropped, each time.
        static BUILT_IN: [Kind; Kind::BUILT_IN.len()] = Kind::BUILT_IN;
        match number {
            KindNumber::BuiltIn(at) => BUILT_IN[usize::from(at)].clone(),
            KindNumber::Custom(index) => Kind::Custom(self.custom.key(index).expect("counted").clone()),
        }
    }

    /// Those that there are records of.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Kind, usize)> {
        let built_in = Kind::BUILT_IN.into_iter().zip(self.built_in).filter(|(_, count)| *count > 0);
        built_in.chain(self.custom.iter().map(|(name, live, _)| (Kind::Custom(name.clone()), live)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_counted_as_long_as_there_are_records_of_it() {
        let mut kinds = Kinds::new();
        let (timer, spell) = (kinds.enter(&Kind::Timer), kinds.enter(&Kind::custom("spell")));
        assert_eq!((kinds.enter(&Kind::custom("spell")), kinds.find(&Kind::Timer)), (spell, Some(timer)));
        assert_eq!(kinds.iter().collect::<Vec<_>>(), [(Kind::Timer, 1), (Kind::custom("spell"), 2)]);
        assert_eq!((kinds.get(timer), kinds.get(spell)), (Kind::Timer, Kind::custom("spell")));
        for number in [timer, spell, spell] {
            kinds.leave(number);
        }
        assert_eq!((kinds.iter().count(), kinds.find(&Kind::custom("spell"))), (0, None));
    }
}
