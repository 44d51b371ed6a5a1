//! What there is, and was: totals, and a count for each group.

use super::Bus;
use super::details::{Detail, Filter};
use super::inner::Inner;
use super::key::{Kind, Name, Owner};
use super::reason::EndReason;
use super::registry::{Group, PAGE, Totals};
use crate::connection::Connection;
use std::collections::BTreeMap;
use std::fmt;

/// What there is on a bus, and what there was; from [`Bus::statistics`].
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct BusStatistics {
    /// Connections that there are.
    pub live: usize,
    /// The most that there were at a time. (Those count that had ended, and whose end the bus had not found yet.)
    pub peak: usize,
    /// Connections that were made.
    pub made: u64,
    /// Connections that ended, by reason. Only reasons that occurred.
    pub ended: BTreeMap<EndReason, u64>,
    /// Connections that were refused because of a limit.
    pub rejected: u64,
    /// Connections that were made although a limit was reached.
    pub over_limit: u64,
    /// How often the [emergency hook](crate::Bus::on_emergency) was due.
    pub emergencies: u64,
    /// Callbacks of the user's that panicked: at cleanups, in hooks.
    pub cleanup_errors: u64,
    /// Panics of slots. (Not those of one whose memory served another one before the bus found that it had ended: its handle
    /// disconnected it, or its signal was dropped, and it was collected, say. So this number may even go back.)
    pub panics: u64,
    /// By owner, those with the most connections first.
    pub owners: Vec<GroupCount<Owner>>,
    /// By service, those with the most connections first.
    pub services: Vec<GroupCount<Name>>,
    /// By tag, those with the most connections first.
    pub tags: Vec<GroupCount<Name>>,
    /// By kind. Only kinds that there are.
    pub kinds: BTreeMap<Kind, usize>,
    /// Named topics and signals by type of the bus, with their slots, tracked or not; those with the most first.
    pub topics: Vec<TopicCount>,
    /// The limits that are in force.
    pub limits: super::config::Limits,
    /// Samples for call statistics that were handed out.
    pub samples_taken: u64,
    /// Those among them that had to be made. What is missing to the other number was used again.
    pub samples_made: u64,
}

/// A group, and how many connections it has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct GroupCount<K> {
    /// Whose they are.
    pub key: K,
    /// Connections that there are.
    pub live: usize,
    /// Connections that were made since the group last had none.
    pub made: u64,
}

/// A topic, and how many slots it has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TopicCount {
    /// Its name, or the type of its events.
    pub label: String,
    /// Does it have a name of its own?
    pub named: bool,
    /// The type of its events.
    pub event: &'static str,
    /// Its slots, tracked or not.
    pub live: usize,
}

impl Inner {
    /// Removes what has ended, and if asked to, ends what is stale; how many were. Lets others at the registry page by page.
    pub(super) fn sweep(&self, stale_too: bool) -> usize {
        let mut count = 0;
        self.each_page(|registry, page, ended| count += registry.sweep_page(page, stale_too, ended));
        count
    }

    /// Removes what has ended of a group; how many connections it has then.
    pub(super) fn count(&self, group: &Group<'_>) -> usize {
        self.with(|registry, ended| {
            let ids = registry.select(group);
            ids.into_iter().filter(|id| registry.forget_if_ended(*id, ended)).count()
        })
    }

    /// Adds the records of a page that fit. Was there such a page?
    pub(super) fn add_details(&self, page: usize, filter: &Filter, details: &mut Vec<Detail>) -> bool {
        // Before the lock: growing takes longer than all else.
        details.reserve(PAGE);
        self.look(|registry| {
            let now = registry.time();
            let fitting = registry.look(page).filter(|seen| filter.fits(seen));
            details.extend(fitting.map(|seen| Detail::new(&seen, now)));
            page < registry.pages()
        })
    }

    /// The records of one group that fit.
    fn details_of_group(&self, group: &Group<'_>, filter: &Filter) -> Vec<Detail> {
        self.with(|registry, ended| {
            let mut ids = registry.select(group);
            ids.retain(|id| registry.forget_if_ended(*id, ended));
            let now = registry.time();
            let seen = ids.iter().filter_map(|id| registry.look_at(*id)).filter(|seen| filter.fits(seen));
            seen.map(|seen| Detail::new(&seen, now)).collect()
        })
    }
}

