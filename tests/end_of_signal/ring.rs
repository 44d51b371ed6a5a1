//! Rings behind signals.

use super::{alone, end_and_sweep};
use pulsebus::{CloseReason, RecvError, RecvTimeoutError, RingReader, TryRecvError};
use std::thread;
use std::time::Duration;

const DROPPED: CloseReason = CloseReason::SignalDropped;

#[test]
fn a_reader_finds_the_end_of_the_signal_also_if_the_slot_was_swept_before() {
    let (signal, domain) = alone::<u32>();
    let ring = signal.ring(8).expect("a fair capacity");
    let (mut reader, mut sleeper, mut patient) = (ring.subscribe(), ring.subscribe(), ring.subscribe());
    signal.emit_batch(&[1, 2]);
    let sleeping = thread::spawn(move || (sleeper.recv(), sleeper.recv(), sleeper.recv()));
    let timed = thread::spawn(move || {
        while patient.recv_timeout(Duration::MAX).is_ok() {}
        patient.recv_timeout(Duration::ZERO)
    });
    end_and_sweep(ring.connection(), &domain);
    assert_eq!(reader.drain(8).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(reader.try_recv(), Err(TryRecvError::Empty), "somebody might be at it still");
    drop(signal);
    assert_eq!(reader.try_recv(), Err(TryRecvError::Closed(DROPPED)));
    assert_eq!(sleeping.join().expect("it only reads"), (Ok(1), Ok(2), Err(RecvError::Closed(DROPPED))));
    assert_eq!(timed.join().expect("it only reads"), Err(RecvTimeoutError::Closed(DROPPED)));
    domain.collect();
    assert_eq!(reader.try_recv(), Err(TryRecvError::Closed(DROPPED)), "as before it was collected");
}

#[test]
fn a_reader_behind_another_one_reads_what_that_has_read_before_it_finds_the_end() {
    let (signal, domain) = alone::<u32>();
    let ring = signal.ring_gated(8, Duration::MAX).expect("a fair capacity");
    let mut first = ring.subscribe();
    let mut second = first.then().expect("a gated ring");
    signal.emit_batch(&[1, 2]);
    end_and_sweep(ring.connection(), &domain);
    drop(signal);
    assert_eq!(second.try_recv(), Err(TryRecvError::Empty), "the first one has not been there");
    let rest = |reader: &mut RingReader<u32>| (reader.recv(), reader.recv(), reader.recv());
    let expected = (Ok(1), Ok(2), Err(RecvError::Closed(DROPPED)));
    assert_eq!(rest(&mut first), expected);
    assert_eq!(rest(&mut second), expected);
}

#[test]
fn a_reader_of_a_signal_with_priorities_is_told_of_its_end_as_that() {
    let (signal, _domain) = alone::<u32>();
    signal.slot().priority(5).connect(|_: &u32| {});
    let ring = signal.ring(8).expect("a fair capacity");
    let mut reader = ring.subscribe();
    drop(signal);
    assert_eq!(reader.recv(), Err(RecvError::Closed(DROPPED)));
}
