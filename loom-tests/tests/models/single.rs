//! Emitting to one slot: while its chunk passes from signal to signal.

use crate::attach;
use loom_tests::pair;
use pulsebus::Signal;

/// The handle is another signal's, which ends; its chunk serves this one then. Neither slot is called.
#[test]
fn a_handle_of_another_signal_calls_nobody() {
    pair("emit_to a strange slot vs its signal's end and reuse here", &["nobody"], |run| {
        let (here, there) = (run.bell(), Signal::<()>::new());
        // Full, so that the next one gets the chunk from the pool.
        let ours = [here.connect(|()| {}), here.connect(|()| {})];
        let strange = there.connect(|()| {});
        let (payload, watch) = run.payload();
        let (emitter, connector) = (here.clone(), here.clone());
        run.race(
            move || assert!(!emitter.emit_to(strange, &()), "not one of its slots"),
            move || {
                drop(there);
                attach(&connector, payload)
            },
        );
        assert_eq!(watch.runs(), 0, "a stale handle called the next occupant");
        assert!(ours.iter().all(|&slot| here.emit_to(slot, &())) && !here.emit_to(strange, &()));
        run.note("nobody");
    });
}

/// The slot dies, and its chunk serves another signal: it is called before it dies, or not at all.
#[test]
fn a_slot_is_called_alone_before_it_dies_or_not_at_all() {
    pair("emit_to vs disconnect, collect and reuse", &["called", "too late"], |run| {
        let (here, there) = (run.bell(), run.bell());
        let (old, ran) = run.payload();
        let (new, strayed) = run.payload();
        let connection = attach(&here, old);
        // The rest of its chunk dies too, and is not the tail.
        crate::use_up(&here, 1);
        here.connect(|()| {});
        let emitter = here.clone();
        let (called, _) = run.race(
            move || emitter.emit_to(connection, &()),
            move || {
                assert!(connection.disconnect());
                pulsebus::collect();
                attach(&there, new)
            },
        );
        assert_eq!((u32::from(called), strayed.runs()), (ran.runs(), 0));
        assert!(!here.emit_to(connection, &()));
        run.note_if(called, "called", "too late");
    });
}
