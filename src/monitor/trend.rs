//! Does a series grow?
//!
//! Judged by what is left when everything that comes and goes has gone: the minima of parts of the last half hour, so that a
//! sawtooth (a collected heap, rounds of a match) is flat, and a leak below it is not. Over these minima:
//!
//! - the **slope** is the median of all pairwise slopes (Theil 1950; Sen, JASA 63, 1968): up to 29 % of the points may be
//!   arbitrarily wrong;
//! - the **confidence** is that of the Mann-Kendall test for a monotone trend (Mann, Econometrica 13, 1945; Kendall, *Rank
//!   Correlation Methods*), corrected for ties. Both together are the usual test for the aging of software (Garg, van Moorsel,
//!   Vaidyanathan and Trivedi, ISSRE 1998). On its own it gives false alarms (Machida, Andrzejak, Matias and Vicente, ISSRE
//!   Workshops 2013), for values of a running program depend on those before them: so it asks for more than the usual 95 %,
//!   and for what follows.
//!
//! It **grows** if the test is confident, the growth is large enough to matter, the last minimum is near the highest (it has not
//! recovered), a straight line fits better than one step (a level that was loaded is no leak), and the last third still rises
//! (a server that has filled up is none).

use super::history::{RECENT, Ring};
use std::fmt;
use std::time::Duration;

/// How a series has moved in the last half hour, as far as its lower envelope tells.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Trend {
    /// The slope, per hour; negative if it falls.
    pub per_hour: f64,
    /// By how much it has grown over the time.
    pub growth: f64,
    /// The same as a share of the lowest value.
    pub share: f64,
    /// The time that it was judged over.
    pub over: Duration,
    /// How sure it is that it grows at all, from 0 to 1.
    pub confidence: f64,
    /// Does it grow steadily, so that it is worth an alert?
    pub grows: bool,
}

impl fmt::Display for Trend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (share, minutes) = (self.share * 100.0, self.over.as_secs_f64() / 60.0);
        write!(f, "{share:+.1} % in {minutes:.0} min")?;
        if self.grows { write!(f, ", growing steadily") } else { Ok(()) }
    }
}

/// What growth has to be to count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// By this share of the lowest value.
    pub(super) share: f64,
    /// And by so much.
    pub(super) floor: f64,
    /// The shortest time that it is judged over.
    pub(super) over: Duration,
    /// Samples are at most so far apart.
    pub(super) spacing: Duration,
}

impl Rule {
    /// By how much it may grow.
    pub(super) fn least(&self, trend: &Trend) -> f64 {
        let lowest = if trend.share == 0.0 { 0.0 } else { trend.growth / trend.share };
        self.floor.max(self.share * lowest.abs())
    }
}

/// Parts of which the minima are taken.
const PARTS: usize = 20;
/// Fewer tell nothing.
const FEWEST: usize = 10;
/// A chance of one in six thousand. (The test is surer than 3.9 of ten minima that all rise, of nine it cannot be.)
const SURE: f64 = 3.6;

/// The last half hour, or what there is of it; `None` if that is too little to judge, or beyond what can be.
pub(super) fn judge(ring: &Ring, now: Duration, rule: &Rule) -> Option<Trend> {
    let mut values = [(0.0, 0.0); VALUES];
    let mut count = 0;
    let start = now.saturating_sub(RECENT);
    for ((time, bucket), value) in ring.iter().filter(|(time, _)| *time >= start).zip(&mut values) {
        *value = (time.as_secs_f64(), bucket.first);
        count += 1;
    }
    judge_values(&values[..count], rule)
}

/// Half an hour, by steps of the history.
const VALUES: usize = 362;

/// Values with their times, in seconds.
fn judge_values(values: &[(f64, f64)], rule: &Rule) -> Option<Trend> {
    let (start, end) = (values.first()?.0, values.last()?.0);
    let over = end - start;
    // (To the length of a step, which the times are rounded to.)
    if over + 5.0 < rule.over.as_secs_f64() {
        return None;
    }
    let mut minima = [(0.0, 0.0); PARTS];
    let minima = envelope(values, rule.spacing.as_secs_f64(), &mut minima);
    if minima.len() < FEWEST {
        return None;
    }
    let slope = slope(minima);
    let score = mann_kendall(minima);
    let growth = slope * over;
    let lowest = minima.iter().map(|point| point.1).fold(f64::INFINITY, f64::min);
    let share = growth / lowest.abs().max(rule.floor).max(f64::MIN_POSITIVE);
    // Of the largest numbers that there are.
    if ![slope * 3600.0, growth, share].iter().all(|value| value.is_finite()) {
        return None;
    }
    let grows = score >= SURE
        && growth >= rule.floor
        && share >= rule.share
        && is_high(minima)
        && is_no_step(minima, slope)
        && still_rises(minima, slope);
    let (per_hour, over) = (slope * 3600.0, Duration::from_secs_f64(over));
    Some(Trend { per_hour, growth, share, over, confidence: normal(score), grows })
}

