//! Who waits for a signal's events, and the end of the signal: found at once by who looks, within a moment by threads that sleep, and
//! told to tasks.

#[cfg(feature = "async")]
#[path = "../common/mod.rs"]
mod common;

mod hub;
mod mailbox;
mod ring;
#[cfg(feature = "async")]
mod tasks;

use pulsebus::{Connection, Domain, Signal};

/// A signal of a domain of its own, in which nothing else collects.
fn alone<E>() -> (Signal<E>, Domain) {
    let domain = Domain::new();
    (Signal::new_in(&domain), domain)
}

/// Ends a connection, and has its slot swept inside a tick, which holds it back: from now on only a collection drops what it holds, not the end
/// of the signal.
fn end_and_sweep(connection: Connection, domain: &Domain) {
    assert!(connection.disconnect());
    let collected = domain.tick(|_| domain.collect());
    assert!(collected.pending > 0, "{collected:?}");
}
