//! Slots at the heartbeat, and a heartbeat that drives a bus.

mod common;

use common::{Counter, Log, Tally, collect_all};
use pulsebus::{Beat, Bus, ConnectError, Domain, Heartbeat, Kind, ManualClock, Overrun, Timeout};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

fn by_hand() -> (Bus, ManualClock) {
    let hand = ManualClock::new();
    (Bus::builder().clock(hand.clock()).build().unwrap(), hand)
}

fn driving(bus: &Bus, hand: &ManualClock, hz: f64) -> Heartbeat {
    Heartbeat::at(hz).unwrap().clock(hand.clock()).drive(bus, SECOND)
}

fn run(heartbeat: &mut Heartbeat, beats: usize) {
    let mut beats = 0..beats;
    heartbeat.run(|| beats.next().is_some());
}

#[test]
fn a_slot_at_the_heartbeat_is_called_once_every_interval_without_drift() {
    let ((bus, hand), log, all) = (by_hand(), Log::new(), Counter::new());
    bus.connect_heartbeat(SECOND, SECOND).slot(log.slot(|beat: &Beat| beat.number)).unwrap();
    bus.connect_heartbeat(Duration::ZERO, SECOND).slot(all.slot()).unwrap();
    let mut heartbeat = driving(&bus, &hand, 60.0);
    run(&mut heartbeat, 3_600);
    let expected: Vec<u64> = (0..60).map(|second| second * 60 + 1).collect();
    assert_eq!((log.take(), all.get()), (expected, 3_600));
}

#[test]
fn an_interval_of_one_beat_takes_every_beat_however_it_was_rounded() {
    for hz in [3.0, 59.94, 60.0, 144.0, 1_000.0, 7_777.7] {
        let ((bus, hand), calls) = (by_hand(), Counter::new());
        bus.connect_heartbeat(Duration::from_secs_f64(1.0 / hz), SECOND).slot(calls.slot()).unwrap();
        run(&mut driving(&bus, &hand, hz), 1_000);
        assert_eq!(calls.get(), 1_000, "{hz} Hz");
    }
}

#[test]
fn a_heartbeat_that_begins_anew_is_taken_from_its_first_beat_on() {
    let ((bus, hand), log) = (by_hand(), Log::new());
    bus.connect_heartbeat(SECOND, SECOND).slot(log.slot(|beat: &Beat| beat.number)).unwrap();
    run(&mut driving(&bus, &hand, 10.0), 25);
    run(&mut driving(&bus, &hand, 10.0), 25);
    assert_eq!(log.take(), [1, 11, 21, 1, 11, 21]);
}

#[test]
fn beats_that_are_skipped_count_as_time() {
    let ((bus, hand), log) = (by_hand(), Log::new());
    bus.connect_heartbeat(SECOND, SECOND).slot(log.slot(|beat: &Beat| (beat.number, beat.skipped))).unwrap();
    let mut heartbeat = driving(&bus, &hand, 10.0).overrun(Overrun::Skip);
    heartbeat.step();
    hand.advance(SECOND * 10);
    (0..11).for_each(|_| assert!(heartbeat.step().is_some()));
    assert_eq!(log.take(), [(1, 0), (101, 99), (111, 0)]);
}

#[test]
fn a_slot_over_its_budget_is_counted_and_named_with_its_place() {
    let ((bus, hand), fast) = (by_hand(), Counter::new());
    for (name, time) in [("slow", 3 * MILLISECOND), ("slower", 5 * MILLISECOND), ("just in time", MILLISECOND)] {
        let theirs = hand.clone();
        let connect = bus.connect_heartbeat(SECOND, MILLISECOND).describe(name).service("Obstacles");
        connect
            .slot(move |beat| theirs.advance(if name == "slower" || beat.number > 20 { time } else { MILLISECOND }))
            .unwrap();
    }
    bus.connect_heartbeat(SECOND, MILLISECOND).slot(fast.slot()).unwrap();
    run(&mut driving(&bus, &hand, 10.0), 40);
    let slow = bus.slow_slots();
    let names: Vec<_> = slow.iter().map(|detail| detail.description.as_deref().unwrap()).collect();
    assert_eq!(names, ["slower", "slow"]);
    let seen: Vec<_> = slow.iter().map(|detail| detail.executions.unwrap()).collect();
    assert_eq!((seen[0].count, seen[0].overruns, seen[0].longest), (4, 4, 5 * MILLISECOND));
    assert_eq!((seen[1].count, seen[1].overruns, seen[1].longest), (4, 2, 3 * MILLISECOND));
    assert!(slow[0].place.file().ends_with("bus_heartbeat.rs") && slow[0].place == slow[1].place);
    assert_eq!((slow[0].kind.clone(), slow[0].service.as_deref()), (Kind::Heartbeat, Some("Obstacles")));
    assert_eq!(slow[0].topic, Some(bus.signal::<Beat>().id()));
}

