//! Timers: connections whose slots run when their time has come.
//!
//! The slots are those of one signal that is never emitted as a whole; a wheel tells which of them are due. So a timer is
//! a connection like any other: it has an owner, ends with it, and can be cancelled from anywhere.

use super::Bus;
use super::alarm::Alarm;
use super::connect::{Connect, attach};
use super::error::ConnectError;
use super::inner::Inner;
use super::key::Kind;
use super::own::Own;
use super::reason::EndReason;
use super::scope::OwnerScope;
use super::service::Service;
use super::track::Track;
use crate::connection::Connection;
use crate::domain::Domain;
use crate::signal::Signal;
use crate::sync::lock;
use crate::time::{Clock, Wheel};
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// What a timer's slot is called with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimerFired {
    /// The how-manieth call it is, from one on.
    pub number: u64,
    /// When it was due, by the bus's clock.
    pub due: Duration,
    /// When it was called, by the bus's clock.
    pub now: Duration,
    /// How many calls fell out since the last one, because nobody ran the timers in time.
    pub missed: u64,
}

/// How often and when a timer runs; see [`Bus::timer`].
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    interval: Duration,
    first: Duration,
    times: Option<u64>,
}

/// A timer that is being described; from [`Bus::timer`].
pub type TimerBuilder<'a> = Connect<'a, Schedule>;

impl Bus {
    /// Calls a slot again and again, every `interval` from now on, without drift, until it is disconnected.
    ///
    /// Timers are run by [`maintain`](Self::maintain) (a [heartbeat](crate::Heartbeat) or a
    /// [thread](Self::maintain_every) that drives the bus does so) or [`run_timers`](Self::run_timers), on the thread that
    /// calls it, never early. What was due several times meanwhile runs once. However many are pending, only those due cost
    /// something.
    ///
    /// ```
    /// use pulsebus::{Bus, ManualClock};
    /// use std::time::Duration;
    ///
    /// let hand = ManualClock::new();
    /// let bus = Bus::builder().clock(hand.clock()).build()?;
    /// bus.timer(Duration::from_secs(1)).times(3).owner(7).slot(|fired| println!("{} of 3", fired.number)).unwrap();
    /// bus.after(Duration::from_secs(2)).owner(7).slot(|_| println!("two seconds")).unwrap();
    /// for _ in 0..5 {
    ///     hand.advance(Duration::from_secs(1));
    ///     bus.run_timers();
    /// }
    /// assert_eq!(bus.count_of(7), 0); // both have finished
    /// # Ok::<(), pulsebus::ConfigError>(())
    /// ```
    pub fn timer(&self, interval: Duration) -> TimerBuilder<'_> {
        Connect::timer(self, Track::default(), interval)
    }

    /// Calls a slot once, after `delay`. Otherwise like [`timer`](Self::timer).
    pub fn after(&self, delay: Duration) -> TimerBuilder<'_> {
        Connect::after(self, Track::default(), delay)
    }

    /// Runs the timers that are due; how many.
    pub fn run_timers(&self) -> usize {
        let timers = &self.inner.timers;
        let mut due = timers.take_due(self.inner.clock.now());
        let mut run = 0;
        for pending in due.drain(..) {
            run += usize::from(self.inner.fire(pending));
        }
        timers.give_back(due);
        run
    }
}

impl Service {
    /// [`Bus::timer`], for this service.
    pub fn timer(&self, interval: Duration) -> TimerBuilder<'_> {
        Connect::timer(self.bus(), self.track(), interval)
    }

    /// [`Bus::after`], for this service.
    pub fn after(&self, delay: Duration) -> TimerBuilder<'_> {
        Connect::after(self.bus(), self.track(), delay)
    }
}

impl OwnerScope {
    /// [`Bus::timer`], for this scope.
    pub fn timer(&self, interval: Duration) -> TimerBuilder<'_> {
        Connect::timer(self.bus(), self.track(), interval)
    }

    /// [`Bus::after`], for this scope.
    pub fn after(&self, delay: Duration) -> TimerBuilder<'_> {
        Connect::after(self.bus(), self.track(), delay)
    }
}

impl<'a> Connect<'a, Schedule> {
    fn timer(bus: &'a Bus, track: Track, interval: Duration) -> Self {
        Self::new(bus, Schedule { interval, first: interval, times: None }, track).kind(Kind::Timer)
    }

