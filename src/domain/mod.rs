//! Domains: what reclaims together.

mod collect;
mod core;
mod estate;
mod hook;
#[cfg(all(feature = "async", not(loom)))]
mod quiesced;
mod statistics;

pub(crate) use self::core::DomainCore;
pub use collect::Collected;
pub(crate) use collect::{collect_global, maintain_global};
pub(crate) use estate::Estates;
#[cfg(all(feature = "async", not(loom)))]
pub use quiesced::Quiesced;
#[cfg(not(loom))]
pub(crate) use statistics::Glance as DomainGlance;
#[cfg_attr(loom, allow(unused_imports))]
pub(crate) use statistics::{Census, census};
pub use statistics::{PinAge, SlotCounts, Statistics};

use crate::connection::{self, WaitError};
use crate::epoch;
use crate::panics::SlotPanic;
use crate::tick::Tick;
use crate::world::world;
use std::fmt;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::time::Duration;

/// When a domain drops what disconnected slots captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reclaim {
    /// In [`collect`](Domain::collect) and [`maintain`](Domain::maintain), and after thousands of disconnections in a
    /// `connect` or `disconnect_all` outside of emissions, which then runs the destructors of others. The default.
    #[default]
    Inline,
    /// In `collect` and `maintain` only: no destructor runs anywhere else, and memory grows until one of them is called.
    /// (Dropping a signal still drops what its slots captured at once, and dropping the last handle of a domain what is left.)
    Manual,
}

/// A group of signals that reclaim together, apart from all others.
///
/// An emission keeps everything that ends in its domain meanwhile from being reclaimed, until it returns: a slot that
/// blocks for an hour holds up an hour's worth of disconnected slots. Signals whose slots may block belong in a domain of
/// their own.
///
/// A `Domain` is a handle: clones name the same domain, and so does each signal made in it.
/// [`Signal::new`](crate::Signal::new) uses the [global](Domain::global) one.
///
/// ```
/// use pulsebus::{Domain, Signal};
///
/// let physics = Domain::new();
/// let collision = Signal::<u32>::new_in(&physics);
/// collision.connect(|entity| println!("{entity} was hit"));
/// collision.emit(&7);
/// collision.disconnect_all();
/// assert!(physics.collect().complete);
/// ```
pub struct Domain {
    /// `None` is the global domain, so that it can be named in a constant.
    core: Option<&'static DomainCore>,
}

impl Domain {
    /// The domain of [`Signal::new`](crate::Signal::new).
    #[inline]
    pub const fn global() -> Self {
        Self { core: None }
    }

    /// A new domain. Its memory comes from a domain that has ended, if there is one.
    pub fn new() -> Self {
        let core = world().domains.take();
        core.begin();
        Self { core: Some(core) }
    }

    /// The same, with that way of reclaiming.
    ///
    /// ```
    /// use pulsebus::{Domain, Reclaim};
    ///
    /// let audio = Domain::with_reclaim(Reclaim::Manual);
    /// assert_eq!(audio.reclaim(), Reclaim::Manual);
    /// ```
    pub fn with_reclaim(reclaim: Reclaim) -> Self {
        let domain = Self::new();
        domain.set_reclaim(reclaim);
        domain
    }

    /// When the domain drops what disconnected slots captured.
    pub fn reclaim(&self) -> Reclaim {
        if self.core().is_manual() { Reclaim::Manual } else { Reclaim::Inline }
    }

    /// Changes [`reclaim`](Self::reclaim), from now on.
    pub fn set_reclaim(&self, reclaim: Reclaim) {
        self.core().set_manual(reclaim == Reclaim::Manual);
    }

    /// Sees to everything that ended: sweeps all signals of the domain, waits for nobody, and drops and recycles all that
    /// no emission can see any more.
    ///
    /// If it says [`complete`](Collected::complete), everything that slots captured which were disconnected before the
    /// call has been dropped. If not, an emission or another collection was under way on some thread: call it again.
    /// Inside an emission, a tick, or the destructor of what a slot captured it only sweeps, and is never complete.
    ///
    /// Cost: a look at every slot of the domain, and up to a few barriers (microseconds each). See
    /// [`maintain`](Self::maintain) for every tick.
    pub fn collect(&self) -> Collected {
        collect::collect(self.core())
    }

