//! A signal with a last value: who comes late gets it at once.
//!
//! [`gate`] decides, slot by slot, which value is news; [`core`] connects and delivers; here is what is stored.

// Models bring a store of their own.
#![cfg_attr(loom, allow(dead_code))]

mod core;
mod gate;

#[cfg(loom)]
pub(crate) use self::core::{Core, Store};
#[cfg(not(loom))]
use self::core::{Core, Store};

use crate::connection::Connection;
use crate::domain::Domain;
use crate::panics::PanicPolicy;
use crate::scope::ScopedConnection;
use crate::signal::Signal;
use crate::sync::{const_unless_loom, lock};
use arc_swap::ArcSwapOption;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex};

/// A value that can be watched: slots are called with each new one, and with the last one as soon as they are
/// connected.
///
/// Its slots have no options (priorities, filters, ends, deliveries to other threads): where one is wanted, forward what is new to a
/// [`Signal`], `state.connect(move |value| news.emit(value))`.
///
/// What others call a sticky signal, a behaviour subject, or an observable. Without a value ([`empty`](Self::empty)) it
/// is a signal that has not been emitted yet. It is shared like a [`Signal`]: everything takes `&self`, and it can be a
/// `static`.
///
/// # What is promised
/// - A slot that is connected while there is a value is called with it inside `connect`, on that thread; or, if another
///   thread sets a value at that moment, by that thread, with the old value, the new one, or one after the other. Never
///   with none, and never with the same one twice.
/// - A slot never gets an older value after a newer one, and when nobody is setting any more, it has got the last one.
/// - Calls of one slot never overlap, also not with themselves, and each comes after the one before. (Of two slots,
///   each goes by itself.)
/// - No user code runs under a lock: no slot, no destructor, no comparison, no function that makes a new value.
/// - All that a [`Signal`] promises of its slots: order, disconnecting, panics, what slots may do.
///
/// # What is not
/// - That a slot gets *every* value. If several threads set at the same time, values in between may be left out, for
///   some of the slots or for all. If one thread sets, nobody misses anything, but who is connected meanwhile by
///   another thread and has not come back from its first call, and slots that set (see below).
/// - That all slots have got a value when the `set` of it returns: a slot that another thread is calling just then gets
///   it from that thread, when it has come back from the call. (So that thread's `set` goes on for as long as others
///   keep setting while it is inside slots.)
///
/// - That a slot whose connection was [blocked](Connection::block) catches up: it gets none of the values that were set
///   meanwhile, and the next one after that.
///
/// # Slots that set
/// A slot may set the state that it listens to. The inner `set` calls the slots that come after it and before it, at
/// once; later slots do not get the outer value any more, for it is old by then. The slot itself is not called inside
/// its own call, but when the outer `set` has gone round. A slot that sets a new value at each call, without an end,
/// keeps that `set` going for ever; [`set_if_changed`](Self::set_if_changed) makes such circles end when the value
/// settles.
///
/// ```
/// use pulsebus::State;
/// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
/// static SHOWN: AtomicU32 = AtomicU32::new(0);
///
/// let health = State::new(100);
/// health.set(80);
/// // Comes late, and shows 80 at once.
/// let bar = health.connect(|&health| SHOWN.store(health, Relaxed));
/// assert_eq!(SHOWN.load(Relaxed), 80);
///
/// health.update(|health| health - 30);
/// assert_eq!(SHOWN.load(Relaxed), 50);
/// bar.disconnect();
/// ```
///
/// Values are shared between threads, so they have to be `Send` and `Sync`:
///
/// ```compile_fail
/// let state = pulsebus::State::new(std::cell::Cell::new(1)); // a Cell is for one thread at a time
/// ```
/// ```
/// let state = pulsebus::State::new(std::sync::atomic::AtomicU32::new(1));
/// ```
pub struct State<T: 'static> {
    core: Core<Shelf<T>>,
}

/// Where the last value is kept.
pub(crate) struct Shelf<T: 'static> {
    /// Replaced under the lock of `version`, read without.
    value: ArcSwapOption<T>,
    /// That of the value: how many there have been.
    version: Mutex<u64>,
}

impl<T: 'static> Store for Shelf<T> {
    type Value = Arc<T>;

    fn latest(&self) -> Option<(u64, Arc<T>)> {
        let version = lock(&self.version);
        self.value.load_full().map(|value| (*version, value))
    }
}

impl<T: 'static> Shelf<T> {
    const_unless_loom! {
        fn empty() -> Self {
            Self { value: ArcSwapOption::const_empty(), version: Mutex::new(0) }
        }
    }

    /// Makes `value` the newest if the newest is of that version, or whatever it is. Returns its version, and the value
    /// before.
    fn replace(&self, expected: Option<u64>, value: &Arc<T>) -> Result<(u64, Option<Arc<T>>), Overtaken> {
        let mut version = lock(&self.version);
        if expected.is_some_and(|expected| expected != *version) {
            return Err(Overtaken);
        }
        *version += 1;
        // Nothing is dropped here: what was stored is returned.
        Ok((*version, self.value.swap(Some(Arc::clone(value)))))
    }
}

