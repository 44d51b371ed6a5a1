//! Synthetic series, and what the judgement makes of them.

use super::super::history::Track;
use super::super::series::Unit;
use super::*;

const RULE: Rule = Rule { share: 0.05, floor: 1.0, over: Duration::from_secs(600), spacing: Duration::from_secs(30) };

/// Random numbers, the same for the same seed (SplitMix64).
struct Random(u64);

impl Random {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About zero, with a deviation of one.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }
}

/// Of each sawtooth.
const PHASES: u32 = 8;
/// Of random series. (Of 500 each, four hours long, there were 1, 7 and 8 false alarms: in 2,000 hours.)
const SEEDS: u64 = 50;

/// The second at which a series is first found to grow, if sampled every `every` seconds for so many minutes.
fn alarm(minutes: u64, every: u64, mut value: impl FnMut(f64) -> f64) -> Option<u64> {
    let mut track = Track::new(Unit::Count);
    (0..minutes * 60).step_by(every as usize).find(|second| {
        let now = Duration::from_secs(*second);
        track.add(now, value(*second as f64));
        // (Not at each sample: that takes long where nothing is optimised.)
        second % 30 == 0 && judge(track.recent(), now, &RULE).is_some_and(|trend| trend.grows)
    })
}

fn sawtooth(time: f64, period: f64) -> f64 {
    time % period / period
}

#[test]
fn what_is_flat_is_no_alarm() {
    assert_eq!(alarm(60, 5, |_| 1000.0), None);
    assert_eq!(alarm(240, 30, |_| 0.0), None);
}

#[test]
fn a_sawtooth_is_no_alarm() {
    // Sampled every five seconds, as whatever moves so much is.
    for period in [7.0, 20.0, 61.0, 120.0, 233.0, 300.0, 480.0] {
        for phase in 0..PHASES {
            let shift = period * f64::from(phase) / f64::from(PHASES);
            let found = alarm(90, 5, |time| 1000.0 + 800.0 * sawtooth(time + shift, period));
            assert_eq!(found, None, "teeth of {period} s, {shift} s in");
        }
    }
}

#[test]
fn a_step_is_no_alarm() {
    for every in [5, 30] {
        for at in (60..3600).step_by(267) {
            let mut random = Random(at);
            let found =
                alarm(90, every, |time| 1000.0 + if time >= at as f64 { 500.0 } else { 0.0 } + 10.0 * random.normal());
            assert_eq!(found, None, "every {every} s, step at {at} s");
        }
    }
}

#[test]
fn a_server_that_fills_up_and_stays_so_is_no_alarm_once_it_is_full() {
    // Within the first ten minutes nothing is judged; what still rises then does grow.
    for minutes in [2.0, 4.0, 6.0] {
        let found = alarm(120, 5, |time| 1000.0 + 1000.0 * (time / 60.0 / minutes).min(1.0));
        assert_eq!(found, None, "full after {minutes} min");
    }
}

#[test]
fn what_falls_is_no_alarm() {
    assert_eq!(alarm(120, 5, |time| 10_000.0 - time), None);
}

#[test]
fn a_leak_is_an_alarm_within_minutes() {
    for every in [5, 30] {
        // Ten per cent in ten minutes.
        let found = alarm(120, every, |time| 1000.0 + time / 6.0).expect("it leaks");
        assert!(found <= 630, "found after {found} s, every {every} s");
        // Half of that: as soon as it is worth mentioning.
        let found = alarm(120, every, |time| 1000.0 + time / 13.0).expect("it leaks");
        assert!(found <= 780, "found after {found} s, every {every} s");
    }
}

#[test]
fn a_leak_below_a_sawtooth_is_an_alarm() {
    for every in [5, 30] {
        for period in [20.0, 61.0, 120.0] {
            let leak = |time: f64| 1000.0 + time / 4.0 + 400.0 * sawtooth(time, period);
            let found = alarm(120, every, leak);
            assert!(found.is_some_and(|at| at <= 1800), "every {every} s, teeth of {period} s: {found:?}");
        }
    }
}

#[test]
fn a_leak_in_noise_is_found_whatever_the_seed() {
    let mut late = 0;
    for seed in 0..100 {
        let mut random = Random(seed);
        let found = alarm(60, 5, |time| 1000.0 + time / 6.0 + 10.0 * random.normal());
        late += u32::from(found.is_none_or(|at| at > 900));
    }
    assert!(late <= 2, "{late} of 100 leaks were found late, or not");
}

#[test]
fn noise_is_hardly_ever_an_alarm() {
    let (mut alarms, hours) = (0, 2);
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        // One in five of the values is up to a fifth off.
        let every = if seed % 2 == 0 { 5 } else { 30 };
        let found = alarm(hours * 60, every, |_| {
            let off = if random.next() < 0.2 { 200.0 * random.next() } else { 0.0 };
            1000.0 + 30.0 * random.normal() + off
        });
        alarms += u32::from(found.is_some());
    }
    assert!(alarms <= 1, "{alarms} false alarms in {} hours of noise", SEEDS * hours);
}

#[test]
fn noise_that_is_larger_than_what_matters_is_seldom_an_alarm() {
    let (mut alarms, hours) = (0, 2);
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let every = if seed % 2 == 0 { 5 } else { 30 };
        let found = alarm(hours * 60, every, |_| 1000.0 * (1.0 + 0.2 * random.normal()));
        alarms += u32::from(found.is_some());
    }
    assert!(alarms <= 1, "{alarms} false alarms in {} hours of noise", SEEDS * hours);
}

#[test]
fn more_samples_than_before_or_fewer_are_no_trend() {
    let mut alarms = 0;
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let mut track = Track::new(Unit::Count);
        let mut second = 0;
        let found = std::iter::repeat_with(|| {
            second += if second / 900 % 2 == seed % 2 { 5 } else { 30 };
            let now = Duration::from_secs(second);
            track.add(now, 1000.0 + 300.0 * random.next());
            (second, judge(track.recent(), now, &RULE))
        });
        let mut first_hours = found.take_while(|(second, _)| *second < 2 * 3600);
        alarms += u32::from(first_hours.any(|(_, trend)| trend.is_some_and(|trend| trend.grows)));
    }
    assert!(alarms <= 1, "{alarms} false alarms in {} hours", SEEDS * 2);
}

#[test]
fn the_slope_and_the_confidence_are_those_of_the_books() {
    let points: Vec<(f64, f64)> =
        [1.0, 3.0, 2.0, 5.0, 4.0].into_iter().enumerate().map(|(i, v)| (i as f64, v)).collect();
    // By hand: of the ten slopes -1, -1, 0.5, 0.5, 0.75, 1, 1, 4/3, 2, 3 the middle; six more up than down; 50/3.
    assert!((slope(&points) - 0.875).abs() < 1e-9, "{}", slope(&points));
    assert!((mann_kendall(&points) - 5.0 / (50.0_f64 / 3.0).sqrt()).abs() < 1e-9);
    assert!((normal(1.96) - 0.975).abs() < 1e-4 && (normal(-1.96) - 0.025).abs() < 1e-4 && normal(0.0) > 0.499);
    let tied: Vec<(f64, f64)> = [1.0, 1.0, 2.0, 2.0].into_iter().enumerate().map(|(i, v)| (i as f64, v)).collect();
    // (4·3·13 - 2·(2·1·9)) / 18 = 20/3.
    assert!((mann_kendall(&tied) - 3.0 / (20.0_f64 / 3.0).sqrt()).abs() < 1e-9);
}
