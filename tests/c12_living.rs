//! C12: an emission follows the living, also right after a mass disconnect, and if nothing is ever connected again.
//!
//! What an emission still has to walk is counted, not timed: dropping a signal gives the chunks that are still linked
//! back at once, while those that were unlinked before wait for their grace period. So the domain's chunks after the drop
//! are those that emissions no longer walked. (The slots capture nothing: captures that are to be dropped have chunks wait
//! that are still linked.)

mod common;

use common::{Tally, holding};
use pulsebus::{Connection, Domain, Signal};
use std::cell::Cell;

const CHUNK: usize = 32;
const CHUNKS: usize = 100;

thread_local! {
    /// How many slots ran on this thread: each test's own.
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

fn filled(domain: &Domain) -> (Signal<()>, Vec<Connection>) {
    let signal = Signal::<()>::new_in(domain);
    let connections = (0..CHUNKS * CHUNK).map(|_| signal.connect(|()| CALLS.set(CALLS.get() + 1))).collect();
    (signal, connections)
}

/// Ends them all, one by one.
fn disconnect(connections: &[Connection]) {
    assert!(connections.iter().all(Connection::disconnect));
}

/// How many of the signal's chunks emissions still walked.
fn linked_chunks(domain: &Domain, signal: Signal<()>) -> usize {
    let held = CHUNKS;
    drop(signal);
    held - domain.statistics().chunks
}

#[test]
fn c12_without_an_emission_all_chunks_are_still_linked() {
    // The measure itself: with nothing between the disconnects and the drop, nothing was unlinked.
    let domain = Domain::new();
    let (signal, connections) = filled(&domain);
    disconnect(&connections);
    assert_eq!(linked_chunks(&domain, signal), CHUNKS);
}

#[test]
fn c12_an_emission_after_a_mass_disconnect_unlinks_the_dead() {
    let domain = Domain::new();
    let (signal, connections) = filled(&domain);
    disconnect(&connections);
    signal.emit(&());
    assert_eq!(CALLS.get(), 0);
    assert_eq!(linked_chunks(&domain, signal), 1, "the last one, which connects claim from");
}

#[test]
fn c12_an_emission_of_a_batch_does_so_as_well() {
    let domain = Domain::new();
    let (signal, connections) = filled(&domain);
    disconnect(&connections);
    signal.emit_batch(&[(), ()]);
    assert_eq!(linked_chunks(&domain, signal), 1);
}

#[test]
fn c12_only_chunks_with_a_survivor_stay() {
    let domain = Domain::new();
    let (signal, connections) = filled(&domain);
    for (nth, connection) in connections.iter().enumerate() {
        if nth % (10 * CHUNK) != 0 {
            connection.disconnect();
        }
    }
    signal.emit(&());
    assert_eq!(CALLS.take(), 10);
    signal.emit(&());
    assert_eq!(CALLS.take(), 10);
    assert_eq!(linked_chunks(&domain, signal), 10 + 1);
}

#[test]
fn c12_disconnect_all_unlinks_by_itself() {
    let domain = Domain::new();
    let (signal, _) = filled(&domain);
    assert_eq!(signal.disconnect_all(), CHUNKS * CHUNK);
    assert_eq!(linked_chunks(&domain, signal), 1);
}

#[test]
fn c12_deaths_inside_an_emission_are_found_by_the_next_one() {
    let domain = Domain::new();
    let (signal, connections) = filled(&domain);
    let killer = signal.connect(move |()| {
        connections.iter().for_each(|connection| {
            connection.disconnect();
        });
    });
    signal.emit(&());
    signal.emit(&());
    assert!(killer.is_connected());
    drop(signal);
    assert_eq!(domain.statistics().chunks, CHUNKS, "all but the killer's");
}

#[test]
fn c12_emissions_beside_a_long_one_unlink_for_it() {
    // The long one holds reclamation up, but not unlinking.
    let domain = Domain::new();
    let (signal, connections) = filled(&domain);
    let outer = Signal::<()>::new_in(&domain);
    let signal = std::sync::Arc::new(signal);
    let (inner, inner_domain) = (signal.clone(), domain.clone());
    outer.connect(move |()| {
        disconnect(&connections);
        inner.emit(&());
        assert!(inner_domain.statistics().chunks > CHUNKS, "nothing is recycled under the long one");
    });
    outer.on_panic(pulsebus::PanicPolicy::Propagate);
    outer.emit(&());
    drop(outer);
    assert_eq!(CALLS.get(), 0);
    let signal = std::sync::Arc::into_inner(signal).expect("the other owner was dropped");
    assert_eq!(linked_chunks(&domain, signal), 1);
}

#[test]
fn c12_what_an_emission_has_swept_is_recycled_without_any_further_connect() {
    let domain = Domain::new();
    let (signal, tally) = (Signal::<()>::new_in(&domain), Tally::new());
    let connections: Vec<_> = (0..CHUNKS * CHUNK).map(|_| signal.connect(holding(tally.guard()))).collect();
    disconnect(&connections);
    signal.emit(&());
    assert_eq!(tally.dropped(), 0);
    let mut recycled = 0;
    while tally.dropped() < tally.made() {
        recycled += domain.maintain(std::time::Duration::from_secs(60)).recycled;
    }
    assert_eq!((recycled, domain.statistics().chunks), (CHUNKS - 1, 1));
}

#[test]
fn c12_under_churn_the_list_stays_as_long_as_the_living_need() {
    // A window of living slots moves on: connects unlink what it leaves behind.
    let domain = Domain::new();
    let signal = Signal::<()>::new_in(&domain);
    let mut window = std::collections::VecDeque::new();
    for _ in 0..CHUNKS * CHUNK {
        window.push_back(signal.connect(|()| {}));
        if window.len() > 2 * CHUNK {
            window.pop_front().map(|oldest| oldest.disconnect());
        }
    }
    let linked = linked_chunks(&domain, signal);
    assert!((3..=5).contains(&linked), "{linked} chunks are linked for {} living slots", window.len());
}
