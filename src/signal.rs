//! The signal: what is emitted, and what slots are connected to.

use crate::connection::{Connection, WaitError};
use crate::domain::Domain;
use crate::emitted::Emitted;
use crate::list::{self, Closure, Due, Life, Rank, Root, Slots};
use crate::panics::PanicPolicy;
use crate::scope::ScopedConnection;
use crate::sync::const_unless_loom;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::ptr;
use std::time::Duration;

/// A signal: emit an event, and every connected slot is called with it, on this thread, in connection order.
///
/// Everything takes `&self`, so a signal can be shared between threads, put into an `Arc`, or be a `static`. It is `Send`
/// and `Sync` whatever the event type is: a slot sees the event on the thread that emits it, and nowhere else.
///
/// # What is promised
/// - An emission runs the slots that were connected before it started, and that are still connected when their turn
///   comes. A slot that is connected by a slot waits for the next emission.
/// - An emission does not wait, allocate, free, or run anyone's destructor; only the slots themselves may. (The first one of
///   a thread in a domain may allocate the thread's record: see [`Domain::register_thread`].)
/// - A slot may do anything: connect, disconnect itself or others, emit again, collect, drop other signals.
/// - A slot that panics hurts nobody else; see [`on_panic`](Self::on_panic).
///
/// # What is not
/// - Another thread may still be inside a slot when its `disconnect()` returns; see
///   [`disconnect_and_wait`](Connection::disconnect_and_wait).
/// - What a slot captured is dropped later, by [`collect`](crate::collect) or the like, not by `disconnect`.
/// - Of two slots that two threads connect at the same time, either may come first.
///
/// ```
/// use pulsebus::Signal;
///
/// static JOINED: Signal<String> = Signal::new();
///
/// let greeting = JOINED.connect(|name| println!("welcome, {name}"));
/// JOINED.emit(&"player one".to_string());
/// assert!(greeting.disconnect());
/// JOINED.emit(&"player two".to_string()); // nobody is greeted
/// ```
///
/// A slot has to be `Send + Sync + 'static`, since any thread may call it, at any time:
///
/// ```compile_fail
/// let signal = pulsebus::Signal::<u32>::new();
/// let local = std::rc::Rc::new(1);
/// signal.connect(move |n| println!("{}", n + *local)); // an Rc stays on its thread
/// ```
/// ```
/// let signal = pulsebus::Signal::<u32>::new();
/// let local = std::sync::Arc::new(1);
/// signal.connect(move |n| println!("{}", n + *local));
/// ```
/// ```compile_fail
/// let signal = pulsebus::Signal::<u32>::new();
/// let here = 1;
/// signal.connect(|n| println!("{}", n + here)); // borrows from this function
/// ```
/// ```
/// let signal = pulsebus::Signal::<u32>::new();
/// let here = 1;
/// signal.connect(move |n| println!("{}", n + here));
/// ```
///
/// Events may borrow; but the type of a signal is what it is, no shorter and no longer lived, or a slot could keep what
/// is only lent:
///
/// ```compile_fail
/// use std::sync::Mutex;
/// fn lend<'a>(signal: &pulsebus::Signal<&'static str>, text: &'a str) {
///     let shorter: &pulsebus::Signal<&'a str> = signal;
///     shorter.emit(&text);
/// }
/// ```
/// ```
/// fn lend<'a>(signal: &pulsebus::Signal<&'a str>, text: &'a str) {
///     let shorter: &pulsebus::Signal<&'a str> = signal;
///     shorter.emit(&text);
/// }
/// ```
pub struct Signal<E> {
    root: Root,
    /// Invariant in `E`, and `Send + Sync` whatever it is: a signal holds no event.
    _event: PhantomData<fn(E) -> E>,
}

impl<E> Signal<E> {
    const_unless_loom! {
        /// A signal without slots, in the [global](Domain::global) domain. Allocates nothing until the first connection.
        pub fn new() -> Self {
            Self { root: Root::new(Domain::global()), _event: PhantomData }
        }
    }

