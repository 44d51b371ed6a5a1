//! Mailboxes as futures and streams, on tokio and on smol.

mod common;

use common::Wakes;
use pulsebus::{CloseReason, Domain, Lagged, Overflow, Receiver, RecvError, Signal};
use smol::stream::StreamExt;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

const POLICIES: [Overflow; 3] = [Overflow::DropOldest, Overflow::DropNewest, Overflow::Block(Duration::MAX)];

/// Each executor that the tests run on.
fn everywhere<F: Future<Output = ()>>(test: impl Fn() -> F) {
    let single = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    single.block_on(test());
    let multi = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    multi.block_on(test());
    smol::block_on(test());
}

/// Emits numbers on a thread of its own, with pauses, and then drops the signal.
fn emitter(overflow: Overflow, count: u64) -> (Receiver<u64>, thread::JoinHandle<()>) {
    let signal = Signal::<u64>::new_in(&Domain::new());
    let receiver = signal.mailbox(64, overflow).expect("a fair capacity");
    let emitter = thread::spawn(move || {
        for n in 0..count {
            if n % 100 == 0 {
                thread::yield_now();
            }
            signal.emit(&n);
        }
    });
    (receiver, emitter)
}

#[test]
fn a_task_receives_what_threads_emit_and_then_the_end() {
    for overflow in POLICIES {
        everywhere(|| async move {
            let (mut receiver, emitter) = emitter(overflow, 20_000);
            let (mut received, mut lost) = (0, 0);
            loop {
                match receiver.recv_async().await {
                    Ok(n) => {
                        assert_eq!(n, received + lost, "in order, and losses before what comes after them");
                        received += 1;
                    }
                    Err(RecvError::Lagged(count)) => lost += count,
                    Err(RecvError::Closed(reason)) => {
                        assert_eq!(reason, CloseReason::SignalDropped);
                        break;
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            assert_eq!(received + lost, 20_000);
            emitter.join().expect("it only emits");
        });
    }
}

#[test]
fn a_receiver_is_a_stream() {
    everywhere(|| async {
        let signal = Signal::<u32>::new();
        let receiver = signal.mailbox(2, Overflow::DropOldest).expect("a fair capacity");
        signal.emit_batch(&[1, 2, 3]);
        drop(signal);
        assert_eq!(receiver.collect::<Vec<_>>().await, [Err(Lagged(1)), Ok(2), Ok(3)]);
    });
}

#[test]
fn tasks_on_other_threads_are_woken() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let signal = Signal::<u32>::new();
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let mut receiver = signal.mailbox(1000, Overflow::DropNewest).expect("a fair capacity");
            runtime.spawn(async move {
                let mut sum = 0;
                while let Ok(n) = receiver.recv_async().await {
                    sum += n;
                }
                sum
            })
        })
        .collect();
    (0..1000).for_each(|n| {
        signal.emit(&n);
    });
    drop(signal);
    for task in tasks {
        assert_eq!(runtime.block_on(task).expect("it does not panic"), 499_500);
    }
}

#[test]
fn a_future_that_is_dropped_takes_no_event_with_it() {
    everywhere(|| async {
        let (mut receiver, emitter) = emitter(Overflow::Block(Duration::MAX), 5_000);
        let mut next = 0;
        loop {
            // Polled once, and given up if there is nothing.
            let found = smol::future::poll_once(receiver.recv_async()).await;
            match found {
                Some(Ok(n)) => {
                    assert_eq!(n, next);
                    next += 1;
                }
                Some(Err(RecvError::Closed(_))) => break,
                Some(Err(other)) => panic!("{other}"),
                None => thread::yield_now(),
            }
        }
        assert_eq!(next, 5_000);
        emitter.join().expect("it only emits");
    });
}

#[test]
fn a_timeout_of_tokio_loses_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let signal = Signal::<u32>::new();
        let mut receiver = signal.mailbox(4, Overflow::DropOldest).expect("a fair capacity");
        tokio::time::timeout(Duration::from_millis(5), receiver.recv_async()).await.expect_err("nothing was emitted");
        signal.emit(&7);
        assert_eq!(receiver.recv_async().await, Ok(7));
    });
}

#[test]
fn wakers_of_futures_that_were_dropped_are_neither_kept_nor_woken() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(4, Overflow::DropOldest).expect("a fair capacity");
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    for _ in 0..100 {
        let future = pin!(receiver.recv_async());
        assert_eq!(future.poll(&mut Context::from_waker(&waker)), Poll::Pending);
    }
    drop(waker);
    assert_eq!(Arc::strong_count(&wakes), 1);
    signal.emit(&1);
    assert_eq!(wakes.0.load(SeqCst), 0);
}

#[test]
fn a_receiver_that_is_dropped_keeps_no_waker() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(4, Overflow::DropOldest).expect("a fair capacity");
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    assert_eq!(pin!(receiver.next()).poll(&mut Context::from_waker(&waker)), Poll::Pending);
    drop((receiver, waker));
    assert_eq!(Arc::strong_count(&wakes), 1);
}

#[test]
fn the_end_of_a_connection_wakes_a_task_when_its_slot_is_collected() {
    let domain = Domain::new();
    let signal = Signal::<u32>::new_in(&domain);
    let mut receiver = signal.mailbox(4, Overflow::DropOldest).expect("a fair capacity");
    let connection = receiver.connection();
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    let mut future = pin!(receiver.recv_async());
    assert_eq!(future.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending);
    assert!(connection.disconnect());
    while !domain.collect().complete {}
    assert_eq!(wakes.0.load(SeqCst), 1);
    let closed = Err(RecvError::Closed(CloseReason::Disconnected));
    assert_eq!(future.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(closed));
}

#[test]
fn a_waker_may_emit_when_it_is_woken_and_when_it_is_dropped() {
    /// Emits to the signal that wakes it.
    struct Emits(Arc<Signal<u32>>, AtomicUsize);
    impl Wake for Emits {
        fn wake(self: Arc<Self>) {
            if self.1.fetch_add(1, SeqCst) == 0 {
                self.0.emit(&2);
            }
        }
    }
    impl Drop for Emits {
        fn drop(&mut self) {
            self.0.emit(&3);
        }
    }
    for overflow in POLICIES {
        let signal = Arc::new(Signal::<u32>::new_in(&Domain::new()));
        let receiver = Arc::new(Mutex::new(signal.mailbox(8, overflow).expect("a fair capacity")));
        {
            let mut receiver = receiver.lock().expect("nothing panics under it");
            let waker = Waker::from(Arc::new(Emits(signal.clone(), AtomicUsize::new(0))));
            assert_eq!(pin!(receiver.next()).poll(&mut Context::from_waker(&waker)), Poll::Pending);
            drop(waker);
            // Another one replaces it, whose drop emits in turn, into the mailbox that is being polled.
            assert_eq!(pin!(receiver.next()).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Some(Ok(3))));
            let waker = Waker::from(Arc::new(Emits(signal.clone(), AtomicUsize::new(0))));
            assert_eq!(pin!(receiver.next()).poll(&mut Context::from_waker(&waker)), Poll::Pending);
        }
        signal.emit(&1);
        let mut receiver = receiver.lock().expect("nothing panics under it");
        let received: Vec<_> = receiver.try_iter().flatten().collect();
        assert_eq!(received, [1, 2], "{overflow:?}");
        // It was woken, and stays for the end of the signal, until another one comes.
        assert_eq!(pin!(receiver.next()).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Some(Ok(3))));
    }
}
