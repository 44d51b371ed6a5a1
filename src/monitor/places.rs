//! The places in the source that hold what there is, and from where it grew.

use super::sample::StandingPin;
use super::series::{self, pool_of};
use crate::bus::{Bus, Name};
use crate::objects::Pools;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

/// A place in the source that made, or holds, what an alert is about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct GrowingPlace {
    /// Where: `file:line:column`.
    #[cfg_attr(feature = "serde", serde(serialize_with = "place_as_text"))]
    pub place: &'static Location<'static>,
    /// What it made.
    pub what: Made,
    /// How much of it there is now.
    pub count: usize,
    /// By how much it has grown, and over what time; `None` if that is not known. (Of connections it is by the looks of the
    /// bus's [audit](crate::Growth), which [`Bus::maintain`](crate::Bus::maintain) takes.)
    pub grown: Option<(usize, Duration)>,
    /// The age of the oldest, if it is known.
    pub oldest: Option<Duration>,
}

/// What a place in the source made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Made {
    /// Connections.
    Connections,
    /// It took objects of this pool, and has not given them back.
    Objects(Name),
    /// The emission or tick that stands.
    Pin,
}

impl fmt::Display for GrowingPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, count, .. } = self;
        match &self.what {
            Made::Connections => write!(f, "{place}: {count} connections")?,
            Made::Objects(pool) => write!(f, "{place}: {count} objects of pool {pool} out")?,
            Made::Pin => write!(f, "{place}: an emission or tick that has not returned")?,
        }
        if let Some((grown, over)) = self.grown.filter(|(grown, _)| *grown > 0) {
            write!(f, ", {grown} more than {over:.0?} ago")?;
        }
        if let Some(oldest) = self.oldest {
            write!(f, ", the oldest for {oldest:.0?}")?;
        }
        Ok(())
    }
}

/// So many places are told.
const MOST: usize = 8;
/// What has been out of a pool for less is no sign of a leak.
const OUT: Duration = Duration::from_secs(60);

/// The places behind a series; behind memory, all of them. Looks at every connection, but changes nothing.
pub(super) fn behind(
    name: &str,
    bus: Option<&Bus>,
    pools: Option<&Pools>,
    pin: Option<StandingPin>,
) -> Vec<GrowingPlace> {
    let memory = [series::RESIDENT, series::HEAP].contains(&name);
    let mut places = Vec::new();
    match name {
        series::LAG => places.extend(pin.and_then(standing)),
        _ if pool_of(name).is_some() => places.extend(objects(pools, pool_of(name), Duration::ZERO)),
        series::POOL_BYTES => places.extend(objects(pools, None, OUT)),
        series::CONNECTIONS | series::TIMERS | series::SIGNALS | series::CHUNKS | series::PENDING => {
            places.extend(connections(bus));
        }
        _ if memory => {
            places.extend(connections(bus));
            places.extend(objects(pools, None, OUT));
        }
        // Of a gauge of the user's nothing is known.
        _ => {}
    }
    places
}

fn standing(pin: StandingPin) -> Option<GrowingPlace> {
    let place = pin.place?;
    Some(GrowingPlace { place, what: Made::Pin, count: 1, grown: None, oldest: Some(pin.age) })
}

fn connections(bus: Option<&Bus>) -> impl Iterator<Item = GrowingPlace> {
    let places = bus.map(Bus::places).unwrap_or_default();
    places.into_iter().take(MOST).map(|place| GrowingPlace {
        place: place.place,
        what: Made::Connections,
        count: place.live,
        grown: place.base.map(|(_, over)| (place.grown(), over)),
        oldest: None,
    })
}

/// What is out of a pool, or of all.
fn objects(pools: Option<&Pools>, pool: Option<&str>, older: Duration) -> impl Iterator<Item = GrowingPlace> {
    let leaks = pools.map(|pools| pools.leaks(older)).unwrap_or_default();
    let fits = move |name: &str| pool.is_none_or(|pool| pool == name || pool == "(others)");
    let leaks = leaks.into_iter().filter(move |leak| fits(&leak.pool)).take(MOST);
    leaks.map(|leak| GrowingPlace {
        place: leak.place,
        what: Made::Objects(leak.pool.into()),
        count: leak.count,
        grown: None,
        oldest: Some(leak.oldest),
    })
}

#[cfg(feature = "serde")]
pub(super) fn as_text<S: serde::Serializer>(
    place: &Option<&'static Location<'static>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match place {
        Some(place) => serializer.collect_str(place),
        None => serializer.serialize_none(),
    }
}

#[cfg(feature = "serde")]
fn place_as_text<S: serde::Serializer>(place: &Location<'static>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(place)
}
