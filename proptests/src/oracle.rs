//! The oracle: a `Vec` of slots under a mutex.

use crate::bus::{Bus, Callback, Event};
use crate::program::Shape;
use pulsebus::PanicPolicy;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::slice;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// The bus that is obviously right.
pub struct Oracle;

/// Its signal: nothing is ever taken out of the list.
pub struct OracleSignal {
    slots: Mutex<Vec<Arc<OracleSlot>>>,
    policy: Mutex<PanicPolicy>,
}

/// Its slot, and its connection.
pub struct OracleSlot {
    live: AtomicBool,
    /// Was its signal dropped?
    orphaned: AtomicBool,
    panics: AtomicU32,
    takes_slices: bool,
    callback: Box<dyn Callback>,
}

/// Its scoped connection.
pub struct OracleScoped(Option<Arc<OracleSlot>>);

impl Drop for OracleScoped {
    fn drop(&mut self) {
        if let Some(slot) = &self.0 {
            slot.end();
        }
    }
}

impl Drop for OracleSignal {
    fn drop(&mut self) {
        Oracle::disconnect_all(self);
        self.slots.get_mut().expect("nobody panics").iter().for_each(|slot| slot.orphaned.store(true, SeqCst));
    }
}

impl OracleSlot {
    fn end(&self) -> bool {
        self.live.swap(false, SeqCst)
    }

    fn is_live(&self) -> bool {
        self.live.load(SeqCst)
    }

    /// Was its signal dropped?
    pub(crate) fn is_orphaned(&self) -> bool {
        self.orphaned.load(SeqCst)
    }

    /// How often it has panicked, whether it is live or not.
    pub(crate) fn panics_so_far(&self) -> u32 {
        self.panics.load(SeqCst)
    }
}

impl OracleSignal {
    fn deliver(&self, events: &[Event]) {
        // The cut: those that are there now.
        let slots = self.slots.lock().expect("nobody panics").clone();
        let mut first_panic = None;
        for slot in slots {
            if slot.takes_slices {
                self.call(&slot, events, &mut first_panic);
            } else {
                events.iter().for_each(|event| self.call(&slot, slice::from_ref(event), &mut first_panic));
            }
        }
        if let Some(payload) = first_panic {
            resume_unwind(payload);
        }
    }

    fn call(&self, slot: &OracleSlot, events: &[Event], first_panic: &mut Option<Box<dyn Any + Send>>) {
        if events.is_empty() || !slot.is_live() {
            return;
        }
        let Err(payload) = catch_unwind(AssertUnwindSafe(|| slot.callback.call(events))) else { return };
        let panics = slot.panics.fetch_add(1, SeqCst) + 1;
        match *self.policy.lock().expect("nobody panics") {
            PanicPolicy::Isolate => {}
            PanicPolicy::Propagate => drop(first_panic.get_or_insert(payload)),
            PanicPolicy::DisconnectAfter(n) => {
                if panics >= n {
                    slot.end();
                }
            }
        }
    }
}

impl Bus for Oracle {
    type Domain = ();
    type Signal = OracleSignal;
    type Connection = Arc<OracleSlot>;
    type Scoped = OracleScoped;

    fn domains() -> Vec<()> {
        vec![(), ()]
    }

    fn signal((): &()) -> OracleSignal {
        OracleSignal { slots: Mutex::default(), policy: Mutex::default() }
    }

    fn connect(signal: &OracleSignal, shape: Shape, callback: Box<dyn Callback>) -> Arc<OracleSlot> {
        let (live, orphaned, panics) = (AtomicBool::new(true), AtomicBool::new(false), AtomicU32::new(0));
        let slot = Arc::new(OracleSlot { live, orphaned, panics, takes_slices: shape == Shape::Slices, callback });
        signal.slots.lock().expect("nobody panics").push(slot.clone());
        slot
    }

    fn connect_scoped(signal: &OracleSignal, slot: Box<dyn Callback>) -> OracleScoped {
        OracleScoped(Some(Self::connect(signal, Shape::Scoped, slot)))
    }

    fn inner(scoped: &OracleScoped) -> Arc<OracleSlot> {
        scoped.0.clone().expect("not released")
    }

    fn release(mut scoped: OracleScoped) {
        scoped.0 = None;
    }

    fn disconnect(connection: &Arc<OracleSlot>) -> bool {
        connection.end()
    }

    fn is_connected(connection: &Arc<OracleSlot>) -> bool {
        connection.is_live()
    }

    fn panics(connection: &Arc<OracleSlot>) -> Option<u32> {
        connection.is_live().then(|| connection.panics.load(SeqCst))
    }

    fn emit(signal: &OracleSignal, event: &Event) {
        signal.deliver(slice::from_ref(event));
    }

    fn emit_batch(signal: &OracleSignal, events: &[Event]) {
        signal.deliver(events);
    }

    fn tick((): &(), first: (&OracleSignal, &Event), second: (&OracleSignal, &[Event])) {
        first.0.deliver(slice::from_ref(first.1));
        second.0.deliver(second.1);
    }

    fn disconnect_all(signal: &OracleSignal) -> usize {
        signal.slots.lock().expect("nobody panics").iter().filter(|slot| slot.end()).count()
    }

    fn len(signal: &OracleSignal) -> usize {
        signal.slots.lock().expect("nobody panics").iter().filter(|slot| slot.is_live()).count()
    }

    fn is_empty(signal: &OracleSignal) -> bool {
        Self::len(signal) == 0
    }

    fn set_policy(signal: &OracleSignal, policy: PanicPolicy) {
        *signal.policy.lock().expect("nobody panics") = policy;
    }

    fn collect((): &(), nested: bool) -> bool {
        !nested
    }

    fn maintain((): &()) {}

    fn look_at((): &()) {}

    fn remains((): &()) -> (usize, usize) {
        (0, 0)
    }
}