/// Another value has been set meanwhile.
struct Overtaken;

impl<T: Send + Sync + 'static> State<T> {
    /// A state with that value, in the [global](Domain::global) domain.
    pub fn new(value: T) -> Self {
        Self::with_value(Self::empty(), value)
    }

    const_unless_loom! {
        /// A state without a value, in the [global](Domain::global) domain: slots are called from the first value on.
        ///
        /// ```
        /// use pulsebus::State;
        ///
        /// static LEVEL: State<String> = State::empty();
        ///
        /// assert_eq!(LEVEL.get(), None);
        /// let title = LEVEL.connect(|name| println!("welcome to {name}")); // not called yet
        /// LEVEL.set("the caves".to_owned());
        /// # title.disconnect();
        /// ```
        pub fn empty() -> Self {
            Self { core: Core::new(Signal::new(), Shelf::empty()) }
        }
    }

    /// A state with that value, in `domain`.
    pub fn new_in(domain: &Domain, value: T) -> Self {
        Self::with_value(Self::empty_in(domain), value)
    }

    /// A state without a value, in `domain`.
    pub fn empty_in(domain: &Domain) -> Self {
        Self { core: Core::new(Signal::new_in(domain), Shelf::empty()) }
    }

    fn with_value(mut empty: Self, value: T) -> Self {
        empty.core.store = Shelf { value: ArcSwapOption::from_pointee(value), version: Mutex::new(1) };
        empty
    }

    /// The value, if there is one. Does not wait for anybody; a load, and a count of the references to it.
    ///
    /// A slot that asks may find a newer value than the one that it is called with.
    ///
    /// ```
    /// let state = pulsebus::State::new(7);
    /// assert_eq!(state.get().as_deref(), Some(&7));
    /// ```
    pub fn get(&self) -> Option<Arc<T>> {
        self.core.store.value.load_full()
    }

    /// Sets the value, and calls the slots with it, on this thread, in connection order.
    ///
    /// The cost is that of an emission with two locked instructions more per slot, a heap call for the value, and a
    /// short lock that only setting and connecting take. The value before is dropped here, after the emission, unless
    /// somebody else has it still. (Its destructor runs inside an emission only if this is called inside a slot of some
    /// other signal. If it panics, the panic is swallowed, and counted in the domain's
    /// [`Statistics`](crate::Statistics).)
    ///
    /// # Panics
    /// Only under [`PanicPolicy::Propagate`], after all slots have run. The value is set.
    ///
    /// ```
    /// let state = pulsebus::State::empty();
    /// state.set(3);
    /// state.connect(|n| println!("{n}")); // 3
    /// state.set(4); // 4
    /// ```
    #[track_caller]
    pub fn set(&self, value: T) {
        self.set_shared(Arc::new(value));
    }

    /// [`set`](Self::set), of a value that is shared already.
    ///
    /// # Panics
    /// As [`set`](Self::set).
    #[track_caller]
    pub fn set_shared(&self, value: Arc<T>) {
        // Without a version to expect it cannot fail.
        if let Ok(replaced) = self.core.store.replace(None, &value) {
            self.tell(replaced, value, Location::caller());
        }
    }

    /// Sets what `f` makes of the value, and returns that; `None`, without calling `f`, if there is no value.
    ///
    /// No value that others set meanwhile is lost: if one came while `f` was at work, `f` is called again, with that
    /// one, and what it made before is dropped. So it may be called several times, and should do nothing else. Nothing
    /// is locked meanwhile; if `f` sets this very state each time, this never ends. If `f` panics, nothing is set.
    ///
    /// # Panics
    /// As [`set`](Self::set), and if `f` does.
    ///
    /// ```
    /// let score = pulsebus::State::new(10);
    /// assert_eq!(score.update(|score| score + 5).as_deref(), Some(&15));
    /// assert_eq!(pulsebus::State::<u32>::empty().update(|score| score + 5), None);
    /// ```
    #[track_caller]
    pub fn update(&self, mut f: impl FnMut(&T) -> T) -> Option<Arc<T>> {
        self.replace_with(|value| value.map(|value| Arc::new(f(value))), Location::caller())
    }

    /// Sets the value if it is another one than that which is set, or if none is; whether it did. Slots are called only
    /// then.
    ///
    /// As in [`update`](Self::update), nothing is locked while the values are compared, and they are compared again if
    /// another one is set meanwhile.
    ///
    /// # Panics
    /// As [`set`](Self::set), and if the comparison does: then nothing is set.
    ///
    /// ```
    /// let level = pulsebus::State::new(1);
    /// assert!(!level.set_if_changed(1));
    /// assert!(level.set_if_changed(2));
    /// ```
    #[track_caller]
    pub fn set_if_changed(&self, value: T) -> bool
    where
        T: PartialEq,
    {
        let value = Arc::new(value);
        let changed = |old: Option<&T>| (old != Some(&*value)).then(|| Arc::clone(&value));
        self.replace_with(changed, Location::caller()).is_some()
    }

    /// Sets what `make` makes of the value, if it does make something. Exactly that value is replaced: if it has been
    /// replaced meanwhile, `make` is asked again.
    fn replace_with(
        &self,
        mut make: impl FnMut(Option<&T>) -> Option<Arc<T>>,
        place: &'static Location<'static>,
    ) -> Option<Arc<T>> {
        loop {
            let (version, old) = self.core.store.latest().map_or((0, None), |(version, old)| (version, Some(old)));
            let made = make(old.as_deref());
            self.core.let_go(old);
            let made = made?;
            match self.core.store.replace(Some(version), &made) {
                Ok(replaced) => {
                    self.tell(replaced, Arc::clone(&made), place);
                    return Some(made);
                }
                Err(Overtaken) => self.core.let_go(made),
            }
        }
    }

    fn tell(&self, (version, old): (u64, Option<Arc<T>>), value: Arc<T>, place: &'static Location<'static>) {
        let delivered = self.core.deliver((version, value), None, place);
        self.core.let_go(old);
        delivered.resume();
    }

    /// Connects a slot, to be called with the value that there is, if there is one, and with each that is set from now
    /// on.
    ///
    /// The first call is made before this returns, on this thread; unless another thread sets a value at this moment,
    /// and calls the slot itself. Costs what [connecting](Signal::connect) costs, and that call; 16 bytes of captures
    /// are stored without a heap call.
    ///
    /// If the slot panics at its first call, that is counted against the connection, which is returned all the same
    /// (under [`PanicPolicy::DisconnectAfter`] it may have ended by that). Nothing is propagated from here under any
    /// policy.
    ///
    /// ```
    /// let state = pulsebus::State::new(1);
    /// let connection = state.connect(|n| println!("{n}")); // prints 1
    /// state.set(2); // prints 2
    /// connection.disconnect();
    /// ```
    #[track_caller]
    pub fn connect<F>(&self, slot: F) -> Connection
    where
        F: Fn(&T) + Send + Sync + 'static,
    {
        self.core.connect(move |value: &Arc<T>| slot(value))
    }

    /// Connects a slot for as long as the returned guard lives. Otherwise like [`connect`](Self::connect).
    ///
    /// ```
    /// let state = pulsebus::State::new(1);
    /// {
    ///     let _here = state.connect_scoped(|n| println!("{n}"));
    ///     assert_eq!(state.len(), 1);
    /// }
    /// assert!(state.is_empty());
    /// ```
    #[track_caller]
    pub fn connect_scoped<F>(&self, slot: F) -> ScopedConnection
    where
        F: Fn(&T) + Send + Sync + 'static,
    {
        ScopedConnection::from(self.connect(slot))
    }

    /// How many slots are connected; see [`Signal::len`].
    #[track_caller]
    pub fn len(&self) -> usize {
        self.core.signal.len()
    }

    /// Is no slot connected? (Whether there is a value, [`get`](Self::get) tells.)
    #[track_caller]
    pub fn is_empty(&self) -> bool {
        self.core.signal.is_empty()
    }

    /// Disconnects every slot that was connected before this call; how many. The value stays. See
    /// [`Signal::disconnect_all`].
    #[track_caller]
    pub fn disconnect_all(&self) -> usize {
        self.core.signal.disconnect_all()
    }

    /// Sets what a panic in a slot means, from the next panic on; see [`Signal::on_panic`].
    pub fn on_panic(&self, policy: PanicPolicy) {
        self.core.signal.on_panic(policy);
    }

    /// What a panic in a slot means at present.
    pub fn panic_policy(&self) -> PanicPolicy {
        self.core.signal.panic_policy()
    }

    /// The domain it reclaims with.
    pub fn domain(&self) -> &Domain {
        self.core.signal.domain()
    }
}

impl<T: Send + Sync + 'static> Signal<T> {
    const_unless_loom! {
        /// A signal that keeps what was emitted last, for those who come late: a [`State`] without a value yet.
        ///
        /// ```
        /// use pulsebus::Signal;
        ///
        /// let level = Signal::sticky();
        /// level.set("the caves");
        /// level.connect(|name| println!("welcome to {name}")); // at once
        /// ```
        pub fn sticky() -> State<T> {
            State::empty()
        }
    }
}

impl<T: Send + Sync + 'static> Default for State<T> {
    /// Without a value.
    fn default() -> Self {
        Self::empty()
    }
}

impl<T: Send + Sync + 'static> From<T> for State<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: 'static> fmt::Debug for State<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("value", &std::any::type_name::<T>())
            .field("is_set", &self.core.store.value.load().is_some())
            .field("len", &self.core.signal.len())
            .field("panic_policy", &self.core.signal.panic_policy())
            .finish_non_exhaustive()
    }
}
