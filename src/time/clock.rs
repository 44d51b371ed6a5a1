//! The clock: the system's, or one that a test drives by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// What time it is, as the time since the clock was made. Clones read the same clock.
///
/// ```
/// use pulsebus::{Clock, ManualClock};
/// use std::time::Duration;
///
/// let hand = ManualClock::new();
/// let clock: Clock = hand.clock();
/// hand.advance(Duration::from_secs(3));
/// assert_eq!(clock.now(), Duration::from_secs(3));
/// ```
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    /// Counted from this instant, which both clocks showed.
    System(Instant, coarsetime::Instant),
    /// Nanoseconds.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The system's monotonic clock, from now on. Reading it costs about twenty nanoseconds.
    pub fn system() -> Self {
        Self(Source::System(Instant::now(), coarsetime::Instant::now()))
    }

    /// The time since the clock was made. Never goes back.
    pub fn now(&self) -> Duration {
        match &self.0 {
            Source::System(start, _) => start.elapsed(),
            // Relaxed: a time orders nothing.
            Source::Manual(nanoseconds) => Duration::from_nanos(nanoseconds.load(Relaxed)),
        }
    }

    /// The same in nanoseconds, to some milliseconds, and never ahead of it, for a fourth of the cost.
    #[inline]
    pub(crate) fn coarse(&self) -> u64 {
        match &self.0 {
            Source::System(_, start) => {
                coarsetime::Instant::now_without_cache_update().duration_since(*start).as_nanos()
            }
            Source::Manual(nanoseconds) => nanoseconds.load(Relaxed),
        }
    }

    /// Is it driven by hand?
    pub fn is_manual(&self) -> bool {
        self.hand().is_some()
    }

    /// What drives it by hand, if something does.
    pub(crate) fn hand(&self) -> Option<ManualClock> {
        match &self.0 {
            Source::System(..) => None,
            Source::Manual(nanoseconds) => Some(ManualClock(Arc::clone(nanoseconds))),
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

/// A clock that stands still until it is moved: for tests, and for simulations that run faster than the world.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock that shows zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// The clock to hand over to what reads it.
    pub fn clock(&self) -> Clock {
        Clock(Source::Manual(Arc::clone(&self.0)))
    }

    /// The time that it shows.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Relaxed))
    }

    /// Moves it on. It stops at the end of its range, 584 years.
    pub fn advance(&self, by: Duration) {
        let by = nanoseconds(by);
        // (Never fails: each time has a next one, the last one itself.)
        let _ = self.0.fetch_update(Relaxed, Relaxed, |now| Some(now.saturating_add(by)));
    }

    /// Moves it on to that time. It never goes back: an earlier time changes nothing.
    pub fn set(&self, to: Duration) {
        self.0.fetch_max(nanoseconds(to), Relaxed);
    }
}

/// As nanoseconds, up to the end of their range.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_driven_by_hand_stands_still_and_never_goes_back() {
        let hand = ManualClock::new();
        let clock = hand.clock();
        assert_eq!(clock.now(), Duration::ZERO);
        hand.advance(Duration::from_millis(5));
        hand.set(Duration::from_millis(3));
        assert_eq!(clock.now(), Duration::from_millis(5));
        hand.advance(Duration::MAX);
        hand.advance(Duration::from_secs(1));
        assert_eq!(clock.now(), Duration::from_nanos(u64::MAX));
    }

    #[test]
    fn the_systems_clock_moves() {
        let clock = Clock::system();
        let before = clock.now();
        std::thread::sleep(Duration::from_millis(1));
        assert!(clock.now() > before);
    }
}
