//! What the crate `signals2` holds its signals to, asked of these. Where the two differ, the test says what holds here, and
//! `docs/PEERS.md` what holds there.

mod common;

use common::{Counter, Log, Tally, holding};
use pulsebus::{Combiner, Connection, Domain, Priority, Query, Signal};
use std::ops::ControlFlow;
use std::sync::{Arc, Barrier, Mutex, OnceLock};
use std::thread;

/// A query whose slots answer their numbers, and count how often they were asked.
fn numbered(count: usize) -> (Query<(), usize>, Counter) {
    let (query, asked) = (Query::new(), Counter::new());
    for n in 0..count {
        let asked = asked.clone();
        query.connect(move |()| {
            asked.add(1);
            n
        });
    }
    (query, asked)
}

/// Takes so many answers.
struct First(usize, Vec<usize>);

impl Combiner<usize> for First {
    type Output = Vec<usize>;

    fn take(&mut self, answer: usize) -> ControlFlow<()> {
        self.1.push(answer);
        if self.1.len() < self.0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn finish(self) -> Vec<usize> {
        self.1
    }
}

// --- combiners -------------------------------------------------------------------------------------------------------

#[test]
fn a_lazy_combiner_calls_exactly_as_many_slots_as_it_takes_answers_of() {
    // Inside a chunk, at its edges, and in later ones.
    for wanted in [1, 2, 31, 32, 33, 64, 99, 100] {
        let (query, asked) = numbered(100);
        assert_eq!(query.ask(&(), First(wanted, Vec::new())), (0..wanted).collect::<Vec<_>>());
        assert_eq!(asked.get(), wanted);
    }
}

#[test]
fn a_lazy_combiner_that_wants_more_than_there_is_gets_all() {
    let (query, asked) = numbered(10);
    assert_eq!(query.ask(&(), First(11, Vec::new())).len(), 10);
    assert_eq!(asked.get(), 10);
}

#[test]
fn blocked_and_disconnected_slots_do_not_count_for_a_lazy_combiner() {
    let (query, asked) = (Query::<(), usize>::new(), Counter::new());
    let connections: Vec<Connection> = (0..10)
        .map(|n| {
            let asked = asked.clone();
            query.connect(move |()| {
                asked.add(1);
                n
            })
        })
        .collect();
    connections[0].disconnect();
    let _block = connections[2].block();
    assert_eq!(query.ask(&(), First(3, Vec::new())), [1, 3, 4]);
    assert_eq!(asked.get(), 3);
}

#[test]
fn a_lazy_combiner_goes_by_positions_and_groups() {
    let query = Query::<(), usize>::new();
    query.connect(|()| 3);
    query.connect_at(Priority::AFTER, |()| 4);
    query.connect_at(Priority::BEFORE, |()| 1);
    query.connect_at(-1, |()| 2);
    assert_eq!(query.ask(&(), First(3, Vec::new())), [1, 2, 3]);
    assert_eq!(query.first(&()), Some(1));
    assert_eq!(query.last(&()), Some(4));
}

#[test]
fn the_ready_made_combiners_agree_with_the_answers() {
    let (query, asked) = numbered(5);
    assert_eq!(query.last(&()), Some(4));
    assert_eq!(query.fold(&(), 0, |sum, n| sum + n), 10);
    let mut answers = vec![77];
    assert_eq!(query.collect_into(&(), &mut answers), 5);
    assert_eq!(answers, [77, 0, 1, 2, 3, 4]);
    assert_eq!(asked.take(), 15);
    assert_eq!(query.first(&()), Some(0));
    assert_eq!(asked.take(), 1);
}

#[test]
fn nobody_connected_is_no_answer() {
    let query = Query::<(), usize>::new();
    assert_eq!((query.first(&()), query.last(&())), (None, None));
    assert_eq!(query.ask(&(), First(3, Vec::new())), []);
    query.connect(|()| 1).disconnect();
    assert_eq!(query.last(&()), None);
}

// --- while it emits --------------------------------------------------------------------------------------------------

#[test]
fn connect_while_emitting_concerns_the_next_emission() {
    let (query, log) = (Arc::new(Query::<(), usize>::new()), Log::new());
    let (own, said) = (Arc::downgrade(&query), log.clone());
    query.connect(move |()| {
        let said = said.clone();
        own.upgrade().expect("it is asking").connect(move |()| {
            said.push("new");
            1
        });
        1
    });
    for expected in 0..5 {
        assert_eq!(query.fold(&(), 0, |sum, n| sum + n), expected + 1);
        assert_eq!(log.take().len(), expected);
    }
}

#[test]
fn disconnect_while_emitting_keeps_the_slots_to_come_from_running() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let later = Arc::new(OnceLock::<Vec<Connection>>::new());
    let (ended, said) = (later.clone(), log.clone());
    signal.connect(move |()| {
        said.push(0);
        assert!(ended.get().expect("set before").iter().all(Connection::disconnect));
    });
    let connections: Vec<_> = (1..80).map(|n| signal.connect(log.slot(move |()| n))).collect();
    later.set(connections.into_iter().step_by(2).collect()).expect("set once");
    signal.emit(&());
    assert_eq!(log.take(), (0..80).filter(|n| n % 2 == 0).collect::<Vec<_>>());
}

