//! What `tokio::sync::broadcast` holds its channel to, asked of what delivers here: a ring, a ring behind a signal, mailboxes
//! of a signal. Where they differ from it, the test says what holds here, and `docs/PEERS.md` what holds there.

mod common;

use common::{Counter, Tally};
use pulsebus::{
    CapacityError, CloseReason, Overflow, Receiver, RecvError, Ring, RingReader, Signal, SignalRing, TryRecvError,
};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

/// What sends.
trait Sends {
    fn send(&self, n: u32);
    fn subscribe(&self) -> Box<dyn Receives>;
}

/// What receives.
trait Receives {
    fn next(&mut self) -> Result<u32, TryRecvError>;
    fn len(&self) -> usize;
}

impl Sends for Ring<u32> {
    fn send(&self, n: u32) {
        self.publish(n);
    }

    fn subscribe(&self) -> Box<dyn Receives> {
        Box::new(Ring::subscribe(self))
    }
}

impl Receives for RingReader<u32> {
    fn next(&mut self) -> Result<u32, TryRecvError> {
        self.try_recv()
    }

    fn len(&self) -> usize {
        RingReader::len(self)
    }
}

struct RingOf(Signal<u32>, SignalRing<u32>);

impl Sends for RingOf {
    fn send(&self, n: u32) {
        self.0.emit(&n);
    }

    fn subscribe(&self) -> Box<dyn Receives> {
        Box::new(self.1.subscribe())
    }
}

struct Mailboxes(Signal<u32>, usize);

impl Sends for Mailboxes {
    fn send(&self, n: u32) {
        self.0.emit(&n);
    }

    fn subscribe(&self) -> Box<dyn Receives> {
        Box::new(self.0.mailbox(self.1, Overflow::DropOldest).expect("a capacity"))
    }
}

impl Receives for Receiver<u32> {
    fn next(&mut self) -> Result<u32, TryRecvError> {
        self.try_recv()
    }

    fn len(&self) -> usize {
        Receiver::len(self)
    }
}

/// Which of [`all`] are mailboxes.
const MAILBOX: usize = 2;

/// Everything that sends, for so many events.
fn all(capacity: usize) -> [Box<dyn Sends>; 3] {
    let signal = Signal::new();
    let ring = signal.ring(capacity).expect("a capacity");
    [
        Box::new(Ring::lossy(capacity).expect("a capacity")),
        Box::new(RingOf(signal, ring)),
        Box::new(Mailboxes(Signal::new(), capacity)),
    ]
}

fn send(sender: &dyn Sends, events: impl IntoIterator<Item = u32>) {
    events.into_iter().for_each(|n| sender.send(n));
}

#[track_caller]
fn expect(receiver: &mut dyn Receives, events: impl IntoIterator<Item = u32>) {
    events.into_iter().for_each(|n| assert_eq!(receiver.next(), Ok(n)));
}

#[track_caller]
fn expect_empty(receiver: &mut dyn Receives) {
    assert_eq!(receiver.next(), Err(TryRecvError::Empty));
}

#[track_caller]
fn expect_lagged(receiver: &mut dyn Receives, by: u64) {
    assert_eq!(receiver.next(), Err(TryRecvError::Lagged(by)));
}

#[track_caller]
fn expect_closed(receiver: &mut dyn Receives) {
    assert!(matches!(receiver.next(), Err(TryRecvError::Closed(_))));
    assert!(matches!(receiver.next(), Err(TryRecvError::Closed(_))), "for good");
}

// --- what arrives ----------------------------------------------------------------------------------------------------

#[test]
fn every_receiver_gets_every_event_in_order() {
    for sender in all(16) {
        let mut receivers = [(); 3].map(|()| sender.subscribe());
        receivers.iter_mut().for_each(|receiver| expect_empty(&mut **receiver));
        send(&*sender, 0..10);
        for receiver in &mut receivers {
            expect(&mut **receiver, 0..10);
            expect_empty(&mut **receiver);
        }
    }
}

#[test]
fn a_receiver_gets_what_is_sent_after_it_has_subscribed() {
    for sender in all(4) {
        let mut first = sender.subscribe();
        sender.send(1);
        let mut second = sender.subscribe();
        expect_empty(&mut *second);
        send(&*sender, [2, 3]);
        expect(&mut *second, [2, 3]);
        expect(&mut *first, [1, 2, 3]);
    }
}

