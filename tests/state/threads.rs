//! Beside other threads, each slot gets newer values only, one at a time, and ends with the last.

use crate::common::Log;
use pulsebus::State;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;

/// A slot that checks what it may rely on: newer values only, one call at a time.
#[derive(Clone, Default)]
struct Strict(Arc<StrictState>);

#[derive(Default)]
struct StrictState {
    inside: AtomicBool,
    newest: AtomicU32,
    calls: AtomicU32,
    failed: AtomicBool,
}

impl Strict {
    fn slot(&self) -> impl Fn(&u32) + Send + Sync + 'static {
        let this = self.0.clone();
        move |&n| {
            let overlaps = this.inside.swap(true, SeqCst);
            let before = this.newest.swap(n, SeqCst);
            if overlaps || n <= before {
                this.failed.store(true, SeqCst);
            }
            this.calls.fetch_add(1, SeqCst);
            if n % 64 == 0 {
                thread::yield_now();
            }
            this.inside.store(false, SeqCst);
        }
    }

    #[track_caller]
    fn assert_ended_with(&self, last: u32) {
        assert!(!self.0.failed.load(SeqCst), "calls that overlapped, or a value that was not newer");
        assert_eq!(self.0.newest.load(SeqCst), last);
    }
}

#[test]
fn beside_setters_every_slot_gets_newer_values_only_one_at_a_time_and_ends_with_the_last() {
    const SETTERS: u32 = 3;
    const EACH: u32 = 3_000;
    let state = State::new(1);
    let (early, late) = (Strict::default(), Mutex::new(Vec::new()));
    state.connect(early.slot());
    let start = Barrier::new(SETTERS as usize + 1);
    thread::scope(|scope| {
        for _ in 0..SETTERS {
            scope.spawn(|| {
                start.wait();
                // The numbers are the versions: one more than whatever was there.
                (0..EACH).for_each(|_| _ = state.update(|n| n + 1));
            });
        }
        scope.spawn(|| {
            start.wait();
            for _ in 0..300 {
                let strict = Strict::default();
                state.connect(strict.slot());
                late.lock().expect("nobody panics").push(strict);
            }
        });
    });
    early.assert_ended_with(1 + SETTERS * EACH);
    let late = late.into_inner().expect("nobody panics");
    late.iter().for_each(|strict| strict.assert_ended_with(1 + SETTERS * EACH));
}

#[test]
fn one_that_sets_alone_beside_those_who_connect_is_heard_in_full() {
    const VALUES: u32 = 5_000;
    let state = State::new(0);
    let log = Log::new();
    state.connect(log.slot(|&n| n));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            (1..=VALUES).for_each(|n| state.set(n));
            done.store(true, SeqCst);
        });
        scope.spawn(|| {
            while !done.load(SeqCst) {
                state.connect(|_| {}).disconnect();
            }
        });
    });
    assert_eq!(log.take(), (0..=VALUES).collect::<Vec<_>>());
}

#[test]
fn a_slot_that_another_thread_is_in_gets_the_newer_value_from_that_thread() {
    let state = State::empty();
    let log = Log::new();
    let ((entered, inside), (release, released)) = (mpsc::channel(), mpsc::channel::<()>());
    let (released, seen) = (Mutex::new(released), log.clone());
    state.connect(move |&n: &u32| {
        if n == 1 {
            entered.send(()).expect("the test listens");
            released.lock().expect("nobody panics").recv().expect("the test lets go");
        }
        seen.push((n, thread::current().id()));
    });
    thread::scope(|scope| {
        let one = scope.spawn(|| state.set(1));
        inside.recv().expect("the slot says so");
        // Does not wait for the slot.
        state.set(2);
        state.set(3);
        assert_eq!(log.take(), []);
        // Nor does who comes late, who is called here with what is newest.
        let late = Log::new();
        state.connect(late.slot(|&n| n));
        assert_eq!(late.take(), [3]);
        release.send(()).expect("the slot waits");
        let id = one.thread().id();
        one.join().expect("it only sets");
        assert_eq!(log.take(), [(1, id), (3, id)]);
    });
}

#[test]
fn what_was_written_before_a_set_is_seen_by_the_slot_and_by_who_gets_the_value() {
    let state = State::new(Vec::<u32>::new());
    let lengths = Log::new();
    state.connect(lengths.slot(|list: &Vec<u32>| list.iter().sum::<u32>() as usize + 1 - list.len()));
    thread::scope(|scope| {
        scope.spawn(|| (0..500).for_each(|n| state.set(vec![1; n])));
        scope.spawn(|| {
            for _ in 0..500 {
                let list = state.get().expect("there is one from the start");
                assert!(list.iter().all(|&one| one == 1));
            }
        });
    });
    assert!(lengths.take().iter().all(|&one| one == 1));
}
