//! C5: a stale handle never touches a later occupant of its slot. The tests of this file own the process's chunks, and
//! run one after another, so that they can force the reuse of a chunk.

mod common;

use common::{Counter, collect_all};
use pulsebus::{Connection, Domain, Signal};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

const CHUNK: usize = 32;

fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Connections of a signal that has gone, whose chunks are all in use again, by the returned signal's slots.
fn stale_and_reused(ran: &Counter) -> (Vec<Connection>, Signal<()>, Vec<Connection>) {
    let domain = Domain::new();
    let old = Signal::<()>::new_in(&domain);
    let stale: Vec<_> = (0..4 * CHUNK).map(|_| old.connect(|()| panic!("its time is over"))).collect();
    assert!(stale.iter().all(Connection::disconnect));
    drop(old);
    collect_all(&domain);
    let made = domain.statistics().chunks_made;

    let new = Signal::<()>::new_in(&domain);
    let occupants: Vec<_> = (0..made * CHUNK).map(|_| new.connect(ran.slot())).collect();
    let statistics = domain.statistics();
    assert_eq!((statistics.chunks, statistics.chunks_made), (made, made), "every chunk there is has a new occupant");
    (stale, new, occupants)
}

#[test]
fn c5_a_stale_handle_cannot_touch_the_next_occupant_of_its_slot() {
    let _alone = alone();
    let ran = Counter::new();
    let (stale, new, occupants) = stale_and_reused(&ran);
    for handle in &stale {
        assert!(!handle.is_connected() && !handle.disconnect());
        assert_eq!((handle.place(), handle.panics()), (None, None));
        assert_eq!(handle.disconnect_and_wait(Duration::ZERO), Ok(false), "nobody can be inside its slot");
    }
    assert_eq!(new.len(), occupants.len());
    new.emit(&());
    assert_eq!(ran.get(), occupants.len());
    assert!(occupants.iter().all(|occupant| occupant.is_connected() && occupant.place().is_some()));
}

#[test]
fn c5_a_stale_handle_is_not_equal_to_the_next_occupants() {
    let _alone = alone();
    let (stale, _new, occupants) = stale_and_reused(&Counter::new());
    let stale_set: HashSet<Connection> = stale.iter().copied().collect();
    assert_eq!(stale_set.len(), stale.len());
    assert!(!occupants.iter().any(|occupant| stale_set.contains(occupant)));
}

#[test]
fn c5_a_forgotten_scope_is_harmless_and_a_late_one_too() {
    let _alone = alone();
    let domain = Domain::new();
    let old = Signal::<()>::new_in(&domain);
    let late: Vec<_> = (0..CHUNK).map(|_| old.connect_scoped(|()| {})).collect();
    std::mem::forget(old.connect_scoped(|()| {}));
    assert_eq!(old.len(), CHUNK + 1);
    drop(old);
    collect_all(&domain);
    let new = Signal::<()>::new_in(&domain);
    let occupants = domain.statistics().chunks_made * CHUNK;
    for _ in 0..occupants {
        new.connect(|()| {});
    }
    drop(late);
    assert_eq!(new.len(), occupants);
}

#[test]
fn c5_stale_handles_stay_stale_while_their_memory_is_reused_beside_them() {
    let _alone = alone();
    let domain = Domain::new();
    let stop = Arc::new(AtomicBool::new(false));
    let stale: Arc<Mutex<Vec<Connection>>> = Arc::default();
    let (handles, stopped) = (stale.clone(), stop.clone());
    // One thread keeps ending what has ended, beside the other, which keeps using the memory again.
    let poker = thread::spawn(move || {
        let mut pokes = 0_usize;
        while !stopped.load(SeqCst) || pokes == 0 {
            for handle in handles.lock().expect("nobody panics").iter() {
                assert!(!handle.disconnect(), "it had ended already");
                pokes += 1;
            }
        }
    });
    for round in 0..300 {
        let signal = Signal::<()>::new_in(&domain);
        let connections: Vec<_> = (0..3 * CHUNK).map(|_| signal.connect(|()| {})).collect();
        assert_eq!(signal.len(), 3 * CHUNK, "round {round}");
        assert!(connections.iter().all(Connection::disconnect), "round {round}: nobody else ends them");
        *stale.lock().expect("nobody panics") = connections;
        drop(signal);
        domain.collect();
    }
    stop.store(true, SeqCst);
    poker.join().expect("it never wins");
}
