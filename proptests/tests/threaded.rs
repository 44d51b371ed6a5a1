//! Random programs on several threads at once. No oracle can tell the order there; what is checked must hold under any:
//!
//! - a slot that was connected throughout an emission ran in it exactly once, any other at most once;
//! - one whose disconnect had returned before the emission started did not run;
//! - the slots of one thread ran in the order in which it connected them;
//! - of all disconnects of a connection at most one won, and together with `disconnect_all` they ended it once;
//! - what a slot captured was alive whenever it ran, and was dropped exactly once, not inside an emission.
//!
//! Before and after are told by one clock that all threads tick with sequentially consistent additions: of two of its
//! readings the lower one happened before the higher one.

use proptest::collection::vec;
use proptest::prelude::*;
use pulsebus::{Connection, Domain, Emitted, Signal};
use pulsebus_proptests::config::config;
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

const THREADED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/threaded.txt");

#[derive(Debug, Clone)]
enum Action {
    Connect {
        signal: usize,
        batch: bool,
        copies: u8,
    },
    /// Of all connections there are, by whatever thread.
    Disconnect {
        pick: u16,
        count: u8,
    },
    DisconnectAndWait {
        pick: u16,
    },
    Emit {
        signal: usize,
    },
    EmitBatch {
        signal: usize,
    },
    Tick {
        signal: usize,
    },
    DisconnectAll {
        signal: usize,
    },
    Len {
        signal: usize,
    },
    Collect,
    Maintain,
    Statistics,
    /// A signal of its own, with so many slots.
    ComeAndGo {
        slots: u8,
    },
}

const SIGNALS: usize = 2;

fn action() -> BoxedStrategy<Action> {
    let signal = || 0..SIGNALS;
    prop_oneof![
        8 => (signal(), any::<bool>(), prop_oneof![4 => Just(1), 1 => 20..50_u8])
            .prop_map(|(signal, batch, copies)| Action::Connect { signal, batch, copies }),
        8 => (any::<u16>(), prop_oneof![4 => Just(1), 1 => 20..50_u8])
            .prop_map(|(pick, count)| Action::Disconnect { pick, count }),
        1 => any::<u16>().prop_map(|pick| Action::DisconnectAndWait { pick }),
        8 => signal().prop_map(|signal| Action::Emit { signal }),
        2 => signal().prop_map(|signal| Action::EmitBatch { signal }),
        1 => signal().prop_map(|signal| Action::Tick { signal }),
        1 => signal().prop_map(|signal| Action::DisconnectAll { signal }),
        1 => signal().prop_map(|signal| Action::Len { signal }),
        4 => Just(Action::Collect),
        1 => Just(Action::Maintain),
        1 => Just(Action::Statistics),
        1 => (0..70_u8).prop_map(|slots| Action::ComeAndGo { slots }),
    ]
    .boxed()
}

/// What is known of a slot. Times are readings of the clock, zero meaning never.
struct Slot {
    signal: usize,
    /// The thread that connected it, and how many it had connected before.
    thread: usize,
    nth: usize,
    connected: AtomicU64,
    /// When the first disconnect returned.
    disconnect_returned: AtomicU64,
    wins: AtomicU32,
    drops: AtomicU32,
    dropped_inside: AtomicU32,
}

/// Sets a time, unless an earlier one is there.
fn set_earliest(time: &AtomicU64, now: u64) {
    let _ = time.fetch_update(SeqCst, SeqCst, |before| (before == 0 || now < before).then_some(now));
}

struct World {
    domain: Domain,
    signals: Vec<Signal<Event>>,
    clock: AtomicU64,
    slots: Mutex<Vec<(Arc<Slot>, Connection)>>,
    /// Slots ended by `disconnect_all`.
    ended_together: AtomicU32,
}

/// The slots write down in the event that they ran.
#[derive(Default)]
struct Event(Mutex<Vec<Arc<Slot>>>);

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// What a slot captures.
struct Captured {
    slot: Arc<Slot>,
    alive: AtomicU32,
}

const ALIVE: u32 = 0x00A1_1FE0;

impl Captured {
    fn call(&self, event: &Event) {
        self.check();
        event.0.lock().expect("nobody panics").push(self.slot.clone());
        if self.slot.nth % 8 == 0 {
            // Time for others to end it and to collect, while this thread is inside.
            thread::yield_now();
            self.check();
        }
    }