#[test]
fn sending_to_nobody_is_no_error_and_reaches_nobody_who_comes_later() {
    for sender in all(4) {
        sender.send(1);
        let mut receiver = sender.subscribe();
        sender.send(2);
        expect(&mut *receiver, [2]);
        expect_empty(&mut *receiver);
    }
    // But a ring keeps it for those who ask for what is there.
    let ring = Ring::lossy(4).expect("a capacity");
    ring.publish(1);
    assert_eq!(ring.subscribe_oldest().try_recv(), Ok(1));
}

#[test]
fn a_receiver_that_leaves_with_events_unread_does_not_concern_the_others() {
    for sender in all(4) {
        let (mut stays, leaves) = (sender.subscribe(), sender.subscribe());
        send(&*sender, [1, 2]);
        drop(leaves);
        send(&*sender, [3, 4]);
        expect(&mut *stays, [1, 2, 3, 4]);
    }
}

#[test]
fn dropping_the_sender_overwrites_nothing_and_ends_the_stream_behind_what_was_sent() {
    for sender in all(2) {
        let mut receiver = sender.subscribe();
        send(&*sender, [1, 2]);
        drop(sender);
        expect(&mut *receiver, [1, 2]);
        expect_closed(&mut *receiver);
    }
}

// --- lag -------------------------------------------------------------------------------------------------------------

#[test]
fn a_slow_receiver_within_the_capacity_does_not_lag() {
    for sender in all(2) {
        let (mut slow, mut fast) = (sender.subscribe(), sender.subscribe());
        send(&*sender, [1, 2]);
        expect(&mut *fast, [1, 2]);
        expect_empty(&mut *fast);
        expect(&mut *slow, [1, 2]);
        expect_empty(&mut *slow);
    }
}

#[test]
fn the_lag_count_equals_what_was_overwritten() {
    for capacity in [1, 2, 3, 4, 7, 16] {
        for sent in [1, 2, 5, 8, 16, 17, 100] {
            for sender in all(capacity) {
                let mut receiver = sender.subscribe();
                send(&*sender, 0..sent);
                let lost = sent.saturating_sub(capacity as u32);
                if lost > 0 {
                    expect_lagged(&mut *receiver, lost.into());
                }
                expect(&mut *receiver, lost..sent);
                expect_empty(&mut *receiver);
            }
        }
    }
}

#[test]
fn the_lag_count_does_not_include_what_was_received_before() {
    for sender in all(4) {
        let mut receiver = sender.subscribe();
        send(&*sender, 1..=4);
        expect(&mut *receiver, [1]);
        send(&*sender, 5..=8);
        expect_lagged(&mut *receiver, 3);
        expect(&mut *receiver, 5..=8);
        expect_empty(&mut *receiver);
    }
}

#[test]
fn a_lagging_receiver_resumes_at_the_oldest_event_that_is_left() {
    for sender in all(2) {
        let mut receiver = sender.subscribe();
        send(&*sender, [10, 20, 30]);
        expect_lagged(&mut *receiver, 1);
        expect(&mut *receiver, [20, 30]);
        expect_empty(&mut *receiver);
    }
}

#[test]
fn a_lagging_receiver_resumes_after_the_sender_has_gone() {
    for sent in [3, 4, 50] {
        for sender in all(2) {
            let mut receiver = sender.subscribe();
            send(&*sender, 0..sent);
            drop(sender);
            expect_lagged(&mut *receiver, u64::from(sent) - 2);
            expect(&mut *receiver, sent - 2..sent);
            expect_closed(&mut *receiver);
        }
    }
}

#[test]
fn lag_is_each_receivers_own() {
    for sender in all(2) {
        let (mut slow, mut fast) = (sender.subscribe(), sender.subscribe());
        for pair in [[1, 2], [3, 4]] {
            send(&*sender, pair);
            expect(&mut *fast, pair);
        }
        expect_empty(&mut *fast);
        expect_lagged(&mut *slow, 2);
        expect(&mut *slow, [3, 4]);
        expect_empty(&mut *slow);
    }
}

#[test]
fn a_receiver_that_has_caught_up_and_lags_again_is_told_of_the_new_gap_only() {
    for sender in all(2) {
        let mut receiver = sender.subscribe();
        for round in 0..10 {
            send(&*sender, round * 10..round * 10 + 5);
            expect_lagged(&mut *receiver, 3);
            expect(&mut *receiver, [round * 10 + 3, round * 10 + 4]);
            expect_empty(&mut *receiver);
        }
    }
}

