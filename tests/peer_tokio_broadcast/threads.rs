//! Senders and receivers on several threads.

use crate::common::{Counter, fall_asleep, wait_for};
use pulsebus::{CloseReason, Overflow, RecvError, Ring, Signal};
use std::thread;

#[test]
fn dropping_the_last_sender_wakes_the_threads_that_wait() {
    let ring = Ring::<u32>::lossy(4).expect("a capacity");
    let signal = Signal::<u32>::new();
    let signal_ring = signal.ring(4).expect("a capacity");
    let (other, waiting) = (ring.clone(), Counter::new());
    let mut threads = Vec::new();
    for _ in 0..2 {
        let (mut reader, waiting) = (ring.subscribe(), waiting.clone());
        threads.push(thread::spawn(move || {
            waiting.add(1);
            reader.recv()
        }));
    }
    let mut reader = signal_ring.subscribe();
    let mut receiver = signal.mailbox(4, Overflow::DropOldest).expect("a capacity");
    let counter = waiting.clone();
    threads.push(thread::spawn(move || {
        counter.add(1);
        reader.recv()
    }));
    let counter = waiting.clone();
    threads.push(thread::spawn(move || {
        counter.add(1);
        receiver.recv()
    }));
    wait_for(&waiting, 4);
    fall_asleep();
    drop(ring);
    assert!(threads.iter().all(|thread| !thread.is_finished()), "one sender is left of each");
    drop(other);
    drop(signal);
    let ends: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("it waits")).collect();
    let closed = |reason| Err(RecvError::Closed(reason));
    assert_eq!(
        ends,
        [
            closed(CloseReason::PublishersGone),
            closed(CloseReason::PublishersGone),
            closed(CloseReason::SignalDropped),
            closed(CloseReason::SignalDropped),
        ]
    );
}

#[test]
fn receivers_on_other_threads_get_or_are_told_of_all_that_several_threads_send() {
    const SENDERS: u64 = 3;
    const EACH: u64 = 2_000;
    let ring = Ring::<u64>::lossy(64).expect("a capacity");
    thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let mut reader = ring.subscribe();
                scope.spawn(move || {
                    let mut last = [None; SENDERS as usize];
                    let (mut received, mut lost) = (0, 0);
                    loop {
                        match reader.recv() {
                            Ok(event) => {
                                let (sender, n) = ((event / EACH) as usize, event % EACH);
                                assert!(last[sender].is_none_or(|last| last < n), "each sender's in its order");
                                last[sender] = Some(n);
                                received += 1;
                            }
                            Err(RecvError::Lagged(count)) => lost += count,
                            Err(_) => return received + lost,
                        }
                    }
                })
            })
            .collect();
        for sender in 0..SENDERS {
            let ring = ring.clone();
            scope.spawn(move || (0..EACH).for_each(|n| ring.publish(sender * EACH + n)));
        }
        drop(ring);
        for reader in readers {
            assert_eq!(reader.join().expect("it counts"), SENDERS * EACH);
        }
    });
}
