//! What a queued call may do with its own loop: emit, connect, and run it.

use crate::common::{Log, Tally};
use crate::shared::{Local, log_to, take};
use pulsebus::{Connection, Domain, EventLoop, LoopBudget, Signal};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

#[test]
fn what_a_call_emits_is_queued_behind_the_rest() {
    let (signal, event_loop, log) = (Arc::new(Signal::<u32>::new()), EventLoop::new(), Local::default());
    let (again, seen) = (Arc::downgrade(&signal), log.clone());
    event_loop.connect(&signal, move |&n| {
        seen.borrow_mut().push(n);
        if n < 10 {
            again.upgrade().expect("the test has it").emit(&(n + 10));
        }
    });
    signal.emit_batch(&[1, 2]);
    event_loop.run_pending(10);
    assert_eq!(take(&log), [1, 2, 11, 12]);
}

#[test]
fn a_call_may_connect_to_its_loop_and_a_task_too() {
    let (signal, event_loop, log) = (Arc::new(Signal::<u32>::new()), Rc::new(EventLoop::new()), Local::default());
    let (inner, theirs, seen) = (Rc::downgrade(&event_loop), Arc::downgrade(&signal), log.clone());
    let first = event_loop.connect(&signal, move |_| {
        let (event_loop, signal) = (inner.upgrade().expect("it runs"), theirs.upgrade().expect("the test has it"));
        log_to(&event_loop, &signal, &seen, |&n| ('a', n));
    });
    signal.emit(&1);
    event_loop.run_pending(10);
    first.disconnect();
    let (posted, theirs) = (Log::new(), signal.clone());
    let seen = posted.clone();
    let post = move |event_loop: &EventLoop| _ = event_loop.connect(&theirs, move |&n| seen.push(('b', n)));
    event_loop.handle().post(post).expect("there is room");
    event_loop.run_pending(10);
    signal.emit(&2);
    event_loop.run_pending(10);
    assert_eq!((take(&log), posted.take()), (vec![('a', 2)], vec![('b', 2)]));
}

#[test]
fn a_run_inside_a_call_runs_what_is_queued_but_does_not_enter_a_slot_that_is_called() {
    let (signal, event_loop, log) = (Signal::<u32>::new(), Rc::new(EventLoop::new()), Local::default());
    let (inner, seen) = (Rc::downgrade(&event_loop), log.clone());
    event_loop.connect(&signal, move |&n| {
        seen.borrow_mut().push(('a', n));
        if n == 1 {
            let run = inner.upgrade().expect("it runs").run_pending(10);
            // Both of the other slot; ours waits.
            assert_eq!((run.calls, run.left), (2, 0));
        }
        seen.borrow_mut().push(('A', n));
    });
    log_to(&event_loop, &signal, &log, |&n| ('b', n));
    signal.emit_batch(&[1, 2]);
    let run = event_loop.run_pending(1);
    assert_eq!((run.calls, run.left), (1, 1), "what has waited is queued still");
    assert_eq!(take(&log), [('a', 1), ('b', 1), ('b', 2), ('A', 1)]);
    event_loop.run_pending(10);
    assert_eq!(take(&log), [('a', 2), ('A', 2)]);
}

#[test]
fn what_has_waited_for_a_call_comes_before_what_is_queued_and_in_its_order() {
    let (signal, event_loop, log) = (Arc::new(Signal::<u32>::new()), Rc::new(EventLoop::new()), Local::default());
    let (inner, again, seen) = (Rc::downgrade(&event_loop), Arc::downgrade(&signal), log.clone());
    event_loop.connect(&signal, move |&n| {
        seen.borrow_mut().push(n);
        // Twice, at different depths of the queue.
        if n == 1 || n == 2 {
            let signal = again.upgrade().expect("the test has it");
            signal.emit(&(n + 100));
            inner.upgrade().expect("it runs").run_pending(LoopBudget::Queued);
            signal.emit(&(n + 200));
        }
    });
    signal.emit_batch(&[1, 2, 3]);
    event_loop.run_pending(usize::MAX);
    assert_eq!(take(&log), [1, 2, 3, 101, 201, 102, 202]);
}

#[test]
fn a_slot_that_ends_while_calls_wait_for_it_is_dropped_with_them_after_its_call() {
    let domain = Domain::new();
    let (signal, event_loop) = (Signal::<Rc2>::new_in(&domain), Rc::new(EventLoop::new()));
    let (tally, own) = (Tally::new(), Rc::new(Cell::new(None::<Connection>)));
    let (inner, me, guard, dropped) = (Rc::downgrade(&event_loop), own.clone(), tally.guard(), tally.clone());
    own.set(Some(event_loop.connect(&signal, move |_| {
        inner.upgrade().expect("it runs").run_pending(10);
        me.get().expect("connected for long").disconnect();
        guard.check();
        assert_eq!(dropped.dropped(), 0);
    })));
    let events = Arc::new(());
    signal.emit_batch(&[Rc2(events.clone()), Rc2(events.clone())]);
    event_loop.run_pending(10);
    tally.assert_all_dropped();
    assert_eq!(Arc::strong_count(&events), 1);
}

/// An event whose clones are counted.
#[derive(Clone)]
struct Rc2(#[expect(dead_code, reason = "counted")] Arc<()>);
