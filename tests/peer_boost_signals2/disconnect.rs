//! Slots that are removed, by themselves, by each other, one by one or all at once.

use crate::common::{Counter, Log, collect_all};
use pulsebus::{Connection, Domain, Signal};
use std::sync::{Arc, OnceLock};

/// What a slot does to others: slot `.1` is disconnected by slot `.0`, when it is called and before it says so.
type Removals = &'static [(usize, usize)];

/// Four slots that say their numbers, and remove each other. Returns what two emissions in a row have called.
fn two_emissions(removals: Removals) -> [Vec<usize>; 2] {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let connections: Arc<OnceLock<Vec<Connection>>> = Arc::default();
    let slots = (0..4).map(|own| {
        let (log, connections) = (log.clone(), connections.clone());
        signal.connect(move |()| {
            let all = connections.get().expect("set before the first emission");
            removals.iter().filter(|(by, _)| *by == own).for_each(|(_, of)| _ = all[*of].disconnect());
            log.push(own);
        })
    });
    connections.set(slots.collect()).expect("set once");
    [(); 2].map(|()| {
        signal.emit(&());
        log.take()
    })
}

#[test]
fn the_first_the_middle_and_the_last_can_be_removed_and_the_others_keep_their_order() {
    for (removed, left) in [(0, [1, 2, 3, 4]), (2, [0, 1, 3, 4]), (4, [0, 1, 2, 3])] {
        let (signal, log) = (Signal::<()>::new(), Log::new());
        let connections: Vec<_> = (0..5).map(|n| signal.connect(log.slot(move |()| n))).collect();
        assert!(connections[removed].disconnect());
        signal.emit(&());
        assert_eq!(log.take(), left);
        assert_eq!(signal.len(), 4);
    }
}

#[test]
fn all_can_be_removed_one_by_one_or_at_once_and_the_signal_is_empty() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    let connect = || -> Vec<Connection> { (0..70).map(|_| signal.connect(ran.slot())).collect() };
    assert!(connect().iter().all(Connection::disconnect));
    assert!(signal.is_empty());
    let connections = connect();
    assert_eq!(signal.len(), 70);
    assert_eq!(signal.disconnect_all(), 70);
    assert!(signal.is_empty() && connections.iter().all(|connection| !connection.is_connected()));
    signal.emit(&());
    assert_eq!(ran.get(), 0);
}

#[test]
fn a_slot_that_removes_itself_finishes_and_does_not_run_again() {
    assert_eq!(two_emissions(&[(2, 2)]), [vec![0, 1, 2, 3], vec![0, 1, 3]]);
    assert_eq!(two_emissions(&[(3, 3)]), [vec![0, 1, 2, 3], vec![0, 1, 2]]);
    assert_eq!(two_emissions(&[(0, 0)]), [vec![0, 1, 2, 3], vec![1, 2, 3]]);
}

#[test]
fn all_slots_may_remove_themselves_in_one_emission() {
    assert_eq!(two_emissions(&[(0, 0), (1, 1), (2, 2), (3, 3)]), [vec![0, 1, 2, 3], vec![]]);
}

#[test]
fn an_earlier_slot_removes_a_later_one_in_the_same_emission() {
    assert_eq!(two_emissions(&[(0, 1)]), [[0, 2, 3], [0, 2, 3]]);
    assert_eq!(two_emissions(&[(1, 3)]), [[0, 1, 2], [0, 1, 2]]);
}

#[test]
fn a_later_slot_removes_an_earlier_one_for_the_next_emission() {
    assert_eq!(two_emissions(&[(1, 0)]), [vec![0, 1, 2, 3], vec![1, 2, 3]]);
    assert_eq!(two_emissions(&[(3, 2)]), [vec![0, 1, 2, 3], vec![0, 1, 3]]);
}

#[test]
fn slots_that_remove_each_other_leave_those_whose_turn_was_before_them() {
    assert_eq!(two_emissions(&[(0, 1), (1, 1), (2, 0), (3, 2)]), [vec![0, 2, 3], vec![3]]);
}

#[test]
fn a_slot_removes_all_slots_itself_included() {
    let (signal, log) = (Arc::new(Signal::<()>::new()), Log::new());
    let (own, said) = (Arc::downgrade(&signal), log.clone());
    signal.connect(log.slot(|()| "before"));
    signal.connect(move |()| {
        assert_eq!(own.upgrade().expect("it is emitting").disconnect_all(), 3);
        said.push("all");
    });
    signal.connect(log.slot(|()| "after"));
    signal.emit(&());
    signal.emit(&());
    assert_eq!(log.take(), ["before", "all"]);
}

#[test]
fn a_second_and_a_third_disconnect_change_nothing() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    let (first, second) = (signal.connect(ran.slot()), signal.connect(ran.slot()));
    let copy = first;
    assert!(first.disconnect());
    assert!(!first.disconnect() && !copy.disconnect(), "one of them wins");
    signal.emit(&());
    assert_eq!((ran.get(), signal.len()), (1, 1));
    // Nor do they once the slot's memory serves another one.
    collect_all(&Domain::global());
    let third = signal.connect(ran.slot());
    assert!(!first.disconnect() && !copy.disconnect());
    assert!(second.is_connected() && third.is_connected());
}

#[test]
fn a_connection_outlives_its_signal_as_one_that_has_ended() {
    let signal = Signal::<()>::new();
    let connection = signal.connect(|()| {});
    drop(signal);
    assert!(!connection.is_connected());
    assert!(!connection.disconnect());
    assert!(!connection.is_blocked());
    drop(connection.block());
}
