//! What a program runs on.

use crate::program::Shape;
use pulsebus::{Connection, Domain, PanicPolicy, Reclaim, ScopedConnection, Signal};
use std::slice;
use std::time::Duration;

/// The events of the programs.
pub type Event = u32;

/// What a slot of a program does with events.
pub trait Callback: Send + Sync + 'static {
    /// Called with the events that the slot gets at a time.
    fn call(&self, events: &[Event]);
}

/// A signal bus as programs see it: the library, or the oracle.
pub trait Bus: Sized + Send + Sync + 'static {
    /// A group of signals.
    type Domain: Send + Sync;
    /// A signal of [`Event`]s.
    type Signal: Send + Sync;
    /// A weak handle.
    type Connection: Clone + Send + Sync;
    /// A handle that ends the connection when it is dropped.
    type Scoped: Send;

    /// Some domains, different in kind.
    fn domains() -> Vec<Self::Domain>;
    /// A signal without slots.
    fn signal(domain: &Self::Domain) -> Self::Signal;
    /// Connects a slot; [`Shape::Scoped`] like [`Shape::Plain`].
    fn connect(signal: &Self::Signal, shape: Shape, slot: Box<dyn Callback>) -> Self::Connection;
    /// Connects a slot for as long as the guard lives.
    fn connect_scoped(signal: &Self::Signal, slot: Box<dyn Callback>) -> Self::Scoped;
    /// The handle inside a guard.
    fn inner(scoped: &Self::Scoped) -> Self::Connection;
    /// Gives up a guard.
    fn release(scoped: Self::Scoped);
    /// Ends a connection; whether this call did.
    fn disconnect(connection: &Self::Connection) -> bool;
    /// Does it stand?
    fn is_connected(connection: &Self::Connection) -> bool;
    /// How often its slot has panicked, while it stands.
    fn panics(connection: &Self::Connection) -> Option<u32>;
    /// Emits one event.
    fn emit(signal: &Self::Signal, event: &Event);
    /// Emits a batch.
    fn emit_batch(signal: &Self::Signal, events: &[Event]);
    /// Emits an event and a batch in one tick of a domain.
    fn tick(domain: &Self::Domain, first: (&Self::Signal, &Event), second: (&Self::Signal, &[Event]));
    /// Ends all connections; how many this call ended.
    fn disconnect_all(signal: &Self::Signal) -> usize;
    /// How many slots are connected.
    fn len(signal: &Self::Signal) -> usize;
    /// Is none?
    fn is_empty(signal: &Self::Signal) -> bool;
    /// Sets what a panic means.
    fn set_policy(signal: &Self::Signal, policy: PanicPolicy);
    /// Drops what can be dropped; whether that was all. `nested` says whether it is called inside an emission.
    fn collect(domain: &Self::Domain, nested: bool) -> bool;
    /// The same by hints.
    fn maintain(domain: &Self::Domain);
    /// Looks at the domain.
    fn look_at(domain: &Self::Domain);
    /// How many chunks and signals of the domain are there still?
    fn remains(domain: &Self::Domain) -> (usize, usize);
}

/// The library.
pub struct Pulsebus;

impl Bus for Pulsebus {
    type Domain = Domain;
    type Signal = Signal<Event>;
    type Connection = Connection;
    type Scoped = ScopedConnection;

    fn domains() -> Vec<Domain> {
        vec![Domain::new(), Domain::with_reclaim(Reclaim::Manual)]
    }

    fn signal(domain: &Domain) -> Self::Signal {
        Signal::new_in(domain)
    }

    fn connect(signal: &Self::Signal, shape: Shape, slot: Box<dyn Callback>) -> Connection {
        let ballast = [0_u64; 8];
        match shape {
            Shape::Plain | Shape::Scoped => signal.connect(move |event| slot.call(slice::from_ref(event))),
            Shape::Slices => signal.connect_batch(move |events| slot.call(events)),
            Shape::Large => signal.connect(move |event| {
                assert_eq!(ballast, [0; 8]);
                slot.call(slice::from_ref(event));
            }),
        }
    }

    fn connect_scoped(signal: &Self::Signal, slot: Box<dyn Callback>) -> ScopedConnection {
        signal.connect_scoped(move |event| slot.call(slice::from_ref(event)))
    }

    fn inner(scoped: &ScopedConnection) -> Connection {
        scoped.connection()
    }

    fn release(scoped: ScopedConnection) {
        scoped.release();
    }

    fn disconnect(connection: &Connection) -> bool {
        connection.disconnect()
    }

    fn is_connected(connection: &Connection) -> bool {
        connection.is_connected()
    }

    fn panics(connection: &Connection) -> Option<u32> {
        connection.is_connected().then(|| connection.panics().expect("it stands, so the memory is its own"))
    }

    fn emit(signal: &Self::Signal, event: &Event) {
        signal.emit(event);
    }

    fn emit_batch(signal: &Self::Signal, events: &[Event]) {
        signal.emit_batch(events);
    }

    fn tick(domain: &Domain, first: (&Self::Signal, &Event), second: (&Self::Signal, &[Event])) {
        domain.tick(|t| {
            t.emit(first.0, first.1);
            t.emit_batch(second.0, second.1);
        });
    }

    fn disconnect_all(signal: &Self::Signal) -> usize {
        signal.disconnect_all()
    }

    fn len(signal: &Self::Signal) -> usize {
        signal.len()
    }

    fn is_empty(signal: &Self::Signal) -> bool {
        signal.is_empty()
    }

    fn set_policy(signal: &Self::Signal, policy: PanicPolicy) {
        signal.on_panic(policy);
    }

    fn collect(domain: &Domain, _: bool) -> bool {
        domain.collect().complete
    }

    fn maintain(domain: &Domain) {
        domain.maintain(Duration::from_secs(1));
    }

    fn look_at(domain: &Domain) {
        domain.statistics();
    }

    fn remains(domain: &Domain) -> (usize, usize) {
        let statistics = domain.statistics();
        (statistics.chunks, statistics.signals)
    }
}
