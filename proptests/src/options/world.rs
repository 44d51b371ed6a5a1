//! Runs a program on a bus, and writes down all that can be seen of it.

use super::bus::{Bus, Callback, Event, With};
use super::program::{Action, Condition, Kind, Options};
use crate::program::Pick;
use pulsebus::Emitted;
use std::cell::Cell;
use std::ops::ControlFlow::{self, Break, Continue};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

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
    /// A condition was asked.
    Asked {
        /// Of that slot.
        slot: usize,
        /// Which one.
        condition: usize,
        /// About this.
        event: Event,
    },
    /// An emission has ended like that.
    Emitted(Emitted),
    /// Something returned that.
    Answered(bool),
    /// Something returned that.
    Counted(usize),
    /// A connection stands, is blocked, and has panicked so often.
    Looked(bool, bool, u32),
    /// A top-level action panicked, with the payload of that slot's panic.
    Panicked(usize, Event),
}

/// The payload of the panics of slots.
struct SlotPanicked(usize, Event);

/// How many calls may run scripts: programs can multiply like rabbits.
const CALLS: usize = 1_500;
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

/// Where a program runs.
pub struct World<B: Bus> {
    domain: B::Domain,
    /// `None` when dropped.
    signals: Mutex<Vec<Option<Arc<B::Signal>>>>,
    /// By slot.
    connections: Mutex<Vec<B::Connection>>,
    /// What each slot was connected to.
    homes: Mutex<Vec<Weak<B::Signal>>>,
    blocks: Mutex<Vec<Option<B::Block>>>,
    targets: Mutex<Vec<Option<Arc<()>>>>,
    /// How often each slot's captures were dropped.
    drops: Mutex<Vec<u32>>,
    trace: Mutex<Vec<Entry>>,
    /// What must never happen.
    violations: Mutex<Vec<String>>,
    /// Was a signal dropped in the emission under way? Then whoever forwards to it may be the last to let go of it.
    let_go: AtomicBool,
    calls_left: AtomicUsize,
    next_event: AtomicU32,
}

/// What a slot captures.
struct Slot<B: Bus> {
    world: Arc<World<B>>,
    number: usize,
    conditions: Vec<Condition>,
    script: Arc<[Action]>,
    every: u32,
}

impl<B: Bus> Callback<B> for Slot<B> {
    fn call(&self, events: &[Event], own: Option<&B::Connection>) -> ControlFlow<()> {
        let world = &self.world;
        world.note(Entry::Called { slot: self.number, events: events.to_vec() });
        if own.is_some_and(|own| locked(&world.connections).get(self.number) != Some(own)) {
            world.violate(format!("slot {} was handed another connection than its own", self.number));
        }
        let last = *events.last().expect("never called with nothing");
        let may_act = world.calls_left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        let mut flow = Continue(());
        if may_act && last % self.every == 0 {
            for action in &*self.script {
                if world.perform(action, Some((self.number, last))).is_break() {
                    flow = Break(());
                }
            }
        }
        flow
    }

    fn ask(&self, condition: usize, event: Event) -> bool {
        self.world.note(Entry::Asked { slot: self.number, condition, event });
        self.conditions[condition].is_true_of(event)
    }
}

