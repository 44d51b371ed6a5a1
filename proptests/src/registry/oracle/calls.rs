//! Slots as the oracle connects them: with their calls counted, and for as long as a target is there.

use crate::bus::{Bus, Callback, Event};
use crate::oracle::{Oracle, OracleSlot};
use crate::registry::Target;
use pulsebus::ManualClock;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

/// The calls of a slot.
pub(super) struct Meter {
    hand: ManualClock,
    is_exact: bool,
    calls: Mutex<(u64, Option<Duration>)>,
}

impl Meter {
    pub(super) fn new(hand: &ManualClock, is_exact: bool) -> Arc<Self> {
        Arc::new(Self { hand: hand.clone(), is_exact, calls: Mutex::default() })
    }

    fn count(&self) {
        let mut calls = self.calls.lock().expect("nobody panics");
        *calls = (calls.0 + 1, Some(self.hand.now()));
    }

    pub(super) fn last(&self) -> Option<Duration> {
        self.calls.lock().expect("nobody panics").1
    }

    /// As a program sees it.
    pub(super) fn seen(&self) -> (u64, Option<Duration>) {
        let (count, last) = *self.calls.lock().expect("nobody panics");
        if self.is_exact { (count, last) } else { (count.min(1), None) }
    }
}

/// A slot with what the registry wraps around it.
pub(super) struct Wrapped {
    pub(super) slot: Box<dyn Callback>,
    pub(super) meter: Option<Arc<Meter>>,
    pub(super) bond: Option<Arc<Bond>>,
}

/// What ties a slot to a target.
pub(super) struct Bond {
    target: Weak<Target>,
    /// The slot's own connection.
    own: OnceLock<Weak<OracleSlot>>,
    /// Did the slot end it?
    is_cut: AtomicBool,
}

impl Bond {
    pub(super) fn new(target: &Arc<Target>) -> Arc<Self> {
        Arc::new(Self { target: Arc::downgrade(target), own: OnceLock::new(), is_cut: AtomicBool::new(false) })
    }

    pub(super) fn tie(&self, slot: &Arc<OracleSlot>) {
        self.own.set(Arc::downgrade(slot)).expect("tied once");
    }

    pub(super) fn is_gone(&self) -> bool {
        self.target.strong_count() == 0
    }

    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.load(SeqCst)
    }

    fn cut(&self) {
        let own = self.own.get().and_then(Weak::upgrade).expect("it is in the signal's list");
        self.is_cut.fetch_or(Oracle::disconnect(&own), SeqCst);
    }
}

impl Callback for Wrapped {
    fn call(&self, events: &[Event]) {
        if let Some(meter) = &self.meter {
            meter.count();
        }
        let Some(bond) = &self.bond else { return self.slot.call(events) };
        match bond.target.upgrade() {
            Some(_kept) => self.slot.call(events),
            None => bond.cut(),
        }
    }
}
