//! Runs a program on a registry, and writes down all that can be seen of it.

use super::program::{Action, Condition, Form, Pick, Slot, Step, Through, What, Whose};
use super::trace::Entry;
use super::{Cleaning, Connecting, ConnectionOf, Line, Order, Registry, SignalOf, Target, Via};
use crate::bus::{Bus, Callback, Event};
use crate::program::Shape;
use pulsebus::{Config, ManualClock};
use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};

/// How many calls may run scripts: programs can multiply like rabbits.
const CALLS: usize = 300;
/// How deep emissions may nest.
const DEPTH: usize = 3;
/// How many connections a program with scripts may try to make: fewer than the registry lets go of its lock for.
const FEW: usize = 200;
/// How many any other program may: fewer than the registry looks at for one connect.
const MANY: usize = 1_000;

/// Where a program runs.
struct World<R: Registry> {
    hand: ManualClock,
    domain: <R::Signals as Bus>::Domain,
    /// `None` at the end.
    registry: Mutex<Option<R>>,
    /// `None` when dropped.
    signals: Mutex<Vec<Option<Arc<SignalOf<R>>>>>,
    targets: Mutex<Vec<Option<Arc<Target>>>>,
    scopes: Mutex<Vec<Option<Arc<R::Scope>>>>,
    services: Mutex<Vec<R::Service>>,
    /// By slot; `None` if it was not connected, or not yet.
    connections: Mutex<Vec<Option<ConnectionOf<R>>>>,
    /// By slot, as far as the program connected it: the number of its signal.
    signal_of: Mutex<Vec<Option<usize>>>,
    /// Signals on which slots have panicked.
    panicked: Mutex<BTreeSet<usize>>,
    /// By slot: is its callback owed?
    owed: Mutex<Vec<bool>>,
    trace: Mutex<Vec<Entry>>,
    /// What must never happen.
    violations: Mutex<Vec<String>>,
    most: usize,
    calls_left: AtomicUsize,
    emissions: AtomicUsize,
    hooks: AtomicUsize,
    next_event: AtomicU32,
}

/// Who does something.
#[derive(Clone, Copy)]
enum Caller {
    Program,
    Slot(usize),
    Callback,
}

/// What a slot captures.
struct Scripted<R: Registry> {
    world: Arc<World<R>>,
    number: usize,
    script: Arc<[Action]>,
}

impl<R: Registry> Callback for Scripted<R> {
    fn call(&self, events: &[Event]) {
        self.world.note(Entry::Called { slot: self.number, events: events.to_vec() });
        self.world.run(&self.script, Caller::Slot(self.number));
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics under a lock")
}

/// One of those that are there.
fn one_of<T: Clone>(all: &Mutex<Vec<Option<T>>>, pick: Pick) -> Option<(usize, T)> {
    let all = locked(all);
    let there = || all.iter().enumerate().filter_map(|(index, one)| Some((index, one.as_ref()?)));
    there().nth(pick.of(there().count())?).map(|(index, one)| (index, one.clone()))
}

/// What a slot needs while it is being connected, whoever drops it meanwhile.
type Kept<R> = (Arc<SignalOf<R>>, Option<Arc<<R as Registry>::Scope>>, Option<Arc<Target>>);

fn kept<R: Registry>(connecting: &Connecting<R>) -> Kept<R> {
    let scope = match &connecting.via {
        Via::Scope(scope) => Some(scope.clone()),
        _ => None,
    };
    (connecting.signal.clone(), scope, connecting.target.clone())
}

impl<R: Registry> World<R> {
    fn new(order: Order, most: usize) -> Arc<Self> {
        let hand = ManualClock::new();
        // The one that collects nothing by itself: panics are remembered until then.
        let domain = <R::Signals as Bus>::domains().pop().expect("there are some");
        let signals = (0..2).map(|_| Some(Arc::new(<R::Signals as Bus>::signal(&domain)))).collect();
        let registry = R::new(Config::default(), &hand, order);
        let player = registry.scope(Whose::Number(7));
        let scopes = vec![Some(Arc::new(R::child(&player, "body"))), Some(Arc::new(player))];
        let services = vec![registry.service("Quest")];
        Arc::new(Self {
            hand,
            domain,
            registry: Mutex::new(Some(registry)),
            signals: Mutex::new(signals),
            targets: Mutex::new(vec![Some(Arc::new(Target))]),
            scopes: Mutex::new(scopes),
            services: Mutex::new(services),
            connections: Mutex::default(),
            signal_of: Mutex::default(),
            panicked: Mutex::default(),
            owed: Mutex::default(),
            trace: Mutex::default(),
            violations: Mutex::default(),
            most,
            calls_left: AtomicUsize::new(CALLS),
            emissions: AtomicUsize::new(0),
            hooks: AtomicUsize::new(0),
            next_event: AtomicU32::new(0),
        })
    }

