//! How many objects a pool should have: what it has needed of late, and a little more.

use std::sync::Arc;
use std::time::Duration;

/// The window is looked at in so many parts.
const PARTS: usize = 6;

/// A pool has been resized; what [`Pool::resized`](crate::Pool::resized) emits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Resized {
    /// The name of the pool.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::figures::as_text"))]
    pub pool: Arc<str>,
    /// How many objects there were.
    pub from: usize,
    /// How many there are.
    pub to: usize,
    /// The most that were out at a time in the window.
    pub peak: usize,
    /// Why.
    pub reason: ResizeReason,
}

/// Why a pool has more or fewer objects than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ResizeReason {
    /// More were asked for than were idle, and were made one by one. Told by the next [`maintain`](crate::Pool::maintain).
    Demand,
    /// Nearly all were out at a time: some more, before they are asked for.
    Headroom,
    /// For a whole window less than half of them were needed.
    Calm,
    /// By [`warm`](crate::Pool::warm) or [`shrink_to_fit`](crate::Pool::shrink_to_fit).
    ByHand,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    Keep,
    /// To that many.
    Grow(usize),
    Shrink(usize),
}

/// The peaks of the last window, and what follows from them.
#[derive(Debug)]
pub(super) struct Sizing {
    /// The most that were out in each part of the window; the current one first.
    peaks: [usize; PARTS],
    ever: usize,
    part: Duration,
    /// When the current part began.
    since: Duration,
    /// Parts that have begun since the pool was made or has last grown.
    parts: usize,
    is_watch_due: bool,
    /// Objects there were at the last look.
    seen: usize,
    resizes: u64,
}

impl Sizing {
    pub(super) fn new(window: Duration, now: Duration) -> Self {
        let part = window / PARTS as u32;
        Self { peaks: [0; PARTS], ever: 0, part, since: now, parts: 0, is_watch_due: false, seen: 0, resizes: 0 }
    }

    /// Takes note of how many were out, at the most and now. Has a part begun?
    pub(super) fn note(&mut self, now: Duration, peak: usize, out: usize) -> bool {
        let passed = now.saturating_sub(self.since).as_nanos() / self.part.as_nanos().max(1);
        self.peaks[0] = self.peaks[0].max(peak);
        self.ever = self.ever.max(peak);
        if passed == 0 {
            return false;
        }
        for _ in 0..passed.min(PARTS as u128) {
            self.peaks.rotate_right(1);
            // Nobody looked meanwhile: it may have been in any of these parts.
            self.peaks[0] = peak;
        }
        self.peaks[0] = out;
        self.parts = self.parts.saturating_add(usize::try_from(passed).unwrap_or(usize::MAX));
        self.since = now;
        self.is_watch_due = true;
        true
    }

    /// When the current part of the window ends.
    pub(super) fn part_ends(&self) -> Duration {
        self.since.saturating_add(self.part)
    }

    /// Has a part begun since this was asked last? Then what threads have at hand is to be watched anew.
    pub(super) fn is_watch_due(&mut self) -> bool {
        std::mem::take(&mut self.is_watch_due)
    }

    /// The most that were out in the window.
    pub(super) fn peak(&self) -> usize {
        self.peaks.into_iter().max().unwrap_or(0)
    }

    /// The most that were ever out.
    pub(super) fn ever(&self) -> usize {
        self.ever
    }

    /// What a pool of `objects` should do. It grows to a quarter more than the peak when less than an eighth is left, and
    /// shrinks to that when it has had more than twice as many for a whole window: a need that goes up and down within these
    /// bounds changes nothing.
    pub(super) fn plan(&self, objects: usize, min: usize, max: usize) -> Plan {
        let peak = self.peak();
        let fit = (peak + peak.div_ceil(4)).clamp(min, max);
        if objects < (peak + peak / 8).clamp(min, max) {
            Plan::Grow(fit)
        } else if self.parts >= PARTS && objects > fit.saturating_mul(2) {
            Plan::Shrink(fit)
        } else {
            Plan::Keep
        }
    }

