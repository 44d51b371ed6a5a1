//! The oracle: a `Vec` of slots, which each emission sorts.

use super::bus::{Bus, Callback, Event, With};
use super::program::{Condition, Kind, Options};
use pulsebus::{Emitted, PanicPolicy};
use std::any::Any;
use std::ops::ControlFlow::{self, Continue};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::slice;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, Weak};

/// The bus that is obviously right.
pub struct Oracle;

/// Its signal: nothing is ever taken out of the list.
#[derive(Default)]
pub struct OracleSignal {
    slots: Mutex<Vec<Arc<OracleSlot>>>,
    policy: Mutex<PanicPolicy>,
    blocks: AtomicU32,
}

/// Its slot.
pub struct OracleSlot {
    live: AtomicBool,
    blocks: AtomicU32,
    panics: AtomicU32,
    turns: Option<AtomicU64>,
    kind: Kind,
    options: Options,
    target: Weak<()>,
    forwards_to: Weak<OracleSignal>,
    callback: Arc<dyn Callback<Oracle>>,
}

/// Its connection.
#[derive(Clone)]
pub struct OracleConnection(Arc<OracleSlot>);

impl PartialEq for OracleConnection {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Its block.
pub struct OracleBlock(Option<Arc<OracleSlot>>);

impl Drop for OracleBlock {
    fn drop(&mut self) {
        if let Some(slot) = &self.0 {
            slot.blocks.fetch_sub(1, SeqCst);
        }
    }
}

impl Drop for OracleSignal {
    fn drop(&mut self) {
        Oracle::disconnect_all(self);
    }
}

/// Why an event does not go on to the slots behind.
type Payload = Box<dyn Any + Send>;

impl OracleSlot {
    fn end(&self) -> bool {
        self.live.swap(false, SeqCst)
    }

    fn is_live(&self) -> bool {
        self.live.load(SeqCst)
    }

    fn is_blocked(&self) -> bool {
        self.blocks.load(SeqCst) > 0
    }

    /// Does the event come to the slot, and does it take a turn?
    fn admits(&self, event: Event) -> bool {
        if matches!(self.kind, Kind::Weak(_)) && self.target.strong_count() == 0 {
            self.end();
            return false;
        }
        for (n, condition) in self.options.conditions.iter().enumerate() {
            match (condition, self.callback.ask(n, event)) {
                (Condition::Filter(_), true) | (Condition::Until(_), false) => {}
                (Condition::Filter(_), false) => return false,
                (Condition::Until(_), true) => {
                    self.end();
                    return false;
                }
            }
        }
        let Some(turns) = &self.turns else { return true };
        let left = turns.load(SeqCst);
        turns.store(left.saturating_sub(1), SeqCst);
        if left <= 1 {
            self.end();
        }
        left > 0
    }

    /// What one event makes of it.
    fn take(self: &Arc<Self>, event: Event) -> ControlFlow<()> {
        if !self.admits(event) {
            return Continue(());
        }
        let events = slice::from_ref(&event);
        match self.kind {
            Kind::Flow => self.callback.call(events, None),
            Kind::Own => {
                let _ = self.callback.call(events, Some(&OracleConnection(self.clone())));
                Continue(())
            }
            Kind::Weak(_) => {
                if let Some(_target) = self.target.upgrade() {
                    let _ = self.callback.call(events, None);
                } else {
                    self.end();
                }
                Continue(())
            }
            Kind::Forward(_) => {
                if let Some(target) = self.forwards_to.upgrade() {
                    let _ = self.callback.call(events, None);
                    target.deliver(&[event + 1]);
                } else {
                    self.end();
                }
                Continue(())
            }
            Kind::Each | Kind::Slices => {
                let _ = self.callback.call(events, None);
                Continue(())
            }
        }
    }
}

impl OracleSignal {
    fn is_blocked(&self) -> bool {
        self.blocks.load(SeqCst) > 0
    }

    /// Those that are there now, in the order in which they run.
    fn in_order(&self) -> Vec<Arc<OracleSlot>> {
        let slots = self.slots.lock().expect("nobody panics").clone();
        let mut slots: Vec<_> = slots.into_iter().enumerate().collect();
        slots.sort_by_key(|(age, slot)| {
            let age = i64::try_from(*age).expect("they fit into memory");
            let front = slot.options.at_front;
            (slot.options.priority.unwrap_or(0), !front, if front { -age } else { age })
        });
        slots.into_iter().map(|(_, slot)| slot).collect()
    }

    fn deliver(&self, events: &[Event]) -> Emitted {
        if self.is_blocked() {
            return Emitted::Blocked;
        }
        let mut first_panic = None;
        let mut stopped = false;
        for slot in self.in_order() {
            let flow = match slot.kind {
                Kind::Slices => self.call_slices(&slot, events, &mut first_panic),
                _ => events.iter().try_for_each(|event| match slot.is_live() && !slot.is_blocked() {
                    true => self.guarded(&slot, &mut first_panic, || slot.take(*event)),
                    false => Continue(()),
                }),
            };
            if flow.is_break() {
                stopped = true;
                break;
            }
        }
        if let Some(payload) = first_panic {
            resume_unwind(payload);
        }
        if stopped { Emitted::Stopped } else { Emitted::Completed }
    }

