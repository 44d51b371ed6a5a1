//! A chunk that is in limbo while more comes up in it (trap 3).

use crate::{attach, one_step};
use loom_tests::{Note, pair};
use pulsebus::model::{Ended, Voyage, sweep_by_hints};
use std::time::Duration;

/// What became of a slot's closure.
const DEAD: u32 = 1;
const DROPPED: u32 = 2;

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
        let (_, recycled) = run.race(
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

/// The flight alone, with three slots: what boards it has been seen dead, also by a note that was left for another one; and
/// whoever sends the chunk off after a landing has seen what was done with the load.
#[test]
fn what_boards_has_been_seen_dead() {
    pair("flight: two deaths vs arrival", &["alone", "together"], |run| {
        let (voyage, slots) = (Voyage::new(), [Note::default(), Note::default(), Note::default()]);
        slots[0].write(DEAD);
        assert!(voyage.depart(1));
        // Each grace period ends as soon as it has begun.
        let fly = |slots: [Note; 3]| {
            move || {
                let mut most = 0;
                loop {
                    let mut load = 0;
                    let ended = voyage.arrive(|slot| {
                        assert_eq!(slots[slot].read(), DEAD, "on board, and not seen dead");
                        slots[slot].write(DROPPED);
                        load += 1;
                    });
                    most = most.max(load);
                    if ended != Ended::Again {
                        return most;
                    }
                }
            }
        };
        let (flown, dying) = (fly(slots.clone()), slots.clone());
        let other = fly(slots.clone());
        let (most, ()) = run.race(flown, move || {
            for slot in [1, 2] {
                dying[slot].write(DEAD);
                if voyage.depart(1 << slot) {
                    assert_eq!(dying[0].read(), DROPPED, "landed, with its load on board");
                    other();
                }
            }
        });
        slots.iter().for_each(|slot| assert_eq!(slot.read(), DROPPED, "left behind"));
        run.note_if(most == 2, "together", "alone");
    });
}

/// The same at the end of the signal: who has the chunk last has seen what the other one did.
#[test]
fn the_last_one_has_seen_what_the_other_did() {
    pair("flight: detach vs arrival", &["landed", "free"], |run| {
        let (voyage, slots) = (Voyage::new(), [Note::default(), Note::default()]);
        slots[0].write(DEAD);
        assert!(voyage.depart(1));
        let (here, there) = (slots.clone(), slots);
        let (free, detached) = run.race(
            move || {
                loop {
                    match voyage.arrive(|slot| here[slot].write(DROPPED)) {
                        Ended::Again => {}
                        Ended::Landed => return false,
                        Ended::Free => {
                            assert_eq!(here[1].read(), DROPPED);
                            return true;
                        }
                    }
                }
            },
            move || {
                there[1].write(DROPPED);
                let detached = voyage.detach();
                if detached {
                    assert_eq!(there[0].read(), DROPPED);
                }
                detached
            },
        );
        assert!(free != detached, "one of them has it");
        run.note_if(free, "free", "landed");
    });
}