    fn after(bus: &'a Bus, track: Track, delay: Duration) -> Self {
        Self::timer(bus, track, delay.max(SOON)).starting_after(delay).times(1)
    }

    /// Ends after so many calls ([`EndReason::Finished`]).
    pub fn times(mut self, times: u64) -> Self {
        self.target.times = Some(times);
        self.track.is_kept = true;
        self
    }

    /// Makes the first call after `delay`, instead of after the interval.
    pub fn starting_after(mut self, delay: Duration) -> Self {
        self.target.first = delay;
        self
    }

    /// Starts the timer.
    ///
    /// # Errors
    /// As for a signal's [`slot`](Connect::slot); and for an interval of zero, or no times at all.
    #[track_caller]
    pub fn slot<F>(mut self, slot: F) -> Result<Connection, ConnectError>
    where
        F: Fn(&TimerFired) + Send + Sync + 'static,
    {
        let Schedule { interval, first, times } = self.target;
        if interval.is_zero() {
            return Err(ConnectError::ZeroInterval);
        }
        if times == Some(0) {
            return Err(ConnectError::ZeroTimes);
        }
        let (inner, place) = (&self.bus.inner, Location::caller());
        let signal = &inner.timers.signal;
        let connection = inner.connect(&mut self.track, place, move |meter| attach(signal, meter, slot, place))?;
        let due = inner.clock.now().saturating_add(first);
        inner.wait_until(due, Pending::Timer { connection, interval, left: times, number: 0, due });
        Ok(connection)
    }
}

impl Inner {
    /// Runs what is due, and sets its next time. Did it run?
    fn fire(&self, pending: Pending) -> bool {
        let now = self.clock.now();
        match pending {
            Pending::Timer { connection, interval, left, number, due } => {
                let number = number + 1;
                let late = now.saturating_sub(due);
                // What fell out is not made up for.
                let missed = (late.as_nanos() / interval.as_nanos()).min(u64::MAX.into()) as u64;
                if !self.timers.signal.emit_to(connection, &TimerFired { number, due, now, missed }) {
                    return false;
                }
                let left = left.map(|left| left - 1);
                if left == Some(0) {
                    self.end_connection(&connection, EndReason::Finished);
                } else {
                    let behind = interval.as_nanos().saturating_mul(u128::from(missed) + 1);
                    let behind = Duration::from_nanos(behind.min(u64::MAX.into()) as u64);
                    let due = due.saturating_add(behind);
                    self.wait_until(due, Pending::Timer { connection, interval, left, number, due });
                }
                true
            }
            Pending::Call { own, call } => {
                let mut outcome = Outcome::Nothing;
                self.guarded(|| outcome = call(now));
                match outcome {
                    Outcome::Later(due) => self.wait_until(due, Pending::Call { own, call }),
                    // It may hold what is the user's.
                    _ => drop(self.guarded(|| drop(call))),
                }
                outcome == Outcome::Delivered
            }
        }
    }

    pub(super) fn wait_until(&self, due: Duration, pending: Pending) {
        self.drop_each(self.timers.add(due, pending));
    }

    /// Drops what waits for connections that have ended.
    pub(super) fn drop_cancelled(&self) {
        self.drop_each(self.timers.take(Pending::is_wanted));
    }

    /// Drops whatever waits. For the end of the bus.
    pub(super) fn drop_waiting(&self) {
        self.drop_each(self.timers.take(|_| false));
    }

    /// One by one: what panics must not keep the others from being dropped.
    fn drop_each(&self, pending: Vec<Pending>) {
        for pending in pending {
            self.guarded(|| drop(pending));
        }
    }
}

/// The interval of a timer that runs once, at once. (It is not used.)
const SOON: Duration = Duration::from_nanos(1);

/// What waits in the wheel.
pub(super) enum Pending {
    Timer {
        connection: Connection,
        interval: Duration,
        left: Option<u64>,
        number: u64,
        due: Duration,
    },
    /// Called when due, as long as the connection lasts.
    Call {
        own: Own,
        call: Box<dyn Fn(Duration) -> Outcome + Send>,
    },
}

/// What came of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Delivered,
    /// Call again, at that time.
    Later(Duration),
    Nothing,
}

impl Pending {
    fn is_wanted(&self) -> bool {
        match self {
            Self::Timer { connection, .. } => connection.is_connected(),
            Self::Call { own, .. } => !own.has_ended(),
        }
    }
}

