//! Services: what stops with them, in which order, and the structs behind them.

mod common;

use common::{Counter, Log, Tally};
use pulsebus::{
    Beat, Bus, CallStatistics, Config, ConnectError, EndReason, Filter, Kind, Managed, ManagedService, ManualClock,
    Name, Service, Signal, WeakBus,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_service_connects_counts_and_cleans_up_what_is_its_own() {
    let hand = ManualClock::new();
    let bus = Bus::builder().clock(hand.clock()).build().unwrap();
    let (signal, calls) = (Signal::<u32>::new(), Counter::new());
    let quest = bus.service("Quest");
    assert!(quest.is_empty());
    quest.connect(&signal).owner(7).slot(calls.slot()).unwrap();
    quest.timer(SECOND).slot(calls.slot()).unwrap();
    quest.connect_heartbeat(SECOND, SECOND).slot(calls.slot()).unwrap();
    quest.connect_matching::<u32>("room.*").unwrap().slot(|_, _| {}).unwrap();
    let by_name = bus.connect(&signal).service("Quest").slot(calls.slot()).unwrap();
    bus.service("Shop").connect(&signal).slot(calls.slot()).unwrap();
    let room = bus.topic::<u32>("room.1").unwrap();
    assert_eq!((quest.len(), bus.details(&Filter::new().service("Quest")).len(), room.len()), (6, 6, 1));
    by_name.disconnect();
    assert_eq!((quest.len(), bus.service("Shop").len()), (5, 1));
    signal.emit(&1);
    let statistics = quest.statistics();
    assert_eq!((statistics.live, statistics.calls, statistics.panics, statistics.overruns), (5, 1, 0, 0));
    assert_eq!((statistics.kinds[&Kind::Timer], statistics.kinds[&Kind::Heartbeat]), (1, 1));
    assert_eq!(calls.take(), 2);

    assert_eq!(quest.cleanup(), 5);
    assert!(quest.is_empty() && room.is_empty() && !quest.has_stopped());
    signal.emit(&1);
    bus.signal::<Beat>().emit(&Beat::default());
    hand.advance(SECOND);
    assert_eq!((bus.run_timers(), calls.take()), (0, 1));
    quest.connect(&signal).slot(calls.slot()).unwrap();
    assert_eq!((quest.stop(), bus.len()), (1, 1));
}

#[test]
fn a_service_counts_the_calls_of_a_pattern_once() {
    let mut config = Config::default();
    config.call_statistics = CallStatistics::Exact;
    let bus = Bus::with_config(config).unwrap();
    let (chat, room) = (bus.service("Chat"), bus.topic::<u32>("room.1").unwrap());
    chat.connect_matching::<u32>("room.*").unwrap().slot(|_, _| {}).unwrap();
    chat.connect(&room).slot(|_| {}).unwrap();
    (0..10).for_each(|n| {
        room.emit(&n);
    });
    assert_eq!((chat.statistics().calls, chat.statistics().live), (20, 3));
}

#[test]
fn a_service_stops_once() {
    let (bus, signal, log) = (Bus::new(), Signal::<u32>::new(), Log::new());
    let quest = bus.service("Quest");
    let (copy, reasons, hooks) = (quest.clone(), log.clone(), log.clone());
    quest.connect(&signal).on_cleanup(move |reason| reasons.push(reason.as_str())).slot(|_| {}).unwrap();
    quest.on_shutdown(move || hooks.push("hook"));
    assert_eq!((quest.stop(), copy.stop(), quest.stop()), (1, 0, 0));
    assert_eq!(log.take(), ["hook", "service_stopped"]);
    assert!(copy.has_stopped() && copy == quest);
    assert_eq!(copy.connect(&signal).slot(|_| {}), Err(ConnectError::ServiceStopped { service: "Quest".into() }));
    let hooks = log.clone();
    copy.on_shutdown(move || hooks.push("late"));
    assert_eq!(log.take(), ["late"], "done at once");
}

#[test]
fn an_old_handle_does_not_stop_a_new_service_of_its_name() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    let old = bus.service("Quest");
    assert!(old == bus.service("Quest"));
    assert_eq!(old.stop(), 0);
    let new = bus.service("Quest");
    new.connect(&signal).slot(|_| {}).unwrap();
    assert_eq!((old.stop(), new.len(), new.has_stopped(), old == new), (0, 1, false, false));
    assert!(old.connect(&signal).slot(|_| {}).is_err() && new.connect(&signal).slot(|_| {}).is_ok());
    assert_eq!(new.stop(), 2);
}

