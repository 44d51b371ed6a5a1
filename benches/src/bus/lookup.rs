//! Looking signals up, beside the tables that one would write by hand.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::hash::Hash;
use std::hint::black_box;
use std::sync::Arc;

use dashmap::DashMap;
use parking_lot::{Mutex, RwLock};
use pulsebus::{Bus, Signal};

use crate::event::Event;
use crate::scenario::{Contestant, timed};

/// Event types that signals are kept of.
pub const TYPES: usize = 32;

/// Names are looked up in turn, so many of them.
const IN_TURN: usize = 64;

/// One of many event types.
struct Message<const N: usize>;

/// What is looked up in all of them.
type Sought = Message<7>;

/// A signal of whatever type, as a table keeps it.
type Kept = Arc<dyn Any + Send + Sync>;

/// A handle to it, as the bus's is one.
fn handle<E: 'static>(kept: &Kept) -> Arc<Signal<E>> {
    Arc::clone(kept).downcast().expect("kept under its own type")
}

/// The tables that one would write by hand: with the hasher that each comes with, and the fastest common locks.
struct Tables<K> {
    locked: Mutex<HashMap<K, Kept>>,
    shared: RwLock<HashMap<K, Kept>>,
    dash: DashMap<K, Kept>,
}

impl<K: Hash + Eq + Clone> Tables<K> {
    fn new(entries: impl Iterator<Item = (K, Kept)>) -> Self {
        let map: HashMap<K, Kept> = entries.collect();
        Self { locked: Mutex::new(map.clone()), dash: map.clone().into_iter().collect(), shared: RwLock::new(map) }
    }
}

pub(super) fn by_type() -> Vec<Contestant> {
    let bus = Bus::new();
    let mut entries: Vec<(TypeId, Kept)> = Vec::new();
    macro_rules! types {
        ($($n:literal)*) => {$(
            bus.signal::<Message<$n>>();
            entries.push((TypeId::of::<Message<$n>>(), Arc::new(Signal::<Message<$n>>::new())));
        )*};
    }
    types!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
    assert_eq!(entries.len(), TYPES);
    let Tables { locked, shared, dash } = Tables::new(entries.into_iter());
    let key = TypeId::of::<Sought>();
    vec![
        looking("Bus::signal", move || bus.signal::<Sought>()),
        looking("RwLock<HashMap>", move || handle::<Sought>(&shared.read()[&key])),
        looking("Mutex<HashMap>", move || handle::<Sought>(&locked.lock()[&key])),
        looking("DashMap", move || handle::<Sought>(&dash.get(&key).expect("kept"))),
    ]
}

pub(super) fn by_name(names: usize) -> Vec<Contestant> {
    let bus = Bus::new();
    let names: Vec<String> = (0..names).map(|n| format!("room.{n}.moved")).collect();
    // A topic that nobody holds could be collected.
    let topics: Vec<_> = names.iter().map(|name| bus.topic::<Event>(name).expect("a good name")).collect();
    let signal = || -> Kept { Arc::new(Signal::<Event>::new()) };
    let Tables { locked, shared, dash } = Tables::new(names.iter().map(|name| (name.clone(), signal())));
    let turns = || InTurn { names: names[..IN_TURN].into(), next: 0 };
    let [mut a, mut b, mut c, mut d] = [turns(), turns(), turns(), turns()];
    vec![
        looking("Bus::topic", move || {
            let _held = &topics;
            bus.topic::<Event>(a.next()).expect("of this type")
        }),
        looking("RwLock<HashMap>", move || handle::<Event>(&shared.read()[b.next()])),
        looking("Mutex<HashMap>", move || handle::<Event>(&locked.lock()[c.next()])),
        looking("DashMap", move || handle::<Event>(&dash.get(d.next()).expect("kept"))),
    ]
}

/// Names, one after the other, again and again.
struct InTurn {
    names: Box<[String]>,
    next: usize,
}

impl InTurn {
    fn next(&mut self) -> &str {
        self.next = (self.next + 1) % IN_TURN;
        &self.names[self.next]
    }
}

/// Times look-ups, each of which ends with its handle.
fn looking<T>(name: &'static str, mut look: impl FnMut() -> T + 'static) -> Contestant {
    Contestant::new(name, move |iterations| timed(iterations, || drop(black_box(look()))))
}
