//! Random programs over an event loop, whose slots emit, connect, disconnect, run the loop and panic: call by call what
//! an oracle makes of them, which is a queue and a `Vec`.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use pulsebus::{Connection, EventLoop, LoopBudget, Signal};
use pulsebus_proptests::config::config;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LOOP_SHORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/event_loop_short.txt");
const LOOP_LONG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/event_loop_long.txt");
const SIGNALS: usize = 3;

#[derive(Debug, Clone)]
enum Action {
    Emit { signal: usize, events: Vec<u32> },
    Post { value: u32 },
    Run(Budget),
    Connect { signal: usize, behaviour: Behaviour },
    Disconnect(usize),
    DisconnectAll { signal: usize },
}

#[derive(Debug, Clone, Copy)]
enum Budget {
    Calls(usize),
    AtLeastOne,
    Queued,
}

impl From<Budget> for LoopBudget {
    fn from(budget: Budget) -> Self {
        match budget {
            Budget::Calls(calls) => Self::Calls(calls),
            Budget::AtLeastOne => Self::Time(Duration::ZERO),
            Budget::Queued => Self::Queued,
        }
    }
}

/// What a slot does besides writing down what it gets: in one of its calls, so that all comes to an end.
#[derive(Debug, Clone, Copy)]
struct Behaviour {
    at: usize,
    deed: Deed,
    panics: bool,
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    Nothing,
    Emit { signal: usize },
    Post,
    Run(Budget),
    Connect { signal: usize },
    DisconnectItself,
    Disconnect(usize),
    DisconnectAll { signal: usize },
}

fn program(length: usize) -> impl Strategy<Value = Vec<Action>> {
    vec(action(), 1..=length)
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (signal(), vec(0..100_u32, 0..4)).prop_map(|(signal, events)| Action::Emit { signal, events }),
        1 => (0..100_u32).prop_map(|value| Action::Post { value }),
        4 => budget().prop_map(Action::Run),
        6 => (signal(), behaviour()).prop_map(|(signal, behaviour)| Action::Connect { signal, behaviour }),
        1 => pick().prop_map(Action::Disconnect),
        1 => signal().prop_map(|signal| Action::DisconnectAll { signal }),
    ]
}

fn behaviour() -> impl Strategy<Value = Behaviour> {
    let panics = prop_oneof![4 => Just(false), 1 => Just(true)];
    (0..3_usize, deed(), panics).prop_map(|(at, deed, panics)| Behaviour { at, deed, panics })
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => Just(Deed::Nothing),
        3 => signal().prop_map(|signal| Deed::Emit { signal }),
        1 => Just(Deed::Post),
        5 => budget().prop_map(Deed::Run),
        1 => signal().prop_map(|signal| Deed::Connect { signal }),
        2 => Just(Deed::DisconnectItself),
        2 => pick().prop_map(Deed::Disconnect),
        1 => signal().prop_map(|signal| Deed::DisconnectAll { signal }),
    ]
}

fn budget() -> impl Strategy<Value = Budget> {
    prop_oneof![3 => (0..6_usize).prop_map(Budget::Calls), 1 => Just(Budget::AtLeastOne), 2 => Just(Budget::Queued)]
}

fn signal() -> impl Strategy<Value = usize> {
    0..SIGNALS
}

fn pick() -> impl Strategy<Value = usize> {
    0..8_usize
}

/// Something that could be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Called { slot: usize, event: u32 },
    Returned { slot: usize },
    Posted { value: u32 },
    Disconnected(usize),
    Ran { calls: usize, skipped: usize, left: usize },
}

type Log = Arc<Mutex<Vec<Seen>>>;
type Slot = Box<dyn FnMut(u32)>;
type Task = Box<dyn FnOnce() + Send>;

/// What a program needs of a loop, and of the signals around it.
trait Subject {
    fn emit(&self, signal: usize, events: &[u32]);
    fn post(&self, task: Task);
    fn run(&self, budget: Budget) -> (usize, usize, usize);
    /// Slots are told by the order of their making.
    fn connect(&self, signal: usize, slot: Slot);
    fn disconnect(&self, slot: usize) -> bool;
    fn disconnect_all(&self, signal: usize) -> usize;
}

#[derive(Default)]
struct Library {
    event_loop: EventLoop,
    signals: [Signal<u32>; SIGNALS],
    connections: RefCell<Vec<Connection>>,
}

