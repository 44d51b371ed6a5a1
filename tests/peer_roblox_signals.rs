//! What the signals of Roblox, and those that Luau libraries make after them, hold themselves to, asked of these. Where they
//! differ, the test says what holds here, and `docs/PEERS.md` what holds there.

mod common;

use common::{Counter, Log};
use pulsebus::{CloseReason, Connection, EventLoop, RecvTimeoutError, Signal};
use std::cell::RefCell;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::{Arc, Barrier, OnceLock};
use std::thread;
use std::time::Duration;

/// Handlers that say their numbers; `.1` is disconnected by `.0`. What two fires in a row have called.
fn two_fires(removals: &'static [(usize, usize)]) -> [Vec<usize>; 2] {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let all: Arc<OnceLock<Vec<Connection>>> = Arc::default();
    let connections = (0..4).map(|own| {
        let (log, all) = (log.clone(), all.clone());
        signal.connect(move |()| {
            log.push(own);
            let all = all.get().expect("set before");
            removals.iter().filter(|(by, _)| *by == own).for_each(|(_, of)| _ = all[*of].disconnect());
        })
    });
    all.set(connections.collect()).expect("set once");
    [(); 2].map(|()| {
        signal.emit(&());
        log.take()
    })
}

// --- connect and fire ------------------------------------------------------------------------------------------------

#[test]
fn a_handler_gets_what_is_fired_each_time() {
    let (signal, log) = (Signal::<(u32, &str)>::new(), Log::new());
    let connection = signal.connect(log.slot(|(n, word)| (*n, *word)));
    signal.emit(&(7, "Hello"));
    signal.emit(&(8, "World"));
    connection.disconnect();
    signal.emit(&(9, "!"));
    assert_eq!(log.take(), [(7, "Hello"), (8, "World")]);
}

#[test]
fn handlers_are_called_in_the_order_in_which_they_were_connected() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    (0..10).for_each(|n| _ = signal.connect(log.slot(move |()| n)));
    signal.emit(&());
    assert_eq!(log.take(), (0..10).collect::<Vec<_>>());
    // Newest first, as some do it, is for the asking.
    let signal = Signal::<()>::new();
    (0..10).for_each(|n| _ = signal.slot().at_front().connect(log.slot(move |()| n)));
    signal.emit(&());
    assert_eq!(log.take(), (0..10).rev().collect::<Vec<_>>());
}

#[test]
fn a_connection_says_whether_it_is_connected_and_may_be_disconnected_again() {
    let signal = Signal::<()>::new();
    let connection = signal.connect(|()| {});
    assert!(connection.is_connected());
    assert!(connection.disconnect());
    assert!(!connection.is_connected());
    assert!(!connection.disconnect());
    assert!(!connection.is_connected());
}

#[test]
fn a_handler_connected_by_a_handler_is_called_from_the_next_fire_on() {
    let (signal, ran) = (Arc::new(Signal::<()>::new()), Counter::new());
    let (own, counter) = (Arc::downgrade(&signal), ran.clone());
    signal.connect(move |()| _ = own.upgrade().expect("it is firing").connect(counter.slot()));
    for expected in 0..5 {
        signal.emit(&());
        assert_eq!(ran.take(), expected);
    }
}

#[test]
fn a_handler_that_fails_keeps_no_other_from_being_called() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    signal.connect(log.slot(|()| "before"));
    signal.connect(|()| resume_unwind(Box::new("a handler's")));
    signal.connect(log.slot(|()| "after"));
    signal.emit(&());
    signal.emit(&());
    assert_eq!(log.take(), ["before", "after", "before", "after"]);
}

#[test]
fn a_handler_that_fires_again_is_called_inside_its_own_call() {
    let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
    let (own, said) = (Arc::downgrade(&signal), log.clone());
    signal.connect(move |n| {
        if *n > 0 {
            own.upgrade().expect("it is firing").emit(&(n - 1));
        }
        said.push(*n);
    });
    signal.emit(&3);
    assert_eq!(log.take(), [0, 1, 2, 3]);
}

// --- disconnect while firing -----------------------------------------------------------------------------------------

#[test]
fn disconnect_while_firing_keeps_a_handler_whose_turn_has_not_come_from_being_called() {
    assert_eq!(two_fires(&[(0, 1)]), [[0, 2, 3], [0, 2, 3]]);
    assert_eq!(two_fires(&[(0, 3), (1, 2)]), [[0, 1], [0, 1]]);
}

