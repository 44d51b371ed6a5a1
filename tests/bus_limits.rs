//! Limits: per owner, per service, and overall; what the policies do, what is swept first, and the emergency hook.

mod common;

use common::Log;
use pulsebus::{
    Bus, Config, ConnectError, Connection, EndReason, LimitPolicy, Limits, ManualClock, Owner, Signal, Timeout, Who,
};
use std::sync::Arc;
use std::time::Duration;

fn limited(policy: LimitPolicy, change: impl Fn(&mut Limits)) -> (Bus, ManualClock, Signal<u32>) {
    let mut config = Config::default();
    config.limits.policy = policy;
    change(&mut config.limits);
    let hand = ManualClock::new();
    (Bus::builder().config(config).clock(hand.clock()).build().unwrap(), hand, Signal::new())
}

/// Connects for an owner and a service, a second after the one before.
fn connect(bus: &Bus, hand: &ManualClock, signal: &Signal<u32>) -> Result<Connection, ConnectError> {
    hand.advance(Duration::from_secs(1));
    bus.connect(signal).owner(7).service("Quest").slot(|_| {})
}

/// Each of the limits, at ten.
const LIMITS: [fn(&mut Limits); 3] =
    [|limits| limits.per_owner = Some(10), |limits| limits.per_service = Some(10), |limits| limits.overall = Some(10)];

#[test]
fn the_defaults_are_those_promised() {
    let limits = Limits::default();
    assert_eq!((limits.per_owner, limits.per_service, limits.overall), (Some(500), Some(1000), None));
    let config = Config::default();
    assert_eq!((limits.policy, config.sweep_at, config.emergency_at), (LimitPolicy::Warn, 0.8, 0.95));
}

#[test]
fn beyond_a_limit_warn_connects_and_counts() {
    for limit in LIMITS {
        let (bus, hand, signal) = limited(LimitPolicy::Warn, limit);
        for _ in 0..10 {
            connect(&bus, &hand, &signal).unwrap();
        }
        assert_eq!(bus.statistics().over_limit, 0);
        for _ in 0..5 {
            connect(&bus, &hand, &signal).unwrap();
        }
        let statistics = bus.statistics();
        assert_eq!((statistics.over_limit, statistics.live, statistics.rejected), (5, 15, 0));
    }
}

#[test]
fn beyond_a_limit_reject_says_whose_it_is() {
    let whose = [Who::Owner(7.into()), Who::Service("Quest".into()), Who::Overall];
    for (limit, who) in LIMITS.into_iter().zip(whose) {
        let (bus, hand, signal) = limited(LimitPolicy::Reject, limit);
        for _ in 0..10 {
            connect(&bus, &hand, &signal).unwrap();
        }
        let error = connect(&bus, &hand, &signal).unwrap_err();
        assert_eq!(error, ConnectError::LimitReached { who, limit: 10, live: 10 });
        assert_eq!((bus.statistics().rejected, bus.len(), signal.len()), (1, 10, 10));
        assert_eq!(bus.cleanup_owner(7), 10);
        connect(&bus, &hand, &signal).unwrap();
    }
}

#[test]
fn beyond_a_limit_the_oldest_makes_room() {
    for limit in LIMITS {
        let (bus, hand, signal) = limited(LimitPolicy::EvictOldest, limit);
        let reasons = Log::new();
        let ends = reasons.clone();
        let first = bus.connect(&signal).owner(7).service("Quest").on_cleanup(move |reason| ends.push(reason));
        let first = first.slot(|_| {}).unwrap();
        let others: Vec<Connection> = (0..14).map(|_| connect(&bus, &hand, &signal).unwrap()).collect();
        assert_eq!(reasons.take(), [EndReason::Limit]);
        assert!(!first.is_connected());
        let live: Vec<bool> = others.iter().map(Connection::is_connected).collect();
        assert_eq!(live, [[false; 4].as_slice(), &[true; 10]].concat());
        assert_eq!((bus.len(), bus.statistics().ended_by(EndReason::Limit)), (10, 5));
    }
}

#[test]
fn a_limit_that_was_lowered_is_reached_step_by_step() {
    let (bus, hand, signal) = limited(LimitPolicy::EvictOldest, |_| {});
    (0..50).for_each(|_| assert!(connect(&bus, &hand, &signal).is_ok()));
    let mut config = bus.config().as_ref().clone();
    config.limits.per_owner = Some(10);
    bus.configure(config).unwrap();
    for left in (10..50).rev() {
        connect(&bus, &hand, &signal).unwrap();
        assert_eq!((bus.count_of(7), signal.len()), (left, left), "two go for one that comes");
    }
    connect(&bus, &hand, &signal).unwrap();
    assert_eq!((bus.count_of(7), bus.statistics().over_limit), (10, 0));
}

