//! How objects are used: by one thread, by two, and from one to the other.

use std::hint::black_box;
use std::time::Duration;

use crossbeam_queue::ArrayQueue;

use super::source::{Source, check};
use super::together::{side_by_side, wait_for};
use super::{BURST, PoolScenario};
use crate::scenario::{Contestant, timed};

/// Objects that are on their way from one thread to the other at most.
const ON_THE_WAY: usize = 256;

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
/// The channel is a bounded queue whose ends spin while it is full or empty: nobody is put to sleep and woken, which would hide
/// everything else.
fn handed_over<T: Send>(iterations: u64, get: impl Fn() -> T, put: impl Fn(T) + Sync) -> Duration {
    let channel = ArrayQueue::new(ON_THE_WAY);
    let send = |object: T| {
        let mut refused = Some(object);
        wait_for(|| {
            refused = channel.push(refused.take()?).err();
            refused.is_none().then_some(())
        });
    };
    side_by_side(
        iterations,
        |iterations| (0..iterations).for_each(|_| send(get())),
        |iterations| (0..iterations).for_each(|_| put(wait_for(|| channel.pop()))),
    )
}
