//! What sigslot holds its signals to, asked of these. Where the two differ, the test says what holds here, and
//! `docs/PEERS.md` what holds there.

mod common;

use common::{Counter, Log};
use pulsebus::{Connection, Domain, FORWARD_LIMIT, Signal};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, OnceLock};
use std::thread;

// --- recursion -------------------------------------------------------------------------------------------------------

#[test]
fn a_slot_emits_its_own_signal_until_it_has_had_enough() {
    let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
    let (own, said) = (Arc::downgrade(&signal), log.clone());
    signal.connect(move |n| {
        said.push(("down", *n));
        if *n < 10 {
            own.upgrade().expect("it is emitting").emit(&(n + 1));
        }
        said.push(("up", *n));
    });
    signal.emit(&0);
    let expected: Vec<_> = (0..=10).map(|n| ("down", n)).chain((0..=10).rev().map(|n| ("up", n))).collect();
    assert_eq!(log.take(), expected);
}

/// A value that goes a step towards whatever it is told of, and tells where it is then.
struct Side {
    value: AtomicI64,
    step: i64,
    moved: Signal<i64>,
}

impl Side {
    fn new(value: i64, step: i64) -> Arc<Self> {
        Arc::new(Self { value: AtomicI64::new(value), step, moved: Signal::new() })
    }

    fn go(&self, other: &i64) {
        if self.value.load(SeqCst) != *other {
            let value = self.value.fetch_add(self.step, SeqCst) + self.step;
            self.moved.emit(&value);
        }
    }
}

#[test]
fn two_objects_that_emit_at_each_other_meet() {
    let (low, high) = (Side::new(-1, 1), Side::new(10, -1));
    low.moved.slot().connect_weak(&high, Side::go);
    high.moved.slot().connect_weak(&low, Side::go);
    low.go(&0);
    assert_eq!(low.value.load(SeqCst), high.value.load(SeqCst));
}

#[test]
fn a_recursive_emission_calls_each_slot_for_each_event() {
    let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
    let own = Arc::downgrade(&signal);
    signal.connect(log.slot(|n| ("first", *n)));
    signal.connect(move |n| {
        if *n > 0 {
            own.upgrade().expect("it is emitting").emit(&(n - 1));
        }
    });
    signal.connect(log.slot(|n| ("last", *n)));
    signal.emit(&2);
    let expected = [("first", 2), ("first", 1), ("first", 0), ("last", 0), ("last", 1), ("last", 2)];
    assert_eq!(log.take(), expected);
}

#[test]
fn a_slot_that_ends_itself_in_a_recursive_emission_is_ended_in_all_of_them() {
    let (signal, ran) = (Arc::new(Signal::<u32>::new()), Counter::new());
    let own = Arc::downgrade(&signal);
    // It recurs first; what comes after it has gone when the outer emissions get there.
    signal.connect(move |n| {
        if *n > 0 {
            own.upgrade().expect("it is emitting").emit(&(n - 1));
        }
    });
    let counter = ran.clone();
    signal.slot().connect_self(move |_, own| {
        counter.add(1);
        own.disconnect();
    });
    signal.emit(&5);
    assert_eq!((ran.get(), signal.len()), (1, 1));
}

#[test]
fn a_circle_of_forwarding_signals_ends() {
    let (first, second) = (Arc::new(Signal::<u32>::new()), Arc::new(Signal::<u32>::new()));
    let ran = Counter::new();
    first.connect(ran.slot());
    let there = first.forward(&second, |n| *n);
    let back = second.forward(&first, |n| *n);
    assert!(first.emit(&0).is_completed());
    assert_eq!(ran.get(), 1 + FORWARD_LIMIT as usize / 2);
    assert_eq!(there.panics().into_iter().chain(back.panics()).sum::<u32>(), 1, "the one that was refused says so");
}

// --- threads ---------------------------------------------------------------------------------------------------------

/// Connects to `from` a slot that emits `to`, as often as the event says.
fn cross(from: &Signal<u32>, to: &Arc<Signal<u32>>, calls: &Counter) {
    let (to, calls) = (Arc::downgrade(to), calls.clone());
    from.connect(move |left| {
        calls.add(1);
        if *left > 0 {
            to.upgrade().expect("the test holds it").emit(&(left - 1));
        }
    });
}