#[test]
fn block_while_emitting_lets_the_slots_to_come_pass_until_it_is_dropped() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let later = Arc::new(OnceLock::<Connection>::new());
    let kept = Arc::new(Mutex::new(None));
    let (blocked, keeps) = (later.clone(), kept.clone());
    signal.slot().once().connect(move |()| {
        *keeps.lock().expect("nobody panics") = Some(blocked.get().expect("set before").block());
    });
    signal.connect(log.slot(|()| "between"));
    later.set(signal.connect(log.slot(|()| "later"))).expect("set once");
    signal.emit(&());
    signal.emit(&());
    assert_eq!(log.take(), ["between", "between"]);
    drop(kept.lock().expect("nobody panics").take());
    signal.emit(&());
    assert_eq!(log.take(), ["between", "later"]);
}

#[test]
fn unblock_while_emitting_lets_the_slots_to_come_run() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let kept = Arc::new(Mutex::new(None));
    let drops = kept.clone();
    signal.connect(move |()| drop(drops.lock().expect("nobody panics").take()));
    let later = signal.connect(log.slot(|()| "later"));
    *kept.lock().expect("nobody panics") = Some(later.block());
    signal.emit(&());
    assert_eq!(log.take(), ["later"]);
}

#[test]
fn a_block_of_the_slot_that_runs_lets_the_call_finish() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let kept = Arc::new(Mutex::new(None));
    let (keeps, said) = (kept.clone(), log.clone());
    signal.slot().connect_self(move |n, own| {
        *keeps.lock().expect("nobody panics") = Some(own.block());
        said.push(*n);
    });
    signal.emit(&1);
    signal.emit(&2);
    drop(kept.lock().expect("nobody panics").take());
    signal.emit(&3);
    assert_eq!(log.take(), [1, 3]);
}

// --- recursion -------------------------------------------------------------------------------------------------------

/// A query for sums, with a slot that connects another one and asks on with one less; at zero it ends itself.
fn recursive() -> Arc<Query<i32, i32>> {
    let query = Arc::new(Query::<i32, i32>::new());
    let (weak, own) = (Arc::downgrade(&query), Arc::new(OnceLock::<Connection>::new()));
    let found = own.clone();
    let connection = query.connect(move |n| {
        let query = weak.upgrade().expect("it is asking");
        if *n > 0 {
            query.connect(|_| 1);
        } else {
            found.get().expect("set before").disconnect();
        }
        sum(&query, n - 1)
    });
    own.set(connection).expect("set once");
    query
}

fn sum(query: &Query<i32, i32>, n: i32) -> i32 {
    query.fold(&n, 0, |sum, answer| sum + answer)
}

#[test]
fn each_emission_of_a_recursion_sees_what_was_connected_before_it() {
    let query = recursive();
    // The innermost finds 100 slots; the one around it those 100 less none, and so on outwards.
    assert_eq!(sum(&query, 100), 100 + (0..=100).sum::<i32>());
    // The slot that recurred has gone.
    for n in [0, -10, 12_000] {
        assert_eq!(sum(&query, n), 100);
    }
    assert_eq!(query.len(), 100);
}

#[test]
fn two_signals_that_connect_to_each_other_while_they_recur_see_what_was_connected_before() {
    const LAST: i32 = 39;
    let queries = [(); 2].map(|()| Arc::new(Query::<i32, i32>::new()));
    for (own, other) in [(0, 1), (1, 0)] {
        let (other, connection) = (Arc::downgrade(&queries[other]), Arc::new(OnceLock::<Connection>::new()));
        let found = connection.clone();
        let made = queries[own].connect(move |n| {
            if *n == LAST {
                found.get().expect("set before").disconnect();
            }
            let other = other.upgrade().expect("the test holds it");
            other.connect(|n| *n);
            sum(&other, n + 1)
        });
        connection.set(made).expect("set once");
    }
    // Emission k calls, besides the recurring slot, the slots that were connected to its signal so far, itself included.
    let of = |k: i32| k * ((k + 1) / 2);
    let expected = (1..=LAST + 2).map(of).sum::<i32>();
    assert_eq!(sum(&queries[0], 0), expected);
}

// --- threads ---------------------------------------------------------------------------------------------------------

