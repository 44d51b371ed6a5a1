//! A pool, being described.

use super::core::{Core, Make, Reset, Settings};
use super::error::PoolError;
use super::pool::Pool;
use super::registry::{Listed, Pools};
use crate::time::Clock;
use std::any::type_name;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A [`Pool`], being described; from [`Pool::builder`].
#[must_use = "there is no pool before `build`"]
pub struct PoolBuilder<T> {
    make: Make<T>,
    reset: Option<Reset<T>>,
    initial: usize,
    registry: Option<Pools>,
    settings: Settings,
}

impl<T: Send + 'static> PoolBuilder<T> {
    pub(super) fn new(make: Make<T>) -> Self {
        let settings = Settings {
            name: type_name::<T>().into(),
            min: 0,
            max: usize::MAX,
            window: Duration::from_secs(60),
            bytes_each: 0,
            leak_after: None,
            clock: Clock::default(),
        };
        Self { make, reset: None, initial: 0, registry: None, settings }
    }

    /// Runs `reset` on each object that returns, on the thread that drops it. If it panics, the object is dropped and counted
    /// in [`panics`](crate::PoolFigures::panics).
    pub fn reset(mut self, reset: impl Fn(&mut T) + Send + Sync + 'static) -> Self {
        self.reset = Some(Box::new(reset));
        self
    }

    /// What reports call the pool. Default: the type of its objects.
    pub fn name(mut self, name: &str) -> Self {
        self.settings.name = name.into();
        self
    }

    /// Makes so many objects at once. Default: none, or [`min`](Self::min).
    pub fn initial(mut self, initial: usize) -> Self {
        self.initial = initial;
        self
    }

    /// Never shrinks to fewer objects. Default: 0.
    pub fn min(mut self, min: usize) -> Self {
        self.settings.min = min;
        self
    }

    /// Keeps no more objects, out and idle ones together. Default: no limit. What happens when they are all out, who asks
    /// decides: [`get`](Pool::get), [`try_get`](Pool::try_get), [`get_or_wait`](Pool::get_or_wait).
    pub fn max(mut self, max: usize) -> Self {
        self.settings.max = max;
        self
    }

    /// The time whose peak decides how large the pool should be; see [`Pool::maintain`]. Default: a minute. It moves on in
    /// sixths.
    pub fn window(mut self, window: Duration) -> Self {
        self.settings.window = window;
        self
    }

    /// Notes of each object when and where it was taken, and suspects those that are out for longer than `age`; see
    /// [`Pool::leaks`].
    ///
    /// Cost: reading the coarse clock (some nanoseconds) for each object taken, and a lock for each one made or dropped.
    pub fn leak_after(mut self, age: Duration) -> Self {
        self.settings.leak_after = Some(age);
        self
    }

    /// How many bytes an object has on the heap, besides those that `size_of` counts: for reports only. Default: 0.
    pub fn bytes_each(mut self, bytes: usize) -> Self {
        self.settings.bytes_each = bytes;
        self
    }

    /// Goes by that clock. Default: the system's.
    pub fn clock(mut self, clock: &Clock) -> Self {
        self.settings.clock = clock.clone();
        self
    }

    /// Lists the pool there.
    pub fn registry(mut self, registry: &Pools) -> Self {
        self.registry = Some(registry.clone());
        self
    }

    /// Makes the pool.
    ///
    /// # Errors
    /// If the numbers contradict each other, or the constructor panics for one of the [initial](Self::initial) objects; see
    /// [`PoolError`].
    pub fn build(self) -> Result<Pool<T>, PoolError> {
        let Self { make, reset, initial, registry, settings } = self;
        let (min, max) = (settings.min, settings.max);
        if max == 0 {
            return Err(PoolError::NoRoom);
        }
        if let Some((what, asked)) = [("min", min), ("initial", initial)].into_iter().find(|(_, asked)| *asked > max) {
            return Err(PoolError::TooMany { what, asked, max });
        }
        if settings.window < Duration::from_nanos(6) {
            return Err(PoolError::NoWindow);
        }
        let core = Core::new(make, reset, settings);
        let wanted = initial.max(min);
        let (pool, made) = (Pool::new(Arc::clone(&core)), core.fill(wanted));
        if made < wanted {
            return Err(PoolError::ConstructorPanicked { made });
        }
        core.begin();
        if let Some(registry) = registry {
            let core: Weak<dyn Listed> = Arc::downgrade(&(core as Arc<dyn Listed>));
            registry.list(core);
        }
        Ok(pool)
    }
}

impl<T> fmt::Debug for PoolBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { name, min, max, .. } = &self.settings;
        f.debug_struct("PoolBuilder")
            .field("name", name)
            .field("initial", &self.initial)
            .field("min", min)
            .field("max", max)
            .finish_non_exhaustive()
    }
}
