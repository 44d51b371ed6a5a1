//! Who comes late gets the last value, and every value after it.

use crate::common::{Counter, Log, Tally, collect_all};
use pulsebus::{Domain, Signal, State};
use std::sync::Arc;
use std::thread;

#[test]
fn who_comes_late_gets_the_last_value_inside_connect_and_on_its_thread() {
    let state = State::new(1);
    state.set(2);
    let log = Log::new();
    state.connect(log.slot(|&n: &i32| (n, thread::current().id())));
    assert_eq!(log.take(), [(2, thread::current().id())]);
    state.set(3);
    assert_eq!(log.take(), [(3, thread::current().id())]);
}

#[test]
fn without_a_value_a_slot_is_called_from_the_first_one_on() {
    let state = Signal::<i32>::sticky();
    let log = Log::new();
    state.connect(log.slot(|&n| n));
    assert_eq!((state.get(), log.take()), (None, vec![]));
    state.set(1);
    assert_eq!((state.get().as_deref(), log.take()), (Some(&1), vec![1]));
}

#[test]
fn connecting_calls_nobody_but_the_new_slot() {
    let state = State::new(1);
    let (first, second) = (Counter::new(), Counter::new());
    state.connect(first.slot());
    state.connect(second.slot());
    assert_eq!((first.get(), second.get()), (1, 1));
}

#[test]
fn slots_are_called_in_connection_order() {
    let state = State::<u32>::empty();
    let log = Log::new();
    for slot in 0..100 {
        state.connect(log.slot(move |_| slot));
    }
    state.set(1);
    assert_eq!(log.take(), (0..100).collect::<Vec<_>>());
}

#[test]
fn a_value_that_equals_the_last_one_is_a_value() {
    let state = State::new(1);
    let log = Log::new();
    state.connect(log.slot(|&n| n));
    state.set(1);
    assert_eq!(log.take(), [1, 1]);
    assert!(!state.set_if_changed(1));
    assert_eq!(log.take(), []);
    assert!(state.set_if_changed(2));
    assert_eq!(log.take(), [2]);
}

#[test]
fn setting_an_empty_state_if_changed_sets_it() {
    let state = State::empty();
    assert!(state.set_if_changed(0) && !state.set_if_changed(0));
}

#[test]
fn a_shared_value_is_stored_as_it_is() {
    let state = State::empty();
    let value = Arc::new(String::from("shared"));
    state.set_shared(Arc::clone(&value));
    assert!(state.get().is_some_and(|stored| Arc::ptr_eq(&stored, &value)));
}

#[test]
fn a_static_state_needs_no_start() {
    static LEVEL: State<u32> = State::empty();
    let log = Log::new();
    let slot = LEVEL.connect_scoped(log.slot(|&n| n));
    LEVEL.set(1);
    assert_eq!(log.take(), [1]);
    drop(slot);
    assert!(LEVEL.is_empty());
}

#[test]
fn what_is_told_of_it_names_no_value_and_needs_none() {
    struct Silent;
    let state = State::<Silent>::default();
    assert!(format!("{state:?}").contains("is_set: false"));
    assert!(format!("{:?}", State::from(Silent)).contains("is_set: true"));
}

#[test]
fn a_state_of_a_domain_reclaims_with_it() {
    let domain = Domain::new();
    let (state, tally) = (State::new_in(&domain, 1), Tally::new());
    assert_eq!(state.domain(), &domain);
    assert_eq!(State::<u32>::empty_in(&domain).domain(), &domain);
    let guard = tally.guard();
    state.connect(move |_| guard.check()).disconnect();
    collect_all(&domain);
    tally.assert_all_dropped();
}
