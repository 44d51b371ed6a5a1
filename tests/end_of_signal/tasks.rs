//! Tasks: each is polled by hand, so that a wake that does not come is seen.

use super::common::Wakes;
use super::{alone, end_and_sweep};
use pulsebus::{CloseReason, Overflow, Receiver, RecvError, Signal};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

/// A task that waits, and what wakes it.
struct Task<F> {
    future: Pin<Box<F>>,
    alarm: Arc<Wakes>,
}

impl<F: Future> Task<F> {
    fn waiting(future: F) -> Self {
        let mut task = Self { future: Box::pin(future), alarm: Arc::default() };
        assert!(task.poll().is_none(), "there is nothing yet");
        assert_eq!(task.wakes(), 0);
        task
    }

    fn poll(&mut self) -> Option<F::Output> {
        let waker = Waker::from(self.alarm.clone());
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    fn wakes(&self) -> usize {
        self.alarm.0.load(SeqCst)
    }
}

fn mailbox(signal: &Signal<u32>) -> Receiver<u32> {
    signal.mailbox(4, Overflow::DropNewest).expect("a fair capacity")
}

const DROPPED: CloseReason = CloseReason::SignalDropped;
const DISCONNECTED: CloseReason = CloseReason::Disconnected;

#[test]
fn disconnecting_all_wakes_a_task_at_a_mailbox() {
    let (signal, _domain) = alone();
    let mut receiver = mailbox(&signal);
    let mut task = Task::waiting(receiver.recv_async());
    signal.disconnect_all();
    assert_ne!(task.wakes(), 0);
    assert_eq!(task.poll(), Some(Err(RecvError::Closed(DISCONNECTED))));
}

#[test]
fn disconnecting_all_wakes_a_task_that_waits_for_the_next_event() {
    let (signal, _domain) = alone::<u32>();
    signal.slot().priority(3).connect(|_: &u32| {});
    let mut task = Task::waiting(signal.next());
    signal.disconnect_all();
    assert_ne!(task.wakes(), 0);
    assert_eq!(task.poll(), Some(Err(DISCONNECTED)));
}

#[test]
fn the_end_of_the_signal_wakes_a_task_also_if_the_slot_was_swept_before() {
    let (signal, domain) = alone();
    let mut receiver = mailbox(&signal);
    let connection = receiver.connection();
    let mut task = Task::waiting(receiver.recv_async());
    end_and_sweep(connection, &domain);
    assert_eq!(task.wakes(), 0, "the end of a connection alone wakes nobody");
    drop(signal);
    assert_ne!(task.wakes(), 0);
    assert_eq!(task.poll(), Some(Err(RecvError::Closed(DROPPED))));
}

#[test]
fn the_end_of_the_signal_wakes_a_task_at_a_hub_and_so_does_that_of_the_hub() {
    for hub_first in [true, false] {
        let (signal, _domain) = alone::<u32>();
        let shared = signal.shared();
        let mut receiver = shared.mailbox(4, Overflow::DropOldest).expect("a fair capacity");
        let mut task = Task::waiting(receiver.recv_async());
        let reason = if hub_first {
            drop(shared);
            DISCONNECTED
        } else {
            drop(signal);
            DROPPED
        };
        assert_ne!(task.wakes(), 0, "hub first: {hub_first}");
        assert_eq!(task.poll(), Some(Err(RecvError::Closed(reason))));
    }
}

#[test]
fn the_waker_of_the_last_poll_is_woken_and_no_other() {
    let (signal, _domain) = alone();
    let mut receiver = mailbox(&signal);
    let mut task = Task::waiting(receiver.recv_async());
    let first = std::mem::take(&mut task.alarm);
    assert!(task.poll().is_none());
    drop(signal);
    assert_eq!(first.0.load(SeqCst), 0);
    assert_ne!(task.wakes(), 0);
    assert_eq!(task.poll(), Some(Err(RecvError::Closed(DROPPED))));
}

#[test]
fn disconnecting_all_wakes_those_too_who_were_disconnected_before() {
    let (signal, _domain) = alone();
    let mut receiver = mailbox(&signal);
    let connection = receiver.connection();
    let mut task = Task::waiting(receiver.recv_async());
    assert!(connection.disconnect());
    assert_eq!(signal.disconnect_all(), 0);
    assert_ne!(task.wakes(), 0);
    assert_eq!(task.poll(), Some(Err(RecvError::Closed(DISCONNECTED))));
}

#[test]
fn a_task_at_a_hub_is_woken_when_the_hubs_slot_is_collected() {
    let (signal, domain) = alone::<u32>();
    let shared = signal.shared();
    let mut receiver = shared.mailbox(4, Overflow::DropOldest).expect("a fair capacity");
    let mut behind = shared.signal().mailbox(4, Overflow::DropOldest).expect("likewise");
    let (mut task, mut other) = (Task::waiting(receiver.recv_async()), Task::waiting(behind.recv_async()));
    assert!(shared.connection().disconnect());
    domain.collect();
    for task in [&mut task, &mut other] {
        assert_ne!(task.wakes(), 0);
        assert_eq!(task.poll(), Some(Err(RecvError::Closed(DISCONNECTED))));
    }
}

#[test]
fn tasks_are_woken_before_what_slots_hold_is_dropped_whatever_its_priority() {
    for priority in [-5, 0, 5] {
        let (signal, _domain) = alone::<u32>();
        let mut receiver = mailbox(&signal);
        let task = Task::waiting(receiver.recv_async());
        let seen = Arc::new(AtomicUsize::new(usize::MAX));
        let looks = OnDrop(Some({
            let (seen, alarm) = (seen.clone(), task.alarm.clone());
            move || seen.store(alarm.0.load(SeqCst), SeqCst)
        }));
        signal.slot().priority(priority).connect(move |_| _ = &looks);
        drop(signal);
        assert_ne!(seen.load(SeqCst), 0, "priority {priority}");
        assert_ne!(seen.load(SeqCst), usize::MAX, "it was dropped");
    }
}

/// Runs when it is dropped.
struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(|f| f());
    }
}

