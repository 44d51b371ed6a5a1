//! Runs a program on a bus, and writes down all that can be seen of it.

use crate::bus::{Bus, Callback, Event};
use crate::program::{Action, Pick, Shape};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};

/// Something that could be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A slot was called.
    Called {
        /// Its number, in the order in which slots were connected.
        slot: usize,
        /// With these.
        events: Vec<Event>,
    },
    /// Something returned that.
    Answered(bool),
    /// Something returned that.
    Counted(usize),
    /// A top-level action panicked, with the payload of that slot's panic.
    Panicked {
        /// Its number.
        slot: usize,
        /// What it was called with last.
        event: Event,
    },
}

/// The payload of the panics of slots.
struct SlotPanicked {
    slot: usize,
    event: Event,
}

/// How many calls may run scripts: programs can multiply like rabbits.
const CALLS: usize = 3_000;
/// How deep emissions may nest by scripts.
const DEPTH: usize = 3;

thread_local! {
    static EMISSIONS: Cell<usize> = const { Cell::new(0) };
    static SIGNALS_BEING_DROPPED: Cell<usize> = const { Cell::new(0) };
}

/// Counts in a thread-local for as long as it lives.
struct Within(&'static std::thread::LocalKey<Cell<usize>>);

impl Within {
    fn new(what: &'static std::thread::LocalKey<Cell<usize>>) -> Self {
        what.set(what.get() + 1);
        Self(what)
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// A signal, and the index of its domain.
type OfDomain<B> = (usize, Arc<<B as Bus>::Signal>);

/// Where a program runs.
pub struct World<B: Bus> {
    domains: Vec<B::Domain>,
    /// `None` when dropped.
    signals: Mutex<Vec<Option<OfDomain<B>>>>,
    /// By slot.
    connections: Mutex<Vec<B::Connection>>,
    /// By slot.
    scopes: Mutex<Vec<Option<B::Scoped>>>,
    /// How often each slot's captures were dropped.
    drops: Mutex<Vec<u32>>,
    trace: Mutex<Vec<Entry>>,
    /// What must never happen.
    violations: Mutex<Vec<String>>,
    calls_left: AtomicUsize,
    next_event: AtomicU32,
}

/// What a slot captures.
struct Slot<B: Bus> {
    world: Arc<World<B>>,
    number: usize,
    script: Arc<[Action]>,
    every: u32,
}

impl<B: Bus> Callback for Slot<B> {
    fn call(&self, events: &[Event]) {
        let world = &self.world;
        world.note(Entry::Called { slot: self.number, events: events.to_vec() });
        let last = *events.last().expect("never called with nothing");
        let may_act = world.calls_left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        if may_act && last % self.every == 0 {
            for action in &*self.script {
                world.perform(action, Some((self.number, last)));
            }
        }
    }
}

impl<B: Bus> Drop for Slot<B> {
    fn drop(&mut self) {
        let world = &self.world;
        locked(&world.drops)[self.number] += 1;
        if EMISSIONS.get() > 0 && SIGNALS_BEING_DROPPED.get() == 0 {
            world.violate(format!("slot {} was dropped inside an emission", self.number));
        }
        let connection = locked(&world.connections).get(self.number).cloned();
        if connection.is_some_and(|connection| B::is_connected(&connection)) {
            world.violate(format!("slot {} was dropped while it was connected", self.number));
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics under a lock")
}

impl<B: Bus> World<B> {
    fn new() -> Arc<Self> {
        let domains = B::domains();
        let signals = (0..3).map(|n| (n % domains.len(), Arc::new(B::signal(&domains[n % domains.len()]))));
        let signals = Mutex::new(signals.map(Some).collect());
        Arc::new(Self {
            domains,
            signals,
            connections: Mutex::default(),
            scopes: Mutex::default(),
            drops: Mutex::default(),
            trace: Mutex::default(),
            violations: Mutex::default(),
            calls_left: AtomicUsize::new(CALLS),
            next_event: AtomicU32::new(0),
        })
    }

    fn note(&self, entry: Entry) {
        locked(&self.trace).push(entry);
    }

    fn violate(&self, what: String) {
        locked(&self.violations).push(what);
    }

    /// A signal that is there, its number, and that of its domain.
    fn signal(&self, pick: Pick) -> Option<(usize, usize, Arc<B::Signal>)> {
        let signals = locked(&self.signals);
        let there = || signals.iter().enumerate().filter_map(|(n, signal)| Some((n, signal.as_ref()?)));
        let (number, (domain, signal)) = there().nth(pick.of(there().count())?)?;
        Some((number, *domain, signal.clone()))
    }

    fn connection(&self, pick: Pick) -> Option<B::Connection> {
        let connections = locked(&self.connections);
        pick.of(connections.len()).map(|slot| connections[slot].clone())
    }

    fn scope(&self, pick: Pick) -> Option<B::Scoped> {
        let mut scopes = locked(&self.scopes);
        pick.of(scopes.len()).and_then(|slot| scopes[slot].take())
    }

    fn events(&self, count: u8) -> Vec<Event> {
        let count = u32::from(count);
        let first = self.next_event.fetch_add(count, SeqCst);
        (first..first + count).collect()
    }

    /// Lets go of a signal: perhaps the last to do so.
    fn let_go(signal: Arc<B::Signal>) {
        let _within = Within::new(&SIGNALS_BEING_DROPPED);
        drop(signal);
    }

    /// Runs an emission, or does not, where they nest too deep.
    fn emission<const N: usize>(&self, signals: [Arc<B::Signal>; N], emit: impl FnOnce([&B::Signal; N])) {
        struct LetGo<B: Bus, const N: usize>(Option<[Arc<B::Signal>; N]>);
        impl<B: Bus, const N: usize> Drop for LetGo<B, N> {
            fn drop(&mut self) {
                self.0.take().into_iter().flatten().for_each(World::<B>::let_go);
            }
        }
        let signals = LetGo::<B, N>(Some(signals));
        if EMISSIONS.get() < DEPTH {
            let _within = Within::new(&EMISSIONS);
            emit(signals.0.as_ref().expect("taken at the end").each_ref().map(|signal| &**signal));
        }
    }

    /// Does one thing; in a slot, `caller` is its number and the event.
    fn perform(self: &Arc<Self>, action: &Action, caller: Option<(usize, Event)>) {
        // What there is to do it with. Without, nothing is done.
        let _ = self.try_perform(action, caller);
    }

    fn try_perform(self: &Arc<Self>, action: &Action, caller: Option<(usize, Event)>) -> Option<()> {
        match *action {
            Action::Connect { signal, shape, copies, ref script, every } => {
                let (_, _, signal) = self.signal(signal)?;
                let script: Arc<[Action]> = script.as_slice().into();
                (0..copies).for_each(|_| self.connect(&signal, shape, &script, every));
                Self::let_go(signal);
            }
            Action::Disconnect(pick) => self.note(Entry::Answered(B::disconnect(&self.connection(pick)?))),
            Action::DisconnectRun(first, count) => {
                let all = locked(&self.connections).clone();
                let first = first.of(all.len())?;
                let won = all.iter().skip(first).take(count.into()).filter(|c| B::disconnect(c)).count();
                self.note(Entry::Counted(won));
            }
            Action::DisconnectSelf => {
                let connection = locked(&self.connections)[caller?.0].clone();
                self.note(Entry::Answered(B::disconnect(&connection)));
            }
            Action::DropScope(pick) => drop(self.scope(pick)?),
            Action::ReleaseScope(pick) => B::release(self.scope(pick)?),
            Action::DisconnectAll(pick) => {
                let (_, _, signal) = self.signal(pick)?;
                self.note(Entry::Counted(B::disconnect_all(&signal)));
                Self::let_go(signal);
            }
            Action::Emit(pick) => {
                let event = self.events(1)[0];
                self.emission([self.signal(pick)?.2], |[signal]| B::emit(signal, &event));
            }
            Action::EmitBatch(pick, count) => {
                let events = self.events(count);
                self.emission([self.signal(pick)?.2], |[signal]| B::emit_batch(signal, &events));
            }
            Action::Tick(first, second, count) => {
                let (events, (_, domain, first), (_, _, second)) =
                    (self.events(count), self.signal(first)?, self.signal(second)?);
                self.emission([first, second], |[first, second]| {
                    B::tick(&self.domains[domain], (first, &events[0]), (second, &events));
                });
            }
            Action::Len(pick) => {
                let (_, _, signal) = self.signal(pick)?;
                self.note(Entry::Counted(B::len(&signal)));
                Self::let_go(signal);
            }
            Action::Look(pick) => {
                let connection = self.connection(pick)?;
                self.note(Entry::Answered(B::is_connected(&connection)));
                self.note(Entry::Counted(B::panics(&connection).map_or(0, |panics| panics as usize)));
            }
            Action::Collect(pick) => {
                let nested = EMISSIONS.get() > 0;
                self.note(Entry::Answered(B::collect(&self.domains[pick.of(self.domains.len())?], nested)));
            }
            Action::Maintain(pick) => B::maintain(&self.domains[pick.of(self.domains.len())?]),
            Action::Statistics(pick) => B::look_at(&self.domains[pick.of(self.domains.len())?]),
            Action::NewSignal(pick) => {
                let domain = pick.of(self.domains.len())?;
                locked(&self.signals).push(Some((domain, Arc::new(B::signal(&self.domains[domain])))));
            }
            Action::DropSignal(pick) => {
                let (number, _, signal) = self.signal(pick)?;
                let (_, other) = locked(&self.signals)[number].take()?;
                Self::let_go(signal);
                Self::let_go(other);
            }
            Action::Policy(pick, policy) => {
                let (_, _, signal) = self.signal(pick)?;
                B::set_policy(&signal, policy);
                Self::let_go(signal);
            }
            Action::Panic => {
                let (slot, event) = caller?;
                // Not `panic!`: thousands of expected messages would hide the one that matters.
                resume_unwind(Box::new(SlotPanicked { slot, event }));
            }
        }
        Some(())
    }

    fn connect(self: &Arc<Self>, signal: &B::Signal, shape: Shape, script: &Arc<[Action]>, every: u32) {
        let number = {
            let mut drops = locked(&self.drops);
            drops.push(0);
            drops.len() - 1
        };
        let slot = Box::new(Slot { world: self.clone(), number, script: script.clone(), every });
        let (connection, scope) = if shape == Shape::Scoped {
            let scope = B::connect_scoped(signal, slot);
            (B::inner(&scope), Some(scope))
        } else {
            (B::connect(signal, shape, slot), None)
        };
        locked(&self.connections).push(connection);
        locked(&self.scopes).push(scope);
    }

    /// What must be true between any two top-level actions.
    fn check(&self) {
        let connections = locked(&self.connections).clone();
        let drops = locked(&self.drops).clone();
        for (slot, (drops, connection)) in drops.iter().zip(&connections).enumerate() {
            if *drops > 1 || *drops == 1 && B::is_connected(connection) {
                self.violate(format!("slot {slot} was dropped {drops} times so far"));
            }
        }
        let signals: Vec<_> = locked(&self.signals).iter().flatten().map(|(_, signal)| signal.clone()).collect();
        for signal in signals {
            let length = B::len(&signal);
            self.note(Entry::Counted(length));
            if B::is_empty(&signal) != (length == 0) {
                self.violate(format!("a signal of {length} slots says of being empty: {}", length != 0));
            }
        }
    }

    /// Ends everything, and checks that nothing is left.
    fn end(&self) {
        let scopes = std::mem::take(&mut *locked(&self.scopes));
        let signals = std::mem::take(&mut *locked(&self.signals));
        let connections = std::mem::take(&mut *locked(&self.connections));
        drop((scopes, signals, connections));
        for domain in &self.domains {
            if !B::collect(domain, false) {
                self.violate("a collection with nothing in its way was not complete".to_owned());
            }
            let remains = B::remains(domain);
            if remains != (0, 0) {
                self.violate(format!("{remains:?} chunks and signals are left at the end"));
            }
        }
        for (slot, drops) in locked(&self.drops).iter().enumerate().filter(|(_, drops)| **drops != 1) {
            self.violate(format!("slot {slot} was dropped {drops} times in the end"));
        }
    }
}

/// Runs a program from beginning to end: what could be seen of it, and what must never happen but did.
pub fn run<B: Bus>(program: &[Action]) -> (Vec<Entry>, Vec<String>) {
    let world = World::<B>::new();
    for action in program {
        let outcome = catch_unwind(AssertUnwindSafe(|| world.perform(action, None)));
        if let Err(payload) = outcome {
            match payload.downcast::<SlotPanicked>() {
                Ok(panic) => world.note(Entry::Panicked { slot: panic.slot, event: panic.event }),
                Err(other) => resume_unwind(other),
            }
        }
        world.check();
    }
    world.end();
    let trace = std::mem::take(&mut *locked(&world.trace));
    let violations = std::mem::take(&mut *locked(&world.violations));
    (trace, violations)
}
