//! Who is disconnected or blocked gets no more; the value stays.

use crate::common::Log;
use pulsebus::{Connection, State};
use std::sync::{Arc, OnceLock};

#[test]
fn a_disconnected_slot_gets_no_more_and_the_value_stays() {
    let state = State::new(1);
    let log = Log::new();
    let connection = state.connect(log.slot(|&n| n));
    assert!(connection.disconnect() && !connection.disconnect());
    state.set(2);
    assert_eq!(log.take(), [1]);
    state.connect(log.slot(|&n| n));
    state.connect(log.slot(|&n| n));
    assert_eq!((log.take(), state.len()), (vec![2, 2], 2));
    assert_eq!((state.disconnect_all(), state.get().as_deref()), (2, Some(&2)));
    state.set(3);
    assert!(log.take().is_empty() && state.is_empty());
}

#[test]
fn a_blocked_slot_gets_nothing_that_is_set_meanwhile_and_then_the_next_value() {
    let state = State::new(1);
    let log = Log::new();
    let connection = state.connect(log.slot(|&n| n));
    let block = connection.block();
    state.set(2);
    drop(block);
    assert_eq!(log.take(), [1]);
    state.set(3);
    assert_eq!(log.take(), [3]);
}

#[test]
fn a_slot_that_disconnects_itself_after_it_has_set_is_not_called_again() {
    let state = Arc::new(State::<u32>::empty());
    let (log, own) = (Log::new(), Arc::new(OnceLock::<Connection>::new()));
    let (inner, me, calls) = (Arc::downgrade(&state), own.clone(), log.clone());
    let connection = state.connect(move |&n| {
        calls.push(n);
        inner.upgrade().expect("set is called on it").set(n + 1);
        assert!(me.get().expect("connected for long").disconnect());
    });
    own.set(connection).expect("once");
    state.set(1);
    assert_eq!((log.take(), state.get().as_deref()), (vec![1], Some(&2)));
}

#[test]
fn a_slot_that_ends_a_later_one_in_its_first_call_keeps_it_from_nothing_but_what_follows() {
    let state = Arc::new(State::new(1));
    let log = Log::new();
    let victim = state.connect(log.slot(|&n| n));
    state.connect(move |_| _ = victim.disconnect());
    state.set(2);
    assert_eq!(log.take(), [1]);
}
