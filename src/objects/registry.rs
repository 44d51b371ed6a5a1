//! All pools of a program, by name.

use super::figures::{PoolFigures, PoolLeak};
use crate::sync::lock;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

/// What the registry has of a pool, whatever its objects are.
pub(super) trait Listed: Send + Sync {
    fn name(&self) -> Arc<str>;
    fn figures(&self) -> PoolFigures;
    fn leaks(&self, older_than: Duration) -> Vec<PoolLeak>;
    /// Makes or drops objects, as need has been; how many were made or dropped.
    fn maintain(self: Arc<Self>) -> usize;
    /// Drops all idle objects that need not be; how many.
    fn shrink(&self) -> usize;
}

/// A list of pools: what a monitor watches. Clones are the same list. It does not keep pools alive.
///
/// ```
/// use pulsebus::{Pool, Pools};
///
/// let pools = Pools::new();
/// let bullets = Pool::builder(|| [0u8; 64]).name("bullets").registry(&pools).build()?;
/// let _bullet = bullets.get();
/// assert_eq!(pools.figures()[0].outstanding, 1);
/// # Ok::<(), pulsebus::PoolError>(())
/// ```
#[derive(Clone, Default)]
pub struct Pools {
    list: Arc<Mutex<Vec<Weak<dyn Listed>>>>,
    /// How many pools have been maintained: what is left of it by their number is the next one.
    next: Arc<AtomicUsize>,
}

impl Pools {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn list(&self, pool: Weak<dyn Listed>) {
        let mut list = lock(&self.list);
        list.retain(|pool| pool.strong_count() > 0);
        list.push(pool);
    }

    /// Those that there are, outside of the lock: what is done with them may run foreign code.
    fn alive(&self) -> Vec<Arc<dyn Listed>> {
        lock(&self.list).iter().filter_map(Weak::upgrade).collect()
    }

    /// How many pools there are.
    pub fn len(&self) -> usize {
        lock(&self.list).iter().filter(|pool| pool.strong_count() > 0).count()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The figures of all pools, in the order in which they were made.
    pub fn figures(&self) -> Vec<PoolFigures> {
        self.alive().iter().map(|pool| pool.figures()).collect()
    }

    /// The figures of the pools of that name.
    pub fn find(&self, name: &str) -> Vec<PoolFigures> {
        self.alive().iter().filter(|pool| *pool.name() == *name).map(|pool| pool.figures()).collect()
    }

    /// What has been out for longer than that, of all pools that track, the most first.
    pub fn leaks(&self, older_than: Duration) -> Vec<PoolLeak> {
        let mut leaks: Vec<_> = self.alive().iter().flat_map(|pool| pool.leaks(older_than)).collect();
        leaks.sort_by_key(|leak| std::cmp::Reverse(leak.count));
        leaks
    }

    /// Resizes the pools to what they have needed of late, until the budget is spent; how many objects were made or dropped. The
    /// next call goes on with the pool after the last one.
    pub fn maintain(&self, budget: Duration) -> usize {
        let deadline = Instant::now().checked_add(budget);
        let in_time = || deadline.is_none_or(|deadline| Instant::now() < deadline);
        let mut pools = self.alive();
        // Relaxed: where to begin is no promise.
        let begin = self.next.load(Relaxed).checked_rem(pools.len()).unwrap_or(0);
        pools.rotate_left(begin);
        let resize = |pool: Arc<dyn Listed>| {
            self.next.fetch_add(1, Relaxed);
            pool.maintain()
        };
        pools.into_iter().take_while(|_| in_time()).map(resize).sum()
    }

    /// Drops all idle objects that pools need not have; how many.
    pub fn shrink_to_fit(&self) -> usize {
        self.alive().iter().map(|pool| pool.shrink()).sum()
    }
}

impl fmt::Debug for Pools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.alive().iter().map(|pool| pool.name())).finish()
    }
}
