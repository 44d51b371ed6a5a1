//! The time axis: the recording's own time, in the unit that suits its length.

/// Elapsed recorded time in one unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeAxis {
    first_ms: u64,
    /// Milliseconds in one unit.
    unit_ms: f64,
    /// The unit, in the plural.
    pub unit: &'static str,
    /// The last event, in units since the first.
    pub end: f64,
}

impl TimeAxis {
    /// An axis over all events, whose `times` are ascending; `None` without events.
    pub fn new(times: &[u64]) -> Option<Self> {
        let (&first_ms, &last_ms) = (times.first()?, times.last()?);
        let span = last_ms - first_ms;
        let units = [(86_400_000, "days"), (3_600_000, "hours"), (60_000, "minutes"), (1_000, "seconds")];
        // At least two of the unit, so that the ticks have round numbers.
        let (unit_ms, unit) = units.into_iter().find(|(ms, _)| span >= 2 * ms).unwrap_or((1, "milliseconds"));
        let unit_ms = unit_ms as f64;
        // A recording of one moment still needs a width.
        Some(Self { first_ms, unit_ms, unit, end: (span as f64 / unit_ms).max(1.0) })
    }

    /// The place of a time.
    pub fn at(&self, t_ms: u64) -> f64 {
        (t_ms - self.first_ms) as f64 / self.unit_ms
    }

    /// What stands under the axis.
    pub fn label(&self) -> String {
        format!("{} since the first event", self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_suits_the_length() {
        let unit = |span: u64| TimeAxis::new(&[1_000, 1_000 + span]).map(|axis| (axis.unit, axis.end));
        assert_eq!(unit(0), Some(("milliseconds", 1.0)));
        assert_eq!(unit(5_000), Some(("seconds", 5.0)));
        assert_eq!(unit(3_600_000), Some(("minutes", 60.0)));
        assert_eq!(unit(61_200_000), Some(("hours", 17.0)));
        assert_eq!(TimeAxis::new(&[]), None);
    }
}
