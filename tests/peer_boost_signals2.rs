//! What Boost.Signals2 holds its signals to, asked of these. Where the two differ, the test says what holds here, and
//! `docs/PEERS.md` what holds there.

mod common;

use common::{Counter, Log, Tally, collect_all, holding};
use pulsebus::{Combiner, Connection, Domain, PanicPolicy, Priority, Query, ScopedConnection, Signal};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Barrier, Mutex, OnceLock, Weak};
use std::thread;

/// What a slot does to others: slot `.1` is disconnected by slot `.0`, when it is called and before it says so.
type Removals = &'static [(usize, usize)];

/// Four slots that say their numbers, and remove each other. Returns what two emissions in a row have called.
fn two_emissions(removals: Removals) -> [Vec<usize>; 2] {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let connections: Arc<OnceLock<Vec<Connection>>> = Arc::default();
    let slots = (0..4).map(|own| {
        let (log, connections) = (log.clone(), connections.clone());
        signal.connect(move |()| {
            let all = connections.get().expect("set before the first emission");
            removals.iter().filter(|(by, _)| *by == own).for_each(|(_, of)| _ = all[*of].disconnect());
            log.push(own);
        })
    });
    connections.set(slots.collect()).expect("set once");
    [(); 2].map(|()| {
        signal.emit(&());
        log.take()
    })
}

// --- order -----------------------------------------------------------------------------------------------------------

#[test]
fn front_runs_before_the_groups_in_their_order_and_back_after_them() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let say = |name| log.slot(move |()| name);
    signal.slot().after().connect(say("back 1"));
    signal.slot().priority(2).connect(say("group 2, first"));
    signal.slot().priority(-5).connect(say("group -5, first"));
    signal.slot().before().at_front().connect(say("front, older"));
    signal.slot().priority(2).at_front().connect(say("group 2, at its front"));
    signal.slot().after().connect(say("back 2"));
    signal.slot().priority(-5).connect(say("group -5, second"));
    signal.slot().before().at_front().connect(say("front, newer"));
    signal.slot().priority(2).connect(say("group 2, second"));
    signal.emit(&());
    let expected = [
        "front, newer",
        "front, older",
        "group -5, first",
        "group -5, second",
        "group 2, at its front",
        "group 2, first",
        "group 2, second",
        "back 1",
        "back 2",
    ];
    assert_eq!(log.take(), expected);
}

#[test]
fn a_slot_without_a_group_is_group_zero_and_not_behind_all_groups() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let say = |name| log.slot(move |()| name);
    signal.slot().priority(1).connect(say("1"));
    signal.connect(say("none"));
    signal.slot().priority(-1).connect(say("-1"));
    signal.emit(&());
    assert_eq!(log.take(), ["-1", "none", "1"]);
}

#[test]
fn slots_without_positions_run_in_the_order_in_which_they_were_connected() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    (0..100).for_each(|n| _ = signal.connect(log.slot(move |()| n)));
    signal.emit(&());
    assert_eq!(log.take(), (0..100).collect::<Vec<_>>());
}

#[test]
fn a_group_is_ended_by_its_connections_and_the_others_stay() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let mut group = Vec::new();
    for n in 0..9 {
        let connection = signal.slot().priority(n % 3).connect(log.slot(move |()| n));
        if n % 3 == 1 {
            group.push(connection);
        }
    }
    assert!(group.iter().all(Connection::disconnect));
    signal.emit(&());
    assert_eq!(log.take(), [0, 3, 6, 2, 5, 8]);
}

// --- removing --------------------------------------------------------------------------------------------------------

#[test]
fn the_first_the_middle_and_the_last_can_be_removed_and_the_others_keep_their_order() {
    for (removed, left) in [(0, [1, 2, 3, 4]), (2, [0, 1, 3, 4]), (4, [0, 1, 2, 3])] {
        let (signal, log) = (Signal::<()>::new(), Log::new());
        let connections: Vec<_> = (0..5).map(|n| signal.connect(log.slot(move |()| n))).collect();
        assert!(connections[removed].disconnect());
        signal.emit(&());
        assert_eq!(log.take(), left);
        assert_eq!(signal.len(), 4);
    }
}

