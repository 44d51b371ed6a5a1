//! What the crates `async-broadcast` and `bus` hold their channels to, asked of what holds its senders back here: gated rings, by
//! themselves and behind a signal, and mailboxes that block. Where they differ, the test says what holds here, and
//! `docs/PEERS.md` what holds there.

mod common;

use common::{Counter, Tally, fall_asleep, wait_for};
use pulsebus::{
    CloseReason, Overflow, Receiver, RecvError, Ring, RingFull, RingPublisher, RingReader, Signal, TryRecvError,
};
use std::sync::{Arc, Barrier, mpsc};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

fn gated<E>(capacity: usize) -> Ring<E> {
    Ring::gated(capacity).expect("a capacity")
}

fn single<E>(capacity: usize) -> RingPublisher<E> {
    RingPublisher::gated(capacity).expect("a capacity")
}

/// A mailbox for which emissions wait as long as it takes.
fn blocking<E: Clone + Send + 'static>(signal: &Signal<E>, capacity: usize) -> Receiver<E> {
    signal.mailbox(capacity, Overflow::Block(Duration::MAX)).expect("a capacity")
}

/// What all channels have that a reader takes from.
trait Takes {
    fn take(&mut self) -> Result<u32, RecvError>;
    fn try_take(&mut self) -> Result<u32, TryRecvError>;
}

impl Takes for RingReader<u32> {
    fn take(&mut self) -> Result<u32, RecvError> {
        self.recv()
    }

    fn try_take(&mut self) -> Result<u32, TryRecvError> {
        self.try_recv()
    }
}

impl Takes for Receiver<u32> {
    fn take(&mut self) -> Result<u32, RecvError> {
        self.recv()
    }

    fn try_take(&mut self) -> Result<u32, TryRecvError> {
        self.try_recv()
    }
}

type Sends = Box<dyn FnMut(u32) + Send>;
type Reads = Box<dyn Takes + Send>;

/// Each kind of channel that waits for room, with so many readers.
fn all(capacity: usize, readers: usize) -> Vec<(Sends, Vec<Reads>)> {
    let boxed = |subscribe: &dyn Fn() -> Reads| (0..readers).map(|_| subscribe()).collect::<Vec<_>>();
    let mut channels: Vec<(Sends, Vec<Reads>)> = Vec::new();

    let ring = gated(capacity);
    let reads = boxed(&|| Box::new(ring.subscribe()));
    channels.push((Box::new(move |n| ring.publish(n)), reads));

    let mut publisher = single(capacity);
    let reads = boxed(&|| Box::new(publisher.subscribe()));
    channels.push((Box::new(move |n| publisher.publish(n)), reads));

    let signal = Signal::new();
    let ring = signal.ring_gated(capacity, Duration::MAX).expect("a capacity");
    let reads = boxed(&|| Box::new(ring.subscribe()));
    channels.push((Box::new(move |n| _ = signal.emit(&n)), reads));

    let signal = Signal::new();
    let reads = boxed(&|| Box::new(blocking(&signal, capacity)));
    channels.push((Box::new(move |n| _ = signal.emit(&n)), reads));
    channels
}

/// Sends on another thread; the number of events that were sent is counted after each.
fn sending<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    mut send: Sends,
    events: std::ops::Range<u32>,
    sent: &Counter,
) -> ScopedJoinHandle<'scope, ()> {
    let sent = sent.clone();
    scope.spawn(move || {
        for n in events {
            send(n);
            sent.add(1);
        }
    })
}

// --- what arrives ----------------------------------------------------------------------------------------------------

#[test]
fn every_reader_gets_every_event() {
    for (mut send, mut readers) in all(10, 3) {
        for n in 0..10 {
            send(n);
        }
        for reader in &mut readers {
            assert_eq!(reader.try_take(), Ok(0));
            (1..10).for_each(|n| assert_eq!(reader.take(), Ok(n)));
            assert_eq!(reader.try_take(), Err(TryRecvError::Empty));
        }
    }
}

#[test]
fn a_reader_that_joins_gets_what_is_sent_from_then_on() {
    let ring = gated(4);
    let mut first = ring.subscribe();
    ring.publish(7);
    let mut second = ring.subscribe();
    ring.publish(8);
    assert_eq!((first.try_recv(), first.try_recv()), (Ok(7), Ok(8)));
    assert_eq!((second.try_recv(), second.try_recv()), (Ok(8), Err(TryRecvError::Empty)));
}

