//! A chunk that is in limbo while more comes up in it (trap 3).

use crate::{attach, one_step};
use loom_tests::pair;
use pulsebus::model::sweep_by_hints;
use std::time::Duration;

/// A slot dies while its neighbour's closure is in limbo: it gets a grace period of its own.
#[test]
fn a_second_death_waits_for_its_own_grace_period() {
    pair("emit vs second disconnect, sweep and collect", &["both dropped", "one dropped"], |run| {
        let bell = run.bell();
        let (a, first) = run.payload();
        let (b, second) = run.payload();
        let (a, b) = (attach(&bell, a), attach(&bell, b));
        a.disconnect();
        sweep_by_hints();
        one_step();
        let emitter = bell.clone();
        run.race(
            move || emitter.emit(&()),
            move || {
                b.disconnect();
                sweep_by_hints();
                pulsebus::maintain(Duration::MAX);
            },
        );
        assert!(first.is_dropped(), "its grace period began before the emission");
        run.note_if(second.is_dropped(), "both dropped", "one dropped");
    });
}

/// A chunk is unlinked while a closure of it is in limbo: the older grace period must not pool it under an emission.
#[test]
fn an_unlinked_chunk_waits_for_its_own_grace_period() {
    pair("emit vs unlink in flight, collect and reuse", &["recycled", "not yet"], |run| {
        let (here, there) = (run.bell(), run.bell());
        let (a, _) = run.payload();
        let (stays, stayed) = run.payload();
        let (new, strayed) = run.payload();
        let a = attach(&here, a);
        let b = here.connect(|()| {});
        attach(&here, stays);
        a.disconnect();
        sweep_by_hints();
        one_step();
        let emitter = here.clone();
        let ((), recycled) = run.race(
            move || emitter.emit(&()),
            move || {
                b.disconnect();
                sweep_by_hints();
                let recycled = pulsebus::maintain(Duration::MAX).recycled;
                attach(&there, new);
                recycled
            },
        );
        assert_eq!((stayed.runs(), strayed.runs()), (1, 0));
        run.note_if(recycled > 0, "recycled", "not yet");
    });
}

/// Departure against arrival, without anyone else: no closure is forgotten, none dropped twice, the chunk comes back.
#[test]
fn departure_meets_arrival() {
    pair("second disconnect and sweep vs collect", &["at once", "later"], |run| {
        let bell = run.bell();
        let (a, _) = run.payload();
        let (b, second) = run.payload();
        let (a, b) = (attach(&bell, a), attach(&bell, b));
        bell.connect(|()| {});
        a.disconnect();
        sweep_by_hints();
        one_step();
        run.race(
            move || {
                b.disconnect();
                sweep_by_hints();
            },
            pulsebus::collect,
        );
        run.note_if(second.is_dropped(), "at once", "later");
        assert!(pulsebus::collect().complete);
        assert_eq!(pulsebus::Domain::global().statistics().chunks, 1, "the dead chunk was forgotten");
    });
}
