//! The pace: when which beat is due, in exact arithmetic.

use crate::time::clock::nanoseconds;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The rates that a heartbeat can have, in beats per second.
pub(super) const RATES: RangeInclusive<f64> = 0.001..=100_000.0;

/// So many beats in so many nanoseconds: the exact value of a rate, since a float is a fraction.
///
/// Each due time is computed from the number of the beat, so that no rounding adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    beats: u128,
    nanoseconds: u128,
}

impl Pace {
    /// `None` outside of [`RATES`], and for what is no number.
    pub(super) fn new(hz: f64) -> Option<Self> {
        if !RATES.contains(&hz) {
            return None;
        }
        // The rate is normal and positive: mantissa · 2^exponent, the mantissa with its implied bit.
        let bits = hz.to_bits();
        let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
        let zeros = mantissa.trailing_zeros();
        let (mantissa, exponent) = (mantissa >> zeros, (bits >> 52) as i32 - 1075 + zeros as i32);
        Some(Self { beats: u128::from(mantissa) << exponent.max(0), nanoseconds: 1_000_000_000 << (-exponent).max(0) })
    }

    /// When that beat is due, from the start on, rounded down to nanoseconds. The end of the range, 584 years, for all
    /// beats after it.
    pub(super) fn due(self, number: u64) -> Duration {
        // (Too large a product is due after the end of the range: the fraction has 53 bits below the point at most.)
        let due = u128::from(number).checked_mul(self.nanoseconds).map_or(u128::MAX, |product| product / self.beats);
        Duration::from_nanos(u64::try_from(due).unwrap_or(u64::MAX))
    }

    /// The number of the last beat that is due so long after the start; zero if none is.
    pub(super) fn last_due(self, elapsed: Duration) -> u64 {
        // `due(n) <= t` means `n · nanoseconds < (t + 1) · beats`.
        let numerator = (u128::from(nanoseconds(elapsed)) + 1) * self.beats - 1;
        u64::try_from(numerator / self.nanoseconds).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [f64; 12] =
        [0.001, 0.1, 1.0, 1.0 / 3.0, 29.97, 59.94, 60.0, 64.0, 144.0, 1_000.0, 12_345.678_9, 100_000.0];

    #[test]
    fn whole_rates_are_exact_after_any_number_of_beats() {
        let sixty = Pace::new(60.0).unwrap();
        assert_eq!(sixty.due(1), Duration::from_nanos(16_666_666));
        assert_eq!(sixty.due(2), Duration::from_nanos(33_333_333));
        assert_eq!(sixty.due(3), Duration::from_millis(50));
        let years = 100 * 365 * 24 * 3_600;
        assert_eq!(sixty.due(60 * years), Duration::from_secs(years));
        assert_eq!(Pace::new(100_000.0).unwrap().due(100_000 * years + 1), Duration::new(years, 10_000));
    }

    #[test]
    fn a_beat_is_due_from_its_due_time_on_and_not_before() {
        for hz in ALL {
            let pace = Pace::new(hz).unwrap();
            for number in (1..2_000).chain([1_000_003, if hz < 1.0 { 7_654_321 } else { 12_345_678_901 }]) {
                let due = pace.due(number);
                assert_eq!(pace.last_due(due), number, "{hz} Hz");
                assert_eq!(pace.last_due(due - Duration::from_nanos(1)), number - 1, "{hz} Hz");
            }
        }
    }

    #[test]
    fn due_times_end_with_the_range_of_the_clock() {
        for hz in ALL {
            let pace = Pace::new(hz).unwrap();
            let last = pace.last_due(Duration::MAX);
            assert_eq!(pace.due(u64::MAX), Duration::from_nanos(u64::MAX));
            assert!(pace.due(last - 1) < Duration::from_nanos(u64::MAX), "{hz} Hz");
            assert!(pace.due(last - 1) > Duration::from_nanos(u64::MAX - 3_000_000_000_000), "{hz} Hz");
        }
    }

    #[test]
    fn rates_out_of_range_are_refused() {
        for hz in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, 0.000_9, 100_000.1] {
            assert_eq!(Pace::new(hz), None, "{hz} Hz");
        }
    }
}
