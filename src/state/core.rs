//! Connecting to what has a last value, and telling of a new one. What is stored, and how, is left to the [`Store`].

use super::gate::Gate;
use crate::connection::Connection;
use crate::panics::drop_quietly;
use crate::signal::Signal;
use crate::sync::const_unless_loom;
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};

/// Keeps the newest value.
///
/// `latest` and whatever makes a value the newest take the same lock: so of *connect a slot, then ask for the newest
/// value* and *make a value the newest, then emit it*, one sees what the other one did.
pub(crate) trait Store {
    type Value: 'static;

    /// The newest value and its version, if there is one.
    fn latest(&self) -> Option<(u64, Self::Value)>;
}

/// What the inner signal emits: a value on its way through the slots. Seen on its own thread only, like every event.
pub(crate) struct Offer<V> {
    /// Greater than that of all values before; from one on.
    version: u64,
    value: V,
    /// A slot that got it has missed a newer one, which was offered to it meanwhile.
    missed: Cell<bool>,
}

impl<V> Offer<V> {
    pub(crate) fn new((version, value): (u64, V)) -> Self {
        Self { version, value, missed: Cell::new(false) }
    }
}

/// What came of a delivery: the panic to go on with, under [`PanicPolicy::Propagate`](crate::PanicPolicy::Propagate).
#[must_use]
pub(crate) struct Delivered(Result<(), Box<dyn Any + Send>>);

impl Delivered {
    fn join(&mut self, other: Result<(), Box<dyn Any + Send>>) {
        let Err(payload) = other else { return };
        if cfg!(loom) {
            // Loom's own finding, in a model.
            resume_unwind(payload);
        }
        if self.0.is_ok() {
            self.0 = Err(payload);
        } else {
            let _ = drop_quietly(payload);
        }
    }

    pub(crate) fn resume(self) {
        if let Err(payload) = self.0 {
            resume_unwind(payload);
        }
    }

    pub(crate) fn ignore(self) {
        let _ = drop_quietly(self.0);
    }
}

/// A signal, and what was emitted last.
pub(crate) struct Core<S: Store> {
    /// Before what is stored: the slots go first.
    pub(crate) signal: Signal<Offer<S::Value>>,
    pub(crate) store: S,
}

impl<S: Store> Core<S> {
    const_unless_loom! {
        pub(crate) fn new(signal: Signal<Offer<S::Value>>, store: S) -> Self {
            Self { signal, store }
        }
    }

    /// Connects a slot, and calls it with the newest value, if there is one and nobody else is doing so.
    #[track_caller]
    pub(crate) fn connect(&self, slot: impl Fn(&S::Value) + Send + Sync + 'static) -> Connection {
        let gate = Gate::new();
        let connection = self.signal.connect(move |offer| {
            if let Some(_inside) = gate.admit(offer.version, &offer.missed) {
                slot(&offer.value);
            }
        });
        // Only now: see `Store`.
        if let Some(latest) = self.store.latest() {
            // A slot that panics at once leaves its caller the connection.
            self.deliver(latest, Some(connection), Location::caller()).ignore();
        }
        connection
    }

    /// Offers a value to all slots, or to one of them. The value is the newest, or has been.
    ///
    /// Who has missed a newer one meanwhile, because this thread was inside, is offered the newest after that.
    pub(crate) fn deliver(
        &self,
        offer: (u64, S::Value),
        only: Option<Connection>,
        place: &'static Location<'static>,
    ) -> Delivered {
        let mut delivered = Delivered(Ok(()));
        let mut next = Some(offer);
        while let Some(offer) = next.take().map(Offer::new) {
            delivered.join(catch_unwind(AssertUnwindSafe(|| match only {
                None => _ = self.signal.emit_from(&offer, place),
                Some(slot) => _ = self.signal.emit_to_from(slot, &offer, place),
            })));
            if offer.missed.get() {
                next = self.store.latest();
            }
            self.let_go(offer);
        }
        delivered
    }

    /// Drops what may have a destructor that panics: counted, like those of captures.
    pub(crate) fn let_go<V>(&self, value: V) {
        if drop_quietly(value).is_err() {
            self.signal.domain().core().count_drop_panic();
        }
    }
}
