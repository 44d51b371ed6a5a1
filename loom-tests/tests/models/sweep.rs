//! Sweeping and unlinking against emitting and connecting.

use crate::{attach, attach_behind_dead, use_up};
use loom_tests::{Bell, Run, pair, trio};
use pulsebus::model::sweep_by_hints;
use std::time::Duration;

/// One connects, behind a full tail, and one sweeps: in the end so many chunks are left.
fn append_beside_a_sweep(run: &Run, bell: &Bell, chunks: usize) {
    let connector = bell.clone();
    run.race(
        move || {
            connector.connect(|()| {});
        },
        sweep_by_hints,
    );
    pulsebus::maintain(Duration::MAX);
    let statistics = pulsebus::Domain::global().statistics();
    assert_eq!(statistics.chunks, chunks, "the dead chunk was forgotten: {statistics:?}");
    run.note("unlinked");
}

/// An emission that stands in a chunk while it is unlinked goes on to the rest of the list.
#[test]
fn an_emission_walks_through_chunks_that_are_unlinked() {
    pair("unlink vs emit", &["unlinked"], |run| {
        let bell = run.bell();
        let (payload, watch) = run.payload();
        attach_behind_dead(&bell, 4, payload);
        let emitter = bell.clone();
        run.race(move || emitter.emit(&()), pulsebus::collect);
        assert_eq!(watch.runs(), 1, "what is connected throughout an emission runs in it");
        run.note("unlinked");
    });
}

/// The chunk that an emission stands in does not serve another signal before the emission has ended.
#[test]
fn an_emission_does_not_stray_into_another_signal() {
    pair("unlink, recycle and reuse vs emit", &["recycled", "blocked"], |run| {
        let (here, there) = (run.bell(), run.bell());
        let (old, _) = run.payload();
        let (new, strayed) = run.payload();
        let (stays, stayed) = run.payload();
        let ended = attach(&here, old);
        use_up(&here, 1);
        attach(&here, stays);
        ended.disconnect();
        let emitter = here.clone();
        let (_, collected) = run.race(
            move || emitter.emit(&()),
            move || {
                let collected = pulsebus::collect();
                attach(&there, new);
                collected
            },
        );
        assert_eq!((stayed.runs(), strayed.runs()), (1, 0));
        run.note_if(collected.recycled > 0, "recycled", "blocked");
    });
}

/// A full, dead tail: one appends, one sweeps. The tail stays in the list, and what is appended is not cut off.
#[test]
fn an_append_beside_the_unlinking_of_a_dead_tail_is_not_lost() {
    pair("unlink vs append", &["appended"], |run| {
        let bell = run.bell();
        use_up(&bell, 2);
        let (payload, watch) = run.payload();
        let connector = bell.clone();
        let ((), _) = run.race(
            move || {
                attach(&connector, payload);
                connector.emit(&());
            },
            sweep_by_hints,
        );
        bell.emit(&());
        assert_eq!(watch.runs(), 2, "the new slot was cut off");
        run.note("appended");
    });
}

/// The same, with someone who emits.
#[test]
fn an_emission_beside_append_and_unlink_finds_its_way() {
    trio("unlink vs append vs emit", &["saw it", "not yet"], |run| {
        let bell = run.bell();
        let (first, watch) = run.payload();
        use_up(&bell, 1);
        attach(&bell, first).disconnect();
        let (payload, new) = run.payload();
        let (connector, emitter) = (bell.clone(), bell.clone());
        run.race3(move || attach(&connector, payload), sweep_by_hints, move || emitter.emit(&()));
        assert_eq!(watch.runs(), 0);
        run.note_if(new.runs() == 1, "saw it", "not yet");
        bell.emit(&());
    });
}

/// A chunk that was the tail when a sweep found it dead is looked at again when the tail has moved on.
#[test]
fn a_chunk_that_died_as_the_tail_is_unlinked_later() {
    pair("append vs sweep of a dead tail", &["unlinked"], |run| {
        let bell = run.bell();
        use_up(&bell, 2);
        append_beside_a_sweep(run, &bell, 1);
    });
}

