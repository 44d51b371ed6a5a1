//! Event loops: slots run on the owner's thread, in the order in which they were queued, and not once they are
//! disconnected.

mod common;

use common::{Counter, Guard, Log, Tally, collect_all, holding, inside_emission};
use pulsebus::{CapacityError, Connection, Domain, EventLoop, LoopBudget, PanicPolicy, PostError, Signal, WaitError};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// What the slots of a loop have done: of one thread, and nobody locks it.
type Local<T> = Rc<RefCell<Vec<T>>>;

fn take<T>(log: &Local<T>) -> Vec<T> {
    std::mem::take(&mut *log.borrow_mut())
}

/// Connects a slot that logs what `entry` makes of the event.
fn log_to<E: Clone + Send + 'static, T: 'static>(
    event_loop: &EventLoop,
    signal: &Signal<E>,
    log: &Local<T>,
    entry: impl Fn(&E) -> T + 'static,
) -> Connection {
    let log = log.clone();
    event_loop.connect(signal, move |event| log.borrow_mut().push(entry(event)))
}

/// A thread that is not the owner's.
fn elsewhere<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(f).join().expect("it does not panic"))
}

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

// --- disconnecting ---

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

// --- panics ---

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

// --- inside a queued call ---

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

// --- sleeping ---

#[test]
fn run_sleeps_until_it_is_stopped_and_runs_what_comes() {
    const EVENTS: u32 = 1_000;
    let (signal, event_loop, log) = (Signal::<u32>::new(), EventLoop::new(), Local::default());
    log_to(&event_loop, &signal, &log, |&n| n);
    let handle = event_loop.handle();
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..EVENTS {
                signal.emit(&n);
                if n % 100 == 0 {
                    thread::sleep(Duration::from_millis(1));
                }
            }
            let stopper = handle.clone();
            handle.post(move |_| stopper.stop()).expect("it runs");
        });
        assert_eq!(event_loop.run().calls, EVENTS as usize + 1);
    });
    assert_eq!(take(&log), (0..EVENTS).collect::<Vec<_>>());
}

#[test]
fn a_stop_that_comes_first_is_not_lost_and_counts_once() {
    let (signal, event_loop, log) = (Signal::<u32>::new(), EventLoop::new(), Local::default());
    log_to(&event_loop, &signal, &log, |&n| n);
    signal.emit(&1);
    let handle = event_loop.handle();
    handle.stop();
    handle.stop();
    let run = event_loop.run();
    assert_eq!((run.calls, run.left), (0, 1), "before the next call");
    assert_eq!(event_loop.run_until(Instant::now() + Duration::from_millis(1)).calls, 1);
}

#[test]
fn run_until_returns_when_its_time_has_come() {
    let event_loop = EventLoop::new();
    let deadline = Instant::now() + Duration::from_millis(5);
    assert_eq!(event_loop.run_until(deadline).calls, 0);
    assert!(Instant::now() >= deadline);
    assert_eq!(event_loop.run_until(deadline).calls, 0, "one that has passed");
}

#[test]
fn a_sleeping_loop_drops_a_slot_that_is_collected_elsewhere() {
    let domain = Domain::new();
    let (signal, event_loop) = (Signal::<u32>::new_in(&domain), EventLoop::new());
    let (dropped, here) = (Log::new(), thread::current().id());
    struct Tells(Log<ThreadId>, pulsebus::LoopHandle);
    impl Drop for Tells {
        fn drop(&mut self) {
            self.0.push(thread::current().id());
            self.1.stop();
        }
    }
    let tells = Tells(dropped.clone(), event_loop.handle());
    let connection = event_loop.connect(&signal, holding(tells));
    thread::scope(|scope| {
        scope.spawn(|| {
            connection.disconnect();
            collect_all(&domain);
        });
        event_loop.run();
    });
    assert_eq!(dropped.take(), [here]);
}

