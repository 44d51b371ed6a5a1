//! C1: slots run in connection order; a batch runs slot by slot.

mod common;

use common::Log;
use pulsebus::{Connection, Domain, Signal};
use std::sync::{Arc, Barrier};
use std::thread;

#[test]
fn c1_slots_run_in_connection_order() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    for slot in 0..200 {
        signal.connect(log.slot(move |&event| (slot, event)));
    }
    signal.emit(&7);
    assert_eq!(log.take(), (0..200).map(|slot| (slot, 7)).collect::<Vec<_>>());
}

#[test]
fn c1_order_is_the_same_for_all_kinds_of_slots() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    for slot in 0..90_usize {
        let log = log.clone();
        let large = [slot; 20];
        match slot % 4 {
            0 => drop(signal.connect(move |_| log.push(slot))),
            1 => drop(signal.connect(move |_| log.push(large[19]))),
            2 => drop(signal.connect_batch(move |_| log.push(slot))),
            _ => drop(signal.connect_scoped(move |_| log.push(slot)).release()),
        }
    }
    signal.emit(&0);
    assert_eq!(log.take(), (0..90).collect::<Vec<_>>());
}

#[test]
fn c1_a_batch_runs_slot_by_slot() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    for slot in 0..70 {
        signal.connect(log.slot(move |&event| (slot, event)));
    }
    signal.emit_batch(&[1, 2, 3]);
    let expected = (0..70).flat_map(|slot| [1, 2, 3].map(|event| (slot, event)));
    assert_eq!(log.take(), expected.collect::<Vec<_>>());
}

#[test]
fn c1_a_slice_slot_gets_the_batch_itself_and_a_slice_of_one_from_emit() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let slices = log.clone();
    signal.connect_batch(move |events| slices.push((events.as_ptr().addr(), events.to_vec())));

    let batch = [1, 2, 3];
    signal.emit_batch(&batch);
    assert_eq!(log.take(), [(batch.as_ptr().addr(), batch.to_vec())]);

    let single = 4;
    signal.emit(&single);
    assert_eq!(log.take(), [((&raw const single).addr(), vec![4])]);
}

#[test]
fn c1_plain_and_slice_slots_keep_their_order_in_a_batch() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    signal.connect(log.slot(|&event| vec![event]));
    let slices = log.clone();
    signal.connect_batch(move |events| slices.push(events.to_vec()));
    signal.connect(log.slot(|&event| vec![event * 10]));
    signal.emit_batch(&[1, 2]);
    assert_eq!(log.take(), [vec![1], vec![2], vec![1, 2], vec![10], vec![20]]);
}

#[test]
fn c1_an_empty_batch_calls_nobody() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let slices = log.clone();
    signal.connect_batch(move |events| slices.push(events.len()));
    signal.connect(log.slot(|_| 1));
    signal.emit_batch(&[]);
    assert!(log.take().is_empty());
    signal.emit_batch(&[5]);
    assert_eq!(log.take(), [1, 1]);
}

#[test]
fn c1_a_tick_emits_in_the_order_of_its_calls() {
    let (first, second, log) = (Signal::<u32>::new(), Signal::<u32>::new(), Log::new());
    first.connect(log.slot(|&event| ("first", event)));
    second.connect(log.slot(|&event| ("second", event)));
    let result = pulsebus::tick(|t| {
        t.emit(&first, &1);
        t.emit_batch(&second, &[2, 3]);
        t.emit(&first, &4);
        "what the closure returns"
    });
    assert_eq!(log.take(), [("first", 1), ("second", 2), ("second", 3), ("first", 4)]);
    assert_eq!(result, "what the closure returns");
}

#[test]
fn c1_a_signal_that_nothing_was_ever_connected_to_can_be_emitted() {
    let signal = Signal::<u32>::new();
    signal.emit(&1);
    signal.emit_batch(&[1, 2]);
    assert_eq!((signal.len(), signal.is_empty(), signal.disconnect_all()), (0, true, 0));
}

#[test]
fn c1_order_survives_churn_sweeps_and_reused_chunks() {
    let domain = Domain::new();
    let (signal, log) = (Signal::<()>::new_in(&domain), Log::new());
    let mut live: Vec<(u32, Connection)> = Vec::new();
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    for step in 0..6_000 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        if live.len() < 100 && random % 9 < 5 || live.is_empty() {
            live.push((step, signal.connect(log.slot(move |()| step))));
        } else {
            let (_, connection) = live.remove(random as usize % live.len());
            assert!(connection.disconnect());
        }
        if step % 512 == 0 {
            domain.collect();
        }
        if step % 16 == 0 {
            signal.emit(&());
            assert_eq!(log.take(), live.iter().map(|&(slot, _)| slot).collect::<Vec<_>>());
            assert_eq!(signal.len(), live.len());
        }
    }
    let statistics = domain.statistics();
    assert!(statistics.chunks_taken > 2 * statistics.chunks_peak as u64, "chunks were not reused: {statistics:?}");
}

#[test]
fn c1_slots_that_several_threads_connect_keep_each_threads_order() {
    const THREADS: u32 = 4;
    const EACH: u32 = 300;
    let signal = Arc::new(Signal::<()>::new());
    let log = Log::new();
    let start = Arc::new(Barrier::new(THREADS as usize));
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (signal, log, start) = (signal.clone(), log.clone(), start.clone());
            thread::spawn(move || {
                start.wait();
                for slot in 0..EACH {
                    signal.connect(log.slot(move |()| (thread, slot)));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("it only connects"));
    signal.emit(&());
    let ran = log.take();
    assert_eq!(ran.len(), (THREADS * EACH) as usize);
    for thread in 0..THREADS {
        let slots: Vec<u32> = ran.iter().filter(|call| call.0 == thread).map(|call| call.1).collect();
        assert_eq!(slots, (0..EACH).collect::<Vec<_>>(), "thread {thread}");
    }
}
