//! What the bus counted by itself: all in all, and at the moment when there was most to count.

use crate::replay::{Replay, TrackedFigures};
use pulsebus::BusStatistics;
use serde::Serialize;

/// So many of the fullest topics are named.
const TOPICS: usize = 5;

/// What the bus counted over all passes.
#[derive(Debug, Serialize)]
pub struct Tracked {
    /// Connections at the end of everything. Must be 0.
    pub live: u64,
    /// The most at one time, extra slots included.
    pub peak: u64,
    /// Connections made.
    pub made: u64,
    /// Connections that ended, by reason; only reasons that occurred.
    pub ended: Vec<Named>,
    /// Connections that a limit refused. Must be 0: none is set.
    pub rejected: u64,
    /// Callbacks at cleanups that panicked. Must be 0: there are none.
    pub cleanup_errors: u64,
    /// Samples for call statistics that were handed out, one for each connection.
    pub samples_taken: u64,
    /// Of these, those that had to be made.
    pub samples_made: u64,
    /// How many connections a sample served, on average.
    pub uses_per_sample: Option<f64>,
}

/// What the bus knew in the warm-up pass when the recording had most connections.
#[derive(Debug, Serialize)]
pub struct AtPeak {
    /// Connections, extra slots included.
    pub live: u64,
    /// Owners that had some.
    pub owners: u64,
    /// How many the owner with the most had.
    pub most_of_an_owner: u64,
    /// Connections by kind.
    pub kinds: Vec<Named>,
    /// Connections by service.
    pub services: Vec<Named>,
    /// Topics that had some.
    pub topics: u64,
    /// The five topics with the most, by their names on the bus.
    pub fullest_topics: Vec<Named>,
}

/// A count with a name.
#[derive(Debug, Serialize)]
pub struct Named {
    /// Of what.
    pub name: String,
    /// How many.
    pub count: u64,
}

impl Tracked {
    /// `None` if the replay was on bare signals.
    pub fn new(replay: &Replay) -> Option<Self> {
        let TrackedFigures { at_end, .. } = replay.tracked.as_ref()?;
        let (taken, made) = (at_end.samples_taken, at_end.samples_made);
        Some(Self {
            live: at_end.live as u64,
            peak: at_end.peak as u64,
            made: at_end.made,
            ended: at_end.ended.iter().map(|(reason, count)| named(reason, *count)).collect(),
            rejected: at_end.rejected,
            cleanup_errors: at_end.cleanup_errors,
            samples_taken: taken,
            samples_made: made,
            uses_per_sample: (made > 0).then(|| taken as f64 / made as f64),
        })
    }
}

impl AtPeak {
    /// `None` if the replay was on bare signals, or the recording has no connections.
    pub fn new(replay: &Replay) -> Option<Self> {
        let BusStatistics { live, owners, kinds, services, topics, .. } = replay.tracked.as_ref()?.at_peak.as_ref()?;
        let taken = topics.iter().filter(|topic| topic.live > 0);
        Some(Self {
            live: *live as u64,
            owners: owners.len() as u64,
            most_of_an_owner: owners.first().map_or(0, |owner| owner.live as u64),
            kinds: kinds.iter().map(|(kind, live)| named(kind, *live as u64)).collect(),
            services: services.iter().map(|service| named(&service.key, service.live as u64)).collect(),
            topics: taken.clone().count() as u64,
            fullest_topics: taken.take(TOPICS).map(|topic| named(&topic.label, topic.live as u64)).collect(),
        })
    }
}

fn named(name: impl ToString, count: u64) -> Named {
    Named { name: name.to_string(), count }
}
