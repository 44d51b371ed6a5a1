//! The builder of slots: what one subscriber wants of its events.
//!
//! Everything here is a closure around the user's, made when it is connected: what is not asked for is not there.

mod budget;
mod forward;
#[cfg(not(loom))]
mod on_loop;
mod optioned;
mod priority;
mod when;

pub use budget::{OverBudget, SlotBudget, SlowSlot};
pub use forward::{FORWARD_LIMIT, ForwardTarget, MappedSlot};
#[cfg(not(loom))]
pub use on_loop::{LoopSlot, SpillingSlot};
pub use priority::Priority;
pub use when::{Always, Filter, Until, When};

use crate::connection::Connection;
use crate::list::{Closure, Due, Rank};
use crate::panics::PanicPolicy;
use crate::scope::ScopedConnection;
use crate::signal::Signal;
use optioned::{Gated, Limit, Limited, Optioned};
use std::fmt;
use std::ops::ControlFlow;
use std::panic::Location;
use std::sync::Arc;

/// A slot that is being described; from [`Signal::slot`]. Say what there is to say, in any order, then
/// [`connect`](Self::connect), or one of its like.
///
/// Nothing happens before that. What is said twice counts as said last, but for filters and ends ([`filter`](Self::filter),
/// [`until`](Self::until)), which add up in the order in which they are said.
///
/// # Costs
/// Inline, all of it: what is not asked for costs nothing, neither this slot nor others. A filter costs its call; `once` and
/// `times` an atomic exchange for each call; a budget two looks at the clock. A priority other than the default one,
/// [`at_front`](Self::at_front), [`connect_flow`](Self::connect_flow) and [`Signal::block`] make the whole signal one that is emitted lane by
/// lane: that costs each of its emissions some two hundred instructions, and each lane a chunk of memory (2 KiB), until the signal is
/// dropped. (`RESULTS.md` has the figures.)
///
/// An option takes room beside what the slot captured, of the 24 bytes that need no heap call: `once` and `times` 8, a filter
/// what it captured; a panic policy or a budget with what else there is.
///
/// ```
/// use pulsebus::{Priority, Signal};
///
/// let damage = Signal::<u32>::new();
/// damage.slot().before().filter(|n| *n > 100).connect(|n| println!("a heavy hit: {n}"));
/// damage.slot().once().connect(|_| println!("first blood"));
/// damage.slot().priority(7).times(3).connect(|n| println!("{n}"));
/// damage.emit(&120);
/// ```
#[must_use = "nothing is connected before `.connect(..)`"]
pub struct SlotBuilder<'a, E, W = Always> {
    signal: &'a Signal<E>,
    priority: Priority,
    at_front: bool,
    times: Option<u64>,
    policy: Option<PanicPolicy>,
    budget: Option<SlotBudget>,
    when: W,
}

impl<E> Signal<E> {
    /// Describes a slot before it is connected: its priority, how often it runs, for which events, what its panics mean.
    ///
    /// ```
    /// let signal = pulsebus::Signal::<u32>::new();
    /// signal.slot().once().connect(|n| println!("the first one is {n}"));
    /// ```
    pub fn slot(&self) -> SlotBuilder<'_, E> {
        SlotBuilder {
            signal: self,
            priority: Priority::DEFAULT,
            at_front: false,
            times: None,
            policy: None,
            budget: None,
            when: Always,
        }
    }
}

impl<'a, E, W> SlotBuilder<'a, E, W> {
    /// Will it be a slot of that signal?
    #[cfg(not(loom))]
    pub(crate) fn is_of(&self, signal: &Signal<E>) -> bool {
        std::ptr::eq(self.signal, signal)
    }

    /// Which slots run before it, and which after it: lower priorities run first, in connection order inside one.
    pub fn priority(mut self, priority: impl Into<Priority>) -> Self {
        self.priority = priority.into();
        self
    }

    /// Before those of which nothing is said: [`Priority::BEFORE`].
    pub fn before(self) -> Self {
        self.priority(Priority::BEFORE)
    }

    /// After those of which nothing is said: [`Priority::AFTER`].
    pub fn after(self) -> Self {
        self.priority(Priority::AFTER)
    }

    /// Before all others of its priority that are connected already. Of two that were connected at the front, the later one
    /// runs first.
    ///
    /// An emission keeps a pointer on the stack for each 32 slots that were connected at the front: made for some, not for millions.
    pub fn at_front(mut self) -> Self {
        self.at_front = true;
        self
    }

