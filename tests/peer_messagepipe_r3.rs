//! What MessagePipe and R3 hold their publishers, subjects and reactive properties to, asked of signals, states and queries.
//! Where they differ, the test says what holds here, and `docs/PEERS.md` what holds there.

mod common;

use common::{Counter, Log, Tally, collect_all, holding};
use pulsebus::{Bus, Connection, Domain, Query, ScopedConnection, Signal, State};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::thread;

// --- subscriptions ---------------------------------------------------------------------------------------------------

#[test]
fn the_subscription_count_returns_to_zero() {
    let (domain, tally) = (Domain::new(), Tally::new());
    let signals: Vec<_> = (0..3).map(|_| Signal::<()>::new_in(&domain)).collect();
    for round in 1..=4 {
        let subscriptions: Vec<_> =
            (0..100 * round).map(|n| ScopedConnection::from(signals[n % 3].connect(holding(tally.guard())))).collect();
        assert_eq!(domain.statistics().slots.live, 100 * round);
        drop(subscriptions);
        assert_eq!(domain.statistics().slots.live, 0);
        assert!(signals.iter().all(Signal::is_empty));
        collect_all(&domain);
        assert_eq!(domain.statistics().pending_drops, 0);
        tally.assert_all_dropped();
    }
}

#[test]
fn the_subscription_count_returns_to_zero_when_threads_come_and_go() {
    let domain = Domain::new();
    let signal = Signal::<usize>::new_in(&domain);
    thread::scope(|scope| {
        for thread in 0..4 {
            let signal = &signal;
            scope.spawn(move || {
                for _ in 0..100 {
                    let subscriptions = [(); 5].map(|()| signal.connect_scoped(|_| {}));
                    signal.emit(&thread);
                    drop(subscriptions);
                }
            });
        }
    });
    assert_eq!((signal.len(), domain.statistics().slots.live), (0, 0));
}

#[test]
fn a_subscription_that_is_disposed_twice_is_disposed_once() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    let subscription = signal.connect(ran.slot());
    let other = signal.connect(ran.slot());
    assert_eq!((subscription.disconnect(), subscription.disconnect()), (true, false));
    assert_eq!((signal.len(), other.is_connected()), (1, true));
}

#[test]
fn a_bag_of_subscriptions_ends_them_all_also_those_of_different_types() {
    let (numbers, words, ran) = (Signal::<u32>::new(), Signal::<&str>::new(), Counter::new());
    let mut bag: Vec<ScopedConnection> = Vec::new();
    for _ in 0..20 {
        bag.push(numbers.connect_scoped(ran.slot()));
        bag.push(words.connect_scoped(ran.slot()));
    }
    numbers.emit(&1);
    words.emit(&"one");
    assert_eq!(ran.take(), 40);
    drop(bag);
    numbers.emit(&2);
    words.emit(&"two");
    assert_eq!((ran.get(), numbers.len(), words.len()), (0, 0, 0));
}

#[test]
fn subscribers_of_one_key_hear_nothing_of_another() {
    let (bus, log) = (Bus::new(), Log::new());
    let topics = ["red", "blue"].map(|name| bus.topic::<u32>(name).expect("a name"));
    for (name, topic) in ["red", "blue"].into_iter().zip(&topics) {
        topic.connect(log.slot(move |n| (name, *n)));
    }
    topics[0].emit(&1);
    topics[1].emit(&2);
    bus.topic::<u32>("green").expect("a name").emit(&3);
    assert_eq!(log.take(), [("red", 1), ("blue", 2)]);
}

#[test]
fn a_publisher_that_is_disposed_reaches_nobody_and_has_no_subscribers() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let subscriptions: Vec<_> = (0..3).map(|_| signal.connect(log.slot(|n| *n))).collect();
    signal.emit(&1);
    drop(signal);
    assert!(subscriptions.iter().all(|subscription| !subscription.is_connected()));
    assert_eq!(log.take(), [1, 1, 1]);
}

