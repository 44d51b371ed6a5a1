//! Pools of objects: what is handed out, comes back, is lost, and freed.

mod common;

use common::pooled::{Counted, counted};
use pulsebus::{Key, ManualClock, Pool, PoolError, Pooled, Pools};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

#[test]
fn an_object_that_returns_is_reset_and_handed_out_again() {
    let pool = Pool::builder(|| vec![0u8; 16]).reset(|bytes| bytes.fill(0)).build().unwrap();
    let mut first = pool.get();
    first[3] = 7;
    let address = first.as_ptr();
    drop(first);
    let again = pool.get();
    assert_eq!((again.as_ptr(), again[3]), (address, 0));
    let figures = pool.figures();
    assert_eq!((figures.gets, figures.misses, figures.outstanding, figures.idle), (2, 1, 1, 0));
}

#[test]
fn figures_of_one_thread_are_exact() {
    let pool = Pool::builder(|| 0u64).build().unwrap();
    let objects = pool.get_many(150);
    assert_eq!(objects.len(), 150);
    drop(objects);
    let figures = pool.figures();
    assert_eq!((figures.outstanding, figures.idle, figures.peak, figures.peak_window), (0, 150, 150, 150));
    assert_eq!((figures.gets, figures.misses, figures.hits()), (150, 150, 0));
    for round in 1..=10 {
        let objects = pool.get_many(40);
        assert_eq!(pool.figures().outstanding, 40);
        drop(objects);
        assert_eq!((pool.figures().gets, pool.figures().misses), (150 + 40 * round, 150));
    }
    assert!(pool.figures().efficiency() > 0.7);
}

#[test]
fn no_more_than_max_are_handed_out_by_try_get() {
    let (make, live) = counted();
    let pool = Pool::builder(make).max(3).build().unwrap();
    let objects: Vec<_> = (0..3).map(|_| pool.try_get().unwrap()).collect();
    assert_eq!(pool.try_get().err(), Some(PoolError::Exhausted { max: 3 }));
    drop(objects);
    assert!(pool.try_get().is_ok());
    assert_eq!((live.load(SeqCst), pool.figures().exhausted), (3, 1));
}

#[test]
fn what_another_thread_has_at_hand_is_found_before_the_pool_is_exhausted() {
    let pool = Pool::builder(|| 0u64).max(10).build().unwrap();
    let (returned, others) = (Arc::new(Barrier::new(2)), pool.clone());
    let done = Arc::clone(&returned);
    let thread = thread::spawn(move || {
        drop(others.get_many(10));
        done.wait();
        // The thread, and its magazine, are still there.
        done.wait();
        others.get_many(1).len()
    });
    returned.wait();
    let objects: Vec<_> = (0..10).map(|_| pool.try_get().unwrap()).collect();
    assert!(pool.try_get().is_err());
    drop(objects);
    returned.wait();
    assert_eq!(thread.join().unwrap(), 1);
    assert_eq!(pool.figures().misses, 10);
}

#[test]
fn get_beyond_the_limit_gives_objects_that_are_dropped_when_they_return() {
    let (make, live) = counted();
    let pool = Pool::builder(make).max(2).build().unwrap();
    let objects = pool.get_many(5);
    assert_eq!((live.load(SeqCst), pool.figures().outstanding, pool.figures().exhausted), (5, 5, 3));
    drop(objects);
    assert_eq!((live.load(SeqCst), pool.figures().idle), (2, 2));
    drop(pool.get_many(2));
    assert_eq!((live.load(SeqCst), pool.figures().misses), (2, 5));
}

