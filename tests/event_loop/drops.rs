//! Where and when slots, events and tasks are dropped, and the loop with them.

use crate::common::{Guard, Log, Tally, collect_all, holding, inside_emission};
use crate::shared::elsewhere;
use pulsebus::{Domain, EventLoop, PostError, Signal};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};
use std::thread::{self, ThreadId};

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