/// A loop that sleeps on a thread of its own. (Not one that waits for a scope: the end of its threads would wake it.)
#[test]
fn an_event_a_task_a_dropped_slot_and_a_stop_each_wake_a_sleeping_loop() {
    /// Until it sleeps, most likely; and if it does not, it is no failure.
    fn let_it_sleep() {
        thread::sleep(Duration::from_millis(3));
    }
    const TOO_LONG: Duration = Duration::from_secs(60);
    struct Tells(mpsc::Sender<&'static str>);
    impl Drop for Tells {
        fn drop(&mut self) {
            self.0.send("dropped").expect("the test listens");
        }
    }
    let domain = Domain::new();
    let signal = Arc::new(Signal::<()>::new_in(&domain));
    let (send, receive) = mpsc::channel();
    let ((tell, told), theirs) = (mpsc::channel(), signal.clone());
    let owner = thread::spawn(move || {
        let (event_loop, called, tells) = (EventLoop::new(), tell.clone(), Tells(tell.clone()));
        event_loop.connect(&theirs, move |()| {
            let _held = &tells;
            called.send("called").expect("the test listens");
        });
        send.send(event_loop.handle()).expect("the test listens");
        event_loop.run();
        tell.send("stopped").expect("the test listens");
    });
    let handle = receive.recv().expect("the owner tells");
    let told = || told.recv_timeout(TOO_LONG);
    for _ in 0..3 {
        let_it_sleep();
        signal.emit(&());
        assert_eq!(told(), Ok("called"));
        let_it_sleep();
        let (post, posted) = mpsc::channel();
        handle.post(move |_| post.send(()).expect("the test listens")).expect("it runs");
        assert_eq!(posted.recv_timeout(TOO_LONG), Ok(()));
    }
    let_it_sleep();
    signal.disconnect_all();
    collect_all(&domain);
    assert_eq!(told(), Ok("dropped"));
    let_it_sleep();
    handle.stop();
    assert_eq!(told(), Ok("stopped"));
    owner.join().expect("it only runs");
}

#[test]
fn what_was_done_before_a_stop_is_seen_after_the_run() {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let mut before = 0;
    thread::scope(|scope| {
        let before = &mut before;
        scope.spawn(move || {
            *before = 1;
            handle.stop();
        });
        event_loop.run();
    });
    assert_eq!(before, 1);
}

// --- ends ---

#[test]
fn closures_are_dropped_on_the_owners_thread_outside_of_emissions() {
    let domain = Domain::new();
    let (signal, event_loop) = (Signal::<u32>::new_in(&domain), EventLoop::new());
    let tally = Tally::new();
    let connect = || {
        let guard = Rc::new(tally.guard());
        event_loop.connect(&signal, move |_| guard.check())
    };
    let (collected, met) = (connect(), connect());
    collected.disconnect();
    elsewhere(|| collect_all(&domain));
    assert_eq!(tally.dropped(), 0, "not by who collects");
    signal.emit(&1);
    signal.connect({
        let inside = AtomicUsize::new(0);
        move |_| _ = inside.fetch_add(1, SeqCst)
    });
    inside_emission(|| {
        signal.emit(&2);
    });
    event_loop.run_pending(0);
    assert_eq!(tally.dropped(), 1, "when the owner looks");
    met.disconnect();
    event_loop.run_pending(10);
    assert_eq!(tally.dropped(), 2, "when a call for it is skipped");
    assert_eq!(tally.dropped_inside(), 0);
}

#[test]
fn inside_an_emission_a_run_drops_no_slots() {
    thread_local! {
        static LOOP: EventLoop = EventLoop::new();
    }
    let domain = Domain::new();
    let (signal, tally) = (Signal::<u32>::new_in(&domain), Tally::new());
    let guard = tally.guard();
    LOOP.with(|event_loop| event_loop.connect(&signal, move |_| guard.check())).disconnect();
    collect_all(&domain);
    // And one that is met in the queue.
    let guard = tally.guard();
    let met = LOOP.with(|event_loop| event_loop.connect(&signal, move |_| guard.check()));
    signal.emit_batch(&[1, 2]);
    met.disconnect();
    let ticks = Signal::<()>::new();
    ticks.connect(|()| LOOP.with(|event_loop| assert_eq!(event_loop.run_pending(1).skipped, 2)));
    inside_emission(|| ticks.emit(&()));
    assert_eq!(tally.dropped(), 0);
    LOOP.with(|event_loop| event_loop.run_pending(1));
    assert_eq!(tally.dropped(), 1);
    collect_all(&domain);
    LOOP.with(|event_loop| event_loop.run_pending(1));
    tally.assert_all_dropped();
}

/// An event that tells where it is dropped.
#[derive(Clone)]
struct Traced(Log<ThreadId>);

impl Drop for Traced {
    fn drop(&mut self) {
        self.0.push(thread::current().id());
    }
}

#[test]
fn dropping_the_loop_ends_its_slots_and_drops_all_here() {
    let domain = Domain::new();
    let signal = Signal::<Option<Traced>>::new_in(&domain);
    let (event_loop, tally, dropped) = (EventLoop::new(), Tally::new(), Log::new());
    let guard = tally.guard();
    let connection = event_loop.connect(&signal, move |_| guard.check());
    let handle = event_loop.handle();
    elsewhere(|| {
        let event = Some(Traced(dropped.clone()));
        signal.emit_batch(&[event.clone(), event.clone()]);
        let traced = Traced(dropped.clone());
        handle.post(move |_| drop(traced)).expect("there is room");
    });
    dropped.take();
    drop(event_loop);
    assert!(!connection.is_connected() && signal.is_empty());
    tally.assert_all_dropped();
    assert_eq!(dropped.take(), [thread::current().id(); 3]);
    assert!(handle.is_closed() && handle.figures().is_none());
    handle.stop();
    assert!(matches!(handle.post(|_| {}), Err(PostError::Closed(_))));
}

#[test]
fn a_loop_that_is_dropped_beside_those_who_emit_leaves_nothing() {
    for _ in 0..200 {
        let (signal, tally) = (Signal::<Arc<Guard>>::new(), Tally::new());
        let event_loop = EventLoop::new();
        event_loop.connect(&signal, |guard| guard.check());
        let handle = event_loop.handle();
        let start = Barrier::new(3);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..20 {
                        signal.emit(&Arc::new(tally.guard()));
                        let guard = tally.guard();
                        let _ = handle.post(move |_| guard.check());
                    }
                });
            }
            start.wait();
            event_loop.run_pending(5);
            drop(event_loop);
        });
        // The handle is there still, the slot has not been collected: what was queued has gone all the same.
        tally.assert_all_dropped();
    }
}

