//! Blocks: a pause of one connection, or of a whole signal, counted.

mod common;

use common::{Counter, Log, Tally, collect_all};
use pulsebus::{Connection, Domain, Emitted, PanicPolicy, Signal};
use std::mem::forget;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

#[test]
fn a_blocked_slot_is_passed_by_and_nothing_is_kept_for_it() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.connect(log.slot(|n| ("a", *n)));
    let b = signal.connect(log.slot(|n| ("b", *n)));
    signal.connect(log.slot(|n| ("c", *n)));
    let block = b.block();
    assert!(b.is_blocked() && b.is_connected() && block.connection() == b);
    assert_eq!(signal.len(), 3, "it is a pause, no end");
    signal.emit(&1);
    drop(block);
    assert!(!b.is_blocked());
    signal.emit(&2);
    assert_eq!(log.take(), [("a", 1), ("c", 1), ("a", 2), ("b", 2), ("c", 2)]);
}

#[test]
fn blocks_nest_and_those_of_all_copies_count_together() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    let connection = signal.connect(ran.slot());
    let copy = connection;
    let mut blocks = vec![connection.block(), copy.block(), connection.block()];
    while let Some(block) = blocks.pop() {
        signal.emit(&());
        assert_eq!(ran.get(), 0);
        drop(block);
    }
    signal.emit(&());
    assert_eq!(ran.get(), 1);
}

#[test]
fn blocks_concern_one_slot_of_a_chunk_only() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let slots: Vec<Connection> = (0..100).map(|n| signal.connect(log.slot(move |()| n))).collect();
    let blocks: Vec<_> = slots.iter().step_by(3).map(Connection::block).collect();
    signal.emit(&());
    assert_eq!(log.take(), (0..100).filter(|n| n % 3 != 0).collect::<Vec<_>>());
    drop(blocks);
    signal.emit(&());
    assert_eq!(log.take(), (0..100).collect::<Vec<_>>());
}

#[test]
fn a_slot_blocked_by_an_earlier_one_is_passed_by_in_the_emission_under_way() {
    // In the same lane, and in those to come; also those that run backwards.
    for (priority, at_front) in [(0, false), (1, false), (1, true)] {
        let (signal, ran) = (Signal::<()>::new(), Counter::new());
        let later = Arc::new(OnceLock::<Connection>::new());
        let inner = later.clone();
        signal.slot().priority(-1).connect(move |()| forget(inner.get().unwrap().block()));
        let slot = signal.slot().priority(priority);
        let slot = if at_front { slot.at_front() } else { slot };
        later.set(slot.connect(ran.slot())).unwrap();
        signal.emit(&());
        assert_eq!(ran.get(), 0);
    }
}

#[test]
fn a_slot_that_blocks_itself_in_mid_batch_gets_no_more_until_it_is_unblocked() {
    let (signal, log, held) = (Signal::<u32>::new(), Log::new(), Arc::new(Mutex::new(None)));
    let (seen, inner) = (log.clone(), held.clone());
    signal.slot().connect_self(move |n, own| {
        seen.push(*n);
        if *n == 2 {
            *inner.lock().unwrap() = Some(own.block());
        }
    });
    signal.emit_batch(&[1, 2, 3, 4]);
    signal.emit(&5);
    assert_eq!(log.take(), [1, 2]);
    *held.lock().unwrap() = None;
    signal.emit_batch(&[6, 7]);
    assert_eq!(log.take(), [6, 7]);
}

#[test]
fn a_slot_that_is_blocked_for_a_part_of_a_batch_gets_the_rest() {
    // Its filter blocks and unblocks it.
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let (own, held) = (Arc::new(OnceLock::<Connection>::new()), Arc::new(Mutex::new(None)));
    let inner = own.clone();
    let connection = signal.slot().before().connect(|_| {});
    own.set(connection).unwrap();
    signal.connect({
        let log = log.clone();
        move |n| {
            if *n == 2 {
                *held.lock().unwrap() = Some(inner.get().unwrap().block());
            } else if *n == 4 {
                *held.lock().unwrap() = None;
            }
            log.push((*n, inner.get().unwrap().is_blocked()));
        }
    });
    signal.emit_batch(&[1, 2, 3, 4, 5]);
    assert_eq!(log.take(), [(1, false), (2, true), (3, true), (4, false), (5, false)]);
}

#[test]
fn a_slot_that_blocks_itself_and_panics_in_a_batch_goes_on_when_its_guard_has_gone() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let seen = log.clone();
    let connection = signal.slot().connect_self(move |n, own| {
        let _quiet = own.block();
        seen.push(*n);
        resume_unwind(Box::new(*n));
    });
    signal.emit_batch(&[1, 2, 3]);
    assert_eq!(log.take(), [1, 2, 3]);
    assert_eq!(connection.panics(), Some(3));
}

