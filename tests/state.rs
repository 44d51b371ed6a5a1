//! States: who comes late gets the last value at once; nobody gets an older one after a newer one; all end with the
//! last.

mod common;

use common::{Counter, Guard, Log, Tally, collect_all, inside_emission};
use pulsebus::{Connection, Domain, PanicPolicy, Signal, State};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, OnceLock, mpsc};
use std::thread;

// --- late subscribers ---

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

// --- disconnecting ---

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

// --- slots that set ---

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

// --- panics ---

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

// --- update ---

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

// --- what is stored is dropped once ---

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

// --- threads ---

/// A slot that checks what it may rely on: newer values only, one call at a time.
#[derive(Clone, Default)]
struct Strict(Arc<StrictState>);

#[derive(Default)]
struct StrictState {
    inside: AtomicBool,
    newest: AtomicU32,
    calls: AtomicU32,
    failed: AtomicBool,
}

impl Strict {
    fn slot(&self) -> impl Fn(&u32) + Send + Sync + 'static {
        let this = self.0.clone();
        move |&n| {
            let overlaps = this.inside.swap(true, SeqCst);
            let before = this.newest.swap(n, SeqCst);
            if overlaps || n <= before {
                this.failed.store(true, SeqCst);
            }
            this.calls.fetch_add(1, SeqCst);
            if n % 64 == 0 {
                thread::yield_now();
            }
            this.inside.store(false, SeqCst);
        }
    }

    #[track_caller]
    fn assert_ended_with(&self, last: u32) {
        assert!(!self.0.failed.load(SeqCst), "calls that overlapped, or a value that was not newer");
        assert_eq!(self.0.newest.load(SeqCst), last);
    }
}

#[test]
fn beside_setters_every_slot_gets_newer_values_only_one_at_a_time_and_ends_with_the_last() {
    const SETTERS: u32 = 3;
    const EACH: u32 = 3_000;
    let state = State::new(1);
    let (early, late) = (Strict::default(), Mutex::new(Vec::new()));
    state.connect(early.slot());
    let start = Barrier::new(SETTERS as usize + 1);
    thread::scope(|scope| {
        for _ in 0..SETTERS {
            scope.spawn(|| {
                start.wait();
                // The numbers are the versions: one more than whatever was there.
                (0..EACH).for_each(|_| _ = state.update(|n| n + 1));
            });
        }
        scope.spawn(|| {
            start.wait();
            for _ in 0..300 {
                let strict = Strict::default();
                state.connect(strict.slot());
                late.lock().expect("nobody panics").push(strict);
            }
        });
    });
    early.assert_ended_with(1 + SETTERS * EACH);
    let late = late.into_inner().expect("nobody panics");
    late.iter().for_each(|strict| strict.assert_ended_with(1 + SETTERS * EACH));
}

#[test]
fn one_that_sets_alone_beside_those_who_connect_is_heard_in_full() {
    const VALUES: u32 = 5_000;
    let state = State::new(0);
    let log = Log::new();
    state.connect(log.slot(|&n| n));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            (1..=VALUES).for_each(|n| state.set(n));
            done.store(true, SeqCst);
        });
        scope.spawn(|| {
            while !done.load(SeqCst) {
                state.connect(|_| {}).disconnect();
            }
        });
    });
    assert_eq!(log.take(), (0..=VALUES).collect::<Vec<_>>());
}

#[test]
fn a_slot_that_another_thread_is_in_gets_the_newer_value_from_that_thread() {
    let state = State::empty();
    let log = Log::new();
    let ((entered, inside), (release, released)) = (mpsc::channel(), mpsc::channel::<()>());
    let (released, seen) = (Mutex::new(released), log.clone());
    state.connect(move |&n: &u32| {
        if n == 1 {
            entered.send(()).expect("the test listens");
            released.lock().expect("nobody panics").recv().expect("the test lets go");
        }
        seen.push((n, thread::current().id()));
    });
    thread::scope(|scope| {
        let one = scope.spawn(|| state.set(1));
        inside.recv().expect("the slot says so");
        // Does not wait for the slot.
        state.set(2);
        state.set(3);
        assert_eq!(log.take(), []);
        // Nor does who comes late, who is called here with what is newest.
        let late = Log::new();
        state.connect(late.slot(|&n| n));
        assert_eq!(late.take(), [3]);
        release.send(()).expect("the slot waits");
        let id = one.thread().id();
        one.join().expect("it only sets");
        assert_eq!(log.take(), [(1, id), (3, id)]);
    });
}

#[test]
fn what_was_written_before_a_set_is_seen_by_the_slot_and_by_who_gets_the_value() {
    let state = State::new(Vec::<u32>::new());
    let lengths = Log::new();
    state.connect(lengths.slot(|list: &Vec<u32>| list.iter().sum::<u32>() as usize + 1 - list.len()));
    thread::scope(|scope| {
        scope.spawn(|| (0..500).for_each(|n| state.set(vec![1; n])));
        scope.spawn(|| {
            for _ in 0..500 {
                let list = state.get().expect("there is one from the start");
                assert!(list.iter().all(|&one| one == 1));
            }
        });
    });
    assert!(lengths.take().iter().all(|&one| one == 1));
}
