//! Stale handles: whatever their memory serves by now, they do not touch it (C5).

use crate::{attach, use_up};
use loom_tests::pair;
use pulsebus::Signal;
use std::time::Duration;

/// The chunk is recycled and used again while a stale copy is used.
#[test]
fn a_stale_handle_does_not_touch_the_next_occupant() {
    pair("stale disconnect vs recycle and reuse", &["lost"], |run| {
        let (here, there) = (run.bell(), run.bell());
        let stale = here.connect(|()| {});
        use_up(&here, 1);
        here.connect(|()| {});
        stale.disconnect();
        let (payload, watch) = run.payload();
        let there_too = there.clone();
        let (won, (recycled, connection)) =
            run.race(move || stale.disconnect(), move || (pulsebus::collect().recycled, attach(&there, payload)));
        assert!(!won && recycled == 1);
        assert!(connection.is_connected(), "a stale handle ended the next occupant");
        there_too.emit(&());
        assert_eq!(watch.runs(), 1);
        run.note("lost");
    });
}

/// The handle is live when the race starts; the signal ends, and another one takes over its memory.
#[test]
fn a_late_disconnect_does_not_touch_the_next_signal() {
    pair("disconnect vs drop and reuse", &["won", "lost"], |run| {
        let (here, there) = (Signal::<()>::new(), run.bell());
        let (old, dropped) = run.payload();
        let late = attach(&here, old);
        let (payload, watch) = run.payload();
        let next = there.clone();
        let (won, connection) = run.race(
            move || late.disconnect(),
            move || {
                drop(here);
                assert!(dropped.is_dropped(), "a signal drops what is not in limbo when it is dropped");
                attach(&next, payload)
            },
        );
        assert!(connection.is_connected(), "a late disconnect ended the next occupant");
        there.emit(&());
        assert_eq!(watch.runs(), 1);
        run.note_if(won, "won", "lost");
    });
}

/// The mark that a late disconnection leaves goes to the list that has the chunk by then, which may be new.
#[test]
fn a_late_mark_finds_a_list_that_is_made() {
    pair("disconnect vs drop and reuse in a new list", &["won", "lost"], |run| {
        let here = Signal::<()>::new();
        let late = here.connect(|()| {});
        here.connect(|()| {});
        here.connect(|()| {});
        let (first, second) = (run.bell(), run.bell());
        let (won, ()) = run.race(
            move || late.disconnect(),
            move || {
                drop(here);
                // The list, and the second chunk; a new list, and the first one.
                first.connect(|()| {});
                second.connect(|()| {});
            },
        );
        run.note_if(won, "won", "lost");
    });
}

/// A handle that waits asks for its domain. Its memory may be on its way to another signal's first connection.
#[test]
fn a_stale_handle_asks_for_its_domain() {
    pair("stale disconnect_and_wait vs first connect elsewhere", &["stale"], |run| {
        let here = Signal::<()>::new();
        let stale = here.connect(|()| {});
        let keeps_the_list = Signal::<()>::new();
        drop(here);
        keeps_the_list.connect(|()| {});
        keeps_the_list.connect(|()| {});
        keeps_the_list.disconnect_all();
        keeps_the_list.connect(|()| {});
        pulsebus::collect();
        let next = Signal::<()>::new();
        run.race(
            move || assert_eq!(stale.disconnect_and_wait(Duration::MAX), Ok(false)),
            move || {
                next.connect(|()| {});
                next.emit(&());
            },
        );
        run.note("stale");
    });
}
