//! Options of slots: turns, blocks, and the lanes that a signal gets when its list is not enough.

use crate::{attach, use_up};
use loom::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use loom_tests::{Bell, Payload, pair, trio};
use pulsebus::{Connection, Priority, Signal};
use std::mem::forget;
use std::sync::Arc;

/// Connects a slot that runs the payload, at a priority.
fn attach_at(bell: &Bell, priority: Priority, payload: Payload) -> Connection {
    bell.slot().priority(priority).connect(move |()| payload.run())
}

/// Of two that emit at the same moment one runs it; then it has ended, and nobody else has ended it.
#[test]
fn once_runs_once_for_two_emitters() {
    pair("once: emit vs emit", &["the first", "the second"], |run| {
        let bell = run.bell();
        let (payload, watch) = run.payload();
        let connection = bell.slot().once().connect(move |()| payload.run());
        let emitter = |bell: Bell, mine: loom_tests::Watch| {
            move || {
                let before = mine.runs();
                bell.emit(&());
                assert!(!connection.is_connected(), "who comes after a turn finds it ended");
                mine.runs() - before
            }
        };
        let (a, b) = run.race(emitter(bell.clone(), watch.clone()), emitter(bell.clone(), watch.clone()));
        assert_eq!(watch.runs(), 1, "exactly once");
        assert!(!connection.disconnect());
        bell.emit(&());
        assert_eq!(watch.runs(), 1);
        // Each may have seen the other's call, beside its own.
        run.note_if(a >= b, "the first", "the second");
    });
}

/// The last turn and a disconnection end it once, in whichever order.
#[test]
fn the_last_turn_and_a_disconnection_end_it_once() {
    pair("once: emit vs disconnect", &["ran", "ended before"], |run| {
        let bell = run.bell();
        let (payload, watch) = run.payload();
        let connection = bell.slot().once().connect(move |()| payload.run());
        let emitter = bell.clone();
        let (_, won) = run.race(move || emitter.emit(&()), move || connection.disconnect());
        assert!(won || watch.runs() == 1, "what has neither run nor been ended is there still");
        assert!(!connection.is_connected() && !connection.disconnect());
        run.note_if(watch.runs() == 1, "ran", "ended before");
    });
}

/// No emission that comes after a block, on whatever thread, runs the slot: neither after the first block ever, which makes
/// the counters and the gate, nor after a later one.
#[test]
fn an_emission_that_comes_after_a_block_passes_the_slot_by() {
    for blocked_before in [false, true] {
        pair("block vs emit", &["after", "before", "beside"], move |run| {
            let bell = run.bell();
            let (payload, watch) = run.payload();
            let connection = attach(&bell, payload);
            if blocked_before {
                drop(connection.block());
            }
            let blocked = Arc::new(AtomicBool::new(false));
            let (flag, own, seen) = (blocked.clone(), bell.clone(), watch.clone());
            let ((), after) = run.race(
                move || {
                    forget(connection.block());
                    flag.store(true, Release);
                },
                {
                    let bell = bell.clone();
                    move || {
                        let after = blocked.load(Acquire);
                        bell.emit(&());
                        after
                    }
                },
            );
            if after {
                assert_eq!(watch.runs(), 0, "an emission after a block ran the slot");
            }
            let before = seen.runs();
            own.emit(&());
            assert!(seen.runs() == before && connection.is_blocked());
            run.note(match (after, before) {
                (true, _) => "after",
                (false, 0) => "beside",
                (false, _) => "before",
            });
        });
    }
}

/// A block and a disconnection: the one who disconnects wins, whatever the other has made of the slot; and whoever blocks
/// meets no call of his own thread.
#[test]
fn a_disconnection_beside_the_first_block_wins() {
    pair("block vs disconnect", &["blocked", "too late"], |run| {
        let bell = run.bell();
        let (payload, watch) = run.payload();
        let connection = attach(&bell, payload);
        let (emitter, seen) = (bell.clone(), watch.clone());
        let (blocked, won) = run.race(
            move || {
                forget(connection.block());
                let blocked = connection.is_blocked();
                emitter.emit(&());
                assert_eq!(seen.runs(), 0, "blocked, or ended");
                blocked
            },
            move || connection.disconnect(),
        );
        assert!(won, "nobody else has ended it");
        assert!(!connection.is_connected() && !connection.is_blocked() && !connection.disconnect());
        bell.emit(&());
        assert_eq!(watch.runs(), 0);
        run.note_if(blocked, "blocked", "too late");
    });
}

