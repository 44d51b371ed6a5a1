//! A recording as steps over dense numbers, so that the replay itself needs neither strings nor maps nor the heap.
//!
//! Every topic has *seats*: a seat is the place of one connection in the topic's table, taken by a join and free again
//! after it ended. Owners are *identities*: a number that is given at a first join and that survives renames, which is
//! why a rename costs the bus nothing. Only when an owner is renamed to a name that has connections of its own do two
//! identities become one, by an [`Op::Merge`] step for every seat concerned.

mod compile;
mod names;
mod split;

pub use compile::Compiler;
pub use split::{Part, PartTopic, split};

/// The sender of a message who holds no connection anywhere, so that nobody is left out.
pub const NOBODY: u32 = u32::MAX;

/// One thing to do with the bus, and the event that it belongs to (counted from 0; an event may take several steps).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The event's number in the recording.
    pub event: u32,
    /// What to do.
    pub op: Op,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Connect a slot of `identity` to `topic`, and keep the connection in `seat`.
    Join {
        /// The signal.
        topic: u32,
        /// Where its connection is kept.
        seat: u32,
        /// Whose it is.
        identity: u32,
    },
    /// Disconnect what is kept in this seat.
    Leave(Seat),
    /// Disconnect everything in `cleanups[first..first + count]`, in one call: all that was connected for `identity`.
    Cleanup {
        /// Whose connections they were made as. (After a merge somebody quits as several.)
        identity: u32,
        /// The first seat's place in the list of cleanups.
        first: u32,
        /// How many there are.
        count: u32,
    },
    /// From here on the slot in this seat is somebody else's.
    Merge {
        /// Where its connection is kept.
        seat: Seat,
        /// Whose it is now.
        identity: u32,
    },
    /// Emit a message.
    Message {
        /// The signal.
        topic: u32,
        /// The identity that does not hear it, or [`NOBODY`].
        sender: u32,
        /// The payload's size.
        bytes: u32,
    },
}

/// The place of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The signal.
    pub topic: u32,
    /// The number in the topic's own table.
    pub seat: u32,
}

/// A whole recording, compiled.
#[derive(Debug, Default, Clone)]
pub struct Plan {
    /// The names of the topics, by number.
    pub topics: Vec<TopicPlan>,
    /// The time of every event, in Unix milliseconds.
    pub times: Vec<u64>,
    /// What to do, in the order of the recording.
    pub steps: Vec<Step>,
    /// The seats of all cleanups, one after the other.
    pub cleanups: Vec<Seat>,
    /// The event after which there are more connections than ever before, and never more later.
    pub fullest: Option<u32>,
    /// What the recording holds.
    pub counts: Counts,
}

/// One topic of the plan.
#[derive(Debug, Default, Clone)]
pub struct TopicPlan {
    /// Its name.
    pub name: String,
    /// How many seats are taken at most at one time.
    pub seats: u32,
    /// Messages sent to it.
    pub messages: u64,
    /// Connections that these messages met, the sender's own included: what dispatching them costs.
    pub met: u64,
}

/// What a recording holds, as the compiler understood it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// `J` events.
    pub joins: u64,
    /// `L` events.
    pub leaves: u64,
    /// `Q` events.
    pub quits: u64,
    /// `N` events.
    pub renames: u64,
    /// `M` events.
    pub messages: u64,
    /// Joins of someone who already was in the topic: nothing happens.
    pub repeated_joins: u64,
    /// Leaves of someone who was not in the topic: nothing happens.
    pub unmatched_leaves: u64,
    /// Quits of someone who was nowhere: nothing happens.
    pub unmatched_quits: u64,
    /// Renames of someone who was nowhere, or to the same name: nothing happens.
    pub idle_renames: u64,
    /// Connections that ended because the owner was renamed to a name that was in the topic already.
    pub collapsed: u64,
}