#[test]
fn crossed_signals_on_two_threads_do_not_block_each_other() {
    const ROUNDS: usize = 500;
    const DEPTH: u32 = 10;
    let (first, second) = (Arc::new(Signal::new()), Arc::new(Signal::new()));
    let calls = Counter::new();
    cross(&first, &second, &calls);
    cross(&second, &first, &calls);
    let start = Barrier::new(2);
    thread::scope(|scope| {
        for signal in [&first, &second] {
            scope.spawn(|| {
                start.wait();
                (0..ROUNDS).for_each(|_| _ = signal.emit(&DEPTH));
            });
        }
    });
    assert_eq!(calls.get(), 2 * ROUNDS * (DEPTH as usize + 1));
}

#[test]
fn two_threads_that_are_both_inside_emit_the_signal_that_the_other_is_inside_of() {
    let (first, second) = (Arc::new(Signal::<bool>::new()), Arc::new(Signal::<bool>::new()));
    let (both_inside, calls) = (Arc::new(Barrier::new(2)), Counter::new());
    for (own, other) in [(&first, &second), (&second, &first)] {
        let (other, both_inside, calls) = (Arc::downgrade(other), both_inside.clone(), calls.clone());
        own.connect(move |is_outer| {
            calls.add(1);
            if *is_outer {
                both_inside.wait();
                other.upgrade().expect("the test holds it").emit(&false);
                // Nobody leaves before both have been there.
                both_inside.wait();
            }
        });
    }
    thread::scope(|scope| {
        for signal in [&first, &second] {
            scope.spawn(move || signal.emit(&true));
        }
    });
    assert_eq!(calls.get(), 4);
}

#[test]
fn emissions_of_many_threads_call_a_slot_once_each() {
    const THREADS: usize = 8;
    const EACH: usize = 2_000;
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    signal.connect(ran.slot());
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                (0..EACH).for_each(|_| _ = signal.emit(&()));
            });
        }
    });
    assert_eq!(ran.get(), THREADS * EACH);
}

#[test]
fn threads_that_connect_emit_and_disconnect_find_their_own_slots() {
    const THREADS: usize = 8;
    let signal = Signal::<usize>::new();
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (signal, start) = (&signal, &start);
            scope.spawn(move || {
                start.wait();
                for round in 0..50 {
                    // Only this thread emits events for it.
                    let ran = Counter::new();
                    let counter = ran.clone();
                    let scoped = signal.connect_scoped(move |to| counter.add(usize::from(*to == thread)));
                    (0..=round).for_each(|_| _ = signal.emit(&thread));
                    drop(scoped);
                    signal.emit(&thread);
                    assert_eq!(ran.get(), round + 1);
                }
            });
        }
    });
    assert!(signal.is_empty());
}

#[test]
fn of_many_threads_that_disconnect_the_same_slots_each_slot_has_one_winner() {
    const THREADS: usize = 8;
    const SLOTS: usize = 1_000;
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    let connections: Vec<Connection> = (0..SLOTS).map(|_| signal.connect(ran.slot())).collect();
    let (start, is_over) = (Barrier::new(THREADS + 1), AtomicBool::new(false));
    let won = thread::scope(|scope| {
        // Somebody emits all the while.
        scope.spawn(|| {
            start.wait();
            while !is_over.load(SeqCst) {
                signal.emit(&());
            }
        });
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (connections, start) = (&connections, &start);
                scope.spawn(move || {
                    start.wait();
                    // Each from another place.
                    let (head, tail) = connections.split_at(thread * SLOTS / THREADS);
                    tail.iter().chain(head).filter(|connection| connection.disconnect()).count()
                })
            })
            .collect();
        let won: usize = threads.into_iter().map(|thread| thread.join().expect("it disconnects")).sum();
        is_over.store(true, SeqCst);
        won
    });
    assert_eq!(won, SLOTS);
    ran.take();
    signal.emit(&());
    assert_eq!((ran.get(), signal.len()), (0, 0));
}

#[test]
fn slots_disconnected_by_many_threads_at_once_leave_the_others() {
    const THREADS: usize = 8;
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let connections: Vec<_> = (0..THREADS * 100).map(|n| signal.connect(log.slot(move |()| n))).collect();
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (connections, start) = (&connections, &start);
            scope.spawn(move || {
                start.wait();
                // Its own ones, but for every tenth.
                for (nth, connection) in connections.iter().enumerate() {
                    if nth % THREADS == thread && nth % 10 != 0 {
                        assert!(connection.disconnect());
                    }
                }
            });
        }
    });
    signal.emit(&());
    assert_eq!(log.take(), (0..THREADS * 100).step_by(10).collect::<Vec<_>>());
}

// --- what is left of a mass disconnect -------------------------------------------------------------------------------

