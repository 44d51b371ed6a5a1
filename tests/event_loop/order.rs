//! Where slots run, when, and in which order: on the owner's thread, in a run, as each thread has queued them.

use crate::common::{Counter, Log};
use crate::shared::{Local, elsewhere, log_to, take};
use pulsebus::{EventLoop, LoopBudget, Signal};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Barrier;
use std::thread::{self, ThreadId};

// --- where and when ---

#[test]
fn a_slot_runs_on_the_owners_thread_and_only_in_a_run() {
    let (signal, event_loop, log) = (Signal::<u32>::new(), EventLoop::new(), Local::default());
    log_to(&event_loop, &signal, &log, |&n| (n, thread::current().id()));
    elsewhere(|| signal.emit(&1));
    signal.emit(&2);
    assert_eq!(take(&log), [], "also what the owner itself emits is queued");
    let run = event_loop.run_pending(10);
    let here: ThreadId = thread::current().id();
    assert_eq!((take(&log), run.calls, run.skipped, run.left), (vec![(1, here), (2, here)], 2, 0, 0));
}

#[test]
fn a_slot_may_keep_what_stays_on_its_thread_and_change_it() {
    let (signal, event_loop) = (Signal::<String>::new(), EventLoop::new());
    let mut words = Vec::new();
    let joined = Rc::new(RefCell::new(String::new()));
    let out = joined.clone();
    event_loop.connect(&signal, move |word| {
        words.push(word.clone());
        *out.borrow_mut() = words.join(" ");
    });
    elsewhere(|| signal.emit_batch(&["not".to_owned(), "a".to_owned(), "copy".to_owned()]));
    event_loop.run_pending(10);
    assert_eq!(*joined.borrow(), "not a copy");
}

#[test]
fn inline_slots_and_those_of_several_loops_have_the_same_signal() {
    let (signal, log) = (Signal::<u32>::new(), Local::default());
    let (one, other) = (EventLoop::new(), EventLoop::new());
    let inline = Counter::new();
    log_to(&one, &signal, &log, |&n| ('a', n));
    signal.connect(inline.slot());
    log_to(&other, &signal, &log, |&n| ('b', n));
    signal.emit(&1);
    assert_eq!((inline.get(), signal.len()), (1, 3));
    other.run_pending(10);
    one.run_pending(10);
    assert_eq!(take(&log), [('b', 1), ('a', 1)]);
}

// --- order ---

#[test]
fn what_one_thread_queues_comes_in_its_order_across_signals_and_tasks() {
    let (first, second) = (Signal::<u32>::new(), Signal::<&'static str>::new());
    let (event_loop, log) = (EventLoop::new(), Local::default());
    log_to(&event_loop, &first, &log, u32::to_string);
    log_to(&event_loop, &second, &log, |&text| text.to_owned());
    let (handle, posted) = (event_loop.handle(), Log::new());
    let seen = posted.clone();
    elsewhere(|| {
        first.emit(&1);
        second.emit(&"two");
        first.emit_batch(&[3, 4]);
        handle.post(move |_| seen.push(())).expect("there is room");
        second.emit(&"five");
    });
    assert_eq!(event_loop.run_pending(4).calls, 4);
    assert_eq!((take(&log), posted.take()), (["1", "two", "3", "4"].map(String::from).to_vec(), vec![]));
    assert_eq!(event_loop.run_pending(1).calls, 1);
    assert_eq!((take(&log), posted.take()), (vec![], vec![()]));
    event_loop.run_pending(1);
    assert_eq!(take(&log), ["five"]);
}

#[test]
fn the_order_of_each_emitter_is_kept_beside_others() {
    const EMITTERS: usize = 3;
    const EACH: usize = 2_000;
    let signals = [Signal::<(usize, usize)>::new(), Signal::new()];
    let (event_loop, log) = (EventLoop::new(), Local::default());
    signals.iter().for_each(|signal| _ = log_to(&event_loop, signal, &log, |&event| event));
    let start = Barrier::new(EMITTERS + 1);
    thread::scope(|scope| {
        for emitter in 0..EMITTERS {
            let (signals, start) = (&signals, &start);
            scope.spawn(move || {
                start.wait();
                (0..EACH).for_each(|n| _ = signals[n % 2].emit(&(emitter, n)));
            });
        }
        start.wait();
        let mut calls = 0;
        while calls < EMITTERS * EACH {
            calls += event_loop.run_pending(LoopBudget::Queued).calls;
        }
    });
    let log = take(&log);
    for emitter in 0..EMITTERS {
        let own = log.iter().filter(|event| event.0 == emitter).map(|event| event.1);
        assert!(own.eq(0..EACH), "what {emitter} emitted, in its order");
    }
}