#[test]
fn a_service_that_is_made_while_one_of_its_name_stops_keeps_its_connections() {
    let (bus, signal) = (Bus::new(), Arc::new(Signal::<u32>::new()));
    let (stopping, go_on) = (mpsc::channel(), mpsc::channel::<()>());
    let old = bus.service("Quest");
    old.on_shutdown(move || {
        stopping.0.send(()).unwrap();
        go_on.1.recv().unwrap();
    });
    old.connect(&*signal).slot(|_| {}).unwrap();
    let theirs = old.clone();
    let thread = thread::spawn(move || theirs.stop());
    stopping.1.recv().unwrap();
    // Until it has stopped, it is the one of that name, and goes on.
    let met = bus.service("Quest");
    met.connect(&*signal).slot(|_| {}).unwrap();
    assert_eq!((met == old, met.stop(), met.has_stopped()), (true, 0, false));
    go_on.0.send(()).unwrap();
    assert_eq!((thread.join().unwrap(), signal.len()), (2, 0));
    assert!(bus.service("Quest") != old);
}

#[test]
fn hooks_run_once_the_last_one_first_before_the_connections_end() {
    let (bus, signal, log) = (Bus::new(), Arc::new(Signal::<u32>::new()), Log::new());
    let quest = bus.service("Quest");
    for n in 0..3 {
        let (hooks, theirs, weak) = (log.clone(), signal.clone(), bus.downgrade());
        quest.on_shutdown(move || {
            hooks.push((n, theirs.len()));
            if n == 1 {
                // A hook that adds a hook, and meets its own service.
                let service = weak.upgrade().unwrap().service("Quest");
                let hooks = hooks.clone();
                service.on_shutdown(move || hooks.push((10, 0)));
                assert_eq!((service.len(), service.stop()), (1, 0));
            }
        });
    }
    quest.connect(&*signal).slot(|_| {}).unwrap();
    assert_eq!(quest.stop(), 1);
    assert_eq!(log.take(), [(2, 1), (1, 1), (0, 1), (10, 0)]);
    assert_eq!(bus.statistics().cleanup_errors, 0);
}

#[test]
fn a_hook_that_panics_is_counted_and_stops_nothing() {
    let (bus, signal, calls) = (Bus::new(), Signal::<u32>::new(), Counter::new());
    let quest = bus.service("Quest");
    for n in 0..4 {
        let counter = calls.clone();
        quest.on_shutdown(move || if n % 2 == 0 { panic!("hook {n}") } else { counter.add(1) });
    }
    quest.connect(&signal).slot(|_| {}).unwrap();
    assert_eq!((quest.stop(), calls.get()), (1, 2));
    quest.on_shutdown(|| panic!("late"));
    assert_eq!(bus.statistics().cleanup_errors, 3);
}

struct Quests {
    log: Log<&'static str>,
    signal: Arc<Signal<u32>>,
    outcome: fn(&Service) -> Result<(), ConnectError>,
    _guard: common::Guard,
}

impl Managed for Quests {
    fn name(&self) -> Name {
        "Quest".into()
    }

    fn start(self: &Arc<Self>, service: &Service) -> Result<(), ConnectError> {
        self.log.push("start");
        service.connect(&*self.signal).weak(self, |this, _| this.log.push("event"))?;
        (self.outcome)(service)
    }

    fn stop(&self) {
        self.log.push(if self.signal.is_empty() { "stop without connections" } else { "stop" });
    }
}

type Made = Result<ManagedService<Quests>, ConnectError>;

