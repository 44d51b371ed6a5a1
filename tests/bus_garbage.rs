//! What is made and forgotten, again and again: the bus finds it, without anybody's looking.

mod common;

use common::{Counter, Tally, holding};
use pulsebus::{Bus, Domain, ManualClock, Signal};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MANY: usize = 100_000;
/// Records of nothing, of so many, that there may be at a time: those that the next look finds.
const FEW: usize = 2_048;

/// A bus that reclaims nothing but what the test collects.
fn by_hand() -> (Bus, Domain, ManualClock, Signal<u32>) {
    let (domain, hand) = (Domain::new(), ManualClock::new());
    let bus = Bus::builder().domain(&domain).clock(hand.clock()).build().unwrap();
    let signal = Signal::new_in(&domain);
    (bus, domain, hand, signal)
}

#[test]
fn guards_that_go_leave_nothing_behind() {
    let (bus, signal, ends, mut most) = (Bus::new(), Signal::<u32>::new(), Counter::new(), 0);
    for _ in 0..MANY {
        let counted = ends.clone();
        drop(bus.connect(&signal).on_cleanup(move |_| counted.add(1)).scoped(|_| {}).unwrap());
        most = most.max(bus.len());
    }
    assert!(most <= FEW, "{most} records of nothing");
    assert_eq!(ends.get() + bus.len(), MANY, "what is gone was told so");
}

#[test]
fn guards_of_players_that_go_leave_nothing_behind() {
    let (bus, signal, mut most) = (Bus::new(), Signal::<u32>::new(), 0);
    for player in 0..MANY {
        drop(bus.connect(&signal).owner(player).tag("hud").scoped(|_| {}).unwrap());
        most = most.max(bus.len());
    }
    assert!(most <= FEW, "{most} records of nothing");
    let statistics = bus.statistics();
    assert_eq!((statistics.live, statistics.owners.len(), statistics.tags.len()), (0, 0, 0));
}

#[test]
fn guards_that_go_beside_many_that_stay_are_no_more_than_those() {
    let (bus, signal, mut most) = (Bus::new(), Signal::<u32>::new(), 0);
    let stay: Vec<_> = (0..10_000).map(|_| bus.connect(&signal).scoped(|_| {}).unwrap()).collect();
    for _ in 0..MANY {
        drop(bus.connect(&signal).scoped(|_| {}).unwrap());
        most = most.max(bus.len());
    }
    assert!(most <= stay.len() * 5 / 2, "{most} records, {} of something", stay.len());
    assert_eq!((bus.statistics().live, signal.len()), (stay.len(), stay.len()));
}

#[test]
fn what_a_debounced_slot_captured_goes_with_a_complete_collect() {
    let ((bus, domain, hand, signal), tally) = (by_hand(), Tally::new());
    bus.connect(&signal).owner(7).debounced(SECOND * 3_600, holding(tally.guard())).unwrap();
    bus.connect(&signal).owner(7).debounced_by(SECOND * 3_600, |n| *n, holding(tally.guard())).unwrap();
    signal.emit_batch(&[1, 2]);
    assert_eq!(bus.cleanup_owner(7), 2);
    // Its timer is not due for an hour.
    assert!(domain.collect().complete);
    tally.assert_all_dropped();
    hand.advance(SECOND * 3_600);
    assert_eq!(bus.run_timers(), 0);
}

#[test]
fn what_a_cancelled_timer_captured_goes_with_a_complete_collect() {
    let ((bus, domain, hand, _), tally) = (by_hand(), Tally::new());
    for n in 0..255 {
        let timer = bus.after(SECOND * 3_600).slot(holding(tally.guard())).unwrap();
        assert!(if n % 2 == 0 { bus.disconnect(timer) } else { timer.disconnect() });
    }
    assert!(domain.collect().complete);
    tally.assert_all_dropped();
    hand.advance(SECOND * 3_600);
    assert_eq!((bus.run_timers(), bus.statistics().live), (0, 0));
}
