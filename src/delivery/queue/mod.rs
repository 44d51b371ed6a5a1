//! Queues between those who emit, several at a time, and one who receives.
//!
//! Both kinds are rings of cells, of which each has a word that says for which *position* it is, counted from the first event on, and
//! how far that has come. What is different is who may take events out:
//!
//! | | takes out | for |
//! | --- | --- | --- |
//! | [`line`] | the receiver only; a full line takes nothing in | `Block`, `DropNewest`, `Disconnect` |
//! | [`window`] | the receiver, and who finds it full: the newest events stay | `DropOldest`, `KeepLatest` |

pub(super) mod line;
pub(super) mod window;

use super::error::CapacityError;
use crate::sync::{AtomicU64, UnsafeCell};
use std::mem::MaybeUninit;

/// On a cache line of its own, and on its neighbour's, which processors fetch with it.
#[repr(align(128))]
pub(super) struct Apart<T>(pub(super) T);

/// Room for one event.
struct Cell<E> {
    /// What position it is for, and how far that has come: see the queues.
    word: AtomicU64,
    event: UnsafeCell<MaybeUninit<E>>,
}

impl<E> Cell<E> {
    fn new(word: u64) -> Self {
        Self { word: AtomicU64::new(word), event: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    /// # Safety
    /// The calling thread owns the cell's event, and there is none.
    #[inline(always)]
    unsafe fn write(&self, make: impl FnOnce() -> E) {
        // SAFETY: as demanded of the caller. (`make` may panic: then nothing was written.)
        self.event.with_mut(|place| unsafe { (*place).write(make()) });
    }

    /// # Safety
    /// The calling thread owns the cell's event, and there is one, which is its own from now on.
    #[inline(always)]
    unsafe fn read(&self) -> E {
        // SAFETY: as demanded of the caller. (Exclusive access, so that a model sees a second reader.)
        self.event.with_mut(|place| unsafe { (*place).assume_init_read() })
    }
}

/// The cells of a ring for `capacity` events: a power of two, so that a position's cell is found by masking.
fn cells<E>(capacity: usize, least: usize, word: impl Fn(u64) -> u64) -> Result<Box<[Cell<E>]>, CapacityError> {
    let most = most::<E>();
    if capacity == 0 {
        return Err(CapacityError::Zero);
    } else if capacity > most {
        return Err(CapacityError::TooLarge { asked: capacity, most });
    }
    let size = capacity.max(least).next_power_of_two();
    let mut cells = Vec::new();
    cells.try_reserve_exact(size).map_err(|_| CapacityError::NoMemory { asked: capacity })?;
    cells.extend((0..size as u64).map(|position| Cell::new(word(position))));
    Ok(cells.into_boxed_slice())
}

/// The largest capacity: a power of two.
fn most<E>() -> usize {
    let cells = isize::MAX as usize / size_of::<Cell<E>>();
    // The largest power of two that is not more.
    1 << cells.ilog2()
}

/// What a receiver finds.
pub(super) enum Popped {
    /// An event, which is there until it is taken.
    Event,
    /// So many events were lost at this place.
    Lost(u64),
    /// There is nothing at present.
    Nothing,
}
