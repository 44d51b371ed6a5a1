//! How much a run does, how much may be queued, and what is counted of both.

use crate::shared::{Local, log_to, take};
use pulsebus::{CapacityError, EventLoop, LoopBudget, PostError, Signal};
use std::sync::Arc;
use std::time::Duration;

// --- budgets ---

#[test]
fn a_budget_of_calls_counts_calls_and_no_more() {
    let (signal, event_loop, log) = (Signal::<u32>::new(), EventLoop::new(), Local::default());
    let ended = log_to(&event_loop, &signal, &log, |&n| n);
    log_to(&event_loop, &signal, &log, |&n| n + 10);
    signal.emit_batch(&[1, 2, 3]);
    ended.disconnect();
    let run = event_loop.run_pending(2);
    assert_eq!((run.calls, run.skipped, run.left, take(&log)), (2, 3, 1, vec![11, 12]));
    assert_eq!(event_loop.run_pending(0).calls, 0);
    assert_eq!(event_loop.run_pending(usize::MAX).calls, 1);
}

#[test]
fn a_budget_of_time_makes_one_call_at_the_least() {
    let (signal, event_loop, log) = (Signal::<u32>::new(), EventLoop::new(), Local::default());
    log_to(&event_loop, &signal, &log, |&n| n);
    signal.emit_batch(&[1, 2, 3]);
    assert_eq!(event_loop.run_pending(Duration::ZERO).calls, 1);
    let run = event_loop.run_pending(Duration::MAX);
    assert_eq!((run.calls, run.left), (2, 0));
    assert_eq!(event_loop.run_pending(Duration::ZERO).calls, 0);
}

#[test]
fn what_is_queued_meanwhile_is_not_in_the_budget_of_what_is_queued() {
    let (signal, event_loop) = (Arc::new(Signal::<u32>::new()), EventLoop::new());
    let again = Arc::downgrade(&signal);
    event_loop.connect(&signal, move |n| _ = again.upgrade().expect("the test has it").emit(&(n + 1)));
    signal.emit_batch(&[1, 1]);
    for _ in 0..3 {
        let run = event_loop.run_pending(LoopBudget::Queued);
        assert_eq!((run.calls, run.left), (2, 2));
    }
    assert_eq!(event_loop.run_pending(5).calls, 5, "in a budget of calls it is");
}

// --- bounded ---

#[test]
fn a_bounded_loop_counts_what_it_loses_and_hands_tasks_back() {
    let (signal, event_loop, log) =
        (Signal::<u32>::new(), EventLoop::bounded(3).expect("room for three"), Local::default());
    log_to(&event_loop, &signal, &log, |&n| n);
    signal.emit_batch(&[1, 2, 3, 4, 5]);
    let handle = event_loop.handle();
    let error = handle.post(|event_loop| event_loop.handle().stop()).expect_err("it is full");
    assert!(matches!(error, PostError::Full(_)));
    fn crosses_threads<T: std::error::Error + Send + Sync>(_: &T) {}
    crosses_threads(&error);
    let figures = event_loop.figures();
    assert_eq!((figures.queued, figures.lost, figures.high_water, event_loop.capacity()), (3, 2, 3, Some(3)));
    event_loop.run_pending(10);
    assert_eq!(take(&log), [1, 2, 3]);
    // It still works, and so does what was handed back.
    handle.post(error.into_task()).expect("there is room");
    signal.emit(&6);
    assert_eq!(event_loop.run().calls, 1);
    event_loop.run_pending(10);
    assert_eq!(take(&log), [6]);
}

#[test]
fn a_loop_that_could_queue_nothing_or_too_much_is_refused() {
    assert_eq!(EventLoop::bounded(0).err(), Some(CapacityError::Zero));
    assert!(matches!(EventLoop::bounded(usize::MAX), Err(CapacityError::TooLarge { asked: usize::MAX, .. })));
}

#[test]
fn figures_tell_what_was_run_and_how_far_it_lagged() {
    let (signal, event_loop) = (Signal::<u32>::new(), EventLoop::new());
    let connection = event_loop.connect(&signal, |_| {});
    signal.emit_batch(&[0; 100]);
    event_loop.run_pending(60);
    signal.emit_batch(&[0; 10]);
    connection.disconnect();
    event_loop.run_pending(usize::MAX);
    let figures = event_loop.figures();
    assert_eq!((figures.queued, figures.high_water), (0, 100));
    assert_eq!((figures.calls, figures.skipped, figures.lost), (60, 50, 0));
    assert_eq!(event_loop.handle().figures(), Some(figures));
}
