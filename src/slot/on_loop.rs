//! Slots that run on an event loop: always, or once they have turned out to be slow.

use super::budget::{Meter, SlotBudget};
use super::optioned::Limit;
use super::{SlotBuilder, When};
use crate::connection::Connection;
use crate::delivery::{EventLoop, LoopHandle};
use crate::panics::PanicPolicy;
use std::cell::Cell;
use std::fmt;
use std::ops::ControlFlow;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

impl<'a, E, W: When<E>> SlotBuilder<'a, E, W> {
    /// Queues the calls to an event loop, which runs them on its own thread; see [`EventLoop`].
    ///
    /// Priorities, filters and ends are looked at when the event is emitted. Calls are counted ([`once`](Self::once),
    /// [`times`](Self::times)) and measured ([`budget`](Self::budget)) when they run.
    ///
    /// ```
    /// use pulsebus::{EventLoop, Signal};
    ///
    /// let (signal, event_loop) = (Signal::<u32>::new(), EventLoop::new());
    /// let mut seen = Vec::new();
    /// signal.slot().filter(|n| n % 2 == 0).on(&event_loop).connect(move |n| {
    ///     seen.push(*n);
    ///     println!("{seen:?}");
    /// });
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| signal.emit_batch(&[1, 2, 3, 4]));
    /// });
    /// assert_eq!(event_loop.run_pending(10).calls, 2);
    /// ```
    pub fn on<'l>(self, event_loop: &'l EventLoop) -> LoopSlot<'a, 'l, E, W> {
        LoopSlot { builder: self, event_loop }
    }

    /// Runs inline, until it has taken longer than the budget so many times: from then on, its calls are queued to an event
    /// loop, with clones of the events.
    ///
    /// The calls on the loop are measured, too, and all are counted ([`once`](Self::once), [`times`](Self::times)) when they run;
    /// priorities, filters and ends are looked at when the event is emitted. A panic on the loop is treated by the slot's own
    /// [policy](Self::on_panic), or by that which the signal had when it was connected. A call that can't be queued, since the loop is gone or full, runs inline. Calls
    /// come in the order of their emission as long as one thread emits; but for the moment of the change, when one that is queued
    /// may be overtaken by none, and one that runs inline by those queued. An `after` of zero counts as one: it must have been slow once.
    pub fn spill(self, budget: &SlotBudget, after: u64, event_loop: &LoopHandle) -> SpillingSlot<'a, E, W> {
        SpillingSlot { builder: self, budget: budget.clone(), after: after.max(1), event_loop: event_loop.clone() }
    }
}

/// A slot that runs on an event loop; from [`SlotBuilder::on`].
#[must_use = "nothing is connected before `.connect(..)`"]
pub struct LoopSlot<'a, 'l, E, W> {
    builder: SlotBuilder<'a, E, W>,
    event_loop: &'l EventLoop,
}

impl<E: Clone + Send + 'static, W: When<E>> LoopSlot<'_, '_, E, W> {
    /// Connects the slot. It stays on the loop's thread, which is this one: it may change what it captures, and that need be
    /// neither `Send` nor `Sync`.
    #[track_caller]
    pub fn connect<F>(self, mut slot: F) -> Connection
    where
        F: FnMut(&E) + 'static,
    {
        let Self { mut builder, event_loop } = self;
        let place = Location::caller();
        let (limit, meter) =
            (builder.times.take().map(Limit::new), builder.budget.take().map(|budget| budget.meter(place)));
        let own = Rc::new(Cell::new(None::<Connection>));
        let (theirs, measured) = (Rc::clone(&own), meter.clone());
        let policy = builder.policy.unwrap_or(builder.signal.panic_policy());
        let route = event_loop.route(policy, move |event| {
            let own = theirs.get().expect("set before the loop can run");
            if limit.as_ref().is_none_or(|limit| limit.take(own)) {
                measure(measured.as_deref(), own, || slot(event));
            }
        });
        let number = route.number;
        let connection = builder.attach(place, move |event, _| {
            route.queue(event);
            ControlFlow::Continue(())
        });
        own.set(Some(connection));
        if let Some(meter) = meter {
            meter.is_of(connection);
        }
        event_loop.connected(number, connection);
        connection
    }
}

/// Runs a call, measured if there is something to measure it by.
fn measure(meter: Option<&Meter>, own: Connection, call: impl FnOnce()) {
    let _watch = meter.map(|meter| {
        let mut watch = meter.watch(own);
        watch.counts_if(true);
        watch
    });
    call();
}