#[test]
fn a_slot_at_the_heartbeat_belongs_to_its_service_and_scope() {
    let ((bus, hand), calls) = (by_hand(), Counter::new());
    let (obstacles, player) = (bus.service("Obstacles"), bus.owner(7));
    obstacles.connect_heartbeat(Duration::ZERO, SECOND).slot(calls.slot()).unwrap();
    player.child("character").connect_heartbeat(Duration::ZERO, SECOND).slot(calls.slot()).unwrap();
    let mut heartbeat = driving(&bus, &hand, 10.0);
    assert_eq!(calls.get(), 0);
    run(&mut heartbeat, 1);
    assert_eq!(calls.take(), 1, "the child scope was not kept");
    assert_eq!((obstacles.stop(), player.leave()), (1, 0));
    run(&mut heartbeat, 1);
    assert_eq!(calls.take(), 0);
    let refused = obstacles.connect_heartbeat(Duration::ZERO, SECOND).slot(|_| {});
    assert!(matches!(refused, Err(ConnectError::ServiceStopped { .. })));
}

#[test]
fn a_slot_that_panics_is_counted_by_its_budget_too() {
    let (bus, hand) = by_hand();
    let connection = bus.connect_heartbeat(SECOND, SECOND).slot(|_| panic!("each time")).unwrap();
    run(&mut driving(&bus, &hand, 10.0), 20);
    let detail = bus.detail(connection).unwrap();
    assert_eq!((detail.panics, detail.executions.unwrap().count), (2, 2));
}

#[test]
fn a_heartbeat_that_drives_a_bus_runs_its_timers_and_its_upkeep() {
    let ((bus, hand), log) = (by_hand(), Log::new());
    let signal = bus.topic::<u32>("room.1").unwrap();
    bus.connect(&signal).timeout(Timeout::Age(SECOND)).slot(|_| {}).unwrap();
    drop(signal);
    bus.timer(SECOND).owner(7).slot(log.slot(|fired: &pulsebus::TimerFired| (fired.number, fired.now))).unwrap();
    let mut heartbeat = driving(&bus, &hand, 10.0);
    let beats = bus.signal::<Beat>();
    let order = Log::new();
    beats.connect(order.slot(|beat: &Beat| beat.number));
    run(&mut heartbeat, 310);
    let expected: Vec<_> = (1..=31).map(|second| (u64::from(second), SECOND * second)).collect();
    assert_eq!((log.take(), order.take()), (expected, (1..=310).collect()));
    assert_eq!((bus.len(), bus.find_topic::<u32>("room.1").unwrap().is_none()), (1, true), "swept at thirty seconds");
}

#[test]
fn a_heartbeat_does_not_keep_the_bus_it_drives() {
    let (domain, hand, tally) = (Domain::new(), ManualClock::new(), Tally::new());
    let bus = Bus::builder().domain(&domain).clock(hand.clock()).build().unwrap();
    let mut heartbeat = Heartbeat::at_in(&domain, 10.0).unwrap().clock(hand.clock()).drive(&bus, SECOND);
    let (guard, calls) = (tally.guard(), Counter::new());
    let counted = calls.clone();
    let slot = move |_: &Beat| {
        guard.check();
        counted.add(1);
    };
    bus.connect_heartbeat(Duration::ZERO, SECOND).slot(slot).unwrap();
    run(&mut heartbeat, 2);
    let weak = bus.downgrade();
    drop(bus);
    assert!(weak.upgrade().is_none());
    run(&mut heartbeat, 2);
    assert_eq!((calls.get(), heartbeat.figures().beats), (2, 4));
    collect_all(&domain);
    tally.assert_all_dropped();
}
