//! The end of a signal, against everything that may still come: handles and collectors.

use crate::{attach, use_up};
use loom_tests::{Note, Run, pair, solo, trio};
use pulsebus::model::sweep_by_hints;
use pulsebus::{Connection, Domain, Signal};
use std::sync::{Arc, Mutex};

/// C5, C8: a disconnection beside the end of the signal: what the slot captured is dropped once, at once.
#[test]
fn a_signal_ends_beside_a_disconnect() {
    pair("drop vs disconnect", &["disconnected first", "dropped first"], |run| {
        let bell = Signal::<()>::new();
        let (payload, watch) = run.payload();
        let connection = attach(&bell, payload);
        let (won, ()) = run.race(
            move || connection.disconnect(),
            move || {
                drop(bell);
                assert!(watch.is_dropped());
            },
        );
        run.note_if(won, "disconnected first", "dropped first");
    });
}

/// What came before a disconnection that won comes before the destructor, also when the signal's end runs it.
#[test]
fn what_came_before_a_disconnect_is_seen_by_the_signals_end() {
    struct Reader(Note, std::sync::Arc<std::sync::atomic::AtomicBool>);
    impl Drop for Reader {
        fn drop(&mut self) {
            if self.1.load(std::sync::atomic::Ordering::Relaxed) {
                assert_eq!(self.0.read(), 1, "what came before the disconnection");
            }
        }
    }

    pair("drop vs disconnect: memory", &["disconnected first", "dropped first"], |run| {
        let bell = Signal::<()>::new();
        let (note, lost) = (Note::default(), std::sync::Arc::default());
        let reader = Reader(note.clone(), std::sync::Arc::clone(&lost));
        let connection = bell.connect(move |()| {
            let _ = &reader;
        });
        let (won, ()) = run.race(
            move || {
                note.write(1);
                connection.disconnect()
            },
            move || {
                // None left to end: the other side has won.
                lost.store(bell.disconnect_all() == 0, std::sync::atomic::Ordering::Relaxed);
                drop(bell);
            },
        );
        assert_eq!(Domain::global().statistics().drop_panics, 0);
        run.note_if(won, "disconnected first", "dropped first");
    });
}

/// A collector walks the lists while one of them ends: nothing is dropped twice, no chunk is lost.
#[test]
fn a_signal_ends_beside_a_collect() {
    pair("drop vs collect", &["recycled", "left"], |run| {
        let bell = Signal::<()>::new();
        let (a, _) = run.payload();
        let (b, _) = run.payload();
        let (c, _) = run.payload();
        let ends = attach(&bell, a);
        attach(&bell, b);
        attach(&bell, c);
        ends.disconnect();
        let ((), collected) = run.race(move || drop(bell), pulsebus::collect);
        run.note_if(collected.recycled + collected.dropped > 0, "recycled", "left");
        pulsebus::collect();
        assert_eq!(Domain::global().statistics().chunks, 0, "a chunk was lost");
    });
}

/// The same, with a chunk that is in limbo already.
#[test]
fn a_signal_ends_while_a_chunk_is_in_limbo() {
    pair("drop in flight vs collect", &["dropped"], |run| {
        let bell = Signal::<()>::new();
        let (a, _) = run.payload();
        let (b, second) = run.payload();
        let ends = attach(&bell, a);
        attach(&bell, b);
        ends.disconnect();
        sweep_by_hints();
        run.race(
            move || {
                drop(bell);
                assert!(second.is_dropped(), "what is not in limbo is dropped at once");
            },
            pulsebus::collect,
        );
        run.note("dropped");
        pulsebus::collect();
        assert_eq!(Domain::global().statistics().chunks, 0, "a chunk was lost");
    });
}

/// A chunk with a dead slot in limbo, one step from the end of its grace period, and a live slot.
fn half_in_limbo(run: &Run) -> Signal<()> {
    let bell = Signal::new();
    let (a, _) = run.payload();
    let (b, _) = run.payload();
    let ends = attach(&bell, a);
    attach(&bell, b);
    ends.disconnect();
    sweep_by_hints();
    crate::one_step();
    bell
}

