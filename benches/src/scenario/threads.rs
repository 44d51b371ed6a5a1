//! Two threads on one signal.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::{Contestant, Scenario, check, timed};
use crate::event::{Event, Sums};
use crate::peer::Bus;

pub(super) fn enter<B: Bus + Clone + Send>(scenario: Scenario) -> Option<Contestant> {
    match scenario {
        Scenario::EmitUnderChurn { slots } => Some(emit_under_churn::<B>(slots)),
        Scenario::Emitters { threads, slots } if B::CALLS_SLOTS => Some(emitters::<B>(threads, slots)),
        _ => None,
    }
}

fn emit_under_churn<B: Bus + Clone + Send>(slots: usize) -> Contestant {
    let mut bus = B::with_slots(slots);
    let event = check(&mut bus, slots);
    Contestant::new(B::NAME, move |iterations| {
        let stop = AtomicBool::new(false);
        let started = Barrier::new(2);
        let mut churning = bus.clone();
        thread::scope(|scope| {
            scope.spawn(|| {
                started.wait();
                while !stop.load(Ordering::Relaxed) {
                    let connection = churning.connect();
                    churning.disconnect(connection);
                }
            });
            started.wait();
            let time = timed(iterations, || bus.emit(black_box(&event)));
            stop.store(true, Ordering::Relaxed);
            time
        })
    })
}

/// Threads that start together, each with an event of its own. The time is that of the slowest.
fn emitters<B: Bus + Clone + Send>(threads: usize, slots: usize) -> Contestant {
    let mut bus = B::with_slots(slots);
    check(&mut bus, slots);
    let events: Vec<Event> = (0..threads).map(|_| Sums::leaked().event()).collect();
    Contestant::new(B::NAME, move |iterations| {
        let start = Barrier::new(threads);
        thread::scope(|scope| {
            let spawned: Vec<_> = events
                .iter()
                .map(|event| {
                    let (mut bus, start) = (bus.clone(), &start);
                    scope.spawn(move || {
                        start.wait();
                        timed(iterations, || bus.emit(black_box(event)))
                    })
                })
                .collect();
            let times = spawned.into_iter().map(|thread| thread.join().expect("slots only add"));
            times.max().unwrap_or(Duration::ZERO)
        })
    })
}