#[test]
fn other_owners_and_services_have_limits_of_their_own() {
    let (bus, _, signal) = limited(LimitPolicy::Reject, |limits| limits.per_owner = Some(2));
    for owner in 0..100_u32 {
        for _ in 0..2 {
            bus.connect(&signal).owner(owner).slot(|_| {}).unwrap();
        }
        bus.connect(&signal).owner(owner).slot(|_| {}).unwrap_err();
    }
    // What has no owner is nobody's.
    for _ in 0..10 {
        bus.connect(&signal).slot(|_| {}).unwrap();
    }
    assert_eq!(bus.len(), 210);
}

#[test]
fn what_ended_behind_the_buss_back_turns_nobody_away() {
    for limit in LIMITS {
        let (bus, hand, signal) = limited(LimitPolicy::Reject, limit);
        for _ in 0..5 {
            let ten: Vec<Connection> = (0..10).map(|_| connect(&bus, &hand, &signal).unwrap()).collect();
            connect(&bus, &hand, &signal).unwrap_err();
            ten.iter().for_each(|connection| assert!(connection.disconnect()));
        }
        assert_eq!(bus.statistics().ended_by(EndReason::Disconnected), 50);
    }
}

#[test]
fn what_ended_behind_the_buss_back_is_not_evicted_or_warned_of() {
    for policy in [LimitPolicy::EvictOldest, LimitPolicy::Warn] {
        let (bus, hand, signal) = limited(policy, |limits| limits.per_owner = Some(10));
        let ten: Vec<Connection> = (0..10).map(|_| connect(&bus, &hand, &signal).unwrap()).collect();
        assert!(ten[9].disconnect());
        connect(&bus, &hand, &signal).unwrap();
        assert!(ten[0].is_connected());
        assert_eq!(bus.statistics().over_limit, 0);
    }
}

#[test]
fn at_eighty_percent_what_is_stale_is_swept_first() {
    for limit in LIMITS {
        let (bus, hand, signal) = limited(LimitPolicy::Reject, limit);
        let minute = Duration::from_secs(60);
        let stale = |n: u32| {
            let connect = bus.connect(&signal).owner(7).service("Quest").timeout(Timeout::Age(minute));
            connect.describe(format!("number {n}")).slot(|_| {}).unwrap()
        };
        let eight: Vec<Connection> = (0..8).map(stale).collect();
        hand.advance(minute * 2);
        assert!(eight.iter().all(Connection::is_connected), "nobody sweeps before");
        connect(&bus, &hand, &signal).unwrap();
        assert!(!eight.iter().any(Connection::is_connected));
        assert_eq!((bus.len(), bus.statistics().ended_by(EndReason::Stale)), (1, 8));
    }
}

#[test]
fn each_approach_to_a_limit_begins_with_a_sweep() {
    let (bus, hand, signal) = limited(LimitPolicy::Reject, |limits| limits.overall = Some(10));
    let minute = Duration::from_secs(60);
    for round in 0..5 {
        for _ in 0..8 {
            bus.connect(&signal).owner(8).timeout(Timeout::Age(minute)).slot(|_| {}).unwrap();
        }
        hand.advance(minute);
        connect(&bus, &hand, &signal).unwrap();
        assert_eq!(bus.len(), 1, "round {round}");
        // Up to the limit, and down again.
        for _ in 0..9 {
            connect(&bus, &hand, &signal).unwrap();
        }
        assert_eq!(bus.cleanup_owner(7), 10);
    }
}

#[test]
fn beyond_a_limit_sweeps_are_spaced_until_there_are_fewer_again() {
    let (bus, hand, signal) = limited(LimitPolicy::Warn, |limits| {
        (limits.per_owner, limits.overall) = (Some(2), Some(3));
    });
    let minute = Duration::from_secs(60);
    let lasting =
        |minutes: u32| bus.connect(&signal).owner(7).timeout(Timeout::Age(minute * minutes)).slot(|_| {}).unwrap();
    // Swept for the third one, for nothing: the owner is not looked at again below three.
    let three = [1, 1, 2].map(lasting);
    hand.advance(minute);
    // The fourth one finds the whole bus at its limit. What that sweeps leaves the owner below its own.
    connect(&bus, &hand, &signal).unwrap();
    assert_eq!(three.map(|connection| connection.is_connected()), [false, false, true]);
    hand.advance(minute);
    connect(&bus, &hand, &signal).unwrap();
    assert!(!three[2].is_connected());
    assert_eq!((bus.len(), bus.statistics().ended_by(EndReason::Stale)), (2, 3));
}

