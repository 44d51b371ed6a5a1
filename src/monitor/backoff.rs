//! When an alert is repeated.

use std::time::Duration;

/// How long the pauses between repeats are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pauses {
    pub(super) first: Duration,
    /// Each pause is twice as long as the one before, up to this one.
    pub(super) longest: Duration,
}

/// The repeats of one alert.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    pauses: Pauses,
    pause: Duration,
    due: Duration,
    pub(super) repeats: u32,
}

impl Backoff {
    /// For an alert that is told now.
    pub(super) fn new(pauses: Pauses, now: Duration) -> Self {
        Self { pauses, pause: pauses.first, due: now.saturating_add(pauses.first), repeats: 0 }
    }

    /// Is it to be told again? If so, that is counted.
    pub(super) fn repeat(&mut self, now: Duration) -> bool {
        if now < self.due {
            return false;
        }
        self.repeats = self.repeats.saturating_add(1);
        self.pause = self.pause.saturating_mul(2).min(self.pauses.longest);
        self.due = now.saturating_add(self.pause);
        true
    }

    /// It is told now, for another reason: that counts, and the pauses begin anew.
    pub(super) fn restart(&mut self, now: Duration) {
        *self = Self { repeats: self.repeats.saturating_add(1), ..Self::new(self.pauses, now) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let seconds = Duration::from_secs;
        let mut backoff = Backoff::new(Pauses { first: seconds(30), longest: seconds(300) }, seconds(1000));
        let told: Vec<u64> = (1000..2600).filter(|second| backoff.repeat(seconds(*second))).collect();
        let pauses: Vec<u64> = [1000].iter().chain(&told).zip(&told).map(|(before, after)| after - before).collect();
        assert_eq!(pauses, [30, 60, 120, 240, 300, 300, 300]);
        assert_eq!(backoff.repeats, 7);
        backoff.restart(seconds(2600));
        assert!(!backoff.repeat(seconds(2629)) && backoff.repeat(seconds(2630)));
    }
}
