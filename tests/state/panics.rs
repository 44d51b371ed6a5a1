//! Slots that panic, at the first value or a later one.

use crate::common::Log;
use pulsebus::{PanicPolicy, State};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

#[test]
fn a_slot_that_panics_at_its_first_value_stays_connected_and_is_counted() {
    let state = State::new(1);
    let log = Log::new();
    let seen = log.clone();
    let connection = state.connect(move |&n| {
        assert_ne!(n, 1, "the first one");
        seen.push(n);
    });
    assert!(connection.is_connected());
    assert_eq!(connection.panics(), Some(1));
    state.set(2);
    assert_eq!(log.take(), [2]);
}

#[test]
fn under_propagate_connect_returns_all_the_same_and_set_panics_after_all_have_run() {
    let state = State::new(1);
    state.on_panic(PanicPolicy::Propagate);
    assert_eq!(state.panic_policy(), PanicPolicy::Propagate);
    let connection = state.connect(|n| panic!("{n}"));
    let after = Log::new();
    state.connect(after.slot(|&n| n));
    assert_eq!(connection.panics(), Some(1));
    let payload = catch_unwind(AssertUnwindSafe(|| state.set(2))).expect_err("it is propagated");
    assert_eq!(payload.downcast_ref::<String>().map(String::as_str), Some("2"));
    assert_eq!((after.take(), state.get().as_deref()), (vec![1, 2], Some(&2)));
}

#[test]
fn a_policy_that_disconnects_counts_the_first_call_too() {
    let state = State::new(1);
    state.on_panic(PanicPolicy::DisconnectAfter(2));
    let connection = state.connect(|n| panic!("{n}"));
    assert!(connection.is_connected());
    state.set(2);
    assert!(!connection.is_connected());
}

#[test]
fn a_slot_that_sets_and_then_panics_gets_what_it_has_missed() {
    for policy in [PanicPolicy::Isolate, PanicPolicy::Propagate] {
        let state = Arc::new(State::empty());
        state.on_panic(policy);
        let (log, inner) = (Log::new(), Arc::downgrade(&state));
        let seen = log.clone();
        let connection = state.connect(move |&n| {
            seen.push(n);
            if n < 3 {
                inner.upgrade().expect("set is called on it").set(n + 1);
                panic!("{n}");
            }
        });
        let result = catch_unwind(AssertUnwindSafe(|| state.set(1)));
        assert_eq!((log.take(), connection.panics()), (vec![1, 2, 3], Some(2)));
        let payload = result.err().and_then(|payload| payload.downcast::<String>().ok());
        let first = (policy == PanicPolicy::Propagate).then_some("1");
        assert_eq!(payload.as_deref().map(String::as_str), first, "the first panic is the one that is propagated");
    }
}

#[test]
fn a_slot_that_panics_keeps_nobody_from_the_value() {
    let state = State::new(1);
    let log = Log::new();
    state.connect(|_| panic!("always"));
    state.connect(log.slot(|&n| n));
    state.set(2);
    assert_eq!(log.take(), [1, 2]);
}
