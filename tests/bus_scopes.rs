//! Scopes: an owner and its parts, each with a life of its own.

mod common;

use common::{Counter, Log};
use pulsebus::{Bus, ConnectError, EndReason, Owner, Signal};
use std::thread;

#[test]
fn a_respawn_leaves_the_owners_other_connections_alone() {
    let (bus, moved, log) = (Bus::new(), Signal::<u32>::new(), Log::new());
    let player = bus.owner(7);
    player.connect(&moved).slot(log.slot(|_| "account")).unwrap();
    let body = player.child("character");
    for life in 0..3 {
        let ends = log.clone();
        let connect = body.connect(&moved).on_cleanup(move |reason| ends.push(reason.as_str()));
        connect.slot(log.slot(|_| "body")).unwrap();
        assert_eq!((body.len(), player.len(), bus.count_of(7)), (1, 2, 2), "life {life}");
        moved.emit(&1);
        assert_eq!(body.reset(), 1);
        moved.emit(&2);
        assert_eq!(log.take(), ["account", "body", "scope_reset", "account"]);
        assert_eq!(body.reset(), 0);
    }
    assert_eq!((body.len(), player.len(), bus.statistics().ended_by(EndReason::ScopeReset)), (0, 1, 3));
}

#[test]
fn leaving_ends_all_of_it_children_included() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    let player = bus.owner(7);
    let body = player.child("character");
    let hand = body.child("hand");
    let other = bus.owner(8);
    for scope in [&player, &body, &hand, &other] {
        scope.connect(&signal).slot(|_| {}).unwrap();
    }
    bus.connect(&signal).owner(7).slot(|_| {}).unwrap();
    assert_eq!((player.len(), body.len(), hand.len()), (4, 2, 1));
    assert_eq!((body.path(), hand.path(), player.path()), (Some("character"), Some("character/hand"), None));
    assert_eq!(player.leave(), 4);
    assert_eq!((signal.len(), other.len()), (1, 1));
    assert_eq!(bus.statistics().ended_by(EndReason::OwnerLeft), 4);
}

#[test]
fn a_part_that_ends_takes_only_its_own_parts_along() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    let player = bus.owner(7);
    let (body, mount) = (player.child("character"), player.child("mount"));
    let hand = body.child("hand");
    for scope in [&player, &body, &mount, &hand] {
        scope.connect(&signal).slot(|_| {}).unwrap();
    }
    assert_eq!(hand.reset(), 1);
    hand.connect(&signal).slot(|_| {}).unwrap();
    assert_eq!(body.leave(), 2);
    assert_eq!((player.len(), mount.len(), hand.len()), (2, 1, 0));
    let error = hand.connect(&signal).slot(|_| {}).unwrap_err();
    assert_eq!(error, ConnectError::ScopeEnded { owner: Owner::from(7), path: Some("character/hand".into()) });
    mount.connect(&signal).slot(|_| {}).unwrap();
}

#[test]
fn connecting_through_a_child_whose_owner_left_is_an_error() {
    let (bus, signal, calls) = (Bus::new(), Signal::<u32>::new(), Counter::new());
    let player = bus.owner("ann");
    let body = player.child("character");
    drop(player);
    let error = body.connect(&signal).slot(calls.slot()).unwrap_err();
    assert_eq!(error.to_string(), "owner ann/character has left: ask the bus for a new scope if it is back");
    signal.emit(&1);
    assert_eq!((calls.get(), bus.len()), (0, 0));
    // The owner may come back; the old part stays what it is.
    let again = bus.owner("ann");
    again.connect(&signal).slot(|_| {}).unwrap();
    body.connect(&signal).slot(|_| {}).unwrap_err();
    drop(body);
    assert_eq!(again.len(), 1);
}

#[test]
fn a_scope_ends_when_it_is_dropped_and_only_once() {
    let (bus, signal, ends) = (Bus::new(), Signal::<u32>::new(), Log::new());
    {
        let player = bus.owner(7);
        let ends = ends.clone();
        player.connect(&signal).on_cleanup(move |reason| ends.push(reason)).slot(|_| {}).unwrap();
        bus.cleanup_owner(7);
    }
    assert_eq!(ends.take(), [EndReason::OwnerLeft]);
    // Two handles for one owner: the first that goes ends everything.
    let (first, second) = (bus.owner(7), bus.owner(7));
    first.connect(&signal).slot(|_| {}).unwrap();
    second.connect(&signal).slot(|_| {}).unwrap();
    drop(first);
    assert!(signal.is_empty());
    second.connect(&signal).slot(|_| {}).unwrap();
    drop(second);
    assert!(signal.is_empty());
}

#[test]
fn a_released_scope_ends_nothing() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    let player = bus.owner(7);
    player.child("character").release();
    let body = player.child("character");
    body.connect(&signal).slot(|_| {}).unwrap();
    player.release();
    assert_eq!(bus.count_of(7), 1);
    body.connect(&signal).slot(|_| {}).unwrap();
    drop(body);
    assert_eq!(bus.count_of(7), 0);
}

#[test]
fn a_detail_tells_the_scope() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    let player = bus.owner(7);
    let hand = player.child("character").child("hand");
    // (The part between has been dropped, and with it ended.)
    hand.connect(&signal).slot(|_| {}).unwrap_err();
    let body = player.child("character");
    let hand = body.child("hand");
    let connection = hand.connect(&signal).tag("hud").slot(|_| {}).unwrap();
    let detail = bus.detail(connection).unwrap();
    assert_eq!((detail.scope.as_deref(), detail.owner), (Some("character/hand"), Some(7.into())));
    assert!(bus.detail(connection).unwrap().to_string().contains("of 7/character/hand"));
}

#[test]
fn a_slash_in_a_name_does_not_make_it_a_path() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    let player = bus.owner(7);
    let (outer, escaping) = (player.child("a"), player.child("a\\"));
    let scopes = [player.child("a/b"), outer.child("b"), player.child("a\\/b"), escaping.child("b")];
    let connections = scopes.each_ref().map(|scope| scope.connect(&signal).slot(|_| {}).unwrap());
    for (scope, connection) in scopes.iter().zip(connections) {
        assert_eq!((scope.len(), scope.reset(), connection.is_connected()), (1, 1, false), "{:?}", scope.path());
    }
}

#[test]
fn another_owner_said_later_leaves_the_scope() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    let player = bus.owner(7);
    let body = player.child("character");
    let connection = body.connect(&signal).owner(8).slot(|_| {}).unwrap();
    assert_eq!((body.len(), player.leave()), (0, 0));
    assert!(connection.is_connected());
    assert_eq!(bus.cleanup_owner(8), 1);
}

#[test]
fn a_scope_that_leaves_while_others_connect_through_its_parts_leaves_nothing_behind() {
    for _ in 0..50 {
        let (bus, signal) = (Bus::new(), Signal::<u32>::new());
        let player = bus.owner(7);
        let parts = [0, 1].map(|n| player.child(format!("part {n}")));
        thread::scope(|threads| {
            for part in &parts {
                threads.spawn(|| while part.connect(&signal).slot(|_| {}).is_ok() {});
            }
            threads.spawn(|| {
                while player.len() < 20 {
                    thread::yield_now();
                }
                player.leave()
            });
        });
        assert_eq!((bus.len(), signal.len()), (0, 0));
    }
}
