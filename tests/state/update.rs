//! Updates: made of the last value, again if it has changed meanwhile; and comparisons.

use crate::common::Log;
use pulsebus::State;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

#[test]
fn updates_of_many_threads_are_all_in_the_value() {
    const THREADS: u32 = 4;
    const EACH: u32 = 2_000;
    let state = State::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..EACH).for_each(|_| assert!(state.update(|n| n + 1).is_some())));
        }
    });
    assert_eq!(state.get().as_deref(), Some(&(THREADS * EACH)));
}

#[test]
fn an_update_is_made_again_of_what_was_set_meanwhile() {
    let state = State::new(1);
    let made_of = Log::new();
    let updated = state.update(|&n| {
        made_of.push(n);
        if n == 1 {
            state.set(10);
        }
        n + 1
    });
    assert_eq!((updated.as_deref(), made_of.take()), (Some(&11), vec![1, 10]));
}

#[test]
fn an_update_of_an_empty_state_sets_nothing() {
    let state = State::<u32>::empty();
    assert_eq!(state.update(|_| unreachable!("there is no value")), None);
    assert_eq!(state.get(), None);
}

#[test]
fn an_update_or_a_comparison_that_panics_sets_nothing_and_locks_nothing() {
    struct Moody(u32);
    impl PartialEq for Moody {
        fn eq(&self, _: &Self) -> bool {
            panic!("do not compare me")
        }
    }
    let state = State::new(Moody(1));
    let log = Log::new();
    state.connect(log.slot(|moody: &Moody| moody.0));
    assert!(catch_unwind(AssertUnwindSafe(|| state.update(|_| panic!("no")))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| state.set_if_changed(Moody(2)))).is_err());
    state.set(Moody(3));
    assert_eq!(log.take(), [1, 3]);
}

#[test]
fn inside_a_comparison_the_state_can_be_used() {
    static STATE: State<Nosy> = State::empty();
    struct Nosy(u32);
    impl PartialEq for Nosy {
        fn eq(&self, other: &Self) -> bool {
            assert!(STATE.get().is_some(), "nothing is locked");
            STATE.connect(|_| {}).disconnect();
            self.0 == other.0
        }
    }
    STATE.set(Nosy(1));
    assert!(!STATE.set_if_changed(Nosy(1)) && STATE.set_if_changed(Nosy(2)));
}
