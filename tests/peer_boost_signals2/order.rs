//! The order in which slots run: groups, fronts and backs.

use crate::common::Log;
use pulsebus::{Connection, Signal};

#[test]
fn front_runs_before_the_groups_in_their_order_and_back_after_them() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let say = |name| log.slot(move |()| name);
    signal.slot().after().connect(say("back 1"));
    signal.slot().priority(2).connect(say("group 2, first"));
    signal.slot().priority(-5).connect(say("group -5, first"));
    signal.slot().before().at_front().connect(say("front, older"));
    signal.slot().priority(2).at_front().connect(say("group 2, at its front"));
    signal.slot().after().connect(say("back 2"));
    signal.slot().priority(-5).connect(say("group -5, second"));
    signal.slot().before().at_front().connect(say("front, newer"));
    signal.slot().priority(2).connect(say("group 2, second"));
    signal.emit(&());
    let expected = [
        "front, newer",
        "front, older",
        "group -5, first",
        "group -5, second",
        "group 2, at its front",
        "group 2, first",
        "group 2, second",
        "back 1",
        "back 2",
    ];
    assert_eq!(log.take(), expected);
}

#[test]
fn a_slot_without_a_group_is_group_zero_and_not_behind_all_groups() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let say = |name| log.slot(move |()| name);
    signal.slot().priority(1).connect(say("1"));
    signal.connect(say("none"));
    signal.slot().priority(-1).connect(say("-1"));
    signal.emit(&());
    assert_eq!(log.take(), ["-1", "none", "1"]);
}

#[test]
fn slots_without_positions_run_in_the_order_in_which_they_were_connected() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    (0..100).for_each(|n| _ = signal.connect(log.slot(move |()| n)));
    signal.emit(&());
    assert_eq!(log.take(), (0..100).collect::<Vec<_>>());
}

#[test]
fn a_group_is_ended_by_its_connections_and_the_others_stay() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let mut group = Vec::new();
    for n in 0..9 {
        let connection = signal.slot().priority(n % 3).connect(log.slot(move |()| n));
        if n % 3 == 1 {
            group.push(connection);
        }
    }
    assert!(group.iter().all(Connection::disconnect));
    signal.emit(&());
    assert_eq!(log.take(), [0, 3, 6, 2, 5, 8]);
}
