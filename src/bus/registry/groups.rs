//! Groups of records by one key: all owners, say. A group is there as long as one of its records is.

use super::ScopeKey;
use super::slab::Id;
use super::table::make_room;
use crate::bus::key::{Name, Owner};
use hashbrown::{DefaultHashBuilder, HashTable, hash_table::Entry as Place};
use std::hash::{BuildHasher, Hash};

pub(super) struct Groups<K> {
    /// Indices into `groups`, by key.
    table: HashTable<u32>,
    groups: Vec<Group<K>>,
    free: Vec<u32>,
    /// Members that large free groups have room for.
    spare: usize,
    hasher: DefaultHashBuilder,
    /// By the hints of keys, the groups that were entered last: connections of the same owners and tags come in bursts.
    near: [u32; NEAR],
}

pub(super) struct Group<K> {
    /// `None` while it is free.
    key: Option<K>,
    live: usize,
    made: u64,
    /// Its records, in the order in which they came, with some that have gone.
    members: Vec<Id>,
    /// Not swept for a limit before there are so many records.
    pub(super) next_sweep: usize,
    /// Up to where a search for those that have ended has come.
    looked: usize,
}

/// A key that says at next to no cost where to look first.
pub(super) trait Hint {
    /// Equal keys may have different hints; and different ones the same.
    fn hint(&self) -> usize;
}

impl Hint for Owner {
    #[inline]
    fn hint(&self) -> usize {
        Owner::hint(self)
    }
}

impl Hint for Name {
    #[inline]
    fn hint(&self) -> usize {
        Name::hint(self)
    }
}

impl Hint for ScopeKey {
    #[inline]
    fn hint(&self) -> usize {
        self.0.hint() ^ self.1.hint()
    }
}

const NEAR: usize = 64;
/// Fewer members are not worth sifting.
const FEW: usize = 16;
/// Room for so many members is kept for the next group, so that one which comes and goes needs no heap.
const KEPT: usize = 64;
/// Larger groups keep theirs up to so many in all: half a megabyte.
const SPARE: usize = 1 << 16;

impl<K: Hash + Eq + Clone + Hint> Groups<K> {
    pub(super) fn new() -> Self {
        let hasher = DefaultHashBuilder::default();
        Self { table: HashTable::new(), groups: Vec::new(), free: Vec::new(), spare: 0, hasher, near: [0; NEAR] }
    }

    pub(super) fn find(&self, key: &K) -> Option<u32> {
        let hash = self.hasher.hash_one(key);
        self.table.find(hash, |index| self.groups[*index as usize].key.as_ref() == Some(key)).copied()
    }

    /// Counts one more record for a key; its group.
    #[inline]
    pub(super) fn enter(&mut self, key: &K) -> u32 {
        let near = key.hint() % NEAR;
        let index = self.near[near];
        if let Some(group) = self.groups.get_mut(index as usize).filter(|group| group.key.as_ref() == Some(key)) {
            group.live += 1;
            return index;
        }
        self.near[near] = self.enter_by_hash(key);
        self.near[near]
    }

    #[inline(never)]
    fn enter_by_hash(&mut self, key: &K) -> u32 {
        let hash = self.hasher.hash_one(key);
        let Self { table, groups, free, spare, hasher, .. } = self;
        let of = |index: &u32| groups[*index as usize].key.as_ref().expect("what is in the table has a key");
        make_room(table, |index| hasher.hash_one(of(index)));
        match table.entry(hash, |index| of(index) == key, |index| hasher.hash_one(of(index))) {
            Place::Occupied(place) => {
                let index = *place.get();
                groups[index as usize].live += 1;
                index
            }
            Place::Vacant(place) => {
                let index = free.pop().unwrap_or(groups.len() as u32);
                place.insert(index);
                let key = Some(key.clone());
                match groups.get_mut(index as usize) {
                    Some(group) => {
                        *spare -= group.room_beyond_kept();
                        (group.key, group.live, group.made, group.next_sweep) = (key, 1, 0, 0);
                    }
                    None => {
                        groups.push(Group {
                            key,
                            live: 1,
                            made: 0,
                            members: Vec::with_capacity(KEPT / 2),
                            next_sweep: 0,
                            looked: 0,
                        });
                    }
                }
                index
            }
        }
    }

    /// Puts a record that was counted by [`enter`](Self::enter) among the members.
    #[inline]
    pub(super) fn add(&mut self, index: u32, id: Id, is_there: impl Fn(Id) -> bool) {
        let group = self.get_mut(index);
        group.made += 1;
        // Half of them have gone by then.
        if group.members.len() >= (group.live * 2).max(FEW) {
            group.members.retain(|id| is_there(*id));
        }
        group.members.push(id);
    }