/// The signal's end, if it has the chunk last, has seen what the end of the flight did to its slots: what is connected
/// there next is written after that.
#[test]
fn a_chunk_passes_from_limbo_to_the_end_of_its_signal() {
    pair("drop in flight and reuse vs collect", &["reused"], |run| {
        let (bell, next) = (half_in_limbo(run), run.bell());
        run.race(
            // Under one pin, whose fence comes before all of it.
            move || {
                pulsebus::tick(|_| {
                    drop(bell);
                    next.connect(|()| {})
                })
            },
            pulsebus::collect,
        );
        run.note("reused");
    });
}

/// The same the other way round: the end of the flight has the chunk last.
#[test]
fn a_chunk_passes_from_the_end_of_its_signal_to_limbo() {
    pair("drop in flight vs collect and reuse", &["recycled", "not yet"], |run| {
        let (bell, next) = (half_in_limbo(run), run.bell());
        let ((), recycled) = run.race(
            move || drop(bell),
            move || {
                let recycled = pulsebus::collect().recycled;
                next.connect(|()| {});
                next.connect(|()| {});
                recycled
            },
        );
        run.note_if(recycled > 0, "recycled", "not yet");
    });
}

/// The list passes to a signal of another domain while a collector of the first one is on its way to it (trap 5).
#[test]
fn a_list_changes_hands_beside_a_collect() {
    pair("drop and reuse in another domain vs collect", &["collected"], |run| {
        let (bell, other) = (Signal::<()>::new(), Domain::new());
        use_up(&bell, 1);
        let (payload, watch) = run.payload();
        let next = Signal::<()>::new_in(&other);
        let (next, _) = run.race(
            move || {
                drop(bell);
                next.connect(|()| {}).disconnect();
                attach(&next, payload);
                next.emit(&());
                next
            },
            pulsebus::collect,
        );
        next.emit(&());
        assert_eq!(watch.runs(), 2);
        run.note("collected");
    });
}

/// A collector that comes late does not sweep the list for the domain that it served before: what ends there is protected
/// by the pins of the new one.
#[test]
fn a_list_that_changed_hands_is_not_swept_for_its_first_domain() {
    pair("drop, reuse in another domain and emit vs collect", &["collected"], |run| {
        let (bell, other) = (Signal::<()>::new(), Domain::new());
        use_up(&bell, 1);
        let (payload, watch) = run.payload();
        let next = Signal::<()>::new_in(&other);
        run.race(
            move || {
                drop(bell);
                let own = Arc::new(Mutex::new(None::<Connection>));
                let me = own.clone();
                let connection = next.connect(move |()| {
                    let me = me.lock().expect("nobody panics").take().expect("it is emitted once");
                    assert!(me.disconnect());
                    payload.run();
                });
                *own.lock().expect("nobody panics") = Some(connection);
                next.emit(&());
            },
            pulsebus::collect,
        );
        assert_eq!(watch.runs(), 1);
        run.note("collected");
    });
}

/// The end of a signal, a late handle and a collector at once.
#[test]
fn a_signal_ends_beside_a_disconnect_and_a_collect() {
    trio("drop vs disconnect vs collect", &["won", "lost"], |run| {
        let bell = Signal::<()>::new();
        let (payload, _) = run.payload();
        let connection = attach(&bell, payload);
        let ((), won, _) = run.race3(move || drop(bell), move || connection.disconnect(), sweep_by_hints);
        run.note_if(won, "won", "lost");
    });
}

/// All slots end before the first destructor runs: one that disconnects its neighbour does not win.
#[test]
fn a_destructor_comes_too_late_for_its_neighbour() {
    struct Ends(std::sync::Arc<std::sync::Mutex<Option<pulsebus::Connection>>>);
    impl Drop for Ends {
        fn drop(&mut self) {
            let neighbour = self.0.lock().expect("nobody panics").take().expect("set before the end");
            assert!(!neighbour.disconnect());
        }
    }

    solo("drop: a destructor disconnects its neighbour", &["dropped"], |run| {
        let bell = run.bell();
        let neighbour = std::sync::Arc::default();
        let ends = Ends(std::sync::Arc::clone(&neighbour));
        bell.connect(move |()| {
            let _ = &ends;
        });
        use_up(&bell, 1);
        *neighbour.lock().expect("nobody panics") = Some(bell.connect(|()| {}));
        drop(bell);
        assert_eq!(Domain::global().statistics().drop_panics, 0);
        run.note("dropped");
    });
}