#[test]
fn a_batch_that_replaces_names_needs_no_room() {
    for (limit, policy) in LIMITS.into_iter().zip([LimitPolicy::Reject, LimitPolicy::EvictOldest, LimitPolicy::Warn]) {
        let (bus, _, signal) = limited(policy, limit);
        let named = |n: u32| bus.connect(&signal).owner(7).service("Quest").named(format!("name {n}")).prepare(|_| {});
        bus.connect_batch((0..10).map(named)).unwrap();
        bus.connect_batch((0..10).map(named)).unwrap();
        let statistics = bus.statistics();
        assert_eq!((statistics.live, statistics.ended_by(EndReason::Replaced)), (10, 10));
        assert_eq!((statistics.over_limit, statistics.rejected), (0, 0));
    }
}

#[test]
fn a_gone_target_is_swept_for_a_limit_too() {
    let (bus, _, signal) = limited(LimitPolicy::Reject, |limits| limits.per_owner = Some(3));
    let target = Arc::new(());
    for _ in 0..3 {
        bus.connect(&signal).owner(7).weak(&target, |(), _| {}).unwrap();
    }
    bus.connect(&signal).owner(7).slot(|_| {}).unwrap_err();
    drop(target);
    bus.connect(&signal).owner(7).slot(|_| {}).unwrap();
    assert_eq!(bus.count_of(7), 1);
}

#[test]
fn a_name_that_replaces_needs_no_room() {
    for limit in LIMITS {
        for policy in [LimitPolicy::Reject, LimitPolicy::EvictOldest, LimitPolicy::Warn] {
            let (bus, hand, signal) = limited(policy, limit);
            for _ in 0..9 {
                connect(&bus, &hand, &signal).unwrap();
            }
            for _ in 0..5 {
                bus.connect(&signal).owner(7).service("Quest").named("progress").slot(|_| {}).unwrap();
            }
            let statistics = bus.statistics();
            assert_eq!((statistics.live, statistics.over_limit, statistics.rejected), (10, 0, 0));
            assert_eq!((statistics.ended_by(EndReason::Replaced), statistics.ended_by(EndReason::Limit)), (4, 0));
        }
    }
}

#[test]
fn what_is_taken_in_counts_as_well() {
    let (bus, _, signal) = limited(LimitPolicy::Reject, |limits| limits.per_owner = Some(1));
    let (first, second) = (signal.connect(|_| {}), signal.connect(|_| {}));
    bus.track(first).owner(7).finish().unwrap();
    let error = bus.track(second).owner(7).finish().unwrap_err();
    assert_eq!(error, ConnectError::LimitReached { who: Who::Owner(Owner::from(7)), limit: 1, live: 1 });
    assert!(second.is_connected(), "it stays as it is");
    assert_eq!(error.to_string(), "owner 7 has 1 connections of 1 allowed: end some, or raise the limit");
}

#[test]
fn the_emergency_hook_is_called_once_until_there_were_fewer() {
    let (bus, hand, signal) = limited(LimitPolicy::Warn, |limits| limits.overall = Some(100));
    let raised = Log::new();
    let log = raised.clone();
    bus.on_emergency(move |emergency| log.push((emergency.live, emergency.limit)));
    for _ in 0..94 {
        connect(&bus, &hand, &signal).unwrap();
    }
    assert!(raised.take().is_empty());
    for _ in 0..20 {
        connect(&bus, &hand, &signal).unwrap();
    }
    assert_eq!(raised.take(), [(95, 100)]);
    // All at once: it was below, if only between two calls.
    assert_eq!(bus.cleanup_owner(7), 114);
    bus.connect_batch((0..96).map(|_| bus.connect(&signal).prepare(|_| {}))).unwrap();
    assert_eq!(raised.take(), [(96, 100)]);
    assert_eq!(bus.statistics().emergencies, 2);
}

#[test]
fn thresholds_can_be_configured() {
    let mut config = Config::default();
    config.limits.overall = Some(10);
    (config.sweep_at, config.emergency_at) = (0.2, 0.5);
    let hand = ManualClock::new();
    let bus = Bus::builder().config(config).clock(hand.clock()).build().unwrap();
    let (signal, raised) = (Signal::<u32>::new(), Log::new());
    let log = raised.clone();
    bus.on_emergency(move |emergency| log.push(emergency.live));
    for n in 0..2 {
        bus.connect(&signal).owner(n).timeout(Timeout::Age(Duration::from_secs(1))).slot(|_| {}).unwrap();
    }
    hand.advance(Duration::from_secs(1));
    connect(&bus, &hand, &signal).unwrap();
    assert_eq!(bus.len(), 1, "swept at two of ten");
    for _ in 0..4 {
        connect(&bus, &hand, &signal).unwrap();
    }
    assert_eq!(raised.take(), [5]);
}

#[test]
fn without_limits_there_is_none() {
    let (bus, hand, signal) = limited(LimitPolicy::Reject, |limits| {
        (limits.per_owner, limits.per_service, limits.overall) = (None, None, None);
    });
    for _ in 0..3_000 {
        connect(&bus, &hand, &signal).unwrap();
    }
    assert_eq!(bus.cleanup_owner(7), 3_000);
}