fn manage(
    bus: &Bus,
    log: &Log<&'static str>,
    tally: &Tally,
    outcome: fn(&Service) -> Result<(), ConnectError>,
) -> Made {
    let signal = Arc::new(Signal::new());
    bus.manage(Quests { log: log.clone(), signal, outcome, _guard: tally.guard() })
}

#[test]
fn a_struct_is_kept_until_its_service_stops_and_no_longer() {
    for way in ["stop", "shutdown", "drop"] {
        let (bus, log, tally) = (Bus::new(), Log::new(), Tally::new());
        let managed = manage(&bus, &log, &tally, |_| Ok(())).unwrap();
        let (service, signal) = (managed.service().clone(), managed.signal.clone());
        assert_eq!((managed.clone().value().signal.len(), service.name().as_str()), (1, "Quest"));
        drop(managed);
        signal.emit(&1);
        assert_eq!((log.take(), tally.dropped()), (vec!["start", "event"], 0));
        match way {
            "stop" => assert_eq!(service.stop(), 1),
            "shutdown" => assert!(bus.shutdown(SECOND).unwrap().is_clean()),
            _ => drop((service, bus)),
        }
        assert_eq!((log.take(), signal.len()), (vec!["stop"], 0), "{way}");
        tally.assert_all_dropped();
    }
}

#[test]
fn a_service_whose_start_fails_is_stopped() {
    let (bus, log, tally) = (Bus::new(), Log::new(), Tally::new());
    let failed = manage(&bus, &log, &tally, |service| {
        service.connect(&service.bus().signal::<u32>()).named("no owner").slot(|_| {}).map(drop)
    });
    assert!(matches!(failed, Err(ConnectError::NameWithoutOwner { .. })));
    assert_eq!((log.take(), bus.len()), (vec!["start", "stop"], 0));
    let panicked = catch_unwind(AssertUnwindSafe(|| manage(&bus, &log, &tally, |_| panic!("cannot start"))));
    assert!(panicked.is_err());
    assert_eq!((log.take(), bus.len()), (vec!["start", "stop"], 0));
    tally.assert_all_dropped();
    assert!(manage(&bus, &log, &tally, |_| Ok(())).is_ok(), "the name is free");
}

#[test]
fn a_name_that_is_taken_or_a_bus_that_has_ended_is_an_error() {
    let (bus, log, tally) = (Bus::new(), Log::new(), Tally::new());
    let first = bus.service("Quest");
    let taken = manage(&bus, &log, &tally, |_| Ok(()));
    assert!(matches!(taken, Err(ConnectError::ServiceExists { service }) if service == "Quest"));
    first.stop();
    let managed = manage(&bus, &log, &tally, |_| Ok(())).unwrap();
    assert!(managed.service() == &bus.service("Quest"));
    assert!(bus.shutdown(SECOND).is_ok());
    assert_eq!((managed.service().stop(), log.take()), (0, vec!["start", "stop"]));
    assert!(matches!(manage(&bus, &log, &tally, |_| Ok(())), Err(ConnectError::ShutDown)));
    assert_eq!(log.take(), [""; 0], "it was not started");
    drop(managed);
    tally.assert_all_dropped();
}

#[test]
fn the_last_bus_runs_the_hooks_of_its_services_in_the_order_of_a_shutdown() {
    let (bus, log) = (Bus::new(), Log::new());
    for name in ["first", "second"] {
        let service = bus.service(name);
        for hook in [1, 2] {
            let (hooks, weak): (_, WeakBus) = (log.clone(), bus.downgrade());
            service.on_shutdown(move || hooks.push((name, hook, weak.upgrade().is_some())));
        }
        service.on_shutdown(|| panic!("no other one stays behind"));
    }
    let (signal, ends) = (bus.signal::<u32>(), Log::new());
    let reasons = ends.clone();
    bus.service("first").connect(&signal).on_cleanup(move |reason| reasons.push(reason)).slot(|_| {}).unwrap();
    drop(bus);
    assert_eq!(log.take(), [("second", 2, false), ("second", 1, false), ("first", 2, false), ("first", 1, false)]);
    assert_eq!((ends.take(), signal.len()), (vec![EndReason::Shutdown], 0));
}
