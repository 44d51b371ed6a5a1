//! The plain oracle: what a recording means, told with maps and sets of names, without the bus and without the compiled
//! plan. It is slow and obvious on purpose, and shares no step with what it checks.

use crate::check::Figures;
use crate::recording::{Event, Op};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Follows a recording event by event.
#[derive(Debug, Default)]
pub struct Oracle {
    /// Who is in a topic.
    members: HashMap<String, HashSet<String>>,
    /// In which topics an owner is; owners that are nowhere have no entry.
    topics: HashMap<String, HashSet<String>>,
    messages: BTreeMap<String, PerTopic>,
    figures: Figures,
}

/// What the messages of one topic came to.
#[derive(Debug, Default)]
struct PerTopic {
    messages: u64,
    bytes: u64,
    deliveries: u64,
}

impl Oracle {
    /// Takes the next event.
    pub fn push(&mut self, event: &Event<'_>) {
        let owner = event.owner;
        match event.op {
            Op::Join(topic) => {
                self.figures.topics.entry(topic.to_owned()).or_default();
                if self.add(owner, topic) {
                    self.figures.connects += 1;
                } else {
                    self.figures.repeated_joins += 1;
                }
            }
            Op::Leave(topic) => {
                self.figures.topics.entry(topic.to_owned()).or_default();
                if self.remove(owner, topic) {
                    self.figures.disconnects += 1;
                } else {
                    self.figures.unmatched_leaves += 1;
                }
            }
            Op::Quit => {
                let left = self.topics_of(owner);
                self.figures.unmatched_quits += u64::from(left.is_empty());
                for topic in left {
                    self.remove(owner, &topic);
                    self.figures.disconnects += 1;
                }
            }
            Op::Rename(name) => {
                let taken = self.topics_of(owner);
                if taken.is_empty() || name == owner {
                    self.figures.idle_renames += 1;
                    return;
                }
                for topic in taken {
                    self.remove(owner, &topic);
                    if !self.add(name, &topic) {
                        self.figures.collapsed += 1;
                        self.figures.disconnects += 1;
                    }
                }
            }
            Op::Message { topic, bytes } => {
                let heard = self
                    .members
                    .get(topic)
                    .map_or(0, |members| members.len() as u64 - u64::from(members.contains(owner)));
                let sums = self.messages.entry(topic.to_owned()).or_default();
                sums.messages += 1;
                sums.bytes += u64::from(bytes);
                sums.deliveries += heard;
                self.figures.messages += 1;
                self.figures.delivered_bytes += heard * u64::from(bytes);
            }
        }
        let live = self.figures.connects - self.figures.disconnects;
        self.figures.peak_live = self.figures.peak_live.max(live);
    }

    /// What a faithful replay comes to when every topic has `extra_slots` more listeners, which hear everything.
    pub fn finish(self, extra_slots: u64) -> Figures {
        let mut figures = self.figures;
        for (topic, sums) in self.messages {
            let deliveries = sums.deliveries + sums.messages * extra_slots;
            figures.deliveries += deliveries;
            figures.delivered_bytes += sums.bytes * extra_slots;
            figures.topics.insert(topic, deliveries);
        }
        figures.live_at_end = self.members.values().map(|members| members.len() as u64).sum();
        figures
    }

    fn topics_of(&self, owner: &str) -> Vec<String> {
        self.topics.get(owner).into_iter().flatten().cloned().collect()
    }

    /// Whether `owner` was not yet in `topic`.
    fn add(&mut self, owner: &str, topic: &str) -> bool {
        self.topics.entry(owner.to_owned()).or_default().insert(topic.to_owned());
        self.members.entry(topic.to_owned()).or_default().insert(owner.to_owned())
    }

    /// Whether `owner` was in `topic`.
    fn remove(&mut self, owner: &str, topic: &str) -> bool {
        if let Some(topics) = self.topics.get_mut(owner) {
            topics.remove(topic);
            if topics.is_empty() {
                self.topics.remove(owner);
            }
        }
        self.members.get_mut(topic).is_some_and(|members| members.remove(owner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(events: &[(&str, Op<'_>)], extra_slots: u64) -> Figures {
        let mut oracle = Oracle::default();
        for (owner, op) in events {
            oracle.push(&Event { t_ms: 0, owner, op: *op });
        }
        oracle.finish(extra_slots)
    }

    #[test]
    fn a_sender_does_not_hear_itself_and_extra_slots_hear_all() {
        let events = [
            ("ann", Op::Join("t")),
            ("bob", Op::Join("t")),
            ("ann", Op::Join("t")),
            ("ann", Op::Message { topic: "t", bytes: 10 }),
            ("eve", Op::Message { topic: "t", bytes: 1 }),
        ];
        let got = figures(&events, 0);
        assert_eq!((got.deliveries, got.delivered_bytes, got.repeated_joins), (3, 12, 1));
        let got = figures(&events, 2);
        assert_eq!((got.deliveries, got.delivered_bytes, got.live_at_end), (7, 34, 2));
    }

    #[test]
    fn a_rename_moves_and_collapses() {
        let events = [
            ("ann", Op::Join("t")),
            ("ann", Op::Join("u")),
            ("bob", Op::Join("t")),
            ("ann", Op::Rename("bob")),
            ("ann", Op::Rename("eve")),
            ("bob", Op::Message { topic: "u", bytes: 1 }),
            ("ann", Op::Message { topic: "t", bytes: 1 }),
            ("ann", Op::Quit),
            ("bob", Op::Quit),
        ];
        let got = figures(&events, 0);
        assert_eq!((got.deliveries, got.collapsed, got.idle_renames, got.unmatched_quits), (1, 1, 1, 1));
        assert_eq!((got.connects, got.disconnects, got.peak_live, got.live_at_end), (3, 3, 3, 0));
    }
}
