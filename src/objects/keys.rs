//! The objects that a pool holds itself, under weak keys.

use super::cell::{Cell, Refusal, Removed, Use};
use super::core::Core;
use super::error::KeyError;
use super::node::{Header, Node};
use super::pooled::Pooled;
use crate::pool::{Immortal, Pool as Cells, Ticket};
use crate::world::world;
use std::fmt;
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

/// The weak handle of an object that its [`Pool`](crate::Pool) holds; from [`Pool::insert`](crate::Pool::insert).
///
/// It is a number, of sixteen bytes, and keeps nothing alive: when the object has been taken back, by whomever, the key stands
/// for nothing. It never stands for another object.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// Whose it is; no two pools of a process have the same.
    pool: u64,
    /// The cell's number in the directory.
    cell: u32,
    generation: u32,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}:{}:{})", self.pool, self.cell, self.generation)
    }
}

/// All cells of a pool. Immortal, and handed on to another pool when its own closes: no cell is ever freed.
pub(crate) struct Directory {
    cells: Cells<Cell>,
    ticket: Ticket,
}

// SAFETY: `ticket` serves nothing else.
unsafe impl Immortal for Directory {
    const SLAB: usize = 1;

    fn fresh() -> Self {
        Self { cells: Cells::new(), ticket: Ticket::new() }
    }

    fn ticket(&self) -> &Ticket {
        &self.ticket
    }
}

/// A pool's keys.
pub(super) struct Keys {
    /// Made for the first one.
    directory: OnceLock<&'static Directory>,
    count: AtomicUsize,
}

impl Keys {
    pub(super) fn new() -> Self {
        Self { directory: OnceLock::new(), count: AtomicUsize::new(0) }
    }

    /// How many objects are held.
    pub(super) fn count(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// Holds an object, which the caller owns.
    pub(super) fn insert(&self, pool: u64, node: NonNull<Header>) -> Key {
        let directory = *self.directory.get_or_init(|| world().keys.take());
        let cell = directory.cells.take();
        self.count.fetch_add(1, Relaxed);
        Key { pool, cell: cell.ticket().number(), generation: cell.fill(node) }
    }

    /// The cell of a key of this pool, of whatever generation.
    fn cell(&self, pool: u64, key: Key) -> Option<&'static Cell> {
        if key.pool != pool {
            return None;
        }
        self.directory.get()?.cells.get(key.cell)
    }

    /// Is there an object under the key?
    pub(super) fn holds(&self, pool: u64, key: Key) -> bool {
        self.cell(pool, key).is_some_and(|cell| cell.generation() == Some(key.generation))
    }

    /// Uses the object, alone.
    pub(super) fn begin(&self, pool: u64, key: Key) -> Result<Use<'static>, KeyError> {
        let cell = self.cell(pool, key).ok_or(KeyError::Stale)?;
        cell.begin(key.generation, holder()).map_err(|refusal| match refusal {
            Refusal::Gone => KeyError::Stale,
            Refusal::Yours => KeyError::InUse,
        })
    }

    /// Ends the use. The object is the caller's now if it was to be taken back meanwhile.
    pub(super) fn end(&self, pool: u64, key: Key, object: Use<'static>) -> Option<NonNull<Header>> {
        let node = object.end()?;
        self.vacate(self.cell(pool, key)?);
        Some(node)
    }

    /// Takes the object back. It is the caller's if nobody is using it; if somebody is, they return it.
    pub(super) fn remove(&self, pool: u64, key: Key) -> Removed {
        let Some(cell) = self.cell(pool, key) else { return Removed::Not };
        let removed = cell.remove(key.generation);
        if let Removed::Now(_) = removed {
            self.vacate(cell);
        }
        removed
    }

    fn vacate(&self, cell: &'static Cell) {
        self.count.fetch_sub(1, Relaxed);
        if let (Some(directory), false) = (self.directory.get(), cell.is_worn_out()) {
            directory.cells.put(cell);
        }
    }

    /// The keys of all objects, as they are come by.
    pub(super) fn all(&self, pool: u64) -> impl Iterator<Item = Key> + use<> {
        let cells = self.directory.get().copied().into_iter().flat_map(|directory| directory.cells.all_from(0));
        cells.filter_map(move |(number, cell)| Some(Key { pool, cell: number, generation: cell.generation()? }))
    }
}

impl Drop for Keys {
    /// The pool has closed, and has emptied all cells.
    fn drop(&mut self) {
        if let Some(directory) = self.directory.get() {
            world().keys.put(directory);
        }
    }
}

/// A number for the calling thread, to tell it from others.
fn holder() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    std::thread_local! {
        static HOLDER: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
    }
    HOLDER.with(|holder| {
        if holder.get() == 0 {
            // (It comes round after 2³⁰ threads. Two that run at the same time then take each other for themselves.)
            holder.set(NEXT.fetch_add(1, Relaxed));
        }
        holder.get()
    })
}

impl<T: Send + 'static> Core<T> {
    /// Runs `f` on the object, which nobody else uses meanwhile.
    pub(super) fn with<R>(&self, key: Key, f: impl FnOnce(&mut T) -> R) -> Result<R, KeyError> {
        /// Ends the use if `f` panics, too.
        struct End<'a, T: Send + 'static> {
            core: &'a Core<T>,
            key: Key,
            object: Option<Use<'static>>,
        }
        impl<T: Send + 'static> Drop for End<'_, T> {
            fn drop(&mut self) {
                let Self { core, key, object } = self;
                let node = object.take().and_then(|object| core.keys.end(core.serial, *key, object));
                // SAFETY: the cell's before, and nobody else's.
                drop(node.map(|node| unsafe { Pooled::<T>::new(node) }));
            }
        }
        let object = self.keys.begin(self.serial, key)?;
        // SAFETY: the key is of this pool, so that the node is one of its nodes.
        let value = unsafe { Node::<T>::value(object.node()) };
        let _end = End { core: self, key, object: Some(object) };
        // SAFETY: nobody else uses the object until `_end` goes.
        Ok(f(unsafe { &mut *value }))
    }

    /// Holds an object, which the caller owns, under a key.
    pub(super) fn keep(&self, node: NonNull<Header>) -> Key {
        let key = self.keys.insert(self.serial, node);
        // A closed pool keeps nothing.
        if self.stock.has_closed() {
            drop(self.remove(key));
        }
        key
    }

    /// Takes the object back, for the caller or, if somebody is using it, at the end of that.
    pub(super) fn remove(&self, key: Key) -> Option<Option<Pooled<T>>> {
        match self.keys.remove(self.serial, key) {
            // SAFETY: the cell's before, and nobody else's.
            Removed::Now(node) => Some(Some(unsafe { Pooled::new(node) })),
            Removed::Later => Some(None),
            Removed::Not => None,
        }
    }

    /// Takes all objects back that there are; how many. Those that are inserted meanwhile may stay.
    pub(super) fn remove_all(&self) -> usize {
        self.keys.all(self.serial).filter(|key| self.remove(*key).is_some()).count()
    }
}
