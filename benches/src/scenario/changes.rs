//! Connecting and disconnecting, and what it does to the emissions after it.

use std::collections::VecDeque;
use std::hint::black_box;
use std::time::Duration;

use super::{Contestant, MASS, Scenario, check, timed};
use crate::peer::{Bus, Change, connected};

pub(super) fn enter<B: Bus>(scenario: Scenario) -> Option<Contestant> {
    match scenario {
        Scenario::ConnectDisconnect { live } => Some(connect_disconnect::<B>(live)),
        Scenario::Disconnect { live } if live <= 1_000 || B::CHANGE == Change::Constant => Some(disconnect::<B>(live)),
        Scenario::EmitAfterMassDisconnect { survivors } if B::CHANGE == Change::Constant => {
            Some(emit_after_mass_disconnect::<B>(survivors))
        }
        Scenario::FirstEmitAfterMassDisconnect { survivors } if B::CHANGE == Change::Constant => {
            Some(first_emit_after_mass_disconnect::<B>(survivors))
        }
        _ => None,
    }
}

fn connect_disconnect<B: Bus>(live: usize) -> Contestant {
    let mut bus = B::with_slots(live);
    Contestant::new(B::NAME, move |iterations| {
        timed(iterations, || {
            let connection = black_box(bus.connect());
            bus.disconnect(connection);
        })
    })
}

/// The clock is read around this many disconnects, so that reading it weighs nothing.
const GROUP: usize = 64;

/// Disconnects the oldest connections, a group at a time, and replaces them untimed. With one
/// slot live a group takes that many signals, with more it is the oldest part of one signal.
fn disconnect<B: Bus>(live: usize) -> Contestant {
    let signals = if live < GROUP { GROUP / live } else { 1 };
    let mut buses: Vec<B> = (0..signals).map(|_| B::default()).collect();
    let mut oldest_first = VecDeque::with_capacity(signals * live);
    for _ in 0..live {
        for (signal, bus) in buses.iter_mut().enumerate() {
            oldest_first.push_back((signal, bus.connect()));
        }
    }
    Contestant::new(B::NAME, move |iterations| {
        let mut left = usize::try_from(iterations).expect("fewer iterations than addresses");
        let mut time = Duration::ZERO;
        while left > 0 {
            let group = left.min(GROUP);
            let mut leaving: Vec<_> = oldest_first.drain(..group).collect();
            let signals: Vec<usize> = leaving.iter().map(|&(signal, _)| signal).collect();
            let mut leaving = leaving.drain(..);
            time += timed(group as u64, || {
                let (signal, connection) = leaving.next().expect("one for each iteration");
                buses[signal].disconnect(connection);
            });
            oldest_first.extend(signals.into_iter().map(|signal| (signal, buses[signal].connect())));
            left -= group;
        }
        time
    })
}

/// A bus with survivors evenly spread among many more slots, which have all just gone.
fn after_mass_disconnect<B: Bus>(survivors: usize) -> B {
    let (mut bus, connections) = connected::<B>(survivors + MASS);
    let stride = connections.len() / survivors;
    for (position, connection) in connections.into_iter().enumerate() {
        let survives = position % stride == 0 && position / stride < survivors;
        if !survives {
            bus.disconnect(connection);
        }
    }
    bus
}

fn emit_after_mass_disconnect<B: Bus>(survivors: usize) -> Contestant {
    let mut bus = after_mass_disconnect::<B>(survivors);
    bus.maintain();
    let event = check(&mut bus, survivors);
    Contestant::new(B::NAME, move |iterations| timed(iterations, || bus.emit(black_box(&event))))
}

fn first_emit_after_mass_disconnect<B: Bus>(survivors: usize) -> Contestant {
    let event = check(&mut B::with_slots(1), 1);
    let mut contestant = Contestant::new(B::NAME, move |iterations| {
        let fresh_each_time = |_| {
            let mut bus = after_mass_disconnect::<B>(survivors);
            timed(1, || bus.emit(black_box(&event)))
        };
        (0..iterations).map(fresh_each_time).sum()
    });
    contestant.at_most = Some(1);
    contestant
}
