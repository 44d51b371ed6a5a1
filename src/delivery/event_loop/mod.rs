//! The event loop: slots that run on the thread that owns them, when it has time.
//!
//! ```text
//! any thread                                     the owner's thread
//! emit ─▶ slot: a `Route`, that clones ─▶ queue ─▶ run_pending ─▶ table: the closure ─▶ call, in the slot's stead
//! handle.post ──────────────────────────▶   │
//!                                         bell ─▶ run, asleep
//! ```
//!
//! The closures never leave the owner: they lie in the [`table`], not in their slots. What lies in a slot is the
//! [`Route`], a number and the way to the [`queue`]; when it is dropped, whoever does that leaves the number, and the
//! owner drops the closure. So a closure needs to be neither `Send` nor `Sync`, and there is no `unsafe` about it: an
//! [`EventLoop`] is not `Send`, for what it keeps is not. (The [`parcel`] of an event is small storage without a type;
//! it checks the type it is opened with.)

mod budget;
mod handle;
mod parcel;
mod queue;
mod table;

pub use budget::{LoopBudget, LoopRun};
pub use handle::{LoopHandle, PostError, Returned};
pub use queue::{LoopFigures, LoopTask};

use super::{CapacityError, Wait};
use crate::connection::Connection;
use crate::epoch;
use crate::panics::{PanicPolicy, drop_quietly, isolated};
use crate::scope::ScopedConnection;
use crate::signal::Signal;
use budget::Limit;
use parcel::Parcel;
use queue::{Entry, Shared};
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::{Arc, Weak};
use std::time::Instant;
use table::{Begun, Remains, Table, Turn};

/// Calls slots on its own thread: emissions on other threads queue the events, and the owner runs them, in its tick
/// ([`run_pending`](Self::run_pending)) or for as long as it has nothing else to do ([`run`](Self::run)).
///
/// It stays on the thread that has made it, and so do the slots that are connected by it: they may be `FnMut`, and
/// capture what is neither `Send` nor `Sync`. Other threads have a [handle](Self::handle), by which they
/// [post](LoopHandle::post) tasks.
///
/// # What is promised
/// - Calls run in the order in which they were queued. So all that one thread emits, to whatever signals, and all that
///   it posts, comes in its order; a batch comes event by event.
/// - A queued call is not run if its connection has ended, or is blocked then: it is looked at right before the call. (A block of the
///   whole signal concerns emissions, and not what is queued already.)
///   Once `disconnect()` has returned on the owner's thread, nothing of what is queued for it runs.
///   [`disconnect_and_wait`](Connection::disconnect_and_wait), on another thread, waits for a call of the loop as for
///   an emission.
/// - A panic of a queued call is the slot's: it is counted for its connection, reported to the domain's hook, and
///   treated by its own panic policy, or by that which the signal had when it was connected.
/// - Closures are dropped on the owner's thread, outside of emissions and calls; also those of slots that others have
///   disconnected: when a run meets a call that is queued for one, or after it has been [collected](crate::collect).
/// - Dropping the loop disconnects its slots, and drops, on this thread, the closures and what is queued.
///
/// # What is not
/// - That queueing costs nothing: the event is cloned, and put into a queue that makes a heap call for each 31 entries
///   (none, if the loop is [bounded](Self::bounded)) and one more for an event of more than 24 bytes. Lock-free, but
///   for other threads that are just making room.
/// - That the queue ends somewhere. If the owner does not keep up, it grows; [`figures`](Self::figures) tell how far it
///   has come. A [bounded](Self::bounded) loop has room for so much, and loses what comes when it is full.
///
/// # Inside a queued call
/// Anything is allowed: emitting (to the loop's own slots too: it is queued), connecting, disconnecting. Running the
/// loop as well: what is queued runs in its order, but for what is queued for a slot that is being called; that comes
/// right after its call.
///
/// ```
/// use pulsebus::{EventLoop, Signal};
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// static LOADED: Signal<u32> = Signal::new();
///
/// let event_loop = EventLoop::new();
/// let sum = Rc::new(Cell::new(0)); // of this thread only
/// let total = sum.clone();
/// event_loop.connect(&LOADED, move |n| total.set(total.get() + n));
///
/// std::thread::spawn(|| LOADED.emit(&7)).join().unwrap();
/// assert_eq!(sum.get(), 0);
/// let run = event_loop.run_pending(100); // in each tick
/// assert_eq!((sum.get(), run.calls, run.left), (7, 1, 0));
/// ```
///
/// It does not leave its thread:
///
/// ```compile_fail
/// let event_loop = pulsebus::EventLoop::new();
/// std::thread::spawn(move || event_loop.run_pending(1));
/// ```
/// ```
/// let event_loop = pulsebus::EventLoop::new();
/// let handle = event_loop.handle();
/// std::thread::spawn(move || handle.post(|_| {}));
/// ```
pub struct EventLoop {
    /// Of this thread only, which makes the loop so.
    table: RefCell<Table>,
    shared: Arc<Shared>,
}

