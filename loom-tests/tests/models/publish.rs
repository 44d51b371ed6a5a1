//! Connecting against emitting: a slot is seen whole or not at all, and an emission sees a cut.

use crate::{attach, use_up};
use loom_tests::{Bell, Note, Run, pair, trio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Connects on one thread, emits on the other; tells what the emission saw.
fn publish_vs_emit(run: &Run, bell: Bell) {
    let (payload, watch) = run.payload();
    let emitter = bell.clone();
    let before = Note::default();
    let seen = before.clone();
    run.race(
        move || {
            before.write(1);
            // What happened before the connection is seen by the slot, wherever it runs.
            bell.connect(move |()| {
                assert_eq!(before.read(), 1);
                payload.run();
            });
        },
        move || emitter.emit(&()),
    );
    assert_eq!(seen.read(), 1);
    run.note_if(watch.runs() == 1, "ran", "not yet");
}

#[test]
fn a_slot_is_published_whole() {
    pair("publish vs emit", &["ran", "not yet"], |run| {
        let bell = run.bell();
        use_up(&bell, 1);
        publish_vs_emit(run, bell);
    });
}

#[test]
fn a_slot_in_a_new_chunk_is_published_whole() {
    pair("publish in a new chunk vs emit", &["ran", "not yet"], |run| {
        let bell = run.bell();
        use_up(&bell, 2);
        publish_vs_emit(run, bell);
    });
}

#[test]
fn the_first_slot_of_a_signal_is_published_whole() {
    pair("first connect vs emit", &["ran", "not yet"], |run| publish_vs_emit(run, run.bell()));
}

#[test]
fn a_slot_is_published_whole_to_a_batch() {
    pair("publish vs emit_batch", &["both events", "none"], |run| {
        let bell = run.bell();
        use_up(&bell, 1);
        let (payload, watch) = run.payload();
        let emitter = bell.clone();
        run.race(move || attach(&bell, payload), move || emitter.emit_batch(&[(), ()]));
        run.note(match watch.runs() {
            0 => "none",
            2 => "both events",
            _ => unreachable!("a batch runs slot by slot, and nobody disconnects"),
        });
    });
}

/// A chunk that was used before is published as whole as a new one.
#[test]
fn a_slot_in_a_recycled_chunk_is_published_whole() {
    pair("publish in a recycled chunk vs emit", &["ran", "not yet"], |run| {
        let (old, bell) = (run.bell(), run.bell());
        use_up(&bell, 2);
        old.connect(|()| {});
        drop(old);
        publish_vs_emit(run, bell);
    });
}

/// C2: a slot that is connected by a slot does not run in the emission under way, in this chunk or the next, whatever
/// others connect meanwhile.
#[test]
fn an_emission_sees_a_cut() {
    for used in [0, 1] {
        pair("cut: connect inside an emission vs connect", &["cut before", "cut behind"], move |run| {
            let bell = run.bell();
            use_up(&bell, used);
            let (inner, inside) = run.payload();
            let (other, outside) = run.payload();
            let inner = Arc::new(inner);
            let (again, first) = (Arc::downgrade(&bell), AtomicBool::new(true));
            bell.connect(move |()| {
                if first.swap(false, Relaxed) {
                    let inner = inner.clone();
                    let bell = again.upgrade().expect("it is being emitted");
                    bell.connect(move |()| inner.run());
                }
            });
            let (emitter, connector) = (bell.clone(), bell.clone());
            run.race(move || emitter.emit(&()), move || attach(&connector, other));
            assert_eq!(inside.runs(), 0, "connected inside the emission, and run by it");
            run.note_if(outside.runs() == 0, "cut before", "cut behind");
            bell.emit(&());
            assert_eq!(inside.runs(), 1);
        });
    }
}

/// What was connected throughout an emission runs in it once, with two that emit.
#[test]
fn each_of_two_emissions_runs_what_was_connected_before() {
    trio("emit vs emit vs connect", &["two", "one", "none"], |run| {
        let bell = run.bell();
        let (old, before) = run.payload();
        let (new, during) = run.payload();
        attach(&bell, old);
        let (one, two) = (bell.clone(), bell.clone());
        run.race3(move || one.emit(&()), move || two.emit(&()), move || attach(&bell, new));
        assert_eq!(before.runs(), 2);
        run.note(match during.runs() {
            0 => "none",
            1 => "one",
            _ => "two",
        });
    });
}
