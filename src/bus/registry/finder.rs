//! Records by their connections: a table that is only filled when somebody asks.

use super::record::Record;
use super::slab::{Id, Slab};
use super::table::make_room;
use crate::connection::Connection;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// Most servers never ask which record a connection has, so a record is only noted when it is made, and put into the table
/// with the others by the next one who asks.
pub(super) struct Finder {
    /// Numbers of records.
    table: HashTable<u32>,
    /// Records that are not in the table yet, with some that have gone.
    noted: Vec<Id>,
    hasher: DefaultHashBuilder,
}

/// Fewer are not worth sifting.
const FEW: usize = 1024;

impl Finder {
    pub(super) fn new() -> Self {
        Self { table: HashTable::new(), noted: Vec::new(), hasher: DefaultHashBuilder::default() }
    }

    /// A record was made.
    #[inline]
    pub(super) fn note(&mut self, id: Id, records: &Slab<Record>) {
        // Half of them have gone by then.
        if self.noted.len() >= (records.len() * 2).max(FEW) {
            self.noted.retain(|id| records.contains(*id));
        }
        self.noted.push(id);
    }

    /// The record of a connection.
    pub(super) fn find(&mut self, connection: &Connection, records: &mut Slab<Record>) -> Option<Id> {
        for id in self.noted.drain(..) {
            let Some(record) = records.get_mut(id) else { continue };
            record.is_listed = true;
            let hash = self.hasher.hash_one(record.connection);
            let hash_at = |index: &u32| hash_of(&self.hasher, records, *index);
            make_room(&mut self.table, hash_at);
            self.table.insert_unique(hash, id.index(), hash_at);
        }
        let is_it = |index: &u32| records.at(*index).is_some_and(|(_, record)| record.connection == *connection);
        let index = self.table.find(self.hasher.hash_one(connection), is_it)?;
        Some(records.at(*index)?.0)
    }

    /// A record was removed.
    #[inline]
    pub(super) fn forget(&mut self, id: Id, record: &Record) {
        if record.is_listed {
            let hash = self.hasher.hash_one(record.connection);
            if let Ok(place) = self.table.find_entry(hash, |index| *index == id.index()) {
                place.remove();
            }
        }
    }
}

fn hash_of(hasher: &DefaultHashBuilder, records: &Slab<Record>, index: u32) -> u64 {
    hasher.hash_one(records.at(index).expect("what is listed is there").1.connection)
}
