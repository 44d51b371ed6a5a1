//! The topics by name.
//!
//! Looking up waits for nobody: it loads a snapshot (arc-swap) and looks into it. Making a topic must not copy the snapshot,
//! or the hundred-thousandth one would cost a millisecond. So the snapshot is a table with free places, each of which can be
//! filled once, in place; only a table that is full, or that holds topics which were collected, is replaced by a copy. A table
//! doubles, so a topic costs two copied places on average, whatever the number; and there are many shards, so that one
//! copy is of a 64th, and those who make topics seldom meet.
//!
//! Tables that were replaced are kept until no look-up uses them: otherwise the last of those would drop the table, the topics
//! in it, and what their slots have captured.

use super::pattern::Pattern;
use super::topic::{About, Held};
use crate::sync::diagnostic::{AtomicU64 as Count, Relaxed};
use crate::sync::lock;
use arc_swap::ArcSwap;
use hashbrown::DefaultHashBuilder;
use std::any::TypeId;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

const SHARD_BITS: u32 = 6;

/// The named topics.
pub(super) struct Names {
    shards: Box<[Shard]>,
    hasher: DefaultHashBuilder,
    /// Topics in all tables.
    len: Count,
}

/// What a look-up comes to: a topic, one handle of which was counted for the caller; nothing; or a topic of another type.
pub(super) type Found = Result<Option<Arc<dyn Held>>, IsOf>;

/// There is a topic of that name, with events of that type.
pub(super) struct IsOf(pub(super) &'static str);

impl Names {
    pub(super) fn new() -> Self {
        let empty = Arc::new(Table::with_room_for(0));
        let shard = |_| Shard { table: ArcSwap::new(Arc::clone(&empty)), writer: Mutex::default() };
        Self {
            shards: (0..1 << SHARD_BITS).map(shard).collect(),
            hasher: DefaultHashBuilder::default(),
            len: Count::new(0),
        }
    }

    /// The topic of that name, if there is one and its events are of that type. Wait-free, unless a collection is looking at
    /// this very topic, which nobody holds and nothing is connected to.
    pub(super) fn find(&self, name: &str, event: TypeId) -> Found {
        let (shard, hash) = self.locate(name);
        {
            let table = shard.table.load();
            let Some((held, about)) = table.get(hash, name) else { return Ok(None) };
            check_type(about, event)?;
            if about.handles.acquire() {
                return Ok(Some(Arc::clone(held)));
            }
        }
        let _writer = shard.lock();
        shard.find_locked(hash, name, event)
    }

    /// The same; and if there is none, what `make` makes with one handle. Says whether it was made.
    pub(super) fn find_or_make(
        &self,
        name: &str,
        event: TypeId,
        make: impl FnOnce() -> Arc<dyn Held>,
    ) -> Result<(Arc<dyn Held>, bool), IsOf> {
        let (shard, hash) = self.locate(name);
        let mut writer = shard.lock();
        if let Some(held) = shard.find_locked(hash, name, event)? {
            return Ok((held, false));
        }
        let held = make();
        shard.insert(&mut writer, Place { hash, held: Arc::clone(&held) });
        self.len.fetch_add(1, Relaxed);
        let unused = writer.take_unused();
        drop(writer);
        drop(unused);
        Ok((held, true))
    }

    /// A handle to each topic of that type that the pattern matches. Takes the locks, so that for each topic either it is
    /// found, or its maker, who takes the lock later, sees all that was done before this call.
    pub(super) fn matching(&self, pattern: &Pattern, event: TypeId) -> Vec<Arc<dyn Held>> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let _writer = shard.lock();
            let table = shard.table.load();
            for Place { held, .. } in table.places() {
                let about = held.about();
                if about.event.id == event && about.name().is_some_and(|name| pattern.matches(name)) {
                    // Open, since we have the lock.
                    about.handles.add();
                    found.push(Arc::clone(held));
                }
            }
        }
        found
    }

    /// Shows each topic to `f`, under no lock.
    pub(super) fn for_each(&self, mut f: impl FnMut(&dyn Held)) {
        for shard in &self.shards {
            let table = shard.table.load_full();
            table.places().for_each(|place| f(&*place.held));
        }
    }

    /// Takes those out that nobody holds, and that only patterns are connected to; how many. Drops them, under no lock.
    pub(super) fn collect(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| {
                let (removed, unused) = shard.collect();
                self.len.fetch_sub(removed as u64, Relaxed);
                drop(unused);
                removed
            })
            .sum()
    }

    pub(super) fn len(&self) -> usize {
        self.len.load(Relaxed) as usize
    }

    /// Places of all tables, those that are kept for look-ups included.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        let of = |shard: &Shard| {
            let writer = shard.lock();
            shard.table.load().places.len() + writer.replaced.iter().map(|table| table.places.len()).sum::<usize>()
        };
        self.shards.iter().map(of).sum()
    }

    fn locate(&self, name: &str) -> (&Shard, u64) {
        let hash = self.hasher.hash_one(name);
        // The upper bits, since the lower ones tell the place in the table.
        (&self.shards[(hash >> (u64::BITS - SHARD_BITS)) as usize], hash)
    }
}