impl Bus {
    /// Totals, and counts by owner, service, tag, kind and topic. Sees first to what was disconnected behind the bus's back.
    ///
    /// Looks at every connection, a page at a time: others connect and clean up meanwhile, so the figures of different groups
    /// are not of one instant. Emissions are not concerned.
    pub fn statistics(&self) -> BusStatistics {
        let inner = &self.inner;
        inner.sweep(false);
        // After the whole sweep: a callback of it may have emitted, and a slot panicked.
        let mut panicked = Vec::new();
        inner.each_page(|registry, page, _| {
            panicked.extend(registry.look(page).filter(|seen| seen.panics() > 0).map(|seen| seen.id));
        });
        let (live, totals, owners, services, tags, kinds, samples, panics) = inner.look(|registry| {
            let samples = registry.samples.reuse();
            // With the totals: what has ended since it was looked at, in a callback for instance, counts among those.
            let still = panicked.iter().filter_map(|id| registry.look_at(*id));
            let panics: u64 = still.map(|seen| u64::from(seen.panics())).sum();
            let groups = (registry.owners(), registry.services(), registry.tags(), registry.kinds());
            (registry.len(), registry.totals.clone(), groups.0, groups.1, groups.2, groups.3, samples, panics)
        });
        let Totals { made, peak, rejected, over_limit, emergencies, panics: panics_before, .. } = totals;
        let mut topics = Vec::with_capacity(inner.topics.len());
        inner.topics.for_each(|topic| {
            let (label, named) = (topic.label.to_string(), topic.named);
            topics.push(TopicCount { label, named, event: topic.event_type, live: topic.live });
        });
        topics.sort_by_key(|topic| std::cmp::Reverse(topic.live));
        BusStatistics {
            live,
            peak,
            made,
            ended: totals.ended().filter(|(_, count)| *count > 0).collect(),
            rejected,
            over_limit,
            emergencies,
            cleanup_errors: inner.errors(),
            panics: panics + panics_before,
            owners: counts(owners),
            services: counts(services),
            tags: counts(tags),
            kinds: kinds.into_iter().collect(),
            topics,
            limits: inner.config.load().limits.clone(),
            samples_taken: samples.0,
            samples_made: samples.1,
        }
    }

    /// Everything that is known of each connection that fits. Looks at those of the owner, the service or the tag that the
    /// filter names, otherwise at every one, a page at a time.
    pub fn details(&self, filter: &Filter) -> Vec<Detail> {
        if let Some(group) = filter.group() {
            return self.inner.details_of_group(&group, filter);
        }
        self.inner.sweep(false);
        let mut details = Vec::with_capacity(if filter.is_everything() { self.len() + PAGE } else { 0 });
        (0..).find(|page| !self.inner.add_details(*page, filter, &mut details));
        details
    }

    /// Everything that is known of one connection; `None` if the bus does not track it.
    pub fn detail(&self, connection: Connection) -> Option<Detail> {
        self.inner.with(|registry, _| {
            let id = registry.find(&connection)?;
            let seen = registry.look_at(id)?;
            Some(Detail::new(&seen, registry.time()))
        })
    }

    /// How many connections there are, those included that have ended behind the bus's back. One look.
    pub fn len(&self) -> usize {
        self.inner.look(|registry| registry.len())
    }

    /// Is none tracked? As [`len`](Self::len).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many connections an owner has. Looks at each of them.
    pub fn count_of(&self, owner: impl Into<Owner>) -> usize {
        self.inner.count(&Group::Owner(&owner.into()))
    }
}

fn counts<K>(tallies: Vec<(K, usize, u64)>) -> Vec<GroupCount<K>> {
    let mut counts: Vec<_> = tallies.into_iter().map(|(key, live, made)| GroupCount { key, live, made }).collect();
    counts.sort_by_key(|count| std::cmp::Reverse(count.live));
    counts
}

impl BusStatistics {
    /// How many ended for a reason.
    pub fn ended_by(&self, reason: EndReason) -> u64 {
        self.ended.get(&reason).copied().unwrap_or(0)
    }
}

impl fmt::Display for BusStatistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} connections live, {} at most, {} made", self.live, self.peak, self.made)?;
        for (reason, count) in &self.ended {
            writeln!(f, "  ended, {reason}: {count}")?;
        }
        for (count, what) in [
            (self.rejected, "refused by limits"),
            (self.over_limit, "made beyond limits"),
            (self.emergencies, "emergencies"),
            (self.cleanup_errors, "callbacks panicked"),
            (self.panics, "slots panicked"),
        ] {
            if count > 0 {
                writeln!(f, "  {what}: {count}")?;
            }
        }
        for (kind, count) in &self.kinds {
            writeln!(f, "  of kind {kind}: {count}")?;
        }
        for service in &self.services {
            writeln!(f, "  of service {}: {}", service.key, service.live)?;
        }
        const SHOWN: usize = 5;
        for owner in self.owners.iter().take(SHOWN) {
            writeln!(f, "  of owner {}: {}", owner.key, owner.live)?;
        }
        if self.owners.len() > SHOWN {
            writeln!(f, "  of {} other owners: fewer", self.owners.len() - SHOWN)?;
        }
        Ok(())
    }
}
