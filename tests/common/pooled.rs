//! Objects of pools that are counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Counts those that there are.
pub struct Counted(Arc<AtomicUsize>, pub u32);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// A pool's constructor, and how many of its objects there are.
pub fn counted() -> (impl Fn() -> Counted + Send + Sync + 'static, Arc<AtomicUsize>) {
    let live = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&live);
    let make = move || {
        count.fetch_add(1, SeqCst);
        Counted(Arc::clone(&count), 0)
    };
    (make, live)
}