/// Of two who disconnect what a third one blocks, one wins.
#[test]
fn one_of_two_disconnects_wins_beside_the_first_block() {
    trio("block vs disconnect vs disconnect", &["the first won", "the second won"], |run| {
        let bell = run.bell();
        let (payload, _) = run.payload();
        let connection = attach(&bell, payload);
        let ((), a, b) = run.race3(
            move || forget(connection.block()),
            move || connection.disconnect(),
            move || connection.disconnect(),
        );
        assert!(a != b, "exactly one wins");
        run.note_if(a, "the first won", "the second won");
    });
}

/// What came before the disconnection of a gated slot comes before the destructor.
#[test]
fn what_came_before_the_end_of_a_gated_slot_is_seen_by_the_destructor() {
    pair("gated: disconnect vs collect", &["dropped", "too late"], |run| {
        let bell = run.bell();
        let (payload, watch) = run.payload();
        let connection = attach(&bell, payload);
        drop(connection.block());
        let emitter = bell.clone();
        run.race(
            move || {
                emitter.emit(&());
                assert!(connection.disconnect());
            },
            pulsebus::collect,
        );
        assert_eq!(watch.runs(), 1);
        run.note_if(watch.is_dropped(), "dropped", "too late");
    });
}

/// Two first blocks of one slot, and of two slots of one chunk: both count, in the same counters.
#[test]
fn two_first_blocks_both_count() {
    for same in [true, false] {
        pair("block vs block", &["blocked"], move |run| {
            let bell = run.bell();
            let ((a, watch_a), (b, watch_b)) = (run.payload(), run.payload());
            let (a, b) = (attach(&bell, a), attach(&bell, b));
            let second = if same { a } else { b };
            let blocker = |connection: Connection| {
                move || {
                    let block = connection.block();
                    assert!(connection.is_blocked());
                    block
                }
            };
            let (first, last) = run.race(blocker(a), blocker(second));
            bell.emit(&());
            assert_eq!((watch_a.runs(), watch_b.runs()), (0, u32::from(same)));
            drop(first);
            bell.emit(&());
            assert_eq!(watch_a.runs(), u32::from(!same), "as long as any block is left");
            drop(last);
            bell.emit(&());
            let expected = if same { (1, 3) } else { (2, 1) };
            assert_eq!((watch_a.runs(), watch_b.runs()), expected);
            run.note("blocked");
        });
    }
}

/// A block is taken back while its slot dies and its place gets another occupant, who is blocked as well: his block stays.
#[test]
fn a_late_unblock_does_not_touch_the_next_occupant() {
    pair("unblock vs disconnect, collect, reuse and block", &["reused"], |run| {
        let (here, there) = (run.bell(), run.bell());
        let ((old, _), (new, watch)) = (run.payload(), run.payload());
        let connection = attach(&here, old);
        let guard = connection.block();
        // The rest of its chunk dies too, and is not the tail.
        use_up(&here, 1);
        here.connect(|()| {});
        let bell = there.clone();
        let ((), (connection, block)) = run.race(
            move || drop(guard),
            move || {
                assert!(connection.disconnect());
                pulsebus::collect();
                let connection = attach(&bell, new);
                let block = connection.block();
                (connection, block)
            },
        );
        assert!(connection.is_blocked(), "a late unblock took the block of the next occupant");
        there.emit(&());
        assert_eq!(watch.runs(), 0);
        drop(block);
        there.emit(&());
        assert_eq!(watch.runs(), 1, "a block of the slot before is left");
        assert!(format!("{connection:?}").contains("generation: 1"), "the place is used again");
        run.note("reused");
    });
}

/// The same where the slot dies with its signal, whose end does not wait for pins, but gives the chunk back at once.
#[test]
fn a_late_unblock_does_not_touch_who_comes_after_the_end_of_its_signal() {
    pair("unblock vs end of the signal, reuse and block", &["reused"], |run| {
        // One that nobody else keeps.
        let (here, there) = (Bell::new(Signal::new()), run.bell());
        let ((old, _), (new, watch)) = (run.payload(), run.payload());
        let connection = attach(&here, old);
        let guard = connection.block();
        let bell = there.clone();
        let ((), (connection, block)) = run.race(
            move || drop(guard),
            move || {
                drop(here);
                let connection = attach(&bell, new);
                let block = connection.block();
                (connection, block)
            },
        );
        assert!(connection.is_blocked(), "a late unblock took the block of the next occupant");
        there.emit(&());
        assert_eq!(watch.runs(), 0);
        drop(block);
        there.emit(&());
        assert_eq!(watch.runs(), 1, "a block of the slot before is left");
        assert!(format!("{connection:?}").contains("generation: 1"));
        run.note("reused");
    });
}