// --- late subscribers ------------------------------------------------------------------------------------------------

#[test]
fn a_late_subscriber_gets_the_last_value_and_then_the_new_ones() {
    let (state, log) = (Signal::<u32>::sticky(), Log::new());
    drop(state.connect_scoped(log.slot(|n| ("early", *n))));
    assert_eq!(log.take(), [], "there is none yet");
    state.set(9_999);
    let _second = state.connect_scoped(log.slot(|n| ("second", *n)));
    state.set(333);
    let third = state.connect_scoped(log.slot(|n| ("third", *n)));
    state.set(11);
    drop(third);
    state.set(4);
    let expected = [("second", 9_999), ("second", 333), ("third", 333), ("second", 11), ("third", 11), ("second", 4)];
    assert_eq!(log.take(), expected);
}

#[test]
fn with_a_first_value_the_first_subscriber_is_a_late_one() {
    let (state, log) = (State::new(100), Log::new());
    assert_eq!(state.get().as_deref(), Some(&100));
    state.connect(log.slot(|n| *n));
    (1..4).for_each(|n| state.set(n));
    assert_eq!(log.take(), [100, 1, 2, 3]);
}

#[test]
fn the_last_value_outlives_its_subscribers() {
    let (state, log) = (State::new(1), Log::new());
    state.connect(log.slot(|n| ("first", *n)));
    state.set(2);
    assert_eq!(state.disconnect_all(), 1);
    state.set(3);
    state.connect(log.slot(|n| ("second", *n)));
    assert_eq!(log.take(), [("first", 1), ("first", 2), ("second", 3)]);
}

#[test]
fn values_equal_to_the_last_are_told_again_or_not_as_they_are_set() {
    let (state, log) = (State::new(100), Log::new());
    state.connect(log.slot(|n| *n));
    assert!(state.set_if_changed(9_999));
    assert!(!state.set_if_changed(9_999));
    assert!(state.set_if_changed(100));
    state.set(100);
    assert_eq!(log.take(), [100, 9_999, 100, 100]);
}

#[test]
fn a_subscriber_that_subscribes_another_gives_it_the_value_under_way_once() {
    let (state, log) = (Arc::new(State::new(0)), Log::new());
    let (own, said, made) = (Arc::downgrade(&state), log.clone(), Counter::new());
    state.connect(move |n| {
        said.push((0, *n));
        made.add(1);
        let (log, number) = (said.clone(), made.get());
        own.upgrade().expect("it is setting").connect(move |n| log.push((number, *n)));
    });
    assert_eq!(log.take(), [(0, 0), (1, 0)]);
    state.set(99);
    // The one from before after its maker; the new one at once, and not again when its turn would come.
    let mut told = log.take();
    told.sort_unstable();
    assert_eq!(told, [(0, 99), (1, 99), (2, 99)]);
}

/// What a subscriber has seen last, plus one, and whether it has seen anything twice or late.
#[derive(Default)]
struct Seen {
    next: AtomicU32,
    is_wrong: AtomicBool,
}

#[test]
fn late_subscribers_on_other_threads_each_see_values_that_only_grow_and_the_last_one() {
    const THREADS: usize = 3;
    const EACH: usize = 300;
    let (state, connecting) = (State::new(0_u32), Counter::new());
    let (last, seen) = thread::scope(|scope| {
        let threads = [(); THREADS].map(|()| {
            scope.spawn(|| {
                let subscribe = |_| {
                    let seen = Arc::new(Seen::default());
                    let sees = seen.clone();
                    state.connect(move |n| {
                        let before = sees.next.swap(n + 1, SeqCst);
                        sees.is_wrong.fetch_or(*n < before, SeqCst);
                    });
                    seen
                };
                let seen: Vec<_> = (0..EACH).map(subscribe).collect();
                connecting.add(1);
                seen
            })
        });
        let mut last = 0;
        while connecting.get() < THREADS {
            last += 1;
            state.set(last);
        }
        (last, threads.map(|thread| thread.join().expect("it connects")))
    });
    for seen in seen.iter().flatten() {
        assert!(!seen.is_wrong.load(SeqCst));
        assert_eq!(seen.next.load(SeqCst), last + 1);
    }
}

