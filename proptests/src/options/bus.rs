//! What a program runs on.

use super::program::{Condition, Kind, Options};
use pulsebus::{Connection, ConnectionBlock, Domain, Emitted, PanicPolicy, Signal, SlotBuilder, When};
use std::ops::ControlFlow;
use std::slice;
use std::sync::Arc;

/// The events of the programs.
pub type Event = u32;

/// What a slot of a program does with events.
pub trait Callback<B: Bus>: Send + Sync + 'static {
    /// Called with the events that the slot gets at a time; with its connection if it is handed that.
    fn call(&self, events: &[Event], own: Option<&B::Connection>) -> ControlFlow<()>;
    /// Asked by the slot's so-many-th condition.
    fn ask(&self, condition: usize, event: Event) -> bool;
}

/// What else a slot is connected with.
pub enum With<B: Bus> {
    /// Nothing.
    Nothing,
    /// A target that may go.
    Target(Arc<()>),
    /// A signal to forward to.
    Signal(Arc<B::Signal>),
}

/// Signals and slots as programs see them: the library, or the oracle.
pub trait Bus: Sized + Send + Sync + 'static {
    /// What all signals are in.
    type Domain: Send + Sync;
    /// A signal of [`Event`]s.
    type Signal: Send + Sync;
    /// A weak handle.
    type Connection: Clone + PartialEq + Send + Sync;
    /// What blocks a connection for as long as it lives.
    type Block: Send;

    /// A domain.
    fn domain() -> Self::Domain;
    /// A signal without slots.
    fn signal(domain: &Self::Domain) -> Self::Signal;
    /// Connects a slot.
    fn connect(
        signal: &Self::Signal,
        kind: Kind,
        options: &Options,
        slot: Arc<dyn Callback<Self>>,
        with: With<Self>,
    ) -> Self::Connection;
    /// Ends a connection; whether this call did.
    fn disconnect(connection: &Self::Connection) -> bool;
    /// Does it stand, is it blocked, and how often has its slot panicked, if it stands?
    fn look(connection: &Self::Connection) -> (bool, bool, u32);
    /// Blocks a connection.
    fn block(connection: &Self::Connection) -> Self::Block;
    /// Forgets the guard of a block: it stays, and nothing else does.
    fn forget(block: Self::Block);
    /// Runs something while a signal is blocked.
    fn while_blocked(signal: &Self::Signal, f: impl FnOnce());
    /// Emits one event.
    fn emit(signal: &Self::Signal, event: Event) -> Emitted;
    /// Emits a batch.
    fn emit_batch(signal: &Self::Signal, events: &[Event]) -> Emitted;
    /// Emits to one slot; whether that was called.
    fn emit_to(signal: &Self::Signal, connection: &Self::Connection, event: Event) -> bool;
    /// Ends all connections; how many this call ended.
    fn disconnect_all(signal: &Self::Signal) -> usize;
    /// How many slots are connected; and is the signal blocked?
    fn len(signal: &Self::Signal) -> (usize, bool);
    /// Sets what a panic means.
    fn set_policy(signal: &Self::Signal, policy: PanicPolicy);
    /// Drops what can be dropped; whether that was all. `nested` says whether it is called inside an emission.
    fn collect(domain: &Self::Domain, nested: bool) -> bool;
    /// How many chunks and lists of the domain are there still?
    fn remains(domain: &Self::Domain) -> (usize, usize);
}

/// The library.
pub struct Pulsebus;

type Slot = Arc<dyn Callback<Pulsebus>>;

/// The so-many-th condition of a slot.
fn asks(slot: &Slot, n: usize) -> impl Fn(&Event) -> bool + Send + Sync + 'static {
    let slot = slot.clone();
    move |event| slot.ask(n, *event)
}

/// Says the first condition, if there is one.
fn first(
    builder: SlotBuilder<'_, Event>,
    (kind, conditions): (Kind, &[Condition]),
    slot: Slot,
    with: &With<Pulsebus>,
) -> Connection {
    let asks = asks(&slot, 0);
    match conditions.first() {
        None => finish(builder, kind, slot, with),
        Some(Condition::Filter(_)) => second(builder.filter(asks), (kind, conditions), slot, with),
        Some(Condition::Until(_)) => second(builder.until(asks), (kind, conditions), slot, with),
    }
}

