//! What a hostile reading of the pools of objects found.

use pulsebus::{ManualClock, Pool, Pooled, ResizeReason};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

type Call = Option<Box<dyn FnMut() + Send>>;

/// On being dropped, calls what is in there.
struct Calls(Arc<Mutex<Call>>);

impl Drop for Calls {
    fn drop(&mut self) {
        let call = self.0.lock().unwrap().take();
        if let Some(mut call) = call {
            call();
            *self.0.lock().unwrap() = Some(call);
        }
    }
}

#[test]
fn objects_that_a_shrink_drops_are_not_taken_for_objects_in_use() {
    let call = Arc::new(Mutex::new(Call::None));
    let made = Arc::clone(&call);
    let pool = Pool::builder(move || Calls(Arc::clone(&made))).initial(1000).build().unwrap();
    drop(pool.get_many(3));
    let user = pool.clone();
    // As another thread may, at that moment.
    *call.lock().unwrap() = Some(Box::new(move || drop(user.get())));
    pool.shrink_to_fit();
    call.lock().unwrap().take();
    let figures = pool.figures();
    assert!(figures.peak <= 4, "at most 3 and 1 were out at a time: {figures}");
}

#[test]
fn a_pool_whose_need_is_small_stays_small_however_often_it_is_resized() {
    let pool = Pool::builder(|| 0u64).build().unwrap();
    let (stop, most) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(SeqCst) {
                    drop(pool.get_many(70));
                }
            });
        }
        for _ in 0..2_000 {
            pool.shrink_to_fit();
            pool.warm(20);
            pool.maintain();
            most.fetch_max(pool.figures().objects(), SeqCst);
            if most.load(SeqCst) > 20_000 {
                break;
            }
        }
        stop.store(true, SeqCst);
    });
    // Two threads have 140 out and 128 at hand, at the most.
    assert!(most.load(SeqCst) < 2_000, "{}", most.load(SeqCst));
}

#[test]
fn gets_beyond_the_limit_beside_objects_that_leave_the_pool_keep_the_books() {
    let pool = Pool::builder(|| 0u64).max(1).build().unwrap();
    thread::scope(|scope| {
        for thread in 0..6 {
            let pool = &pool;
            scope.spawn(move || {
                for _ in 0..20_000 {
                    if thread < 3 {
                        let _ = Pooled::detach(pool.get());
                    } else {
                        // Under the lock that the others have to take.
                        pool.figures();
                    }
                }
            });
        }
    });
    assert_eq!(pool.figures().objects(), 0);
}

#[test]
fn a_beat_as_long_as_the_window_sees_the_peaks_between_two_beats() {
    let hand = ManualClock::new();
    let window = Duration::from_secs(60);
    let pool = Pool::builder(|| 0u64).clock(&hand.clock()).window(window).build().unwrap();
    for minute in 0..5 {
        hand.advance(window / 2);
        drop(pool.get_many(60));
        hand.advance(window / 2);
        pool.maintain();
        assert!(pool.figures().objects() >= 60, "minute {minute}: {}", pool.figures());
    }
    assert_eq!(pool.figures().misses, 60);
}

/// A pool of 64 objects that lie in two full rounds, and whose peaks are forgotten.
fn calm_pool(min: usize) -> (Pool<u64>, ManualClock) {
    let hand = ManualClock::new();
    let pool = Pool::builder(|| 0u64).clock(&hand.clock()).initial(64).min(min).max(64).build().unwrap();
    thread::scope(|scope| scope.spawn(|| drop(pool.get_many(64))).join().unwrap());
    for _ in 0..3 {
        hand.advance(Duration::from_secs(60));
        pool.maintain();
    }
    assert_eq!((pool.figures().peak_window, pool.figures().idle), (0, 64));
    (pool, hand)
}

#[test]
fn the_peak_of_a_thread_that_has_ended_is_seen() {
    let (pool, _hand) = calm_pool(64);
    thread::scope(|scope| scope.spawn(|| drop(pool.get_many(30))).join().unwrap());
    assert_eq!(pool.figures().peak_window, 30);
}

#[test]
fn the_peak_is_seen_although_what_is_at_hand_was_gathered_since() {
    let (pool, hand) = calm_pool(32);
    drop(pool.get_many(64));
    for _ in 0..3 {
        hand.advance(Duration::from_secs(60));
        pool.maintain();
    }
    assert_eq!((pool.figures().peak_window, pool.figures().idle), (0, 64));
    drop(pool.get_many(40));
    assert_eq!(pool.shrink_to_fit(), 32);
    assert_eq!(pool.figures().peak_window, 40);
}

#[test]
fn what_comes_to_hand_with_an_object_is_not_taken_for_objects_in_use() {
    let (pool, _hand) = calm_pool(64);
    let _one = pool.get();
    assert_eq!(pool.figures().peak_window, 1);
}

#[test]
fn growth_on_demand_is_told_although_the_pool_was_warmed_since() {
    let pool = Pool::builder(|| 0u64).build().unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&events);
    let _log = pool.resized().connect(move |event| log.lock().unwrap().push((event.from, event.to, event.reason)));
    let _out = pool.get_many(80);
    pool.warm(10);
    pool.maintain();
    assert_eq!(*events.lock().unwrap(), [(0, 80, ResizeReason::Demand), (80, 90, ResizeReason::ByHand)]);
}

#[test]
fn a_listener_that_maintains_the_pool_hears_of_each_resize_once() {
    let pool = Pool::builder(|| 0u64).build().unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let (log, again) = (Arc::clone(&events), Arc::new(Mutex::new(Some(pool.clone()))));
    let within = Arc::clone(&again);
    let _log = pool.resized().connect(move |event| {
        log.lock().unwrap().push((event.from, event.to, event.reason));
        let pool = within.lock().unwrap().clone();
        pool.map(|pool| pool.maintain());
    });
    let _out = pool.get_many(80);
    pool.maintain();
    again.lock().unwrap().take();
    assert_eq!(*events.lock().unwrap(), [(0, 80, ResizeReason::Demand), (80, 100, ResizeReason::Headroom)]);
}

#[test]
fn closures_whose_destructors_panic_hurt_nobody_who_drops_the_last_of_a_pool() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let bomb = Bomb;
    let make = move || {
        let _bomb = &bomb;
        0u64
    };
    let pool = Pool::builder(make).build().unwrap();
    let last = pool.get();
    drop(pool);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(last))).is_ok());
}

#[test]
fn whoever_asks_while_idle_objects_are_dropped_does_not_go_without() {
    let call = Arc::new(Mutex::new(Call::None));
    let made = Arc::clone(&call);
    let pool = Pool::builder(move || Calls(Arc::clone(&made))).initial(4).max(4).build().unwrap();
    let (user, refused) = (pool.clone(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&refused);
    *call.lock().unwrap() = Some(Box::new(move || {
        count.fetch_add(usize::from(user.try_get().is_err()), SeqCst);
    }));
    pool.shrink_to_fit();
    call.lock().unwrap().take();
    assert_eq!(refused.load(SeqCst), 0, "none was out");
}

#[test]
fn a_size_that_cannot_be_is_no_panic() {
    let pool = Pool::builder(|| 0u64).bytes_each(usize::MAX).build().unwrap();
    drop(pool.get_many(2));
    assert_eq!(pool.figures().bytes, usize::MAX);
}
