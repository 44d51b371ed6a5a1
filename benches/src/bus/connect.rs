//! Connecting, bare and tracked.

use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pulsebus::{CallStatistics, Connection, Signal};

use super::{Connect, GROUP, OWNER, bus, connect_described, connect_owned};
use crate::event::{Lane, slot};
use crate::scenario::{Contestant, timed};

/// What connects, on a bus with these statistics.
type Tracked = (&'static str, CallStatistics, Connect);

pub(super) fn contestants() -> Vec<Contestant> {
    let signal = Arc::new(Signal::new());
    let theirs = Arc::clone(&signal);
    let clear = move || {
        theirs.disconnect_all();
        pulsebus::collect();
    };
    let mut contestants = vec![connecting("bare", move || signal.connect(slot(Lane::next())), clear)];
    macro_rules! tracked {
        ($($name:literal $statistics:ident $connect:ident)*) => {$({
            let (bus, signal) = (bus(CallStatistics::$statistics), Signal::new());
            let theirs = bus.clone();
            let clear = move || {
                theirs.cleanup_owner(OWNER);
                pulsebus::collect();
            };
            contestants.push(connecting($name, move || $connect(&bus, &signal), clear));
        })*};
    }
    // Not through a pointer to a function, which would hide from the compiler what a user's code shows it.
    tracked! {
        "owner, statistics off" Off connect_owned
        "owner, sampled" Sampled connect_owned
        "owner, exact" Exact connect_owned
        "owner, service, two tags, statistics off" Off connect_described
        "owner, service, two tags, sampled" Sampled connect_described
        "owner, service, two tags, exact" Exact connect_described
    }
    contestants.push(lock());
    contestants
}

/// Times connects only, and clears up after each group of them.
fn connecting(
    name: &'static str,
    mut connect: impl FnMut() -> Connection + 'static,
    mut clear: impl FnMut() + 'static,
) -> Contestant {
    Contestant::new(name, move |iterations| {
        let mut time = Duration::ZERO;
        let mut left = iterations;
        while left > 0 {
            let group = left.min(GROUP as u64);
            time += timed(group, || {
                black_box(connect());
            });
            clear();
            left -= group;
        }
        time
    })
}

/// What a connect through the bus costs at the least.
fn lock() -> Contestant {
    let counter = Mutex::new(0_u64);
    Contestant::new("std Mutex, locked and released", move |iterations| {
        timed(iterations, || *black_box(&counter).lock().unwrap_or_else(PoisonError::into_inner) += 1)
    })
}

pub(super) fn cycles() -> Vec<Contestant> {
    let tracked: [Tracked; 3] = [
        ("connect, cleanup_owner, collect; statistics off", CallStatistics::Off, connect_owned),
        ("connect, cleanup_owner, collect; sampled", CallStatistics::Sampled, connect_owned),
        ("the same with a service and two tags; sampled", CallStatistics::Sampled, connect_described),
    ];
    let mut contestants = vec![bare_cycle()];
    contestants.extend(tracked.map(tracked_cycle));
    contestants
}

fn bare_cycle() -> Contestant {
    let signal = Signal::new();
    let mut connections = Vec::with_capacity(GROUP);
    cycling("bare: connect, disconnect, collect", move |group| {
        connections.extend((0..group).map(|_| signal.connect(slot(Lane::next()))));
        connections.drain(..).for_each(|connection: Connection| {
            connection.disconnect();
        });
    })
}

fn tracked_cycle((name, statistics, connect): Tracked) -> Contestant {
    let (bus, signal) = (bus(statistics), Signal::new());
    cycling(name, move |group| {
        (0..group).for_each(|_| {
            black_box(connect(&bus, &signal));
        });
        bus.cleanup_owner(OWNER);
    })
}

/// Times groups of connections from the first connect to the collection of the last one.
fn cycling(name: &'static str, mut cycle: impl FnMut(u64) + 'static) -> Contestant {
    Contestant::new(name, move |iterations| {
        let whole = timed(iterations / GROUP as u64, || {
            cycle(GROUP as u64);
            pulsebus::collect();
        });
        whole
            + timed(1, || {
                cycle(iterations % GROUP as u64);
                pulsebus::collect();
            })
    })
}
