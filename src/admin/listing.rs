//! The connections that fit a filter.

use super::command::{ConnectionFilter, OwnerIs};
use super::error::AdminError;
use super::nearest::{COMPARED, nearest};
use super::outcome::{ConnectionEntry, Outcome};
use super::show::printed;
use crate::bus::{Bus, ConnectionId, Detail, Filter, Kind, Name, TopicId};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Those that fit. Memory is needed for those that are shown, and for a page of those that are looked at; for all connections
/// of an owner, a service or a tag if one is named.
pub(super) fn connections(bus: &Bus, wanted: &ConnectionFilter) -> Result<Outcome, AdminError> {
    let labels: HashMap<TopicId, String> =
        bus.topic_counts().into_iter().map(|(id, topic)| (id, topic.label)).collect();
    if let Some(topic) = &wanted.topic {
        if !labels.values().any(|label| label == topic) {
            let near = nearest(topic, labels.values().take(COMPARED).map(String::as_str));
            return Err(AdminError::not_found("topic", topic, near));
        }
    }
    let stale = wanted.stale.then(|| bus.stale());
    // The oldest ones so far.
    let mut oldest: BTreeMap<(Duration, ConnectionId), Detail> = BTreeMap::new();
    let mut total = 0;
    bus.each_detail(&filter(wanted), |detail| {
        let is_stale = stale.as_ref().is_none_or(|stale| stale.contains(&detail.id));
        let is_of_topic = || match (&wanted.topic, detail.topic) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(topic), Some(id)) => labels.get(&id) == Some(topic),
        };
        if detail.connected && is_stale && fits(wanted, &detail) && is_of_topic() {
            total += 1;
            oldest.insert((detail.created, detail.id), detail);
            if oldest.len() > wanted.limit {
                oldest.pop_last();
            }
        }
    });
    let shown = oldest.into_values().map(|detail| entry(detail, &labels)).collect();
    Ok(Outcome::Connections { total, shown })
}

/// What the bus itself can look for.
fn filter(wanted: &ConnectionFilter) -> Filter {
    let mut filter = Filter::new();
    if let Some(owner) = wanted.owner.as_ref().and_then(OwnerIs::owner) {
        filter = filter.owner(owner);
    }
    if let Some(service) = &wanted.service {
        filter = filter.service(service.clone());
    }
    if let Some(tag) = &wanted.tag {
        filter = filter.tag(tag.clone());
    }
    if let Some(kind) = &wanted.kind {
        filter = filter.kind(Kind::called(kind));
    }
    filter
}

/// What it cannot.
fn fits(wanted: &ConnectionFilter, detail: &Detail) -> bool {
    let has_name = |name: &String| detail.name.as_ref().is_some_and(|found| found.as_str() == name);
    wanted.older.is_none_or(|older| detail.age >= older)
        && wanted.name.as_ref().is_none_or(has_name)
        && wanted.place.as_ref().is_none_or(|place| detail.place.to_string().contains(place.as_str()))
        && match &wanted.owner {
            // (The program's own `Debug` says how it prints.)
            Some(OwnerIs::Key(text)) => {
                detail.owner.as_ref().is_some_and(|owner| owner.is_key() && printed(owner) == *text)
            }
            _ => true,
        }
}

fn entry(detail: Detail, labels: &HashMap<TopicId, String>) -> ConnectionEntry {
    let text = |name: &Option<Name>| name.as_ref().map(Name::to_string);
    ConnectionEntry {
        id: detail.id,
        kind: detail.kind.to_string(),
        owner: detail.owner.as_ref().map(printed),
        scope: text(&detail.scope),
        service: text(&detail.service),
        tags: detail.tags.iter().map(Name::to_string).collect(),
        name: text(&detail.name),
        description: text(&detail.description),
        topic: detail.topic.and_then(|id| labels.get(&id).cloned()),
        place: detail.place.to_string(),
        age: detail.age,
        calls: detail.calls.map(|calls| calls.count),
        panics: detail.panics,
    }
}