/// Says the second one. (Each makes another type; there are no more.)
fn second<W: When<Event>>(
    builder: SlotBuilder<'_, Event, W>,
    (kind, conditions): (Kind, &[Condition]),
    slot: Slot,
    with: &With<Pulsebus>,
) -> Connection {
    let asks = asks(&slot, 1);
    match conditions.get(1) {
        None => finish(builder, kind, slot, with),
        Some(Condition::Filter(_)) => finish(builder.filter(asks), kind, slot, with),
        Some(Condition::Until(_)) => finish(builder.until(asks), kind, slot, with),
    }
}

/// Connects what all has been said of but what it is.
fn finish<W: When<Event>>(
    builder: SlotBuilder<'_, Event, W>,
    kind: Kind,
    slot: Slot,
    with: &With<Pulsebus>,
) -> Connection {
    match (kind, with) {
        (Kind::Flow, _) => builder.connect_flow(move |event| slot.call(slice::from_ref(event), None)),
        (Kind::Own, _) => builder.connect_self(move |event, own| _ = slot.call(slice::from_ref(event), Some(&own))),
        (Kind::Weak(_), With::Target(target)) => {
            builder.connect_weak(target, move |(), event| _ = slot.call(slice::from_ref(event), None))
        }
        (Kind::Forward(_), With::Signal(target)) => builder.forward(target, move |event| {
            let _ = slot.call(slice::from_ref(event), None);
            event + 1
        }),
        _ => builder.connect(move |event| _ = slot.call(slice::from_ref(event), None)),
    }
}

impl Bus for Pulsebus {
    type Domain = Domain;
    type Signal = Signal<Event>;
    type Connection = Connection;
    type Block = ConnectionBlock;

    fn domain() -> Domain {
        Domain::new()
    }

    fn signal(domain: &Domain) -> Signal<Event> {
        Signal::new_in(domain)
    }

    fn connect(signal: &Signal<Event>, kind: Kind, options: &Options, slot: Slot, with: With<Self>) -> Connection {
        if let Kind::Slices = kind {
            return signal.connect_batch(move |events| _ = slot.call(events, None));
        }
        let mut builder = signal.slot();
        if let Some(priority) = options.priority {
            builder = builder.priority(priority);
        }
        if options.at_front {
            builder = builder.at_front();
        }
        if let Some(times) = options.times {
            builder = if times == 1 { builder.once() } else { builder.times(times) };
        }
        if let Some(policy) = options.policy {
            builder = builder.on_panic(policy);
        }
        first(builder, (kind, &options.conditions), slot, &with)
    }

    fn disconnect(connection: &Connection) -> bool {
        connection.disconnect()
    }

    fn look(connection: &Connection) -> (bool, bool, u32) {
        let stands = connection.is_connected();
        (stands, connection.is_blocked(), connection.panics().filter(|_| stands).unwrap_or(0))
    }

    fn block(connection: &Connection) -> ConnectionBlock {
        connection.block()
    }

    fn forget(block: ConnectionBlock) {
        std::mem::forget(block);
    }

    fn while_blocked(signal: &Signal<Event>, f: impl FnOnce()) {
        let _quiet = signal.block();
        f();
    }

    fn emit(signal: &Signal<Event>, event: Event) -> Emitted {
        signal.emit(&event)
    }

    fn emit_batch(signal: &Signal<Event>, events: &[Event]) -> Emitted {
        signal.emit_batch(events)
    }

    fn emit_to(signal: &Signal<Event>, connection: &Connection, event: Event) -> bool {
        signal.emit_to(*connection, &event)
    }

    fn disconnect_all(signal: &Signal<Event>) -> usize {
        signal.disconnect_all()
    }

    fn len(signal: &Signal<Event>) -> (usize, bool) {
        let len = signal.len();
        assert_eq!(signal.is_empty(), len == 0);
        (len, signal.is_blocked())
    }

    fn set_policy(signal: &Signal<Event>, policy: PanicPolicy) {
        signal.on_panic(policy);
    }

    fn collect(domain: &Domain, _: bool) -> bool {
        domain.collect().complete
    }

    fn remains(domain: &Domain) -> (usize, usize) {
        let statistics = domain.statistics();
        (statistics.chunks, statistics.signals)
    }
}
