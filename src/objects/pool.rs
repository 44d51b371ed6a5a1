//! The pool, as users meet it.

use super::builder::PoolBuilder;
use super::core::Core;
use super::error::{KeyError, PoolError};
use super::figures::{PoolFigures, PoolLeak};
use super::keys::Key;
use super::pooled::Pooled;
use super::registry::Listed;
use super::sizing::Resized;
use crate::signal::Signal;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// Objects that are used for a moment, and again and again: bullets, messages, buffers.
///
/// Clones are handles of the same pool. With the last one the pool closes: idle objects are dropped, and those that are still
/// out free themselves when they return. (A handle in the pool's own constructor or reset, in an object of it, or in a listener
/// of [`resized`](Self::resized), keeps it open for ever.)
///
/// Each thread has up to 124 idle objects at hand (fewer if they are large), so that taking one and returning it costs a few
/// nanoseconds and no locked instruction; half of them go to the others when they become too many, and all of them when the thread
/// ends. So an object that one thread has returned may be idle while another one makes a new one, unless there may be no
/// more ([`max`](PoolBuilder::max)): then they are looked for wherever they are.
///
/// Nothing of the user's ever runs under a lock of the pool: constructors, resets and destructors may use it.
///
/// ```
/// use pulsebus::Pool;
///
/// #[derive(Default)]
/// struct Bullet { position: [f32; 3], speed: [f32; 3] }
///
/// let bullets = Pool::builder(Bullet::default).reset(|b| *b = Bullet::default()).name("bullets").initial(64).build()?;
/// let mut bullet = bullets.get();
/// bullet.speed = [900.0, 0.0, 0.0];
/// drop(bullet); // returns
/// assert_eq!(bullets.figures().idle, 64);
/// assert_eq!(bullets.figures().hits(), 1);
/// # Ok::<(), pulsebus::PoolError>(())
/// ```
pub struct Pool<T: Send + 'static> {
    core: Arc<Core<T>>,
}