    /// Runs exactly once, also if two threads emit at the same moment; the connection has ended before it runs.
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// Runs exactly so many times, and has ended before the last one runs. What a filter keeps out does not count; a panic
    /// does. Never, if it is zero: the connection ends at its first event.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Runs only for events that the predicate is true of. It is called on the emitting thread, as a part of the slot: its
    /// panics are the slot's.
    pub fn filter<P>(self, predicate: P) -> SlotBuilder<'a, E, Filter<W, P>>
    where
        P: Fn(&E) -> bool + Send + Sync + 'static,
    {
        self.with(|when| Filter::new(when, predicate))
    }

    /// Ends at the first event that the predicate is true of, which is not delivered. Another thread may be inside the slot
    /// with an earlier event then.
    pub fn until<P>(self, predicate: P) -> SlotBuilder<'a, E, Until<W, P>>
    where
        P: Fn(&E) -> bool + Send + Sync + 'static,
    {
        self.with(|when| Until::new(when, predicate))
    }

    /// What its panics mean, whatever they mean to the [signal](Signal::on_panic).
    pub fn on_panic(mut self, policy: PanicPolicy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// How long a call may take. Those that take longer are counted, under the place where the slot was connected; see
    /// [`SlotBudget`].
    pub fn budget(mut self, budget: &SlotBudget) -> Self {
        self.budget = Some(budget.clone());
        self
    }

    fn with<V>(self, change: impl FnOnce(W) -> V) -> SlotBuilder<'a, E, V> {
        let Self { signal, priority, at_front, times, policy, budget, when } = self;
        SlotBuilder { signal, priority, at_front, times, policy, budget, when: change(when) }
    }
}

impl<'a, E, W: When<E>> SlotBuilder<'a, E, W> {
    /// Connects the slot. As [`Signal::connect`], if nothing was said.
    #[track_caller]
    pub fn connect<F>(self, slot: F) -> Connection
    where
        F: Fn(&E) + Send + Sync + 'static,
    {
        settled(self.connect_only(slot, Location::caller()))
    }

    /// Connects the slot, and leaves what is due afterwards to the caller.
    pub(crate) fn connect_only<F>(self, slot: F, place: &'static Location<'static>) -> (Connection, Option<Due>)
    where
        F: Fn(&E) + Send + Sync + 'static,
    {
        if W::IS_ALWAYS && self.times.is_none() && self.policy.is_none() && self.budget.is_none() {
            return self.signal.attach_only(self.rank(), Closure::each::<E, F>(slot), place);
        }
        self.attach_only(place, move |event, _| {
            slot(event);
            ControlFlow::Continue(())
        })
    }

    /// Connects the slot for as long as the returned guard lives.
    #[track_caller]
    pub fn connect_scoped<F>(self, slot: F) -> ScopedConnection
    where
        F: Fn(&E) + Send + Sync + 'static,
    {
        ScopedConnection::from(self.connect(slot))
    }

    /// Connects a slot that may stop the emission: if it returns `Break`, no slot after it runs, and
    /// [`emit`](Signal::emit) says [`Stopped`](crate::Emitted::Stopped). A batch ends with it: it gets none of the events that
    /// are left, and the slots after it get none at all.
    ///
    /// Emissions that have begun when this is the first such slot of the signal can't be stopped; it does not run in those of
    /// its own thread.
    ///
    /// ```
    /// use pulsebus::Signal;
    /// use std::ops::ControlFlow;
    ///
    /// let key = Signal::<char>::new();
    /// key.slot().before().connect_flow(|key| match key {
    ///     'q' => ControlFlow::Break(()), // handled here
    ///     _ => ControlFlow::Continue(()),
    /// });
    /// key.connect(|key| assert_ne!(*key, 'q'));
    /// assert!(key.emit(&'q').is_stopped());
    /// assert!(key.emit(&'a').is_completed());
    /// ```
    #[track_caller]
    pub fn connect_flow<F>(self, slot: F) -> Connection
    where
        F: Fn(&E) -> ControlFlow<()> + Send + Sync + 'static,
    {
        settled(self.connect_flow_only(slot, Location::caller()))
    }

    /// The same, and leaves what is due afterwards to the caller.
    pub(crate) fn connect_flow_only<F>(self, slot: F, place: &'static Location<'static>) -> (Connection, Option<Due>)
    where
        F: Fn(&E) -> ControlFlow<()> + Send + Sync + 'static,
    {
        self.signal.make_elaborate(place);
        self.attach_only(place, move |event, _| slot(event))
    }