#[test]
fn lag_twice_before_reading_is_told_twice_and_loses_no_count() {
    for (kind, sender) in all(2).into_iter().enumerate() {
        let mut receiver = sender.subscribe();
        send(&*sender, [1, 2, 3]);
        expect_lagged(&mut *receiver, 1);
        // Nothing was read since.
        send(&*sender, [4, 5, 6]);
        if kind == MAILBOX {
            // The event that comes behind a gap is the receiver's own as soon as it is told of the gap.
            expect(&mut *receiver, [2]);
            expect_lagged(&mut *receiver, 2);
        } else {
            expect_lagged(&mut *receiver, 3);
        }
        expect(&mut *receiver, [5, 6]);
        expect_empty(&mut *receiver);
    }
}

#[test]
fn what_is_received_and_what_is_lost_is_what_was_sent_whenever_the_receiver_looks() {
    for every in [1, 3, 7, 20] {
        for sender in all(5) {
            let mut receiver = sender.subscribe();
            let (mut next, mut gaps) = (0, 0);
            let mut take_all = || loop {
                match receiver.next() {
                    Ok(n) => {
                        assert_eq!(n, next, "in order, and none twice");
                        next += 1;
                    }
                    Err(TryRecvError::Lagged(lost)) => {
                        next += lost as u32;
                        gaps += 1;
                    }
                    Err(_) => break,
                }
            };
            for n in 0..200 {
                sender.send(n);
                if n % every == 0 {
                    take_all();
                }
            }
            take_all();
            assert_eq!(next, 200);
            assert_eq!(gaps > 0, every > 5);
        }
    }
}

#[test]
fn the_length_is_what_can_be_received_and_never_more_than_the_capacity() {
    for sender in all(3) {
        let mut receiver = sender.subscribe();
        assert_eq!(receiver.len(), 0);
        send(&*sender, [10, 20, 30, 40, 50]);
        assert_eq!(receiver.len(), 3);
        expect_lagged(&mut *receiver, 2);
        for left in [3, 2, 1] {
            assert_eq!(receiver.len(), left);
            receiver.next().expect("it is there");
        }
        assert_eq!(receiver.len(), 0);
    }
}

// --- capacities ------------------------------------------------------------------------------------------------------

#[test]
fn a_capacity_of_one_keeps_the_last_event() {
    for sender in all(1) {
        let mut receiver = sender.subscribe();
        sender.send(1);
        expect(&mut *receiver, [1]);
        expect_empty(&mut *receiver);
        send(&*sender, [2, 3]);
        expect_lagged(&mut *receiver, 1);
        expect(&mut *receiver, [3]);
        expect_empty(&mut *receiver);
        sender.send(4);
        drop(sender);
        expect(&mut *receiver, [4]);
        expect_closed(&mut *receiver);
    }
}

#[test]
fn a_capacity_that_is_no_power_of_two_is_not_rounded_up() {
    for sender in all(3) {
        let mut receiver = sender.subscribe();
        send(&*sender, 1..=4);
        expect_lagged(&mut *receiver, 1);
        expect(&mut *receiver, 2..=4);
    }
}

#[test]
fn a_capacity_of_zero_is_refused_by_an_error_and_nothing_is_connected() {
    let signal = Signal::<u32>::new();
    assert_eq!(Ring::<u32>::lossy(0).err(), Some(CapacityError::Zero));
    assert_eq!(signal.ring(0).err(), Some(CapacityError::Zero));
    assert_eq!(signal.mailbox(0, Overflow::DropOldest).err(), Some(CapacityError::Zero));
    assert!(signal.is_empty());
}

#[test]
fn a_capacity_that_is_too_large_is_refused_by_an_error_and_nothing_is_connected() {
    let signal = Signal::<u32>::new();
    for asked in [usize::MAX, 1 + (usize::MAX >> 1)] {
        for error in [
            Ring::<u32>::lossy(asked).err(),
            signal.ring(asked).err(),
            signal.mailbox(asked, Overflow::DropOldest).err(),
            signal.mailbox(asked, Overflow::DropNewest).err(),
        ] {
            let is_refused =
                matches!(error, Some(CapacityError::TooLarge { asked: told, most }) if told == asked && most < asked);
            assert!(is_refused, "{error:?}");
        }
    }
    assert!(signal.is_empty());
}

// --- events ----------------------------------------------------------------------------------------------------------