    fn call_slices(&self, slot: &OracleSlot, events: &[Event], first_panic: &mut Option<Payload>) -> ControlFlow<()> {
        if !events.is_empty() && slot.is_live() && !slot.is_blocked() {
            let call = || {
                let _ = slot.callback.call(events, None);
                Continue(())
            };
            return self.guarded(slot, first_panic, call);
        }
        Continue(())
    }

    /// Calls a slot, whose panic is what it says, or else the signal.
    fn guarded(
        &self,
        slot: &OracleSlot,
        first_panic: &mut Option<Payload>,
        call: impl FnOnce() -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let payload = match catch_unwind(AssertUnwindSafe(call)) {
            Ok(flow) => return flow,
            Err(payload) => payload,
        };
        let panics = slot.panics.fetch_add(1, SeqCst) + 1;
        match slot.options.policy.unwrap_or(*self.policy.lock().expect("nobody panics")) {
            PanicPolicy::Isolate => {}
            PanicPolicy::Propagate => drop(first_panic.get_or_insert(payload)),
            PanicPolicy::DisconnectAfter(n) => {
                if panics >= n {
                    slot.end();
                }
            }
        }
        Continue(())
    }
}

impl Bus for Oracle {
    type Domain = ();
    type Signal = OracleSignal;
    type Connection = OracleConnection;
    type Block = OracleBlock;

    fn domain() {}

    fn signal((): &()) -> OracleSignal {
        OracleSignal::default()
    }

    fn connect(
        signal: &OracleSignal,
        kind: Kind,
        options: &Options,
        callback: Arc<dyn Callback<Self>>,
        with: With<Self>,
    ) -> OracleConnection {
        let options = if let Kind::Slices = kind { Options::default() } else { options.clone() };
        let (mut target, mut forwards_to) = (Weak::new(), Weak::new());
        match with {
            With::Nothing => {}
            With::Target(there) => target = Arc::downgrade(&there),
            With::Signal(there) => forwards_to = Arc::downgrade(&there),
        }
        let slot = Arc::new(OracleSlot {
            live: AtomicBool::new(true),
            blocks: AtomicU32::new(0),
            panics: AtomicU32::new(0),
            turns: options.times.map(AtomicU64::new),
            kind,
            options,
            target,
            forwards_to,
            callback,
        });
        signal.slots.lock().expect("nobody panics").push(slot.clone());
        OracleConnection(slot)
    }

    fn disconnect(connection: &OracleConnection) -> bool {
        connection.0.end()
    }

    fn look(OracleConnection(slot): &OracleConnection) -> (bool, bool, u32) {
        let stands = slot.is_live();
        (stands, stands && slot.is_blocked(), if stands { slot.panics.load(SeqCst) } else { 0 })
    }

    fn block(OracleConnection(slot): &OracleConnection) -> OracleBlock {
        slot.blocks.fetch_add(1, SeqCst);
        OracleBlock(Some(slot.clone()))
    }

    fn forget(mut block: OracleBlock) {
        block.0 = None;
    }

    fn while_blocked(signal: &OracleSignal, f: impl FnOnce()) {
        signal.blocks.fetch_add(1, SeqCst);
        let outcome = catch_unwind(AssertUnwindSafe(f));
        signal.blocks.fetch_sub(1, SeqCst);
        outcome.unwrap_or_else(|payload| resume_unwind(payload));
    }

    fn emit(signal: &OracleSignal, event: Event) -> Emitted {
        signal.deliver(&[event])
    }

    fn emit_batch(signal: &OracleSignal, events: &[Event]) -> Emitted {
        signal.deliver(events)
    }

    fn emit_to(signal: &OracleSignal, OracleConnection(slot): &OracleConnection, event: Event) -> bool {
        let is_ours = signal.slots.lock().expect("nobody panics").iter().any(|ours| Arc::ptr_eq(ours, slot));
        if !is_ours || signal.is_blocked() || !slot.is_live() || slot.is_blocked() {
            return false;
        }
        let mut panic = None;
        let _ = match slot.kind {
            Kind::Slices => signal.call_slices(slot, &[event], &mut panic),
            _ => signal.guarded(slot, &mut panic, || slot.take(event)),
        };
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
        true
    }

    fn disconnect_all(signal: &OracleSignal) -> usize {
        signal.slots.lock().expect("nobody panics").iter().filter(|slot| slot.end()).count()
    }

    fn len(signal: &OracleSignal) -> (usize, bool) {
        let slots = signal.slots.lock().expect("nobody panics");
        (slots.iter().filter(|slot| slot.is_live()).count(), signal.is_blocked())
    }

    fn set_policy(signal: &OracleSignal, policy: PanicPolicy) {
        *signal.policy.lock().expect("nobody panics") = policy;
    }

    fn collect((): &(), nested: bool) -> bool {
        !nested
    }

    fn remains((): &()) -> (usize, usize) {
        (0, 0)
    }
}
