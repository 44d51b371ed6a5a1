//! The connection: a weak handle to one slot.

use crate::domain::DomainCore;
use crate::epoch;
#[cfg(not(loom))]
use crate::list;
use crate::list::{Chunk, Life, Tag};
#[cfg(not(loom))]
use crate::panics::{PanicPolicy, Propagation};
use std::fmt;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;
use std::time::{Duration, Instant};

/// A handle to one slot of one signal: 16 bytes, `Copy`, and weak.
///
/// It keeps nothing alive. All copies name the same connection; when that has ended, by whichever copy or by the end of
/// the signal, they are stale, for ever: whatever uses the memory next, a stale handle does not fit it.
///
/// ```
/// let signal = pulsebus::Signal::<u32>::new();
/// let connection = signal.connect(|_| {});
/// let copy = connection;
/// assert!(copy.disconnect());
/// assert!(!connection.disconnect() && !connection.is_connected());
/// assert_eq!(size_of::<Option<pulsebus::Connection>>(), 16);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Connection {
    /// A chunk of the pool. (Not a reference, through which the key of a map would look as if it could change.)
    chunk: NonNull<Chunk>,
    tag: Tag,
}

// SAFETY: chunks are immortal and made to be reached from any thread.
unsafe impl Send for Connection {}
// SAFETY: as above.
unsafe impl Sync for Connection {}
// A handle has no state that a panic could leave half done.
impl UnwindSafe for Connection {}
impl RefUnwindSafe for Connection {}

impl Connection {
    pub(crate) fn new(chunk: &'static Chunk, tag: Tag) -> Self {
        Self { chunk: NonNull::from(chunk), tag }
    }

    #[inline]
    fn chunk(&self) -> &'static Chunk {
        // SAFETY: made from a reference to a chunk, and chunks are immortal.
        unsafe { self.chunk.as_ref() }
    }

    /// What it names.
    pub(crate) fn slot(&self) -> (&'static Chunk, Tag) {
        (self.chunk(), self.tag)
    }

    /// Ends the connection. `true` for exactly one of all the calls, of all copies, on all threads, that try; for none
    /// if something else ended it (its signal's end, [`disconnect_all`](crate::Signal::disconnect_all), a panic policy).
    ///
    /// Once it has returned, `true` or `false`, no emission that starts after it runs the slot, and an emission under way
    /// on this thread skips it. On another thread it may be running still, see
    /// [`disconnect_and_wait`](Self::disconnect_and_wait). What happened before this call comes before the destructor of
    /// what the slot captured; which runs later, in a [`collect`](crate::collect) or the like.
    ///
    /// Wait-free: no loop, no lock, no heap call, one atomic read-modify-write, two if it was ever
    /// [blocked](Self::block). Callable from anywhere.
    #[inline]
    pub fn disconnect(&self) -> bool {
        self.chunk().disconnect(self.tag)
    }

    /// Is it connected still? One load.
    #[inline]
    pub fn is_connected(&self) -> bool {
        self.chunk().is_live(self.tag)
    }

    /// Ends the connection, and waits until no thread is inside the slot. `Ok` tells what
    /// [`disconnect`](Self::disconnect) would have returned; after it, all that the slot ever did comes before the return.
    ///
    /// It waits for every emission and tick of the signal's domain that is under way when it is called, not only for those
    /// of this signal. `Duration::MAX` waits for as long as it takes; zero looks once.
    ///
    /// # Errors
    /// The connection has ended in each case; what failed is the waiting.
    /// - [`WaitError::WouldDeadlock`]: called inside an emission or a tick, of whatever domain, which it would wait for.
    /// - [`WaitError::TimedOut`]: some thread was still inside an emission.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let signal = pulsebus::Signal::<u32>::new();
    /// let connection = signal.connect(|_| {});
    /// assert_eq!(connection.disconnect_and_wait(Duration::from_secs(1)), Ok(true));
    /// ```
    pub fn disconnect_and_wait(&self, timeout: Duration) -> Result<bool, WaitError> {
        let domain = self.domain();
        let won = self.disconnect();
        wait_for_pins(domain, timeout).map(|()| won)
    }

    /// Where in the source it was connected; `None` when its memory serves another one.
    pub fn place(&self) -> Option<&'static Location<'static>> {
        self.while_ours(|| self.chunk().place(self.tag.index())).flatten()
    }

    /// How often its slot has panicked; `None` when its memory serves another one. (An ended connection's is kept until
    /// then.)
    pub fn panics(&self) -> Option<u32> {
        self.while_ours(|| self.chunk().panics(self.tag.index()))
    }

    /// Its signal's life; `None` when its memory serves another one.
    pub(crate) fn life(&self) -> Option<Life> {
        self.while_ours(|| self.chunk().list().life())
    }

    /// Runs `f` in the stead of its slot, if it is still connected; whether it was: see [`list::run_for`].
    #[cfg(not(loom))]
    pub(crate) fn run(&self, place: &'static Location<'static>, f: impl FnOnce()) -> bool {
        self.run_under(PanicPolicy::Isolate, place, f).0
    }

    /// The same, with that policy; the panic that is to be propagated, if there is one, is returned.
    #[cfg(not(loom))]
    pub(crate) fn run_under(
        &self,
        policy: PanicPolicy,
        place: &'static Location<'static>,
        f: impl FnOnce(),
    ) -> (bool, Propagation) {
        list::run_for(self.slot(), policy, place, f)
    }

    /// The domain of its signal; `None` when nobody can be inside the slot any more.
    pub(crate) fn domain(&self) -> Option<&'static DomainCore> {
        self.while_ours(|| self.chunk().domain())
    }

    /// What `read` finds in the chunk, if that was still this connection's when it had been read.
    fn while_ours<R>(&self, read: impl FnOnce() -> R) -> Option<R> {
        let found = read();
        self.chunk().is_generation(self.tag).then_some(found)
    }
}

