//! Receivers that are awaited: who is woken, and senders inside a waker's destructor.

use crate::common::Wakes;
use pulsebus::{CloseReason, Overflow, Receiver, RecvError, Signal};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};

/// Emits when it is dropped; and when it is woken, if it is told so.
struct Emits {
    signal: Weak<Signal<u32>>,
    on_wake: bool,
}

impl Emits {
    fn waker(signal: &Arc<Signal<u32>>, on_wake: bool) -> Waker {
        Waker::from(Arc::new(Self { signal: Arc::downgrade(signal), on_wake }))
    }

    fn emit(&self, n: u32) {
        if let Some(signal) = self.signal.upgrade() {
            signal.emit(&n);
        }
    }
}

impl Wake for Emits {
    fn wake(self: Arc<Self>) {
        if self.on_wake {
            self.emit(77);
        }
    }
}

impl Drop for Emits {
    fn drop(&mut self) {
        self.emit(99);
    }
}

fn mailbox(signal: &Signal<u32>) -> Receiver<u32> {
    signal.mailbox(16, Overflow::DropOldest).expect("a capacity")
}

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

#[test]
fn an_event_wakes_each_task_that_waits_and_no_other() {
    let signal = Signal::<u32>::new();
    let (mut first, mut second) = (mailbox(&signal), mailbox(&signal));
    let ((wakes, waker), (others, other)) = (Wakes::new(), Wakes::new());
    {
        let (mut one, mut two) = (first.recv_async(), second.recv_async());
        assert!(poll(&mut one, &waker).is_pending() && poll(&mut two, &other).is_pending());
        signal.emit(&1);
        assert_eq!((wakes.take(), others.take()), (1, 1));
        assert_eq!((poll(&mut one, &waker), poll(&mut two, &other)), (Poll::Ready(Ok(1)), Poll::Ready(Ok(1))));
    }
    let mut one = first.recv_async();
    assert!(poll(&mut one, &waker).is_pending());
    signal.emit(&2);
    assert_eq!((wakes.take(), others.take()), (1, 0));
    assert_eq!(poll(&mut one, &waker), Poll::Ready(Ok(2)));
    assert_eq!(poll(&mut second.recv_async(), &other), Poll::Ready(Ok(2)));
}

#[test]
fn a_receiver_that_changes_tasks_wakes_the_last_one() {
    let signal = Signal::<u32>::new();
    let mut receiver = mailbox(&signal);
    let ((before, old), (after, new)) = (Wakes::new(), Wakes::new());
    let mut waiting = receiver.recv_async();
    assert!(poll(&mut waiting, &old).is_pending() && poll(&mut waiting, &new).is_pending());
    signal.emit(&1);
    assert_eq!((before.take(), after.take()), (0, 1));
}

#[test]
fn lag_is_told_to_tasks_as_to_threads() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(2, Overflow::DropOldest).expect("a capacity");
    signal.emit_batch(&[10, 20, 30]);
    for expected in [Err(RecvError::Lagged(1)), Ok(20), Ok(30)] {
        assert_eq!(poll(&mut receiver.recv_async(), Waker::noop()), Poll::Ready(expected));
    }
    assert!(poll(&mut receiver.recv_async(), Waker::noop()).is_pending());
}

#[test]
fn dropping_the_sender_wakes_the_tasks_that_wait() {
    let signal = Arc::new(Signal::<u32>::new());
    let other = signal.clone();
    let mut receivers = [mailbox(&signal), mailbox(&signal)];
    let (wakes, waker) = Wakes::new();
    let mut waiting: Vec<_> = receivers.iter_mut().map(Receiver::recv_async).collect();
    assert!(waiting.iter_mut().all(|one| poll(one, &waker).is_pending()));
    drop(signal);
    assert_eq!(wakes.take(), 0, "there is another one");
    assert!(waiting.iter_mut().all(|one| poll(one, &waker).is_pending()));
    drop(other);
    assert!(wakes.take() >= 2, "each of them");
    for one in &mut waiting {
        let closed = Err(RecvError::Closed(CloseReason::SignalDropped));
        assert_eq!(poll(one, &waker), Poll::Ready(closed));
    }
}

#[test]
fn sending_from_inside_a_wakers_drop_when_it_is_replaced_does_not_deadlock() {
    let signal = Arc::new(Signal::<u32>::new());
    let mut receiver = mailbox(&signal);
    let (wakes, waker) = Wakes::new();
    let mut waiting = receiver.recv_async();
    assert!(poll(&mut waiting, &Emits::waker(&signal, false)).is_pending());
    // The receiver has the last one; it goes when another one takes its place.
    let found = match poll(&mut waiting, &waker) {
        Poll::Pending => {
            assert_eq!(wakes.take(), 1, "what was sent is not slept through");
            poll(&mut waiting, &waker)
        }
        found => found,
    };
    assert_eq!(found, Poll::Ready(Ok(99)));
}

#[test]
fn sending_from_inside_a_wakers_drop_when_it_is_woken_does_not_deadlock() {
    for on_wake in [false, true] {
        let signal = Arc::new(Signal::<u32>::new());
        let mut receiver = mailbox(&signal);
        {
            let mut waiting = receiver.recv_async();
            assert!(poll(&mut waiting, &Emits::waker(&signal, on_wake)).is_pending());
            // Wakes, and drops the last one.
            assert!(signal.emit(&1).is_completed());
        }
        let received: Vec<_> = receiver.try_iter().flatten().collect();
        let expected: &[u32] = if on_wake { &[1, 77, 99] } else { &[1, 99] };
        assert_eq!(received, expected);
    }
}

#[test]
fn sending_from_inside_a_wakers_drop_when_the_task_gives_up_does_not_deadlock() {
    let signal = Arc::new(Signal::<u32>::new());
    let (mut receiver, mut other) = (mailbox(&signal), mailbox(&signal));
    {
        let mut waiting = receiver.recv_async();
        assert!(poll(&mut waiting, &Emits::waker(&signal, false)).is_pending());
    }
    assert_eq!((receiver.try_recv(), other.try_recv()), (Ok(99), Ok(99)));

    // Nor when the receiver goes, that keeps the waker of a stream.
    let mut receiver = mailbox(&signal);
    {
        let waker = Emits::waker(&signal, false);
        let stream = Pin::new(&mut receiver);
        let polled = futures_core::Stream::poll_next(stream, &mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
    drop(receiver);
    assert_eq!(other.try_recv(), Ok(99));
}

#[test]
fn sending_from_inside_a_wakers_drop_when_the_sender_goes_does_not_deadlock() {
    let (signal, other) = (Arc::new(Signal::<u32>::new()), Arc::new(Signal::<u32>::new()));
    let (mut receiver, mut others) = (mailbox(&signal), mailbox(&other));
    let mut waiting = receiver.recv_async();
    assert!(poll(&mut waiting, &Emits::waker(&other, true)).is_pending());
    drop(signal);
    assert_eq!(others.try_iter().flatten().collect::<Vec<_>>(), [77, 77, 99], "woken by the end, and by its slot's");
    let closed = Err(RecvError::Closed(CloseReason::SignalDropped));
    assert_eq!(poll(&mut waiting, Waker::noop()), Poll::Ready(closed));
}
