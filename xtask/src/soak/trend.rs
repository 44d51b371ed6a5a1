//! Whether a figure stays flat, and how that looks.

use serde::Serialize;

use super::Sample;

/// One figure over a run, without the warm-up.
#[derive(Debug, Serialize)]
pub struct Trend {
    pub name: &'static str,
    /// The medians of the first and the last third.
    pub first_third: f64,
    pub last_third: f64,
    pub lowest: f64,
    pub highest: f64,
    /// The last third may not exceed this.
    pub limit: f64,
    #[serde(skip)]
    pub values: Vec<f64>,
}

impl Trend {
    /// Of what `figure` reads from the samples. Its median may grow by a factor, or by so much, whichever is more.
    pub fn of(
        name: &'static str,
        samples: &[Sample],
        figure: impl Fn(&Sample) -> f64,
        factor: f64,
        slack: f64,
    ) -> Self {
        // The first fifth warms up: pools grow to what the load needs.
        let values: Vec<f64> = samples[samples.len() / 5..].iter().map(figure).collect();
        let third = values.len() / 3;
        let (first_third, last_third) = (median(&values[..third]), median(&values[values.len() - third..]));
        Self {
            name,
            first_third,
            last_third,
            lowest: values.iter().copied().fold(f64::INFINITY, f64::min),
            highest: values.iter().copied().fold(0.0, f64::max),
            limit: (first_third * factor).max(first_third + slack),
            values,
        }
    }

    pub fn is_flat(&self) -> bool {
        self.last_third <= self.limit
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Values from zero to their maximum as a row of bars, each the mean of its share.
pub fn sparkline(values: &[f64], width: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let highest = values.iter().copied().fold(0.0, f64::max);
    let width = width.min(values.len());
    (0..width)
        .map(|column| {
            let share = &values[column * values.len() / width..(column + 1) * values.len() / width];
            let mean = share.iter().sum::<f64>() / share.len() as f64;
            let height = if highest > 0.0 { mean / highest * (BARS.len() - 1) as f64 } else { 0.0 };
            BARS[height.round() as usize]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(live: impl Fn(usize) -> usize) -> Vec<Sample> {
        let sample = |n| Sample {
            seconds: n as f64,
            operations: 0,
            calls: 0,
            threads: 0,
            resident_bytes: 0,
            live: live(n),
            captures: 0,
            chunks_held: 0,
            chunks_made: 0,
            pending_drops: 0,
        };
        (0..200).map(sample).collect()
    }

    fn live_is_flat(live: impl Fn(usize) -> usize) -> bool {
        Trend::of("live", &samples(live), |sample| sample.live as f64, 1.1, 5.0).is_flat()
    }

    #[test]
    fn what_swings_is_flat_and_what_grows_is_not() {
        assert!(live_is_flat(|_| 0));
        assert!(live_is_flat(|n| 100 + n % 7 * 10));
        assert!(live_is_flat(|n| if n < 30 { n } else { 30 }), "the warm-up may grow");
        assert!(live_is_flat(|n| 100_usize.saturating_sub(n)));
        assert!(!live_is_flat(|n| 100 + n));
        assert!(!live_is_flat(|n| if n < 120 { 100 } else { 120 }));
    }

    #[test]
    fn a_sparkline_starts_at_zero() {
        assert_eq!(sparkline(&[0.0, 1.0, 2.0, 7.0], 40), "▁▂▃█");
        assert_eq!(sparkline(&[5.0; 10], 5), "█████");
        assert_eq!(sparkline(&[0.0; 3], 5), "▁▁▁");
    }
}