/// And of a block.
#[test]
fn a_late_block_does_not_touch_who_comes_after_the_end_of_its_signal() {
    pair("block vs end of the signal, reuse", &["reused"], |run| {
        // One that nobody else keeps.
        let (here, there) = (Bell::new(Signal::new()), run.bell());
        let ((old, _), (new, watch)) = (run.payload(), run.payload());
        let late = attach(&here, old);
        let bell = there.clone();
        let ((), connection) = run.race(
            move || forget(late.block()),
            move || {
                drop(here);
                attach(&bell, new)
            },
        );
        drop(connection.block());
        assert!(!connection.is_blocked(), "a late block is the next occupant's");
        there.emit(&());
        assert_eq!(watch.runs(), 1);
        run.note("reused");
    });
}

/// A stale handle is not blocked, whatever has been done to the next occupant.
#[test]
fn a_stale_handle_is_not_blocked_by_the_block_of_the_next_occupant() {
    pair("is_blocked vs disconnect, collect, reuse and block", &["not blocked"], |run| {
        let (here, there) = (run.bell(), run.bell());
        let ((old, _), (new, _)) = (run.payload(), run.payload());
        let connection = attach(&here, old);
        // So that the counters are there, which else would pass the rest on.
        drop(connection.block());
        use_up(&here, 1);
        here.connect(|()| {});
        run.race(
            move || assert!(!connection.is_blocked(), "it never was, or is not any more"),
            move || {
                assert!(connection.disconnect());
                pulsebus::collect();
                forget(attach(&there, new).block());
            },
        );
        run.note("not blocked");
    });
}

/// No emission that comes after the block of a signal runs a slot.
#[test]
fn an_emission_that_comes_after_the_block_of_its_signal_runs_nothing() {
    pair("signal block vs emit", &["after", "before", "beside"], |run| {
        let bell = run.bell();
        let (payload, watch) = run.payload();
        attach(&bell, payload);
        let blocked = Arc::new(AtomicBool::new(false));
        let (flag, blocker, emitter) = (blocked.clone(), bell.clone(), bell.clone());
        let ((), (after, emitted)) = run.race(
            move || {
                forget(blocker.block());
                flag.store(true, Release);
            },
            move || {
                let after = blocked.load(Acquire);
                (after, emitter.emit(&()))
            },
        );
        assert_eq!(emitted.is_blocked(), watch.runs() == 0);
        assert!(!after || emitted.is_blocked(), "an emission after the block");
        run.note(match (after, watch.runs()) {
            (true, _) => "after",
            (false, 0) => "beside",
            (false, _) => "before",
        });
    });
}

/// A plain connect beside one that gives the signal its lanes: neither slot is lost, nor runs twice, and each is seen by its
/// own thread at once.
#[test]
fn a_plain_connect_beside_the_first_lane_is_not_lost() {
    // An empty signal, where emissions would make too much of it; a free slot; a full chunk.
    for (used, emits) in [(0, false), (1, true), (2, true)] {
        let outcomes: &[_] = if emits { &["seen at once", "not yet"] } else { &["not yet"] };
        pair("connect vs connect in a lane", outcomes, move |run| {
            let bell = run.bell();
            if used > 0 {
                use_up(&bell, used);
            }
            let ((a, watch_a), (b, watch_b)) = (run.payload(), run.payload());
            let (one, two) = (bell.clone(), bell.clone());
            let (seen_a, seen_b) = (watch_a.clone(), watch_b.clone());
            run.race(
                move || {
                    attach(&one, a);
                    if emits {
                        one.emit(&());
                        assert!(seen_a.runs() >= 1, "a connect's own emission missed its slot");
                    }
                },
                move || {
                    attach_at(&two, Priority::BEFORE, b);
                    if emits {
                        two.emit(&());
                        assert!(seen_b.runs() >= 1, "a connect's own emission missed its slot");
                    }
                },
            );
            let before = (watch_a.runs(), watch_b.runs());
            run.note_if(before.0 + before.1 > 2 * u32::from(emits), "seen at once", "not yet");
            bell.emit(&());
            assert_eq!((watch_a.runs(), watch_b.runs()), (before.0 + 1, before.1 + 1), "lost, or run twice");
            assert_eq!(bell.len(), 2);
        });
    }
}