/// Zero can't be cloned.
#[derive(Debug, PartialEq, Eq)]
struct Fragile(u32);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        if self.0 == 0 {
            // Without the message of the default hook.
            resume_unwind(Box::new("a clone's"));
        }
        Self(self.0)
    }
}

#[test]
fn a_clone_that_panics_in_a_reader_of_a_ring_is_the_readers_and_the_next_event_comes() {
    let ring = Ring::lossy(16).expect("a capacity");
    let (mut reader, mut other) = (ring.subscribe(), ring.subscribe());
    ring.publish(Fragile(0));
    ring.publish(Fragile(1));
    assert!(catch_unwind(AssertUnwindSafe(|| reader.try_recv())).is_err());
    assert_eq!(reader.try_recv(), Ok(Fragile(1)));
    // Who borrows clones nothing.
    let mut seen = Vec::new();
    assert_eq!(other.try_read(16, |event| seen.push(event.0)), Ok(2));
    assert_eq!(seen, [0, 1]);
    ring.publish(Fragile(2));
    assert_eq!(reader.try_recv(), Ok(Fragile(2)));
}

#[test]
fn a_clone_that_panics_for_a_mailbox_is_a_panic_of_its_slot_and_the_receiver_misses_that_event_only() {
    for overflow in [Overflow::DropOldest, Overflow::DropNewest, Overflow::KeepLatest] {
        let (signal, ran) = (Signal::<Fragile>::new(), Counter::new());
        let mut receiver = signal.mailbox(16, overflow).expect("a capacity");
        signal.connect(ran.slot());
        signal.emit(&Fragile(0));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        signal.emit(&Fragile(1));
        assert_eq!(receiver.try_recv(), Ok(Fragile(1)));
        assert_eq!((receiver.connection().panics(), ran.get()), (Some(1), 2));
        assert_eq!(receiver.figures().sent, 1);
    }
}

/// An event that counts how often it is dropped.
#[derive(Clone)]
struct Counted(std::sync::Arc<common::Guard>);

#[test]
fn unread_events_are_dropped_with_the_receiver_of_a_mailbox_and_with_the_ring() {
    let tally = Tally::new();
    let event = || Counted(std::sync::Arc::new(tally.guard()));
    let signal = Signal::<Counted>::new();
    let receiver = signal.mailbox(4, Overflow::DropOldest).expect("a capacity");
    signal.emit(&event());
    assert_eq!(tally.dropped(), 0);
    drop(receiver);
    tally.assert_all_dropped();

    // A ring keeps them for whoever asks for the oldest.
    let ring = Ring::lossy(4).expect("a capacity");
    let reader = ring.subscribe();
    ring.publish(event());
    drop(reader);
    assert_eq!(tally.made() - tally.dropped(), 1);
    ring.subscribe_oldest().try_recv().expect("it is there").0.check();
    drop(ring);
    tally.assert_all_dropped();
}

#[test]
fn who_sends_can_ask_how_many_receive() {
    let ring = Ring::<u32>::lossy(4).expect("a capacity");
    assert_eq!(ring.figures().readers, 0);
    let readers = [ring.subscribe(), ring.subscribe()];
    assert_eq!(ring.figures().readers, 2);
    drop(readers);
    assert_eq!(ring.figures().readers, 0);

    let signal = Signal::<u32>::new();
    let receiver = signal.mailbox(4, Overflow::DropOldest).expect("a capacity");
    assert_eq!(signal.len(), 1);
    drop(receiver);
    assert!(signal.is_empty());
}

// --- threads ---------------------------------------------------------------------------------------------------------

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
    while waiting.get() < 4 {
        thread::yield_now();
    }
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

// --- tasks -----------------------------------------------------------------------------------------------------------

#[cfg(feature = "async")]
mod tasks {
    use super::{RecvError, Signal};
    use pulsebus::{CloseReason, Overflow, Receiver};
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::sync::{Arc, Weak};
    use std::task::{Context, Poll, Wake, Waker};

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wakes {
        fn new() -> (Arc<Self>, Waker) {
            let wakes = Arc::new(Self::default());
            (wakes.clone(), Waker::from(wakes))
        }

        fn take(&self) -> usize {
            self.0.swap(0, SeqCst)
        }
    }

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

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
        assert_eq!(wakes.take(), 2);
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
        assert_eq!(others.try_iter().flatten().collect::<Vec<_>>(), [77, 99]);
        let closed = Err(RecvError::Closed(CloseReason::SignalDropped));
        assert_eq!(poll(&mut waiting, Waker::noop()), Poll::Ready(closed));
    }
}
