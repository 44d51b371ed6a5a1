//! How many objects a pool has: peaks, and what follows from them.

mod common;

use common::pooled::counted;
use pulsebus::{ManualClock, Pool, Pooled, ResizeReason};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

#[test]
fn the_peak_is_seen_although_nothing_was_made_for_it() {
    let pool = Pool::builder(|| 0u64).initial(100).build().unwrap();
    assert_eq!(pool.figures().peak, 0);
    drop(pool.get_many(50));
    assert_eq!(pool.figures().peak, 50);
    drop(pool.get_many(97));
    drop(pool.get_many(3));
    assert_eq!((pool.figures().peak, pool.figures().misses), (97, 0));
}

#[test]
fn the_peak_is_seen_although_the_objects_are_detached() {
    let pool = Pool::builder(|| 0u64).build().unwrap();
    pool.warm(20);
    pool.get_many(20).into_iter().for_each(|object| assert_eq!(Pooled::detach(object), 0));
    assert_eq!((pool.figures().peak, pool.figures().objects()), (20, 0));
}

#[test]
fn it_grows_and_shrinks_by_need_and_tells_of_it() {
    let hand = ManualClock::new();
    let pool = Pool::builder(|| 0u64)
        .name("sparks")
        .min(4)
        .clock(&hand.clock())
        .window(Duration::from_secs(6))
        .build()
        .unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&events);
    let _log = pool.resized().connect(move |event| log.lock().unwrap().push((event.from, event.to, event.reason)));
    assert_eq!(pool.figures().idle, 4);
    let objects = pool.get_many(80);
    assert_eq!(pool.maintain(), 20);
    drop(objects);
    for _ in 0..5 {
        hand.advance(Duration::from_secs(1));
        assert_eq!(pool.maintain(), 0);
    }
    drop(pool.get_many(8));
    hand.advance(Duration::from_secs(1));
    assert_eq!(pool.maintain(), 90);
    assert_eq!(pool.figures().objects(), 10);
    for _ in 0..8 {
        hand.advance(Duration::from_secs(1));
        pool.maintain();
    }
    assert_eq!(pool.figures().objects(), 4);
    assert_eq!(pool.warm(10), 6);
    assert_eq!(pool.shrink_to_fit(), 6);
    let events = events.lock().unwrap();
    assert_eq!(
        *events,
        [
            (4, 80, ResizeReason::Demand),
            (80, 100, ResizeReason::Headroom),
            (100, 10, ResizeReason::Calm),
            (10, 4, ResizeReason::Calm),
            (4, 10, ResizeReason::ByHand),
            (10, 4, ResizeReason::ByHand),
        ]
    );
    assert_eq!(pool.figures().resizes, 6);
}

#[test]
fn what_is_needed_once_a_minute_is_kept_by_a_minutes_beat() {
    let hand = ManualClock::new();
    let pool = Pool::builder(|| 0u64).clock(&hand.clock()).build().unwrap();
    for _ in 0..5 {
        hand.advance(Duration::from_secs(30));
        drop(pool.get_many(20));
        hand.advance(Duration::from_secs(30));
        pool.maintain();
        assert!(pool.figures().objects() >= 20, "{}", pool.figures());
    }
    assert_eq!(pool.figures().misses, 20);
}

#[test]
fn what_was_out_for_longer_than_a_window_was_out_in_it() {
    let hand = ManualClock::new();
    let window = Duration::from_secs(6);
    // Few are at hand: most of them return through the depot.
    let pool = Pool::builder(|| 0u64).max(40).window(window).clock(&hand.clock()).build().unwrap();
    let objects = pool.get_many(30);
    hand.advance(2 * window);
    drop(objects);
    assert_eq!(pool.figures().peak_window, 30);
}

#[test]
fn what_was_made_by_hand_is_kept_for_a_window() {
    let hand = ManualClock::new();
    let pool = Pool::builder(|| 0u64).clock(&hand.clock()).build().unwrap();
    // Nobody has looked at it for that long.
    hand.advance(Duration::from_secs(600));
    assert_eq!(pool.warm(10), 10);
    assert_eq!(pool.maintain(), 0);
    hand.advance(Duration::from_secs(60));
    assert_eq!(pool.maintain(), 10);
}

#[test]
fn resizing_beside_users_loses_nothing() {
    let (make, live) = counted();
    let pool = Pool::builder(make).build().unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(SeqCst) {
                    drop(pool.get_many(70));
                }
            });
        }
        for _ in 0..200 {
            pool.shrink_to_fit();
            pool.warm(20);
            pool.maintain();
        }
        stop.store(true, SeqCst);
    });
    let figures = pool.figures();
    assert_eq!((figures.outstanding, figures.idle), (0, live.load(SeqCst)), "{figures}");
    pool.shrink_to_fit();
    assert_eq!(live.load(SeqCst), 0);
}