    /// What [`collect`](Self::collect) does, as far as disconnects have left hints and `budget` allows; the next call goes on
    /// where this one stopped. It may overrun the budget by one barrier, one signal's sweep, and the destructors of one
    /// chunk's slots (32). Made for the heartbeat of a server.
    ///
    /// Cost with nothing to do: a few loads per signal of the process (some nanoseconds each).
    pub fn maintain(&self, budget: Duration) -> Collected {
        collect::maintain(self.core(), collect::deadline(budget))
    }

    /// Waits until every emission and tick of the domain that is under way has returned: after that, nobody is inside a slot
    /// that was disconnected before the call. `Duration::MAX` waits for as long as it takes; zero looks once.
    ///
    /// # Errors
    /// [`WaitError::WouldDeadlock`] inside an emission or a tick, of whatever domain; [`WaitError::TimedOut`] if some thread was
    /// still inside one.
    ///
    /// ```
    /// use pulsebus::{Domain, Signal};
    /// use std::time::Duration;
    ///
    /// let domain = Domain::new();
    /// let signal = Signal::<u32>::new_in(&domain);
    /// signal.connect(|n| println!("{n}"));
    /// signal.disconnect_all();
    /// assert_eq!(domain.quiesce(Duration::from_secs(1)), Ok(())); // no slot of the signal is running any more
    /// ```
    pub fn quiesce(&self, timeout: Duration) -> Result<(), WaitError> {
        connection::wait_for_pins(Some(self.core()), timeout)
    }

    /// One pin for many emissions of this domain's signals; see [`tick`](crate::tick).
    #[track_caller]
    pub fn tick<R>(&self, f: impl FnOnce(&Tick) -> R) -> R {
        Tick::run(self.core(), Location::caller(), f)
    }

    /// Makes this thread ready to emit in the domain. The first pin of a thread in a domain looks for the record of a
    /// thread that has ended, or allocates one; this gets it over with.
    #[track_caller]
    pub fn register_thread(&self) {
        drop(epoch::pin(&self.core().epoch, Location::caller()));
    }

    /// Has each panic of a slot reported to `hook`, on the emitting thread, after the slot has unwound. Replaces the one
    /// before, and drops it, unless an emission is running it: then a later call or collection does. A hook that panics hurts
    /// nobody.
    ///
    /// ```
    /// use pulsebus::{Domain, Signal};
    ///
    /// let domain = Domain::new();
    /// domain.set_panic_hook(|panic| eprintln!("{panic}"));
    /// let signal = Signal::<()>::new_in(&domain);
    /// let connection = signal.connect(|()| panic!("out of cheese"));
    /// signal.emit(&());
    /// assert_eq!(connection.panics(), Some(1));
    /// assert_eq!(domain.statistics().slot_panics, 1);
    /// ```
    pub fn set_panic_hook(&self, hook: impl Fn(&SlotPanic<'_>) + Send + Sync + 'static) {
        self.core().hook().set(Some(Box::new(hook)));
    }

    /// Takes the [panic hook](Self::set_panic_hook) away.
    pub fn clear_panic_hook(&self) {
        self.core().hook().set(None);
    }

    /// What is there now, and what was. Sweeps: it looks at every slot of the domain, beside whatever goes on; the figures of
    /// different signals are not of one instant.
    pub fn statistics(&self) -> Statistics {
        statistics::statistics(self.core())
    }

    /// What a monitor reads; signals only if the process has made `most` lists at most.
    #[cfg(not(loom))]
    pub(crate) fn glance(&self, most: usize) -> DomainGlance {
        statistics::glance(self.core(), most)
    }

    #[inline]
    pub(crate) fn core(&self) -> &'static DomainCore {
        match self.core {
            Some(core) => core,
            None => &world().global,
        }
    }
}

// What a domain consists of is never left half done by a panic: foreign code runs between its steps only.
impl UnwindSafe for Domain {}
impl RefUnwindSafe for Domain {}

impl Default for Domain {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Domain {
    fn clone(&self) -> Self {
        if let Some(core) = self.core {
            core.add_handle();
        }
        Self { core: self.core }
    }
}

impl PartialEq for Domain {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.core(), other.core())
    }
}

impl Eq for Domain {}

impl Drop for Domain {
    /// The last handle collects: what is pending then is dropped now, or, if an emission or the like is in the way, by a
    /// later [`collect`](crate::collect) or [`maintain`](crate::maintain) of the global domain.
    fn drop(&mut self) {
        let Some(core) = self.core else { return };
        if core.remove_handle() {
            core.hook().set(None);
            collect::wind_up(core);
            world().estates.settle(core);
        }
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Domain")
            .field("global", &self.core.is_none())
            .field("reclaim", &self.reclaim())
            .finish_non_exhaustive()
    }
}
