//! Nothing that is queued runs once its connection has ended, or is blocked.

use crate::shared::{Local, elsewhere, log_to, take};
use pulsebus::{Connection, EventLoop, LoopBudget, Signal, WaitError};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

#[test]
fn nothing_that_is_queued_runs_once_disconnect_has_returned_here() {
    let (signal, event_loop, log) = (Signal::<u32>::new(), EventLoop::new(), Local::default());
    let connection = log_to(&event_loop, &signal, &log, |&n| n);
    elsewhere(|| signal.emit_batch(&[1, 2, 3]));
    event_loop.run_pending(1);
    assert!(connection.disconnect());
    let run = event_loop.run_pending(10);
    assert_eq!((take(&log), run.calls, run.skipped), (vec![1], 0, 2));
}

#[test]
fn a_slot_that_ends_itself_or_a_later_one_gets_nothing_more_of_what_is_queued() {
    let (signal, event_loop, log) = (Signal::<u32>::new(), EventLoop::new(), Local::default());
    let own = Rc::new(Cell::new(None::<Connection>));
    let victim = Rc::new(Cell::new(None::<Connection>));
    let (me, other, seen) = (own.clone(), victim.clone(), log.clone());
    own.set(Some(event_loop.connect(&signal, move |&n| {
        seen.borrow_mut().push(n);
        for connection in [me.get(), other.get()] {
            assert!(connection.expect("connected for long").disconnect());
        }
    })));
    victim.set(Some(log_to(&event_loop, &signal, &log, |&n| n + 10)));
    signal.emit_batch(&[1, 2]);
    let run = event_loop.run_pending(10);
    assert_eq!((take(&log), run.calls, run.skipped), (vec![1], 1, 3));
}

#[test]
fn every_way_to_end_a_connection_keeps_the_queue_from_running_it() {
    let (event_loop, log) = (EventLoop::new(), Local::default());
    // The signal is dropped.
    let signal = Signal::<u32>::new();
    log_to(&event_loop, &signal, &log, |&n| n);
    signal.emit(&1);
    drop(signal);
    // All are disconnected.
    let signal = Signal::<u32>::new();
    log_to(&event_loop, &signal, &log, |&n| n);
    signal.emit(&2);
    signal.disconnect_all();
    // The guard goes.
    let seen = log.clone();
    let scoped = event_loop.connect_scoped(&signal, move |&n| seen.borrow_mut().push(n));
    signal.emit(&3);
    drop(scoped);
    let run = event_loop.run_pending(10);
    assert_eq!((take(&log), run.calls, run.skipped), (vec![], 0, 3));
}

#[test]
fn a_blocked_slot_gets_nothing_that_is_emitted_or_run_meanwhile() {
    let (signal, event_loop, log) = (Signal::<u32>::new(), EventLoop::new(), Local::default());
    let connection = log_to(&event_loop, &signal, &log, |&n| n);
    signal.emit(&1);
    let block = connection.block();
    signal.emit(&2);
    let run = event_loop.run_pending(10);
    assert_eq!((run.calls, run.skipped), (0, 1));
    drop(block);
    signal.emit(&3);
    event_loop.run_pending(10);
    assert_eq!(take(&log), [3]);
}

#[test]
fn disconnect_and_wait_waits_for_a_queued_call_and_fails_inside_one() {
    let signal = Arc::new(Signal::<()>::new());
    let (send, receive) = mpsc::channel();
    let (entered, inside) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let left = Arc::new(AtomicBool::new(false));
    let (theirs, has_left) = (signal.clone(), left.clone());
    let owner = thread::spawn(move || {
        let event_loop = EventLoop::new();
        let own = Rc::new(Cell::new(None::<Connection>));
        let me = own.clone();
        own.set(Some(event_loop.connect(&theirs, move |()| {
            entered.send(()).expect("the test listens");
            released.recv().expect("the test lets go");
            let wait = me.get().expect("connected for long").disconnect_and_wait(Duration::ZERO);
            assert_eq!(wait, Err(WaitError::WouldDeadlock));
            has_left.store(true, SeqCst);
        })));
        send.send((own.get().expect("set above"), event_loop.handle())).expect("the test listens");
        let run = event_loop.run();
        assert_eq!((run.calls, run.skipped), (2, 1), "the task is a call too");
    });
    let (connection, handle) = receive.recv().expect("the owner tells");
    signal.emit_batch(&[(), ()]);
    inside.recv().expect("the slot says so");
    assert_eq!(connection.disconnect_and_wait(Duration::ZERO), Err(WaitError::TimedOut));
    release.send(()).expect("the slot waits");
    let waited = connection.disconnect_and_wait(Duration::MAX);
    assert!(left.load(SeqCst), "nobody is inside");
    assert_eq!(waited, Ok(false), "ended by the first of them");
    // When it has met the second one.
    handle
        .post({
            let handle = handle.clone();
            move |_| handle.stop()
        })
        .expect("it runs");
    owner.join().expect("all was as expected");
}

#[test]
fn beside_those_who_emit_nothing_runs_after_a_disconnect_here() {
    let signal = Signal::<u32>::new();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(SeqCst) {
                    signal.emit(&1);
                    thread::yield_now();
                }
            });
        }
        let event_loop = EventLoop::new();
        for round in 0..300 {
            let (ended, calls) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(0)));
            let (is_over, count) = (ended.clone(), calls.clone());
            let connection = event_loop.connect(&signal, move |_| {
                count.set(if is_over.get() { usize::MAX } else { count.get() + 1 });
            });
            while calls.get() <= round % 3 {
                event_loop.run_pending(1);
            }
            assert!(connection.disconnect());
            ended.set(true);
            event_loop.run_pending(LoopBudget::Queued);
            assert_ne!(calls.get(), usize::MAX, "a call after its disconnection");
        }
        done.store(true, SeqCst);
    });
}
