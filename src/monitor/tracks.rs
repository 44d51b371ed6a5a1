//! The histories of all series.

use super::history::Track;
use super::sample::Sample;
use super::series::Unit;
use super::trend::{Rule, judge};
use crate::bus::Name;
use std::collections::BTreeMap;
use std::time::Duration;

/// What is counted and grows by fewer is not worth a word.
pub(super) const FEW: f64 = 20.0;
/// Of bytes.
pub(super) const LITTLE: f64 = 1e6;

/// A series without a value for so long has no trend.
const SILENT: Duration = Duration::from_secs(150);

/// The histories by name. There are at most [`MOST`](Self::MOST), whatever comes and goes.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    tracks: BTreeMap<Name, Track>,
    /// Up to which one the trends were judged in this round.
    judged: Option<Name>,
}

impl Tracks {
    /// More than the series that there can be at a time: 9 of the monitor's, 65 of pools, 128 of the user's.
    pub(super) const MOST: usize = 256;
    /// So many trends are judged with a sample, a few microseconds each. The others have their turn at the next ones.
    const JUDGED: usize = 64;

    /// Adds the values of a sample. Does something move?
    pub(super) fn add(&mut self, sample: &Sample) -> bool {
        let now = sample.time;
        let mut lively = false;
        sample.each(|name, unit, value| {
            let Some(value) = value else { return };
            if !self.tracks.contains_key(name) {
                self.make_room(now);
            }
            let track = self.tracks.entry(name.clone()).or_insert_with(|| Track::new(unit));
            let floor = floor(unit, 0.0);
            lively |= track.latest.is_some_and(|latest| super::interval::moves(latest, (now, value), floor));
            track.add(now, value);
        });
        self.tracks.retain(|_, track| {
            track.forget(now);
            track.ranges().is_some()
        });
        lively
    }

    /// Judges the trends of some series: of each, its name, its track, and since when it has grown.
    pub(super) fn judge(&mut self, now: Duration, rule: impl Fn(Unit) -> Rule) {
        use std::ops::Bound::{Excluded, Unbounded};
        let after = self.judged.take().map_or(Unbounded, Excluded);
        let mut last = None;
        for (count, (name, track)) in self.tracks.range_mut::<Name, _>((after, Unbounded)).enumerate() {
            if count == Self::JUDGED {
                self.judged = last;
                return;
            }
            last = Some(name.clone());
            let is_silent = track.latest.is_none_or(|(time, _)| now.saturating_sub(time) > SILENT);
            // How long something stands says nothing by growing.
            let is_judged = track.unit != Unit::Seconds && !is_silent;
            track.trend = if is_judged { judge(track.recent(), now, &rule(track.unit)) } else { None };
            let grows = track.trend.is_some_and(|trend| trend.grows);
            track.growing_since = if grows { track.growing_since.or(Some(now)) } else { None };
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Name, &Track)> {
        self.tracks.iter()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Track> {
        self.tracks.get(name)
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.tracks.remove(name);
    }

    /// Forgets the series that has been silent for the longest, if there are too many.
    fn make_room(&mut self, now: Duration) {
        if self.tracks.len() < Self::MOST {
            return;
        }
        let silent = |track: &Track| track.latest.map_or(Duration::MAX, |(time, _)| now.saturating_sub(time));
        let oldest = self.tracks.iter().max_by_key(|(_, track)| silent(track)).map(|(name, _)| name.clone());
        oldest.map(|name| self.tracks.remove(&name));
    }
}

/// What growth has to exceed to matter.
pub(super) fn floor(unit: Unit, budget: f64) -> f64 {
    match unit {
        Unit::Bytes => LITTLE.max(budget / 100.0),
        Unit::Count => FEW,
        Unit::Seconds => 1.0,
    }
}