    /// A signal without slots, in `domain`.
    pub fn new_in(domain: &Domain) -> Self {
        Self { root: Root::new(domain.clone()), _event: PhantomData }
    }

    /// Connects a slot, to be called with each event that is emitted from now on.
    ///
    /// Lock-free. What it captures is stored in the slot, without a heap call, up to 24 bytes and an alignment of 8; in a
    /// box otherwise. Memory for slots comes from a pool, which grows by up to 512 slots at a time. The connection may be
    /// ignored: the slot then stays until the signal is dropped.
    ///
    /// Unless the domain reclaims [by hand](crate::Reclaim::Manual), and outside of emissions, one call in thousands runs
    /// the destructors of what slots captured that were disconnected before.
    ///
    /// ```
    /// let signal = pulsebus::Signal::<u32>::new();
    /// let connection = signal.connect(|n| println!("{n}"));
    /// assert!(connection.is_connected());
    /// ```
    #[track_caller]
    pub fn connect<F>(&self, slot: F) -> Connection
    where
        F: Fn(&E) + Send + Sync + 'static,
    {
        self.attach(Closure::each::<E, F>(slot), Location::caller())
    }

    /// Connects a slot that takes events by the slice: [`emit_batch`](Self::emit_batch) hands it the whole batch at once,
    /// [`emit`](Self::emit) a slice of one. Otherwise like [`connect`](Self::connect).
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    /// static SUM: AtomicU32 = AtomicU32::new(0);
    ///
    /// let signal = pulsebus::Signal::<u32>::new();
    /// signal.connect_batch(|numbers| {
    ///     SUM.fetch_add(numbers.iter().sum(), Relaxed);
    /// });
    /// signal.emit_batch(&[1, 2, 3]);
    /// signal.emit(&4);
    /// assert_eq!(SUM.load(Relaxed), 10);
    /// ```
    #[track_caller]
    pub fn connect_batch<F>(&self, slot: F) -> Connection
    where
        F: Fn(&[E]) + Send + Sync + 'static,
    {
        self.attach(Closure::slices::<E, F>(slot), Location::caller())
    }

    /// Connects a slot for as long as the returned guard lives. Otherwise like [`connect`](Self::connect).
    ///
    /// ```
    /// let signal = pulsebus::Signal::<u32>::new();
    /// {
    ///     let _here = signal.connect_scoped(|n| println!("{n}"));
    ///     assert_eq!(signal.len(), 1);
    /// }
    /// assert!(signal.is_empty());
    /// ```
    #[track_caller]
    pub fn connect_scoped<F>(&self, slot: F) -> ScopedConnection
    where
        F: Fn(&E) + Send + Sync + 'static,
    {
        ScopedConnection::new(self.attach(Closure::each::<E, F>(slot), Location::caller()))
    }

    fn attach(&self, closure: Closure, place: &'static Location<'static>) -> Connection {
        self.attach_at(Rank::DEFAULT, closure, place)
    }

    /// Connects at a rank, and settles what is due.
    pub(crate) fn attach_at(&self, rank: Rank, closure: Closure, place: &'static Location<'static>) -> Connection {
        let (connection, due) = self.attach_only(rank, closure, place);
        if let Some(due) = due {
            due.settle();
        }
        connection
    }

    /// Has emissions look for slots that stop them.
    pub(crate) fn make_elaborate(&self, place: &'static Location<'static>) {
        self.root.make_elaborate(place);
    }

    pub(crate) fn root(&self) -> &Root {
        &self.root
    }

    /// Connects, runs no foreign code, and leaves what is due afterwards to the caller.
    #[inline]
    pub(crate) fn attach_only(
        &self,
        rank: Rank,
        closure: Closure,
        place: &'static Location<'static>,
    ) -> (Connection, Option<Due>) {
        let mut due = None;
        let (chunk, tag) = self.root.connect(closure, rank, place, &mut due);
        (Connection::new(chunk, tag), due)
    }

