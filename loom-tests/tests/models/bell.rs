//! The bell: nobody sleeps through what happens. (Who does is found by loom: nobody can run any more.)

use loom::thread::{Thread, current, park};
use loom_tests::{Note, pair, trio};
use pulsebus::model::delivery::{Doorbell, LateDoorbell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Wake, Waker};

#[test]
fn a_thread_that_sleeps_is_woken() {
    pair("bell: ring vs wait", &["woken"], |run| {
        let (door, note) = (Doorbell::new(), Note::default());
        let seen = note.clone();
        run.race(
            move || {
                note.write(7);
                door.ring();
            },
            move || {
                door.wait(1);
                assert_eq!(seen.read(), 7, "what happened before the ring is seen");
            },
        );
        run.note("woken");
    });
}

#[test]
fn a_thread_that_sleeps_again_is_woken_again() {
    pair("bell: ring twice vs wait twice", &["woken"], |run| {
        let door = Doorbell::new();
        run.race(
            move || {
                door.ring();
                door.ring();
            },
            move || {
                door.wait(1);
                door.wait(2);
            },
        );
        run.note("woken");
    });
}

#[test]
fn all_who_sleep_are_woken() {
    trio("bell: ring vs wait vs wait", &["woken"], |run| {
        let door = Doorbell::new();
        run.race3(move || door.ring(), move || door.wait(1), move || door.wait(1));
        run.note("woken");
    });
}

#[test]
fn of_two_who_ring_each_wakes_whom_it_must() {
    trio("bell: ring vs ring vs wait for both", &["woken"], |run| {
        let door = Doorbell::new();
        run.race3(move || door.ring(), move || door.ring(), move || door.wait(2));
        run.note("woken");
    });
}

/// A task's waker: unparks the thread that runs the task.
struct Executor {
    thread: Thread,
    wakes: Arc<AtomicU32>,
}

impl Wake for Executor {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Relaxed);
        self.thread.unpark();
    }
}

fn executor() -> (Waker, Arc<AtomicU32>) {
    let wakes = Arc::new(AtomicU32::new(0));
    (Waker::from(Arc::new(Executor { thread: current(), wakes: wakes.clone() })), wakes)
}

#[test]
fn a_task_is_woken() {
    pair("bell: ring twice vs a task", &["at once", "woken"], |run| {
        let door = Doorbell::new();
        let ((), wakes) = run.race(
            move || {
                door.ring();
                door.ring();
            },
            move || {
                let (waker, wakes) = executor();
                let mut place = door.place();
                while !place.poll(2, &waker) {
                    park();
                }
                drop(place);
                wakes.load(Relaxed)
            },
        );
        run.note_if(wakes == 0, "at once", "woken");
    });
}

#[test]
fn a_task_that_comes_with_another_waker_is_woken_by_that() {
    pair("bell: ring vs a task with two wakers", &["woken"], |run| {
        let door = Doorbell::new();
        run.race(
            move || door.ring(),
            move || {
                let mut place = door.place();
                if place.poll(1, Waker::noop()) {
                    return;
                }
                let (waker, _) = executor();
                while !place.poll(1, &waker) {
                    park();
                }
            },
        );
        run.note("woken");
    });
}

#[test]
fn a_task_that_gives_up_leaves_the_other_to_be_woken() {
    trio("bell: ring vs a task vs one that gives up", &["woken"], |run| {
        let door = Doorbell::new();
        run.race3(
            move || door.ring(),
            move || {
                let (waker, _) = executor();
                let mut place = door.place();
                while !place.poll(1, &waker) {
                    park();
                }
            },
            move || {
                let mut place = door.place();
                place.poll(1, Waker::noop());
                drop(place);
            },
        );
        run.note("woken");
    });
}

/// Waits as a task at a bell that is made late.
fn wait_late(door: Arc<LateDoorbell>) {
    let (waker, _) = executor();
    let mut place = door.place();
    while !place.poll(&waker) {
        park();
    }
}

#[test]
fn who_makes_the_bell_is_woken_by_what_happens_meanwhile() {
    pair("bell, late: ring vs a task", &["woken"], |run| {
        let door = LateDoorbell::new();
        let waiting = door.clone();
        run.race(move || door.ring(), move || wait_late(waiting));
        run.note("woken");
    });
}

#[test]
fn two_who_make_the_bell_wait_at_the_same_one() {
    trio("bell, late: ring vs a task vs a task", &["woken"], |run| {
        let door = LateDoorbell::new();
        let (first, second) = (door.clone(), door.clone());
        run.race3(move || door.ring(), move || wait_late(first), move || wait_late(second));
        run.note("woken");
    });
}