#[test]
fn all_can_be_removed_one_by_one_or_at_once_and_the_signal_is_empty() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    let connect = || -> Vec<Connection> { (0..70).map(|_| signal.connect(ran.slot())).collect() };
    assert!(connect().iter().all(Connection::disconnect));
    assert!(signal.is_empty());
    let connections = connect();
    assert_eq!(signal.len(), 70);
    assert_eq!(signal.disconnect_all(), 70);
    assert!(signal.is_empty() && connections.iter().all(|connection| !connection.is_connected()));
    signal.emit(&());
    assert_eq!(ran.get(), 0);
}

#[test]
fn a_slot_that_removes_itself_finishes_and_does_not_run_again() {
    assert_eq!(two_emissions(&[(2, 2)]), [vec![0, 1, 2, 3], vec![0, 1, 3]]);
    assert_eq!(two_emissions(&[(3, 3)]), [vec![0, 1, 2, 3], vec![0, 1, 2]]);
    assert_eq!(two_emissions(&[(0, 0)]), [vec![0, 1, 2, 3], vec![1, 2, 3]]);
}

#[test]
fn all_slots_may_remove_themselves_in_one_emission() {
    assert_eq!(two_emissions(&[(0, 0), (1, 1), (2, 2), (3, 3)]), [vec![0, 1, 2, 3], vec![]]);
}

#[test]
fn an_earlier_slot_removes_a_later_one_in_the_same_emission() {
    assert_eq!(two_emissions(&[(0, 1)]), [[0, 2, 3], [0, 2, 3]]);
    assert_eq!(two_emissions(&[(1, 3)]), [[0, 1, 2], [0, 1, 2]]);
}

#[test]
fn a_later_slot_removes_an_earlier_one_for_the_next_emission() {
    assert_eq!(two_emissions(&[(1, 0)]), [vec![0, 1, 2, 3], vec![1, 2, 3]]);
    assert_eq!(two_emissions(&[(3, 2)]), [vec![0, 1, 2, 3], vec![0, 1, 3]]);
}

#[test]
fn slots_that_remove_each_other_leave_those_whose_turn_was_before_them() {
    assert_eq!(two_emissions(&[(0, 1), (1, 1), (2, 0), (3, 2)]), [vec![0, 2, 3], vec![3]]);
}

#[test]
fn a_slot_removes_all_slots_itself_included() {
    let (signal, log) = (Arc::new(Signal::<()>::new()), Log::new());
    let (own, said) = (Arc::downgrade(&signal), log.clone());
    signal.connect(log.slot(|()| "before"));
    signal.connect(move |()| {
        assert_eq!(own.upgrade().expect("it is emitting").disconnect_all(), 3);
        said.push("all");
    });
    signal.connect(log.slot(|()| "after"));
    signal.emit(&());
    signal.emit(&());
    assert_eq!(log.take(), ["before", "all"]);
}

#[test]
fn a_second_and_a_third_disconnect_change_nothing() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    let (first, second) = (signal.connect(ran.slot()), signal.connect(ran.slot()));
    let copy = first;
    assert!(first.disconnect());
    assert!(!first.disconnect() && !copy.disconnect(), "one of them wins");
    signal.emit(&());
    assert_eq!((ran.get(), signal.len()), (1, 1));
    // Nor do they once the slot's memory serves another one.
    collect_all(&Domain::global());
    let third = signal.connect(ran.slot());
    assert!(!first.disconnect() && !copy.disconnect());
    assert!(second.is_connected() && third.is_connected());
}