#[test]
fn who_waits_gets_the_object_that_another_thread_returns() {
    let pool = Pool::builder(|| 0u64).max(1).build().unwrap();
    let object = pool.get();
    let others = pool.clone();
    let thread = thread::spawn(move || *others.get_or_wait(Duration::MAX).unwrap());
    while pool.figures().exhausted == 0 {
        thread::yield_now();
    }
    let mut object = object;
    *object = 42;
    drop(object);
    assert_eq!(thread.join().unwrap(), 42);
    let _held = pool.get();
    let error = pool.get_or_wait(Duration::from_millis(1)).err();
    assert_eq!(error, Some(PoolError::TimedOut { after: Duration::from_millis(1), max: 1 }));
}

#[test]
fn who_waits_may_make_one_when_one_is_detached() {
    let pool = Pool::builder(|| String::from("new")).max(1).build().unwrap();
    let mut object = pool.get();
    object.push_str("er");
    let others = pool.clone();
    let thread = thread::spawn(move || others.get_or_wait(Duration::MAX).unwrap().clone());
    while pool.figures().exhausted == 0 {
        thread::yield_now();
    }
    assert_eq!(Pooled::detach(object), "newer");
    assert_eq!(thread.join().unwrap(), "new");
}

#[test]
fn many_threads_share_few_objects_and_lose_none() {
    let (make, live) = counted();
    let pool = Pool::builder(make).reset(|one| one.1 = 0).max(4).build().unwrap();
    let users = Arc::new(AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                for round in 0..300 {
                    let mut one = match round % 3 {
                        0 => pool.get_or_wait(Duration::MAX).unwrap(),
                        _ => match pool.try_get() {
                            Ok(one) => one,
                            Err(_) => continue,
                        },
                    };
                    assert!(users.fetch_add(1, SeqCst) < 4, "more users than objects");
                    assert_eq!(one.1, 0, "two users of one object");
                    one.1 = 1;
                    thread::yield_now();
                    users.fetch_sub(1, SeqCst);
                }
            });
        }
    });
    let figures = pool.figures();
    assert!(live.load(SeqCst) <= 4 && figures.outstanding == 0 && figures.idle == live.load(SeqCst), "{figures}");
    drop(pool);
    assert_eq!(live.load(SeqCst), 0);
}

#[test]
fn objects_taken_on_one_thread_and_dropped_on_another_are_used_again() {
    let (make, live) = counted();
    let pool = Pool::builder(make).build().unwrap();
    let (sender, receiver) = mpsc::sync_channel::<Pooled<Counted>>(100);
    let consumer = thread::spawn(move || receiver.iter().count());
    for _ in 0..10_000 {
        sender.send(pool.get()).unwrap();
    }
    drop(sender);
    assert_eq!(consumer.join().unwrap(), 10_000);
    let figures = pool.figures();
    // Those on their way, and those that two threads have at hand.
    assert!(figures.misses <= 102 + 2 * 124 && figures.gets == 10_000, "{figures}");
    assert_eq!(figures.idle, live.load(SeqCst));
}

#[test]
fn a_thread_that_ends_leaves_what_it_had_at_hand_to_the_others() {
    let pool = Pool::builder(|| 0u64).build().unwrap();
    thread::scope(|scope| scope.spawn(|| drop(pool.get_many(30))).join().unwrap());
    drop(pool.get_many(30));
    assert_eq!(pool.figures().misses, 30);
}

#[test]
fn an_object_whose_reset_panics_is_lost_and_the_pool_goes_on() {
    let (make, live) = counted();
    let pool = Pool::builder(make).reset(|one| assert_eq!(one.1, 0, "cannot be reset")).max(1).build().unwrap();
    pool.get().1 = 1;
    assert_eq!((live.load(SeqCst), pool.figures().panics, pool.figures().objects()), (0, 1, 0));
    assert!(pool.try_get().is_ok());
}

#[test]
fn a_constructor_that_panics_takes_no_place() {
    let fails = Arc::new(AtomicBool::new(true));
    let when = Arc::clone(&fails);
    let pool = Pool::builder(move || assert!(!when.load(SeqCst), "cannot be made")).max(1).build().unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| pool.get())).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| pool.try_get())).is_err());
    assert_eq!((pool.figures().objects(), pool.figures().panics), (0, 2));
    fails.store(false, SeqCst);
    assert!(pool.try_get().is_ok());
    assert_eq!(pool.figures().objects(), 1);
}

