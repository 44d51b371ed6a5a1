//! Slots that do not take every event: throttled, debounced, at the heartbeat.

use super::Bus;
use super::connect::Connect;
use super::details::{Detail, Filter};
use super::error::ConnectError;
use super::inner::Inner;
use super::key::Kind;
use super::own::Own;
use super::scope::OwnerScope;
use super::service::Service;
use super::timer::{Outcome, Pending};
use super::track::Track;
use crate::connection::Connection;
use crate::panics::drop_quietly;
use crate::signal::Signal;
use crate::time::{
    Beat, Clock, Debounce, Due, ExecutionBudget, Heartbeat, KeyedDebounce, KeyedThrottle, Throttle, nanoseconds,
};
use std::cmp::Reverse;
use std::hash::Hash;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// # Slots that do not take every event
///
/// Errors are those of [`slot`](Connect::slot), and [`ZeroInterval`](ConnectError::ZeroInterval).
impl<'a, E: 'static> Connect<'a, &'a Signal<E>> {
    /// Connects a slot that takes at most one event per `interval`: the first one.
    ///
    /// # Errors
    /// See above.
    #[track_caller]
    pub fn throttled<F>(self, interval: Duration, slot: F) -> Result<Connection, ConnectError>
    where
        F: Fn(&E) + Send + Sync + 'static,
    {
        not_zero(interval)?;
        let (throttle, clock) = (Throttle::new(interval), self.bus.clock().clone());
        self.slot(move |event| {
            if throttle.admit(clock.now()) {
                slot(event);
            }
        })
    }

    /// Connects a slot that takes at most one event of each key per `interval`. Only keys of the last interval take memory.
    ///
    /// # Errors
    /// See above.
    #[track_caller]
    pub fn throttled_by<K, G, F>(self, interval: Duration, key: G, slot: F) -> Result<Connection, ConnectError>
    where
        K: Hash + 'static,
        G: Fn(&E) -> K + Send + Sync + 'static,
        F: Fn(&E) + Send + Sync + 'static,
    {
        not_zero(interval)?;
        let (throttle, clock) = (KeyedThrottle::<K>::new(interval), self.bus.clock().clone());
        self.slot(move |event| {
            if throttle.admit(&key(event), clock.now()) {
                slot(event);
            }
        })
    }

    /// Connects a slot that takes the last event of each burst, when there was no other for as long as `quiet`.
    ///
    /// It runs with the bus's [timers](Bus::run_timers), not in the emission. Otherwise it is the slot of this connection like
    /// any other: once that has been disconnected, it is not run, what was pending goes with what it captured, whoever waits for
    /// the connection waits for it, and its panics are counted and reported as the connection's (and isolated, whatever the
    /// signal's policy).
    ///
    /// # Errors
    /// See above.
    ///
    /// ```
    /// use pulsebus::{Bus, ManualClock, Signal};
    /// use std::time::Duration;
    ///
    /// let hand = ManualClock::new();
    /// let bus = Bus::builder().clock(hand.clock()).build()?;
    /// let typed = Signal::<String>::new();
    /// bus.connect(&typed).debounced(Duration::from_millis(300), |text| println!("search for {text}")).unwrap();
    /// typed.emit(&"p".to_string());
    /// typed.emit(&"pulse".to_string());
    /// hand.advance(Duration::from_millis(300));
    /// assert_eq!(bus.run_timers(), 1); // searches for "pulse"
    /// # Ok::<(), pulsebus::ConfigError>(())
    /// ```
    #[track_caller]
    pub fn debounced<F>(self, quiet: Duration, slot: F) -> Result<Connection, ConnectError>
    where
        E: Clone + Send,
        F: Fn(&E) + Send + Sync + 'static,
    {
        not_zero(quiet)?;
        let (own, place) = (Own::default(), Location::caller());
        let delayed = Delayed::new(self.bus, &own, place, Debounce::new(quiet), slot);
        self.attach_own(own, place, move |event: &E| {
            if let Some(due) = delayed.bursts.poke(delayed.clock.now(), event.clone()) {
                delayed.wait(due, |bursts, now| bursts.due(now));
            }
        })
    }

