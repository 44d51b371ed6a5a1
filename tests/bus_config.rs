//! Configurations: checked, replaced while others connect, and in force from then on.

mod common;

use common::Counter;
use pulsebus::{Bus, CallStatistics, Config, LimitPolicy, ManualClock, Signal, Timeout};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

#[test]
fn a_bad_value_is_refused_and_the_configuration_before_stays() {
    let bus = Bus::new();
    let mut config = Config::default();
    config.limits.per_owner = Some(7);
    bus.configure(config.clone()).unwrap();
    let mut bad = config.clone();
    bad.limits.per_service = Some(0);
    let error = bus.configure(bad.clone()).unwrap_err();
    assert_eq!((error.field, error.value.as_str()), ("limits.per_service", "0"));
    assert!(error.to_string().contains("from 1 to 2147483647"), "{error}");
    assert_eq!(*bus.config(), config);
    assert_eq!(Bus::with_config(bad.clone()).unwrap_err(), error);
    assert_eq!(Bus::builder().config(bad).build().unwrap_err(), error);
}

#[test]
fn a_new_limit_is_in_force_at_once() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    for _ in 0..10 {
        bus.connect(&signal).owner(7).slot(|_| {}).unwrap();
    }
    let mut config = Config::default();
    (config.limits.per_owner, config.limits.policy) = (Some(5), LimitPolicy::Reject);
    bus.configure(config.clone()).unwrap();
    assert_eq!(bus.count_of(7), 10, "what is there stays");
    bus.connect(&signal).owner(7).slot(|_| {}).unwrap_err();
    config.limits.per_owner = Some(11);
    bus.configure(config).unwrap();
    bus.connect(&signal).owner(7).slot(|_| {}).unwrap();
    bus.connect(&signal).owner(7).slot(|_| {}).unwrap_err();
    assert_eq!(bus.statistics().limits.per_owner, Some(11));
}

#[test]
fn new_call_statistics_are_for_connections_made_from_then_on() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    let mut config = Config::default();
    let before = bus.connect(&signal).slot(|_| {}).unwrap();
    config.call_statistics = CallStatistics::Exact;
    bus.configure(config.clone()).unwrap();
    let exact = bus.connect(&signal).slot(|_| {}).unwrap();
    config.call_statistics = CallStatistics::Off;
    bus.configure(config).unwrap();
    let off = bus.connect(&signal).slot(|_| {}).unwrap();
    signal.emit(&1);
    let exactness = [before, exact, off].map(|one| bus.detail(one).unwrap().calls.map(|calls| calls.exact));
    assert_eq!(exactness, [Some(false), Some(true), None]);
}

#[test]
fn a_new_sweep_interval_counts() {
    let hand = ManualClock::new();
    let bus = Bus::builder().clock(hand.clock()).build().unwrap();
    let signal = Signal::<u32>::new();
    let second = Duration::from_secs(1);
    let mut config = Config::default();
    config.stale_sweep_every = second * 2;
    bus.configure(config).unwrap();
    bus.connect(&signal).timeout(Timeout::Age(second)).slot(|_| {}).unwrap();
    assert_eq!(bus.maintain(second).stale, 0);
    hand.advance(second * 2);
    assert_eq!(bus.maintain(second).stale, 1);
}

#[test]
fn configuring_while_other_threads_connect_pauses_nobody_and_loses_nothing() {
    let (bus, signal, made) = (Bus::new(), Signal::<u32>::new(), Counter::new());
    let done = AtomicBool::new(false);
    let configs = [CallStatistics::Off, CallStatistics::Sampled, CallStatistics::Exact].map(|statistics| {
        let mut config = Config::default();
        (config.call_statistics, config.limits.per_owner) = (statistics, Some(1 << 20));
        config
    });
    thread::scope(|threads| {
        let connecting: Vec<_> = (0..3)
            .map(|owner: u32| {
                let (bus, signal, made) = (&bus, &signal, &made);
                threads.spawn(move || {
                    for round in 0..300 {
                        for _ in 0..10 {
                            bus.connect(signal).owner(owner).tag("hud").slot(made.slot()).unwrap();
                        }
                        assert!(bus.config().limits.per_owner.is_some());
                        if round % 3 == 0 {
                            assert_eq!(bus.cleanup_owner(owner), if round == 0 { 10 } else { 30 });
                        }
                    }
                })
            })
            .collect();
        let (bus, configs, done) = (&bus, &configs, &done);
        threads.spawn(move || {
            for config in configs.iter().cycle() {
                bus.configure(config.clone()).unwrap();
                if done.load(SeqCst) {
                    return;
                }
            }
        });
        connecting.into_iter().for_each(|thread| thread.join().expect("each connect succeeds"));
        done.store(true, SeqCst);
    });
    assert!(configs.contains(&bus.config()));
    signal.emit(&1);
    assert_eq!((bus.cleanup_tag("hud"), made.get(), signal.len()), (60, 60, 0));
}