#[test]
fn a_connection_outlives_its_signal_as_one_that_has_ended() {
    let signal = Signal::<()>::new();
    let connection = signal.connect(|()| {});
    drop(signal);
    assert!(!connection.is_connected());
    assert!(!connection.disconnect());
    assert!(!connection.is_blocked());
    drop(connection.block());
}

// --- connecting ------------------------------------------------------------------------------------------------------

#[test]
fn a_slot_connected_inside_a_slot_waits_for_the_next_emission() {
    let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
    let (own, inner) = (Arc::downgrade(&signal), log.clone());
    signal.slot().once().connect(move |n| {
        inner.push(("outer", *n));
        let log = inner.clone();
        own.upgrade().expect("it is emitting").connect(move |n| log.push(("inner", *n)));
    });
    signal.emit(&1);
    signal.emit(&2);
    assert_eq!(log.take(), [("outer", 1), ("inner", 2)]);
}

#[test]
fn slots_that_connect_one_more_at_each_call_do_not_keep_an_emission_going() {
    fn connect(signal: &Arc<Signal<()>>, ran: &Counter) {
        let (own, counter) = (Arc::downgrade(signal), ran.clone());
        signal.connect(move |()| {
            counter.add(1);
            connect(&own.upgrade().expect("it is emitting"), &counter);
        });
    }
    let (signal, ran) = (Arc::new(Signal::<()>::new()), Counter::new());
    connect(&signal, &ran);
    for expected in [1, 2, 4, 8, 16, 32, 64] {
        signal.emit(&());
        assert_eq!(ran.take(), expected);
    }
}

#[test]
fn a_signal_that_is_moved_keeps_its_slots() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let connection = signal.connect(log.slot(|n| *n));
    let moved = Box::new(signal);
    moved.emit(&1);
    let mut other = Signal::new();
    other.connect(log.slot(|n| 100 + *n));
    let mut first = *moved;
    std::mem::swap(&mut first, &mut other);
    first.emit(&2);
    other.emit(&3);
    assert_eq!(log.take(), [1, 102, 3]);
    drop(first);
    assert!(connection.is_connected());
}

#[test]
fn a_scoped_connection_ends_with_its_scope_and_not_when_it_is_released() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    let kept = {
        let scoped = signal.connect_scoped(ran.slot());
        let _other = signal.connect_scoped(ran.slot());
        signal.emit(&());
        assert_eq!(ran.take(), 2);
        scoped.release()
    };
    signal.emit(&());
    assert_eq!(ran.take(), 1);
    // What is put in the place of another one ends that one.
    let mut scoped = ScopedConnection::from(kept);
    scoped = ScopedConnection::from(signal.connect(holding(scoped.connection())));
    assert!(!kept.is_connected() && scoped.is_connected());
}

#[test]
fn a_slot_is_told_its_own_connection() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let said = log.clone();
    let connection = signal.slot().connect_self(move |n, own| {
        said.push((*n, own));
        assert!(own.disconnect());
    });
    signal.emit_batch(&[1, 2]);
    assert_eq!(log.take(), [(1, connection)]);
}

// --- the signal's end ------------------------------------------------------------------------------------------------

#[test]
fn a_signal_whose_last_owner_is_dropped_while_it_emits_finishes_and_ends_then() {
    let tally = Tally::new();
    let log = Log::new();
    let owner = Arc::new(Mutex::new(Some(Arc::new(Signal::<()>::new()))));
    let signal = owner.lock().expect("nobody panics").clone().expect("it is there");
    let (owned, said, guard) = (owner.clone(), log.clone(), tally.guard());
    signal.connect(move |()| {
        owned.lock().expect("nobody panics").take();
        guard.check();
        said.push("drops the owner");
    });
    let (last, guard) = (log.clone(), tally.guard());
    let connection = signal.connect(move |()| {
        guard.check();
        last.push("comes after it");
    });
    let weak = Arc::downgrade(&signal);
    assert!(signal.emit(&()).is_completed());
    assert!(owner.lock().expect("nobody panics").is_none());
    assert!(connection.is_connected(), "the emission's own reference is there still");
    drop(signal);
    assert!(weak.upgrade().is_none() && !connection.is_connected());
    assert_eq!(log.take(), ["drops the owner", "comes after it"]);
    tally.assert_all_dropped();
}

