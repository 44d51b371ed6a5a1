//! Emitting through tracked connections.

use std::hint::black_box;
use std::time::Duration;

use pulsebus::{Bus, CallStatistics, Signal};

use super::{bus, connect_owned};
use crate::event::{Lane, Sums, slot};
use crate::scenario::{Contestant, timed};

pub(super) fn contestants(slots: usize) -> Vec<Contestant> {
    vec![
        emitting("untracked", slots, None, Window::Closed),
        emitting("statistics off", slots, Some(CallStatistics::Off), Window::Closed),
        emitting("sampled", slots, Some(CallStatistics::Sampled), Window::Closed),
        emitting("sampled, in a window", slots, Some(CallStatistics::Sampled), Window::Open),
        emitting("exact", slots, Some(CallStatistics::Exact), Window::Closed),
    ]
}

/// Samples are taken in windows, one part in 256 of the time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Window {
    Open,
    Closed,
}

fn emitting(name: &'static str, slots: usize, statistics: Option<CallStatistics>, window: Window) -> Contestant {
    let (bus, signal) = (statistics.map(bus), Signal::new());
    for _ in 0..slots {
        match &bus {
            Some(bus) => connect_owned(bus, &signal),
            None => signal.connect(slot(Lane::next())),
        };
    }
    let sums = Sums::leaked();
    let event = sums.event();
    signal.emit(&event);
    assert_eq!(sums.total(), slots as u64, "{name}: one emission to {slots} slots");
    Contestant::new(name, move |iterations| {
        // (The bus has to live as long as its connections.)
        let _bus = &bus;
        let _open = (window == Window::Open).then(open_window);
        timed(iterations, || {
            signal.emit(black_box(&event));
        })
    })
}

/// A window for all buses of the process, as long as this one lives. The first upkeep of a bus opens one.
fn open_window() -> Bus {
    let bus = Bus::new();
    bus.maintain(Duration::ZERO);
    bus
}
