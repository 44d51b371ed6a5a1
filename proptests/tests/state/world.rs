//! Runs a program on a state, and writes down all that can be seen of it.

use crate::oracle::{Slot, Subject};
use crate::program::{Action, Behaviour, Deed};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, Weak};

/// Something that could be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// A slot was called.
    Called { slot: usize, value: u32 },
    /// Its call has come to its end.
    Returned { slot: usize },
    /// What an action came to, of a slot or of the program.
    Came { to: usize },
    /// After each action of the program.
    State { value: Option<u32>, len: usize, is_empty: bool },
}

/// A state, and those who use it.
pub struct World<S> {
    subject: S,
    connected: AtomicUsize,
    log: Mutex<Vec<Seen>>,
}

impl<S: Subject + Default + 'static> World<S> {
    /// What can be seen of a program.
    pub fn run(program: &[Action]) -> Vec<Seen> {
        let world =
            Arc::new(Self { subject: S::default(), connected: AtomicUsize::new(0), log: Mutex::new(Vec::new()) });
        for &action in program {
            world.act(action);
            let subject = &world.subject;
            world.see(Seen::State { value: subject.get(), len: subject.len(), is_empty: subject.is_empty() });
        }
        std::mem::take(&mut *world.log.lock().expect("nothing panics under it"))
    }

    fn see(&self, seen: Seen) {
        self.log.lock().expect("nothing panics under it").push(seen);
    }

    fn act(self: &Arc<Self>, action: Action) {
        let came_to = match action {
            Action::Set(value) => {
                self.subject.set(value);
                0
            }
            Action::SetIfChanged(value) => usize::from(self.subject.set_if_changed(value)),
            Action::Update(add) => self.subject.update(add).map_or(0, |value| value as usize + 1),
            Action::Connect(behaviour) => self.connect(behaviour),
            Action::Disconnect(number) => usize::from(self.subject.disconnect(number)),
            Action::DisconnectAll => self.subject.disconnect_all(),
        };
        self.see(Seen::Came { to: came_to });
    }

    fn connect(self: &Arc<Self>, behaviour: Behaviour) -> usize {
        let number = self.connected.fetch_add(1, SeqCst);
        self.subject.connect(number, slot(Arc::downgrade(self), number, behaviour));
        number
    }
}

fn slot<S: Subject + Default + 'static>(world: Weak<World<S>>, number: usize, behaviour: Behaviour) -> Slot {
    let calls = AtomicUsize::new(0);
    Box::new(move |value| {
        let world = world.upgrade().expect("who sets has it");
        world.see(Seen::Called { slot: number, value });
        let call = calls.fetch_add(1, SeqCst);
        if call == behaviour.at || behaviour.twice && call == behaviour.at + 1 {
            if let Some(action) = action(behaviour.deed, value, number) {
                world.act(action);
            }
            assert!(!behaviour.panics, "as the program says");
        }
        world.see(Seen::Returned { slot: number });
    })
}

/// What a slot does: at most twice, so that all comes to an end.
fn action(deed: Deed, value: u32, number: usize) -> Option<Action> {
    let plain = Behaviour { at: 0, twice: false, deed: Deed::Nothing, panics: false };
    Some(match deed {
        Deed::Nothing => return None,
        Deed::SetNext => Action::Set(value + 1),
        Deed::Set(value) => Action::Set(value),
        Deed::SetIfChanged(value) => Action::SetIfChanged(value),
        Deed::Update(add) => Action::Update(add),
        Deed::Connect => Action::Connect(plain),
        Deed::ConnectSetter => Action::Connect(Behaviour { deed: Deed::SetNext, ..plain }),
        Deed::DisconnectItself => Action::Disconnect(number),
        Deed::Disconnect(number) => Action::Disconnect(number),
        Deed::DisconnectAll => Action::DisconnectAll,
    })
}

/// How many calls there were, how many of them inside another one, and how many that panicked.
pub fn tally(seen: &[Seen]) -> [usize; 3] {
    let [mut calls, mut nested, mut returned] = [0; 3];
    let mut stack: Vec<usize> = Vec::new();
    for &event in seen {
        match event {
            Seen::Called { slot, .. } => {
                calls += 1;
                nested += usize::from(!stack.is_empty());
                stack.push(slot);
            }
            Seen::Returned { slot } => {
                returned += 1;
                // Those above it have panicked.
                while stack.pop().is_some_and(|top| top != slot) {}
            }
            Seen::Came { .. } => {}
            Seen::State { .. } => stack.clear(),
        }
    }
    [calls, nested, calls - returned]
}
