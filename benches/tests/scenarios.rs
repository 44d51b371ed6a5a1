//! The benchmarks, run once: every peer delivers what it is asked to, in every scenario.

use std::time::Duration;

use pulsebus_benches::bus::BusScenario;
use pulsebus_benches::delivery::DeliveryScenario;
use pulsebus_benches::delivery::latency::{self, Mode};
use pulsebus_benches::pool::PoolScenario;
use pulsebus_benches::scenario::{Contest, Scenario};

/// Lists longer than this take an unoptimised build too long.
const LONGEST: usize = 1_000;

#[test]
fn every_peer_delivers_in_every_scenario() {
    for scenario in Scenario::all() {
        let is_long = scenario.parameter() > LONGEST || scenario.group().contains("mass_disconnect");
        if is_long {
            continue;
        }
        // Entering checks that one emission runs every slot exactly once.
        let mut contestants = scenario.contestants();
        assert_eq!(contestants[0].peer.split(',').next(), Some("pulsebus"), "ours leads the tables: {scenario:?}");
        assert!(contestants.len() > 1, "nobody to compare with: {scenario:?}");
        for contestant in &mut contestants {
            assert_ne!(contestant.run(64), Duration::ZERO, "{} in {scenario:?}", contestant.peer);
        }
    }
}

#[test]
fn the_bus_does_what_it_is_measured_for() {
    for scenario in BusScenario::all().into_iter().filter(|scenario| scenario.parameter() <= LONGEST) {
        let mut contestants = scenario.contestants();
        assert!(contestants.len() > 1, "nothing to compare with: {scenario:?}");
        for contestant in &mut contestants {
            assert_ne!(contestant.run(64), Duration::ZERO, "{} in {scenario:?}", contestant.peer);
        }
    }
}

#[test]
fn pools_do_what_they_are_measured_for() {
    for scenario in PoolScenario::all() {
        // Entering checks that what was written into an object is there.
        let mut contestants = scenario.contestants();
        assert!(contestants.len() > 1, "nothing to compare with: {scenario:?}");
        for contestant in &mut contestants {
            assert_ne!(contestant.run(64), Duration::ZERO, "{} in {scenario:?}", contestant.peer);
        }
    }
}

#[test]
fn everybody_delivers_what_was_sent_in_every_cell() {
    for scenario in DeliveryScenario::all() {
        // Each receiver of each run checks that it has had every event.
        let mut contestants = scenario.contestants();
        assert_eq!(
            contestants[0].peer.split([' ', ',']).next(),
            Some("pulsebus"),
            "ours leads the tables: {scenario:?}"
        );
        assert!(contestants.len() > 1, "nobody to compare with: {scenario:?}");
        for contestant in &mut contestants {
            for laps in [1, 3] {
                assert_ne!(contestant.run(laps), Duration::ZERO, "{} in {scenario:?}", contestant.peer);
            }
        }
    }
}

#[test]
fn everybody_hands_over_one_event_at_a_time() {
    let latencies = latency::measure(400).expect("no terminal is needed");
    for latency in &latencies {
        let samples = if latency.mode == Mode::Spin { 400 } else { 100 };
        assert!(latency.samples == samples && latency.p50 <= latency.p99_9, "{latency:?}");
    }
    assert!(latencies.len() > 10, "{latencies:?}");
}
