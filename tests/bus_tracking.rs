//! What the bus knows of a connection, and connecting by name, in batches, and from outside.

mod common;

use common::{Counter, Log, Tally};
use pulsebus::{
    Bus, CallStatistics, Config, ConnectError, Domain, EndReason, Filter, Kind, LimitPolicy, ManualClock, Owner,
    Signal, Timeout,
};
use std::time::Duration;

#[test]
fn a_detail_holds_all_that_was_said() {
    let hand = ManualClock::new();
    let bus = Bus::builder().clock(hand.clock()).build().unwrap();
    let lobby = bus.topic::<u32>("room.lobby").unwrap();
    hand.advance(Duration::from_secs(5));
    let line = line!() + 10;
    let connection = bus
        .connect(&lobby)
        .owner(7)
        .service("Quest")
        .tags(["hud", "quest", "hud"])
        .kind(Kind::custom("spell"))
        .named("progress")
        .describe("watches")
        .timeout(Timeout::Age(Duration::from_secs(60)))
        .slot(|_| panic!("as the test wants"))
        .unwrap();
    lobby.emit(&1);
    hand.advance(Duration::from_secs(2));
    let detail = bus.detail(connection).unwrap();
    assert_eq!((detail.connection, detail.connected), (connection, true));
    assert_eq!((detail.owner, detail.service), (Some(Owner::from(7)), Some("Quest".into())));
    assert_eq!(detail.tags, ["hud", "quest"]);
    assert_eq!((detail.kind.as_str(), detail.topic), ("spell", Some(lobby.id())));
    assert_eq!((detail.name, detail.description), (Some("progress".into()), Some("watches".into())));
    assert_eq!((detail.place.file(), detail.place.line()), (file!(), line));
    assert_eq!((detail.created, detail.age), (Duration::from_secs(5), Duration::from_secs(2)));
    assert_eq!((detail.has_timeout, detail.panics, detail.scope), (true, 1, None));
}

#[test]
fn every_kind_can_be_found_and_ended() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    let kinds = [
        Kind::Signal,
        Kind::Player,
        Kind::Remote,
        Kind::State,
        Kind::Heartbeat,
        Kind::Stepped,
        Kind::RenderStepped,
        Kind::Timer,
        Kind::Tween,
        Kind::Sound,
        Kind::Gui,
        Kind::Physics,
        Kind::Other,
        Kind::custom("spell"),
    ];
    for kind in &kinds {
        bus.connect(&signal).kind(kind.clone()).slot(|_| {}).unwrap();
    }
    for (ended, kind) in kinds.iter().enumerate() {
        assert_eq!(bus.details(&Filter::new().kind(kind.clone())).len(), 1);
        assert_eq!(bus.cleanup_kind(kind), 1);
        assert_eq!(bus.len(), kinds.len() - ended - 1);
    }
}

#[test]
fn a_filter_takes_those_that_fit_all_of_it() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    let both = bus.connect(&signal).owner(1).service("Quest").tag("hud").slot(|_| {}).unwrap();
    bus.connect(&signal).owner(1).tag("hud").slot(|_| {}).unwrap();
    bus.connect(&signal).owner(2).service("Quest").slot(|_| {}).unwrap();
    let found = bus.details(&Filter::new().owner(1).service("Quest").tag("hud"));
    assert_eq!(found.iter().map(|detail| detail.connection).collect::<Vec<_>>(), [both]);
    assert!(bus.details(&Filter::new().owner(2).tag("hud")).is_empty());
}

#[test]
fn connecting_a_name_again_replaces_the_earlier_one() {
    let (bus, signal, log) = (Bus::new(), Signal::<u32>::new(), Log::new());
    let ended = Log::new();
    let connect = |owner: u32, slot: &'static str| {
        let ended = ended.clone();
        let connect = bus.connect(&signal).owner(owner).named("progress");
        connect.on_cleanup(move |reason| ended.push((slot, reason))).slot(log.slot(move |_| slot)).unwrap()
    };
    let first = connect(1, "first");
    connect(1, "second");
    connect(2, "other owner's");
    assert!(!first.is_connected());
    assert_eq!(ended.take(), [("first", EndReason::Replaced)]);
    signal.emit(&1);
    assert_eq!(log.take(), ["second", "other owner's"]);
    assert!(bus.unregister(1, "progress"));
    assert!(!bus.unregister(1, "progress") && !bus.unregister(1, "unheard of") && !bus.unregister(3, "progress"));
    assert_eq!(ended.take(), [("second", EndReason::Unregistered)]);
    connect(1, "third");
    signal.emit(&2);
    assert_eq!(log.take(), ["other owner's", "third"]);
}

