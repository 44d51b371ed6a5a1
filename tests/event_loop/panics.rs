//! Panics of slots, of tasks, and of clones: counted where they belong, and nobody else is hurt.

use crate::common::Log;
use crate::shared::{Local, log_to, take};
use pulsebus::{Domain, EventLoop, PanicPolicy, Signal};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn a_panic_is_counted_for_its_connection_and_hurts_nobody_else() {
    let domain = Domain::new();
    let (signal, event_loop, log) = (Signal::<u32>::new_in(&domain), EventLoop::new(), Local::default());
    let reports = Log::new();
    let seen = reports.clone();
    domain.set_panic_hook(move |panic| seen.push((panic.message().map(str::to_owned), panic.place.is_some())));
    let fragile = event_loop.connect(&signal, |&n| assert!(n != 2, "not two"));
    log_to(&event_loop, &signal, &log, |&n| n);
    signal.emit_batch(&[1, 2, 3]);
    assert_eq!(event_loop.run_pending(10).calls, 6);
    assert_eq!((fragile.panics(), fragile.is_connected()), (Some(1), true));
    assert_eq!((take(&log), domain.statistics().slot_panics), (vec![1, 2, 3], 1));
    assert_eq!(reports.take(), [(Some("not two".to_owned()), true)]);
}

#[test]
fn a_connection_that_may_panic_so_often_ends_with_that() {
    let (signal, event_loop) = (Signal::<u32>::new(), EventLoop::new());
    signal.on_panic(PanicPolicy::DisconnectAfter(2));
    let fragile = event_loop.connect(&signal, |n| panic!("{n}"));
    signal.emit_batch(&[1, 2, 3]);
    let run = event_loop.run_pending(10);
    assert_eq!((run.calls, run.skipped, fragile.is_connected()), (2, 1, false));
}

#[test]
fn a_panic_that_propagates_ends_the_run_and_leaves_what_is_queued() {
    let (signal, event_loop, log) = (Signal::<u32>::new(), EventLoop::new(), Local::default());
    signal.on_panic(PanicPolicy::Propagate);
    let seen = log.clone();
    event_loop.connect(&signal, move |&n| {
        assert!(n != 1, "one");
        seen.borrow_mut().push(n);
    });
    signal.emit_batch(&[1, 2]);
    let payload = catch_unwind(AssertUnwindSafe(|| event_loop.run_pending(10))).expect_err("it is propagated");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"one"));
    assert_eq!((event_loop.figures().queued, event_loop.run_pending(10).calls, take(&log)), (1, 1, vec![2]));
}

#[test]
fn an_event_whose_clone_panics_is_the_emitters_panic_and_queues_nothing() {
    struct Unique(u32);
    impl Clone for Unique {
        fn clone(&self) -> Self {
            assert!(self.0 != 2, "no two of it");
            Self(self.0)
        }
    }
    let (signal, event_loop, log) = (Signal::<Unique>::new(), EventLoop::new(), Local::default());
    let connection = log_to(&event_loop, &signal, &log, |unique| unique.0);
    signal.emit_batch(&[Unique(1), Unique(2), Unique(3)]);
    assert_eq!(connection.panics(), Some(1));
    event_loop.run_pending(10);
    assert_eq!(take(&log), [1, 3]);
}

#[test]
fn a_task_that_panics_is_counted_and_hurts_nobody() {
    let (event_loop, log) = (EventLoop::new(), Log::new());
    let handle = event_loop.handle();
    let seen = log.clone();
    handle.post(|_| panic!("a bad task")).expect("there is room");
    handle.post(move |_| seen.push(())).expect("there is room");
    assert_eq!(event_loop.run_pending(10).calls, 2);
    assert_eq!((log.take().len(), event_loop.figures().task_panics), (1, 1));
}