    /// Calls every slot with the event, on this thread, by [priority](crate::Priority) and in connection order.
    ///
    /// Lock-free but for what the slots do. Cost: a load if nothing was ever connected; otherwise a pin, and about ten
    /// instructions per slot besides its own.
    ///
    /// # Panics
    /// Only under [`PanicPolicy::Propagate`], the signal's or a slot's own, after all slots have run that do.
    ///
    /// ```
    /// let signal = pulsebus::Signal::<[f32; 3]>::new();
    /// signal.connect(|[x, y, z]| println!("moved to {x}, {y}, {z}"));
    /// signal.emit(&[1.0, 2.0, 3.0]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn emit(&self, event: &E) -> Emitted {
        self.emit_from(event, Location::caller())
    }

    /// The same, as if called at `place`.
    #[inline(always)]
    pub(crate) fn emit_from(&self, event: &E, place: &'static Location<'static>) -> Emitted {
        let event = ptr::from_ref(event).cast();
        match self.root.slots() {
            Slots::Plain(list) => {
                // SAFETY: the list is this signal's, whose slots take an `E`.
                unsafe { list::emit(&self.root, event, list, place) };
                Emitted::Completed
            }
            Slots::None => Emitted::Completed,
            // SAFETY: the signal's slots take an `E`.
            Slots::Elaborate => unsafe { list::emit_elaborate(&self.root, event, place) },
        }
    }

    /// Calls every slot with all events, slot by slot: each slot gets all events in order, before the next slot gets any.
    /// One pin and one walk. A slot that is disconnected in mid-batch gets no more of it.
    ///
    /// # Panics
    /// Only under [`PanicPolicy::Propagate`], the signal's or a slot's own, after all slots have run that do.
    ///
    /// ```
    /// let signal = pulsebus::Signal::<u32>::new();
    /// signal.connect(|n| println!("{n}"));
    /// signal.emit_batch(&[1, 2, 3]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn emit_batch(&self, events: &[E]) -> Emitted {
        let events = (events.as_ptr().cast(), events.len());
        match self.root.slots() {
            Slots::Plain(list) if events.1 > 0 => {
                // SAFETY: the list is this signal's, whose slots take `E`s.
                unsafe { list::emit_batch(&self.root, list, events, Location::caller()) };
                Emitted::Completed
            }
            // SAFETY: the signal's slots take `E`s.
            Slots::Elaborate => unsafe { list::emit_batch_elaborate(&self.root, events, Location::caller()) },
            _ => Emitted::Completed,
        }
    }

    /// Calls one slot only, that of `connection`, if it is one of this signal's, still connected, and not blocked; `false` if
    /// not. Another signal's slot is never called. (Whether its own filters let the event pass is the slot's business.)
    ///
    /// What an emission promises holds for this one slot: no waiting, no heap call, no destructors, panics by the signal's
    /// [policy](Self::on_panic). For queues and timers, which decide one by one whose turn it is.
    ///
    /// # Panics
    /// Only under [`PanicPolicy::Propagate`].
    ///
    /// ```
    /// use pulsebus::Signal;
    ///
    /// let (signal, other) = (Signal::<u32>::new(), Signal::<u32>::new());
    /// let a = signal.connect(|n| println!("a got {n}"));
    /// let _b = signal.connect(|n| println!("b got {n}"));
    /// assert!(signal.emit_to(a, &7)); // only a
    /// assert!(!other.emit_to(a, &7)); // not one of its slots
    /// a.disconnect();
    /// assert!(!signal.emit_to(a, &7));
    /// ```
    #[track_caller]
    pub fn emit_to(&self, connection: Connection, event: &E) -> bool {
        self.emit_to_from(connection, event, Location::caller())
    }

    /// The same, as if called at `place`.
    pub(crate) fn emit_to_from(&self, connection: Connection, event: &E, place: &'static Location<'static>) -> bool {
        let event = ptr::from_ref(event).cast();
        !self.root.is_blocked()
            && self.root.lists().any(|list| {
                // SAFETY: the list is this signal's, whose slots take an `E`, and handles name slots.
                unsafe { list::emit_to(&self.root, list, connection.slot(), event, place) }
            })
    }

    /// How many slots are connected. Looks at each; beside other threads that connect and disconnect, a moment's view.
    #[track_caller]
    pub fn len(&self) -> usize {
        self.root.len(Location::caller())
    }

    /// Is no slot connected? Stops at the first that is.
    #[track_caller]
    pub fn is_empty(&self) -> bool {
        self.root.is_empty(Location::caller())
    }

    /// Disconnects every slot that was connected before this call; returns how many this call disconnected.
    ///
    /// When it returns, no emission that starts later runs any of them, and the emissions under way on this thread skip
    /// those that they have not reached yet. Also sweeps, and like [`connect`](Self::connect) may run the destructors of
    /// what was disconnected before; and, with the feature `async`, wakes tasks that wait for events of the signal.
    ///
    /// ```
    /// let signal = pulsebus::Signal::<u32>::new();
    /// let (a, _b) = (signal.connect(|_| {}), signal.connect(|_| {}));
    /// assert_eq!(signal.disconnect_all(), 2);
    /// assert!(!a.disconnect());
    /// ```
    #[track_caller]
    pub fn disconnect_all(&self) -> usize {
        self.root.disconnect_all(Location::caller())
    }

    /// [`disconnect_all`](Self::disconnect_all), and waits until nobody is inside the slots: for every emission and tick of the
    /// signal's domain that is under way. `Duration::MAX` waits for as long as it takes; zero looks once.
    ///
    /// # Errors
    /// The slots are disconnected in each case; what failed is the waiting. [`WaitError::WouldDeadlock`] inside an emission or a tick;
    /// [`WaitError::TimedOut`] if some thread was still inside one.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let signal = pulsebus::Signal::<u32>::new();
    /// signal.connect(|n| println!("{n}"));
    /// assert_eq!(signal.disconnect_all_and_wait(Duration::from_secs(1)), Ok(1));
    /// ```
    #[track_caller]
    pub fn disconnect_all_and_wait(&self, timeout: Duration) -> Result<usize, WaitError> {
        let count = self.disconnect_all();
        self.domain().quiesce(timeout).map(|()| count)
    }

    /// Sets what a panic in a slot means, from the next panic on. [`PanicPolicy::Isolate`] at first.
    ///
    /// ```
    /// use pulsebus::{PanicPolicy, Signal};
    ///
    /// let signal = Signal::<u32>::new();
    /// signal.on_panic(PanicPolicy::DisconnectAfter(2));
    /// let fragile = signal.connect(|n| assert!(*n < 10, "too large"));
    /// signal.emit_batch(&[1, 20, 3, 40]);
    /// assert!(!fragile.is_connected());
    /// ```
    pub fn on_panic(&self, policy: PanicPolicy) {
        self.root.policy.set(policy);
    }

    /// What a panic in a slot means at present.
    pub fn panic_policy(&self) -> PanicPolicy {
        self.root.policy.get()
    }

    /// What tells later whether it has been dropped; `None` if nothing was ever connected.
    pub(crate) fn life(&self) -> Option<Life> {
        self.root.life()
    }

    /// The domain it reclaims with.
    pub fn domain(&self) -> &Domain {
        &self.root.domain
    }
}

impl<E> Drop for Signal<E> {
    /// Ends all connections, and drops what their slots captured, at once; but for what was disconnected earlier and
    /// waits for its grace period already.
    fn drop(&mut self) {
        self.root.tear_down();
    }
}

impl<E> Default for Signal<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for Signal<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal")
            .field("event", &std::any::type_name::<E>())
            .field("len", &self.len())
            .field("panic_policy", &self.panic_policy())
            .finish_non_exhaustive()
    }
}
