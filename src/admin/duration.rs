//! Durations as people write them: `30s`, `5m`, `1h30m`.

use std::fmt;
use std::time::Duration;

/// From the largest on, in nanoseconds.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Longer than anybody means: a hundred years.
const LONGEST: u64 = 36_500 * 86_400_000_000_000;

/// What is expected where a duration stands.
pub(super) const EXPECTED: &str = "a time such as 500ms, 30s, 5m, 1h30m or 2d";

/// Whole numbers, each with its unit, at most a hundred years in all.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let (mut rest, mut total) = (text, 0_u64);
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (_, nanoseconds) = UNITS.iter().find(|(unit, _)| *unit == &rest[..letters])?;
        rest = &rest[letters..];
        total = number.checked_mul(*nanoseconds)?.checked_add(total).filter(|total| *total <= LONGEST)?;
        if rest.is_empty() {
            return Some(Duration::from_nanos(total));
        }
    }
}

/// Shows a duration so that [`parse`] reads it.
pub(super) struct Written(pub(super) Duration);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = crate::time::nanoseconds(self.0);
        if left == 0 {
            return f.write_str("0s");
        }
        for (unit, nanoseconds) in UNITS {
            if left >= nanoseconds {
                write!(f, "{}{unit}", left / nanoseconds)?;
                left %= nanoseconds;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for (text, milliseconds) in [("30s", 30_000), ("1h30m", 5_400_000), ("2d", 172_800_000), ("1s500ms", 1_500)] {
            let duration = Duration::from_millis(milliseconds);
            assert_eq!((parse(text), Written(duration).to_string().as_str()), (Some(duration), text));
        }
        assert_eq!(parse("90m"), Some(Duration::from_secs(5_400)));
        assert_eq!(parse(&Written(Duration::ZERO).to_string()), Some(Duration::ZERO));
    }

    #[test]
    fn what_is_no_duration_is_none() {
        for text in ["", "30", "s", "-1s", "1.5s", "30 s", "30x", "99999999999999999999s", "36501d", "5mm", "1s2", "٣s"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