/// The first connect beside what makes the signal elaborate: whose list it is, is found out, and the list is found whole.
#[test]
fn the_first_connect_beside_a_block_of_the_signal_is_not_lost() {
    pair("connect vs signal block", &["seen at once", "not yet"], |run| {
        let bell = run.bell();
        let (payload, watch) = run.payload();
        let (one, two) = (bell.clone(), bell.clone());
        run.race(
            move || attach(&one, payload),
            move || {
                drop(two.block());
                assert!(two.emit(&()).is_completed());
            },
        );
        let before = watch.runs();
        run.note_if(before > 0, "seen at once", "not yet");
        bell.emit(&());
        assert_eq!((watch.runs(), bell.len()), (before + 1, 1), "lost, or run twice");
    });
}

/// Two who make lanes of a plain signal: what was there becomes one lane, and they have their own, or the same.
#[test]
fn two_who_make_lanes_share_them() {
    for (first, second) in [(Priority::AFTER, Priority::AFTER), (Priority::BEFORE, Priority::AFTER)] {
        pair("connect in a lane vs connect in a lane", &["all there"], move |run| {
            let bell = run.bell();
            let ((plain, watch), (a, watch_a), (b, watch_b)) = (run.payload(), run.payload(), run.payload());
            attach(&bell, plain);
            let (one, two) = (bell.clone(), bell.clone());
            run.race(move || attach_at(&one, first, a), move || attach_at(&two, second, b));
            bell.emit(&());
            assert_eq!((watch.runs(), watch_a.runs(), watch_b.runs()), (1, 1, 1), "lost, or run twice");
            assert_eq!(bell.len(), 3);
            run.note("all there");
        });
    }
}

/// An emission beside the making of the first lane runs what was there, once, and what is new, or not.
#[test]
fn an_emission_beside_the_first_lane_runs_what_was_there() {
    pair("emit vs connect in a lane", &["both", "what was there"], |run| {
        let bell = run.bell();
        let ((old, watch_old), (new, watch_new)) = (run.payload(), run.payload());
        attach(&bell, old);
        let (emitter, connector) = (bell.clone(), bell.clone());
        run.race(move || emitter.emit(&()), move || attach_at(&connector, Priority::BEFORE, new));
        assert_eq!(watch_old.runs(), 1, "lost, or run twice");
        run.note_if(watch_new.runs() == 1, "both", "what was there");
        bell.emit(&());
        assert_eq!(watch_old.runs(), 2);
    });
}

/// C2: another thread has made a lane, and nothing is in it yet when an emission starts; a slot of the emission connects the
/// first one, which waits for the next emission.
#[test]
fn the_first_slot_of_a_lane_that_was_empty_waits_for_the_next_emission() {
    pair("emit and connect in a lane vs connect there", &["waited"], |run| {
        let bell = run.bell();
        let ((a, watch), (b, _)) = (run.payload(), run.payload());
        let inner = Arc::downgrade(&bell);
        let mine = std::sync::Mutex::new(Some(a));
        bell.slot().before().connect(move |()| {
            let payload = mine.lock().expect("one thread at a time").take();
            if let (Some(payload), Some(bell)) = (payload, inner.upgrade()) {
                attach_at(&bell, Priority::AFTER, payload);
            }
        });
        let (emitter, connector, seen) = (bell.clone(), bell.clone(), watch.clone());
        run.race(
            move || {
                emitter.emit(&());
                assert_eq!(seen.runs(), 0, "an emission ran what was connected during it");
            },
            move || attach_at(&connector, Priority::AFTER, b),
        );
        bell.emit(&());
        assert_eq!(watch.runs(), 1);
        run.note("waited");
    });
}

/// A signal with lanes ends beside a collection: what its slots captured is dropped once.
#[test]
fn a_signal_with_lanes_ends_beside_a_collect() {
    pair("the end of lanes vs collect", &["ended"], |run| {
        let bell = pulsebus::Signal::<()>::new();
        let ((a, watch_a), (b, watch_b)) = (run.payload(), run.payload());
        attach(&bell, a);
        bell.slot().after().connect(move |()| b.run());
        run.race(move || drop(bell), pulsebus::collect);
        assert!(watch_a.is_dropped() && watch_b.is_dropped());
        run.note("ended");
    });
}
