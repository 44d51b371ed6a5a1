//! What a program is, and how random ones are made.

use crate::program::Pick;
use proptest::collection::vec;
use proptest::prelude::*;
use pulsebus::PanicPolicy;

/// What the builder of a slot is told.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Its priority, if that is said.
    pub priority: Option<i16>,
    /// Before the others of its priority.
    pub at_front: bool,
    /// How often it runs.
    pub times: Option<u64>,
    /// For which events, in the order in which it is said.
    pub conditions: Vec<Condition>,
    /// What its panics mean.
    pub policy: Option<PanicPolicy>,
}

/// A predicate, which is true of multiples.
#[derive(Debug, Clone, Copy)]
pub enum Condition {
    /// Only those.
    Filter(u32),
    /// Until the first of them.
    Until(u32),
}

impl Condition {
    /// Is the predicate true?
    pub fn is_true_of(self, event: u32) -> bool {
        let (Self::Filter(of) | Self::Until(of)) = self;
        event % of == 0
    }
}

/// What is connected.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A slot that takes events one by one.
    Each,
    /// One that takes slices, for which there are no options.
    Slices,
    /// One that may break.
    Flow,
    /// One that is handed its own connection.
    Own,
    /// One for a target that may go.
    Weak(Pick),
    /// One that passes on what it gets, plus one, to a signal that was made later, so that there are no circles.
    Forward(Pick),
}

/// One thing to do: by the program itself, or by a slot when it is called.
#[derive(Debug, Clone)]
pub enum Action {
    /// Connects so many slots, each of which does all of that when it is called with an event that is a multiple.
    Connect {
        /// To which signal.
        signal: Pick,
        /// What.
        kind: Kind,
        /// How.
        options: Options,
        /// How many of them.
        copies: u8,
        /// What each of them does.
        script: Vec<Action>,
        /// With events that are multiples of this.
        every: u32,
    },
    /// Disconnects one of all connections there ever were.
    Disconnect(Pick),
    /// Disconnects the slot that does it.
    DisconnectSelf,
    /// Disconnects the slot that was connected so many before or after the one that does it.
    DisconnectNeighbour(i8),
    /// Disconnects all slots of a signal.
    DisconnectAll(Pick),
    /// Blocks one of all connections, and keeps the guard.
    Block(Pick),
    /// Blocks the slot that does it, and keeps the guard.
    BlockSelf,
    /// Drops a guard.
    Unblock(Pick),
    /// Forgets a guard.
    ForgetBlock(Pick),
    /// Does all of that while a connection is blocked.
    WhileBlocked(Pick, Vec<Action>),
    /// Does all of that while a signal is blocked, and emits it.
    WhileSignalBlocked(Pick, Vec<Action>),
    /// Emits one event.
    Emit(Pick),
    /// Emits so many events as a batch.
    EmitBatch(Pick, u8),
    /// Emits to one slot, perhaps of that signal.
    EmitTo(Pick, Pick),
    /// Emits to the slot that was connected so many before or after the one that does it, by its signal.
    EmitToNeighbour(i8),
    /// Asks for the number of slots.
    Len(Pick),
    /// Asks for all that a connection tells.
    Look(Pick),
    /// Drops a target of weak slots.
    DropTarget(Pick),
    /// Makes a signal.
    NewSignal,
    /// Drops a signal: at the end of the emissions that it is in.
    DropSignal(Pick),
    /// Sets a signal's panic policy.
    Policy(Pick, PanicPolicy),
    /// Collects.
    Collect,
    /// Breaks, in a slot that may.
    Break,
    /// Panics, in a slot.
    Panic,
}

fn pick() -> impl Strategy<Value = Pick> {
    any::<u16>().prop_map(Pick)
}

fn policy() -> impl Strategy<Value = PanicPolicy> {
    prop_oneof![
        1 => Just(PanicPolicy::Isolate),
        2 => Just(PanicPolicy::Propagate),
        2 => (0..4_u32).prop_map(PanicPolicy::DisconnectAfter)
    ]
}

/// Few, so that they are shared, and the outermost.
fn priority() -> impl Strategy<Value = i16> {
    prop_oneof![6 => -2..3_i16, 1 => Just(i16::MIN), 1 => Just(i16::MAX)]
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![3 => (1..4_u32).prop_map(Condition::Filter), 1 => (2..12_u32).prop_map(Condition::Until)]
}

