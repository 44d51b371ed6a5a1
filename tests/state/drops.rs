//! What is stored, and what slots captured, is dropped once.

use crate::common::{Counter, Guard, Log, Tally, inside_emission};
use pulsebus::{Domain, State};
use std::cell::Cell;
use std::sync::Arc;

/// A value that tells where it is dropped.
struct Valued {
    _guard: Guard,
    number: u32,
}

#[test]
fn each_value_is_dropped_once_outside_of_the_emission_when_it_has_been_replaced() {
    let (state, tally) = (State::empty(), Tally::new());
    let valued = |number| Valued { _guard: tally.guard(), number };
    let log = Log::new();
    let counts = tally.clone();
    state.connect(log.slot(move |value: &Valued| (value.number, counts.dropped())));
    // A value is dropped by the set after it, when that has told everybody.
    for number in 0..10 {
        state.set(valued(number));
        assert_eq!(tally.dropped(), number as usize);
        assert_eq!(log.take(), [(number, (number as usize).saturating_sub(1))]);
    }
    let held = state.get();
    state.set(valued(10));
    assert_eq!(tally.dropped(), 9, "one is held");
    drop(held);
    drop(state);
    tally.assert_all_dropped();
}

#[test]
fn a_set_inside_a_slot_drops_no_value_inside_the_emission() {
    thread_local! {
        static INSIDE: Cell<bool> = const { Cell::new(false) };
    }
    struct Outside;
    impl Drop for Outside {
        fn drop(&mut self) {
            assert!(!INSIDE.get(), "dropped inside a slot");
        }
    }
    let dropped_well = Arc::new(State::new((0, Outside)));
    let inner = Arc::downgrade(&dropped_well);
    dropped_well.connect(move |(n, _)| {
        if n % 2 == 1 {
            INSIDE.set(true);
            inner.upgrade().expect("set is called on it").set((n + 1, Outside));
            INSIDE.set(false);
        }
    });
    let panics = |state: &State<_>| state.domain().statistics().drop_panics;
    let before = panics(&dropped_well);
    (0..5).for_each(|n| dropped_well.set((2 * n + 1, Outside)));
    assert_eq!(dropped_well.get().map(|value| value.0), Some(10));
    assert_eq!(panics(&dropped_well), before);
}

#[test]
fn what_update_and_set_if_changed_do_not_need_is_dropped() {
    #[derive(PartialEq)]
    struct Same;
    struct Counted(Same, #[expect(dead_code, reason = "dropped")] Guard);
    impl PartialEq for Counted {
        fn eq(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }
    let tally = Tally::new();
    let counted = || Counted(Same, tally.guard());
    let state = State::new(counted());
    assert!(!state.set_if_changed(counted()));
    let mut first = true;
    state.update(|_| {
        if std::mem::take(&mut first) {
            state.set(counted());
        }
        counted()
    });
    assert_eq!((tally.made(), tally.dropped()), (5, 4));
    drop(state);
    tally.assert_all_dropped();
}

#[test]
fn a_value_whose_destructor_panics_is_counted_and_hurts_nobody() {
    struct Bad(bool);
    impl Drop for Bad {
        fn drop(&mut self) {
            assert!(!self.0, "a bad end");
        }
    }
    let domain = Domain::new();
    let state = State::new_in(&domain, Bad(true));
    let calls = Counter::new();
    state.connect(calls.slot());
    state.set(Bad(false));
    state.connect(calls.slot());
    assert_eq!((calls.get(), domain.statistics().drop_panics), (3, 1));
}

#[test]
fn a_destructor_of_a_value_may_use_the_state() {
    static STATE: State<Echo> = State::empty();
    struct Echo(u32);
    impl Drop for Echo {
        fn drop(&mut self) {
            if self.0 > 0 {
                STATE.set(Echo(self.0 - 1));
            }
        }
    }
    STATE.set(Echo(3));
    STATE.set(Echo(0));
    // The end of 3 has set 2, over 0.
    assert_eq!(STATE.get().map(|echo| echo.0), Some(2));
    STATE.set(Echo(0));
    STATE.set(Echo(0));
}

#[test]
fn what_slots_captured_goes_with_the_state() {
    let (state, tally) = (State::new(1), Tally::new());
    for _ in 0..100 {
        let guard = tally.guard();
        state.connect(move |_| guard.check());
    }
    inside_emission(|| state.set(2));
    assert_eq!(tally.dropped(), 0);
    drop(state);
    tally.assert_all_dropped();
}