/// A slot that moves to an event loop when it is slow; from [`SlotBuilder::spill`].
#[must_use = "nothing is connected before `.connect(..)`"]
pub struct SpillingSlot<'a, E, W> {
    builder: SlotBuilder<'a, E, W>,
    budget: SlotBudget,
    after: u64,
    event_loop: LoopHandle,
}

impl<E: Clone + Send + 'static, W: When<E>> SpillingSlot<'_, E, W> {
    /// Connects the slot. Three heap calls, and one for each call that is queued.
    ///
    /// ```
    /// use pulsebus::{EventLoop, ManualClock, Signal, SlotBudget};
    /// use std::time::Duration;
    ///
    /// let (hand, event_loop) = (ManualClock::new(), EventLoop::new());
    /// let budget = SlotBudget::new(Duration::from_millis(1)).clock(hand.clock());
    /// let signal = Signal::<u64>::new();
    /// let work = hand.clone();
    /// signal.slot().spill(&budget, 2, &event_loop.handle()).connect(move |n| work.advance(Duration::from_millis(*n)));
    /// signal.emit_batch(&[5, 5, 5]); // twice too slow: the third one is queued
    /// assert_eq!(hand.now(), Duration::from_millis(10));
    /// assert_eq!(event_loop.run_pending(10).calls, 1);
    /// assert_eq!(hand.now(), Duration::from_millis(15));
    /// ```
    #[track_caller]
    pub fn connect<F>(self, slot: F) -> Connection
    where
        F: Fn(&E) + Send + Sync + 'static,
    {
        let Self { mut builder, budget, after, event_loop } = self;
        let place = Location::caller();
        let meter = budget.meter(place);
        let policy = builder.policy.unwrap_or(builder.signal.panic_policy());
        // Counted when it runs: a last call that were counted before would find the slot ended.
        let limit = builder.times.take().map(Limit::new);
        let spilling = Arc::new(Spilling { slot, meter: Arc::clone(&meter), limit, policy });
        let connection = builder.attach(place, move |event, own| {
            if spilling.meter.overruns() < after {
                spilling.call(event, own);
            } else {
                spill(&spilling, event, own, &event_loop, place);
            }
            ControlFlow::Continue(())
        });
        meter.is_of(connection);
        connection
    }
}

/// A slot that two threads may have to call.
struct Spilling<F> {
    slot: F,
    meter: Arc<Meter>,
    limit: Option<Limit>,
    /// What its panics on the loop mean.
    policy: PanicPolicy,
}

impl<F> Spilling<F> {
    /// Calls the slot, if it has a turn left.
    fn call<E>(&self, event: &E, own: Connection)
    where
        F: Fn(&E),
    {
        if self.has_turn(own) {
            self.run(event, own);
        }
    }

    /// Takes a turn, if they are numbered.
    fn has_turn(&self, own: Connection) -> bool {
        self.limit.as_ref().is_none_or(|limit| limit.take(own))
    }

    fn run<E>(&self, event: &E, own: Connection)
    where
        F: Fn(&E),
    {
        measure(Some(&self.meter), own, || (self.slot)(event));
    }
}

/// Queues a call; or makes it, if there is no queue.
fn spill<E, F>(
    spilling: &Arc<Spilling<F>>,
    event: &E,
    own: Connection,
    event_loop: &LoopHandle,
    place: &'static Location<'static>,
) where
    E: Clone + Send + 'static,
    F: Fn(&E) + Send + Sync + 'static,
{
    let (queued, cloned) = (Arc::clone(spilling), event.clone());
    // In the slot's stead: not if it has ended or is blocked by then, and its panics are its own.
    let call = move || {
        let mut is_made = false;
        let _ = own.run_under(queued.policy, place, || {
            is_made = queued.has_turn(own);
            if is_made {
                queued.run(&cloned, own);
            }
        });
        is_made
    };
    if !event_loop.spill(call) {
        spilling.call(event, own);
    }
}

impl<E, W> fmt::Debug for LoopSlot<'_, '_, E, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LoopSlot").field(&self.builder).finish()
    }
}

impl<E, W> fmt::Debug for SpillingSlot<'_, E, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpillingSlot").field("slot", &self.builder).field("after", &self.after).finish_non_exhaustive()
    }
}
