//! `disconnect_and_wait`: no thread is inside when it returns.

use crate::attach;
use loom_tests::{Note, Run, pair, trio};
use pulsebus::WaitError;
use std::time::Duration;

/// One emits; one does something `first`, disconnects and waits, and then writes what the slot writes.
fn wait_beside_an_emission(run: &Run, first: impl FnOnce() + 'static) {
    let bell = run.bell();
    let note = Note::default();
    let (payload, watch) = run.payload();
    let inside = note.clone();
    let connection = bell.connect(move |()| {
        inside.write(1);
        payload.run();
    });
    let emitter = bell.clone();
    let (runs, _) = run.race(
        move || {
            first();
            assert_eq!(connection.disconnect_and_wait(Duration::MAX), Ok(true));
            note.write(2);
            watch.runs()
        },
        move || emitter.emit(&()),
    );
    run.note_if(runs == 1, "inside before", "never inside");
}

/// C6: after the wait, everything the slot did is visible, and it does nothing more.
#[test]
fn nobody_is_inside_after_the_wait() {
    pair("disconnect_and_wait vs emit", &["inside before", "never inside"], |run| {
        wait_beside_an_emission(run, || {});
    });
}

/// The one that lost the disconnection waits as well.
#[test]
fn nobody_is_inside_after_the_wait_of_the_loser() {
    trio("disconnect_and_wait vs disconnect vs emit", &["won", "lost"], |run| {
        let bell = run.bell();
        let note = Note::default();
        let inside = note.clone();
        let connection = bell.connect(move |()| inside.write(1));
        let emitter = bell.clone();
        let (won, _, _) = run.race3(
            move || {
                let won =
                    connection.disconnect_and_wait(Duration::MAX).expect("outside of emissions, without a deadline");
                note.write(2);
                won
            },
            move || connection.disconnect(),
            move || emitter.emit(&()),
        );
        run.note_if(won, "won", "lost");
    });
}

/// It waits for each thread, not only for the one that came last.
#[test]
fn it_waits_for_those_who_pinned_long_before() {
    pair("register, disconnect_and_wait vs emit", &["inside before", "never inside"], |run| {
        wait_beside_an_emission(run, || pulsebus::Domain::global().register_thread());
    });
}

/// Inside an emission, of whatever domain, it would wait for itself, and says so.
#[test]
fn it_does_not_wait_inside_an_emission() {
    pair("disconnect_and_wait inside an emission vs emit", &["refused"], |run| {
        let (here, there) = (run.bell(), pulsebus::Signal::<()>::new_in(&pulsebus::Domain::new()));
        let (payload, _) = run.payload();
        let connection = attach(&here, payload);
        there.connect(move |()| {
            let waited = connection.disconnect_and_wait(Duration::MAX);
            assert_eq!(waited, Err(WaitError::WouldDeadlock));
        });
        run.race(move || there.emit(&()), move || here.emit(&()));
        run.note("refused");
    });
}