#[test]
fn a_destructor_that_panics_is_counted_and_hurts_nobody() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let pool = Pool::builder(|| Bomb).initial(3).build().unwrap();
    assert_eq!(pool.shrink_to_fit(), 3);
    assert_eq!((pool.figures().panics, pool.figures().objects()), (3, 0));
    drop(pool.get_many(2));
    drop(pool);
}

#[test]
fn dropping_the_pool_frees_what_is_idle_and_what_is_out_frees_itself() {
    let (make, live) = counted();
    let pool = Pool::builder(make).initial(10).build().unwrap();
    let (out, elsewhere) = (pool.get(), pool.clone());
    let (sender, receiver) = mpsc::channel();
    let (go, wait) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        // Both at hand of this thread and out there.
        let mut objects = elsewhere.get_many(20);
        drop(objects.split_off(10));
        drop(elsewhere);
        sender.send(()).unwrap();
        wait.recv().unwrap();
        drop(objects);
    });
    receiver.recv().unwrap();
    let _key = pool.insert(|_| {});
    assert!(live.load(SeqCst) > 11);
    drop(pool);
    assert_eq!(live.load(SeqCst), 11);
    drop(out);
    assert_eq!(live.load(SeqCst), 10);
    go.send(()).unwrap();
    thread.join().unwrap();
    assert_eq!(live.load(SeqCst), 0);
}

#[test]
fn an_object_that_outlives_its_pool_is_not_mistaken_for_the_next_ones() {
    let old = Pool::builder(|| String::from("old")).build().unwrap();
    let out = old.get();
    drop(old);
    // Its number, and this thread's magazine of that number, may be the next pool's.
    let new = Pool::builder(|| 7u64).initial(4).build().unwrap();
    drop(new.get());
    drop(out);
    assert!(new.get_many(8).iter().all(|one| **one == 7));
    assert_eq!(new.figures().objects(), 8);
}

#[test]
fn keeping_an_object_of_a_pool_that_is_gone_frees_it() {
    let (make, live) = counted();
    let pool = Pool::builder(make).build().unwrap();
    let object = pool.get();
    drop(pool);
    let _key: Key = Pooled::keep(object);
    assert_eq!(live.load(SeqCst), 0);
}

#[test]
fn a_forgotten_object_stays_out_and_leaks_alone() {
    let (make, live) = counted();
    let pool = Pool::builder(make).build().unwrap();
    // As good as forgotten, but not lost for those who look for leaks in this test.
    let forgotten = ManuallyDrop::new(pool.get());
    drop(pool.get());
    assert_eq!(pool.figures().outstanding, 1);
    drop(pool);
    assert_eq!(live.load(SeqCst), 1);
    drop(ManuallyDrop::into_inner(forgotten));
    assert_eq!(live.load(SeqCst), 0);
}

#[test]
fn constructors_resets_and_destructors_may_use_the_pool() {
    struct Inner(Pool<u64>);
    impl Drop for Inner {
        fn drop(&mut self) {
            drop(self.0.get());
        }
    }
    let numbers = Pool::builder(|| 1u64).build().unwrap();
    let (make, reset) = (numbers.clone(), numbers.clone());
    let pool = Pool::builder(move || Inner(make.clone())).reset(move |_| drop(reset.get())).build().unwrap();
    drop(pool.get_many(3));
    assert_eq!(pool.shrink_to_fit(), 3);
    assert_eq!(numbers.figures().gets, 6);
    // One whose reset takes from the pool that it returns to.
    let itself = Arc::new(Mutex::new(None::<Pool<u64>>));
    let back = Arc::clone(&itself);
    let recursive = move |n: &mut u64| {
        if std::mem::take(n) == 1 {
            let pool = back.lock().unwrap().clone();
            drop(pool.map(|pool| pool.get()));
        }
    };
    let pool = Pool::builder(|| 0u64).reset(recursive).build().unwrap();
    *itself.lock().unwrap() = Some(pool.clone());
    *pool.get() = 1;
    assert_eq!((pool.figures().gets, pool.figures().idle), (2, 2));
    itself.lock().unwrap().take();
}