impl Subject for Library {
    fn emit(&self, signal: usize, events: &[u32]) {
        self.signals[signal].emit_batch(events);
    }

    fn post(&self, task: Task) {
        self.event_loop.handle().post(move |_| task()).expect("there is room");
    }

    fn run(&self, budget: Budget) -> (usize, usize, usize) {
        let run = self.event_loop.run_pending(budget);
        (run.calls, run.skipped, run.left)
    }

    fn connect(&self, signal: usize, mut slot: Slot) {
        let connection = self.event_loop.connect(&self.signals[signal], move |&event| slot(event));
        self.connections.borrow_mut().push(connection);
    }

    fn disconnect(&self, slot: usize) -> bool {
        let connection = self.connections.borrow().get(slot).copied();
        connection.is_some_and(|connection| connection.disconnect())
    }

    fn disconnect_all(&self, signal: usize) -> usize {
        self.signals[signal].disconnect_all()
    }
}

enum Entry {
    Call { slot: usize, event: u32 },
    Task(Task),
}

struct Record {
    signal: usize,
    live: bool,
    /// `None` while it runs.
    slot: Option<Slot>,
    /// What has come up while it runs.
    waiting: Vec<u32>,
}

/// The plain one.
#[derive(Default)]
struct Oracle {
    queue: RefCell<VecDeque<Entry>>,
    records: RefCell<Vec<Record>>,
}

impl Subject for Oracle {
    fn emit(&self, signal: usize, events: &[u32]) {
        for (slot, record) in self.records.borrow().iter().enumerate() {
            if record.signal == signal && record.live {
                self.queue.borrow_mut().extend(events.iter().map(|&event| Entry::Call { slot, event }));
            }
        }
    }

    fn post(&self, task: Task) {
        self.queue.borrow_mut().push_back(Entry::Task(task));
    }

    fn run(&self, budget: Budget) -> (usize, usize, usize) {
        let queued = self.queue.borrow().len();
        let (mut steps, mut calls, mut skipped) = (0, 0, 0);
        loop {
            let goes_on = match budget {
                Budget::Calls(most) => calls < most,
                Budget::AtLeastOne => steps == 0,
                Budget::Queued => steps < queued,
            };
            let entry = if goes_on { self.queue.borrow_mut().pop_front() } else { None };
            let Some(entry) = entry else { break };
            steps += 1;
            let (slot, event) = match entry {
                Entry::Task(task) => {
                    calls += 1;
                    task();
                    continue;
                }
                Entry::Call { slot, event } => (slot, event),
            };
            let mut call = {
                let record = &mut self.records.borrow_mut()[slot];
                let Some(call) = record.slot.take() else {
                    record.waiting.push(event);
                    continue;
                };
                if !record.live {
                    record.slot = Some(call);
                    skipped += 1;
                    continue;
                }
                call
            };
            calls += 1;
            let _ = catch_unwind(AssertUnwindSafe(|| call(event)));
            let record = &mut self.records.borrow_mut()[slot];
            record.slot = Some(call);
            let waiting = std::mem::take(&mut record.waiting);
            let mut queue = self.queue.borrow_mut();
            waiting.into_iter().rev().for_each(|event| queue.push_front(Entry::Call { slot, event }));
        }
        (calls, skipped, self.queue.borrow().len())
    }

    fn connect(&self, signal: usize, slot: Slot) {
        self.records.borrow_mut().push(Record { signal, live: true, slot: Some(slot), waiting: Vec::new() });
    }

    fn disconnect(&self, slot: usize) -> bool {
        self.records.borrow_mut().get_mut(slot).is_some_and(|record| std::mem::take(&mut record.live))
    }

    fn disconnect_all(&self, signal: usize) -> usize {
        let mut records = self.records.borrow_mut();
        let ended = records.iter_mut().filter(|record| record.signal == signal && record.live);
        ended.map(|record| record.live = false).count()
    }
}

/// A loop, and those who use it.
struct World<S> {
    subject: S,
    connected: Cell<usize>,
    log: Log,
}

