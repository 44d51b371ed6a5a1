//! Connecting against connecting: indices, chunks, the tail.

use crate::{attach, use_up};
use loom_tests::pair;

/// Connect and emit on both threads: when `connect` has returned, an emission on its thread runs the slot.
#[test]
fn a_connect_has_moved_the_tail_when_it_returns() {
    // An empty signal; a free slot for one of them; a full chunk, to which both append.
    for used in [0, 1, 2] {
        pair("append vs append", &["one saw both", "each saw its own"], move |run| {
            let bell = run.bell();
            if used > 0 {
                use_up(&bell, used);
            }
            let (a, watch_a) = run.payload();
            let (b, watch_b) = run.payload();
            let (one, two) = (bell.clone(), bell.clone());
            // Asked at once: the other thread's emission comes to both, sooner or later.
            let (seen_a, seen_b) = (watch_a.clone(), watch_b.clone());
            run.race(
                move || {
                    attach(&one, a);
                    one.emit(&());
                    assert!(seen_a.runs() >= 1, "a connect's own emission missed its slot");
                },
                move || {
                    attach(&two, b);
                    two.emit(&());
                    assert!(seen_b.runs() >= 1, "a connect's own emission missed its slot");
                },
            );
            run.note_if(watch_a.runs() + watch_b.runs() == 3, "one saw both", "each saw its own");
            let before = watch_a.runs() + watch_b.runs();
            bell.emit(&());
            assert_eq!(watch_a.runs() + watch_b.runs(), before + 2, "a slot got lost");
        });
    }
}

/// A thread that comes late to help the tail along does not move it back, behind what others have connected since.
#[test]
fn the_tail_does_not_move_back() {
    pair("append vs three appends", &["nothing lost"], |run| {
        let bell = run.bell();
        bell.connect(|()| {});
        bell.connect(|()| {});
        let (slow, watch_slow) = run.payload();
        let (new, watch) = run.payload();
        let (one, two) = (bell.clone(), bell.clone());
        run.race(
            move || attach(&one, slow),
            move || {
                // A chunk's worth, and the first one of the next.
                two.connect(|()| {});
                two.connect(|()| {});
                attach(&two, new);
            },
        );
        bell.emit(&());
        assert_eq!((watch_slow.runs(), watch.runs()), (1, 1), "the tail has moved back");
        run.note("nothing lost");
    });
}