#[test]
fn disconnect_while_firing_of_the_handler_itself_or_an_earlier_one_skips_nobody() {
    assert_eq!(two_fires(&[(1, 1)]), [vec![0, 1, 2, 3], vec![0, 2, 3]]);
    assert_eq!(two_fires(&[(2, 1)]), [vec![0, 1, 2, 3], vec![0, 2, 3]]);
    assert_eq!(two_fires(&[(0, 0), (1, 1), (2, 2), (3, 3)]), [vec![0, 1, 2, 3], vec![]]);
}

#[test]
fn of_two_handlers_that_disconnect_each_other_the_first_one_is_called() {
    assert_eq!(two_fires(&[(1, 2), (2, 1)]), [[0, 1, 3], [0, 1, 3]]);
}

#[test]
fn disconnect_while_firing_holds_for_nested_fires_too() {
    let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
    let (own, victim) = (Arc::downgrade(&signal), Arc::new(OnceLock::<Connection>::new()));
    let ended = victim.clone();
    signal.connect(move |n| match n {
        0 => _ = ended.get().expect("set before").disconnect(),
        n => _ = own.upgrade().expect("it is firing").emit(&(n - 1)),
    });
    victim.set(signal.connect(log.slot(|n| ("victim", *n)))).expect("set once");
    signal.connect(log.slot(|n| ("last", *n)));
    signal.emit(&2);
    assert_eq!(log.take(), [("last", 0), ("last", 1), ("last", 2)]);
}

#[test]
fn disconnect_all_inside_a_handler_stops_the_running_emission() {
    for nth in [0, 1, 3] {
        let (signal, log) = (Arc::new(Signal::<()>::new()), Log::new());
        for n in 0..4 {
            let (own, said) = (Arc::downgrade(&signal), log.clone());
            signal.connect(move |()| {
                said.push(n);
                if n == nth {
                    assert_eq!(own.upgrade().expect("it is firing").disconnect_all(), 4);
                }
            });
        }
        // No slot has broken it off: there is just nobody left.
        assert!(signal.emit(&()).is_completed());
        assert_eq!(log.take(), (0..=nth).collect::<Vec<_>>());
        assert!(signal.is_empty());
        signal.emit(&());
        assert_eq!(log.take(), []);
    }
}

#[test]
fn disconnect_all_inside_a_handler_stops_the_emissions_around_it_and_spares_who_connects_afterwards() {
    let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
    let (own, said) = (Arc::downgrade(&signal), log.clone());
    signal.connect(move |n| {
        let signal = own.upgrade().expect("it is firing");
        if *n > 0 {
            signal.emit(&(n - 1));
        } else {
            signal.disconnect_all();
            signal.connect(said.slot(|n| ("new", *n)));
        }
    });
    signal.connect(log.slot(|n| ("old", *n)));
    signal.emit(&3);
    assert_eq!(log.take(), []);
    signal.emit(&7);
    assert_eq!(log.take(), [("new", 7)]);
}

// --- once ------------------------------------------------------------------------------------------------------------

#[test]
fn once_is_called_once_and_gone() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let connection = signal.slot().once().connect(log.slot(|n| ("once", *n)));
    signal.connect(log.slot(|n| ("always", *n)));
    signal.emit(&1);
    assert!(!connection.is_connected());
    signal.emit(&2);
    assert_eq!(log.take(), [("once", 1), ("always", 1), ("always", 2)]);
}

#[test]
fn once_is_called_once_if_it_fires_again_itself() {
    let (signal, ran) = (Arc::new(Signal::<()>::new()), Counter::new());
    let (own, counter) = (Arc::downgrade(&signal), ran.clone());
    let connection = Arc::new(OnceLock::<Connection>::new());
    let found = connection.clone();
    let made = signal.slot().once().connect(move |()| {
        counter.add(1);
        assert!(!found.get().expect("set before").is_connected(), "it has ended before it is called");
        own.upgrade().expect("it is firing").emit(&());
    });
    connection.set(made).expect("set once");
    signal.emit(&());
    assert_eq!(ran.get(), 1);
}

