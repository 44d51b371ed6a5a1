//! How objects are used: by one thread, by two, and from one to the other.

use std::hint::black_box;
use std::iter;
use std::time::Duration;

use crossbeam_queue::ArrayQueue;

use super::source::{Source, check};
use super::together::{side_by_side, wait_for};
use super::{BURST, PoolScenario};
use crate::scenario::{Contestant, timed};

/// So many bundles of objects are on their way from one thread to the other at most.
const BUNDLES: usize = 8;

/// A source in one scenario.
pub(super) fn enter<S: Source>(scenario: PoolScenario) -> Contestant {
    let source = S::new();
    check(&source);
    let run: Box<dyn FnMut(u64) -> Duration> = match scenario {
        PoolScenario::GetPut { .. } => Box::new(move |iterations| get_put(&source, iterations)),
        PoolScenario::Burst { .. } => Box::new(move |iterations| burst(&source, iterations)),
        PoolScenario::TwoThreads { .. } => Box::new(move |iterations| two_threads(&source, iterations)),
        PoolScenario::HandOver { .. } => {
            Box::new(move |iterations| handed_over(iterations, || source.get(), |object| use_up(&source, object)))
        }
        PoolScenario::Figures { .. } => unreachable!("not of a source"),
    };
    Contestant::new(S::NAME, run)
}

/// The channel alone: numbers take the objects' way.
pub(super) fn channel() -> Contestant {
    Contestant::new("the channel alone, with numbers", |iterations| {
        handed_over(iterations, || black_box(1_u64), |number| _ = black_box(number))
    })
}

fn get_put<S: Source>(source: &S, iterations: u64) -> Duration {
    timed(iterations, || source.put(source.get()))
}

fn burst<S: Source>(source: &S, iterations: u64) -> Duration {
    let mut objects = Vec::with_capacity(BURST);
    timed(iterations, || {
        for _ in 0..BURST {
            objects.push(source.get());
        }
        for object in objects.drain(..) {
            source.put(object);
        }
    })
}

fn two_threads<S: Source>(source: &S, iterations: u64) -> Duration {
    let run = |iterations| _ = get_put(source, iterations);
    side_by_side(iterations, run, run)
}

fn use_up<'a, S: Source>(source: &'a S, object: S::Object<'a>) {
    black_box(source.read(&object));
    source.put(object);
}

/// One thread takes and sends, another one receives and gives back.
///
/// They go by bundles of [`BURST`], through a bounded queue whose ends spin while it is full or empty: one by one, what the
/// channel's two ends do to each other would hide everything else, and so would putting a thread to sleep and waking it.
fn handed_over<T: Send>(iterations: u64, get: impl Fn() -> T, put: impl Fn(T) + Sync) -> Duration {
    let (full, empty) = (ArrayQueue::new(BUNDLES), ArrayQueue::new(BUNDLES));
    for _ in 0..BUNDLES {
        let _ = empty.push(Vec::with_capacity(BURST));
    }
    let bundles = |iterations: u64| {
        let lengths = (0..iterations).step_by(BURST).map(move |sent| (iterations - sent).min(BURST as u64));
        lengths.map(|length| length as usize)
    };
    side_by_side(
        iterations,
        |iterations| {
            for length in bundles(iterations) {
                let mut bundle = wait_for(|| empty.pop());
                bundle.extend(iter::repeat_with(&get).take(length));
                // (There is room: there are no more bundles than that.)
                let _ = full.push(bundle);
            }
        },
        |iterations| {
            for _ in bundles(iterations) {
                let mut bundle: Vec<T> = wait_for(|| full.pop());
                bundle.drain(..).for_each(&put);
                let _ = empty.push(bundle);
            }
        },
    )
}
