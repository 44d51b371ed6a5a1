//! The eight tests of the system that the bus replaces, by their names.

mod common;

use common::{Counter, Log};
use pulsebus::{Bus, ConnectError, EndReason, Kind, LimitPolicy, Managed, ManualClock, Name, Service, Signal, Timeout};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn basic_tracking() {
    let (bus, signal, calls) = (Bus::new(), Signal::<u32>::new(), Counter::new());
    let connection =
        bus.connect(&signal).owner(7).kind(Kind::Player).describe("counts").slot(calls.slot()).expect("no limit");
    signal.emit(&1);
    assert_eq!((calls.get(), bus.len()), (1, 1));
    let detail = bus.detail(connection).expect("it is tracked");
    assert_eq!(detail.owner, Some(7.into()));
    assert_eq!((detail.kind, detail.description), (Kind::Player, Some("counts".into())));
    assert!(bus.disconnect(connection));
    signal.emit(&2);
    assert_eq!((calls.get(), bus.len()), (1, 0));
    assert!(bus.detail(connection).is_none());
}

#[test]
fn player_cleanup() {
    let (bus, signal, calls) = (Bus::new(), Signal::<u32>::new(), Counter::new());
    for player in [1, 2] {
        for _ in 0..5 {
            bus.connect(&signal).owner(player).slot(calls.slot()).expect("no limit");
        }
    }
    assert_eq!(bus.cleanup_owner(1), 5);
    assert_eq!((bus.count_of(1), bus.count_of(2)), (0, 5));
    signal.emit(&1);
    assert_eq!(calls.get(), 5);
    assert_eq!(bus.cleanup_owner(1), 0);
}

#[test]
fn service_cleanup() {
    let (bus, signal, calls) = (Bus::new(), Signal::<u32>::new(), Counter::new());
    bus.connect(&signal).service("Quest").slot(calls.slot()).expect("no limit");
    bus.connect(&signal).service("Quest").owner(7).slot(calls.slot()).expect("no limit");
    bus.connect(&signal).service("Shop").slot(calls.slot()).expect("no limit");
    assert_eq!(bus.cleanup_service("Quest"), 2);
    signal.emit(&1);
    assert_eq!(calls.get(), 1);
    assert_eq!(bus.service("Shop").len(), 1);
}

#[test]
fn service_wrapper() {
    struct Quests {
        log: Log<&'static str>,
        done: Arc<Signal<u32>>,
    }
    impl Managed for Quests {
        fn name(&self) -> Name {
            "Quest".into()
        }

        fn start(self: &Arc<Self>, service: &Service) -> Result<(), ConnectError> {
            service.connect(&*self.done).weak(self, |this, _| this.log.push("done"))?;
            Ok(())
        }

        fn stop(&self) {
            self.log.push("saved");
        }
    }
    let (bus, log, done) = (Bus::new(), Log::new(), Arc::new(Signal::new()));
    let quests = bus.manage(Quests { log: log.clone(), done: done.clone() }).expect("there is no other");
    assert_eq!(quests.service().len(), 1);
    done.emit(&3);
    assert_eq!(quests.service().stop(), 1);
    done.emit(&4);
    assert_eq!(log.take(), ["done", "saved"]);
}

#[test]
fn leak_prevention() {
    let mut config = pulsebus::Config::default();
    config.limits.per_owner = Some(10);
    config.limits.policy = LimitPolicy::Reject;
    let (bus, signal) = (Bus::with_config(config).expect("valid"), Signal::<u32>::new());
    let made = (0..100).filter(|_| bus.connect(&signal).owner("forgetful").slot(|_| {}).is_ok()).count();
    assert_eq!((made, signal.len()), (10, 10));
    assert_eq!(bus.statistics().rejected, 90);
    // A name takes the place of the one before, at the limit too.
    bus.cleanup_owner("forgetful");
    for _ in 0..100 {
        bus.connect(&signal).owner("careful").named("watcher").slot(|_| {}).expect("replaces");
    }
    assert_eq!(bus.count_of("careful"), 1);
}

#[test]
fn stale_cleanup() {
    let hand = ManualClock::new();
    let bus = Bus::builder().clock(hand.clock()).build().expect("valid");
    let (signal, reasons) = (Signal::<u32>::new(), Log::new());
    let log = reasons.clone();
    let minute = Duration::from_secs(60);
    bus.connect(&signal).timeout(Timeout::Age(minute)).on_cleanup(move |reason| log.push(reason)).slot(|_| {}).unwrap();
    let healthy = bus.connect(&signal).owner(7).slot(|_| {}).unwrap();
    assert_eq!(bus.cleanup_stale(), 0);
    hand.advance(minute);
    assert_eq!(bus.cleanup_stale(), 1);
    assert_eq!(reasons.take(), [EndReason::Stale]);
    hand.advance(minute * 1_000_000);
    assert_eq!(bus.cleanup_stale(), 0);
    assert!(healthy.is_connected(), "a connection without a timeout is never stale");
}

#[test]
fn tag_cleanup() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    bus.connect(&signal).tag("hud").tag("quest").slot(|_| {}).unwrap();
    bus.connect(&signal).tag("hud").slot(|_| {}).unwrap();
    let other = bus.connect(&signal).tag("shop").slot(|_| {}).unwrap();
    assert_eq!(bus.cleanup_tag("quest"), 1);
    assert_eq!(bus.cleanup_tag("hud"), 1);
    assert!(other.is_connected());
}

#[test]
fn statistics() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    for owner in 0..3 {
        bus.connect(&signal).owner(owner).service("Quest").tag("hud").kind(Kind::Remote).slot(|_| {}).unwrap();
    }
    bus.connect(&signal).kind(Kind::State).slot(|_| {}).unwrap();
    bus.cleanup_owner(0);
    let statistics = bus.statistics();
    assert_eq!((statistics.live, statistics.peak, statistics.made), (3, 4, 4));
    assert_eq!(statistics.ended_by(EndReason::OwnerLeft), 1);
    assert_eq!((statistics.owners.len(), statistics.owners[0].live), (2, 1));
    assert_eq!((statistics.services[0].key.as_str(), statistics.services[0].live), ("Quest", 2));
    assert_eq!((statistics.tags[0].key.as_str(), statistics.tags[0].made), ("hud", 3));
    assert_eq!((statistics.kinds[&Kind::Remote], statistics.kinds[&Kind::State]), (2, 1));
}