impl EventLoop {
    /// A loop of the calling thread, whose queue grows as it has to.
    pub fn new() -> Self {
        Self::with(None)
    }

    /// A loop of the calling thread that has room for so many queued calls and tasks, made at once. An event that finds
    /// no room is lost, and counted ([`LoopFigures::lost`]); a task is handed back. Emissions never wait for room.
    ///
    /// # Errors
    /// A capacity of zero, or one that could not be allocated.
    ///
    /// ```
    /// use pulsebus::{EventLoop, Signal};
    ///
    /// let (signal, event_loop) = (Signal::<u32>::new(), EventLoop::bounded(2)?);
    /// event_loop.connect(&signal, |n| println!("{n}"));
    /// signal.emit_batch(&[1, 2, 3]);
    /// assert_eq!(event_loop.run_pending(10).calls, 2);
    /// assert_eq!(event_loop.figures().lost, 1);
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    pub fn bounded(capacity: usize) -> Result<Self, CapacityError> {
        /// An entry and what the queue keeps beside it, generously.
        const ENTRY: usize = 2 * size_of::<Entry>();
        let most = isize::MAX as usize / ENTRY;
        match capacity {
            0 => Err(CapacityError::Zero),
            asked if asked > most => Err(CapacityError::TooLarge { asked, most }),
            asked => {
                // The queue itself would abort. (The room is asked for and given back: nothing is touched.)
                let room = Vec::<[u8; ENTRY]>::new().try_reserve_exact(capacity);
                room.map_err(|_| CapacityError::NoMemory { asked })?;
                Ok(Self::with(Some(capacity)))
            }
        }
    }

    fn with(capacity: Option<usize>) -> Self {
        Self { table: RefCell::default(), shared: Arc::new(Shared::new(capacity)) }
    }

    /// What other threads may have of it.
    pub fn handle(&self) -> LoopHandle {
        LoopHandle { shared: Arc::downgrade(&self.shared) }
    }

    /// Connects a slot that runs on this loop: the emission clones the event and queues it, and the owner calls the
    /// slot.
    ///
    /// Otherwise like [`Signal::connect`]: the connection is one of the signal's. If the event's `clone` panics, that
    /// is a panic of the slot, on the thread that emits.
    #[track_caller]
    pub fn connect<E, F>(&self, signal: &Signal<E>, slot: F) -> Connection
    where
        E: Clone + Send + 'static,
        F: FnMut(&E) + 'static,
    {
        let route = self.route(signal.panic_policy(), slot);
        let number = route.number;
        let connection = signal.connect(move |event| route.queue(event));
        self.connected(number, connection);
        connection
    }

    /// Connects a slot for as long as the returned guard lives. Otherwise like [`connect`](Self::connect).
    #[track_caller]
    pub fn connect_scoped<E, F>(&self, signal: &Signal<E>, slot: F) -> ScopedConnection
    where
        E: Clone + Send + 'static,
        F: FnMut(&E) + 'static,
    {
        ScopedConnection::from(self.connect(signal, slot))
    }