    fn check(&self) {
        assert_eq!(self.alive.load(SeqCst), ALIVE, "a slot ran with captures that were dropped");
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        self.alive.store(0, SeqCst);
        self.slot.drops.fetch_add(1, SeqCst);
        self.slot.dropped_inside.fetch_add(u32::from(INSIDE.get()), SeqCst);
    }
}

impl World {
    fn new() -> Self {
        let domain = Domain::new();
        let signals = (0..SIGNALS).map(|_| Signal::new_in(&domain)).collect::<Vec<_>>();
        // A slot that panics has found a bug: let it through.
        signals.iter().for_each(|signal| signal.on_panic(pulsebus::PanicPolicy::Propagate));
        Self { domain, signals, clock: AtomicU64::new(1), slots: Mutex::default(), ended_together: AtomicU32::new(0) }
    }

    fn now(&self) -> u64 {
        self.clock.fetch_add(1, SeqCst)
    }

    fn connect(&self, thread: usize, nth: usize, signal: usize, batch: bool) {
        let slot = Arc::new(Slot {
            signal,
            thread,
            nth,
            connected: AtomicU64::new(0),
            disconnect_returned: AtomicU64::new(0),
            wins: AtomicU32::new(0),
            drops: AtomicU32::new(0),
            dropped_inside: AtomicU32::new(0),
        });
        let captured = Captured { slot: slot.clone(), alive: AtomicU32::new(ALIVE) };
        let connection = if batch {
            self.signals[signal].connect_batch(move |events| events.iter().for_each(|event| captured.call(event)))
        } else {
            self.signals[signal].connect(move |event| captured.call(event))
        };
        slot.connected.store(self.now(), SeqCst);
        self.slots.lock().expect("nobody panics").push((slot, connection));
    }

    fn pick(&self, pick: u16, count: u8) -> Vec<(Arc<Slot>, Connection)> {
        let slots = self.slots.lock().expect("nobody panics");
        let first = if slots.is_empty() { 0 } else { usize::from(pick) % slots.len() };
        slots.iter().skip(first).take(count.into()).cloned().collect()
    }

    fn disconnect(&self, slot: &Slot, disconnect: impl FnOnce() -> bool) {
        let won = disconnect();
        set_earliest(&slot.disconnect_returned, self.now());
        slot.wins.fetch_add(u32::from(won), SeqCst);
    }

    fn emit(&self, signal: usize, count: usize, emit: impl FnOnce(&Signal<Event>, &[Event]) -> Emitted) {
        let started = self.now();
        let events: Vec<Event> = (0..count).map(|_| Event::default()).collect();
        INSIDE.set(true);
        assert!(emit(&self.signals[signal], &events).is_completed());
        INSIDE.set(false);
        for event in events {
            self.check_emission(signal, started, event.0.into_inner().expect("nobody panics"));
        }
    }

    /// Called after the emission.
    fn check_emission(&self, signal: usize, started: u64, calls: Vec<Arc<Slot>>) {
        let mut ran: HashMap<*const Slot, u32> = HashMap::new();
        let mut last_of_thread: HashMap<usize, usize> = HashMap::new();
        for slot in &calls {
            assert_eq!(slot.signal, signal, "it ran for another signal");
            *ran.entry(Arc::as_ptr(slot)).or_default() += 1;
            if let Some(before) = last_of_thread.insert(slot.thread, slot.nth) {
                assert!(before < slot.nth, "slots {before} and {} of one thread ran out of order", slot.nth);
            }
            let returned = slot.disconnect_returned.load(SeqCst);
            assert!(returned == 0 || returned > started, "it ran although a disconnect had returned before");
        }
        assert!(ran.values().all(|&times| times == 1), "a slot ran twice in one emission");
        for (slot, connection) in self.slots.lock().expect("nobody panics").iter() {
            let before = slot.signal == signal && slot.connected.load(SeqCst) < started;
            if before && !ran.contains_key(&Arc::as_ptr(slot)) {
                assert!(!connection.is_connected(), "a slot was connected throughout and did not run");
            }
        }
    }

