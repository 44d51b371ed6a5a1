//! What a program is, and how random ones are made.

use proptest::collection::vec;
use proptest::prelude::*;
use pulsebus::PanicPolicy;

/// Which of the things that exist when it is looked at: the index modulo their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pick(pub u16);

impl Pick {
    /// The index it stands for; `None` if there is nothing to pick from.
    pub fn of(self, count: usize) -> Option<usize> {
        (count > 0).then(|| usize::from(self.0) % count)
    }
}

/// How a slot is connected, and what it captures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Takes events one by one; stored in the slot.
    Plain,
    /// Takes events one by one; stored in a box.
    Large,
    /// Takes events by the slice.
    Slices,
    /// As [`Plain`](Self::Plain), with a guard that ends it.
    Scoped,
}

/// One thing to do: by the program itself, or by a slot when it is called.
#[derive(Debug, Clone)]
pub enum Action {
    /// Connects as many slots as that, each of which does all of that when it is called with an event that is a multiple.
    Connect {
        /// To which signal.
        signal: Pick,
        /// How.
        shape: Shape,
        /// How many of them.
        copies: u8,
        /// What each of them does.
        script: Vec<Action>,
        /// With events that are multiples of this.
        every: u32,
    },
    /// Disconnects one of all connections there ever were.
    Disconnect(Pick),
    /// Disconnects so many, from that one on.
    DisconnectRun(Pick, u8),
    /// Disconnects the slot that does it; nothing outside of slots.
    DisconnectSelf,
    /// Drops the guard of a scoped connection.
    DropScope(Pick),
    /// Gives up the guard of a scoped connection.
    ReleaseScope(Pick),
    /// Disconnects all slots of a signal.
    DisconnectAll(Pick),
    /// Emits one event.
    Emit(Pick),
    /// Emits so many events as a batch.
    EmitBatch(Pick, u8),
    /// Emits one event and a batch of so many, by two signals, in one tick of the first one's domain.
    Tick(Pick, Pick, u8),
    /// Asks for the number of slots.
    Len(Pick),
    /// Asks whether a connection stands, and if so, for its panics.
    Look(Pick),
    /// Collects a domain.
    Collect(Pick),
    /// Maintains a domain.
    Maintain(Pick),
    /// Looks at a domain's statistics, which sweeps.
    Statistics(Pick),
    /// Makes a signal in a domain.
    NewSignal(Pick),
    /// Drops a signal: at the end of the emissions that it is in.
    DropSignal(Pick),
    /// Sets a signal's panic policy.
    Policy(Pick, PanicPolicy),
    /// Panics, in a slot; nothing outside of slots.
    Panic,
}

fn pick() -> impl Strategy<Value = Pick> {
    any::<u16>().prop_map(Pick)
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![4 => Just(Shape::Plain), 1 => Just(Shape::Large), 2 => Just(Shape::Slices), 2 => Just(Shape::Scoped)]
}

fn policy() -> impl Strategy<Value = PanicPolicy> {
    prop_oneof![
        1 => Just(PanicPolicy::Isolate),
        3 => Just(PanicPolicy::Propagate),
        1 => (0..4_u32).prop_map(PanicPolicy::DisconnectAfter)
    ]
}

/// Mostly one; now and then enough to fill chunks.
fn copies() -> impl Strategy<Value = u8> {
    prop_oneof![6 => Just(1), 2 => 2..8_u8, 1 => 30..70_u8]
}

fn connect(script: BoxedStrategy<Vec<Action>>) -> BoxedStrategy<Action> {
    (pick(), shape(), copies(), script, 1..4_u32)
        .prop_map(|(signal, shape, copies, script, every)| Action::Connect { signal, shape, copies, script, every })
        .boxed()
}

/// An action that connects nothing. (Boxed, like the next: the types of nested strategies take minutes to compile.)
fn simple() -> BoxedStrategy<Action> {
    prop_oneof![
        6 => pick().prop_map(Action::Disconnect),
        2 => (pick(), 2..70_u8).prop_map(|(first, count)| Action::DisconnectRun(first, count)),
        2 => Just(Action::DisconnectSelf),
        2 => pick().prop_map(Action::DropScope),
        1 => pick().prop_map(Action::ReleaseScope),
        1 => pick().prop_map(Action::DisconnectAll),
        8 => pick().prop_map(Action::Emit),
        4 => (pick(), 0..5_u8).prop_map(|(signal, events)| Action::EmitBatch(signal, events)),
        2 => (pick(), pick(), 1..4_u8).prop_map(|(a, b, events)| Action::Tick(a, b, events)),
        1 => pick().prop_map(Action::Len),
        2 => pick().prop_map(Action::Look),
        2 => pick().prop_map(Action::Collect),
        1 => pick().prop_map(Action::Maintain),
        1 => pick().prop_map(Action::Statistics),
        1 => pick().prop_map(Action::NewSignal),
        1 => pick().prop_map(Action::DropSignal),
        3 => (pick(), policy()).prop_map(|(signal, policy)| Action::Policy(signal, policy)),
        3 => Just(Action::Panic),
    ]
    .boxed()
}

/// What a slot does: little, and slots that it connects do less.
fn script(depth: u32) -> BoxedStrategy<Vec<Action>> {
    if depth == 0 {
        return vec(simple(), 0..2).boxed();
    }
    prop_oneof![
        3 => Just(Vec::new()),
        4 => vec(prop_oneof![5 => simple(), 2 => connect(script(depth - 1))], 1..4),
    ]
    .boxed()
}

/// A program of up to so many actions.
pub fn program(length: usize) -> BoxedStrategy<Vec<Action>> {
    vec(prop_oneof![3 => simple(), 2 => connect(script(2))], 1..length).boxed()
}
