//! The epoch and the limbo, raw: when may memory that was taken out of a list be used again?

use loom::sync::atomic::{AtomicUsize, Ordering::Acquire, Ordering::Release};
use loom_tests::{Note, pair, trio};
use pulsebus::model::Grace;
use std::sync::Arc;

const ALIVE: u32 = 0;
const REUSED: u32 = 1;

/// A list of one node: the index of it.
type List = Arc<AtomicUsize>;

fn list() -> List {
    Arc::new(AtomicUsize::new(0))
}

/// Looks at the node in the list, under a pin.
fn read(grace: &'static Grace, list: &List) -> usize {
    let _pin = grace.pin();
    let index = list.load(Acquire);
    assert_eq!(grace.node(index).read(), ALIVE, "looked at while pinned, and used again");
    index
}

/// Takes the first node out of the list.
fn unlink(grace: &'static Grace, list: &List) {
    list.store(1, Release);
    grace.retire(0);
}

/// Some steps; how many nodes were used again.
fn reuse(grace: &'static Grace, steps: usize) -> usize {
    (0..steps).map(|_| grace.turn().map(|node| node.write(REUSED)).count()).sum()
}

#[test]
fn what_a_pinned_thread_can_see_is_not_reused() {
    pair("epoch: read vs unlink and reuse", &["reused", "blocked"], |run| {
        let (grace, list) = (Grace::new(2), list());
        let reader = list.clone();
        let (_, reused) = run.race(
            move || read(grace, &reader),
            move || {
                unlink(grace, &list);
                reuse(grace, 3)
            },
        );
        run.note_if(reused == 1, "reused", "blocked");
    });
}

/// Two threads, one of which may take over the record of the other: thread exit against advance.
#[test]
fn what_either_of_two_threads_can_see_is_not_reused() {
    trio("epoch: read vs read vs unlink and reuse", &["reused", "blocked"], |run| {
        let (grace, list) = (Grace::new(2), list());
        let (one, two) = (list.clone(), list.clone());
        let (_, _, reused) = run.race3(
            move || read(grace, &one),
            move || read(grace, &two),
            move || {
                unlink(grace, &list);
                reuse(grace, 2)
            },
        );
        run.note_if(reused == 1, "reused", "blocked");
    });
}

/// Trap 2: one lock covers the advance and the emptying, and one list is emptied at a time.
#[test]
fn two_that_reclaim_do_not_outrun_a_reader() {
    trio("epoch: read vs unlink and reuse vs reuse", &["reused", "blocked"], |run| {
        let (grace, list) = (Grace::new(2), list());
        let reader = list.clone();
        let (_, here, there) = run.race3(
            move || read(grace, &reader),
            move || {
                unlink(grace, &list);
                reuse(grace, 2)
            },
            move || reuse(grace, 2),
        );
        assert!(here + there <= 1, "one node, reused twice");
        run.note_if(here + there == 1, "reused", "blocked");
    });
}

/// Trap 1: what is retired gets its stamp late, so that the stamp is not older than the last thread that can see it.
#[test]
fn what_is_retired_by_one_and_reclaimed_by_another_waits_for_a_reader() {
    trio("epoch: read vs unlink vs reuse", &["reused", "not yet"], |run| {
        let (grace, list) = (Grace::new(3), list());
        // Something that makes the epoch move before the unlinking is seen.
        grace.retire(2);
        let reader = list.clone();
        let (_, (), reused) =
            run.race3(move || read(grace, &reader), move || unlink(grace, &list), move || reuse(grace, 3));
        run.note_if(reused == 2, "reused", "not yet");
    });
}

/// A thread that has unpinned and pinned again has left what it saw under the first pin: to reuse that is in order, and
/// ordered.
#[test]
fn a_second_pin_does_not_hide_the_end_of_the_first() {
    pair("epoch: read, pin vs unlink and reuse", &["reused", "blocked"], |run| {
        let (grace, list) = (Grace::new(2), list());
        let reader = list.clone();
        let (_, reused) = run.race(
            move || {
                read(grace, &reader);
                drop(grace.pin());
            },
            move || {
                unlink(grace, &list);
                reuse(grace, 2)
            },
        );
        run.note_if(reused == 1, "reused", "blocked");
    });
}

/// Trap 10: a nested pin never refreshes the epoch.
#[test]
fn a_nested_pin_protects_what_the_outer_one_does() {
    pair("epoch: nested pin vs unlink and reuse", &["reused", "blocked"], |run| {
        let (grace, list) = (Grace::new(2), list());
        let reader = list.clone();
        let ((), reused) = run.race(
            move || {
                let _outer = grace.pin();
                let index = reader.load(Acquire);
                drop(grace.pin());
                drop(grace.pin());
                assert_eq!(grace.node(index).read(), ALIVE);
            },
            move || {
                unlink(grace, &list);
                reuse(grace, 3)
            },
        );
        run.note_if(reused == 1, "reused", "blocked");
    });
}

/// A thread that ends hands its record to the next one; what it saw stays ordered before reuse.
#[test]
fn a_record_passes_from_thread_to_thread() {
    trio("epoch: thread exit vs record reuse vs reuse", &["reused", "blocked"], |run| {
        let (grace, list) = (Grace::new(2), list());
        let first = list.clone();
        // Its record is free before the race starts, or becomes so during it.
        let before = loom::thread::spawn(move || drop(grace.pin()));
        before.join().expect("a panic ends the exploration");
        let second = list.clone();
        let (_, _, reused) = run.race3(
            move || read(grace, &first),
            move || read(grace, &second),
            move || {
                unlink(grace, &list);
                reuse(grace, 2)
            },
        );
        run.note_if(reused == 1, "reused", "blocked");
    });
}

/// Waiting for pins: who is inside leaves before the wait returns; who comes later sees what was done before it.
#[test]
fn waiting_for_pins_waits_for_those_inside() {
    pair("epoch: pin vs wait", &["inside first", "outside"], |run| {
        let (grace, ended) = (Grace::new(0), list());
        let (inside, outside) = (Note::default(), Note::default());
        let (note, flag) = (inside.clone(), ended.clone());
        let (was_inside, ()) = run.race(
            move || {
                let _pin = grace.pin();
                let live = flag.load(Acquire) == 0;
                if live {
                    note.read();
                }
                live
            },
            move || {
                ended.store(1, Release);
                grace.wait();
                inside.write(1);
            },
        );
        outside.write(1);
        run.note_if(was_inside, "inside first", "outside");
    });
}