    fn note(&self, entry: Entry) {
        locked(&self.trace).push(entry);
    }

    fn violate(&self, what: String) {
        locked(&self.violations).push(what);
    }

    fn registry(&self) -> Option<R> {
        locked(&self.registry).clone()
    }

    /// Runs what a slot or a callback does.
    fn run(self: &Arc<Self>, script: &[Action], caller: Caller) {
        if self.calls_left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
            script.iter().for_each(|action| self.perform(action, caller));
        }
    }

    fn events(&self, count: u8) -> Vec<Event> {
        let count = u32::from(count);
        let first = self.next_event.fetch_add(count, SeqCst);
        (first..first + count).collect()
    }

    fn emission(&self, pick: Pick, emit: impl FnOnce(&SignalOf<R>)) {
        let Some((_, signal)) = one_of(&self.signals, pick) else { return };
        if self.emissions.fetch_add(1, SeqCst) < DEPTH {
            emit(&signal);
        }
        self.emissions.fetch_sub(1, SeqCst);
    }

    /// The number of a slot that is about to be connected.
    fn next_number(&self) -> Option<usize> {
        let mut connections = locked(&self.connections);
        if connections.len() >= self.most {
            return None;
        }
        connections.push(None);
        locked(&self.owed).push(false);
        locked(&self.signal_of).push(None);
        Some(connections.len() - 1)
    }

    /// A callback for a slot; it is owed from now on, unless the connection is refused.
    fn cleaning(self: &Arc<Self>, slot: usize, script: Option<&Vec<Action>>) -> Option<Cleaning> {
        let script = script?.clone();
        locked(&self.owed)[slot] = true;
        let world = self.clone();
        let callback = Box::new(move |reason| {
            world.note(Entry::Cleaned { slot, reason });
            if !std::mem::take(&mut locked(&world.owed)[slot]) {
                world.violate(format!("the callback of slot {slot} was not owed"));
            }
            world.run(&script, Caller::Callback);
        });
        Some(Cleaning { slot, callback })
    }

    fn connecting(self: &Arc<Self>, slot: &Slot, number: usize) -> Option<Connecting<R>> {
        let (index, signal) = one_of(&self.signals, slot.signal)?;
        locked(&self.signal_of)[number] = Some(index);
        let services = locked(&self.services).clone();
        let via = match slot.through {
            Through::Itself => Via::Itself,
            Through::Scope(pick) => one_of(&self.scopes, pick).map_or(Via::Itself, |(_, scope)| Via::Scope(scope)),
            Through::Service(pick) => {
                pick.of(services.len()).map_or(Via::Itself, |at| Via::Service(services[at].clone()))
            }
        };
        let target = match slot.form {
            Form::Weak(pick) => one_of(&self.targets, pick).map(|(_, target)| target),
            _ => None,
        };
        let form = if target.is_none() && slot.form != Form::Slices { Form::Plain } else { slot.form };
        let scripted = Scripted { world: self.clone(), number, script: slot.script.as_slice().into() };
        let cleaning = self.cleaning(number, slot.cleanup.as_ref());
        Some(Connecting { signal, via, what: slot.what.clone(), form, target, slot: Box::new(scripted), cleaning })
    }