    /// Connects a slot that is handed its own connection with each event: to end or block itself, without a cell to keep it in.
    ///
    /// ```
    /// let signal = pulsebus::Signal::<u32>::new();
    /// signal.slot().connect_self(|n, own| {
    ///     if *n == 0 {
    ///         own.disconnect();
    ///     }
    /// });
    /// signal.emit(&0);
    /// assert!(signal.is_empty());
    /// ```
    #[track_caller]
    pub fn connect_self<F>(self, slot: F) -> Connection
    where
        F: Fn(&E, Connection) + Send + Sync + 'static,
    {
        self.attach(Location::caller(), move |event, own| {
            slot(event, own);
            ControlFlow::Continue(())
        })
    }

    /// Connects a method of something that may go: the slot is called with the target, which it keeps alive during the call,
    /// and ends at the first event after the target has gone. Such an event counts for nothing else.
    ///
    /// If a call holds the last reference, the target is dropped inside the emission, by the slot.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// struct Hud { width: u32 }
    ///
    /// let resized = pulsebus::Signal::<u32>::new();
    /// let hud = Arc::new(Hud { width: 80 });
    /// resized.slot().connect_weak(&hud, |hud, width| println!("{} of {width}", hud.width));
    /// drop(hud);
    /// resized.emit(&1);
    /// assert!(resized.is_empty());
    /// ```
    #[track_caller]
    pub fn connect_weak<T, F>(self, target: &Arc<T>, slot: F) -> Connection
    where
        T: Send + Sync + 'static,
        F: Fn(&T, &E) + Send + Sync + 'static,
    {
        let place = Location::caller();
        let (gone, target) = (Arc::downgrade(target), Arc::downgrade(target));
        let is_gone = move |_: &E| gone.strong_count() == 0;
        self.first_until(is_gone).attach(place, move |event, own| {
            match target.upgrade() {
                Some(target) => slot(&target, event),
                None => _ = own.disconnect(),
            }
            ControlFlow::Continue(())
        })
    }

    /// [`until`](Self::until), before all other conditions.
    fn first_until<P>(self, predicate: P) -> SlotBuilder<'a, E, when::First<Until<Always, P>, W>>
    where
        P: Fn(&E) -> bool + Send + Sync + 'static,
    {
        self.with(|when| when::First::new(Until::new(Always, predicate), when))
    }

    /// Hands the slot what a function makes of each event; the function runs after the filters, once per call.
    ///
    /// ```
    /// struct Hit { by: u32, amount: u32 }
    ///
    /// let hit = pulsebus::Signal::<Hit>::new();
    /// hit.slot().filter(|hit| hit.by != 0).map(|hit| hit.amount).connect(|amount| println!("{amount}"));
    /// ```
    pub fn map<U, M>(self, map: M) -> MappedSlot<'a, E, W, M>
    where
        M: Fn(&E) -> U + Send + Sync + 'static,
    {
        MappedSlot::new(self, map)
    }

    fn rank(&self) -> Rank {
        Rank::new(self.priority.get(), self.at_front)
    }

    /// Connects what all slots of the builder come down to, with as much around it as was asked for.
    fn attach_only<F>(self, place: &'static Location<'static>, slot: F) -> (Connection, Option<Due>)
    where
        F: Fn(&E, Connection) -> ControlFlow<()> + Send + Sync + 'static,
    {
        let (signal, rank, when) = (self.signal, self.rank(), self.when);
        let gated = Gated { when, slot };
        if self.policy.is_none() && self.budget.is_none() {
            let closure = match self.times {
                None => Closure::knowing::<E, _>(gated),
                Some(times) => Closure::knowing::<E, _>(Limited { limit: Limit::new(times), gated }),
            };
            return signal.attach_only(rank, closure, place);
        }
        let meter = self.budget.map(|budget| budget.meter(place));
        let limit = self.times.map(Limit::new);
        let optioned = Optioned { limit, policy: self.policy, meter: meter.clone(), gated };
        let (connection, due) = signal.attach_only(rank, Closure::knowing::<E, _>(optioned), place);
        if let Some(meter) = meter {
            meter.is_of(connection);
        }
        (connection, due)
    }

    /// The same, and settles what is due.
    fn attach<F>(self, place: &'static Location<'static>, slot: F) -> Connection
    where
        F: Fn(&E, Connection) -> ControlFlow<()> + Send + Sync + 'static,
    {
        settled(self.attach_only(place, slot))
    }
}

/// Settles what a connect has left to do.
fn settled((connection, due): (Connection, Option<Due>)) -> Connection {
    if let Some(due) = due {
        due.settle();
    }
    connection
}

impl<E, W> fmt::Debug for SlotBuilder<'_, E, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotBuilder")
            .field("priority", &self.priority)
            .field("at_front", &self.at_front)
            .field("times", &self.times)
            .field("on_panic", &self.policy)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}