// --- filters ---------------------------------------------------------------------------------------------------------

#[test]
fn filters_run_in_the_order_in_which_they_are_said_and_the_handler_after_them() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let filter = |name, passes: fn(&u32) -> bool| {
        let log = log.clone();
        move |n: &u32| {
            log.push(name);
            passes(n)
        }
    };
    signal
        .slot()
        .filter(filter("odd", |n| n % 2 == 1))
        .filter(filter("small", |n| *n < 10))
        .filter(filter("not 7", |n| *n != 7))
        .connect(log.slot(|_| "handler"));
    let told = |n| {
        signal.emit(&n);
        log.take()
    };
    assert_eq!(told(1), ["odd", "small", "not 7", "handler"]);
    assert_eq!(told(2), ["odd"], "a filter that lets it not pass is the last");
    assert_eq!(told(11), ["odd", "small"]);
    assert_eq!(told(7), ["odd", "small", "not 7"]);
}

#[test]
fn a_filter_of_one_subscriber_is_nothing_to_the_others() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.slot().filter(|n| n % 2 == 0).connect(log.slot(|n| ("even", *n)));
    signal.connect(log.slot(|n| ("all", *n)));
    signal.emit_batch(&[1, 2, 3]);
    assert_eq!(log.take(), [("even", 2), ("all", 1), ("all", 2), ("all", 3)]);
}

#[test]
fn what_a_filter_keeps_out_is_neither_mapped_nor_counted() {
    let (signal, log, mapped) = (Signal::<u32>::new(), Log::new(), Counter::new());
    let counter = mapped.clone();
    let map = move |n: &u32| {
        counter.add(1);
        n * 10
    };
    signal.slot().filter(|n| *n > 2).times(2).map(map).connect(log.slot(|n| *n));
    signal.emit_batch(&[1, 2, 3, 1, 4, 5]);
    assert_eq!((log.take(), mapped.get()), (vec![30, 40], 2));
    assert!(signal.is_empty());
}

#[test]
fn a_filter_that_panics_is_a_panic_of_its_subscriber_only() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let fragile = signal.slot().filter(|_| resume_unwind(Box::new("a filter's"))).connect(log.slot(|n| ("first", *n)));
    signal.connect(log.slot(|n| ("second", *n)));
    signal.emit(&1);
    assert_eq!(log.take(), [("second", 1)]);
    assert_eq!((fragile.panics(), fragile.is_connected()), (Some(1), true));
}

// --- while it emits --------------------------------------------------------------------------------------------------

/// Five subscribers of a state that begins with 1; the second one disposes of some, when it gets the value 10.
fn disposed_of(disposes: &'static [usize], then: u32) -> [Vec<u32>; 5] {
    let (state, logs) = (State::new(1), [(); 5].map(|()| Log::new()));
    let all: Arc<OnceLock<Vec<Connection>>> = Arc::default();
    let connections = logs.iter().enumerate().map(|(nth, log)| {
        let (log, all) = (log.clone(), all.clone());
        state.connect(move |n| {
            log.push(*n);
            if nth == 1 && *n == 10 {
                let all = all.get().expect("set before");
                disposes.iter().for_each(|nth| _ = all[*nth].disconnect());
            }
        })
    });
    all.set(connections.collect()).expect("set once");
    state.set(10);
    state.set(then);
    logs.map(|log| log.take())
}