#[test]
fn once_is_called_once_if_many_threads_fire_at_the_same_time() {
    const THREADS: usize = 4;
    for _ in 0..50 {
        let (signal, ran, start) = (Signal::<()>::new(), Counter::new(), Barrier::new(THREADS));
        (0..10).for_each(|_| _ = signal.slot().once().connect(ran.slot()));
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    start.wait();
                    signal.emit(&());
                });
            }
        });
        assert_eq!((ran.get(), signal.len()), (10, 0));
    }
}

#[test]
fn once_can_be_disconnected_before_it_is_called() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    assert!(signal.slot().once().connect(ran.slot()).disconnect());
    signal.emit(&());
    assert_eq!(ran.get(), 0);
}

#[test]
fn once_that_fails_has_been_called() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    let counter = ran.clone();
    signal.slot().once().connect(move |()| {
        counter.add(1);
        resume_unwind(Box::new("a handler's"));
    });
    signal.emit(&());
    signal.emit(&());
    assert_eq!((ran.get(), signal.len()), (1, 0));
}

// --- wait ------------------------------------------------------------------------------------------------------------

/// Returns when so many wait for the signal, or are connected otherwise.
fn until_there_are(signal: &Signal<u32>, connected: usize) {
    while signal.len() < connected {
        thread::yield_now();
    }
}

#[test]
fn wait_returns_what_is_fired_next() {
    let signal = Signal::<u32>::new();
    signal.emit(&1);
    thread::scope(|scope| {
        let found = scope.spawn(|| signal.wait(Duration::MAX));
        until_there_are(&signal, 1);
        signal.emit(&123);
        signal.emit(&456);
        assert_eq!(found.join().expect("it waits"), Ok(123));
    });
    assert!(signal.is_empty(), "who has waited has gone");
}

#[test]
fn wait_returns_the_same_to_all_who_wait() {
    let signal = Signal::<u32>::new();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| signal.wait(Duration::MAX))).collect();
        until_there_are(&signal, 4);
        signal.emit(&7);
        assert!(threads.into_iter().all(|thread| thread.join().expect("it waits") == Ok(7)));
    });
    assert!(signal.is_empty());
}

#[test]
fn wait_again_returns_what_is_fired_after_that() {
    let signal = Signal::<u32>::new();
    thread::scope(|scope| {
        for n in 0..20 {
            let found = scope.spawn(|| signal.wait(Duration::MAX));
            until_there_are(&signal, 1);
            signal.emit(&n);
            assert_eq!(found.join().expect("it waits"), Ok(n));
            // Nobody waits now: nothing is kept for those who come.
            signal.emit(&77);
        }
    });
}

#[test]
fn handlers_are_called_whether_or_not_somebody_waits() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.connect(log.slot(|n| ("before", *n)));
    thread::scope(|scope| {
        let found = scope.spawn(|| signal.wait(Duration::MAX));
        until_there_are(&signal, 2);
        signal.connect(log.slot(|n| ("after", *n)));
        signal.emit(&1);
        assert_eq!(found.join().expect("it waits"), Ok(1));
    });
    assert_eq!((log.take(), signal.len()), (vec![("before", 1), ("after", 1)], 2));
}

#[test]
fn wait_ends_without_a_value_when_everybody_is_disconnected_or_the_time_is_over() {
    let signal = Signal::<u32>::new();
    assert_eq!(signal.wait(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    thread::scope(|scope| {
        let found = scope.spawn(|| signal.wait(Duration::MAX));
        until_there_are(&signal, 1);
        assert_eq!(signal.disconnect_all(), 1);
        assert_eq!(found.join().expect("it waits"), Err(RecvTimeoutError::Closed(CloseReason::Disconnected)));
    });
}

#[cfg(feature = "async")]
mod coroutines {
    use super::common::Wakes;
    use super::{Arc, CloseReason, Signal};
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::atomic::Ordering::SeqCst;
    use std::task::{Context, Poll, Waker};

    fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(waker))
    }

    #[test]
    fn a_coroutine_that_waits_is_resumed_by_the_next_fire_with_its_value() {
        let signal = Signal::<u32>::new();
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        signal.emit(&1);
        let mut waits = signal.next();
        assert!(poll(&mut waits, &waker).is_pending());
        signal.emit(&2);
        signal.emit(&3);
        assert_eq!(wakes.0.load(SeqCst), 1);
        assert_eq!(poll(&mut waits, &waker), Poll::Ready(Ok(2)));
    }

    #[test]
    fn a_coroutine_that_gives_up_waiting_is_not_resumed() {
        let signal = Signal::<u32>::new();
        let wakes = Arc::new(Wakes::default());
        let mut waits = signal.next();
        assert!(poll(&mut waits, &Waker::from(wakes.clone())).is_pending());
        drop(waits);
        assert!(signal.is_empty());
        signal.emit(&1);
        assert_eq!((wakes.0.load(SeqCst), Arc::strong_count(&wakes)), (0, 1), "its waker has gone with it");
    }

    #[test]
    fn a_coroutine_that_waits_is_resumed_without_a_value_when_the_signal_goes() {
        let signal = Signal::<u32>::new();
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let mut waits = signal.next();
        assert!(poll(&mut waits, &waker).is_pending());
        drop(signal);
        assert_ne!(wakes.0.load(SeqCst), 0);
        assert_eq!(poll(&mut waits, &waker), Poll::Ready(Err(CloseReason::SignalDropped)));
    }
}

