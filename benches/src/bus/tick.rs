//! A tick in which some timers are due, and others are not.

use std::time::Duration;

use pulsebus::{Bus, ManualClock};

use crate::scenario::{Contestant, timed};

/// Timers that are not due, beside those that are.
const PENDING: u32 = 100_000;

const TICK: Duration = Duration::from_millis(10);

const DAY: Duration = Duration::from_secs(24 * 3_600);

pub(super) fn contestants(due: usize) -> Vec<Contestant> {
    vec![ticking("nothing else pending", due, 0), ticking("100,000 others pending", due, PENDING)]
}

fn ticking(name: &'static str, due: usize, pending: u32) -> Contestant {
    let (bus, hand) = server(due, pending);
    Contestant::new(name, move |iterations| timed(iterations, || tick(&bus, &hand)))
}

/// A bus with so many timers that are due in each tick, and so many that are due tomorrow.
pub fn server(due: usize, pending: u32) -> (Bus, ManualClock) {
    let hand = ManualClock::new();
    let bus = Bus::builder().clock(hand.clock()).build().expect("the defaults");
    for _ in 0..due {
        bus.timer(TICK).slot(|_| {}).expect("limits only warn");
    }
    for n in 0..pending {
        // Spread over a day, so that they are in many places.
        bus.after(DAY + DAY * n / PENDING).slot(|_| {}).expect("limits only warn");
    }
    hand.advance(TICK);
    assert_eq!(bus.run_timers(), due, "one tick");
    (bus, hand)
}

/// Moves the clock on, and runs what is due.
#[inline(always)]
pub fn tick(bus: &Bus, hand: &ManualClock) {
    hand.advance(TICK);
    bus.run_timers();
}