#[test]
fn a_blocked_slot_that_takes_slices_is_passed_by() {
    let (signal, ran) = (Signal::<u32>::new(), Counter::new());
    let counter = ran.clone();
    let connection = signal.connect_batch(move |events| counter.add(events.len()));
    {
        let _quiet = connection.block();
        signal.emit_batch(&[1, 2]);
        signal.emit(&3);
    }
    assert_eq!(ran.get(), 0);
    signal.emit_batch(&[1, 2]);
    assert_eq!(ran.get(), 2);
}

#[test]
fn a_blocked_slot_is_not_emitted_to_alone() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    let connection = signal.connect(ran.slot());
    let quiet = connection.block();
    assert!(!signal.emit_to(connection, &()));
    drop(quiet);
    assert!(signal.emit_to(connection, &()));
    assert_eq!(ran.get(), 1);
}

#[test]
fn what_is_blocked_takes_none_of_its_turns() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let connection = signal.slot().once().connect(log.slot(|n| *n));
    let quiet = connection.block();
    signal.emit_batch(&[1, 2]);
    drop(quiet);
    signal.emit_batch(&[3, 4]);
    assert_eq!(log.take(), [3]);
}

#[test]
fn c5_a_blocked_connection_is_disconnected_once_by_one_and_its_blocks_mean_nothing_then() {
    let signal = Signal::<()>::new();
    let connection = signal.connect(|()| {});
    let (first, second) = (connection.block(), connection.block());
    assert!(connection.disconnect());
    assert!(!connection.disconnect() && !connection.is_connected() && !connection.is_blocked());
    drop(first);
    let late = connection.block();
    assert!(!connection.is_blocked(), "it has ended");
    drop((second, late));
    assert!(signal.is_empty());
    for end in 0..2 {
        let connection = signal.connect(|()| {});
        forget(connection.block());
        match end {
            0 => assert_eq!(signal.disconnect_all(), 1),
            _ => assert_eq!(connection.disconnect_and_wait(std::time::Duration::MAX), Ok(true)),
        }
        assert!(!connection.is_connected());
    }
}

#[test]
fn c10_a_gated_slot_ends_by_its_panic_policy() {
    let signal = Signal::<u32>::new();
    signal.on_panic(PanicPolicy::DisconnectAfter(2));
    let connection = signal.connect(|n| resume_unwind(Box::new(*n)));
    drop(connection.block());
    signal.emit_batch(&[1, 2, 3]);
    assert_eq!((connection.panics(), connection.is_connected()), (Some(2), false));
}

#[test]
fn c3_a_gated_slot_is_skipped_once_it_has_ended() {
    let (signal, ran) = (Signal::<u32>::new(), Counter::new());
    let connection = signal.connect(ran.slot());
    drop(connection.block());
    signal.emit(&1);
    connection.disconnect();
    signal.emit_batch(&[1, 2]);
    assert_eq!(ran.get(), 1);
}

/// Churns until the chunk of `old` serves again, and hands out the connection that has its place.
fn successor(domain: &Domain, signal: &Signal<()>, old: Connection, ran: &Counter) -> Connection {
    let place = |connection: &Connection| {
        let told = format!("{connection:?}");
        told.split("slot: ").nth(1).and_then(|rest| rest.split(',').next()).map(str::to_owned)
    };
    for _ in 0..100 {
        let slots: Vec<Connection> = (0..64).map(|_| signal.connect(ran.slot())).collect();
        if old.place().is_none_or(|at| Some(at) != slots[0].place()) || old.panics().is_some() {
            // Still its own, perhaps: its chunk has not been used again.
        }
        if old.panics().is_none() {
            if let Some(same) = slots.iter().find(|slot| place(slot) == place(&old)) {
                return *same;
            }
        }
        slots.iter().for_each(|slot| _ = slot.disconnect());
        collect_all(domain);
    }
    panic!("the chunk is never used again");
}

#[test]
fn c5_a_guard_that_outlives_its_slot_does_not_touch_the_next_occupant() {
    let (domain, ran) = (Domain::new(), Counter::new());
    let signal = Signal::<()>::new_in(&domain);
    let old = signal.connect(|()| {});
    let (guard, kept) = (old.block(), old.block());
    forget(old.block());
    assert!(old.disconnect());
    let rest: Vec<Connection> = (0..63).map(|_| signal.connect(|()| {})).collect();
    rest.iter().for_each(|slot| assert!(slot.disconnect()));
    collect_all(&domain);
    successor(&domain, &signal, old, &ran);
    ran.take();
    let all = signal.len();
    signal.emit(&());
    assert_eq!(ran.take(), all, "the blocks of the slot before are not its own");
    let blocks: Vec<_> = (0..2).map(|_| old.block()).collect();
    assert!(!old.is_blocked());
    signal.emit(&());
    assert_eq!(ran.take(), all);
    drop((guard, kept, blocks));
    signal.emit(&());
    assert_eq!(ran.take(), all);
}

