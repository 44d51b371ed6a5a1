//! Waiting for one event, and for emissions to return: by threads, and by tasks of whatever executor.

mod common;

use common::{Counter, Tally, Wakes, collect_all, wait_for};
use pulsebus::{CloseReason, Domain, RecvTimeoutError, Signal};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

fn poll<F: Future + Unpin>(future: &mut F, wakes: &Arc<Wakes>) -> Poll<F::Output> {
    let waker = Waker::from(Arc::clone(wakes));
    Pin::new(future).poll(&mut Context::from_waker(&waker))
}

#[test]
fn a_thread_that_waits_gets_the_next_event() {
    let signal = Arc::new(Signal::<u32>::new());
    let theirs = Arc::clone(&signal);
    let waiting = thread::spawn(move || theirs.wait(Duration::MAX));
    while signal.is_empty() {
        thread::yield_now();
    }
    signal.emit_batch(&[7, 8]);
    assert_eq!(waiting.join().unwrap(), Ok(7));
    assert!(signal.is_empty(), "it has disconnected");
}

#[test]
fn a_wait_ends_with_its_time_or_its_connection() {
    let signal = Arc::new(Signal::<u32>::new());
    assert_eq!(signal.wait(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    assert_eq!(signal.wait(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
    let theirs = Arc::clone(&signal);
    let waiting = thread::spawn(move || theirs.wait(Duration::MAX));
    while signal.disconnect_all() == 0 {
        thread::yield_now();
    }
    assert!(matches!(waiting.join().unwrap(), Err(RecvTimeoutError::Closed(_))));
}

#[test]
fn next_is_the_first_event_after_the_call_also_before_it_is_polled() {
    let (signal, wakes) = (Signal::<u32>::new(), Arc::new(Wakes::default()));
    let mut early = signal.next();
    signal.emit_batch(&[1, 2, 3]);
    assert_eq!(poll(&mut early, &wakes), Poll::Ready(Ok(1)));
    let mut late = signal.next();
    assert_eq!((poll(&mut late, &wakes), wakes.0.load(SeqCst)), (Poll::Pending, 0));
    signal.emit(&4);
    assert_eq!((wakes.0.load(SeqCst), poll(&mut late, &wakes)), (1, Poll::Ready(Ok(4))));
}

#[test]
fn a_next_that_is_dropped_disconnects_and_leaves_nothing() {
    let (domain, tally, wakes) = (Domain::new(), Tally::new(), Arc::new(Wakes::default()));
    #[derive(Clone)]
    struct Event(#[expect(dead_code, reason = "it counts")] Arc<common::Guard>);
    let signal = Signal::<Event>::new_in(&domain);
    let mut next = signal.next();
    assert!(poll(&mut next, &wakes).is_pending());
    signal.emit(&Event(Arc::new(tally.guard())));
    drop(next);
    assert!(signal.is_empty());
    collect_all(&domain);
    tally.assert_all_dropped();
    assert_eq!(Arc::strong_count(&wakes), 1, "no waker is kept");
}

#[test]
fn next_ends_with_its_signal() {
    let (signal, wakes) = (Signal::<u32>::new(), Arc::new(Wakes::default()));
    let mut next = signal.next();
    assert!(poll(&mut next, &wakes).is_pending());
    drop(signal);
    assert_ne!(wakes.0.load(SeqCst), 0);
    assert_eq!(poll(&mut next, &wakes), Poll::Ready(Err(CloseReason::SignalDropped)));
}

#[test]
fn next_within_ends_in_time_on_whatever_executor() {
    let signal = Signal::<u32>::new();
    let expected = Err(RecvTimeoutError::Timeout);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    assert_eq!(runtime.block_on(signal.next_within(Duration::from_millis(2))), expected);
    assert_eq!(smol::block_on(signal.next_within(Duration::from_millis(2))), expected);
    // In time; and one that never ends by itself.
    for timeout in [Duration::from_secs(3_600), Duration::MAX] {
        let next = signal.next_within(timeout);
        signal.emit(&5);
        assert_eq!(smol::block_on(next), Ok(5));
    }
    let next = signal.next_within(Duration::MAX);
    signal.disconnect_all();
    drop(signal);
    assert!(matches!(smol::block_on(next), Err(RecvTimeoutError::Closed(_))));
}

#[test]
fn quiesced_waits_for_the_emission_under_way_and_for_no_later_one() {
    let domain = Domain::new();
    let signal = Arc::new(Signal::<mpsc::Receiver<()>>::new_in(&domain));
    let entered = Counter::new();
    let counted = entered.clone();
    let slot = signal.connect(move |leave| {
        counted.add(1);
        leave.recv().expect("told to leave");
    });
    let blocked = || {
        let (leave, left) = mpsc::channel();
        let signal = Arc::clone(&signal);
        (leave, thread::spawn(move || signal.emit(&left)))
    };
    let (first, one) = blocked();
    wait_for(&entered, 1);
    let (wakes, mut quiesced) = (Arc::new(Wakes::default()), domain.quiesced());
    assert!(poll(&mut quiesced, &wakes).is_pending());
    // One that begins later is not waited for.
    let (second, two) = blocked();
    wait_for(&entered, 2);
    slot.disconnect();
    first.send(()).unwrap();
    one.join().unwrap();
    smol::block_on(quiesced);
    assert!(!two.is_finished());
    second.send(()).unwrap();
    two.join().unwrap();
    smol::block_on(domain.quiesced());
}

#[test]
fn quiesced_inside_an_emission_is_done_after_it() {
    let domain = Domain::new();
    let (signal, wakes) = (Signal::<()>::new_in(&domain), Arc::new(Wakes::default()));
    let pending = Arc::new(std::sync::Mutex::new(None));
    let (kept, inside) = (Arc::clone(&pending), domain.clone());
    signal.connect(move |()| {
        let mut quiesced = inside.quiesced();
        assert!(poll(&mut quiesced, &wakes).is_pending());
        *kept.lock().unwrap() = Some(quiesced);
    });
    signal.emit(&());
    let quiesced = pending.lock().unwrap().take().expect("the slot has run");
    assert_eq!(pin!(quiesced).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(()));
}
