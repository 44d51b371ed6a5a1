//! Forwarding: signals that emit on others what they make of their events.

mod common;

use common::{Counter, Log, Tally, collect_all};
use pulsebus::{Domain, Emitted, FORWARD_LIMIT, PanicPolicy, Signal};
use std::ops::ControlFlow::Break;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;

fn signal<E>() -> Arc<Signal<E>> {
    Arc::new(Signal::new())
}

/// A signal of a domain whose panics are told.
fn told<E>(messages: &Log<String>) -> (Domain, Arc<Signal<E>>) {
    let domain = Domain::new();
    let log = messages.clone();
    domain.set_panic_hook(move |panic| log.push(panic.message().unwrap_or("no message").to_owned()));
    let signal = Arc::new(Signal::new_in(&domain));
    (domain, signal)
}

/// Runs `f` without the messages of panics, which there are many of.
fn quietly<R>(f: impl FnOnce() -> R) -> R {
    static QUIET: Mutex<()> = Mutex::new(());
    let _one = QUIET.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = catch_unwind(AssertUnwindSafe(f));
    std::panic::set_hook(hook);
    result.unwrap_or_else(|payload| std::panic::resume_unwind(payload))
}

#[test]
fn what_a_function_makes_of_each_event_is_emitted_on_the_other_signal() {
    let (text, length, log) = (signal::<String>(), signal::<usize>(), Log::new());
    length.connect(log.slot(|n| *n));
    let connection = text.forward(&length, String::len);
    text.emit(&"four".to_owned());
    text.emit_batch(&["a".to_owned(), "bc".to_owned()]);
    assert_eq!(log.take(), [4, 1, 2]);
    assert!(connection.disconnect());
    text.emit(&"gone".to_owned());
    assert!(log.take().is_empty());
}

#[test]
fn a_static_signal_can_be_forwarded_to() {
    static TARGET: Signal<u32> = Signal::new();
    let (source, log) = (signal::<u32>(), Log::new());
    let slot = TARGET.connect(log.slot(|n| *n));
    source.forward(&TARGET, |n| n + 1);
    source.emit(&1);
    assert_eq!(log.take(), [2]);
    slot.disconnect();
}

#[test]
fn only_what_passes_the_filters_is_mapped_and_forwarded() {
    let (source, target, log, mapped) = (signal::<u32>(), signal::<u32>(), Log::new(), Counter::new());
    target.connect(log.slot(|n| *n));
    let count = mapped.clone();
    let slot = source.slot().filter(|n| n % 2 == 0).times(2).after().map(move |n: &u32| {
        count.add(1);
        n * 10
    });
    let connection = slot.forward(&target);
    source.emit_batch(&[1, 2, 3, 4, 6]);
    assert_eq!((log.take(), mapped.get()), (vec![20, 40], 2));
    assert!(!connection.is_connected());
}

#[test]
fn the_other_signal_is_not_kept_alive_and_its_end_ends_the_connection_at_the_next_event() {
    let (source, target, tally, mapped) = (signal::<u32>(), signal::<u32>(), Tally::new(), Counter::new());
    let (guard, count) = (tally.guard(), mapped.clone());
    target.connect(move |_| guard.check());
    let connection = source.forward(&target, move |n| {
        count.add(1);
        *n
    });
    assert_eq!(Arc::strong_count(&target), 1);
    source.emit(&1);
    drop(target);
    tally.assert_all_dropped();
    assert!(connection.is_connected());
    source.emit(&2);
    assert!(!connection.is_connected());
    assert_eq!(mapped.get(), 1, "nothing is made of an event that goes nowhere");
}

#[test]
fn a_signal_whose_last_handle_is_dropped_while_it_is_forwarded_to_ends_after_that() {
    let (source, target, tally, log) = (signal::<u32>(), signal::<u32>(), Tally::new(), Log::new());
    let connection = source.forward(&target, |n| *n);
    let (guard, held, seen) = (tally.guard(), Arc::new(Mutex::new(None)), log.clone());
    let inner = held.clone();
    target.connect(move |n| {
        drop(inner.lock().unwrap().take());
        guard.check();
        seen.push(*n);
    });
    target.connect(log.slot(|n| n * 10));
    *held.lock().unwrap() = Some(target);
    source.emit_batch(&[1, 2]);
    assert_eq!(log.take(), [1, 10]);
    tally.assert_all_dropped();
    assert!(!connection.is_connected());
}

#[test]
fn what_stops_or_blocks_the_other_emission_does_not_stop_this_one() {
    let (source, target, ran) = (signal::<u32>(), signal::<u32>(), Counter::new());
    target.slot().connect_flow(|_| Break(()));
    target.connect(|_| unreachable!("it is stopped"));
    source.slot().connect_flow(|n| if *n == 9 { Break(()) } else { std::ops::ControlFlow::Continue(()) });
    source.forward(&target, |n| *n);
    source.connect(ran.slot());
    assert_eq!(source.emit(&1), Emitted::Completed);
    let quiet = target.block();
    assert_eq!(source.emit_batch(&[1, 2]), Emitted::Completed);
    drop(quiet);
    assert_eq!((source.emit(&9), ran.get()), (Emitted::Stopped, 3));
}