    /// For whoever connects in another way: keeps the slot, and returns what is to be connected in its place. When that
    /// is done, [`connected`](Self::connected) has to be told, on this thread; what is queued for it before the loop
    /// runs is not missed.
    ///
    /// `policy` is what a panic of a queued call means.
    #[track_caller]
    pub(crate) fn route<E, F>(&self, policy: PanicPolicy, mut slot: F) -> Route<E>
    where
        E: Clone + Send + 'static,
        F: FnMut(&E) + 'static,
    {
        let call = move |event: &Parcel| slot(event.get::<E>().expect("routes queue events of their slot's type"));
        let number = self.table.borrow_mut().add(Box::new(call), policy, Location::caller());
        Route { shared: Arc::downgrade(&self.shared), number, _event: PhantomData }
    }

    /// The connection of what was routed.
    pub(crate) fn connected(&self, number: u64, connection: Connection) {
        self.table.borrow_mut().set_connection(number, connection);
    }

    /// Runs what is queued, in its order, up to a budget: a number of calls, a `Duration`, or [`LoopBudget::Queued`].
    /// What is queued meanwhile, by the calls themselves too, comes in its turn, if the budget is not spent by then.
    /// Does not wait.
    ///
    /// # Panics
    /// Only under [`PanicPolicy::Propagate`], right after the call that has panicked. What is queued after it stays.
    ///
    /// ```
    /// use pulsebus::{EventLoop, LoopBudget, Signal};
    /// use std::time::Duration;
    ///
    /// let (signal, event_loop) = (Signal::<u32>::new(), EventLoop::new());
    /// event_loop.connect(&signal, |n| println!("{n}"));
    /// signal.emit_batch(&[1, 2, 3, 4]);
    /// assert_eq!(event_loop.run_pending(1).left, 3);
    /// assert!(event_loop.run_pending(Duration::ZERO).calls == 1); // at least one
    /// assert_eq!(event_loop.run_pending(LoopBudget::Queued).left, 0);
    /// ```
    pub fn run_pending(&self, budget: impl Into<LoopBudget>) -> LoopRun {
        self.bury();
        let limit = Limit::of(budget.into(), self.queued());
        let (mut run, mut steps) = (LoopRun::default(), 0);
        while limit.permits(steps, run.calls) && self.step(&mut run) {
            steps += 1;
        }
        run.left = self.queued();
        run
    }

    /// Runs what is queued, and sleeps when there is nothing, until [`LoopHandle::stop`] is called: then it returns
    /// before the next call. Of nested ones the innermost ends.
    ///
    /// # Panics
    /// As [`run_pending`](Self::run_pending).
    ///
    /// ```
    /// use pulsebus::EventLoop;
    ///
    /// let event_loop = EventLoop::new();
    /// let handle = event_loop.handle();
    /// let worker = std::thread::spawn(move || {
    ///     handle.post(|_| println!("on the loop's thread")).unwrap();
    ///     let stopper = handle.clone();
    ///     handle.post(move |_| stopper.stop()).unwrap();
    /// });
    /// assert_eq!(event_loop.run().calls, 2);
    /// worker.join().unwrap();
    /// ```
    pub fn run(&self) -> LoopRun {
        self.run_to(None)
    }

    /// The same, but not for longer than until `deadline`, which is looked at before each call.
    ///
    /// # Panics
    /// As [`run_pending`](Self::run_pending).
    pub fn run_until(&self, deadline: Instant) -> LoopRun {
        self.run_to(Some(deadline))
    }

    fn run_to(&self, deadline: Option<Instant>) -> LoopRun {
        let is_over = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        // Inside an emission nothing is buried: then it is no reason to get up.
        let buries = !epoch::is_pinned();
        let mut run = LoopRun::default();
        loop {
            self.bury();
            loop {
                if self.shared.take_stop() || is_over() {
                    run.left = self.queued();
                    return run;
                }
                if !self.step(&mut run) {
                    break;
                }
            }
            let shared = &self.shared;
            let ready = || (shared.len() > 0 || shared.is_stopped() || buries && shared.has_gone()).then_some(());
            shared.bell.wait(Wait::Park, || deadline, ready);
        }
    }

