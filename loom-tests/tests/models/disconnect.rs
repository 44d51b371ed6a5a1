//! Disconnecting: one winner, at once for what follows, and with everything that came before it.

use crate::attach;
use loom::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use loom_tests::{Note, pair, trio};
use pulsebus::model::sweep_by_hints;
use std::sync::Arc;

/// C5, C3: of two copies one wins; after either has returned, an emission on its thread skips the slot; and the loser
/// has seen what the winner did before.
#[test]
fn one_of_two_disconnects_wins() {
    pair("disconnect vs disconnect", &["the first won", "the second won"], |run| {
        let bell = run.bell();
        let (payload, watch) = run.payload();
        let connection = attach(&bell, payload);
        let (note_a, note_b) = (Note::default(), Note::default());
        let disconnect = |mine: Note, others: Note| {
            let bell = bell.clone();
            move || {
                mine.write(1);
                let won = connection.disconnect();
                if !won {
                    assert_eq!(others.read(), 1, "what the winner did before");
                }
                bell.emit(&());
                won
            }
        };
        let first = disconnect(note_a.clone(), note_b.clone());
        let second = disconnect(note_b, note_a);
        let (a, b) = run.race(first, second);
        assert!(a != b, "exactly one wins");
        assert_eq!(watch.runs(), 0, "an emission after a disconnect ran the slot");
        run.note_if(a, "the first won", "the second won");
    });
}

/// C3: no emission that comes after a disconnection, on whatever thread, runs the slot.
#[test]
fn an_emission_that_comes_after_a_disconnect_skips_the_slot() {
    pair("disconnect vs emit", &["after", "before", "beside"], |run| {
        let bell = run.bell();
        let (payload, watch) = run.payload();
        let connection = attach(&bell, payload);
        let ended = Arc::new(AtomicBool::new(false));
        let flag = ended.clone();
        let ((), after) = run.race(
            move || {
                assert!(connection.disconnect());
                flag.store(true, Release);
            },
            move || {
                let after = ended.load(Acquire);
                bell.emit(&());
                after
            },
        );
        if after {
            assert_eq!(watch.runs(), 0);
        }
        run.note(match (after, watch.runs()) {
            (true, _) => "after",
            (false, 0) => "beside",
            (false, _) => "before",
        });
    });
}

/// What happened before a disconnection comes before the destructor, whoever runs it.
#[test]
fn what_came_before_a_disconnect_is_seen_by_the_destructor() {
    /// Reads in its destructor.
    struct Reader(Note);
    impl Drop for Reader {
        fn drop(&mut self) {
            assert_eq!(self.0.read(), 1, "what came before the disconnection");
        }
    }

    pair("disconnect vs collect: memory", &["dropped", "too late"], |run| {
        let bell = run.bell();
        let note = Note::default();
        let reader = Reader(note.clone());
        let (payload, watch) = run.payload();
        // In this order: a panic of the reader's destructor leaves the payload's count short.
        let connection = bell.connect(move |()| {
            let _ = &reader;
            payload.run();
        });
        run.race(
            move || {
                note.write(1);
                assert!(connection.disconnect());
            },
            pulsebus::collect,
        );
        run.note_if(watch.is_dropped(), "dropped", "too late");
        assert_eq!(pulsebus::Domain::global().statistics().drop_panics, 0);
    });
}

/// Each of the connections is ended once, by whoever ends it.
#[test]
fn disconnect_all_and_disconnect_share_the_slots() {
    pair("disconnect_all vs disconnect", &["all", "one"], |run| {
        let bell = run.bell();
        let (payload, watch) = run.payload();
        let connection = attach(&bell, payload);
        bell.connect(|()| {});
        let other = bell.clone();
        let (ended, won) = run.race(
            move || {
                let ended = other.disconnect_all();
                other.emit(&());
                ended
            },
            move || connection.disconnect(),
        );
        assert_eq!(ended + usize::from(won), 2);
        assert_eq!(watch.runs(), 0);
        run.note_if(won, "one", "all");
    });
}

/// A mark that a disconnection leaves is not lost: hints alone lead to what it ended.
#[test]
fn a_disconnect_beside_a_sweep_is_found_by_hints() {
    pair("disconnect vs sweep by hints", &["swept at once", "left for the next"], |run| {
        let bell = run.bell();
        let (old, _) = run.payload();
        let (new, watch) = run.payload();
        let before = attach(&bell, old);
        let connection = attach(&bell, new);
        before.disconnect();
        let ((), swept) = run.race(move || assert!(connection.disconnect()), sweep_by_hints);
        pulsebus::maintain(std::time::Duration::MAX);
        assert!(watch.is_dropped(), "a mark got lost");
        run.note_if(swept == Some(0), "swept at once", "left for the next");
    });
}

/// Two disconnections of one chunk, and a sweep: neither mark hides the other.
#[test]
fn two_disconnects_beside_a_sweep_are_found_by_hints() {
    trio("disconnect vs disconnect vs sweep by hints", &["both", "one", "none"], |run| {
        let bell = run.bell();
        let (a, watch_a) = run.payload();
        let (b, watch_b) = run.payload();
        let (a, b) = (attach(&bell, a), attach(&bell, b));
        let ((), (), swept) =
            run.race3(move || assert!(a.disconnect()), move || assert!(b.disconnect()), sweep_by_hints);
        pulsebus::maintain(std::time::Duration::MAX);
        assert!(watch_a.is_dropped() && watch_b.is_dropped(), "a mark got lost");
        run.note(match swept {
            Some(0) => "both",
            Some(1) => "one",
            _ => "none",
        });
    });
}
