//! Comparing what the bus did with what the oracle says it should have done.

use pulsebus::{BusStatistics, EndReason};
use std::collections::BTreeMap;
use std::fmt;

/// Every count that a replay and the oracle must agree on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Messages emitted.
    pub messages: u64,
    /// Slots that heard a message of someone else.
    pub deliveries: u64,
    /// The payload bytes of these deliveries.
    pub delivered_bytes: u64,
    /// Connections made for owners (extra slots are not counted here).
    pub connects: u64,
    /// Connections of owners that were ended by the recording.
    pub disconnects: u64,
    /// The most connections of owners at one time, looked at after every event in the order of the recording.
    pub peak_live: u64,
    /// Connections of owners that the recording leaves behind.
    pub live_at_end: u64,
    /// Joins of someone who already was in the topic.
    pub repeated_joins: u64,
    /// Leaves of someone who was not in the topic.
    pub unmatched_leaves: u64,
    /// Quits of someone who was nowhere.
    pub unmatched_quits: u64,
    /// Renames of someone who was nowhere, or to the same name.
    pub idle_renames: u64,
    /// Connections that ended in a rename, the new name being in the topic already.
    pub collapsed: u64,
    /// Deliveries by topic.
    pub topics: BTreeMap<String, u64>,
}

/// One count that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// Which pass of the replay showed it.
    pub pass: &'static str,
    /// Which count.
    pub figure: String,
    /// What the oracle says.
    pub expected: u64,
    /// What the bus did.
    pub found: u64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pass, figure, expected, found } = self;
        write!(f, "{figure}: expected {expected}, found {found} ({pass} pass)")
    }
}

/// Every count in which `found` differs from `expected`.
pub fn differences(pass: &'static str, expected: &Figures, found: &Figures) -> Vec<Difference> {
    let mut list = Vec::new();
    let mut compare = |figure: &str, expected: u64, found: u64| {
        if expected != found {
            list.push(Difference { pass, figure: figure.to_owned(), expected, found });
        }
    };
    for ((figure, expected), (_, found)) in expected.numbers().into_iter().zip(found.numbers()) {
        compare(figure, expected, found);
    }
    for topic in expected.topics.keys().chain(found.topics.keys().filter(|topic| !expected.topics.contains_key(*topic)))
    {
        let count = |figures: &Figures| figures.topics.get(topic).copied().unwrap_or(0);
        compare(&format!("deliveries of topic {topic:?}"), count(expected), count(found));
    }
    list
}

/// What the bus counted over all passes, against what was done to it and what it answered.
pub fn tracked_differences(statistics: &BusStatistics, connected: u64, disconnected: u64) -> Vec<Difference> {
    let ended = |reasons: &[EndReason]| reasons.iter().map(|reason| statistics.ended_by(*reason)).sum();
    let compare = [
        ("connections made, as the bus counts", connected, statistics.made),
        ("connections ended, as the bus counts", connected, ended(&EndReason::ALL)),
        (
            "connections of owners ended, as the bus counts",
            disconnected,
            ended(&[EndReason::OwnerLeft, EndReason::Disconnected]),
        ),
        ("connections left, as the bus counts", 0, statistics.live as u64),
    ];
    let differs = compare.into_iter().filter(|(_, expected, found)| expected != found);
    differs
        .map(|(figure, expected, found)| Difference { pass: "every", figure: figure.to_owned(), expected, found })
        .collect()
}

impl Figures {
    fn numbers(&self) -> [(&'static str, u64); 12] {
        // Taken apart, so that a new count cannot be forgotten here.
        let Self {
            messages,
            deliveries,
            delivered_bytes,
            connects,
            disconnects,
            peak_live,
            live_at_end,
            repeated_joins,
            unmatched_leaves,
            unmatched_quits,
            idle_renames,
            collapsed,
            topics: _,
        } = self;
        [
            ("messages", *messages),
            ("deliveries", *deliveries),
            ("delivered bytes", *delivered_bytes),
            ("connects", *connects),
            ("disconnects", *disconnects),
            ("peak live", *peak_live),
            ("live at the end", *live_at_end),
            ("repeated joins", *repeated_joins),
            ("unmatched leaves", *unmatched_leaves),
            ("unmatched quits", *unmatched_quits),
            ("idle renames", *idle_renames),
            ("collapsed", *collapsed),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulsebus::{Bus, Signal};

    #[test]
    fn a_bus_that_counts_something_else_is_noticed() {
        let (bus, signal) = (Bus::new(), Signal::<u32>::new());
        for owner in [1, 1, 2, 3] {
            bus.connect(&signal).owner(owner).slot(|_| {}).expect("few connections");
        }
        bus.cleanup_owner(1);
        bus.cleanup_where(|detail| detail.owner == Some(2.into()));
        let statistics = bus.statistics();
        let found: Vec<_> = tracked_differences(&statistics, 5, 3).into_iter().map(|d| (d.expected, d.found)).collect();
        assert_eq!(found, [(5, 4), (5, 3), (3, 2), (0, 1)]);
        bus.cleanup_owner(3);
        assert_eq!(tracked_differences(&bus.statistics(), 4, 3), []);
    }

    #[test]
    fn every_count_is_compared() {
        let expected =
            Figures { topics: BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]), ..Figures::default() };
        assert_eq!(differences("test", &expected, &expected), []);
        let found = Figures {
            messages: 1,
            deliveries: 2,
            delivered_bytes: 3,
            connects: 4,
            disconnects: 5,
            peak_live: 6,
            live_at_end: 7,
            repeated_joins: 8,
            unmatched_leaves: 9,
            unmatched_quits: 10,
            idle_renames: 11,
            collapsed: 12,
            topics: BTreeMap::from([("b".to_owned(), 2), ("c".to_owned(), 3)]),
        };
        let list = differences("test", &expected, &found);
        let found: Vec<u64> = list.iter().map(|difference| difference.found).collect();
        assert_eq!(found, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 3]);
        assert_eq!(list[12].to_string(), "deliveries of topic \"a\": expected 1, found 0 (test pass)");
    }
}
