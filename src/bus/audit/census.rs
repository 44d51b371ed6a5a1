//! What there is now, by place in the source.

use super::OLD;
use crate::bus::inner::Inner;
use crate::bus::key::Kind;
use crate::bus::registry::{Keeper, Registry, Seen};
use crate::bus::topics::TopicId;
use hashbrown::{HashMap, HashSet};
use std::panic::Location;
use std::ptr;
use std::time::Duration;

pub(super) struct Census {
    /// When it was taken, by the bus's clock.
    pub(super) time: Duration,
    pub(super) live: usize,
    pub(super) places: Vec<Place>,
    /// Tracked connections.
    topics: HashMap<TopicId, usize>,
}

/// The connections of one place.
pub(super) struct Place {
    pub(super) place: &'static Location<'static>,
    pub(super) live: usize,
    pub(super) unmanaged: usize,
    /// How many different owners and services they have; those that have neither count as one.
    pub(super) keepers: usize,
    /// The age of the oldest one.
    pub(super) oldest: Duration,
    /// How many are old.
    pub(super) old: usize,
    pub(super) never_called: usize,
    /// Are the calls of one of them counted?
    pub(super) is_counted: bool,
    /// When the youngest one was made that was called.
    called: Option<Duration>,
    /// When those were made that are old and were never called.
    waiting: Vec<Duration>,
}

/// A census that is being taken, page by page.
pub(in crate::bus) struct Counting {
    census: Census,
    index: Index,
}

impl Counting {
    pub(super) fn new(time: Duration) -> Self {
        let census = Census { time, live: 0, places: Vec::new(), topics: HashMap::new() };
        Self { census, index: Index::default() }
    }

    /// Counts what is connected of a page.
    pub(in crate::bus) fn count(&mut self, registry: &Registry, page: usize) {
        let Self { census, index } = self;
        registry.look(page).filter(Seen::is_connected).for_each(|seen| census.count(&seen, index));
    }

    pub(super) fn finish(self) -> Census {
        self.census
    }
}

impl Census {
    /// Counts what is connected, a page at a time.
    pub(super) fn take(inner: &Inner) -> Self {
        let mut counting = Counting::new(inner.clock.now());
        inner.each_page(|registry, page, _| counting.count(registry, page));
        counting.finish()
    }

    fn count(&mut self, seen: &Seen<'_>, index: &mut Index) {
        let record = seen.record;
        self.live += 1;
        if let Some(topic) = record.topic {
            *self.topics.entry(topic).or_default() += 1;
        }
        let at = index.find(record.place, &mut self.places);
        let place = &mut self.places[at];
        let age = self.time.saturating_sub(record.created());
        place.live += 1;
        place.unmanaged += usize::from(record.is_unmanaged());
        place.keepers += usize::from(index.keepers.insert((at, seen.keeper())));
        place.oldest = place.oldest.max(age);
        place.old += usize::from(age > OLD);
        let Some(was_called) = seen.was_called() else { return };
        place.is_counted = true;
        if was_called {
            place.called = place.called.max(Some(record.created()));
        } else {
            place.never_called += 1;
            // A timer waits because it was told to.
            if age > OLD && seen.kind() != Kind::Timer && !record.waits() {
                place.waiting.push(record.created());
            }
        }
    }

    /// Tracked connections of a topic.
    pub(super) fn tracked_of(&self, topic: TopicId) -> usize {
        self.topics.get(&topic).copied().unwrap_or(0)
    }
}

impl Place {
    fn new(place: &'static Location<'static>) -> Self {
        Self {
            place,
            live: 0,
            unmanaged: 0,
            keepers: 0,
            oldest: Duration::ZERO,
            old: 0,
            never_called: 0,
            is_counted: false,
            called: None,
            waiting: Vec::new(),
        }
    }

    /// How many are old and were never called, though one that was made later was.
    pub(super) fn forgotten(&self) -> usize {
        self.called.map_or(0, |called| self.waiting.iter().filter(|made| **made < called).count())
    }
}

/// Where in the census a place is.
#[derive(Default)]
struct Index {
    /// By the address of its location: the quick way.
    addresses: HashMap<usize, usize>,
    /// By what it says: one place may have several addresses.
    places: HashMap<&'static Location<'static>, usize>,
    keepers: HashSet<(usize, Keeper)>,
}

impl Index {
    fn find(&mut self, location: &'static Location<'static>, places: &mut Vec<Place>) -> usize {
        let Self { addresses, places: known, .. } = self;
        *addresses.entry(ptr::from_ref(location).addr()).or_insert_with(|| {
            *known.entry(location).or_insert_with(|| {
                places.push(Place::new(location));
                places.len() - 1
            })
        })
    }
}