    /// Connects a slot that takes the last event of each burst of a key. Otherwise like [`debounced`](Self::debounced).
    ///
    /// # Errors
    /// See above.
    #[track_caller]
    pub fn debounced_by<K, G, F>(self, quiet: Duration, key: G, slot: F) -> Result<Connection, ConnectError>
    where
        E: Clone + Send,
        K: Hash + 'static,
        G: Fn(&E) -> K + Send + Sync + 'static,
        F: Fn(&E) + Send + Sync + 'static,
    {
        not_zero(quiet)?;
        let (own, place) = (Own::default(), Location::caller());
        let delayed = Delayed::new(self.bus, &own, place, KeyedDebounce::<K, E>::new(quiet), slot);
        self.attach_own(own, place, move |event: &E| {
            if let Some((burst, due)) = delayed.bursts.poke(&key(event), delayed.clock.now(), event.clone()) {
                delayed.wait(due, move |bursts, now| bursts.due(burst, now));
            }
        })
    }
}

fn not_zero(interval: Duration) -> Result<(), ConnectError> {
    if interval.is_zero() { Err(ConnectError::ZeroInterval) } else { Ok(()) }
}

/// A debounced slot. The slot that is connected has it; what waits for it has it weakly.
struct Delayed<B, F> {
    bursts: B,
    slot: F,
    clock: Clock,
    own: Own,
    place: &'static Location<'static>,
    /// Weak, or what waits would keep what it waits in.
    inner: Weak<Inner>,
}

impl<B, F> Delayed<B, F>
where
    B: Send + Sync + 'static,
    F: Send + Sync + 'static,
{
    fn new(bus: &Bus, own: &Own, place: &'static Location<'static>, bursts: B, slot: F) -> Arc<Self> {
        let inner = Arc::downgrade(&bus.inner);
        Arc::new(Self { bursts, slot, clock: bus.clock().clone(), own: own.clone(), place, inner })
    }

    /// Sets a timer for a burst, which `take` takes out when it is over.
    fn wait<E>(self: &Arc<Self>, due: Duration, take: impl Fn(&B, Duration) -> Due<E> + Send + 'static)
    where
        E: 'static,
        F: Fn(&E),
    {
        let Some(inner) = self.inner.upgrade() else { return };
        let this = Arc::downgrade(self);
        let call = move |now| this.upgrade().map_or(Outcome::Nothing, |this| this.deliver(now, &take));
        inner.wait_until(due, Pending::Call { own: self.own.clone(), call: Box::new(call) });
    }

    fn deliver<E>(&self, now: Duration, take: impl Fn(&B, Duration) -> Due<E>) -> Outcome
    where
        F: Fn(&E),
    {
        // Known for long: the burst came by its slot.
        let Some(connection) = self.own.get() else { return Outcome::Later(now) };
        match take(&self.bursts, now) {
            Due::Later(deadline) => Outcome::Later(deadline),
            Due::Nothing => Outcome::Nothing,
            Due::Deliver(event) => {
                let is_delivered = connection.run(self.place, || (self.slot)(&event));
                // Not while the slot unwinds.
                let _ = drop_quietly(event);
                if is_delivered { Outcome::Delivered } else { Outcome::Nothing }
            }
        }
    }
}

/// A connection to the heartbeat that is being described; from [`Bus::connect_heartbeat`].
#[derive(Debug, Clone, Copy)]
pub struct Beats {
    interval: Duration,
    most: Duration,
}

impl Bus {
    /// Calls a slot with the heartbeat, at most once every `interval` (zero: at each beat), and watches how long it takes:
    /// calls that take longer than `max_execution` are counted, see [`Detail::executions`](crate::Detail::executions) and
    /// [`slow_slots`](Self::slow_slots).
    ///
    /// The beats are those of the bus's signal of [`Beat`], to which a heartbeat that [drives](Heartbeat::drive) the bus emits:
    /// one heartbeat at a time.
    ///
    /// ```
    /// use pulsebus::{Bus, Heartbeat, ManualClock};
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let hand = ManualClock::new();
    /// let bus = Bus::builder().clock(hand.clock()).build()?;
    /// bus.connect_heartbeat(Duration::from_secs(1), Duration::from_millis(2))
    ///     .service("Obstacles")
    ///     .slot(|beat| println!("an obstacle at {:?}", beat.time))?;
    ///
    /// let mut heartbeat = Heartbeat::at(60.0)?.clock(hand.clock()).drive(&bus, Duration::from_micros(200));
    /// let mut beats = 0..600;
    /// heartbeat.run(|| beats.next().is_some()); // ten obstacles
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect_heartbeat(&self, interval: Duration, max_execution: Duration) -> Connect<'_, Beats> {
        Connect::beats(self, Track::default(), interval, max_execution)
    }

    /// The connections whose slots have taken longer than they may, worst first; see
    /// [`connect_heartbeat`](Self::connect_heartbeat).
    pub fn slow_slots(&self) -> Vec<Detail> {
        let overruns = |detail: &Detail| detail.executions.map_or(0, |executions| executions.overruns);
        let mut slow = self.details(&Filter::new());
        slow.retain(|detail| overruns(detail) > 0);
        slow.sort_by_key(|detail| Reverse(overruns(detail)));
        slow
    }
}