#[test]
fn a_signal_let_go_of_by_another_thread_while_it_emits_ends_with_the_emission() {
    let (tally, ran) = (Tally::new(), Counter::new());
    let signal = Arc::new(Signal::<()>::new());
    let inside = Arc::new(Barrier::new(2));
    for _ in 0..3 {
        let (inside, guard, counter) = (inside.clone(), tally.guard(), ran.clone());
        signal.connect(move |()| {
            inside.wait(); // we are in
            inside.wait(); // it has been dropped
            guard.check();
            counter.add(1);
        });
    }
    let emitting = signal.clone();
    let thread = thread::spawn(move || emitting.emit(&()));
    inside.wait();
    drop(signal);
    inside.wait();
    (0..4).for_each(|_| _ = inside.wait());
    assert!(thread.join().expect("no slot panics").is_completed());
    assert_eq!(ran.get(), 3);
    tally.assert_all_dropped();
}

#[test]
fn a_slot_that_drops_another_signal_ends_that_one_only() {
    let (signal, ran, tally) = (Signal::<()>::new(), Counter::new(), Tally::new());
    let other = Signal::<()>::new();
    other.connect(holding(tally.guard()));
    let other = Mutex::new(Some(other));
    signal.connect(move |()| drop(other.lock().expect("nobody panics").take()));
    signal.connect(ran.slot());
    signal.emit(&());
    assert_eq!(ran.get(), 1);
    tally.assert_all_dropped();
}

// --- tracked objects -------------------------------------------------------------------------------------------------

struct Receiver {
    guard: common::Guard,
    log: Log<u32>,
}

impl Receiver {
    fn new(tally: &Tally, log: &Log<u32>) -> Arc<Self> {
        Arc::new(Self { guard: tally.guard(), log: log.clone() })
    }

    fn take(&self, n: &u32) {
        self.guard.check();
        self.log.push(*n);
    }
}

#[test]
fn a_tracked_object_that_has_gone_is_not_called_and_its_connection_ends() {
    let (signal, log, tally) = (Signal::<u32>::new(), Log::new(), Tally::new());
    let receiver = Receiver::new(&tally, &log);
    let connection = signal.slot().connect_weak(&receiver, Receiver::take);
    signal.emit(&1);
    drop(receiver);
    tally.assert_all_dropped();
    assert!(connection.is_connected(), "nobody has looked yet");
    signal.emit(&2);
    assert!(!connection.is_connected() && signal.is_empty());
    assert_eq!(log.take(), [1]);
}

#[test]
fn a_tracked_object_that_expired_before_the_first_emission_is_never_called() {
    let (signal, log, tally) = (Signal::<u32>::new(), Log::new(), Tally::new());
    let expired: Weak<Receiver> = Arc::downgrade(&Receiver::new(&tally, &log));
    // To connect takes the object itself: with one that has expired already there is nothing to connect.
    let connection = expired.upgrade().map(|receiver| signal.slot().connect_weak(&receiver, Receiver::take));
    assert!(connection.is_none() && signal.is_empty());
    // And a temporary one is expired when `connect` returns.
    signal.slot().connect_weak(&Receiver::new(&tally, &log), Receiver::take);
    signal.emit(&1);
    assert!(signal.is_empty());
    assert_eq!(log.take(), []);
}