#[test]
fn a_reader_that_is_to_be_where_the_slowest_is_gets_what_that_one_has_left() {
    let ring = gated(4);
    let (mut slow, mut fast) = (ring.subscribe(), ring.subscribe());
    ring.publish_batch(&[1, 2, 3]);
    assert_eq!(slow.try_recv(), Ok(1));
    assert_eq!(fast.drain(9).count(), 3);
    assert_eq!(ring.subscribe_oldest().drain(9).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(slow.drain(9).count(), 2);
}

// --- full ------------------------------------------------------------------------------------------------------------

#[test]
fn a_full_channel_hands_the_event_back_and_stays_full_until_the_slowest_has_read() {
    for capacity in [1, 2, 3, 8] {
        let (ring, mut publisher) = (gated(capacity), single(capacity));
        let (mut one, mut other) = (ring.subscribe(), publisher.subscribe());
        let (mut fast, mut quick) = (ring.subscribe(), publisher.subscribe());
        for n in 0..capacity {
            assert_eq!((ring.try_publish(n), publisher.try_publish(n)), (Ok(()), Ok(())));
        }
        for _ in 0..2 {
            // One reader that has read everything does not make room.
            fast.drain(9).for_each(drop);
            quick.drain(9).for_each(drop);
            assert_eq!(ring.try_publish(77).map_err(RingFull::into_inner), Err(77));
            assert_eq!(publisher.try_publish(77), Err(RingFull(77)));
        }
        assert_eq!((one.try_recv(), other.try_recv()), (Ok(0), Ok(0)));
        assert_eq!((ring.try_publish(77), publisher.try_publish(77)), (Ok(()), Ok(())));
        assert_eq!((ring.try_publish(78), publisher.try_publish(78)), (Err(RingFull(78)), Err(RingFull(78))));
    }
}

#[test]
fn an_emission_that_may_not_wait_counts_what_finds_no_room() {
    let signal = Signal::<u32>::new();
    let ring = signal.ring_gated(2, Duration::ZERO).expect("a capacity");
    let mut reader = ring.subscribe();
    let mut receiver = signal.mailbox(2, Overflow::Block(Duration::ZERO)).expect("a capacity");
    (7..11).for_each(|n| _ = signal.emit(&n));
    assert_eq!((ring.figures().refused, receiver.figures().timed_out), (2, 2));
    assert_eq!(reader.drain(9).collect::<Vec<_>>(), [7, 8]);
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(7), Ok(8)));
    // Who missed some in a mailbox is told so, before what comes behind them.
    signal.emit(&11);
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Err(TryRecvError::Lagged(2)), Ok(11)));
    assert_eq!(reader.try_recv(), Ok(11));
}

#[test]
fn with_overflow_the_lagging_reader_is_told_how_many_it_lost_and_the_others_lose_none() {
    let ring = Ring::lossy(2).expect("a capacity");
    let (mut lags, mut keeps_up) = (ring.subscribe(), ring.subscribe());
    let (has_read, read) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            ring.publish(7);
            ring.publish(8);
            read.recv().expect("it reads");
            ring.publish(9);
        });
        scope.spawn(move || {
            assert_eq!((keeps_up.recv(), keeps_up.recv()), (Ok(7), Ok(8)));
            has_read.send(()).expect("somebody waits");
            assert_eq!(keeps_up.recv(), Ok(9));
        });
    });
    assert_eq!(lags.try_recv(), Err(TryRecvError::Lagged(1)));
    assert_eq!((lags.try_recv(), lags.try_recv()), (Ok(8), Ok(9)));
    assert_eq!(lags.try_recv(), Err(TryRecvError::Closed(CloseReason::PublishersGone)));
}

#[test]
fn without_readers_nobody_holds_the_sender_back_and_nothing_is_kept() {
    for (mut send, readers) in all(2, 0) {
        (0..10).for_each(&mut send);
        assert!(readers.is_empty());
    }
    let ring = gated(2);
    (0..10).for_each(|n| ring.publish(n));
    let mut late = ring.subscribe();
    assert_eq!(late.try_recv(), Err(TryRecvError::Empty));
    ring.publish(10);
    assert_eq!(late.try_recv(), Ok(10));
}

// --- waiting ---------------------------------------------------------------------------------------------------------

#[test]
fn a_blocked_sender_resumes_when_the_slowest_reader_has_read() {
    for (send, mut readers) in all(2, 2) {
        let (mut slow, mut fast) = (readers.remove(0), readers.remove(0));
        let sent = Counter::new();
        thread::scope(|scope| {
            let sender = sending(scope, send, 0..4, &sent);
            wait_for(&sent, 2);
            assert_eq!((fast.take(), fast.take()), (Ok(0), Ok(1)));
            assert_eq!(sent.get(), 2, "nobody has made room but the fast one");
            assert_eq!(slow.take(), Ok(0));
            wait_for(&sent, 3);
            assert_eq!(sent.get(), 3, "one has room, not two");
            assert_eq!(slow.take(), Ok(1));
            assert_eq!((slow.take(), slow.take()), (Ok(2), Ok(3)));
            assert_eq!((fast.take(), fast.take()), (Ok(2), Ok(3)));
            sender.join().expect("it sends");
        });
    }
}

