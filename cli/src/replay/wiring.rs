//! The two ways through the library: through the bus, which knows whose each connection is, or on bare signals, where the
//! replay has to. All that differs between them stands here.

use super::stage::Message;
use pulsebus::{Bus, BusStatistics, Clock, Config, Connection, Domain, Kind, Signal, Source, TopicError};
use std::time::Duration;

/// How slots come to a topic, and how they end.
pub trait Wiring: Sync {
    /// What stands for a topic of the recording.
    type Topic: Source<Event = Message>;

    /// The topic of that number and name.
    fn topic(&self, number: u32, name: &str) -> Self::Topic;

    /// Connects a slot for an owner, or an extra one.
    fn connect<F>(&self, topic: &Self::Topic, whose: Whose, slot: F) -> Connection
    where
        F: Fn(&Message) + Send + Sync + 'static;

    /// Ends one connection. Was it this that ended it?
    fn disconnect(&self, connection: Connection) -> bool;

    /// Ends everything of an owner; how many. `connections` are all that there are.
    fn cleanup(&self, owner: u64, connections: impl Iterator<Item = Connection>) -> usize;

    /// The moment for upkeep after a tick. What it leaves undone is seen to after a later one, or at the end of the pass.
    fn maintain(&self, budget: Duration);

    /// Ends what a pass has left, when its handles to topics are gone.
    fn end_pass(&self);

    /// What was counted on the way, if anybody counts.
    fn statistics(&self) -> Option<BusStatistics>;
}

/// Whose slot it is.
#[derive(Clone, Copy, Debug)]
pub enum Whose {
    /// An owner's.
    Owner(u64),
    /// Nobody's: an extra slot.
    Extra,
}

/// Through the bus: each topic is one of its topics, each owner one of its owners.
pub struct Tracked(Bus);

/// What the owners' connections serve.
const RECORDING: &str = "recording";
/// What the extra slots serve.
const EXTRA: &str = "extra slots";
/// What stands before the number of a topic whose name the bus does not allow.
const BY_NUMBER: char = '#';

impl Tracked {
    /// A bus of its own, whose topics are in that domain.
    pub fn new(domain: &Domain) -> Self {
        Self::by_clock(domain, Clock::default())
    }

    /// The same, going by that clock.
    pub fn by_clock(domain: &Domain, clock: Clock) -> Self {
        let mut config = Config::default();
        // How many there are is the recording's affair.
        (config.limits.per_owner, config.limits.per_service) = (None, None);
        let bus = Bus::builder().domain(domain).config(config).clock(clock).build();
        Self(bus.expect("the default, with less limits, is valid"))
    }

    /// The bus.
    pub fn bus(&self) -> &Bus {
        &self.0
    }
}

impl Wiring for Tracked {
    type Topic = pulsebus::Topic<Message>;

    fn topic(&self, number: u32, name: &str) -> Self::Topic {
        // A recording may call its topics what it likes; a name that looks like a number of ours is not one.
        let recorded = (!name.starts_with(BY_NUMBER)).then(|| self.0.topic(name));
        match recorded {
            Some(Ok(topic)) => topic,
            Some(Err(TopicError::BadName { .. })) | None => {
                self.0.topic(&format!("{BY_NUMBER}{number}")).expect("a number is a name")
            }
            Some(Err(error)) => unreachable!("all topics have the same events: {error}"),
        }
    }

    fn connect<F>(&self, topic: &Self::Topic, whose: Whose, slot: F) -> Connection
    where
        F: Fn(&Message) + Send + Sync + 'static,
    {
        let connect = self.0.connect(topic);
        let connect = match whose {
            Whose::Owner(owner) => connect.owner(owner).service(RECORDING).kind(Kind::Player),
            Whose::Extra => connect.service(EXTRA).kind(Kind::Other),
        };
        connect.slot(slot).expect("there is no limit, and the bus is not shut down")
    }

    fn disconnect(&self, connection: Connection) -> bool {
        self.0.disconnect(connection)
    }

    fn cleanup(&self, owner: u64, _: impl Iterator<Item = Connection>) -> usize {
        self.0.cleanup_owner(owner)
    }

    fn maintain(&self, budget: Duration) {
        let _ = self.0.maintain(budget);
    }

    fn end_pass(&self) {
        self.0.cleanup_service(RECORDING);
        self.0.cleanup_service(EXTRA);
        self.0.collect_topics();
    }

    fn statistics(&self) -> Option<BusStatistics> {
        Some(self.0.statistics())
    }
}

/// On bare signals, one for each topic.
pub struct Bare<'d>(pub &'d Domain);

impl Wiring for Bare<'_> {
    type Topic = Signal<Message>;

    fn topic(&self, _: u32, _: &str) -> Self::Topic {
        Signal::new_in(self.0)
    }

    fn connect<F>(&self, topic: &Self::Topic, _: Whose, slot: F) -> Connection
    where
        F: Fn(&Message) + Send + Sync + 'static,
    {
        topic.connect(slot)
    }

    fn disconnect(&self, connection: Connection) -> bool {
        connection.disconnect()
    }

    fn cleanup(&self, _: u64, connections: impl Iterator<Item = Connection>) -> usize {
        connections.filter(Connection::disconnect).count()
    }

    fn maintain(&self, budget: Duration) {
        let _ = self.0.maintain(budget);
    }

    fn end_pass(&self) {
        // What was still connected has ended with its signal.
    }

    fn statistics(&self) -> Option<BusStatistics> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_a_recording_gets_a_topic_of_its_own() {
        let bus = Tracked::new(&Domain::new());
        let long = "x".repeat(1_000);
        let names = ["a.b", "a b", "", "a..b", "*", "#1", "#", "1", &long, "ä"];
        let topics: Vec<_> = (0..).zip(names).map(|(number, name)| bus.topic(number, name)).collect();
        let found: Vec<&str> = topics.iter().filter_map(|topic| topic.name()).collect();
        assert_eq!(found, ["a.b", "#1", "#2", "#3", "#4", "#5", "#6", "1", "#8", "ä"]);
    }
}