    fn perform(&self, thread: usize, connected: &mut usize, action: &Action) {
        match *action {
            Action::Connect { signal, batch, copies } => {
                for _ in 0..copies {
                    self.connect(thread, *connected, signal, batch);
                    *connected += 1;
                }
            }
            Action::Disconnect { pick, count } => {
                for (slot, connection) in self.pick(pick, count) {
                    self.disconnect(&slot, || connection.disconnect());
                    assert!(!connection.is_connected());
                }
            }
            Action::DisconnectAndWait { pick } => {
                for (slot, connection) in self.pick(pick, 1) {
                    let wait = || connection.disconnect_and_wait(Duration::MAX).expect("outside of emissions");
                    self.disconnect(&slot, wait);
                }
            }
            Action::Emit { signal } => self.emit(signal, 1, |signal, events| signal.emit(&events[0])),
            Action::EmitBatch { signal } => self.emit(signal, 3, Signal::emit_batch),
            Action::Tick { signal } => {
                self.emit(signal, 2, |signal, events| self.domain.tick(|t| t.emit_batch(signal, events)));
            }
            Action::DisconnectAll { signal } => {
                let slots = self.slots.lock().expect("nobody panics").clone();
                let ended = self.signals[signal].disconnect_all() as u32;
                self.ended_together.fetch_add(ended, SeqCst);
                let now = self.now();
                // All that were connected when it was called. (It may have ended later ones, too.)
                for (slot, _) in slots.iter().filter(|(slot, _)| slot.signal == signal) {
                    set_earliest(&slot.disconnect_returned, now);
                }
            }
            Action::Len { signal } => {
                assert!(self.signals[signal].len() < 1 << 20);
            }
            Action::Collect => discard(self.domain.collect()),
            Action::Maintain => discard(self.domain.maintain(Duration::from_secs(1))),
            Action::Statistics => discard(self.domain.statistics()),
            Action::ComeAndGo { slots } => {
                let (signal, drops) = (Signal::<u32>::new_in(&self.domain), Arc::new(()));
                for _ in 0..slots {
                    let captured = drops.clone();
                    signal.connect(move |_| assert!(Arc::strong_count(&captured) > 1));
                }
                signal.emit(&1);
                drop(signal);
                assert_eq!(Arc::strong_count(&drops), 1, "they were dropped with their signal");
            }
        }
    }

    /// After all threads have come to their ends.
    fn check_end(self) {
        let slots = self.slots.into_inner().expect("nobody panics");
        let ended = slots.iter().filter(|(_, connection)| !connection.is_connected()).count();
        let wins: u32 = slots.iter().map(|(slot, _)| slot.wins.load(SeqCst)).sum();
        assert!(slots.iter().all(|(slot, _)| slot.wins.load(SeqCst) <= 1), "two disconnects of one connection won");
        assert_eq!(wins + self.ended_together.into_inner(), ended as u32, "wins, of those that have ended");
        assert_eq!(self.signals.iter().map(Signal::len).sum::<usize>(), slots.len() - ended);

        assert!(self.domain.collect().complete, "nothing is in its way");
        for (slot, connection) in &slots {
            assert_eq!(slot.drops.load(SeqCst), u32::from(!connection.is_connected()), "dropped, if and only if ended");
        }
        drop(self.signals);
        assert!(self.domain.collect().complete, "nothing is in its way");
        for (slot, _) in &slots {
            assert_eq!((slot.drops.load(SeqCst), slot.dropped_inside.load(SeqCst)), (1, 0), "dropped once, outside");
        }
        assert_eq!(self.domain.statistics().chunks, 0);
    }
}

/// For what is only asked for the sake of asking.
fn discard<T>(answer: T) {
    std::hint::black_box(answer);
}

fn run(programs: Vec<Vec<Action>>) {
    let world = Arc::new(World::new());
    let start = Arc::new(Barrier::new(programs.len()));
    let threads: Vec<_> = programs
        .into_iter()
        .enumerate()
        .map(|(number, program)| {
            let (world, start) = (world.clone(), start.clone());
            thread::spawn(move || {
                let mut connected = 0;
                start.wait();
                program.iter().for_each(|action| world.perform(number, &mut connected, action));
            })
        })
        .collect();
    for thread in threads {
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
    Arc::into_inner(world).expect("the threads have ended").check_end();
}

proptest! {
    #![proptest_config(config(THREADED, 3_000))]

    #[test]
    fn what_holds_under_any_schedule_holds(programs in vec(vec(action(), 20..120), 2..5)) {
        run(programs);
    }
}
