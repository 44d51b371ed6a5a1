//! The places in the source that hold what there is, and from where it grew.

use super::look::guarded;
use super::sample::StandingPin;
use super::series::{self, pool_of};
use crate::bus::{Bus, Name};
use crate::objects::{PoolLeak, Pools};
use std::cell::OnceCell;
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

/// Finds the places behind series.
pub(super) struct Places {
    bus: Option<Bus>,
    pools: Option<Pools>,
    pin: Option<StandingPin>,
    /// A look at every connection is one for all series.
    connections: OnceCell<Vec<GrowingPlace>>,
}

impl Places {
    pub(super) fn new(bus: Option<Bus>, pools: Option<Pools>, pin: Option<StandingPin>) -> Self {
        Self { bus, pools, pin, connections: OnceCell::new() }
    }

    /// Those behind a series; behind memory, all of them.
    pub(super) fn behind(&self, name: &str) -> Vec<GrowingPlace> {
        match name {
            series::LAG => self.pin.and_then(standing).into_iter().collect(),
            series::POOL_BYTES => self.objects(None, OUT),
            series::CONNECTIONS | series::TIMERS | series::SIGNALS | series::CHUNKS | series::PENDING => {
                self.connections().to_vec()
            }
            series::RESIDENT | series::HEAP => [self.connections(), &self.objects(None, OUT)].concat(),
            // Of a gauge of the user's nothing is known.
            _ => pool_of(name).map(|pool| self.objects(Some(pool), Duration::ZERO)).unwrap_or_default(),
        }
    }

    fn connections(&self) -> &[GrowingPlace] {
        self.connections.get_or_init(|| {
            let places = self.bus.as_ref().map(Bus::places).unwrap_or_default();
            let told = places.into_iter().take(MOST).map(|place| GrowingPlace {
                place: place.place,
                what: Made::Connections,
                count: place.live,
                grown: place.base.map(|(_, over)| (place.grown(), over)),
                oldest: None,
            });
            told.collect()
        })
    }

    /// What is out of a pool, or of all.
    fn objects(&self, pool: Option<&str>, older: Duration) -> Vec<GrowingPlace> {
        let fits = |name: &str| pool.is_none_or(|pool| pool == name || series::of_pool(pool) == series::OTHER_POOLS);
        let told = self.leaks(older).into_iter().filter(|leak| fits(&leak.pool)).take(MOST);
        let place = |leak: PoolLeak| GrowingPlace {
            place: leak.place,
            what: Made::Objects(leak.pool.into()),
            count: leak.count,
            grown: None,
            oldest: Some(leak.oldest),
        };
        told.map(place).collect()
    }

    /// What has been out of pools for longer than that.
    pub(super) fn leaks(&self, older: Duration) -> Vec<PoolLeak> {
        // The last handle of a pool may be ours to drop, and objects of the user's with it.
        let leaks = self.pools.as_ref().and_then(|pools| guarded(|| pools.leaks(older)));
        leaks.unwrap_or_default()
    }
}

fn standing(pin: StandingPin) -> Option<GrowingPlace> {
    let place = pin.place?;
    Some(GrowingPlace { place, what: Made::Pin, count: 1, grown: None, oldest: Some(pin.age) })
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