/// The minima of the parts, each at the middle of its part. Parts without a value are left out.
///
/// A minimum of more values is lower, so that a series would seem to grow where its samples become fewer: as many are looked at
/// in each part as there are in that with the fewest.
fn envelope<'a>(values: &[(f64, f64)], spacing: f64, minima: &'a mut [(f64, f64); PARTS]) -> &'a [(f64, f64)] {
    let (start, end) = (values[0].0, values[values.len() - 1].0);
    // Two values to a part at least, also of the rarest samples, if the time is long enough.
    let parts = ((end - start) / spacing / 2.0) as usize;
    let parts = parts.clamp(PARTS / 2, PARTS);
    let width = (end - start) / parts as f64;
    let part_of = |time: f64| (((time - start) / width) as usize).min(parts - 1);
    let groups = || values.chunk_by(|one, next| part_of(one.0) == part_of(next.0));
    let fewest = groups().map(<[_]>::len).min().unwrap_or(1);
    let mut count = 0;
    for (group, minimum) in groups().zip(minima.iter_mut()) {
        let chosen = (0..fewest).map(|index| group[index * group.len() / fewest].1);
        let middle = start + (part_of(group[0].0) as f64 + 0.5) * width;
        *minimum = (middle, chosen.fold(f64::INFINITY, f64::min));
        count += 1;
    }
    &minima[..count]
}

/// The median of all pairwise slopes.
fn slope(points: &[(f64, f64)]) -> f64 {
    let mut slopes = [0.0; PARTS * (PARTS - 1) / 2];
    let mut count = 0;
    for (index, (t, v)) in points.iter().enumerate() {
        for (later, value) in &points[index + 1..] {
            slopes[count] = (value - v) / (later - t);
            count += 1;
        }
    }
    median(&mut slopes[..count])
}

/// The mean of the two in the middle, if there are two. Zero of none.
fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

/// How many standard deviations the trend is above none.
fn mann_kendall(points: &[(f64, f64)]) -> f64 {
    let mut sum = 0.0;
    for (index, (_, value)) in points.iter().enumerate() {
        for (_, later) in &points[index + 1..] {
            sum += if later > value { 1.0 } else { -f64::from(u8::from(later < value)) };
        }
    }
    let term = |count: usize| (count * (count - 1) * (2 * count + 5)) as f64;
    // Each group of equal values, found at its first one.
    let ties: f64 = points
        .iter()
        .enumerate()
        .filter(|(index, point)| points[..*index].iter().all(|before| before.1 != point.1))
        .map(|(_, point)| term(points.iter().filter(|other| other.1 == point.1).count()))
        .sum();
    let variance = (term(points.len()) - ties) / 18.0;
    if sum == 0.0 || variance <= 0.0 {
        return 0.0;
    }
    // Corrected for continuity.
    (sum - f64::signum(sum)) / variance.sqrt()
}

/// Is the last minimum near the highest?
fn is_high(minima: &[(f64, f64)]) -> bool {
    let (first, last) = (minima[0].1, minima[minima.len() - 1].1);
    let highest = minima.iter().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
    last - first >= 0.7 * (highest - first)
}

/// Does a straight line fit better than two levels?
fn is_no_step(minima: &[(f64, f64)], slope: f64) -> bool {
    let mut offsets = [0.0; PARTS];
    let offsets = &mut offsets[..minima.len()];
    offsets.iter_mut().zip(minima).for_each(|(offset, (time, value))| *offset = value - slope * time);
    let offset = median(offsets);
    let line: f64 = minima.iter().map(|(time, value)| (value - slope * time - offset).powi(2)).sum();
    let step = (1..minima.len()).map(|at| spread(&minima[..at]) + spread(&minima[at..])).fold(f64::INFINITY, f64::min);
    line < step
}

/// The sum of squares around the mean.
fn spread(points: &[(f64, f64)]) -> f64 {
    let mean = points.iter().map(|point| point.1).sum::<f64>() / points.len() as f64;
    points.iter().map(|point| (point.1 - mean).powi(2)).sum()
}

/// Does the last third rise, if more slowly?
fn still_rises(minima: &[(f64, f64)], overall: f64) -> bool {
    let third = &minima[minima.len() - minima.len().div_ceil(3)..];
    slope(third) >= 0.25 * overall
}

/// The normal distribution, to seven digits (Abramowitz and Stegun, 26.2.17).
fn normal(score: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * score.abs());
    let series = 1.330_274_429_f64;
    let series = [-1.821_255_978, 1.781_477_937, -0.356_563_782, 0.319_381_530]
        .iter()
        .fold(series, |series, coefficient| series * t + coefficient);
    let density = (-score * score / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let tail = density * series * t;
    if score >= 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
#[path = "trend_tests.rs"]
mod tests;