#[test]
fn a_name_needs_an_owner() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    let error = bus.connect(&signal).named("progress").slot(|_| {}).unwrap_err();
    assert_eq!(error, ConnectError::NameWithoutOwner { name: "progress".into() });
    assert!(bus.is_empty() && signal.is_empty());
}

#[test]
fn what_is_not_connected_is_dropped_and_its_callback_not_called() {
    let (bus, tally) = (Bus::new(), Tally::new());
    let domain = Domain::new();
    let signal = Signal::<u32>::new_in(&domain);
    let (slot, callback) = (tally.guard(), tally.guard());
    let connect = bus.connect(&signal).named("progress").on_cleanup(move |_| panic!("{}", size_of_val(&callback)));
    connect.slot(move |_| slot.check()).unwrap_err();
    tally.assert_all_dropped();
    assert_eq!(bus.statistics().cleanup_errors, 0);
}

#[test]
fn a_connection_made_without_the_bus_can_be_taken_in() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    let line = line!() + 1;
    let connection = signal.connect(|_| {});
    assert_eq!(bus.track(connection).owner(7).tag("hud").finish(), Ok(connection));
    assert_eq!(bus.track(connection).owner(8).finish(), Err(ConnectError::AlreadyTracked));
    let detail = bus.detail(connection).unwrap();
    assert_eq!((detail.place.line(), detail.calls), (line, None));
    let idle = Timeout::Idle(Duration::from_secs(1));
    let other = signal.connect(|_| {});
    assert_eq!(bus.track(other).timeout(idle).finish(), Err(ConnectError::NoCallStatistics));
    assert!(other.disconnect());
    assert_eq!(bus.track(other).finish(), Err(ConnectError::NotConnected));
    assert_eq!((bus.len(), bus.cleanup_tag("hud")), (1, 1));
    assert!(!connection.is_connected());
}

#[test]
fn a_batch_is_connected_in_order() {
    let (bus, log) = (Bus::new(), Log::new());
    let (numbers, words) = (Signal::<u32>::new(), Signal::<&str>::new());
    let connections = bus
        .connect_batch([
            bus.connect(&numbers).owner(7).prepare(log.slot(|_| "first")),
            bus.connect(&words).owner(7).prepare(log.slot(|_| "words")),
            bus.connect(&numbers).owner(7).prepare(log.slot(|_| "second")),
        ])
        .unwrap();
    assert_eq!(connections.len(), 3);
    numbers.emit(&1);
    assert_eq!(log.take(), ["first", "second"]);
    assert_eq!(bus.cleanup_owner(7), 3);
    assert!(connections.iter().all(|connection| !connection.is_connected()));
}

#[test]
fn of_a_batch_all_are_connected_or_none() {
    let mut config = Config::default();
    config.limits.per_owner = Some(3);
    config.limits.policy = LimitPolicy::Reject;
    let (bus, signal, tally) = (Bus::with_config(config).unwrap(), Signal::<u32>::new(), Tally::new());
    let kept = bus.connect(&signal).owner(7).named("progress").slot(|_| {}).unwrap();
    let prepared = |n: usize| {
        let guard = tally.guard();
        let named =
            if n == 0 { bus.connect(&signal).owner(7).named("progress") } else { bus.connect(&signal).owner(7) };
        named.tag("batch").prepare(move |_| guard.check())
    };
    let error = bus.connect_batch((0..5).map(prepared)).unwrap_err();
    assert_eq!(error.index, 3, "one replaces, two fit");
    assert!(matches!(error.error, ConnectError::LimitReached { limit: 3, .. }), "{error}");
    assert!(kept.is_connected(), "nothing ended");
    assert_eq!((bus.len(), signal.len(), bus.statistics().made), (1, 1, 1));
    assert!(bus.statistics().tags.is_empty());
    tally.assert_all_dropped();
    // The counts of what was given up are free again.
    assert_eq!(bus.connect_batch((0..3).map(prepared)).unwrap().len(), 3);
    assert_eq!((bus.count_of(7), kept.is_connected()), (3, false));
}