#[test]
fn as_many_signals_as_the_limit_forward_in_a_row() {
    let messages = Log::new();
    for (forwards, arrives) in [(FORWARD_LIMIT, 1), (FORWARD_LIMIT + 1, 0)] {
        let (_domain, first) = told::<u32>(&messages);
        let (arrived, mut last, mut row) = (Counter::new(), first.clone(), vec![first.clone()]);
        for _ in 0..forwards {
            let next = Arc::new(Signal::new_in(first.domain()));
            last.forward(&next, |n| n + 1);
            row.push(next.clone());
            last = next;
        }
        last.connect({
            let arrived = arrived.clone();
            move |n| {
                assert_eq!(*n, forwards);
                arrived.add(1);
            }
        });
        quietly(|| first.emit(&0));
        assert_eq!(arrived.get(), arrives);
        let messages = messages.take();
        assert_eq!(messages.len(), 1 - arrives);
        assert!(messages.iter().all(|text| text.contains("more than 64 signals forward") && text.contains("circle")));
    }
}

#[test]
fn a_circle_ends_with_a_panic_that_says_so_under_the_slots_policy() {
    let messages = Log::new();
    let (_domain, a) = told::<u32>(&messages);
    let (b, ran) = (Arc::new(Signal::<u32>::new_in(a.domain())), Counter::new());
    let forth = a.forward(&b, |n| n + 1);
    let back = b.slot().on_panic(PanicPolicy::DisconnectAfter(1)).forward(&a, |n| n + 1);
    a.connect(ran.slot());
    quietly(|| a.emit(&0));
    // Each of the 64 forwards is an emission, and the first one is ours.
    assert_eq!(ran.take(), 1 + FORWARD_LIMIT as usize / 2);
    assert_eq!(messages.take().len(), 1);
    assert_eq!((forth.panics(), forth.is_connected(), back.is_connected()), (Some(1), true, true));
    quietly(|| b.emit(&0));
    assert_eq!((back.is_connected(), messages.take().len()), (false, 1), "broken where it was too much");
    ran.take();
    quietly(|| a.emit(&0));
    assert_eq!((ran.get(), messages.take().len()), (1, 0), "there is no circle any more");
}

#[test]
fn a_circle_that_propagates_panics_ends_too() {
    let signal = signal::<u32>();
    signal.on_panic(PanicPolicy::Propagate);
    signal.forward(&signal, |n| n + 1);
    let ran = Counter::new();
    signal.connect(ran.slot());
    let payload = quietly(|| catch_unwind(AssertUnwindSafe(|| signal.emit(&0)))).unwrap_err();
    assert!(payload.downcast_ref::<String>().unwrap().contains("circle"));
    assert_eq!(ran.take(), 1 + FORWARD_LIMIT as usize, "the others run all the same");
    let chain = Signal::<u32>::new();
    chain.forward(&signal, |n| *n);
    assert!(quietly(|| catch_unwind(AssertUnwindSafe(|| signal.emit(&0)))).is_err(), "and again");
}

#[test]
fn a_circle_that_branches_does_not_multiply() {
    // Two ways each time: 2 to the 64 calls, if each branch were tried to its end.
    let (signal, calls, other) = (signal::<u32>(), Arc::new(AtomicUsize::new(0)), Counter::new());
    for _ in 0..2 {
        let calls = calls.clone();
        signal.forward(&signal, move |n| {
            calls.fetch_add(1, SeqCst);
            n + 1
        });
    }
    quietly(|| signal.emit(&0));
    // A row for each way out of the first one.
    assert_eq!(calls.swap(0, SeqCst), 2 * FORWARD_LIMIT as usize);
    // The row has come back: what forwards next is not refused.
    let (source, target) = (self::signal::<u32>(), self::signal::<u32>());
    source.forward(&target, |n| *n);
    target.connect(other.slot());
    source.emit(&1);
    assert_eq!(other.get(), 1);
    quietly(|| signal.emit(&0));
    assert_eq!(calls.load(SeqCst), 2 * FORWARD_LIMIT as usize);
}

#[test]
fn each_thread_has_a_row_of_its_own() {
    let (signal, target, ran) = (signal::<u32>(), signal::<u32>(), Counter::new());
    signal.forward(&target, |n| *n);
    target.connect({
        let (signal, ran) = (Arc::downgrade(&signal), ran.clone());
        move |n| {
            ran.add(1);
            if *n > 0 {
                let signal = signal.upgrade().unwrap();
                thread::scope(|scope| _ = scope.spawn(|| signal.emit(&(n - 1))));
            }
        }
    });
    signal.emit(&80);
    assert_eq!(ran.get(), 81);
}

#[test]
fn a_map_that_panics_leaves_the_row_as_it_was() {
    let (source, target, ran) = (signal::<u32>(), signal::<u32>(), Counter::new());
    let connection = source.forward(&target, |n| {
        if *n == 0 {
            std::panic::resume_unwind(Box::new(()));
        }
        *n
    });
    target.connect(ran.slot());
    source.emit_batch(&[0; 2 * FORWARD_LIMIT as usize]);
    source.emit(&1);
    assert_eq!((connection.panics(), ran.get()), (Some(2 * FORWARD_LIMIT), 1));
}

#[test]
fn what_a_forward_captured_is_dropped_once() {
    let (domain, tally) = (Domain::new(), Tally::new());
    let (source, target) = (Signal::<u32>::new_in(&domain), signal::<u32>());
    for _ in 0..50 {
        let guard = tally.guard();
        source.slot().times(1).forward(&target, move |n| {
            guard.check();
            *n
        });
    }
    source.emit(&1);
    collect_all(&domain);
    tally.assert_all_dropped();
    assert_eq!(Arc::weak_count(&target), 0);
}