#[test]
fn contradictions_are_refused() {
    let build = |min, initial, max| Pool::builder(|| 0u8).min(min).initial(initial).max(max).build().err();
    assert_eq!(build(0, 0, 0), Some(PoolError::NoRoom));
    assert_eq!(build(5, 0, 4), Some(PoolError::TooMany { what: "min", asked: 5, max: 4 }));
    assert_eq!(build(0, 5, 4), Some(PoolError::TooMany { what: "initial", asked: 5, max: 4 }));
    assert_eq!(Pool::builder(|| 0u8).window(Duration::ZERO).build().err(), Some(PoolError::NoWindow));
    let made = AtomicUsize::new(0);
    let make = move || assert!(made.fetch_add(1, SeqCst) < 3, "no more");
    assert_eq!(Pool::builder(make).initial(5).build().err(), Some(PoolError::ConstructorPanicked { made: 3 }));
}

#[test]
fn what_is_out_for_long_is_told_by_the_place_that_took_it() {
    let hand = ManualClock::new();
    let pools = Pools::new();
    let age = Duration::from_secs(60);
    let pool =
        Pool::builder(|| 0u64).name("effects").leak_after(age).clock(&hand.clock()).registry(&pools).build().unwrap();
    let early = pool.get_many(3);
    let line = line!() - 1;
    hand.advance(Duration::from_secs(50));
    let late = pool.get();
    hand.advance(Duration::from_secs(20));
    let leaks = pools.leaks(age);
    assert_eq!(leaks.len(), 1);
    assert_eq!((leaks[0].place.line(), leaks[0].count, leaks[0].oldest), (line, 3, Duration::from_secs(70)));
    assert_eq!(&*leaks[0].pool, "effects");
    assert_eq!(pool.leaks(Duration::from_secs(10)).len(), 2);
    pools.maintain(Duration::MAX);
    assert_eq!(pools.find("effects")[0].leaks_suspected, 3);
    drop((early, late));
    assert!(pools.leaks(Duration::ZERO).is_empty());
    pools.maintain(Duration::MAX);
    assert_eq!(pool.figures().leaks_suspected, 0);
}

#[test]
fn the_list_forgets_pools_that_are_gone() {
    let pools = Pools::new();
    let one = Pool::builder(|| 0u8).name("one").registry(&pools).build().unwrap();
    let two = Pool::builder(|| 0u8).name("two").registry(&pools).build().unwrap();
    assert_eq!((pools.len(), format!("{pools:?}")), (2, String::from("[\"one\", \"two\"]")));
    let held = one.get();
    drop(one);
    drop(two);
    drop(held);
    assert!(pools.is_empty() && pools.figures().is_empty());
}

#[test]
fn a_thread_local_destructor_may_return_and_take_objects() {
    struct Last(Option<Pooled<u64>>, Pool<u64>);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.take();
            drop(self.1.get_many(5));
        }
    }
    thread_local! {
        static LAST: std::cell::RefCell<Option<Last>> = const { std::cell::RefCell::new(None) };
    }
    let pool = Pool::builder(|| 0u64).build().unwrap();
    let others = pool.clone();
    thread::spawn(move || {
        LAST.set(None);
        let object = others.get();
        LAST.set(Some(Last(Some(object), others)));
    })
    .join()
    .unwrap();
    let figures = pool.figures();
    assert_eq!((figures.outstanding, figures.gets), (0, 6));
    assert_eq!(figures.idle as u64, figures.misses);
}