#[test]
fn a_subscriber_removed_during_the_emission_does_not_get_it_if_its_turn_has_not_come() {
    let (kept, ended) = (vec![1, 10, 20], vec![1]);
    // The next ones; itself; the one after the next; the one before.
    assert_eq!(disposed_of(&[2, 3], 20), [&kept, &kept, &ended, &ended, &kept].map(Vec::clone));
    assert_eq!(disposed_of(&[1], 20), [kept.clone(), vec![1, 10], kept.clone(), kept.clone(), kept.clone()]);
    assert_eq!(disposed_of(&[3], 20), [&kept, &kept, &kept, &ended, &kept].map(Vec::clone));
    assert_eq!(disposed_of(&[0], 20), [vec![1, 10], kept.clone(), kept.clone(), kept.clone(), kept.clone()]);
}

#[test]
fn the_first_the_middle_and_the_last_subscriber_can_leave_between_values() {
    let (state, log) = (State::new(0), Log::new());
    let subscribe = |name| state.connect(log.slot(move |n| (name, *n)));
    let [first, middle, last] = ["first", "middle", "last"].map(subscribe);
    log.take();
    first.disconnect();
    state.set(1);
    assert_eq!(log.take(), [("middle", 1), ("last", 1)]);
    let newest = subscribe("newest");
    assert_eq!(log.take(), [("newest", 1)]);
    last.disconnect();
    state.set(2);
    assert_eq!(log.take(), [("middle", 2), ("newest", 2)]);
    newest.disconnect();
    middle.disconnect();
    state.set(3);
    assert_eq!((log.take(), state.len()), (vec![], 0));
    subscribe("alone");
    assert_eq!(log.take(), [("alone", 3)]);
}

#[test]
fn a_subscriber_that_fails_is_told_the_next_value_too_and_so_are_the_others() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let said = log.clone();
    signal.connect(move |n| {
        said.push(("fails", *n));
        if *n == 1 {
            resume_unwind(Box::new("a subscriber's"));
        }
    });
    signal.connect(log.slot(|n| ("works", *n)));
    signal.emit(&1);
    signal.emit(&2);
    assert_eq!(log.take(), [("fails", 1), ("works", 1), ("fails", 2), ("works", 2)]);
}

#[test]
fn a_subscriber_that_takes_a_number_of_values_leaves_after_them() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.slot().times(2).connect(log.slot(|n| ("two", *n)));
    signal.slot().until(|n| *n == 3).connect(log.slot(|n| ("until 3", *n)));
    signal.connect(log.slot(|n| ("all", *n)));
    (1..5).for_each(|n| _ = signal.emit(&n));
    let of = |all: &[(&str, u32)], name| all.iter().filter(|(by, _)| *by == name).map(|(_, n)| *n).collect::<Vec<_>>();
    let told = log.take();
    assert_eq!((of(&told, "two"), of(&told, "until 3")), (vec![1, 2], vec![1, 2]));
    assert_eq!((of(&told, "all"), signal.len()), (vec![1, 2, 3, 4], 1));
}

// --- requests --------------------------------------------------------------------------------------------------------

#[test]
fn a_request_to_all_handlers_is_answered_in_their_order() {
    let (query, mut answers) = (Query::<u32, u32>::new(), Vec::new());
    for factor in [10, 100, 1_000] {
        query.connect(move |n| n * factor);
    }
    assert_eq!(query.collect_into(&7, &mut answers), 3);
    assert_eq!(answers, [70, 700, 7_000]);
    assert_eq!(query.first(&7), Some(70));
}

#[test]
fn a_handler_that_fails_gives_no_answer_and_the_others_do() {
    let query = Query::<u32, u32>::new();
    query.connect(|n| n + 1);
    let fragile = query.connect(|_| resume_unwind(Box::new("a handler's")));
    query.connect(|n| n + 2);
    let mut answers = Vec::new();
    query.collect_into(&1, &mut answers);
    assert_eq!((answers, fragile.panics()), (vec![2, 3], Some(1)));
}