#[test]
fn what_another_bus_has_prepared_is_refused_with_the_whole_batch() {
    let (bus, other, signal) = (Bus::new(), Bus::new(), Signal::<u32>::new());
    let batch = [bus.connect(&signal).prepare(|_| {}), other.connect(&signal).owner(7).prepare(|_| {})];
    let error = bus.connect_batch(batch).unwrap_err();
    assert_eq!((error.index, error.error), (1, ConnectError::OtherBus));
    assert_eq!((bus.len(), other.len(), signal.len()), (0, 0, 0));
}

#[test]
fn a_batch_that_says_a_name_twice_needs_room_for_both() {
    for (limit, is_made) in [(1, false), (2, true)] {
        let mut config = Config::default();
        (config.limits.per_owner, config.limits.policy) = (Some(limit), LimitPolicy::Reject);
        let (bus, signal, log) = (Bus::with_config(config).unwrap(), Signal::<u32>::new(), Log::new());
        let named = |slot| bus.connect(&signal).owner(7).named("progress").prepare(log.slot(move |_| slot));
        let made = bus.connect_batch([named("first"), named("second")]);
        assert_eq!(made.as_ref().map_err(|error| error.index).err(), (!is_made).then_some(1));
        signal.emit(&1);
        assert_eq!(log.take(), if is_made { vec!["second"] } else { vec![] });
        assert_eq!(bus.count_of(7), usize::from(is_made));
    }
}

#[test]
fn call_statistics_are_as_exact_as_asked_for() {
    let hand = ManualClock::new();
    let (signal, calls) = (Signal::<u32>::new(), Counter::new());
    for (statistics, exact) in
        [(CallStatistics::Off, None), (CallStatistics::Sampled, Some(false)), (CallStatistics::Exact, Some(true))]
    {
        let mut config = Config::default();
        config.call_statistics = statistics;
        let bus = Bus::builder().config(config).clock(hand.clock()).build().unwrap();
        let connection = bus.connect(&signal).slot(calls.slot()).unwrap();
        assert_eq!(bus.detail(connection).unwrap().calls.map(|calls| calls.count), exact.map(|_| 0));
        hand.advance(Duration::from_secs(1));
        (0..10).for_each(|n| {
            signal.emit(&n);
        });
        let found = bus.detail(connection).unwrap().calls;
        assert_eq!(found.map(|calls| calls.exact), exact);
        assert_eq!(found.map(|calls| calls.count > 0), exact.map(|_| true));
        if let Some(calls) = found.filter(|calls| calls.exact) {
            assert_eq!((calls.count, calls.last), (10, Some(hand.now())));
        }
        assert_eq!(calls.take(), 10, "{statistics:?}");
        bus.emergency_cleanup();
    }
}

#[test]
fn a_slot_of_batches_takes_slices_and_is_tracked() {
    let (bus, signal, log) = (Bus::new(), Signal::<u32>::new(), Log::new());
    let inner = log.clone();
    bus.connect(&signal).owner(7).slot_batch(move |events| inner.push(events.to_vec())).unwrap();
    signal.emit_batch(&[1, 2, 3]);
    signal.emit(&4);
    assert_eq!(log.take(), [vec![1, 2, 3], vec![4]]);
    assert_eq!(bus.cleanup_owner(7), 1);
}

#[test]
fn a_guard_ends_a_tracked_connection() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    let guard = bus.connect(&signal).owner(7).scoped(|_| {}).unwrap();
    assert_eq!(bus.count_of(7), 1);
    drop(guard);
    assert_eq!((bus.count_of(7), signal.len()), (0, 0));
}