    fn connect(self: &Arc<Self>, slot: &Slot) -> Option<()> {
        let registry = self.registry()?;
        let number = self.next_number()?;
        let connecting = self.connecting(slot, number)?;
        let _kept = kept(&connecting);
        let result = registry.connect(connecting);
        self.connected(number, result.as_ref().ok());
        self.note(Entry::Connected(result.map(|_| number)));
        Some(())
    }

    fn connected(&self, number: usize, connection: Option<&ConnectionOf<R>>) {
        locked(&self.connections)[number] = connection.cloned();
        if connection.is_none() {
            locked(&self.owed)[number] = false;
        }
    }

    fn connect_batch(self: &Arc<Self>, slots: &[Slot]) -> Option<()> {
        let registry = self.registry()?;
        let numbered: Vec<_> = slots.iter().map_while(|slot| Some((slot, self.next_number()?))).collect();
        let mut numbers = Vec::new();
        let mut batch = Vec::new();
        for (slot, number) in numbered {
            let Some(mut connecting) = self.connecting(slot, number) else { continue };
            (connecting.form, connecting.target) = (Form::Plain, None);
            numbers.push(number);
            batch.push(connecting);
        }
        let _kept: Vec<_> = batch.iter().map(kept).collect();
        let result = registry.connect_batch(batch);
        for (at, number) in numbers.iter().enumerate() {
            self.connected(*number, result.as_ref().ok().map(|all| &all[at]));
        }
        self.note(Entry::Batch(result.map(|all| all.len())));
        Some(())
    }

    /// Takes a connection in. Its callback is that of a slot of its own, which nobody calls.
    fn track(self: &Arc<Self>, registry: &R, pick: Pick, what: &What, script: Option<&Vec<Action>>) -> Option<()> {
        let (_, connection) = one_of(&self.connections, pick)?;
        let number = self.next_number()?;
        let cleaning = self.cleaning(number, script);
        let result = registry.track(&connection, what.clone(), cleaning);
        if result.is_err() {
            locked(&self.owed)[number] = false;
        }
        self.note(Entry::Connected(result.map(|()| number)));
        Some(())
    }

    /// Takes a scope away, if nobody is connecting through it.
    fn take_scope(&self, pick: Pick) -> Option<R::Scope> {
        let (index, scope) = one_of(&self.scopes, pick)?;
        drop(locked(&self.scopes)[index].take());
        Arc::into_inner(scope)
    }

    fn named(&self, line: Line<ConnectionOf<R>>) -> Line<Option<usize>> {
        let connections = locked(&self.connections);
        line.name_as(|connection| {
            connections.iter().position(|named| named.as_ref().is_some_and(|named| R::same(named, connection)))
        })
    }

    fn details(&self, registry: &R, condition: &Condition) {
        let mut lines: Vec<_> = registry.details(condition).into_iter().map(|line| self.named(line)).collect();
        // Several may have no number yet.
        lines.sort_by_cached_key(|line| (line.connection, format!("{line:?}")));
        self.note(Entry::Details(lines));
    }

    /// Does one thing.
    fn perform(self: &Arc<Self>, action: &Action, caller: Caller) {
        // What there is to do it with. Without, nothing is done.
        let _ = self.try_perform(action, caller);
    }