const LIVE: usize = 64;
const PASSING: usize = 100_000;

/// How many chunks a domain holds for a signal with 64 slots and so many that have been disconnected, before, after or among
/// them, after an emission and a collection.
fn chunks_after(before: usize, among: usize, after: usize) -> usize {
    let domain = Domain::new();
    let (signal, ran) = (Signal::<()>::new_in(&domain), Counter::new());
    let pass = |count: usize| -> Vec<Connection> { (0..count).map(|_| signal.connect(|()| {})).collect() };
    let mut passing = pass(before);
    for nth in 0..LIVE {
        passing.extend(pass(among * (nth + 1) / LIVE - among * nth / LIVE));
        signal.connect(ran.slot());
    }
    passing.extend(pass(after));
    assert!(passing.iter().all(Connection::disconnect));
    signal.emit(&());
    assert_eq!(ran.take(), LIVE);
    assert!(domain.collect().complete);
    signal.emit(&());
    assert_eq!((ran.take(), signal.len()), (LIVE, LIVE));
    domain.statistics().chunks
}

/// How many instructions an emission takes then is held by `cargo xtask budget`.
#[test]
fn after_a_mass_disconnect_an_emission_has_no_more_to_look_at_than_without() {
    let without = chunks_after(0, 0, 0);
    assert_eq!(without, LIVE / pulsebus::SLOTS_PER_CHUNK);
    // Whole chunks before; and the chunk that the next slot is to go into stays, though it is empty.
    assert!(chunks_after(PASSING, 0, 0) <= without + 1);
    assert!(chunks_after(0, 0, PASSING) <= without + 1);
    assert!(chunks_after(PASSING / 2, 0, PASSING / 2) <= without + 2);
}

#[test]
fn survivors_spread_among_the_disconnected_keep_a_chunk_each_at_the_most() {
    assert!(chunks_after(0, PASSING, 0) <= LIVE + 1);
}

// --- connections -----------------------------------------------------------------------------------------------------

#[test]
fn copies_of_a_connection_are_one_connection() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    let connection = signal.connect(ran.slot());
    let copies = [connection; 3];
    let block = copies[0].block();
    assert!(copies[1].is_blocked());
    signal.emit(&());
    drop(block);
    signal.emit(&());
    assert!(copies[2].disconnect() && !connection.is_connected());
    signal.emit(&());
    assert_eq!(ran.get(), 1);
}

#[test]
fn a_blocked_signal_calls_nobody_and_calls_all_when_it_is_unblocked() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    (0..5).for_each(|_| _ = signal.connect(ran.slot()));
    let (outer, inner) = (signal.block(), signal.block());
    assert!(signal.emit(&()).is_blocked());
    drop(outer);
    assert!(signal.is_blocked() && signal.emit(&()).is_blocked());
    drop(inner);
    assert!(signal.emit(&()).is_completed());
    assert_eq!(ran.get(), 5);
}

#[test]
fn slots_of_groups_run_by_group_whenever_they_are_connected() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    for (group, name) in [(3, "e"), (1, "c"), (-3, "a"), (3, "f"), (-3, "b"), (2, "d")] {
        signal.slot().priority(group).connect(log.slot(move |()| name));
    }
    signal.emit(&());
    assert_eq!(log.take(), ["a", "b", "c", "d", "e", "f"]);
}

#[test]
fn an_object_takes_all_its_connections_with_it_when_it_keeps_them() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    let observer: Vec<_> = (0..3).map(|_| signal.connect_scoped(ran.slot())).collect();
    signal.connect(ran.slot());
    signal.emit(&());
    assert_eq!(ran.take(), 4);
    drop(observer);
    signal.emit(&());
    assert_eq!(ran.take(), 1);
}

#[test]
fn a_slot_may_disconnect_another_signals_slot_while_that_one_is_emitting_around_it() {
    let (outer, inner, log) = (Signal::<()>::new(), Arc::new(Signal::<()>::new()), Log::new());
    let later = Arc::new(OnceLock::<Connection>::new());
    let passed = inner.clone();
    outer.connect(move |()| _ = passed.emit(&()));
    later.set(outer.connect(log.slot(|()| "later"))).expect("set once");
    let (ended, said) = (later.clone(), Mutex::new(Some(log.clone())));
    inner.connect(move |()| {
        ended.get().expect("set before").disconnect();
        if let Some(log) = said.lock().expect("nobody panics").take() {
            log.push("inner");
        }
    });
    outer.emit(&());
    assert_eq!(log.take(), ["inner"]);
}
