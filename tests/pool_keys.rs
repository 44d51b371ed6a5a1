//! Objects that a pool holds itself, under weak keys.

mod common;

use common::pooled::counted;
use pulsebus::{KeyError, Pool};
use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

#[test]
fn a_key_finds_its_object_until_it_is_taken_back_and_never_another_one() {
    let pool = Pool::builder(|| 0u32).reset(|n| *n = 0).build().unwrap();
    let key = pool.insert(|n| *n = 5);
    assert_eq!(pool.with(key, |n| std::mem::replace(n, 6)), Some(5));
    assert_eq!(pool.remove(key).as_deref(), Some(&6));
    assert!(!pool.contains(key) && !pool.release(key));
    let next = pool.insert(|n| *n = 9);
    assert_ne!(key, next);
    assert_eq!((pool.with(key, |n| *n), pool.with(next, |n| *n)), (None, Some(9)));
    assert_eq!(pool.try_with(key, |n| *n), Err(KeyError::Stale));
    assert_eq!((pool.figures().kept, pool.return_all(), pool.figures().kept), (1, 1, 0));
    assert_eq!(pool.with(next, |n| *n), None);
}

#[test]
fn a_key_of_another_pool_finds_nothing() {
    let (one, two) = (Pool::builder(|| 1u32).build().unwrap(), Pool::builder(String::new).build().unwrap());
    let key = one.insert(|_| {});
    let _other = two.insert(|_| {});
    assert!(!two.contains(key) && two.with(key, |_| ()).is_none() && two.remove(key).is_none());
    assert_eq!(one.with(key, |n| *n), Some(1));
    drop(one);
    // The next pool's cells are those of the one that is gone.
    let three = Pool::builder(String::new).build().unwrap();
    three.insert(|_| {});
    assert!(three.with(key, |_| ()).is_none());
}

#[test]
fn an_object_in_use_is_returned_by_its_user() {
    let pool = Pool::builder(|| 0u32).build().unwrap();
    let key = pool.insert(|n| *n = 1);
    let inside = pool.with(key, |n| {
        assert_eq!(pool.try_with(key, |n| *n), Err(KeyError::InUse));
        assert_eq!((pool.return_all(), pool.figures().outstanding), (1, 1));
        assert!(!pool.contains(key) && pool.try_with(key, |n| *n) == Err(KeyError::Stale));
        *n
    });
    assert_eq!((inside, pool.figures().outstanding, pool.figures().idle), (Some(1), 0, 1));
    let again = pool.insert(|_| {});
    let result = catch_unwind(AssertUnwindSafe(|| pool.with(again, |_| pool.with(again, |_| ()))));
    assert!(result.is_err(), "used twice at a time");
    assert_eq!(pool.with(again, |n| *n), Some(1));
}

#[test]
fn a_user_who_panics_leaves_the_object_usable() {
    let pool = Pool::builder(|| 0u32).build().unwrap();
    let key = pool.insert(|_| {});
    let user = || {
        pool.with(key, |n| {
            *n = 3;
            panic!("half done")
        })
    };
    assert!(catch_unwind(AssertUnwindSafe(user)).is_err());
    assert_eq!(pool.with(key, |n| *n), Some(3));
}

#[test]
fn two_users_of_one_key_take_turns() {
    let pool = Pool::builder(|| (0u64, 0u64)).build().unwrap();
    let key = pool.insert(|_| {});
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    pool.with(key, |(a, b)| {
                        assert_eq!(a, b);
                        *a += 1;
                        *b += 1;
                    });
                }
            });
        }
    });
    assert_eq!(pool.with(key, |pair| *pair), Some((6_000, 6_000)));
}

#[test]
fn for_each_and_retain_may_insert_release_and_return_all() {
    let pool = Pool::builder(|| 0u32).build().unwrap();
    let keys: Vec<_> = (0..10).map(|n| pool.insert(|object| *object = n)).collect();
    let seen = Cell::new(0);
    pool.for_each(|key, n| {
        seen.set(seen.get() + 1);
        if *n % 2 == 0 {
            pool.release(key);
        }
    });
    assert_eq!((seen.get(), pool.figures().kept), (10, 5));
    assert_eq!(pool.retain(|_, n| *n > 4), 2);
    assert_eq!(keys.iter().filter(|key| pool.contains(**key)).count(), 3);
    let rounds = Cell::new(0);
    pool.for_each(|_, _| {
        rounds.set(rounds.get() + 1);
        pool.return_all();
    });
    assert_eq!((rounds.get(), pool.figures().kept, pool.figures().outstanding), (1, 0, 0));
}

#[test]
fn return_all_beside_users_and_inserters_loses_nothing() {
    let (make, live) = counted();
    let pool = Pool::builder(make).build().unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut keys = VecDeque::new();
                while !stop.load(SeqCst) {
                    keys.push_back(pool.insert(|one| one.1 = 77));
                    if let Some(key) = keys.get(keys.len() / 2) {
                        pool.with(*key, |one| assert_eq!(one.1, 77));
                    }
                    if keys.len() > 50 {
                        keys.pop_front().map(|key| pool.release(key));
                    }
                }
            });
        }
        for _ in 0..300 {
            pool.return_all();
            thread::yield_now();
        }
        stop.store(true, SeqCst);
    });
    pool.return_all();
    let figures = pool.figures();
    assert_eq!((figures.kept, figures.outstanding, figures.idle), (0, 0, live.load(SeqCst)));
}
