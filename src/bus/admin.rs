//! What the admin commands ask of the bus, beyond what everybody can.

use super::Bus;
use super::details::{ConnectionId, Detail, Filter};
use super::key::{Kind, Owner};
use super::reason::EndReason;
use super::registry::Id;
use super::statistics::TopicCount;
use super::topics::TopicId;
use crate::time::nanoseconds;
use hashbrown::HashSet;

/// How many connections an emergency cleanup would end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Endable {
    /// Those whose weak target is gone, or which have outlived a timeout.
    pub(crate) stale: usize,
    /// Those that belong to nobody, as in [`AuditEntry::unmanaged`](super::AuditEntry::unmanaged).
    pub(crate) unmanaged: usize,
}

impl Owner {
    /// Was it made by [`key`](Self::key)?
    pub(crate) fn is_key(&self) -> bool {
        self.is_foreign()
    }
}

impl Bus {
    /// Shows each connection that fits, a page at a time: memory for one page is all that it takes. Foreign code may run in
    /// `f`: it is called under no lock.
    pub(crate) fn each_detail(&self, filter: &Filter, mut f: impl FnMut(Detail)) {
        if filter.group().is_some() {
            return self.details(filter).into_iter().for_each(f);
        }
        let mut details = Vec::new();
        for page in 0.. {
            let more = self.inner.add_details(page, filter, &mut details);
            details.drain(..).for_each(&mut f);
            if !more {
                break;
            }
        }
    }

    /// All topics, with how many slots each has.
    pub(crate) fn topic_counts(&self) -> Vec<(TopicId, TopicCount)> {
        let mut topics = Vec::with_capacity(self.inner.topics.len());
        self.inner.topics.for_each(|topic| {
            let (label, named) = (topic.label.to_string(), topic.named);
            topics.push((topic.id, TopicCount { label, named, event: topic.event_type, live: topic.live }));
        });
        topics
    }

    /// The connections that are stale: what [`cleanup_stale`](Self::cleanup_stale) would end.
    pub(crate) fn stale(&self) -> HashSet<ConnectionId> {
        let mut stale = HashSet::new();
        self.count_pages(&mut |id, is_stale, _| {
            if is_stale {
                stale.insert(id);
            }
        });
        stale
    }

    /// How many connections an emergency cleanup would end.
    pub(crate) fn endable(&self) -> Endable {
        let mut endable = Endable::default();
        self.count_pages(&mut |_, is_stale, is_unmanaged| {
            endable.stale += usize::from(is_stale);
            endable.unmanaged += usize::from(is_unmanaged);
        });
        endable
    }

    /// Ends what belongs to nobody; how many.
    pub(crate) fn end_unmanaged(&self) -> usize {
        let mut count = 0;
        for page in 0.. {
            let ended = self.inner.with(|registry, ended| {
                if page >= registry.pages() {
                    return None;
                }
                let is_nobodys = |seen: &super::registry::Seen<'_>| seen.is_connected() && seen.record.is_unmanaged();
                let ids: Vec<Id> = registry.look(page).filter(is_nobodys).map(|seen| seen.id).collect();
                Some(ids.into_iter().filter(|id| registry.end(*id, EndReason::Emergency, ended)).count())
            });
            let Some(ended) = ended else { break };
            count += ended;
        }
        count
    }

    /// Tells of each connected one whether it is stale, and whether it is nobody's. Runs no foreign code.
    fn count_pages(&self, f: &mut dyn FnMut(ConnectionId, bool, bool)) {
        for page in 0.. {
            let more = self.inner.look(|registry| {
                let now = nanoseconds(registry.time());
                for seen in registry.look(page).filter(|seen| seen.is_connected()) {
                    f(ConnectionId(seen.id.number()), seen.record.is_stale(now), seen.record.is_unmanaged());
                }
                page + 1 < registry.pages()
            });
            if !more {
                break;
            }
        }
    }
}

impl Kind {
    /// The kind of that name: a built-in one, or one of the user's own.
    pub(crate) fn called(name: &str) -> Self {
        let built_in = Self::BUILT_IN.into_iter().find(|kind| kind.as_str() == name);
        built_in.unwrap_or_else(|| Self::custom(name.to_string()))
    }
}
