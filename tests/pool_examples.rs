//! The games of the examples, with their pools and without: they end the same, nearly all objects are used again, and of
//! the heap calls next to none are left.
//!
//! One at a time: heap calls are counted for the whole process.

#![allow(dead_code, reason = "the examples' own `main`, and what they share with it, have no use here")]
#![allow(clippy::duplicate_mod, reason = "each example is a program of its own, and includes what it shares")]

#[path = "../examples/bullets.rs"]
mod bullets;
#[path = "../examples/casings.rs"]
mod casings;
#[path = "../examples/damage_numbers.rs"]
mod damage_numbers;
#[path = "../examples/effects.rs"]
mod effects;
#[path = "../examples/shared/mod.rs"]
mod shared;

use pulsebus::alloc::Counting;
use shared::{Game, counted};
use std::fmt::{Debug, Display};
use std::sync::{Mutex, PoisonError};

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

fn check<S: PartialEq + Debug + Display>(ticks: u32, game: Game<S>) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (outcome, calls_without) = counted(|| game(ticks, false));
    let (expected, none) = outcome.expect("the game runs");
    assert_eq!(none, None);
    let (outcome, calls) = counted(|| game(ticks, true));
    let (score, figures) = outcome.expect("the game runs");
    let figures = figures.expect("there is a pool");
    assert_eq!(score, expected, "the pool has changed the game");
    assert!(figures.gets > 10_000 && figures.efficiency() >= 0.99, "{figures}");
    assert_eq!((figures.outstanding, figures.kept, figures.panics), (0, 0, 0));
    assert!(calls * 20 <= calls_without, "{calls} heap calls, {calls_without} without a pool");
}

#[test]
fn bullets_are_used_again() {
    check(7_200, bullets::run);
}

#[test]
fn effects_are_used_again_although_the_pool_shrinks_in_between() {
    check(18_000, effects::run);
}

#[test]
fn damage_numbers_that_another_thread_drops_are_used_again() {
    check(18_000, damage_numbers::run);
}

#[test]
fn casings_are_used_again_and_never_too_many() {
    check(14_400, casings::run);
}