    /// A resize is over. Its event, but for the name.
    pub(super) fn resized(&mut self, from: usize, to: usize, reason: ResizeReason) -> Option<(usize, ResizeReason)> {
        self.seen = to;
        if from == to {
            return None;
        }
        if to > from {
            self.parts = 0;
        }
        self.resizes += 1;
        Some((self.peak(), reason))
    }

    /// So many objects there were from the start.
    pub(super) fn begin(&mut self, objects: usize) {
        self.seen = objects;
    }

    /// How many objects there were when the last resize was over.
    pub(super) fn seen(&self) -> usize {
        self.seen
    }

    pub(super) fn resizes(&self) -> u64 {
        self.resizes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    fn after(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_peak_counts_for_one_window() {
        let mut sizing = Sizing::new(WINDOW, Duration::ZERO);
        sizing.note(after(1), 100, 3);
        for second in 2..=50 {
            sizing.note(after(second), 3, 3);
        }
        assert_eq!(sizing.peak(), 100);
        sizing.note(after(75), 3, 3);
        sizing.note(after(150), 3, 3);
        assert_eq!((sizing.peak(), sizing.ever()), (3, 100));
    }

    #[test]
    fn a_peak_counts_for_a_window_after_a_long_time_without_a_look() {
        let mut sizing = Sizing::new(WINDOW, Duration::ZERO);
        // A minute's beat, and a minute's window: each minute 100 are needed for a moment.
        for minute in 1..=5 {
            sizing.note(after(60 * minute), 100, 0);
            assert_eq!((sizing.peak(), sizing.plan(100, 0, usize::MAX)), (100, Plan::Grow(125)), "minute {minute}");
        }
        sizing.note(after(349), 0, 0);
        assert_eq!(sizing.peak(), 100);
        sizing.note(after(359), 0, 0);
        assert_eq!(sizing.peak(), 0);
    }

    #[test]
    fn it_grows_when_little_is_left_and_not_before() {
        let mut sizing = Sizing::new(WINDOW, Duration::ZERO);
        sizing.note(after(1), 80, 80);
        assert_eq!(sizing.plan(90, 0, usize::MAX), Plan::Keep);
        assert_eq!(sizing.plan(89, 0, usize::MAX), Plan::Grow(100));
        assert_eq!(sizing.plan(89, 0, 95), Plan::Grow(95));
        assert_eq!(sizing.plan(95, 0, 95), Plan::Keep);
    }

    #[test]
    fn it_shrinks_only_after_a_whole_window_of_little_need() {
        let mut sizing = Sizing::new(WINDOW, Duration::ZERO);
        for second in 0..60 {
            sizing.note(after(second), 8, 8);
            assert_eq!(sizing.plan(100, 0, usize::MAX), Plan::Keep, "second {second}");
        }
        sizing.note(after(61), 8, 8);
        assert_eq!(sizing.plan(100, 0, usize::MAX), Plan::Shrink(10));
        assert_eq!(sizing.plan(100, 40, usize::MAX), Plan::Shrink(40));
        assert_eq!(sizing.plan(20, 0, usize::MAX), Plan::Keep);
    }

    #[test]
    fn a_need_that_swings_resizes_nothing_once_its_peak_is_known() {
        let mut sizing = Sizing::new(WINDOW, Duration::ZERO);
        let mut objects = 0;
        let mut resizes = 0;
        for second in 0..600 {
            let out = if second % 20 < 10 { 100 } else { 40 };
            objects = objects.max(out);
            sizing.note(after(second), out, out);
            match sizing.plan(objects, 0, usize::MAX) {
                Plan::Keep => {}
                Plan::Grow(to) | Plan::Shrink(to) => {
                    sizing.resized(objects, to, ResizeReason::Headroom);
                    (objects, resizes) = (to, resizes + 1);
                }
            }
        }
        assert_eq!((objects, resizes), (125, 1));
    }
}