// --- deferred --------------------------------------------------------------------------------------------------------

#[test]
fn deferred_handlers_run_when_the_owner_resumes_them_in_the_order_of_the_fires() {
    let (signal, other, event_loop) = (Signal::<u32>::new(), Signal::<u32>::new(), EventLoop::new());
    let log = Rc::new(RefCell::new(Vec::new()));
    for (name, signal) in [("a", &signal), ("b", &other)] {
        let log = log.clone();
        event_loop.connect(signal, move |n| log.borrow_mut().push((name, *n)));
    }
    signal.emit(&1);
    other.emit(&2);
    signal.emit(&3);
    assert!(log.borrow().is_empty(), "firing calls none of them");
    assert_eq!(event_loop.run_pending(100).calls, 3);
    assert_eq!(*log.borrow(), [("a", 1), ("b", 2), ("a", 3)]);
}

#[test]
fn a_deferred_handler_that_is_disconnected_is_not_called_with_what_was_fired_before() {
    let (signal, event_loop) = (Signal::<u32>::new(), EventLoop::new());
    let ran = Counter::new();
    let counter = ran.clone();
    let connection = event_loop.connect(&signal, move |_| counter.add(1));
    signal.emit(&1);
    signal.emit(&2);
    connection.disconnect();
    let run = event_loop.run_pending(100);
    assert_eq!((ran.get(), run.calls, run.skipped), (0, 0, 2));
}

#[test]
fn a_deferred_handler_that_disconnects_itself_is_called_once() {
    let (signal, event_loop, ran) = (Signal::<u32>::new(), EventLoop::new(), Counter::new());
    let (own, counter) = (Arc::new(OnceLock::<Connection>::new()), ran.clone());
    let found = own.clone();
    let connection = event_loop.connect(&signal, move |_| {
        counter.add(1);
        found.get().expect("set before").disconnect();
    });
    own.set(connection).expect("set once");
    signal.emit_batch(&[1, 2, 3]);
    event_loop.run_pending(100);
    assert_eq!(ran.get(), 1);
}

#[test]
fn a_deferred_handler_that_takes_its_time_keeps_nobody_from_being_called() {
    let (signal, event_loop, log) = (Signal::<u32>::new(), EventLoop::new(), Log::new());
    let said = log.clone();
    event_loop.connect(&signal, move |n| said.push(("slow", *n)));
    signal.connect(log.slot(|n| ("after", *n)));
    signal.emit(&1);
    assert_eq!(log.take(), [("after", 1)]);
    event_loop.run_pending(1);
    assert_eq!(log.take(), [("slow", 1)]);
}

#[test]
fn a_deferred_handler_that_fires_is_called_again_in_its_turn_and_not_inside_its_call() {
    let (signal, event_loop, log) = (Arc::new(Signal::<u32>::new()), EventLoop::new(), Log::new());
    let (own, said) = (Arc::downgrade(&signal), log.clone());
    event_loop.connect(&signal, move |n| {
        said.push(("in", *n));
        if *n > 0 {
            own.upgrade().expect("the test holds it").emit(&(n - 1));
        }
        said.push(("out", *n));
    });
    signal.emit(&1);
    // A budget ends what goes round for ever.
    assert_eq!(event_loop.run_pending(1).left, 1);
    event_loop.run_pending(10);
    assert_eq!(log.take(), [("in", 1), ("out", 1), ("in", 0), ("out", 0)]);
}