/// Two sweepers, neighbours that die: neither brings back what the other unlinked (trap 4).
#[test]
fn two_sweeps_do_not_bring_back_what_was_unlinked() {
    pair("sweep vs sweep", &["swept"], |run| {
        let bell = run.bell();
        let ends = [bell.connect(|()| {}), bell.connect(|()| {}), bell.connect(|()| {}), bell.connect(|()| {})];
        let (payload, watch) = run.payload();
        attach(&bell, payload);
        let [a, b, c, d] = ends;
        a.disconnect();
        c.disconnect();
        run.race(
            move || {
                b.disconnect();
                sweep_by_hints();
            },
            move || {
                d.disconnect();
                sweep_by_hints();
            },
        );
        bell.emit(&());
        assert_eq!(watch.runs(), 1);
        pulsebus::maintain(Duration::MAX);
        assert_eq!(pulsebus::Domain::global().statistics().chunks, 1);
        run.note("swept");
    });
}

/// An emission that meets many dead sweeps in passing, beside another sweeper and a disconnection.
#[test]
fn an_emission_sweeps_in_passing() {
    pair("emit (sweeps) vs disconnect and sweep", &["ran", "skipped"], |run| {
        let bell = run.bell();
        let (payload, watch) = run.payload();
        let (stays, stayed) = run.payload();
        let connection = attach_behind_dead(&bell, 2, payload);
        attach(&bell, stays);
        let emitter = bell.clone();
        run.race(
            move || emitter.emit(&()),
            move || {
                connection.disconnect();
                sweep_by_hints();
            },
        );
        assert_eq!(stayed.runs(), 1);
        run.note_if(watch.runs() == 1, "ran", "skipped");
        pulsebus::maintain(Duration::MAX);
        assert!(watch.is_dropped(), "a mark got lost");
    });
}

/// What an emission has unlinked in passing, the next sweeper does not walk into: by then it may serve another signal.
#[test]
fn a_sweeper_sees_what_an_emission_has_unlinked() {
    pair("emit (sweeps), recycle and reuse vs disconnect and sweep", &["recycled", "not yet"], |run| {
        let (here, there) = (run.bell(), run.bell());
        let (ends, ended) = run.payload();
        let (new, ran) = run.payload();
        let connection = attach_behind_dead(&here, 2, ends);
        let next = there.clone();
        let (recycled, _) = run.race(
            move || {
                here.emit(&());
                let recycled = pulsebus::maintain(Duration::MAX).recycled;
                attach(&next, new);
                recycled
            },
            move || {
                connection.disconnect();
                sweep_by_hints()
            },
        );
        there.emit(&());
        assert_eq!(ran.runs(), 1);
        pulsebus::maintain(Duration::MAX);
        assert!(ended.is_dropped(), "a mark got lost");
        run.note_if(recycled > 0, "recycled", "not yet");
    });
}

/// An append that moves the tail on from a chunk whose dead are retired already leaves a mark on the list alone. A sweep that
/// has come for something else either unlinks that chunk, or leaves the mark.
#[test]
fn an_append_beside_a_sweep_for_something_else_is_found_by_hints() {
    pair("append behind a retired tail vs sweep", &["unlinked"], |run| {
        let bell = run.bell();
        let ends = bell.connect(|()| {});
        bell.connect(|()| {});
        use_up(&bell, 2);
        sweep_by_hints();
        ends.disconnect();
        append_beside_a_sweep(run, &bell, 2);
    });
}

/// An emission whose last chunk is unlinked while it stands in the one before steps beyond it, into one that was appended
/// since: it has to see that one made, and to see that it lies behind the cut.
#[test]
fn an_emission_whose_last_chunk_is_unlinked_meets_the_next_one_whole() {
    pair("append and unlink vs emit", &["saw it", "not yet"], |run| {
        let bell = run.bell();
        let (stays, stayed) = run.payload();
        let (payload, new) = run.payload();
        attach(&bell, stays);
        bell.connect(|()| {});
        use_up(&bell, 2);
        let (connector, emitter) = (bell.clone(), bell.clone());
        run.race(
            move || {
                attach(&connector, payload);
                sweep_by_hints();
            },
            move || emitter.emit(&()),
        );
        assert_eq!(stayed.runs(), 1);
        run.note_if(new.runs() == 1, "saw it", "not yet");
    });
}