#[test]
fn a_guard_that_is_left_by_a_chunk_used_again_takes_none_of_the_new_blocks_back() {
    let (domain, ran) = (Domain::new(), Counter::new());
    let signal = Signal::<()>::new_in(&domain);
    let old: Vec<Connection> = (0..64).map(|_| signal.connect(|()| {})).collect();
    let guards: Vec<_> = old.iter().map(Connection::block).collect();
    old.iter().for_each(|slot| assert!(slot.disconnect()));
    collect_all(&domain);
    successor(&domain, &signal, old[0], &ran);
    let new: Vec<Connection> = (0..64).map(|_| signal.connect(ran.slot())).collect();
    let blocks: Vec<_> = new.iter().map(Connection::block).collect();
    drop(guards);
    assert!(new.iter().all(Connection::is_blocked));
    ran.take();
    drop(blocks);
    assert!(!new.iter().any(Connection::is_blocked));
}

#[test]
fn a_guard_may_be_forgotten_or_outlive_its_signal_or_go_to_another_thread() {
    let (signal, tally) = (Signal::<()>::new(), Tally::new());
    let guard = tally.guard();
    let connection = signal.connect(move |()| guard.check());
    forget(connection.block());
    let late = connection.block();
    thread::spawn(move || drop(connection.block())).join().unwrap();
    drop(signal);
    tally.assert_all_dropped();
    thread::spawn(move || drop(late)).join().unwrap();
    assert!(!connection.is_blocked());
}

#[test]
fn a_guard_of_a_thread_ends_with_the_thread() {
    thread_local! {
        static GUARD: std::cell::RefCell<Option<pulsebus::ConnectionBlock>> = const { std::cell::RefCell::new(None) };
    }
    let (signal, ran) = (Signal::<()>::new_in(&Domain::new()), Counter::new());
    let connection = signal.connect(ran.slot());
    for first in [false, true] {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                if first {
                    // The thread's record goes before the guard.
                    signal.emit(&());
                }
                GUARD.set(Some(connection.block()));
                signal.emit(&());
            });
            thread.join().unwrap();
        });
        assert!(!connection.is_blocked());
        assert_eq!(ran.take(), usize::from(first));
    }
}

#[test]
fn many_threads_block_and_unblock_beside_emissions() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    let connection = signal.connect(ran.slot());
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let (a, b) = (connection.block(), connection.block());
                    drop(a);
                    assert!(connection.is_blocked());
                    drop(b);
                    signal.emit(&());
                }
            });
        }
    });
    assert!(!connection.is_blocked());
    ran.take();
    signal.emit(&());
    assert_eq!(ran.get(), 1);
}

#[test]
fn a_blocked_signal_runs_no_slot_and_says_so() {
    let (signal, ran) = (Signal::<u32>::new(), Counter::new());
    let connection = signal.connect(ran.slot());
    signal.slot().before().connect(ran.slot());
    let quiet = signal.block();
    assert!(signal.is_blocked() && !connection.is_blocked());
    assert_eq!([signal.emit(&1), signal.emit_batch(&[1, 2]), signal.emit_batch(&[])], [Emitted::Blocked; 3]);
    assert!(!signal.emit_to(connection, &1), "nor is one of its slots called alone");
    pulsebus::tick(|t| assert!(t.emit(&signal, &1).is_blocked() && t.emit_batch(&signal, &[1]).is_blocked()));
    assert_eq!(signal.len(), 2);
    let again = signal.block();
    drop(quiet);
    assert!(signal.emit(&1).is_blocked(), "as long as any guard lives");
    drop(again);
    assert_eq!((ran.get(), signal.is_blocked()), (0, false));
    assert!(signal.emit(&1).is_completed() && signal.emit_to(connection, &1));
    assert_eq!(ran.get(), 3);
}

#[test]
fn a_signal_without_slots_can_be_blocked() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    let quiet = signal.block();
    let connection = signal.connect(ran.slot());
    assert!(signal.emit(&()).is_blocked());
    drop(quiet);
    assert!(signal.emit(&()).is_completed());
    assert_eq!(ran.get(), 1);
    assert!(connection.disconnect());
    forget(signal.block());
    assert!(signal.emit(&()).is_blocked());
}

#[test]
fn emissions_under_way_go_on_when_their_signal_is_blocked() {
    let (signal, log) = (Arc::new(Signal::<u32>::new()), Log::new());
    let (inner, seen) = (Arc::downgrade(&signal), log.clone());
    signal.slot().before().connect(move |n| {
        let signal = inner.upgrade().unwrap();
        let quiet = signal.block();
        seen.push(("nested", u32::from(signal.emit(&(n + 1)).is_blocked())));
        if *n == 1 {
            forget(quiet);
        }
    });
    signal.connect(log.slot(|n| ("default", *n)));
    signal.slot().after().connect(log.slot(|n| ("after", *n)));
    assert!(signal.emit_batch(&[0, 1]).is_completed());
    let expected = [("nested", 1), ("nested", 1), ("default", 0), ("default", 1), ("after", 0), ("after", 1)];
    assert_eq!(log.take(), expected);
    assert!(signal.emit(&2).is_blocked());
}