impl<B: Bus> Drop for Slot<B> {
    fn drop(&mut self) {
        let world = &self.world;
        locked(&world.drops)[self.number] += 1;
        if EMISSIONS.get() > 0 && SIGNALS_BEING_DROPPED.get() == 0 && !world.let_go.load(SeqCst) {
            world.violate(format!("slot {} was dropped inside an emission", self.number));
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics under a lock")
}

impl<B: Bus> World<B> {
    fn new() -> Arc<Self> {
        let domain = B::domain();
        let signals = Mutex::new((0..3).map(|_| Some(Arc::new(B::signal(&domain)))).collect());
        Arc::new(Self {
            domain,
            signals,
            connections: Mutex::default(),
            homes: Mutex::default(),
            blocks: Mutex::default(),
            targets: Mutex::new((0..3).map(|_| Some(Arc::new(()))).collect()),
            drops: Mutex::default(),
            trace: Mutex::default(),
            violations: Mutex::default(),
            let_go: AtomicBool::new(false),
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

    /// A signal that is there, and its number, of those from `first` on.
    fn signal_from(&self, first: usize, pick: Pick) -> Option<(usize, Held<B>)> {
        let signals = locked(&self.signals);
        let there = || signals.iter().enumerate().skip(first).filter_map(|(n, signal)| Some((n, signal.as_ref()?)));
        let (number, signal) = there().nth(pick.of(there().count())?)?;
        Some((number, Held(Some(signal.clone()))))
    }

    fn signal(&self, pick: Pick) -> Option<Held<B>> {
        self.signal_from(0, pick).map(|(_, signal)| signal)
    }

    fn connection(&self, pick: Pick) -> Option<B::Connection> {
        let connections = locked(&self.connections);
        pick.of(connections.len()).map(|slot| connections[slot].clone())
    }

    fn take_block(&self, pick: Pick) -> Option<B::Block> {
        let mut blocks = locked(&self.blocks);
        pick.of(blocks.len()).and_then(|block| blocks[block].take())
    }

    fn keep_block(&self, connection: &B::Connection) {
        let block = B::block(connection);
        locked(&self.blocks).push(Some(block));
    }

    fn events(&self, count: u8) -> Vec<Event> {
        let count = u32::from(count);
        let first = self.next_event.fetch_add(count, SeqCst);
        (first..first + count).collect()
    }

    /// Runs an emission, or does not, where they nest too deep.
    fn emission<R>(&self, emit: impl FnOnce() -> R) -> Option<R> {
        (EMISSIONS.get() < DEPTH).then(|| {
            let _within = Within::new(&EMISSIONS);
            emit()
        })
    }

    /// Does one thing; in a slot, `caller` is its number and the event. Does it break?
    fn perform(self: &Arc<Self>, action: &Action, caller: Option<(usize, Event)>) -> ControlFlow<()> {
        // What there is to do it with. Without, nothing is done.
        let _ = self.try_perform(action, caller);
        if matches!(action, Action::Break) { Break(()) } else { Continue(()) }
    }

    fn perform_all(self: &Arc<Self>, script: &[Action], caller: Option<(usize, Event)>) {
        script.iter().for_each(|action| _ = self.perform(action, caller));
    }

    fn try_perform(self: &Arc<Self>, action: &Action, caller: Option<(usize, Event)>) -> Option<()> {
        match *action {
            Action::Connect { signal, kind, ref options, copies, ref script, every } => {
                let (number, signal) = self.signal_from(0, signal)?;
                let script: Arc<[Action]> = script.as_slice().into();
                for _ in 0..copies {
                    let with = match kind {
                        Kind::Weak(target) => {
                            let targets = locked(&self.targets);
                            With::Target(targets[target.of(targets.len())?].clone()?)
                        }
                        Kind::Forward(target) => With::Signal(self.signal_from(number + 1, target)?.1.share()),
                        _ => With::Nothing,
                    };
                    self.connect(&signal.share(), (kind, options), with, &script, every);
                }
            }
            Action::Disconnect(pick) => self.note(Entry::Answered(B::disconnect(&self.connection(pick)?))),
            Action::DisconnectSelf => {
                let connection = locked(&self.connections)[caller?.0].clone();
                self.note(Entry::Answered(B::disconnect(&connection)));
            }
            Action::DisconnectNeighbour(distance) => {
                let neighbour = caller?.0.checked_add_signed(distance.into())?;
                let connection = locked(&self.connections).get(neighbour)?.clone();
                self.note(Entry::Answered(B::disconnect(&connection)));
            }
            Action::DisconnectAll(pick) => {
                let signal = self.signal(pick)?;
                self.note(Entry::Counted(B::disconnect_all(signal.get())));
            }
            Action::Block(pick) => self.keep_block(&self.connection(pick)?),
            Action::BlockSelf => {
                let connection = locked(&self.connections)[caller?.0].clone();
                self.keep_block(&connection);
            }
            Action::Unblock(pick) => drop(self.take_block(pick)?),
            Action::ForgetBlock(pick) => B::forget(self.take_block(pick)?),
            Action::WhileBlocked(pick, ref script) => {
                let _quiet = B::block(&self.connection(pick)?);
                self.perform_all(script, caller);
            }
            Action::WhileSignalBlocked(pick, ref script) => {
                let signal = self.signal(pick)?;
                let event = self.events(1)[0];
                B::while_blocked(signal.get(), || {
                    self.perform_all(script, caller);
                    self.note(Entry::Emitted(B::emit(signal.get(), event)));
                });
            }
            Action::Emit(pick) => {
                let (event, signal) = (self.events(1)[0], self.signal(pick)?);
                let emitted = self.emission(|| B::emit(signal.get(), event))?;
                self.note(Entry::Emitted(emitted));
            }
            Action::EmitBatch(pick, count) => {
                let (events, signal) = (self.events(count), self.signal(pick)?);
                let emitted = self.emission(|| B::emit_batch(signal.get(), &events))?;
                self.note(Entry::Emitted(emitted));
            }
            Action::EmitTo(pick, connection) => {
                let (event, signal, connection) = (self.events(1)[0], self.signal(pick)?, self.connection(connection)?);
                let called = self.emission(|| B::emit_to(signal.get(), &connection, event))?;
                self.note(Entry::Answered(called));
            }
            Action::EmitToNeighbour(distance) => {
                let neighbour = caller?.0.checked_add_signed(distance.into())?;
                let connection = locked(&self.connections).get(neighbour)?.clone();
                let signal = Held::<B>(Some(locked(&self.homes)[neighbour].upgrade()?));
                let event = self.events(1)[0];
                let called = self.emission(|| B::emit_to(signal.get(), &connection, event))?;
                self.note(Entry::Answered(called));
            }
            Action::Len(pick) => {
                let (length, blocked) = B::len(self.signal(pick)?.get());
                self.note(Entry::Counted(length));
                self.note(Entry::Answered(blocked));
            }
            Action::Look(pick) => {
                let (stands, blocked, panics) = B::look(&self.connection(pick)?);
                self.note(Entry::Looked(stands, blocked, panics));
            }
            Action::DropTarget(pick) => {
                let mut targets = locked(&self.targets);
                let target = pick.of(targets.len())?;
                targets[target] = None;
            }
            Action::NewSignal => locked(&self.signals).push(Some(Arc::new(B::signal(&self.domain)))),
            Action::DropSignal(pick) => {
                let (number, _signal) = self.signal_from(0, pick)?;
                self.let_go.store(true, SeqCst);
                let _other = Held::<B>(locked(&self.signals)[number].take());
            }
            Action::Policy(pick, policy) => B::set_policy(self.signal(pick)?.get(), policy),
            Action::Collect => {
                let nested = EMISSIONS.get() > 0;
                self.note(Entry::Answered(B::collect(&self.domain, nested)));
            }
            Action::Break => {}
            Action::Panic => {
                let (slot, event) = caller?;
                // Not `panic!`: thousands of expected messages would hide the one that matters.
                resume_unwind(Box::new(SlotPanicked(slot, event)));
            }
        }
        Some(())
    }

    fn connect(
        self: &Arc<Self>,
        signal: &Arc<B::Signal>,
        (kind, options): (Kind, &Options),
        with: With<B>,
        script: &Arc<[Action]>,
        every: u32,
    ) {
        let number = {
            let mut drops = locked(&self.drops);
            drops.push(0);
            drops.len() - 1
        };
        let conditions = options.conditions.clone();
        let slot = Arc::new(Slot { world: self.clone(), number, conditions, script: script.clone(), every });
        let connection = B::connect(signal, kind, options, slot, with);
        locked(&self.homes).push(Arc::downgrade(signal));
        locked(&self.connections).push(connection);
    }

    /// What must be true between any two top-level actions.
    fn check(&self) {
        let connections = locked(&self.connections).clone();
        let drops = locked(&self.drops).clone();
        for (slot, (drops, connection)) in drops.iter().zip(&connections).enumerate() {
            let (stands, blocked, panics) = B::look(connection);
            self.note(Entry::Looked(stands, blocked, panics));
            if *drops > 1 || *drops == 1 && stands {
                self.violate(format!("slot {slot} was dropped {drops} times so far"));
            }
        }
        let signals: Vec<_> = locked(&self.signals).iter().flatten().cloned().collect();
        for signal in signals {
            let (length, blocked) = B::len(&signal);
            self.note(Entry::Counted(length));
            if blocked {
                self.violate("a signal is blocked without a guard".to_owned());
            }
        }
    }

    /// Ends everything, and checks that nothing is left.
    fn end(&self) {
        let blocks = std::mem::take(&mut *locked(&self.blocks));
        let signals = std::mem::take(&mut *locked(&self.signals));
        drop(signals);
        let connections = std::mem::take(&mut *locked(&self.connections));
        // Late.
        drop((blocks, connections));
        if !B::collect(&self.domain, false) {
            self.violate("a collection with nothing in its way was not complete".to_owned());
        }
        let remains = B::remains(&self.domain);
        if remains != (0, 0) {
            self.violate(format!("{remains:?} chunks and lists are left at the end"));
        }
        for (slot, drops) in locked(&self.drops).iter().enumerate().filter(|(_, drops)| **drops != 1) {
            self.violate(format!("slot {slot} was dropped {drops} times in the end"));
        }
    }
}

/// A signal that is looked at; who lets go of it may be the last.
struct Held<B: Bus>(Option<Arc<B::Signal>>);

impl<B: Bus> Held<B> {
    fn get(&self) -> &B::Signal {
        self.0.as_ref().expect("taken when it is dropped")
    }

    fn share(&self) -> Arc<B::Signal> {
        self.0.clone().expect("taken when it is dropped")
    }
}

impl<B: Bus> Drop for Held<B> {
    fn drop(&mut self) {
        let _within = Within::new(&SIGNALS_BEING_DROPPED);
        drop(self.0.take());
    }
}

/// Runs a program from beginning to end: what could be seen of it, and what must never happen but did.
pub fn run<B: Bus>(program: &[Action]) -> (Vec<Entry>, Vec<String>) {
    let world = World::<B>::new();
    for action in program {
        world.let_go.store(false, SeqCst);
        let outcome = catch_unwind(AssertUnwindSafe(|| world.perform(action, None)));
        if let Err(payload) = outcome {
            match payload.downcast::<SlotPanicked>() {
                Ok(panic) => world.note(Entry::Panicked(panic.0, panic.1)),
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
