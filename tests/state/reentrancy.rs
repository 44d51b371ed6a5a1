//! Slots that set the state which calls them, or connect others to it.

use crate::common::{Counter, Log};
use pulsebus::{Connection, State};
use std::sync::Arc;

/// Connects a slot that logs, and sets the state once, when it gets `when`.
fn setter_at(state: &Arc<State<u32>>, log: &Log<(char, u32)>, name: char, when: u32, then: u32) -> Connection {
    let (inner, log) = (Arc::downgrade(state), log.clone());
    state.connect(move |&n| {
        log.push((name, n));
        if n == when {
            inner.upgrade().expect("set is called on it").set(then);
        }
        log.push((name.to_ascii_uppercase(), n));
    })
}

#[test]
fn a_set_inside_a_slot_reaches_the_others_at_once_and_the_slot_itself_after_the_outer_round() {
    let state = Arc::new(State::empty());
    let log = Log::new();
    setter_at(&state, &log, 'a', 0, 0);
    setter_at(&state, &log, 'b', 1, 2);
    setter_at(&state, &log, 'c', 0, 0);
    state.set(1);
    let expected = [
        ('a', 1),
        ('A', 1),
        ('b', 1),
        ('a', 2), // nested, inside b
        ('A', 2),
        ('c', 2), // which does not get the 1 any more
        ('C', 2),
        ('B', 1),
        ('b', 2), // not inside its own call
        ('B', 2),
    ];
    assert_eq!(log.take(), expected);
}

#[test]
fn a_set_inside_the_first_call_reaches_the_new_slot_before_connect_returns() {
    let state = Arc::new(State::new(1));
    let log = Log::new();
    setter_at(&state, &log, 'a', 1, 2);
    assert_eq!(log.take(), [('a', 1), ('A', 1), ('a', 2), ('A', 2)]);
}

#[test]
fn a_slot_that_sets_again_and_again_does_not_nest_and_ends_with_the_last() {
    const MANY: u32 = 100_000;
    let state = Arc::new(State::empty());
    let (log, inner) = (Log::new(), Arc::downgrade(&state));
    let seen = log.clone();
    state.connect(move |&n| {
        if n < MANY {
            inner.upgrade().expect("set is called on it").set(n + 1);
        } else {
            seen.push(n);
        }
    });
    state.set(0); // would overflow the stack if it nested
    assert_eq!(log.take(), [MANY]);
}

#[test]
fn two_states_that_follow_each_other_settle() {
    let (celsius, fahrenheit) = (Arc::new(State::new(0)), Arc::new(State::new(32)));
    let (to, from) = (fahrenheit.clone(), Arc::downgrade(&celsius));
    celsius.connect(move |c| _ = to.set_if_changed(c * 9 / 5 + 32));
    fahrenheit.connect(move |f| {
        if let Some(celsius) = from.upgrade() {
            celsius.set_if_changed((f - 32) * 5 / 9);
        }
    });
    celsius.set(100);
    assert_eq!((celsius.get().as_deref(), fahrenheit.get().as_deref()), (Some(&100), Some(&212)));
    fahrenheit.set(50);
    assert_eq!((celsius.get().as_deref(), fahrenheit.get().as_deref()), (Some(&10), Some(&50)));
}

#[test]
fn a_slot_that_is_connected_inside_a_slot_gets_the_value_once() {
    let state = Arc::new(State::empty());
    let log = Log::new();
    let (inner, late) = (Arc::downgrade(&state), log.clone());
    state.connect(move |&n: &u32| {
        if n == 1 {
            inner.upgrade().expect("set is called on it").connect(late.slot(|&n| n));
        }
    });
    state.set(1);
    assert_eq!(log.take(), [1]);
    state.set(2);
    assert_eq!(log.take(), [2]);
}

#[test]
fn a_chain_of_slots_that_each_connect_another_ends() {
    fn link(state: &Arc<State<u32>>, calls: &Counter, left: u32) {
        let (inner, calls) = (Arc::downgrade(state), calls.clone());
        state.clone().connect(move |_| {
            calls.add(1);
            if left > 0 {
                link(&inner.upgrade().expect("connect is called on it"), &calls, left - 1);
            }
        });
    }
    let (state, calls) = (Arc::new(State::new(0)), Counter::new());
    link(&state, &calls, 50);
    assert_eq!(calls.get(), 51, "each is called with the value that there is");
}