    fn try_perform(self: &Arc<Self>, action: &Action, caller: Caller) -> Option<()> {
        let registry = self.registry()?;
        let answered = |answer| self.note(Entry::Answered(answer));
        let counted = |count| self.note(Entry::Counted(count));
        match *action {
            Action::Connect(ref slot, copies) => (0..copies).try_for_each(|_| self.connect(slot))?,
            Action::Batch(ref slots) => self.connect_batch(slots)?,
            Action::Bare(pick) => {
                let ((_, signal), number) = (one_of(&self.signals, pick)?, self.next_number()?);
                let slot = Scripted { world: self.clone(), number, script: Arc::new([]) };
                let connection = <R::Signals as Bus>::connect(&signal, Shape::Plain, Box::new(slot));
                self.connected(number, Some(&connection));
            }
            Action::Track(pick, ref what, ref script) => self.track(&registry, pick, what, script.as_ref())?,
            Action::Disconnect(pick) => answered(registry.disconnect(&one_of(&self.connections, pick)?.1)),
            Action::DisconnectBare(pick) => {
                answered(<R::Signals as Bus>::disconnect(&one_of(&self.connections, pick)?.1))
            }
            Action::DisconnectSelf => {
                let Caller::Slot(number) = caller else { return None };
                let connection = locked(&self.connections)[number].clone();
                answered(<R::Signals as Bus>::disconnect(&connection?));
            }
            Action::End(ref which) => counted(registry.end(which)),
            Action::Scope(owner) => {
                let scope = registry.scope(owner);
                locked(&self.scopes).push(Some(Arc::new(scope)));
            }
            Action::Child(pick, name) => {
                let scope = R::child(&*one_of(&self.scopes, pick)?.1, name);
                locked(&self.scopes).push(Some(Arc::new(scope)));
            }
            Action::Reset(pick) => counted(R::reset(&*one_of(&self.scopes, pick)?.1)),
            Action::Leave(pick) => counted(R::leave(self.take_scope(pick)?)),
            Action::DropScope(pick) => drop(self.take_scope(pick)?),
            Action::Release(pick) => R::release(self.take_scope(pick)?),
            Action::ScopeLen(pick) => counted(R::scope_len(&*one_of(&self.scopes, pick)?.1)),
            Action::Service(name) => {
                let service = registry.service(name);
                locked(&self.services).push(service);
            }
            Action::Stop(pick) => counted(R::stop(&self.service(pick)?)),
            Action::ServiceCleanup(pick) => counted(R::service_cleanup(&self.service(pick)?)),
            Action::ServiceLen(pick) => counted(R::service_len(&self.service(pick)?)),
            Action::OnShutdown(pick, ref script) => {
                let (service, world, script) = (self.service(pick)?, self.clone(), script.clone());
                let number = self.hooks.fetch_add(1, SeqCst);
                let hook = move || {
                    world.note(Entry::Stopping(number));
                    world.run(&script, Caller::Callback);
                };
                R::on_shutdown(&service, Box::new(hook));
            }
            Action::Configure(settings) => answered(registry.configure(settings.config())),
            Action::OnEmergency(ref script) => {
                let (world, script) = (self.clone(), script.clone());
                registry.on_emergency(Box::new(move |live, limit| {
                    world.note(Entry::Alarmed { live, limit });
                    world.run(&script, Caller::Callback);
                }));
            }
            Action::Emit(pick) => {
                let event = self.events(1)[0];
                self.emission(pick, |signal| <R::Signals as Bus>::emit(signal, &event));
            }
            Action::EmitBatch(pick, count) => {
                let events = self.events(count);
                self.emission(pick, |signal| <R::Signals as Bus>::emit_batch(signal, &events));
            }
            Action::NewSignal => {
                let signal = <R::Signals as Bus>::signal(&self.domain);
                locked(&self.signals).push(Some(Arc::new(signal)));
            }
            Action::DropSignal(pick) => {
                let (index, signal) = one_of(&self.signals, pick)?;
                if locked(&self.panicked).contains(&index) {
                    // The signal takes the number of panics along, unless the registry has asked before.
                    <R::Signals as Bus>::disconnect_all(&signal);
                    self.note(Entry::Figures(Box::new(registry.figures())));
                }
                let other = locked(&self.signals)[index].take();
                drop((signal, other));
            }
            Action::Policy(pick, policy) => <R::Signals as Bus>::set_policy(&one_of(&self.signals, pick)?.1, policy),
            Action::NewTarget => locked(&self.targets).push(Some(Arc::new(Target))),
            Action::DropTarget(pick) => {
                let (index, _) = one_of(&self.targets, pick)?;
                locked(&self.targets)[index] = None;
            }
            Action::Advance(time) => self.hand.advance(time),
            Action::Figures => self.note(Entry::Figures(Box::new(registry.figures()))),
            Action::Details(ref condition) => self.details(&registry, condition),
            Action::Detail(pick) => {
                let detail = registry.detail(&one_of(&self.connections, pick)?.1);
                self.note(Entry::Details(detail.map(|line| self.named(line)).into_iter().collect()));
            }
            Action::Len => counted(registry.count()),
            Action::CountOf(owner) => counted(registry.count_of(owner)),
            Action::Maintain => counted(registry.maintain()),
            Action::Collect => {
                // What it frees forgets its panics: they are counted first.
                if self.emissions.load(SeqCst) == 0 {
                    self.note(Entry::Figures(Box::new(registry.figures())));
                    <R::Signals as Bus>::collect(&self.domain, false);
                }
            }
            Action::Shutdown => self.note(Entry::Farewell(registry.shutdown())),
            Action::Panic => match caller {
                Caller::Program => {}
                // Not `panic!`: thousands of expected messages would hide the one that matters.
                Caller::Callback => resume_unwind(Box::new("as the script says")),
                Caller::Slot(number) => {
                    let signal = locked(&self.signal_of)[number]?;
                    if locked(&self.signals)[signal].is_some() {
                        locked(&self.panicked).insert(signal);
                        resume_unwind(Box::new("as the script says"));
                    }
                }
            },
        }
        Some(())
    }