    /// Counts one record less. The key, if that was the last one: to be dropped outside of all locks.
    #[inline]
    pub(super) fn leave(&mut self, index: u32) -> Option<K> {
        let group = &mut self.groups[index as usize];
        group.live -= 1;
        if group.live > 0 {
            return None;
        }
        let key = group.key.take()?;
        group.members.clear();
        if self.spare + group.room_beyond_kept() > SPARE {
            group.members.shrink_to(KEPT);
        }
        self.spare += group.room_beyond_kept();
        let hash = self.hasher.hash_one(&key);
        if let Ok(place) = self.table.find_entry(hash, |found| *found == index) {
            place.remove();
        }
        self.free.push(index);
        Some(key)
    }

    pub(super) fn live(&self, index: u32) -> usize {
        self.groups[index as usize].live
    }

    pub(super) fn get_mut(&mut self, index: u32) -> &mut Group<K> {
        &mut self.groups[index as usize]
    }

    pub(super) fn key(&self, index: u32) -> Option<&K> {
        self.groups.get(index as usize)?.key.as_ref()
    }

    /// The members, and with which to begin if `count` of them are looked at: those after the ones of the last time.
    pub(super) fn next_members(&mut self, index: u32, count: usize) -> (&[Id], usize) {
        let group = &mut self.groups[index as usize];
        let start = if group.looked < group.members.len() { group.looked } else { 0 };
        group.looked = start + count;
        (&group.members, start)
    }

    /// The records of a group, oldest first, with some that have gone.
    pub(super) fn members(&self, index: u32) -> &[Id] {
        &self.groups[index as usize].members
    }

    /// Each key with how many records it has, and had.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, usize, u64)> {
        self.groups.iter().filter_map(|group| Some((group.key.as_ref()?, group.live, group.made)))
    }
}

impl<K> Group<K> {
    fn room_beyond_kept(&self) -> usize {
        self.members.capacity().saturating_sub(KEPT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Hint for usize {
        fn hint(&self) -> usize {
            *self
        }
    }

    fn id(n: u64) -> Id {
        Id::from_number(n)
    }

    #[test]
    fn a_group_is_there_as_long_as_one_of_its_records() {
        let mut groups = Groups::new();
        let a = groups.enter(&1);
        assert_eq!(groups.enter(&1), a);
        assert_eq!((groups.live(a), groups.find(&1)), (2, Some(a)));
        assert_eq!(groups.leave(a), None);
        assert_eq!(groups.leave(a), Some(1));
        assert_eq!((groups.find(&1), groups.key(a)), (None, None));
        assert_eq!(groups.enter(&2), a, "its place is used again");
    }

    #[test]
    fn keys_with_the_same_hint_have_groups_of_their_own() {
        let mut groups = Groups::new();
        let keys = [1, 1 + NEAR, 1 + 2 * NEAR];
        let indices = keys.map(|key| groups.enter(&key));
        for _ in 0..3 {
            assert_eq!(keys.map(|key| groups.enter(&key)), indices);
        }
        assert_eq!(indices.map(|index| groups.live(index)), [4; 3]);
    }

    #[test]
    fn a_million_keys_one_after_the_other_need_one_place() {
        let mut groups = Groups::new();
        for key in 0..1_000_000 {
            let index = groups.enter(&key);
            groups.add(index, id(key as u64), |_| true);
            groups.leave(index);
        }
        assert_eq!((groups.groups.len(), groups.table.len()), (1, 0));
        assert!(groups.table.capacity() < 64);
    }

    #[test]
    fn a_large_group_that_comes_again_has_its_room_until_there_is_too_much() {
        let mut groups = Groups::new();
        let fill = |groups: &mut Groups<usize>, key: usize, members: usize| {
            (0..members).for_each(|n| {
                let index = groups.enter(&key);
                groups.add(index, id(n as u64), |_| true);
            });
            groups.find(&key).unwrap()
        };
        let empty = |groups: &mut Groups<usize>, index: u32| while groups.leave(index).is_none() {};
        let first = fill(&mut groups, 1, 1_000);
        let room = groups.groups[first as usize].members.capacity();
        empty(&mut groups, first);
        assert_eq!(groups.spare, room - KEPT);
        let again = fill(&mut groups, 2, 1_000);
        assert_eq!((again, groups.groups[again as usize].members.capacity(), groups.spare), (first, room, 0));

        let many: Vec<u32> = (3..203).map(|key| fill(&mut groups, key, 1_000)).collect();
        many.into_iter().for_each(|index| empty(&mut groups, index));
        let kept: usize = groups.groups.iter().filter(|group| group.key.is_none()).map(Group::room_beyond_kept).sum();
        assert!(kept == groups.spare && (SPARE / 2..=SPARE).contains(&kept), "{kept}, {}", groups.spare);
    }

    #[test]
    fn members_that_have_gone_are_sifted_out_before_they_outnumber_the_others() {
        let mut groups = Groups::new();
        let stays = |id: Id| id.number() % 10 == 0;
        let group = groups.enter(&7);
        for n in 0..10_000 {
            groups.enter(&7);
            groups.add(group, id(n), stays);
            if !stays(id(n)) {
                groups.leave(group);
            }
        }
        assert!(groups.members(group).len() <= 2_100, "{}", groups.members(group).len());
    }
}