fn options() -> impl Strategy<Value = Options> {
    let times = proptest::option::weighted(0.3, prop_oneof![3 => Just(1), 1 => Just(0), 2 => 2..5_u64]);
    let policy = proptest::option::weighted(0.3, policy());
    (proptest::option::of(priority()), proptest::bool::weighted(0.25), times, vec(condition(), 0..3), policy).prop_map(
        |(priority, at_front, times, conditions, policy)| Options { priority, at_front, times, conditions, policy },
    )
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        4 => Just(Kind::Each),
        1 => Just(Kind::Slices),
        6 => Just(Kind::Flow),
        2 => Just(Kind::Own),
        1 => pick().prop_map(Kind::Weak),
        1 => pick().prop_map(Kind::Forward),
    ]
}

/// Mostly one; now and then enough to fill chunks.
fn copies() -> impl Strategy<Value = u8> {
    prop_oneof![8 => Just(1), 2 => 2..6_u8, 1 => 30..70_u8]
}

fn connect(script: BoxedStrategy<Vec<Action>>) -> BoxedStrategy<Action> {
    let options = prop_oneof![1 => Just(Options::default()), 4 => options()];
    (pick(), kind(), options, copies(), script, 1..4_u32)
        .prop_map(|(signal, kind, options, copies, script, every)| Action::Connect {
            signal,
            kind,
            options,
            copies,
            script,
            every,
        })
        .boxed()
}

/// An action that holds no others.
fn simple() -> BoxedStrategy<Action> {
    prop_oneof![
        4 => pick().prop_map(Action::Disconnect),
        2 => Just(Action::DisconnectSelf),
        2 => (-2..3_i8).prop_map(Action::DisconnectNeighbour),
        1 => pick().prop_map(Action::DisconnectAll),
        4 => pick().prop_map(Action::Block),
        2 => Just(Action::BlockSelf),
        4 => pick().prop_map(Action::Unblock),
        1 => pick().prop_map(Action::ForgetBlock),
        8 => pick().prop_map(Action::Emit),
        5 => (pick(), 0..5_u8).prop_map(|(signal, events)| Action::EmitBatch(signal, events)),
        3 => (pick(), pick()).prop_map(|(signal, connection)| Action::EmitTo(signal, connection)),
        3 => (-3..4_i8).prop_map(Action::EmitToNeighbour),
        1 => pick().prop_map(Action::Len),
        2 => pick().prop_map(Action::Look),
        1 => pick().prop_map(Action::DropTarget),
        1 => Just(Action::NewSignal),
        1 => pick().prop_map(Action::DropSignal),
        2 => (pick(), policy()).prop_map(|(signal, policy)| Action::Policy(signal, policy)),
        2 => Just(Action::Collect),
    ]
    .boxed()
}

/// One that slots do, who may break and panic as well.
fn in_a_slot(script: BoxedStrategy<Vec<Action>>) -> BoxedStrategy<Action> {
    prop_oneof![5 => any_action(script), 2 => Just(Action::Break), 1 => Just(Action::Panic)].boxed()
}

/// One that holds others, perhaps.
fn any_action(script: BoxedStrategy<Vec<Action>>) -> BoxedStrategy<Action> {
    prop_oneof![
        12 => simple(),
        1 => (pick(), script.clone()).prop_map(|(pick, script)| Action::WhileBlocked(pick, script)),
        1 => (pick(), script).prop_map(|(pick, script)| Action::WhileSignalBlocked(pick, script)),
    ]
    .boxed()
}

/// What a slot does: little, and slots that it connects do less.
fn script(depth: u32) -> BoxedStrategy<Vec<Action>> {
    if depth == 0 {
        return vec(prop_oneof![3 => simple(), 1 => Just(Action::Break), 1 => Just(Action::Panic)], 0..2).boxed();
    }
    let inner = script(depth - 1);
    let action = prop_oneof![5 => in_a_slot(inner.clone()), 2 => connect(inner)];
    prop_oneof![3 => Just(Vec::new()), 4 => vec(action, 1..4)].boxed()
}

/// A program of up to so many actions.
pub fn program(length: usize) -> BoxedStrategy<Vec<Action>> {
    vec(prop_oneof![3 => any_action(script(1)), 2 => connect(script(2))], 1..length).boxed()
}