    fn service(&self, pick: Pick) -> Option<R::Service> {
        let services = locked(&self.services);
        pick.of(services.len()).map(|at| services[at].clone())
    }

    /// Writes down everything that the registry says.
    fn look(&self) {
        let Some(registry) = self.registry() else { return };
        let figures = registry.figures();
        let details = registry.details(&Condition::Any);
        let tagged = |tag: &String| details.iter().filter(|line| line.tags.contains(tag)).count();
        let is_whole = figures.live == details.len()
            && figures.live == figures.kinds.values().sum()
            && figures.tags.iter().all(|(tag, (live, _))| *live == tagged(tag))
            && figures.made == figures.live as u64 + figures.ended.values().sum::<u64>();
        // A callback may have ended something past the registry meanwhile.
        if !is_whole && details.iter().all(|line| line.connected) && registry.figures() == figures {
            self.violate(format!("the figures and the details do not add up: {figures:?}"));
        }
        self.note(Entry::Figures(Box::new(figures)));
        self.details(&registry, &Condition::Any);
    }

    /// Ends everything.
    fn end(&self) {
        // First: callbacks do nothing any more.
        let registry = locked(&self.registry).take();
        let scopes = std::mem::take(&mut *locked(&self.scopes));
        let services = std::mem::take(&mut *locked(&self.services));
        drop(scopes);
        drop(services);
        drop(registry);
        let signals = std::mem::take(&mut *locked(&self.signals));
        drop(signals);
        locked(&self.connections).clear();
        <R::Signals as Bus>::collect(&self.domain, false);
        for (slot, _) in locked(&self.owed).iter().enumerate().filter(|(_, owed)| **owed) {
            self.violate(format!("the callback of slot {slot} was never called"));
        }
    }
}

/// Runs a program from beginning to end: what could be seen of it, and what must never happen but did. `order` as for
/// [`Registry::new`]; callbacks that do things restrict a program to few connections.
pub fn run<R: Registry>(program: &[Step], order: Order, few: bool) -> (Vec<Entry>, Vec<String>) {
    let world = World::<R>::new(order, if few { FEW } else { MANY });
    for step in program {
        world.perform(&step.action, Caller::Program);
        if step.look {
            world.look();
        }
    }
    world.look();
    world.end();
    let trace = std::mem::take(&mut *locked(&world.trace));
    let violations = std::mem::take(&mut *locked(&world.violations));
    (trace, violations)
}
