//! Collecting: what was disconnected before is dropped when it says `complete`, with no emission in flight.

use crate::attach;
use loom_tests::{Watch, pair, trio};
use pulsebus::Signal;
use pulsebus::model::sweep_by_hints;
use std::time::Duration;

/// A `collect` that meets a busy sweeper is not in vain: either it is not complete, or everything was dropped.
#[test]
fn a_collect_beside_a_sweeper_is_honest() {
    pair("collect vs collect", &["complete", "not complete"], |run| {
        let bell = run.bell();
        let (old, _) = run.payload();
        let (new, watch) = run.payload();
        attach(&bell, old).disconnect();
        let connection = attach(&bell, new);
        let (_, collected) = run.race(pulsebus::collect, move || {
            connection.disconnect();
            let collected = pulsebus::collect();
            if collected.complete {
                assert!(watch.is_dropped(), "complete, and not dropped: {collected:?}");
            }
            collected
        });
        run.note_if(collected.complete, "complete", "not complete");
    });
}

/// The same for `maintain`, which trusts the marks: one that a sweeper has taken, and not acted on yet, leaves it busy.
#[test]
fn a_maintain_beside_a_sweeper_is_honest() {
    pair("maintain vs sweep", &["complete", "not complete"], |run| {
        let bell = run.bell();
        let (payload, watch) = run.payload();
        attach(&bell, payload).disconnect();
        let (maintained, _) = run.race(
            move || {
                let maintained = pulsebus::maintain(Duration::MAX);
                assert!(!maintained.complete || watch.is_dropped(), "complete, and not dropped: {maintained:?}");
                maintained
            },
            sweep_by_hints,
        );
        run.note_if(maintained.complete, "complete", "not complete");
    });
}

/// Two that maintain: one of them may find the list swept, and the limbo locked.
#[test]
fn a_maintain_beside_another_is_honest() {
    pair("maintain vs maintain", &["complete", "not complete"], |run| {
        let bell = run.bell();
        let (payload, watch) = run.payload();
        attach(&bell, payload).disconnect();
        let maintain = |watch: Watch| {
            move || {
                let maintained = pulsebus::maintain(Duration::MAX);
                assert!(!maintained.complete || watch.is_dropped(), "complete, and not dropped: {maintained:?}");
                maintained.complete
            }
        };
        let (one, two) = run.race(maintain(watch.clone()), maintain(watch));
        run.note_if(one && two, "complete", "not complete");
    });
}

/// What the end of another signal drops meanwhile is not taken for what waits in limbo.
#[test]
fn a_collect_beside_the_end_of_another_signal_is_honest() {
    pair("collect vs end of another signal, in a tick", &["complete", "not complete"], |run| {
        let (bell, ends) = (run.bell(), Signal::<()>::new());
        let (waits, watch) = run.payload();
        let (other, _) = run.payload();
        attach(&bell, waits).disconnect();
        attach(&ends, other);
        let (collected, ()) = run.race(
            move || {
                let collected = pulsebus::collect();
                assert!(!collected.complete || watch.is_dropped(), "complete, and not dropped: {collected:?}");
                collected
            },
            move || pulsebus::tick(|_| drop(ends)),
        );
        run.note_if(collected.complete, "complete", "not complete");
    });
}

/// What a busy sweeper was asked for is done when it stops: hints alone find the rest.
#[test]
fn a_sweeper_that_was_asked_looks_again() {
    pair("sweep vs disconnect and collect", &["at once", "later"], |run| {
        let bell = run.bell();
        let (old, _) = run.payload();
        let (new, watch) = run.payload();
        attach(&bell, old).disconnect();
        let connection = attach(&bell, new);
        let (_, swept) = run.race(sweep_by_hints, move || {
            connection.disconnect();
            sweep_by_hints()
        });
        pulsebus::maintain(Duration::MAX);
        assert!(watch.is_dropped(), "what the second came for was lost");
        run.note_if(swept.is_some(), "at once", "later");
    });
}

/// The grace period: two emissions, one disconnection with its collection.
#[test]
fn a_closure_outlives_the_emissions_that_are_in_it() {
    trio("emit vs emit vs disconnect and collect", &["dropped", "blocked"], |run| {
        let bell = run.bell();
        let (payload, watch) = run.payload();
        let connection = attach(&bell, payload);
        let (one, two) = (bell.clone(), bell.clone());
        run.race3(
            move || one.emit(&()),
            move || two.emit(&()),
            move || {
                connection.disconnect();
                pulsebus::collect();
            },
        );
        run.note_if(watch.is_dropped(), "dropped", "blocked");
    });
}

/// The same with one emission, which leaves room for more interleavings.
#[test]
fn a_closure_outlives_the_emission_that_is_in_it() {
    pair("emit vs disconnect and collect", &["dropped", "blocked"], |run| {
        let bell = run.bell();
        let (payload, watch) = run.payload();
        let connection = attach(&bell, payload);
        let emitter = bell.clone();
        run.race(
            move || emitter.emit(&()),
            move || {
                connection.disconnect();
                pulsebus::collect();
            },
        );
        run.note_if(watch.is_dropped(), "dropped", "blocked");
    });
}

/// A tick holds reclamation back for as long as it lasts.
#[test]
fn a_tick_protects_its_emissions() {
    pair("tick vs disconnect and collect", &["ran", "skipped"], |run| {
        let bell = run.bell();
        let (payload, watch) = run.payload();
        let connection = attach(&bell, payload);
        let emitter = bell.clone();
        run.race(
            move || {
                pulsebus::tick(|tick| {
                    tick.emit(&emitter, &());
                    tick.emit(&emitter, &());
                })
            },
            move || {
                connection.disconnect();
                pulsebus::collect();
            },
        );
        run.note_if(watch.runs() > 0, "ran", "skipped");
    });
}

/// C7: an emission runs nobody's destructor, also when a slot collects in another domain (trap 9).
#[test]
fn no_destructor_runs_inside_an_emission() {
    pair("collect inside an emission of another domain vs collect", &["later", "beside"], |run| {
        let (here, there) = (run.bell(), Signal::<()>::new_in(&pulsebus::Domain::new()));
        let (payload, watch) = run.payload();
        attach(&here, payload).disconnect();
        there.connect(move |()| {
            let collected = pulsebus::collect();
            assert_eq!((collected.dropped, collected.complete), (0, false));
        });
        run.race(move || there.emit(&()), pulsebus::collect);
        run.note_if(watch.is_dropped(), "beside", "later");
    });
}