impl<T: Send + 'static> Pool<T> {
    /// A pool of what `make` makes, to be described further.
    pub fn builder(make: impl Fn() -> T + Send + Sync + 'static) -> PoolBuilder<T> {
        PoolBuilder::new(Box::new(make))
    }

    /// The first handle of a core that was made with one.
    pub(super) fn new(core: Arc<Core<T>>) -> Self {
        Self { core }
    }

    /// Takes an object; makes one if none is idle. If all that [may](PoolBuilder::max) be are out, it makes one beyond that, which
    /// is dropped instead of returning, and counts as [`exhausted`](PoolFigures::exhausted). As long as there are more than may
    /// be, nothing is at hand for any thread, which costs each get and return a lock.
    ///
    /// # Panics
    /// If a new one is needed and the constructor panics.
    #[inline]
    #[track_caller]
    pub fn get(&self) -> Pooled<T> {
        match self.core.stock.pop_at_once() {
            // SAFETY: it comes from the stock, which holds nodes of this pool only, and gives each to one.
            Some(node) => unsafe { Pooled::new(node) },
            None => self.core.take_anyway(Location::caller()),
        }
    }

    /// Takes an object, or makes one as long as there are fewer than [`max`](PoolBuilder::max).
    ///
    /// # Errors
    /// [`PoolError::Exhausted`] if they are all out.
    ///
    /// # Panics
    /// As [`get`](Self::get).
    ///
    /// ```
    /// use pulsebus::{Pool, PoolError};
    ///
    /// let pool = Pool::builder(|| 0u64).max(1).build()?;
    /// let only = pool.try_get()?;
    /// assert_eq!(pool.try_get().unwrap_err(), PoolError::Exhausted { max: 1 });
    /// # drop(only);
    /// # Ok::<(), PoolError>(())
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_get(&self) -> Result<Pooled<T>, PoolError> {
        let place = Location::caller();
        match self.core.stock.pop().or_else(|| self.core.obtain()) {
            Some(node) => Ok(self.core.hand_out(node, place)),
            None => {
                self.core.stock.note_exhausted();
                Err(PoolError::Exhausted { max: self.core.stock.max() })
            }
        }
    }

    /// The same, waiting for up to `timeout` until one returns. `Duration::MAX` waits for as long as it takes.
    ///
    /// While somebody waits, objects go from hand to hand by the depot for all threads, which costs each of them some locked
    /// instructions.
    ///
    /// # Errors
    /// [`PoolError::TimedOut`].
    ///
    /// # Panics
    /// As [`get`](Self::get).
    #[track_caller]
    pub fn get_or_wait(&self, timeout: Duration) -> Result<Pooled<T>, PoolError> {
        let place = Location::caller();
        match self.core.stock.pop().or_else(|| self.core.obtain_within(timeout)) {
            Some(node) => Ok(self.core.hand_out(node, place)),
            None => Err(PoolError::TimedOut { after: timeout, max: self.core.stock.max() }),
        }
    }

    /// Takes `count` objects, each as by [`get`](Self::get). One heap call, for the vector; [`extend`](Vec::extend) one that
    /// there is with [`get`](Self::get) for none.
    #[track_caller]
    pub fn get_many(&self, count: usize) -> Vec<Pooled<T>> {
        let place = Location::caller();
        std::iter::repeat_with(|| self.core.take_anyway(place)).take(count).collect()
    }

    /// Makes objects until `idle` are idle, or as many as may be are there; how many it made. A constructor that panics ends it.
    pub fn warm(&self, idle: usize) -> usize {
        self.core.warm(idle)
    }

    /// Takes an object, has `init` make of it what it is to be, and leaves it to the pool, under a weak key: for what nobody
    /// holds, and somebody has to end all the same. To hold one that is out already: [`Pooled::keep`].
    ///
    /// ```
    /// use pulsebus::Pool;
    ///
    /// let effects = Pool::builder(|| 0u32).reset(|left| *left = 0).build()?;
    /// let sparks = effects.insert(|left| *left = 3);
    /// let smoke = effects.insert(|left| *left = 90);
    /// // Each tick:
    /// effects.retain(|_, left| { *left -= 1; *left > 0 });
    /// assert_eq!(effects.with(smoke, |left| *left), Some(89));
    /// // The level ends:
    /// assert_eq!(effects.return_all(), 2);
    /// assert_eq!(effects.with(sparks, |left| *left), None);
    /// # Ok::<(), pulsebus::PoolError>(())
    /// ```
    ///
    /// # Panics
    /// As [`get`](Self::get), or if `init` does; then the object returns.
    #[track_caller]
    pub fn insert(&self, init: impl FnOnce(&mut T)) -> Key {
        let mut object = self.get();
        init(&mut object);
        Pooled::keep(object)
    }

    /// Runs `f` on the object under the key; `None` if it has been taken back. While another thread is using it, this waits.
    /// Cost: two compare-exchanges.
    ///
    /// An object in use is as good as locked: two threads that use one object within the use of another must do so in the same
    /// order, here as in [`for_each`](Self::for_each) and [`retain`](Self::retain), or they wait for each other for ever.
    ///
    /// # Panics
    /// If this thread is using it already, further up its stack; see [`try_with`](Self::try_with). And if `f` does.
    pub fn with<R>(&self, key: Key, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        match self.core.with(key, f) {
            Ok(result) => Some(result),
            Err(KeyError::Stale) => None,
            Err(error @ KeyError::InUse) => panic!("pulsebus: {error}"),
        }
    }

    /// The same, which tells why not.
    ///
    /// # Errors
    /// [`KeyError::Stale`] if it has been taken back, [`KeyError::InUse`] if this thread is using it already.
    ///
    /// # Panics
    /// If `f` does.
    pub fn try_with<R>(&self, key: Key, f: impl FnOnce(&mut T) -> R) -> Result<R, KeyError> {
        self.core.with(key, f)
    }

    /// Is there an object under the key? (It may be gone the next moment.)
    pub fn contains(&self, key: Key) -> bool {
        self.core.keys.holds(self.core.serial, key)
    }

    /// Takes the object under the key, which is stale from then on. `None` if there is none, or if somebody is using it: then it
    /// returns to the pool after that.
    pub fn remove(&self, key: Key) -> Option<Pooled<T>> {
        self.core.remove(key).flatten()
    }

    /// Has the object under the key return to the pool, at once or, if somebody is using it, after that. Was there one?
    pub fn release(&self, key: Key) -> bool {
        self.core.remove(key).is_some()
    }

    /// [Releases](Self::release) all objects under keys; how many. All keys are stale then, but for those that other threads
    /// insert meanwhile. Objects in [`Pooled`]s are their holders'.
    pub fn return_all(&self) -> usize {
        self.core.remove_all()
    }

    /// Runs `f` on each object under a key, in no order. Objects that this thread is using already are left out; `f` may insert,
    /// release, and return all.
    ///
    /// Cost, as of [`retain`](Self::retain) and [`return_all`](Self::return_all): a look at as many places as there ever were
    /// objects under keys at a time (in this pool, or in one that has closed and left it its places: they are never given back),
    /// and two compare-exchanges for each object.
    pub fn for_each(&self, mut f: impl FnMut(Key, &mut T)) {
        for key in self.core.keys.all(self.core.serial) {
            // Gone, or in use up the stack.
            let _ = self.core.with(key, |object| f(key, object));
        }
    }

    /// [Releases](Self::release) the objects under keys for which `keep` says no; how many. Another thread may be using one between
    /// the asking and the release.
    pub fn retain(&self, mut keep: impl FnMut(Key, &mut T) -> bool) -> usize {
        let is_out = |key: &Key| self.core.with(*key, |object| !keep(*key, object)) == Ok(true);
        self.core.keys.all(self.core.serial).filter(is_out).filter(|key| self.release(*key)).count()
    }

    /// Makes the pool as large as it has needed to be of late, plus a quarter: it grows when nearly all objects are out at a time,
    /// and shrinks when it has had more than twice as many as that for a whole [window](PoolBuilder::window). Made for
    /// a second's or a minute's beat of the server; [`Pools::maintain`](crate::Pools::maintain) does it for all. How many objects
    /// it made or dropped.
    ///
    /// Other threads go on meanwhile. Without it the pool grows on demand, and never shrinks.
    pub fn maintain(&self) -> usize {
        self.core.fit()
    }

    /// Drops idle objects until [`min`](PoolBuilder::min) are left, or those that are out; how many it dropped.
    pub fn shrink_to_fit(&self) -> usize {
        self.core.shrink_to_fit()
    }

    /// Emitted after each resize, by the thread that did it.
    pub fn resized(&self) -> &Signal<Resized> {
        &self.core.resized
    }

    /// What the pool has done, and what it holds. (Peaks are exact for one thread. With several they may miss what two of them
    /// have returned meanwhile, or count what one of them has at hand.) Cost: a look at each thread's magazine, under a lock that no get or return takes
    /// while threads have objects and room at hand.
    pub fn figures(&self) -> PoolFigures {
        self.core.figures()
    }

    /// Objects that have been out for longer than that, by the place that took them, the most first. Empty unless the pool
    /// [tracks](PoolBuilder::leak_after).
    ///
    /// ```
    /// use pulsebus::{ManualClock, Pool};
    /// use std::time::Duration;
    ///
    /// let hand = ManualClock::new();
    /// let pool = Pool::builder(|| 0u64).leak_after(Duration::from_secs(60)).clock(&hand.clock()).build()?;
    /// std::mem::forget(pool.get());
    /// hand.advance(Duration::from_secs(90));
    /// let leak = &pool.leaks(Duration::from_secs(60))[0];
    /// assert_eq!((leak.count, leak.place.file()), (1, file!()));
    /// # Ok::<(), pulsebus::PoolError>(())
    /// ```
    pub fn leaks(&self, older_than: Duration) -> Vec<PoolLeak> {
        self.core.leaks(older_than)
    }
}

impl<T: Send + 'static> Clone for Pool<T> {
    fn clone(&self) -> Self {
        self.core.add_handle();
        Self { core: Arc::clone(&self.core) }
    }
}

impl<T: Send + 'static> Drop for Pool<T> {
    fn drop(&mut self) {
        self.core.remove_handle();
    }
}

impl<T: Send + 'static> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({})", self.figures())
    }
}