/// Waits for every emission and tick of the domain that is under way; for none if there is no domain.
pub(crate) fn wait_for_pins(domain: Option<&'static DomainCore>, timeout: Duration) -> Result<(), WaitError> {
    wait_for_all_pins(domain.as_slice(), timeout)
}

/// The same for several domains.
pub(crate) fn wait_for_all_pins(domains: &[&'static DomainCore], timeout: Duration) -> Result<(), WaitError> {
    if epoch::is_pinned() {
        return Err(WaitError::WouldDeadlock);
    }
    // Too far away to be named means: no deadline.
    let deadline = Instant::now().checked_add(timeout);
    // Each is looked at, also when the time is over: zero looks once.
    let late = domains.iter().filter(|domain| !domain.epoch.wait_for_pins(deadline)).count();
    if late > 0 { Err(WaitError::TimedOut) } else { Ok(()) }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Connection");
        f.field("connected", &self.is_connected());
        if let Some(place) = self.place() {
            f.field("place", &format_args!("{place}"));
        }
        f.field("slot", &self.tag.index()).field("generation", &self.tag.generation()).finish()
    }
}

/// Why [`disconnect_and_wait`](Connection::disconnect_and_wait) or [`quiesce`](crate::Domain::quiesce) did not wait to the
/// end. What was to be disconnected has ended all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum WaitError {
    /// The calling thread is inside an emission or a tick itself: wait after it, or on another thread.
    WouldDeadlock,
    /// Some thread was still inside an emission of the domain when the time was over: wait for longer, or look for the
    /// slot that blocks ([`Statistics::oldest_pin`](crate::Statistics::oldest_pin) names its emission).
    TimedOut,
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WouldDeadlock => {
                "cannot wait inside an emission or a tick, which would wait for itself: wait outside"
            }
            Self::TimedOut => "an emission or a tick of the domain was still under way when the time to wait was over",
        })
    }
}

impl std::error::Error for WaitError {}
