//! What a program over a state is, and how random ones are made.

use proptest::collection::vec;
use proptest::prelude::*;

/// One thing that is done to the state; by the program, or by a slot.
#[derive(Debug, Clone, Copy)]
pub enum Action {
    Set(u32),
    SetIfChanged(u32),
    /// Adds so much.
    Update(u32),
    Connect(Behaviour),
    /// Of all connections there have been.
    Disconnect(usize),
    DisconnectAll,
}

/// What a slot does besides writing down what it gets.
#[derive(Debug, Clone, Copy)]
pub struct Behaviour {
    /// In which of its calls it does something, counted from zero; and in the one after that, if `twice`.
    pub at: usize,
    pub twice: bool,
    pub deed: Deed,
    /// Panics when it has done it.
    pub panics: bool,
}

/// What a slot does.
#[derive(Debug, Clone, Copy)]
pub enum Deed {
    Nothing,
    /// One more than it got.
    SetNext,
    Set(u32),
    SetIfChanged(u32),
    Update(u32),
    /// A slot that does nothing else.
    Connect,
    /// A slot that sets one more than it gets, in its first call.
    ConnectSetter,
    DisconnectItself,
    Disconnect(usize),
    DisconnectAll,
}

/// A random program of up to so many actions.
pub fn program(length: usize) -> impl Strategy<Value = Vec<Action>> {
    vec(action(), 1..=length)
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => value().prop_map(Action::Set),
        2 => value().prop_map(Action::SetIfChanged),
        2 => value().prop_map(Action::Update),
        8 => behaviour().prop_map(Action::Connect),
        2 => pick().prop_map(Action::Disconnect),
        1 => Just(Action::DisconnectAll),
    ]
}

fn behaviour() -> impl Strategy<Value = Behaviour> {
    let panics = prop_oneof![4 => Just(false), 1 => Just(true)];
    (0..3_usize, any::<bool>(), deed(), panics).prop_map(|(at, twice, deed, panics)| Behaviour {
        at,
        twice,
        deed,
        panics,
    })
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => Just(Deed::Nothing),
        4 => Just(Deed::SetNext),
        2 => value().prop_map(Deed::Set),
        2 => value().prop_map(Deed::SetIfChanged),
        1 => value().prop_map(Deed::Update),
        2 => Just(Deed::Connect),
        1 => Just(Deed::ConnectSetter),
        2 => Just(Deed::DisconnectItself),
        2 => pick().prop_map(Deed::Disconnect),
        1 => Just(Deed::DisconnectAll),
    ]
}

/// Few, so that values are often the same again.
fn value() -> impl Strategy<Value = u32> {
    0..4_u32
}

fn pick() -> impl Strategy<Value = usize> {
    0..12_usize
}