#[test]
fn emissions_of_several_threads_all_reach_a_slot() {
    const THREADS: usize = 4;
    const EACH: usize = 5_000;
    let (signal, ran) = (Arc::new(Signal::<()>::new()), Counter::new());
    signal.connect(ran.slot());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            let signal = signal.clone();
            scope.spawn(move || (0..EACH).for_each(|_| _ = signal.emit(&())));
        }
    });
    assert_eq!(ran.get(), THREADS * EACH);
}

/// Emits on a thread of its own, and does something here while that is inside its first slot.
fn beside_an_emission(signal: &Signal<()>, inside: &Barrier, beside: impl FnOnce()) {
    thread::scope(|scope| {
        let emission = scope.spawn(|| signal.emit(&()));
        inside.wait();
        beside();
        inside.wait();
        assert!(emission.join().expect("no slot panics").is_completed());
    });
}

/// A signal with a slot that waits twice, once.
fn waiting() -> (Signal<()>, Arc<Barrier>) {
    let (signal, inside) = (Signal::new(), Arc::new(Barrier::new(2)));
    let waits = inside.clone();
    signal.slot().once().connect(move |()| {
        waits.wait();
        waits.wait();
    });
    (signal, inside)
}

#[test]
fn what_another_thread_connects_does_not_run_in_the_emission_under_way() {
    let ((signal, inside), ran) = (waiting(), Counter::new());
    beside_an_emission(&signal, &inside, || (0..100).for_each(|_| _ = signal.connect(ran.slot())));
    assert_eq!(ran.take(), 0);
    signal.emit(&());
    assert_eq!(ran.take(), 100);
}

#[test]
fn what_another_thread_disconnects_or_blocks_does_not_run_in_the_emission_under_way() {
    let ((signal, inside), log) = (waiting(), Log::new());
    let connections: Vec<_> = (0..6).map(|n| signal.connect(log.slot(move |()| n))).collect();
    let mut block = None;
    beside_an_emission(&signal, &inside, || {
        connections[1].disconnect();
        block = Some(connections[4].block());
    });
    assert_eq!(log.take(), [0, 2, 3, 5]);
    drop(block);
    signal.emit(&());
    assert_eq!(log.take(), [0, 2, 3, 4, 5]);
}

#[test]
fn another_thread_clears_the_signal_under_an_emission() {
    let ((signal, inside), ran) = (waiting(), Counter::new());
    (0..100).for_each(|_| _ = signal.connect(ran.slot()));
    beside_an_emission(&signal, &inside, || assert_eq!(signal.disconnect_all(), 100));
    assert_eq!(ran.get(), 0);
    assert!(signal.is_empty());
}

// --- blocks and handles ----------------------------------------------------------------------------------------------

#[test]
fn several_blocks_of_one_connection_are_lifted_one_by_one() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    let connection = signal.connect(ran.slot());
    let mut blocks: Vec<_> = (0..10).map(|_| connection.block()).collect();
    while let Some(block) = blocks.pop() {
        assert!(connection.is_blocked());
        signal.emit(&());
        drop(block);
    }
    assert!(!connection.is_blocked());
    signal.emit(&());
    assert_eq!(ran.get(), 1);
}

#[test]
fn a_weak_reference_to_a_signal_emits_and_connects_while_there_is_one() {
    let (signal, ran) = (Arc::new(Signal::<()>::new()), Counter::new());
    let weak = Arc::downgrade(&signal);
    let handle = || weak.upgrade().map(|signal| (signal.connect(ran.slot()), signal.emit(&())));
    let (connection, _) = handle().expect("it is there");
    assert_eq!((ran.take(), connection.is_connected()), (1, true));
    drop(signal);
    assert!(handle().is_none() && !connection.is_connected());
    assert_eq!(ran.get(), 0);
}

#[test]
fn a_connection_keeps_neither_its_signal_nor_its_slot() {
    let tally = Tally::new();
    let domain = Domain::new();
    let signal = Signal::<()>::new_in(&domain);
    let (connection, other) = (signal.connect(holding(tally.guard())), signal.connect(holding(tally.guard())));
    connection.disconnect();
    common::collect_all(&domain);
    assert_eq!(tally.dropped(), 1);
    drop(signal);
    tally.assert_all_dropped();
    assert!(!other.is_connected());
}

#[test]
fn slots_are_counted_without_those_that_have_ended_and_with_those_that_are_blocked() {
    let signal = Signal::<()>::new();
    assert!(signal.is_empty());
    let connections: Vec<_> = (0..5).map(|_| signal.connect(|()| {})).collect();
    let _block = connections[0].block();
    connections[1].disconnect();
    assert_eq!((signal.len(), signal.is_empty()), (4, false));
    assert_eq!(signal.disconnect_all(), 4);
    assert!(signal.is_empty());
}
