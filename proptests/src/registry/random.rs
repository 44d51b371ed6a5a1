//! How random programs over a registry are made.

use super::program::{Action, Condition, Ending, Form, Pick, Settings, Slot, Step, Through, What, Whose};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use pulsebus::{CallStatistics, Kind, LimitPolicy, PanicPolicy};
use std::time::Duration;

fn pick() -> BoxedStrategy<Pick> {
    any::<u16>().prop_map(Pick).boxed()
}

fn owner() -> BoxedStrategy<Whose> {
    select(&[Whose::Number(7), Whose::Number(-1), Whose::Named("lobby"), Whose::Player(1)][..]).boxed()
}

fn service() -> BoxedStrategy<&'static str> {
    select(&["Quest", "Chat"][..]).boxed()
}

fn tag() -> BoxedStrategy<&'static str> {
    select(&["hud", "net", "fx"][..]).boxed()
}

fn kind() -> BoxedStrategy<Kind> {
    prop_oneof![Just(Kind::Signal), Just(Kind::Remote), Just(Kind::custom("quest"))].boxed()
}

fn name() -> BoxedStrategy<&'static str> {
    select(&["progress", "inventory"][..]).boxed()
}

fn time() -> BoxedStrategy<Duration> {
    select(&[5_u64, 10, 15, 30][..]).prop_map(Duration::from_millis).boxed()
}

fn timeout() -> BoxedStrategy<Option<Duration>> {
    prop_oneof![30 => Just(None), 12 => time().prop_map(Some), 1 => Just(Some(Duration::ZERO))].boxed()
}

fn policy() -> BoxedStrategy<PanicPolicy> {
    prop_oneof![Just(PanicPolicy::Isolate), (0..3_u32).prop_map(PanicPolicy::DisconnectAfter)].boxed()
}

fn what() -> BoxedStrategy<What> {
    let tags = vec(tag(), 0..4);
    let whose = (option::weighted(0.6, owner()), option::weighted(0.3, service()), option::weighted(0.3, name()));
    let nonsense = proptest::bool::weighted(0.1);
    (whose, tags, kind(), option::weighted(0.2, Just("described")), timeout(), timeout(), nonsense)
        .prop_map(|((owner, service, name), tags, kind, description, idle, age, nonsense)| {
            // A name without an owner is an error.
            let name = name.filter(|_| owner.is_some() || nonsense);
            What { owner, service, tags, kind, name, description, idle, age }
        })
        .boxed()
}

fn condition() -> BoxedStrategy<Condition> {
    prop_oneof![
        Just(Condition::Any),
        owner().prop_map(Condition::Owner),
        service().prop_map(Condition::Service),
        tag().prop_map(Condition::Tag),
        kind().prop_map(Condition::Kind),
        Just(Condition::Panicked),
        (0..3_u64).prop_map(Condition::Called),
        time().prop_map(Condition::Old),
    ]
    .boxed()
}

fn ending() -> BoxedStrategy<Ending> {
    prop_oneof![
        4 => owner().prop_map(Ending::Owner),
        2 => service().prop_map(Ending::Service),
        3 => tag().prop_map(Ending::Tag),
        2 => kind().prop_map(Ending::Kind),
        3 => (owner(), name()).prop_map(|(owner, name)| Ending::Named(owner, name)),
        3 => condition().prop_map(Ending::Where),
        4 => Just(Ending::Stale),
        1 => Just(Ending::Everything),
    ]
    .boxed()
}

/// Limits that programs of so many connections reach.
fn settings(most: usize) -> BoxedStrategy<Settings> {
    let limit = move || option::of(prop_oneof![9 => 1..=most, 1 => Just(0)]).boxed();
    let policies = select(&[LimitPolicy::Warn, LimitPolicy::Reject, LimitPolicy::EvictOldest][..]);
    let calls = select(&[CallStatistics::Off, CallStatistics::Sampled, CallStatistics::Exact][..]);
    let share = || select(&[0.0, 0.5, 0.8, 0.95, 1.0, 1.0, 0.8, 1.5][..]);
    ((limit(), limit(), limit()), policies, share(), share(), calls)
        .prop_map(|((per_owner, per_service, overall), policy, sweep_at, emergency_at, calls)| Settings {
            per_owner,
            per_service,
            overall,
            policy,
            sweep_at,
            emergency_at,
            calls,
        })
        .boxed()
}

fn slot(script: BoxedStrategy<Vec<Action>>) -> BoxedStrategy<Slot> {
    let form = prop_oneof![4 => Just(Form::Plain), 1 => Just(Form::Slices), 2 => pick().prop_map(Form::Weak)];
    let through = prop_oneof![
        5 => Just(Through::Itself),
        3 => pick().prop_map(Through::Scope),
        2 => pick().prop_map(Through::Service),
    ];
    let cleanup = option::of(prop_oneof![2 => Just(Vec::new()), 1 => script.clone()]);
    (pick(), through, form, what(), script, cleanup)
        .prop_map(|(signal, through, form, what, script, cleanup)| Slot {
            signal,
            through,
            form,
            what,
            script,
            cleanup,
        })
        .boxed()
}