/// A part of the names, by hash.
#[repr(align(64))]
struct Shard {
    table: ArcSwap<Table>,
    /// Locked by those who change the table. No user code runs under it.
    writer: Mutex<Writer>,
}

#[derive(Default)]
struct Writer {
    /// Places of the table that are taken.
    taken: usize,
    /// Tables that were replaced, and that look-ups may be using still.
    replaced: Vec<Arc<Table>>,
}

impl Writer {
    /// The tables that nobody uses any more, to be dropped when the lock is released. (Nobody can start using them.)
    #[must_use]
    fn take_unused(&mut self) -> Vec<Arc<Table>> {
        // (The empty one is shared by all shards; dropping it is nothing, whoever does.)
        let is_unused = |table: &Arc<Table>| Arc::strong_count(table) == 1 || table.places.is_empty();
        let (unused, used) = std::mem::take(&mut self.replaced).into_iter().partition(is_unused);
        self.replaced = used;
        unused
    }
}

impl Shard {
    fn lock(&self) -> MutexGuard<'_, Writer> {
        lock(&self.writer)
    }

    /// The caller has the lock: what is in the table is open.
    fn find_locked(&self, hash: u64, name: &str, event: TypeId) -> Found {
        let table = self.table.load();
        let Some((held, about)) = table.get(hash, name) else { return Ok(None) };
        check_type(about, event)?;
        about.handles.add();
        Ok(Some(Arc::clone(held)))
    }

    fn insert(&self, writer: &mut Writer, place: Place) {
        let larger = {
            let table = self.table.load();
            writer.taken += 1;
            if table.has_room_for(writer.taken) {
                table.put(place);
                return;
            }
            let larger = Table::with_room_for(writer.taken);
            table.places().for_each(|place| larger.put(place.clone()));
            larger.put(place);
            larger
        };
        self.replace(writer, larger);
    }

    fn replace(&self, writer: &mut Writer, table: Table) {
        writer.replaced.push(self.table.swap(Arc::new(table)));
    }

    /// How many topics were taken out, and what is to be dropped now that the lock is released.
    fn collect(&self) -> (usize, Vec<Arc<Table>>) {
        let mut writer = self.lock();
        let removed = self.table.load().places().filter(|place| close_if_idle(&*place.held)).count();
        if removed > 0 {
            writer.taken -= removed;
            let smaller = Table::with_room_for(writer.taken);
            let kept = |place: &&Place| !place.held.about().handles.is_closed();
            self.table.load().places().filter(kept).for_each(|place| smaller.put(place.clone()));
            self.replace(&mut writer, smaller);
        }
        (removed, writer.take_unused())
    }
}

fn check_type(about: &About, event: TypeId) -> Result<(), IsOf> {
    if about.event.id == event { Ok(()) } else { Err(IsOf(about.event.name)) }
}

/// Closes the topic for good if it can be collected. The caller has the lock.
fn close_if_idle(held: &dyn Held) -> bool {
    let handles = &held.about().handles;
    // Looked at before as well, so that what is in use stays open, and look-ups of it wait-free.
    if !held.is_idle() || !handles.try_close() {
        return false;
    }
    // Now nobody can connect. Somebody may have between the look and the closing, and let go of the handle.
    let idle = held.is_idle();
    if !idle {
        handles.reopen();
    }
    idle
}

/// A hash table with linear probing, at most three quarters full, whose places are filled once and never emptied.
struct Table {
    /// As many as a power of two, or none.
    places: Box<[OnceLock<Place>]>,
}

#[derive(Clone)]
struct Place {
    hash: u64,
    held: Arc<dyn Held>,
}

impl Table {
    fn with_room_for(topics: usize) -> Self {
        let places = if topics == 0 { 0 } else { (topics * 4).div_ceil(3).next_power_of_two() };
        Self { places: (0..places).map(|_| OnceLock::new()).collect() }
    }

    fn has_room_for(&self, topics: usize) -> bool {
        topics * 4 <= self.places.len() * 3
    }

    fn get(&self, hash: u64, name: &str) -> Option<(&Arc<dyn Held>, &About)> {
        let mask = self.places.len().wrapping_sub(1);
        let mut at = hash as usize;
        loop {
            // Absent if there are no places at all, or at the first free one, of which there is always one.
            let place = self.places.get(at & mask)?.get()?;
            if place.hash == hash {
                let about = place.held.about();
                if about.name() == Some(name) {
                    return Some((&place.held, about));
                }
            }
            at = at.wrapping_add(1);
        }
    }

    /// Fills a free place, of which there must be one. Only for the holder of the lock, or the maker of the table.
    fn put(&self, mut place: Place) {
        let mask = self.places.len() - 1;
        let mut at = place.hash as usize;
        while let Err(back) = self.places[at & mask].set(place) {
            place = back;
            at = at.wrapping_add(1);
        }
    }

    fn places(&self) -> impl Iterator<Item = &Place> {
        self.places.iter().filter_map(OnceLock::get)
    }
}