#[test]
fn many_tasks_come_and_go_in_whatever_order() {
    let (signal, _domain) = alone();
    let mut receivers: Vec<_> = (0..100).map(|_| mailbox(&signal)).collect();
    let mut tasks: Vec<_> = receivers.iter_mut().map(|receiver| Some(Task::waiting(receiver.recv_async()))).collect();
    // 37 and 100 have no divisor in common: each once, here and there.
    for nth in 0..70 {
        tasks[nth * 37 % 100] = None;
    }
    drop(signal);
    for mut task in tasks.into_iter().flatten() {
        assert_ne!(task.wakes(), 0);
        assert_eq!(task.poll(), Some(Err(RecvError::Closed(DROPPED))));
    }
}

#[test]
fn a_task_that_was_woken_by_the_end_of_a_signal_waits_at_the_next_one_of_the_same_memory() {
    for _ in 0..100 {
        let (signal, _domain) = alone();
        let mut receiver = mailbox(&signal);
        let mut task = Task::waiting(receiver.recv_async());
        drop(signal);
        assert_ne!(task.wakes(), 0);
        assert_eq!(task.poll(), Some(Err(RecvError::Closed(DROPPED))));
    }
}

#[test]
fn a_future_that_is_dropped_leaves_no_waker_behind() {
    let (signal, _domain) = alone();
    let mut receiver = mailbox(&signal);
    let task = Task::waiting(receiver.recv_async());
    let alarm = task.alarm.clone();
    assert_ne!(Arc::strong_count(&alarm), 2);
    drop(task);
    assert_eq!(Arc::strong_count(&alarm), 1);
    drop(receiver);
    drop(signal);
    assert_eq!(alarm.0.load(SeqCst), 0);

    // A stream keeps it, and drops it with the receiver.
    let (signal, _domain) = alone();
    let mut receiver = mailbox(&signal);
    let waker = Waker::from(alarm.clone());
    let polled = futures_core::Stream::poll_next(pin!(&mut receiver).as_mut(), &mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    drop(waker);
    assert_ne!(Arc::strong_count(&alarm), 1);
    drop(receiver);
    assert_eq!(Arc::strong_count(&alarm), 1);
}