/// An action that connects nothing. (Boxed: the types of nested strategies take minutes to compile.)
fn simple(most: usize) -> BoxedStrategy<Action> {
    let ends = prop_oneof![
        10 => ending().prop_map(Action::End),
        2 => pick().prop_map(Action::Disconnect),
        4 => pick().prop_map(Action::DisconnectBare),
        3 => Just(Action::DisconnectSelf),
        2 => pick().prop_map(Action::Reset),
        2 => pick().prop_map(Action::Leave),
        1 => pick().prop_map(Action::DropScope),
        1 => pick().prop_map(Action::Release),
        1 => pick().prop_map(Action::Stop),
        1 => pick().prop_map(Action::ServiceCleanup),
        2 => pick().prop_map(Action::DropSignal),
        2 => pick().prop_map(Action::DropTarget),
        6 => Just(Action::Panic),
    ]
    .boxed();
    let makes = prop_oneof![
        3 => owner().prop_map(Action::Scope),
        3 => (pick(), select(&["body", "pet"][..])).prop_map(|(scope, name)| Action::Child(scope, name)),
        2 => service().prop_map(Action::Service),
        1 => Just(Action::NewSignal),
        2 => Just(Action::NewTarget),
        3 => pick().prop_map(Action::Bare),
        3 => settings(most).prop_map(Action::Configure),
    ]
    .boxed();
    let goes_on = prop_oneof![
        8 => pick().prop_map(Action::Emit),
        3 => (pick(), 0..4_u8).prop_map(|(signal, events)| Action::EmitBatch(signal, events)),
        5 => time().prop_map(Action::Advance),
        2 => (pick(), policy()).prop_map(|(signal, policy)| Action::Policy(signal, policy)),
        2 => Just(Action::Maintain),
        1 => Just(Action::Collect),
    ]
    .boxed();
    let looks = prop_oneof![
        pick().prop_map(Action::ScopeLen),
        pick().prop_map(Action::ServiceLen),
        Just(Action::Figures),
        condition().prop_map(Action::Details),
        pick().prop_map(Action::Detail),
        Just(Action::Len),
        owner().prop_map(Action::CountOf),
    ]
    .boxed();
    prop_oneof![6 => ends, 4 => makes, 5 => goes_on, 2 => looks].boxed()
}

/// An action that connects, or hands something over that is done later.
fn connects(script: BoxedStrategy<Vec<Action>>, copies: BoxedStrategy<u8>) -> BoxedStrategy<Action> {
    prop_oneof![
        14 => (slot(script.clone()), copies).prop_map(|(slot, copies)| Action::Connect(Box::new(slot), copies)),
        3 => vec(slot(script.clone()), 0..6).prop_map(Action::Batch),
        2 => (pick(), what(), option::of(script.clone()))
            .prop_map(|(connection, what, cleanup)| Action::Track(connection, Box::new(what), cleanup)),
        1 => (pick(), script.clone()).prop_map(|(service, script)| Action::OnShutdown(service, script)),
        1 => script.prop_map(Action::OnEmergency),
    ]
    .boxed()
}

/// What a slot or a callback does: little, and slots that it connects do less.
fn script(depth: u32, most: usize) -> BoxedStrategy<Vec<Action>> {
    if depth == 0 {
        return vec(simple(most), 0..2).boxed();
    }
    let action = prop_oneof![4 => simple(most), 1 => connects(script(depth - 1, most), Just(1).boxed())].boxed();
    prop_oneof![2 => Just(Vec::new()), 2 => vec(action, 1..3)].boxed()
}

fn steps(action: BoxedStrategy<Action>, length: usize) -> BoxedStrategy<Vec<Step>> {
    let look = proptest::bool::weighted(0.7);
    vec((action, look).prop_map(|(action, look)| Step { action, look }), 1..length).boxed()
}

/// A program of up to so many steps, whose slots and callbacks do anything.
pub fn program(length: usize) -> BoxedStrategy<Vec<Step>> {
    let copies = prop_oneof![6 => Just(1), 1 => 2..8_u8].boxed();
    let action = prop_oneof![
        100 => simple(8),
        120 => connects(script(2, 8), copies),
        1 => Just(Action::Shutdown),
    ];
    steps(action.boxed(), length)
}

/// A program of up to so many steps with many connections, whose slots and callbacks do nothing, or panic.
pub fn crowd(length: usize) -> BoxedStrategy<Vec<Step>> {
    let script = vec(Just(Action::Panic), 0..2).boxed();
    let copies = prop_oneof![1 => Just(1), 2 => 20..90_u8].boxed();
    let action = prop_oneof![1 => simple(600), 1 => connects(script, copies)];
    steps(action.boxed(), length)
}
