//! A model per protocol, on the real code. One binary, so that a change costs one link.

#![cfg(loom)]

mod append;
mod bell;
mod collect;
mod disconnect;
mod domain;
mod epoch;
mod flight;
mod handle;
mod mailbox;
mod objects;
mod options;
mod pool;
mod publish;
mod ring;
mod single;
mod state;
mod sweep;
mod teardown;
mod throttle;
mod topic;
mod wait;

use loom_tests::Payload;
use pulsebus::{Connection, Signal};

/// Connects a slot that runs the payload.
fn attach(bell: &Signal<()>, payload: Payload) -> Connection {
    bell.connect(move |()| payload.run())
}

/// Uses up slots, whose connections end at once and capture nothing.
fn use_up(bell: &Signal<()>, slots: usize) {
    let used: Vec<Connection> = (0..slots).map(|_| bell.connect(|()| {})).collect();
    used.iter().for_each(|connection| assert!(connection.disconnect()));
}

/// Connects a slot that runs the payload, behind others that die after it was connected: so that no connect has swept
/// them.
fn attach_behind_dead(bell: &Signal<()>, dead: usize, payload: Payload) -> Connection {
    let ends: Vec<Connection> = (0..dead).map(|_| bell.connect(|()| {})).collect();
    let connection = attach(bell, payload);
    ends.iter().for_each(|connection| assert!(connection.disconnect()));
    connection
}

/// Gives what is in limbo one step of its grace period: under our own pin the epoch can move once.
fn one_step() {
    pulsebus::tick(|_| loom::thread::spawn(pulsebus::collect).join().expect("a panic ends the exploration"));
}
