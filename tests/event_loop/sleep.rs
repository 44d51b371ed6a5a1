//! A loop that runs until it is stopped: what wakes it, and what it has seen when it returns.

use crate::common::{Log, collect_all, holding};
use crate::shared::{Local, log_to, take};
use pulsebus::{Domain, EventLoop, Signal};
use std::sync::{Arc, mpsc};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

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