    /// Runs the next one that is queued, if there is one.
    fn step(&self, run: &mut LoopRun) -> bool {
        let overdue = self.table.borrow_mut().pop_overdue();
        match overdue.or_else(|| self.shared.pop()) {
            None => return false,
            Some(Entry::Call { to, event }) => self.call(to, event, run),
            Some(Entry::Spilled(call)) => {
                let is_made = isolated(call).unwrap_or(true);
                if is_made { self.count_call(run) } else { self.count_skipped(run) }
            }
            Some(Entry::Task(task)) => {
                self.count_call(run);
                if isolated(|| task(self)).is_err() {
                    self.shared.counts.task_panics.add_one();
                }
            }
        }
        true
    }

    fn call(&self, number: u64, event: Parcel, run: &mut LoopRun) {
        let turn = self.table.borrow_mut().begin(number, event);
        let (begun, event) = match turn {
            Turn::Begins(begun, event) => (begun, event),
            Turn::Waits => return,
            Turn::Gone(event) => {
                self.count_skipped(run);
                let _ = drop_quietly(event);
                return;
            }
        };
        let Begun { mut call, connection, policy, place } = begun;
        let mut has_run = false;
        let (_, panicked) = connection.run_under(policy, place, || {
            has_run = true;
            self.count_call(run);
            call(&event);
        });
        if !has_run {
            self.count_skipped(run);
        }
        // Inside an emission, or another call, it is left for `bury`.
        let ended = self.table.borrow_mut().end(number, call, !epoch::is_pinned());
        let _ = drop_quietly(ended);
        let _ = drop_quietly(event);
        panicked.resume();
    }

    fn count_call(&self, run: &mut LoopRun) {
        run.calls += 1;
        self.shared.counts.calls.add_one();
    }

    fn count_skipped(&self, run: &mut LoopRun) {
        run.skipped += 1;
        self.shared.counts.skipped.add_one();
    }

    /// Drops the closures of slots that are no more; not inside an emission or a queued call.
    fn bury(&self) {
        if epoch::is_pinned() {
            return;
        }
        for number in self.shared.take_gone() {
            let remains = self.table.borrow_mut().remove(number);
            drop_remains(remains);
        }
    }

    fn queued(&self) -> usize {
        self.shared.len() + self.table.borrow().overdue()
    }

    /// What it has done, and what waits.
    pub fn figures(&self) -> LoopFigures {
        self.shared.figures()
    }

    /// How much can be queued; `None` if it is not [bounded](Self::bounded).
    pub fn capacity(&self) -> Option<usize> {
        self.shared.capacity()
    }
}

/// Drops closures and events, outside of the table, whatever their destructors do.
fn drop_remains(remains: impl IntoIterator<Item = Remains>) {
    for Remains { call, waiting } in remains {
        waiting.into_iter().for_each(|event| _ = drop_quietly(event));
        let _ = drop_quietly(call);
    }
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        let table = std::mem::take(self.table.get_mut());
        // All of them, before any destructor runs.
        table.connections().for_each(|connection| _ = connection.disconnect());
        let (remains, overdue) = table.into_remains();
        drop_remains(remains);
        overdue.into_iter().for_each(|entry| _ = drop_quietly(entry));
        // What comes up meanwhile ends with the queue: here, or on the thread that is just putting it in.
        for _ in 0..self.shared.len() {
            let _ = drop_quietly(self.shared.pop());
        }
    }
}

impl Default for EventLoop {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoop")
            .field("slots", &self.table.borrow().len())
            .field("capacity", &self.capacity())
            .field("figures", &self.figures())
            .finish()
    }
}

/// What is connected in the place of a loop's slot: the way to its queue.
pub(crate) struct Route<E> {
    /// Weak: what is queued ends with the loop, not with the slots.
    shared: Weak<Shared>,
    pub(crate) number: u64,
    _event: PhantomData<fn(&E)>,
}

impl<E: Clone + Send + 'static> Route<E> {
    /// Queues a call with a clone of the event.
    pub(crate) fn queue(&self, event: &E) {
        let event = Parcel::new(event.clone());
        if let Some(shared) = self.shared.upgrade() {
            shared.call(self.number, event);
        }
    }
}

impl<E> Drop for Route<E> {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.mourn(self.number);
        }
    }
}
