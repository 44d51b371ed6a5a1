//! How long emissions take: a histogram that the user feeds.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Times emissions, or whatever is to be in the histogram `pulsebus_dispatch_seconds`; from
/// [`Monitor::dispatch`](crate::Monitor::dispatch). Clones feed the same histogram.
///
/// Emissions themselves read no clock, so what is to be timed has to be wrapped: the emissions that matter, or one in a hundred.
/// That costs two looks at the system's clock and two locked additions.
///
/// ```
/// use pulsebus::{Monitor, Signal};
///
/// let monitor = Monitor::builder().build()?;
/// let (dispatch, signal) = (monitor.dispatch(), Signal::<u32>::new());
/// signal.connect(|n| println!("{n}"));
/// dispatch.time(|| signal.emit(&7));
/// assert_eq!(dispatch.figures().count, 1);
/// # Ok::<(), pulsebus::MonitorError>(())
/// ```
#[derive(Clone)]
pub struct DispatchTimer(Arc<Histogram>);

/// How long what was timed took; from [`DispatchTimer::figures`].
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DispatchFigures {
    /// How many were timed.
    pub count: u64,
    /// The time of all of them.
    pub sum: Duration,
    /// How many took at most so long, but longer than the step before; without a limit for the last ones.
    pub buckets: Vec<(Option<Duration>, u64)>,
}

/// Nanoseconds: from a bare emission to a frame that is lost.
const BOUNDS: [u64; 20] = [
    100,
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    1_000_000_000,
];

#[derive(Default)]
struct Histogram {
    /// The last one is for what is beyond the bounds.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    /// Nanoseconds.
    sum: AtomicU64,
}

impl DispatchTimer {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// Runs something, and adds how long it took. What panics is added, too.
    #[inline]
    pub fn time<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Timing<'a>(&'a DispatchTimer, Instant);
        impl Drop for Timing<'_> {
            fn drop(&mut self) {
                self.0.observe(self.1.elapsed());
            }
        }
        let _timing = Timing(self, Instant::now());
        f()
    }

    /// Adds a time that was taken elsewhere. Costs two locked additions.
    pub fn observe(&self, time: Duration) {
        let nanoseconds = crate::time::nanoseconds(time);
        let at = BOUNDS.partition_point(|bound| *bound < nanoseconds);
        // Relaxed: they count, and order nothing.
        self.0.buckets[at].fetch_add(1, Relaxed);
        self.0.sum.fetch_add(nanoseconds, Relaxed);
    }

    /// What there is in the histogram. Beside threads that add to it, the sum and the counts are of slightly different instants.
    pub fn figures(&self) -> DispatchFigures {
        let bounds = BOUNDS.iter().map(|bound| Some(Duration::from_nanos(*bound))).chain([None]);
        let counts = self.0.buckets.iter().map(|bucket| bucket.load(Relaxed));
        let buckets: Vec<_> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        DispatchFigures { count, sum: Duration::from_nanos(self.0.sum.load(Relaxed)), buckets }
    }
}

impl fmt::Debug for DispatchTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DispatchTimer").field("count", &self.figures().count).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_where_they_belong() {
        let timer = DispatchTimer::new();
        for nanoseconds in [0, 100, 101, 1_000_000_000, 1_000_000_001] {
            timer.observe(Duration::from_nanos(nanoseconds));
        }
        let figures = timer.figures();
        let counts: Vec<u64> = figures.buckets.iter().map(|(_, count)| *count).collect();
        assert_eq!((counts[0], counts[1], counts[19], counts[20]), (2, 1, 1, 1));
        assert_eq!((figures.count, figures.sum), (5, Duration::from_nanos(2_000_000_202)));
        assert!(figures.buckets.last().is_some_and(|(bound, _)| bound.is_none()));
    }

    #[test]
    fn what_panics_is_timed_too() {
        let timer = DispatchTimer::new();
        let panicking = timer.clone();
        assert!(std::thread::spawn(move || panicking.time(|| panic!("slot"))).join().is_err());
        assert_eq!(timer.figures().count, 1);
    }
}
