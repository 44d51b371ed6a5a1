//! Slots that are connected in an emission, connections that are moved or scoped, and blocks of them.

use crate::common::{Counter, Log, collect_all, holding};
use pulsebus::{Domain, ScopedConnection, Signal};
use std::sync::Arc;

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
