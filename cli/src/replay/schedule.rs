//! When which steps are due: recorded time, divided into windows that are worked off at once.

use crate::plan::Step;
use std::time::Duration;

/// Without ticks and without a pace nothing divides the steps; this many are done before progress is told.
const UNPACED_STEPS: usize = 4096;

/// How recorded time becomes windows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    /// How many times as fast as recorded; `None` is as fast as possible.
    pub speed: Option<f64>,
    /// Heartbeat ticks per recorded second; `None` delivers every event by itself.
    pub tick_hz: Option<f64>,
}

/// Some steps that are worked off at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Where they end (exclusively); they begin where the window before ends.
    pub end: usize,
    /// When they are due, counted from the start of the replay; zero without a pace.
    pub due: Duration,
}

impl Pace {
    /// Divides `steps`, whose events have these `times` (in milliseconds, ascending).
    ///
    /// With ticks, a window is a tick, due at its end. With a pace alone, it is what has the same time stamp. Both count
    /// from the first event of the whole recording, so that all parts of it tick together.
    pub fn windows(&self, steps: &[Step], times: &[u64]) -> Vec<Window> {
        let Some(&origin) = times.first() else { return Vec::new() };
        let elapsed = |step: &Step| times[step.event as usize] - origin;
        let mut windows = Vec::new();
        let mut begin = 0;
        while let Some(first) = steps.get(begin) {
            let (end, due_ms) = match (self.tick_hz, self.speed) {
                (Some(hz), _) => {
                    let tick = |step: &Step| (elapsed(step) as f64 * hz / 1000.0).floor();
                    (run(steps, begin, tick), (tick(first) + 1.0) * 1000.0 / hz)
                }
                (None, Some(_)) => (run(steps, begin, elapsed), elapsed(first) as f64),
                (None, None) => (steps.len().min(begin + UNPACED_STEPS), 0.0),
            };
            let due = self.speed.map_or(Duration::ZERO, |speed| {
                // A pace too slow for a Duration never comes to its end either way.
                Duration::try_from_secs_f64(due_ms / 1000.0 / speed).unwrap_or(Duration::MAX)
            });
            windows.push(Window { end, due });
            begin = end;
        }
        windows
    }
}

/// The end of the run of steps from `begin` on that have the same `key`.
fn run<K: PartialEq>(steps: &[Step], begin: usize, key: impl Fn(&Step) -> K) -> usize {
    let first = key(&steps[begin]);
    let length = steps[begin..].iter().position(|step| key(step) != first);
    length.map_or(steps.len(), |length| begin + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{NOBODY, Op};

    const TIMES: [u64; 5] = [1000, 1000, 1099, 1100, 2000];

    fn windows(speed: Option<f64>, tick_hz: Option<f64>) -> Vec<(usize, u128)> {
        let op = Op::Message { topic: 0, sender: NOBODY, bytes: 0 };
        let steps: Vec<Step> = (0..5).map(|event| Step { event, op }).collect();
        let windows = Pace { speed, tick_hz }.windows(&steps, &TIMES);
        windows.iter().map(|window| (window.end, window.due.as_millis())).collect()
    }

    #[test]
    fn as_fast_as_possible_is_one_window() {
        assert_eq!(windows(None, None), [(5, 0)]);
    }

    #[test]
    fn a_pace_keeps_equal_stamps_together() {
        assert_eq!(windows(Some(1.0), None), [(2, 0), (3, 99), (4, 100), (5, 1000)]);
        assert_eq!(windows(Some(0.5), None), [(2, 0), (3, 198), (4, 200), (5, 2000)]);
    }

    #[test]
    fn ticks_are_of_recorded_time() {
        assert_eq!(windows(None, Some(10.0)), [(3, 0), (4, 0), (5, 0)]);
        assert_eq!(windows(None, Some(0.5)), [(5, 0)]);
    }

    #[test]
    fn paced_ticks_are_due_at_their_end() {
        assert_eq!(windows(Some(2.0), Some(10.0)), [(3, 50), (4, 100), (5, 550)]);
    }

    #[test]
    fn an_impossible_pace_is_late_for_ever_instead_of_a_panic() {
        let op = Op::Leave(crate::plan::Seat { topic: 0, seat: 0 });
        let steps = [Step { event: 1, op }];
        let pace = Pace { speed: Some(f64::MIN_POSITIVE), tick_hz: None };
        assert_eq!(pace.windows(&steps, &[0, u64::MAX])[0].due, Duration::MAX);
    }
}