impl<S: Subject + Default + 'static> World<S> {
    fn run(program: &[Action]) -> Vec<Seen> {
        let world = Rc::new(Self { subject: S::default(), connected: Cell::new(0), log: Log::default() });
        program.iter().for_each(|action| world.act(action));
        // All that is left.
        world.act(&Action::Run(Budget::Calls(usize::MAX)));
        std::mem::take(&mut *world.log.lock().expect("nothing panics under it"))
    }

    fn see(&self, seen: Seen) {
        self.log.lock().expect("nothing panics under it").push(seen);
    }

    fn act(self: &Rc<Self>, action: &Action) {
        match action {
            Action::Emit { signal, events } => self.subject.emit(*signal, events),
            Action::Post { value } => {
                let (log, value) = (self.log.clone(), *value);
                let task = move || log.lock().expect("nothing panics under it").push(Seen::Posted { value });
                self.subject.post(Box::new(task));
            }
            Action::Run(budget) => {
                let (calls, skipped, left) = self.subject.run(*budget);
                self.see(Seen::Ran { calls, skipped, left });
            }
            Action::Connect { signal, behaviour } => {
                let number = self.connected.replace(self.connected.get() + 1);
                self.subject.connect(*signal, slot(Rc::downgrade(self), number, *behaviour));
            }
            Action::Disconnect(slot) => {
                let won = self.subject.disconnect(*slot);
                self.see(Seen::Disconnected(usize::from(won)));
            }
            Action::DisconnectAll { signal } => {
                let ended = self.subject.disconnect_all(*signal);
                self.see(Seen::Disconnected(ended));
            }
        }
    }
}

fn slot<S: Subject + Default + 'static>(world: Weak<World<S>>, number: usize, behaviour: Behaviour) -> Slot {
    let mut calls = 0;
    Box::new(move |event| {
        let world = world.upgrade().expect("who runs has it");
        world.see(Seen::Called { slot: number, event });
        let call = calls;
        calls += 1;
        if call == behaviour.at {
            let plain = Behaviour { at: 0, deed: Deed::Nothing, panics: false };
            let action = match behaviour.deed {
                Deed::Nothing => None,
                Deed::Emit { signal } => Some(Action::Emit { signal, events: vec![event + 100, event + 200] }),
                Deed::Post => Some(Action::Post { value: event }),
                Deed::Run(budget) => Some(Action::Run(budget)),
                Deed::Connect { signal } => Some(Action::Connect { signal, behaviour: plain }),
                Deed::DisconnectItself => Some(Action::Disconnect(number)),
                Deed::Disconnect(slot) => Some(Action::Disconnect(slot)),
                Deed::DisconnectAll { signal } => Some(Action::DisconnectAll { signal }),
            };
            if let Some(action) = action {
                world.act(&action);
            }
            assert!(!behaviour.panics, "as the program says");
        }
        world.see(Seen::Returned { slot: number });
    })
}

fn check(program: &[Action]) -> Result<(), TestCaseError> {
    let (library, oracle) = (World::<Library>::run(program), World::<Oracle>::run(program));
    prop_assert_eq!(library, oracle);
    Ok(())
}

proptest! {
    #![proptest_config(config(LOOP_SHORT, 8_000))]

    #[test]
    fn short_programs_do_what_the_oracle_says(program in program(10)) {
        check(&program)?;
    }
}

proptest! {
    #![proptest_config(config(LOOP_LONG, 1_500))]

    #[test]
    fn long_programs_do_what_the_oracle_says(program in program(60)) {
        check(&program)?;
    }
}

#[test]
fn the_programs_are_worth_running() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut calls, mut skips, mut nested, mut waited) = (0, 0, 0, 0);
    for _ in 0..300 {
        let program = program(60).new_tree(&mut runner).expect("nothing is filtered").current();
        let mut depth = 0_usize;
        for seen in World::<Library>::run(&program) {
            match seen {
                Seen::Called { .. } => {
                    depth += 1;
                    calls += 1;
                    nested += usize::from(depth > 1);
                }
                Seen::Returned { .. } => depth = depth.saturating_sub(1),
                Seen::Ran { calls: 0, left: 0, skipped: 0 } if depth > 0 => waited += 1,
                Seen::Ran { skipped, .. } => skips += skipped,
                Seen::Posted { .. } | Seen::Disconnected(_) => {}
            }
        }
    }
    assert!(calls > 3_000 && skips > 300 && nested > 300 && waited > 10, "{calls} {skips} {nested} {waited}");
}
