//! What a program over a registry is.

use super::Line;
pub use crate::program::Pick;
use pulsebus::{CallStatistics, Config, Kind, LimitPolicy, PanicPolicy};
use std::time::Duration;

/// An owner, one of few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// By number.
    Number(i8),
    /// By name.
    Named(&'static str),
    /// By a key of a type of the user's.
    Player(u8),
}

impl Whose {
    /// How it is written.
    pub fn text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Named(name) => format!("{name:?}"),
            Self::Player(number) => format!("Player({number})"),
        }
    }
}

/// How a slot is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Takes events one by one.
    Plain,
    /// Takes events by the slice.
    Slices,
    /// Takes events one by one, for as long as a target is there.
    Weak(Pick),
}

/// Through what a slot is connected, if there is one.
#[derive(Debug, Clone, Copy)]
pub enum Through {
    /// The registry itself.
    Itself,
    /// A scope.
    Scope(Pick),
    /// A service.
    Service(Pick),
}

/// What is said of a connection.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct What {
    pub owner: Option<Whose>,
    pub service: Option<&'static str>,
    pub tags: Vec<&'static str>,
    pub kind: Kind,
    pub name: Option<&'static str>,
    pub description: Option<&'static str>,
    pub idle: Option<Duration>,
    pub age: Option<Duration>,
}

/// What connections have in common.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Nothing.
    Any,
    /// An owner.
    Owner(Whose),
    /// A service.
    Service(&'static str),
    /// A tag.
    Tag(&'static str),
    /// A kind.
    Kind(Kind),
    /// That their slots have panicked.
    Panicked,
    /// That their slots were called so often.
    Called(u64),
    /// That they are so old.
    Old(Duration),
}

impl Condition {
    /// Does it hold of that connection?
    pub fn holds<C>(&self, line: &Line<C>) -> bool {
        match self {
            Self::Any => true,
            Self::Owner(owner) => line.owner == Some(owner.text()),
            Self::Service(service) => line.service.as_deref() == Some(service),
            Self::Tag(tag) => line.tags.iter().any(|found| found == tag),
            Self::Kind(kind) => line.kind == *kind,
            Self::Panicked => line.panics > 0,
            Self::Called(times) => line.calls.is_some_and(|(calls, _)| calls >= *times),
            Self::Old(age) => line.age >= *age,
        }
    }
}

/// What is to end.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// Everything of an owner.
    Owner(Whose),
    /// Everything of a service.
    Service(&'static str),
    /// Everything with a tag.
    Tag(&'static str),
    /// Everything of a kind.
    Kind(Kind),
    /// What an owner has under a name.
    Named(Whose, &'static str),
    /// Everything that fits.
    Where(Condition),
    /// What is stale.
    Stale,
    /// Everything.
    Everything,
}

/// A configuration.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub struct Settings {
    pub per_owner: Option<usize>,
    pub per_service: Option<usize>,
    pub overall: Option<usize>,
    pub policy: LimitPolicy,
    pub sweep_at: f64,
    pub emergency_at: f64,
    pub calls: CallStatistics,
}

impl Settings {
    /// As the library reads it.
    pub fn config(&self) -> Config {
        let mut config = Config::default();
        config.limits.per_owner = self.per_owner;
        config.limits.per_service = self.per_service;
        config.limits.overall = self.overall;
        config.limits.policy = self.policy;
        config.sweep_at = self.sweep_at;
        config.emergency_at = self.emergency_at;
        config.call_statistics = self.calls;
        config.stale_sweep_every = Duration::from_millis(40);
        config
    }
}

/// A slot to connect.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Slot {
    pub signal: Pick,
    pub through: Through,
    pub form: Form,
    pub what: What,
    /// What it does when it is called.
    pub script: Vec<Action>,
    /// What its callback does when it has ended; `None` if it has none.
    pub cleanup: Option<Vec<Action>>,
}

/// One thing to do: by the program itself, or by a slot or a callback when it is called.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Action {
    /// Connects so many.
    Connect(Box<Slot>, u8),
    /// Connects all or none.
    Batch(Vec<Slot>),
    /// Connects a slot to a signal, past the registry.
    Bare(Pick),
    /// Takes in one of all connections there ever were.
    Track(Pick, Box<What>, Option<Vec<Action>>),
    /// Ends one of all connections there ever were, through the registry.
    Disconnect(Pick),
    /// The same past the registry.
    DisconnectBare(Pick),
    /// The same with the slot that does it; nothing outside of slots.
    DisconnectSelf,
    End(Ending),
    Scope(Whose),
    Child(Pick, &'static str),
    Reset(Pick),
    Leave(Pick),
    DropScope(Pick),
    Release(Pick),
    ScopeLen(Pick),
    Service(&'static str),
    Stop(Pick),
    ServiceCleanup(Pick),
    ServiceLen(Pick),
    OnShutdown(Pick, Vec<Action>),
    Configure(Settings),
    OnEmergency(Vec<Action>),
    Emit(Pick),
    EmitBatch(Pick, u8),
    NewSignal,
    /// At the end of the emissions that it is in.
    DropSignal(Pick),
    Policy(Pick, PanicPolicy),
    NewTarget,
    /// Nothing in callbacks.
    DropTarget(Pick),
    Advance(Duration),
    Figures,
    Details(Condition),
    Detail(Pick),
    Len,
    CountOf(Whose),
    Maintain,
    Collect,
    Shutdown,
    /// Panics, in a slot or a callback; nothing outside of them.
    Panic,
}

/// An action, and whether everything is looked at after it. (Looking finds what ended past the registry.)
#[derive(Debug, Clone)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// Is everything looked at?
    pub look: bool,
}
