//! The calling thread's magazines, by the number of the pool.

use super::magazine::Magazine;
use super::stock::{Home, Stock};
use std::cell::{Cell, RefCell};
use std::ptr::{self, NonNull};
use std::sync::{Arc, Weak};

/// What a thread knows of its magazines. It has no destructor, so it can be used for as long as the thread lives.
struct Local {
    /// The first of [`Table::pointers`], or null.
    magazines: Cell<*const *const Magazine>,
    /// How many of them there are.
    len: Cell<u32>,
}

/// The same with what keeps them, and gives them back when the thread ends.
struct Table {
    entries: RefCell<Vec<Option<Entry>>>,
    /// Null where there is none.
    pointers: RefCell<Vec<*const Magazine>>,
}

struct Entry {
    magazine: Arc<Magazine>,
    home: Weak<dyn Home>,
}

thread_local! {
    static LOCAL: Local = const { Local { magazines: Cell::new(ptr::null()), len: Cell::new(0) } };
    static TABLE: Table =
        const { Table { entries: RefCell::new(Vec::new()), pointers: RefCell::new(Vec::new()) } };
}

/// The calling thread's magazine for the pool of that number, or for one that had the number before and has been closed; or
/// null. Good for as long as the thread runs nothing else.
#[inline(always)]
pub(super) fn find(pool: u32) -> *const Magazine {
    LOCAL.with(|local| {
        if pool < local.len.get() {
            // SAFETY: below the length of the vector that `LOCAL` shows; `show` is called whenever it changes.
            unsafe { *local.magazines.get().add(pool as usize) }
        } else {
            ptr::null()
        }
    })
}

/// The same, made if there is none for this pool. `None` if the thread is ending and keeps nothing any more.
pub(super) fn find_or_make(pool: u32, home: &Weak<dyn Home>, stock: &Stock) -> Option<NonNull<Magazine>> {
    let found = TABLE.try_with(|table| {
        let entries = table.entries.borrow();
        let entry = entries.get(pool as usize)?.as_ref()?;
        ptr::addr_eq(entry.home.as_ptr(), home.as_ptr()).then(|| NonNull::from(&*entry.magazine))
    });
    let Ok(found) = found else { return None };
    found.or_else(|| {
        let magazine = stock.new_magazine();
        let found = NonNull::from(&*magazine);
        TABLE.with(|table| table.enter(pool, Entry { magazine, home: Weak::clone(home) }));
        Some(found)
    })
}

impl Table {
    fn enter(&self, pool: u32, entry: Entry) {
        let pool = pool as usize;
        let (mut entries, mut pointers) = (self.entries.borrow_mut(), self.pointers.borrow_mut());
        if pool >= pointers.len() {
            entries.resize_with(pool + 1, || None);
            pointers.resize(pool + 1, ptr::null());
        }
        pointers[pool] = Arc::as_ptr(&entry.magazine);
        // A magazine of an earlier pool is empty, and its pool has closed: dropping it frees memory, and runs nothing.
        entries[pool] = Some(entry);
        show(&pointers);
    }
}

/// Makes `pointers` what [`find`] looks at.
fn show(pointers: &[*const Magazine]) {
    LOCAL.with(|local| {
        local.magazines.set(pointers.as_ptr());
        local.len.set(pointers.len() as u32);
    });
}

impl Drop for Table {
    fn drop(&mut self) {
        show(&[]);
        for entry in self.entries.take().into_iter().flatten() {
            if let Some(home) = entry.home.upgrade() {
                // SAFETY: this thread owns it, and finds it no more.
                unsafe { home.stock().retire(&entry.magazine) };
                home.leave();
            }
        }
    }
}