/// The timers of a bus.
pub(super) struct Timers {
    /// Its slots are the timers'. Emitted to one by one.
    signal: Signal<TimerFired>,
    waiting: Mutex<Waiting>,
    alarm: Arc<Alarm>,
}

struct Waiting {
    wheel: Wheel<Pending>,
    /// At so many the cancelled ones are sifted out.
    sift_at: usize,
    /// For those that are due, to be used again.
    room: Vec<Pending>,
    /// Up to when those sleep whom the alarm wakes.
    asleep_until: Duration,
}

/// Fewer are not worth sifting.
const FEW: usize = 256;

impl Timers {
    pub(super) fn new(domain: &Domain) -> Self {
        let waiting = Waiting { wheel: Wheel::new(), sift_at: FEW, room: Vec::new(), asleep_until: Duration::ZERO };
        Self { signal: Signal::new_in(domain), waiting: Mutex::new(waiting), alarm: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }

    /// Adds one, and takes out cancelled ones now and then: to be dropped by the caller, since they may hold what is the
    /// user's.
    #[must_use]
    fn add(&self, due: Duration, pending: Pending) -> Vec<Pending> {
        let mut cancelled = Vec::new();
        let mut waiting = self.lock();
        if waiting.wheel.len() >= waiting.sift_at {
            waiting.wheel.retain(Pending::is_wanted, &mut cancelled);
            waiting.sift_at = (waiting.wheel.len() * 2).max(FEW);
        }
        waiting.wheel.insert(due, pending);
        let is_too_late = due < waiting.asleep_until;
        if is_too_late {
            waiting.asleep_until = Duration::ZERO;
        }
        drop(waiting);
        if is_too_late {
            self.alarm.ring();
        }
        cancelled
    }

    /// Takes out what is not to be kept.
    #[must_use]
    fn take(&self, keep: impl FnMut(&Pending) -> bool) -> Vec<Pending> {
        let mut taken = Vec::new();
        self.lock().wheel.retain(keep, &mut taken);
        taken
    }

    /// What wakes those who sleep for a [`pause`](Self::pause).
    pub(super) fn alarm(&self) -> &Arc<Alarm> {
        &self.alarm
    }

    /// How long to sleep: until the next one is due, `longest` at most. One that is added meanwhile, and is due earlier, rings
    /// the alarm.
    pub(super) fn pause(&self, clock: &Clock, longest: Duration) -> Duration {
        if clock.is_manual() {
            // Its time does not pass by sleeping.
            return longest;
        }
        let mut waiting = self.lock();
        let now = clock.now();
        let latest = now.saturating_add(longest);
        let until = waiting.wheel.next_deadline().map_or(latest, |deadline| deadline.min(latest));
        waiting.asleep_until = until;
        until.saturating_sub(now)
    }

    fn take_due(&self, now: Duration) -> Vec<Pending> {
        let mut waiting = self.lock();
        let mut due = std::mem::take(&mut waiting.room);
        waiting.wheel.expire(now, &mut due);
        due
    }

    fn give_back(&self, room: Vec<Pending>) {
        self.lock().room = room;
    }

    /// How many wait, some cancelled ones included.
    pub(super) fn len(&self) -> usize {
        self.lock().wheel.len()
    }
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers").field("pending", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ManualClock;

    #[test]
    fn cancelled_timers_do_not_pile_up() {
        let hand = ManualClock::new();
        let bus = Bus::builder().clock(hand.clock()).build().unwrap();
        let typed = Signal::<u32>::new();
        bus.timer(Duration::from_secs(1)).slot(|_| {}).unwrap();
        for owner in 0..10_000 {
            bus.after(Duration::from_secs(1_000_000)).owner(owner).slot(|_| {}).unwrap();
            bus.connect(&typed).owner(owner).debounced(Duration::from_secs(1_000_000), |_| {}).unwrap();
            typed.emit(&owner);
            assert_eq!(bus.cleanup_owner(owner), 2);
            assert!(bus.inner.timers.len() <= FEW + 1, "{:?}", bus.inner.timers);
        }
        hand.advance(Duration::from_secs(1));
        assert_eq!(bus.run_timers(), 1);
        assert!(bus.shutdown(Duration::ZERO).is_ok());
        assert_eq!(bus.inner.timers.len(), 0);
    }
}