#[test]
fn what_is_queued_is_dropped_here_also_if_another_thread_is_at_the_queue() {
    /// Of the second clone, which finds no room: its destructor holds the emitter up, at the queue.
    struct Held {
        clones: Arc<AtomicUsize>,
        number: usize,
        dropped: Log<ThreadId>,
        at_queue: mpsc::SyncSender<()>,
        go_on: Arc<Barrier>,
    }
    impl Clone for Held {
        fn clone(&self) -> Self {
            let number = self.clones.fetch_add(1, SeqCst) + 1;
            let Self { clones, dropped, at_queue, go_on, .. } = self;
            let (clones, dropped) = (clones.clone(), dropped.clone());
            Self { clones, number, dropped, at_queue: at_queue.clone(), go_on: go_on.clone() }
        }
    }
    impl Drop for Held {
        fn drop(&mut self) {
            match self.number {
                1 => self.dropped.push(thread::current().id()),
                2 => {
                    self.at_queue.send(()).expect("the test listens");
                    self.go_on.wait();
                }
                _ => {}
            }
        }
    }
    let (signal, event_loop) = (Signal::<Held>::new(), EventLoop::bounded(1).expect("room for one"));
    event_loop.connect(&signal, |_| {});
    let (dropped, go_on) = (Log::new(), Arc::new(Barrier::new(2)));
    let (at_queue, is_at_queue) = mpsc::sync_channel(1);
    let event = Held { clones: Arc::default(), number: 0, dropped: dropped.clone(), at_queue, go_on: go_on.clone() };
    thread::scope(|scope| {
        scope.spawn(|| {
            signal.emit(&event);
            signal.emit(&event);
        });
        is_at_queue.recv().expect("the second one is lost");
        drop(event_loop);
        go_on.wait();
    });
    assert_eq!(dropped.take(), [thread::current().id()]);
}

#[test]
fn a_destructor_that_panics_keeps_nothing_from_being_dropped() {
    struct Bad(#[expect(dead_code, reason = "dropped")] Guard);
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("a bad end");
        }
    }
    let (signal, tally) = (Signal::<u32>::new(), Tally::new());
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    for _ in 0..3 {
        let (slot, task) = (Bad(tally.guard()), Bad(tally.guard()));
        event_loop.connect(&signal, holding(slot));
        handle.post(holding(task)).expect("there is room");
    }
    drop(event_loop);
    tally.assert_all_dropped();
}

#[test]
fn a_slot_outlives_its_loop_no_more_than_any_other() {
    let domain = Domain::new();
    let signal = Signal::<u32>::new_in(&domain);
    for _ in 0..1_000 {
        let event_loop = EventLoop::new();
        event_loop.connect(&signal, |_| {});
    }
    collect_all(&domain);
    assert_eq!((signal.len(), domain.statistics().slots.live), (0, 0));
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