#[test]
fn the_last_reference_to_a_receiver_dropped_inside_its_slot_is_kept_until_the_call_returns() {
    let (signal, log, tally) = (Signal::<u32>::new(), Log::new(), Tally::new());
    let owner = Arc::new(Mutex::new(Some(Receiver::new(&tally, &log))));
    let (owned, dropped) = (owner.clone(), tally.clone());
    {
        let receiver = owner.lock().expect("nobody panics");
        signal.slot().connect_weak(receiver.as_ref().expect("it is there"), move |receiver, n| {
            owned.lock().expect("nobody panics").take();
            assert_eq!(dropped.dropped(), 0, "the call keeps it");
            receiver.take(n);
        });
    }
    let (after, dropped) = (Counter::new(), tally.clone());
    let counter = after.clone();
    signal.connect(move |_| {
        assert_eq!(dropped.dropped(), 1, "it goes with the call, not with the emission");
        counter.add(1);
    });
    signal.emit(&1);
    signal.emit(&2);
    assert_eq!(log.take(), [1]);
    assert_eq!((after.get(), signal.len()), (2, 1));
    tally.assert_all_dropped();
}

#[test]
fn an_earlier_slot_that_drops_a_receiver_keeps_a_later_slot_of_it_from_running() {
    let (signal, log, tally) = (Signal::<u32>::new(), Log::new(), Tally::new());
    let receiver = Receiver::new(&tally, &log);
    let owner = Mutex::new(Some(receiver.clone()));
    signal.connect(move |_| drop(owner.lock().expect("nobody panics").take()));
    signal.slot().connect_weak(&receiver, Receiver::take);
    drop(receiver);
    assert!(signal.emit(&1).is_completed());
    assert_eq!(log.take(), []);
    tally.assert_all_dropped();
}

// --- signals as slots ------------------------------------------------------------------------------------------------

#[test]
fn a_signal_as_a_slot_passes_everything_on_in_its_place() {
    let (first, second, log) = (Signal::<u32>::new(), Arc::new(Signal::<u32>::new()), Log::new());
    first.connect(log.slot(|n| ("before", *n)));
    first.forward(&second, |n| *n);
    first.connect(log.slot(|n| ("after", *n)));
    second.connect(log.slot(|n| ("second", *n)));
    first.emit(&7);
    assert_eq!(log.take(), [("before", 7), ("second", 7), ("after", 7)]);
}

#[test]
fn a_signal_as_a_slot_is_not_kept_alive_and_its_connection_ends_after_it() {
    let (first, second) = (Signal::<u32>::new(), Arc::new(Signal::<u32>::new()));
    let connection = first.forward(&second, |n| *n);
    drop(second);
    first.emit(&1);
    assert!(!connection.is_connected() && first.is_empty());
}

#[test]
fn a_row_of_signals_as_slots_carries_an_event_to_its_end() {
    let (signals, ran): (Vec<_>, _) = ((0..20).map(|_| Arc::new(Signal::<u32>::new())).collect(), Log::new());
    for pair in signals.windows(2) {
        pair[0].forward(&pair[1], |n| n + 1);
    }
    signals[19].connect(ran.slot(|n| *n));
    signals[0].emit(&1);
    assert_eq!(ran.take(), [20]);
}

// --- blocks ----------------------------------------------------------------------------------------------------------

#[test]
fn nested_blocks_count_and_the_last_one_lets_the_slot_run_again() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let connection = signal.connect(log.slot(|n| *n));
    let outer = connection.block();
    {
        let inner = connection.block();
        signal.emit(&1);
        drop(inner);
        assert!(connection.is_blocked());
        signal.emit(&2);
    }
    drop(outer);
    assert!(!connection.is_blocked() && connection.is_connected());
    signal.emit(&3);
    assert_eq!(log.take(), [3]);
}

#[test]
fn blocks_of_a_connection_that_has_ended_do_nothing_and_may_outlive_it() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    let connection = signal.connect(ran.slot());
    let before = connection.block();
    connection.disconnect();
    let after = connection.block();
    assert!(!connection.is_blocked(), "there is nothing to block");
    collect_all(&Domain::global());
    // Another slot, perhaps in the same memory, is not concerned.
    signal.connect(ran.slot());
    signal.emit(&());
    drop((before, after));
    signal.emit(&());
    assert_eq!(ran.get(), 2);
}

