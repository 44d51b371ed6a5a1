//! Bells alone; that they lose no wake-up is for the models to say.

use super::super::wait::Wait;
use super::{Bell, Ticket};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn whoever_waits_is_woken_whatever_the_strategy() {
    for wait in [Wait::Spin, Wait::Yield, Wait::Park] {
        let (bell, made) = (Bell::new(), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| bell.wait(wait, || None, || (made.load(SeqCst) > 0).then_some(())));
            }
            thread::yield_now();
            made.store(1, SeqCst);
            bell.ring();
        });
        assert_eq!(bell.lock().asleep, 0);
    }
}

#[test]
fn a_deadline_ends_the_wait() {
    for wait in [Wait::Spin, Wait::Yield, Wait::Park] {
        let (bell, begin) = (Bell::new(), Instant::now());
        let deadline = begin + Duration::from_millis(20);
        assert_eq!(bell.wait(wait, || Some(deadline), || None::<()>), None);
        assert!(Instant::now() >= deadline);
        assert_eq!(bell.lock().asleep, 0, "who gives up does not stay");
    }
}

#[test]
fn a_wait_whose_condition_panics_does_not_stay() {
    let bell = Bell::new();
    let mut looks = 0;
    let wait = || {
        let ready = || {
            looks += 1;
            assert!(looks < 1000 && bell.lock().asleep == 0, "looked at while it is among the sleepers");
            None::<()>
        };
        bell.wait(Wait::Park, || None, ready)
    };
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(wait)).expect_err("it panics when it is to sleep");
    assert_eq!(bell.lock().asleep, 0);
}

#[test]
fn a_task_is_woken_once_and_leaves_nothing_behind() {
    let (bell, woken) = (Bell::new(), Arc::new(Woken::default()));
    let waker = Waker::from(woken.clone());
    let (mut first, mut second) = (Ticket::default(), Ticket::default());
    bell.enter(&mut first, &waker);
    bell.enter(&mut first, &waker);
    bell.enter(&mut second, &waker);
    assert_eq!(bell.lock().asleep, 2);
    bell.ring();
    bell.ring();
    assert_eq!(woken.0.load(SeqCst), 2);
    bell.enter(&mut first, &waker);
    bell.leave(&mut first);
    bell.leave(&mut second);
    bell.ring();
    assert_eq!(woken.0.load(SeqCst), 2);
    drop(waker);
    assert_eq!(Arc::strong_count(&woken), 1, "no waker is kept");
}

#[test]
fn another_waker_replaces_the_one_before() {
    let (bell, old, new) = (Bell::new(), Arc::new(Woken::default()), Arc::new(Woken::default()));
    let mut ticket = Ticket::default();
    bell.enter(&mut ticket, &Waker::from(old.clone()));
    bell.enter(&mut ticket, &Waker::from(new.clone()));
    assert_eq!(Arc::strong_count(&old), 1);
    bell.ring();
    assert_eq!((old.0.load(SeqCst), new.0.load(SeqCst)), (0, 1));
}

#[test]
fn more_sleepers_than_a_round_are_all_woken_and_those_who_come_back_are_left() {
    /// Comes back at once.
    struct Again(Weak<Bell>, Mutex<Ticket>, AtomicUsize);
    impl Wake for Again {
        fn wake(self: Arc<Self>) {
            self.2.fetch_add(1, SeqCst);
            let bell = self.0.upgrade().expect("it rings");
            let mut ticket = self.1.lock().expect("nothing panics under it");
            bell.enter(&mut ticket, &Waker::from(self.clone()));
        }
    }
    let bell = Arc::new(Bell::new());
    let tasks: Vec<_> =
        (0..50).map(|_| Arc::new(Again(Arc::downgrade(&bell), Mutex::default(), AtomicUsize::new(0)))).collect();
    for task in &tasks {
        bell.enter(&mut task.1.lock().expect("as above"), &Waker::from(task.clone()));
    }
    bell.ring();
    assert!(tasks.iter().all(|task| task.2.load(SeqCst) == 1));
    assert_eq!(bell.lock().asleep, 50);
    for task in &tasks {
        let mut ticket = std::mem::take(&mut *task.1.lock().expect("as above"));
        bell.leave(&mut ticket);
    }
}

#[test]
fn a_waker_that_panics_keeps_nobody_from_being_woken() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("on purpose");
        }
    }
    let (bell, woken) = (Bell::new(), Arc::new(Woken::default()));
    let (mut first, mut second) = (Ticket::default(), Ticket::default());
    bell.enter(&mut first, &Waker::from(Arc::new(Panics)));
    bell.enter(&mut second, &Waker::from(woken.clone()));
    bell.ring();
    assert_eq!(woken.0.load(SeqCst), 1);
}

#[test]
fn a_waker_whose_destructor_rings_does_not_lock_up() {
    struct Rings(Arc<Bell>);
    impl Wake for Rings {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Rings {
        fn drop(&mut self) {
            self.0.ring();
        }
    }
    let (bell, woken) = (Arc::new(Bell::new()), Arc::new(Woken::default()));
    let mut ticket = Ticket::default();
    bell.enter(&mut ticket, &Waker::from(Arc::new(Rings(bell.clone()))));
    bell.enter(&mut ticket, &Waker::from(woken.clone()));
    bell.enter(&mut ticket, &Waker::from(Arc::new(Rings(bell.clone()))));
    bell.leave(&mut ticket);
    assert_eq!(bell.lock().asleep, 0);
}