impl Service {
    /// [`Bus::connect_heartbeat`], for this service.
    pub fn connect_heartbeat(&self, interval: Duration, max_execution: Duration) -> Connect<'_, Beats> {
        Connect::beats(self.bus(), self.track(), interval, max_execution)
    }
}

impl OwnerScope {
    /// [`Bus::connect_heartbeat`], for this scope.
    pub fn connect_heartbeat(&self, interval: Duration, max_execution: Duration) -> Connect<'_, Beats> {
        Connect::beats(self.bus(), self.track(), interval, max_execution)
    }
}

impl<'a> Connect<'a, Beats> {
    fn beats(bus: &'a Bus, track: Track, interval: Duration, most: Duration) -> Self {
        Self::new(bus, Beats { interval, most }, track).kind(Kind::Heartbeat)
    }
}

impl Connect<'_, Beats> {
    /// Connects the slot.
    ///
    /// # Errors
    /// As for a signal's [`slot`](Connect::slot).
    #[track_caller]
    pub fn slot<F>(mut self, slot: F) -> Result<Connection, ConnectError>
    where
        F: Fn(&Beat) + Send + Sync + 'static,
    {
        let Beats { interval, most } = self.target;
        let (budget, clock) = (Arc::new(ExecutionBudget::new(most)), self.bus.clock().clone());
        self.track.rare().budget = Some(Arc::clone(&budget));
        let every = Every::new(interval);
        let beats = self.bus.signal::<Beat>();
        self.track.topic = Some(beats.id());
        Connect::<&Signal<Beat>>::new(self.bus, &beats, self.track).slot(move |beat| {
            if every.admit(beat.time) {
                budget.watch(&clock, || slot(beat));
            }
        })
    }
}

/// Takes beats that are an interval apart, by their own time, which is exact: by the clock, a beat that is early by a hair
/// would fall out.
struct Every {
    /// In nanoseconds.
    interval: u64,
    /// The time of the last one that was taken.
    last: AtomicU64,
}

/// No beat has been taken.
const NONE: u64 = u64::MAX;
/// A beat's time and the interval are rounded, each by less than a nanosecond.
const ROUNDING: u64 = 2;

impl Every {
    fn new(interval: Duration) -> Self {
        Self { interval: nanoseconds(interval), last: AtomicU64::new(NONE) }
    }

    fn admit(&self, time: Duration) -> bool {
        let time = nanoseconds(time);
        // Relaxed, here and in the exchange: the word alone decides.
        let last = self.last.load(Relaxed);
        // A beat before the last one is another heartbeat's, which begins anew.
        let is_due = last == NONE || time < last || (time - last).saturating_add(ROUNDING) >= self.interval;
        self.interval == 0 || is_due && self.last.compare_exchange(last, time, Relaxed, Relaxed).is_ok()
    }
}

impl Heartbeat {
    /// Has each beat emitted to the bus's signal of [`Beat`] (see [`Bus::connect_heartbeat`]), and the bus
    /// [maintained](Bus::maintain) after it, its timers included, within `budget`. Does not keep the bus.
    #[must_use]
    pub fn drive(self, bus: &Bus, budget: Duration) -> Self {
        let (beats, weak) = (bus.signal::<Beat>(), bus.downgrade());
        self.heartbeat().connect(move |beat| {
            beats.emit(beat);
        });
        self.on_maintain(budget, move |left| {
            if let Some(bus) = weak.upgrade() {
                bus.maintain(left);
            }
        })
    }
}