#[test]
fn a_blocked_reader_resumes_when_something_is_sent() {
    for (mut send, readers) in all(2, 2) {
        let (waiting, received) = (Arc::new(Barrier::new(3)), Counter::new());
        let threads: Vec<_> = readers
            .into_iter()
            .map(|mut reader| {
                let (waiting, received) = (waiting.clone(), received.clone());
                thread::spawn(move || {
                    waiting.wait();
                    let found = reader.take();
                    received.add(1);
                    found
                })
            })
            .collect();
        waiting.wait();
        assert_eq!(received.get(), 0);
        send(5);
        assert!(threads.into_iter().all(|thread| thread.join().expect("it waits") == Ok(5)));
    }
}

#[test]
fn a_blocked_sender_resumes_when_the_reader_that_holds_it_back_leaves() {
    for (send, mut readers) in all(2, 2) {
        let (leaves, mut stays) = (readers.remove(0), readers.remove(0));
        let sent = Counter::new();
        thread::scope(|scope| {
            let sender = sending(scope, send, 0..6, &sent);
            wait_for(&sent, 2);
            assert_eq!((stays.take(), stays.take()), (Ok(0), Ok(1)));
            fall_asleep();
            assert_eq!(sent.get(), 2);
            drop(leaves);
            // The other one alone holds it back from now on.
            wait_for(&sent, 4);
            assert_eq!(sent.get(), 4);
            assert_eq!((2..6).map(|_| stays.take()).collect::<Vec<_>>(), (2..6).map(Ok).collect::<Vec<_>>());
            sender.join().expect("it sends");
        });
        assert!(matches!(stays.take(), Err(RecvError::Closed(_))));
    }
}

#[test]
fn a_blocked_sender_resumes_when_the_last_reader_leaves() {
    for (send, readers) in all(1, 1) {
        let sent = Counter::new();
        thread::scope(|scope| {
            let sender = sending(scope, send, 0..5, &sent);
            wait_for(&sent, 1);
            fall_asleep();
            drop(readers);
            sender.join().expect("it sends");
        });
        assert_eq!(sent.get(), 5);
    }
}

#[test]
fn a_reader_that_leaves_mid_stream_takes_nothing_from_the_others() {
    for (send, mut readers) in all(3, 3) {
        let sent = Counter::new();
        thread::scope(|scope| {
            let sender = sending(scope, send, 0..1_000, &sent);
            // They leave after more and more.
            for (nth, mut reader) in readers.drain(..2).enumerate() {
                scope.spawn(move || (0..100 * (nth as u32 + 1)).for_each(|n| assert_eq!(reader.take(), Ok(n))));
            }
            (0..1_000).for_each(|n| assert_eq!(readers[0].take(), Ok(n)));
            sender.join().expect("it sends");
        });
    }
}

// --- iterating and counting ------------------------------------------------------------------------------------------

#[test]
fn a_reader_iterates_until_the_sender_has_gone() {
    for round in 0..20 {
        for (send, mut readers) in all(2, 1) {
            thread::scope(|scope| {
                sending(scope, send, 0..100, &Counter::new());
                let mut next = 0;
                while let Ok(n) = readers[0].take() {
                    assert_eq!(n, next, "in round {round}");
                    next += 1;
                }
                assert_eq!(next, 100);
            });
            assert!(matches!(readers[0].try_take(), Err(TryRecvError::Closed(_))));
        }
    }
}

#[test]
fn two_readers_count_to_ten_thousand() {
    for (send, readers) in all(32, 2) {
        thread::scope(|scope| {
            sending(scope, send, 0..10_000, &Counter::new());
            for mut reader in readers {
                scope.spawn(move || (0..10_000).for_each(|n| assert_eq!(reader.take(), Ok(n))));
            }
        });
    }
}

#[test]
fn several_senders_share_the_room_and_each_keeps_its_order() {
    const SENDERS: u32 = 3;
    const EACH: u32 = 1_000;
    let ring = gated(2);
    let mut readers = [ring.subscribe(), ring.subscribe()];
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            let ring = ring.clone();
            scope.spawn(move || (0..EACH).for_each(|n| ring.publish((sender, n))));
        }
        drop(ring);
        let threads = readers.each_mut().map(|reader| {
            scope.spawn(|| {
                let mut all = Vec::new();
                while let Ok(event) = reader.recv() {
                    all.push(event);
                }
                all
            })
        });
        let [one, other] = threads.map(|thread| thread.join().expect("it reads"));
        assert_eq!(one, other, "both in the same order");
        for sender in 0..SENDERS {
            let of: Vec<_> = one.iter().filter(|(by, _)| *by == sender).map(|(_, n)| *n).collect();
            assert_eq!(of, (0..EACH).collect::<Vec<_>>());
        }
    });
}