#[test]
fn a_block_of_one_slot_leaves_the_others_running() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let connections: Vec<_> = (0..4).map(|n| signal.connect(log.slot(move |()| n))).collect();
    let block = connections[2].block();
    signal.emit(&());
    drop(block);
    signal.emit(&());
    assert_eq!(log.take(), [0, 1, 3, 0, 1, 2, 3]);
}

// --- answers ---------------------------------------------------------------------------------------------------------

#[test]
fn the_last_answer_is_the_default_and_nobody_answers_nothing() {
    let query = Query::<u32, u32>::new();
    assert_eq!(query.last(&1), None);
    query.connect(|n| n + 1);
    let connection = query.connect(|n| n + 2);
    assert_eq!(query.last(&1), Some(3));
    connection.disconnect();
    assert_eq!(query.last(&1), Some(2));
}

#[test]
fn a_combiner_of_ones_own_sees_the_answers_in_order() {
    struct Most(Option<u32>);
    impl Combiner<u32> for Most {
        type Output = u32;
        fn take(&mut self, answer: u32) -> ControlFlow<()> {
            self.0 = self.0.max(Some(answer));
            ControlFlow::Continue(())
        }
        fn finish(self) -> u32 {
            self.0.unwrap_or_default()
        }
    }
    let query = Query::<u32, u32>::new();
    assert_eq!(query.ask(&1, Most(None)), 0);
    for factor in [3, 9, 2] {
        query.connect(move |n| n * factor);
    }
    query.connect_at(Priority::BEFORE, |_| 1);
    assert_eq!(query.ask(&2, Most(None)), 18);
    let mut answers = Vec::new();
    query.collect_into(&2, &mut answers);
    assert_eq!(answers, [1, 6, 18, 4]);
}

// --- what goes wrong -------------------------------------------------------------------------------------------------

#[test]
fn a_slot_that_panics_keeps_nobody_from_running_and_its_panic_comes_afterwards_if_it_is_asked_for() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    // Without the message of the default hook.
    let connection = signal.connect(|()| resume_unwind(Box::new("a slot's")));
    signal.connect(ran.slot());
    assert!(signal.emit(&()).is_completed());
    assert_eq!((ran.take(), connection.panics()), (1, Some(1)));
    signal.on_panic(PanicPolicy::Propagate);
    let panic = catch_unwind(AssertUnwindSafe(|| signal.emit(&()))).expect_err("it is passed on");
    assert_eq!(panic.downcast_ref(), Some(&"a slot's"));
    assert_eq!(ran.take(), 1, "after all have run");
    // The signal is as it was.
    connection.disconnect();
    signal.emit(&());
    assert_eq!(ran.take(), 1);
}

/// Uses everything that it can reach when it is dropped.
struct Busy {
    signal: Weak<Signal<()>>,
    other: Connection,
    ran: Counter,
}

impl Drop for Busy {
    fn drop(&mut self) {
        let Some(signal) = self.signal.upgrade() else { return };
        self.other.disconnect();
        let own = signal.connect(|()| {});
        drop(own.block());
        own.disconnect();
        signal.emit(&());
        self.ran.add(1);
    }
}

#[test]
fn the_destructor_of_what_a_slot_captured_may_use_the_signal() {
    let domain = Domain::new();
    let (signal, ran, calls) = (Arc::new(Signal::<()>::new_in(&domain)), Counter::new(), Counter::new());
    let other = signal.connect(calls.slot());
    let busy = Busy { signal: Arc::downgrade(&signal), other, ran: ran.clone() };
    signal.connect(holding(busy)).disconnect();
    collect_all(&domain);
    assert_eq!((ran.get(), calls.get()), (1, 0));
    assert!(signal.is_empty());
}
