//! How long to the next sample: longer and longer when it is calm, at once short when it is not.

use std::time::Duration;

#[derive(Debug)]
pub(super) struct Interval {
    shortest: Duration,
    longest: Duration,
    now: Duration,
}

/// What the last sample says about the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Calm,
    /// Something moves.
    Lively,
    /// There is an alert, or one is near.
    Tense,
}

impl Interval {
    pub(super) fn new(shortest: Duration, longest: Duration) -> Self {
        Self { shortest, longest, now: shortest }
    }

    /// The pause to the next sample.
    pub(super) fn next(&mut self, mood: Mood) -> Duration {
        self.now = match mood {
            Mood::Calm => (self.now * 3 / 2).min(self.longest),
            Mood::Lively => (self.now / 2).max(self.shortest),
            Mood::Tense => self.shortest,
        };
        self.now
    }

    /// The last pause.
    pub(super) fn now(&self) -> Duration {
        self.now
    }

    pub(super) fn shortest(&self) -> Duration {
        self.shortest
    }
}

/// What moves by so much of its value in half a minute is lively.
const LIVELY: f64 = 0.02;
/// From this share of the budget on it is tense.
pub(super) const TENSE: f64 = 0.7;

/// Does a series move?
pub(super) fn moves(before: (Duration, f64), now: (Duration, f64), floor: f64) -> bool {
    let elapsed = now.0.saturating_sub(before.0).as_secs_f64();
    let change = (now.1 - before.1).abs();
    // (Twice at the same instant: any change at all.)
    change > floor && change / before.1.abs().max(floor) * 30.0 > LIVELY * elapsed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calm_makes_it_long_step_by_step_and_tension_short_at_once() {
        let seconds = Duration::from_secs;
        let mut interval = Interval::new(seconds(5), seconds(30));
        let calm: Vec<f64> = (0..6).map(|_| interval.next(Mood::Calm).as_secs_f64()).collect();
        assert_eq!(calm, [7.5, 11.25, 16.875, 25.3125, 30.0, 30.0]);
        assert_eq!(interval.next(Mood::Lively), seconds(15));
        assert_eq!(interval.next(Mood::Tense), seconds(5));
        assert_eq!(interval.next(Mood::Lively), seconds(5));
    }

    #[test]
    fn two_per_cent_in_half_a_minute_is_movement_and_less_is_not() {
        let at = |second, value| (Duration::from_secs(second), value);
        assert!(moves(at(0, 1000.0), at(30, 1021.0), 1.0));
        assert!(!moves(at(0, 1000.0), at(30, 1019.0), 1.0));
        assert!(moves(at(0, 1000.0), at(5, 1004.0), 1.0));
        assert!(moves(at(0, 1000.0), at(30, 900.0), 1.0), "down as well as up");
        assert!(!moves(at(0, 0.0), at(30, 0.0), 1.0) && !moves(at(0, 0.0), at(5, 10.0), 10.0));
    }
}