// --- the end ---------------------------------------------------------------------------------------------------------

#[test]
fn readers_get_what_was_sent_before_the_sender_went_and_then_the_end() {
    for (mut send, mut readers) in all(2, 2) {
        (0..2).for_each(&mut send);
        assert_eq!(readers[0].try_take(), Ok(0));
        drop(send);
        assert_eq!(readers[0].try_take(), Ok(1));
        assert_eq!((readers[1].take(), readers[1].take()), (Ok(0), Ok(1)));
        for reader in &mut readers {
            assert!(matches!(reader.try_take(), Err(TryRecvError::Closed(_))));
            assert!(matches!(reader.take(), Err(RecvError::Closed(_))));
        }
    }
}

#[test]
fn an_empty_channel_is_empty_until_the_last_sender_has_gone() {
    let ring = gated::<u32>(1);
    let (mut reader, other) = (ring.subscribe(), ring.clone());
    assert_eq!(reader.try_recv(), Err(TryRecvError::Empty));
    drop(ring);
    assert_eq!(reader.try_recv(), Err(TryRecvError::Empty));
    drop(other);
    assert_eq!(reader.try_recv(), Err(TryRecvError::Closed(CloseReason::PublishersGone)));
}

#[test]
fn unread_events_are_dropped_with_the_channel_and_each_once() {
    let tally = Tally::new();
    let ring = gated(4);
    let (reader, mut other) = (ring.subscribe(), ring.subscribe());
    for _ in 0..4 {
        ring.publish(Arc::new(tally.guard()));
    }
    other.read(2, |guard| guard.check()).expect("they are there");
    drop((reader, other));
    assert_eq!(tally.dropped(), 0, "a ring keeps them until they are overwritten");
    (0..4).for_each(|_| ring.publish(Arc::new(tally.guard())));
    assert_eq!(tally.dropped(), 4);
    drop(ring);
    tally.assert_all_dropped();

    // A mailbox lets go of them with its receiver.
    let signal = Signal::new();
    let receiver = blocking(&signal, 4);
    let guard = Arc::new(tally.guard());
    signal.emit(&guard);
    drop(guard);
    drop(receiver);
    tally.assert_all_dropped();
}

// --- tasks -----------------------------------------------------------------------------------------------------------

#[cfg(feature = "async")]
mod tasks {
    use super::{Counter, Receiver, Signal, blocking, thread, wait_for};
    use pulsebus::{Lagged, Overflow};
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake, Waker};
    use std::thread::Thread;

    /// Unparks a thread.
    struct Unparks(Thread);

    impl Wake for Unparks {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    /// The simplest executor there is.
    fn wait_for_task<F: Future + Unpin>(mut future: F) -> F::Output {
        let waker = Waker::from(Arc::new(Unparks(thread::current())));
        loop {
            match Pin::new(&mut future).poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(found) => return found,
                Poll::Pending => thread::park(),
            }
        }
    }

    fn next<E>(receiver: &mut Receiver<E>) -> Option<Result<E, Lagged>> {
        let mut receiver = Pin::new(receiver);
        wait_for_task(std::future::poll_fn(|context| futures_core::Stream::poll_next(receiver.as_mut(), context)))
    }

    #[test]
    fn a_task_that_receives_lets_a_blocked_sender_go_on_and_is_woken_by_it() {
        let signal = Signal::<u32>::new();
        let mut receiver = blocking(&signal, 2);
        let sent = Counter::new();
        let counter = sent.clone();
        thread::scope(|scope| {
            scope.spawn(move || {
                for n in 0..1_000 {
                    signal.emit(&n);
                    counter.add(1);
                }
            });
            wait_for(&sent, 2);
            assert_eq!(sent.get(), 2);
            (0..500).for_each(|n| assert_eq!(wait_for_task(receiver.recv_async()), Ok(n)));
            (500..1_000).for_each(|n| assert_eq!(next(&mut receiver), Some(Ok(n))));
            assert_eq!(next(&mut receiver), None);
        });
    }

    #[test]
    fn a_stream_says_how_many_were_lost_and_ends_with_the_sender() {
        let signal = Signal::<u32>::new();
        let mut receiver = signal.mailbox(2, Overflow::DropOldest).expect("a capacity");
        signal.emit_batch(&[1, 2, 3, 4]);
        assert_eq!(next(&mut receiver), Some(Err(Lagged(2))));
        assert_eq!((next(&mut receiver), next(&mut receiver)), (Some(Ok(3)), Some(Ok(4))));
        drop(signal);
        assert_eq!(next(&mut receiver), None);
    }
}
