//! Mailboxes: what each overflow policy keeps, what is counted, in what order losses are told, and how it ends.

mod common;

use common::{Tally, collect_all};
use pulsebus::{
    CapacityError, CloseReason, Domain, Lagged, Overflow, PanicPolicy, Receiver, RecvError, RecvTimeoutError, Signal,
    TryRecvError, Wait,
};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_millis(1);

/// Every policy, one of each.
const POLICIES: [Overflow; 5] =
    [Overflow::Block(SOON), Overflow::DropOldest, Overflow::DropNewest, Overflow::KeepLatest, Overflow::Disconnect];

fn all<E>(receiver: &mut Receiver<E>) -> Vec<Result<E, Lagged>> {
    receiver.try_iter().collect()
}

/// When nobody is at work, every event is accounted for.
#[track_caller]
fn assert_balance<E>(receiver: &Receiver<E>) {
    let figures = receiver.figures();
    assert_eq!(figures.sent, figures.received + figures.queued as u64 + figures.lost(), "{figures:?}");
}

#[test]
fn events_are_received_in_order_whatever_the_policy() {
    for overflow in POLICIES {
        let signal = Signal::<u32>::new();
        let mut receiver = signal.mailbox(100, overflow).expect("a fair capacity");
        signal.emit(&1);
        signal.emit_batch(&[2, 3, 4]);
        assert_eq!((receiver.len(), receiver.is_empty(), receiver.capacity()), (4, false, 100));
        assert!(all(&mut receiver).into_iter().eq([1, 2, 3, 4].map(Ok)), "{overflow:?}");
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        assert_eq!((receiver.len(), receiver.is_empty()), (0, true));
        assert_balance(&receiver);
    }
}

#[test]
fn rounds_beyond_the_ring_keep_the_order_whatever_the_capacity_and_the_policy() {
    for overflow in POLICIES {
        for capacity in [1, 2, 3, 7, 8, 100] {
            let signal = Signal::<usize>::new();
            let mut receiver = signal.mailbox(capacity, overflow).expect("a fair capacity");
            let mut next = 0;
            for round in 0..300 {
                let count = 1 + round % capacity;
                signal.emit_batch(&(next..next + count).collect::<Vec<_>>());
                let expected = (next..next + count).map(Ok);
                assert!(all(&mut receiver).into_iter().eq(expected), "{overflow:?}, {capacity}");
                next += count;
            }
            assert_balance(&receiver);
        }
    }
}

#[test]
fn the_capacity_is_kept_exactly() {
    for capacity in [1, 2, 3, 5, 16, 17, 100] {
        for overflow in [Overflow::DropOldest, Overflow::DropNewest, Overflow::Block(Duration::ZERO)] {
            let signal = Signal::<usize>::new();
            let mut receiver = signal.mailbox(capacity, overflow).expect("a fair capacity");
            (0..3 * capacity).for_each(|n| {
                signal.emit(&n);
            });
            assert_eq!(receiver.len(), capacity, "{overflow:?}");
            assert_eq!(receiver.try_iter().flatten().count(), capacity, "{overflow:?}");
            assert_eq!(receiver.figures().lost(), 2 * capacity as u64, "{overflow:?}");
            assert_balance(&receiver);
        }
    }
}

#[test]
fn drop_oldest_keeps_the_newest_and_tells_of_the_loss_first() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(3, Overflow::DropOldest).expect("a fair capacity");
    signal.emit_batch(&[1, 2, 3, 4, 5]);
    assert_eq!(all(&mut receiver), [Err(Lagged(2)), Ok(3), Ok(4), Ok(5)]);
    signal.emit(&6);
    assert_eq!(all(&mut receiver), [Ok(6)]);
    let figures = receiver.figures();
    assert_eq!((figures.sent, figures.received, figures.dropped_oldest, figures.lost()), (6, 4, 2, 2));
}

#[test]
fn drop_newest_keeps_the_oldest_and_tells_of_the_loss_where_it_was() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(3, Overflow::DropNewest).expect("a fair capacity");
    signal.emit_batch(&[1, 2, 3, 4, 5]);
    assert_eq!(receiver.try_recv(), Ok(1));
    signal.emit(&6);
    signal.emit(&7);
    assert_eq!(receiver.try_recv(), Ok(2));
    signal.emit(&8);
    assert_eq!(all(&mut receiver), [Ok(3), Err(Lagged(2)), Ok(6), Err(Lagged(1)), Ok(8)]);
    let figures = receiver.figures();
    assert_eq!((figures.sent, figures.received, figures.dropped_newest, figures.lost()), (8, 5, 3, 3));
}

#[test]
fn a_loss_behind_the_last_event_is_told_when_the_mailbox_is_empty() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(1, Overflow::DropNewest).expect("a fair capacity");
    signal.emit_batch(&[1, 2, 3]);
    assert_eq!(all(&mut receiver), [Ok(1), Err(Lagged(2))]);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    signal.emit(&4);
    assert_eq!(all(&mut receiver), [Ok(4)], "told once");
}

#[test]
fn keep_latest_keeps_one_event_when_it_was_full() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(3, Overflow::KeepLatest).expect("a fair capacity");
    signal.emit_batch(&[1, 2, 3]);
    signal.emit(&4);
    assert_eq!(receiver.len(), 1);
    signal.emit(&5);
    assert_eq!(all(&mut receiver), [Err(Lagged(3)), Ok(4), Ok(5)]);
    let figures = receiver.figures();
    assert_eq!((figures.sent, figures.received, figures.replaced, figures.lost()), (5, 2, 3, 3));
}

#[test]
fn a_mailbox_that_was_to_be_disconnected_says_why_after_what_is_queued() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(2, Overflow::Disconnect).expect("a fair capacity");
    signal.emit_batch(&[1, 2]);
    assert!(receiver.connection().is_connected());
    signal.emit(&3);
    assert!(!receiver.connection().is_connected() && signal.is_empty());
    signal.emit(&4);
    assert_eq!(all(&mut receiver), [Ok(1), Ok(2)]);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed(CloseReason::Overflowed)));
    assert_eq!(receiver.recv(), Err(RecvError::Closed(CloseReason::Overflowed)), "for good");
    let figures = receiver.figures();
    assert_eq!((figures.sent, figures.received, figures.overflowed), (3, 2, 1));
}

#[test]
fn a_blocked_emission_goes_on_when_there_is_room() {
    let signal = Arc::new(Signal::<u32>::new_in(&Domain::new()));
    let mut receiver = signal.mailbox(2, Overflow::Block(Duration::MAX)).expect("a fair capacity");
    let emitter = {
        let signal = signal.clone();
        thread::spawn(move || {
            (0..50).for_each(|n| {
                signal.emit(&n);
            });
            signal.emit_batch(&(50..100).collect::<Vec<_>>());
        })
    };
    for n in 0..100 {
        if n % 10 == 0 {
            thread::sleep(SOON);
        }
        assert_eq!(receiver.recv(), Ok(n));
    }
    emitter.join().expect("it only emits");
    assert_eq!(receiver.figures().lost(), 0);
    assert_balance(&receiver);
}

#[test]
fn a_blocked_emission_gives_up_after_its_time_and_the_receiver_learns_of_it() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(2, Overflow::Block(Duration::from_millis(10))).expect("a fair capacity");
    let begin = Instant::now();
    signal.emit_batch(&[1, 2, 3, 4, 5]);
    assert!(begin.elapsed() >= Duration::from_millis(10));
    assert_eq!(all(&mut receiver), [Ok(1), Ok(2), Err(Lagged(3))]);
    let figures = receiver.figures();
    assert_eq!((figures.sent, figures.timed_out), (5, 3));
}

#[test]
fn a_blocked_emission_gives_up_when_the_receiver_goes() {
    let signal = Arc::new(Signal::<u32>::new_in(&Domain::new()));
    let receiver = signal.mailbox(1, Overflow::Block(Duration::MAX)).expect("a fair capacity");
    let (emitted, full) = (signal.clone(), Arc::new(Barrier::new(2)));
    let is_full = full.clone();
    let emitter = thread::spawn(move || {
        emitted.emit(&1);
        is_full.wait();
        emitted.emit(&2);
    });
    full.wait();
    thread::sleep(SOON);
    drop(receiver);
    emitter.join().expect("it returns");
}

#[test]
fn a_receiver_may_lag_twice_before_it_reads() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(2, Overflow::DropOldest).expect("a fair capacity");
    signal.emit_batch(&[1, 2, 3]);
    signal.emit_batch(&[4, 5, 6]);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(4)));
    signal.emit_batch(&[7, 8]);
    // The event that it was told the loss for is its own by now.
    assert_eq!(all(&mut receiver), [Ok(5), Err(Lagged(1)), Ok(7), Ok(8)]);
}

#[test]
fn receivers_lag_each_for_itself() {
    let signal = Signal::<u32>::new();
    let mut slow = signal.mailbox(1, Overflow::DropOldest).expect("a fair capacity");
    let mut large = signal.mailbox(10, Overflow::DropOldest).expect("a fair capacity");
    signal.emit_batch(&[1, 2, 3]);
    assert_eq!(all(&mut slow), [Err(Lagged(2)), Ok(3)]);
    assert_eq!(all(&mut large), [Ok(1), Ok(2), Ok(3)]);
}

#[test]
fn a_capacity_of_one_is_enough() {
    for overflow in POLICIES {
        let signal = Signal::<u32>::new();
        let mut receiver = signal.mailbox(1, overflow).expect("one is enough");
        for n in 0..100 {
            signal.emit(&n);
            assert_eq!(receiver.try_recv(), Ok(n), "{overflow:?}");
        }
    }
}

#[test]
fn capacities_that_cannot_be_are_refused_and_nothing_is_connected() {
    let signal = Signal::<[u64; 16]>::new();
    for overflow in POLICIES {
        assert_eq!(signal.mailbox(0, overflow).err(), Some(CapacityError::Zero));
        let error = signal.mailbox(usize::MAX, overflow).expect_err("there is no such memory");
        assert!(matches!(error, CapacityError::TooLarge { asked: usize::MAX, most } if most > 0), "{error:?}");
        let CapacityError::TooLarge { most, .. } = error else { unreachable!() };
        let error = signal.mailbox(most, overflow).expect_err("nor such");
        assert_eq!(error, CapacityError::NoMemory { asked: most });
        assert!(error.to_string().contains("ask for fewer"));
    }
    assert!(signal.is_empty());
}

#[test]
fn dropping_the_receiver_disconnects_and_drops_what_is_queued_here() {
    for overflow in POLICIES {
        let (signal, tally) = (Signal::<Tracked>::new(), Tally::new());
        let receiver = signal.mailbox(10, overflow).expect("a fair capacity");
        let connection = receiver.connection();
        (0..5).for_each(|_| {
            signal.emit(&Tracked::new(&tally));
        });
        drop(receiver);
        assert!(!connection.is_connected() && signal.is_empty());
        tally.assert_all_dropped();
        signal.emit(&Tracked::new(&tally));
        collect_all(signal.domain());
        tally.assert_all_dropped();
    }
}

#[test]
fn dropping_the_signal_ends_the_stream_after_what_is_queued() {
    for overflow in POLICIES {
        let signal = Signal::<u32>::new();
        let mut receiver = signal.mailbox(10, overflow).expect("a fair capacity");
        signal.emit_batch(&[1, 2]);
        drop(signal);
        assert_eq!(all(&mut receiver), [Ok(1), Ok(2)]);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed(CloseReason::SignalDropped)));
        assert_eq!(receiver.recv_timeout(Duration::MAX), Err(RecvTimeoutError::Closed(CloseReason::SignalDropped)));
        assert_eq!(receiver.drain(7).err(), Some(TryRecvError::Closed(CloseReason::SignalDropped)));
    }
}

#[test]
fn dropping_the_signal_wakes_a_receiver_that_sleeps() {
    for wait in [Wait::Spin, Wait::Yield, Wait::Park] {
        let signal = Signal::<u32>::new();
        let mut receiver = signal.mailbox(10, Overflow::DropOldest).expect("a fair capacity");
        receiver.wait_strategy(wait);
        let reader = thread::spawn(move || receiver.recv());
        thread::sleep(SOON);
        drop(signal);
        assert_eq!(reader.join().expect("it only waits"), Err(RecvError::Closed(CloseReason::SignalDropped)));
    }
}

#[test]
fn a_sleeping_receiver_notices_the_end_of_its_connection() {
    for wait in [Wait::Spin, Wait::Yield, Wait::Park] {
        let signal = Signal::<u32>::new();
        let mut receiver = signal.mailbox(10, Overflow::DropOldest).expect("a fair capacity");
        receiver.wait_strategy(wait);
        let connection = receiver.connection();
        let reader = thread::spawn(move || receiver.recv());
        thread::sleep(SOON);
        assert!(connection.disconnect());
        assert_eq!(reader.join().expect("it only waits"), Err(RecvError::Closed(CloseReason::Disconnected)));
    }
}

#[test]
fn whatever_ends_the_connection_ends_the_stream_after_what_is_queued() {
    type End = fn(&Signal<u32>, &Receiver<u32>);
    let ends: [End; 3] = [
        |_, receiver| assert!(receiver.connection().disconnect()),
        |signal, _| assert_eq!(signal.disconnect_all(), 1),
        |signal, receiver| {
            receiver.connection().disconnect();
            collect_all(signal.domain());
        },
    ];
    for end in ends {
        let signal = Signal::<u32>::new();
        let mut receiver = signal.mailbox(10, Overflow::DropNewest).expect("a fair capacity");
        signal.emit_batch(&[1, 2]);
        end(&signal, &receiver);
        signal.emit(&3);
        assert_eq!(all(&mut receiver), [Ok(1), Ok(2)]);
        assert_eq!(receiver.recv(), Err(RecvError::Closed(CloseReason::Disconnected)));
    }
}

/// A clone of it is a guard of its own.
struct Tracked {
    tally: Tally,
    _guard: common::Guard,
}

impl Tracked {
    fn new(tally: &Tally) -> Self {
        Self { tally: tally.clone(), _guard: tally.guard() }
    }
}

impl Clone for Tracked {
    fn clone(&self) -> Self {
        Self::new(&self.tally)
    }
}

#[test]
fn every_event_is_dropped_exactly_once_whatever_the_policy() {
    for overflow in POLICIES {
        for capacity in [1, 3, 20] {
            let (signal, tally) = (Signal::<Tracked>::new(), Tally::new());
            let mut receiver = signal.mailbox(capacity, overflow).expect("a fair capacity");
            for round in 0..30 {
                (0..round % 7).for_each(|_| {
                    signal.emit(&Tracked::new(&tally));
                });
                signal.emit_batch(&(0..round % 5).map(|_| Tracked::new(&tally)).collect::<Vec<_>>());
                match round % 3 {
                    0 => drop(receiver.try_recv()),
                    1 => drop(receiver.drain(3).map(|mut drain| drain.next())),
                    _ => {}
                }
            }
            drop(receiver);
            drop(signal);
            tally.assert_all_dropped();
        }
    }
}

#[test]
fn a_forgotten_drain_leaves_the_rest_where_it_was() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let (signal, tally) = (Signal::<Tracked>::new(), Tally::new());
        let mut receiver = signal.mailbox(8, overflow).expect("a fair capacity");
        signal.emit_batch(&[(); 8].map(|()| Tracked::new(&tally)));
        let mut drain = receiver.drain(5).expect("there are eight");
        drop((drain.next(), drain.next()));
        std::mem::forget(drain);
        assert_eq!(tally.dropped(), 8 + 2);
        assert_eq!(receiver.try_iter().flatten().count(), 6);
        drop(receiver);
        tally.assert_all_dropped();
    }
}

#[test]
fn draining_stops_before_a_loss_and_says_it_next() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(3, Overflow::DropNewest).expect("a fair capacity");
    signal.emit_batch(&[1, 2, 3, 4]);
    assert_eq!(receiver.try_recv(), Ok(1));
    signal.emit(&5);
    assert_eq!(receiver.drain(10).expect("two before the loss").collect::<Vec<_>>(), [2, 3]);
    assert_eq!(receiver.drain(10).err(), Some(TryRecvError::Lagged(1)));
    assert_eq!(receiver.drain(10).expect("one behind it").collect::<Vec<_>>(), [5]);
    assert_eq!(receiver.drain(10).err(), Some(TryRecvError::Empty));
    assert_eq!(receiver.drain(0).err(), Some(TryRecvError::Empty));
}

#[test]
fn draining_takes_what_is_asked_for_and_makes_room() {
    for overflow in POLICIES {
        let signal = Signal::<usize>::new();
        let mut receiver = signal.mailbox(100, overflow).expect("a fair capacity");
        signal.emit_batch(&(0..100).collect::<Vec<_>>());
        assert!(receiver.drain(70).expect("a hundred").eq(0..70));
        assert_eq!(receiver.len(), 30, "{overflow:?}");
        drop(receiver.drain(70).expect("thirty"));
        assert_eq!(receiver.len(), 30, "{overflow:?}: nothing was asked for");
        signal.emit_batch(&(100..170).collect::<Vec<_>>());
        assert!(receiver.drain(1000).expect("a hundred again").eq(70..170), "{overflow:?}");
        assert_eq!(receiver.figures().lost(), 0);
        assert_balance(&receiver);
    }
}

/// Its clone panics if it is odd.
#[derive(Debug, PartialEq)]
struct Fragile(u32);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert!(self.0 % 2 == 0, "odd");
        Self(self.0)
    }
}

/// The same, with something to drop.
#[derive(Debug, PartialEq)]
struct FragileBox(Box<u32>);

impl Clone for FragileBox {
    fn clone(&self) -> Self {
        assert!(*self.0 % 2 == 0, "odd");
        Self(self.0.clone())
    }
}

fn clones_that_panic<E: Clone + Send + std::fmt::Debug + PartialEq + 'static>(make: fn(u32) -> E) {
    for overflow in POLICIES {
        let signal = Signal::<E>::new();
        let mut receiver = signal.mailbox(4, overflow).expect("a fair capacity");
        let connection = receiver.connection();
        signal.emit(&make(1));
        assert_eq!(connection.panics(), Some(1));
        signal.emit(&make(2));
        signal.emit_batch(&[3, 4, 5, 6].map(make));
        assert_eq!(connection.panics(), Some(2), "a batch is one call");
        let received: Vec<_> = receiver.try_iter().flatten().collect();
        assert_eq!(received, [2, 4, 6].map(make), "{overflow:?}");
        for n in 0..40 {
            signal.emit(&make(2 * n));
            assert_eq!(receiver.try_recv(), Ok(make(2 * n)), "the queue goes on");
            signal.emit(&make(1));
        }
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        let figures = receiver.figures();
        assert_eq!((figures.sent, figures.received, figures.queued), (43, 43, 0));
        drop(signal);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed(CloseReason::SignalDropped)));
    }
}

#[test]
fn a_clone_that_panics_is_the_slots_panic_and_nothing_else() {
    clones_that_panic(Fragile);
    clones_that_panic(|n| FragileBox(Box::new(n)));
}

#[test]
fn a_clone_that_panics_counts_for_the_panic_policy() {
    let signal = Signal::<Fragile>::new();
    signal.on_panic(PanicPolicy::DisconnectAfter(2));
    let mut receiver = signal.mailbox(4, Overflow::DropOldest).expect("a fair capacity");
    signal.emit(&Fragile(1));
    signal.emit(&Fragile(1));
    assert_eq!(receiver.recv(), Err(RecvError::Closed(CloseReason::Disconnected)));
}

#[test]
fn a_destructor_that_panics_hurts_nobody() {
    #[derive(Clone)]
    struct Bomb(bool);
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!self.0 || thread::panicking(), "on purpose");
        }
    }
    for overflow in [Overflow::DropOldest, Overflow::KeepLatest] {
        let signal = Signal::<Bomb>::new();
        let mut receiver = signal.mailbox(2, overflow).expect("a fair capacity");
        let bomb = std::mem::ManuallyDrop::new(Bomb(true));
        (0..10).for_each(|_| {
            signal.emit(&bomb);
        });
        assert_eq!(receiver.connection().panics(), Some(0), "{overflow:?}");
        signal.emit(&Bomb(false));
        signal.emit(&Bomb(false));
        assert!(matches!(receiver.try_recv(), Err(TryRecvError::Lagged(_))));
        (0..10).for_each(|_| {
            signal.emit(&bomb);
        });
        drop(receiver);
    }
}

#[test]
fn a_destructor_may_emit_into_the_mailbox_that_drops_it() {
    static SIGNAL: Signal<Again> = Signal::new();
    #[derive(Clone)]
    struct Again(u32);
    impl Drop for Again {
        fn drop(&mut self) {
            if self.0 > 0 {
                SIGNAL.emit(&Again(0));
            }
        }
    }
    for overflow in [Overflow::DropOldest, Overflow::KeepLatest] {
        let mut receiver = SIGNAL.mailbox(1, overflow).expect("one is enough");
        for _ in 0..100 {
            SIGNAL.emit(&std::mem::ManuallyDrop::new(Again(1)));
        }
        assert!(receiver.try_iter().flatten().count() <= 2);
    }
}

#[test]
fn a_slot_may_receive_from_the_mailbox_of_its_own_signal() {
    for overflow in POLICIES {
        let signal = Signal::<u32>::new();
        let receiver = signal.mailbox(4, overflow).expect("a fair capacity");
        let received = Arc::new(Mutex::new(Vec::new()));
        let (receiver, log) = (Mutex::new(receiver), received.clone());
        signal.connect(move |_| {
            let mut receiver = receiver.lock().expect("nothing panics under it");
            log.lock().expect("nothing panics under it").extend(receiver.try_iter().flatten());
        });
        (0..100).for_each(|n| {
            signal.emit(&n);
        });
        assert!(received.lock().expect("as above").iter().copied().eq(0..100), "{overflow:?}");
    }
}

#[test]
fn order_is_kept_per_emitter_and_losses_are_told_before_what_comes_after_them() {
    const EMITTERS: usize = 2;
    const EVENTS: u64 = 20_000;
    for overflow in [Overflow::DropOldest, Overflow::DropNewest, Overflow::KeepLatest, Overflow::Block(Duration::MAX)] {
        let signal = Arc::new(Signal::<(usize, u64)>::new_in(&Domain::new()));
        let mut receiver = signal.mailbox(64, overflow).expect("a fair capacity");
        let emitters: Vec<_> = (0..EMITTERS)
            .map(|emitter| {
                let signal = signal.clone();
                thread::spawn(move || {
                    for n in (0..EVENTS).step_by(4) {
                        signal.emit(&(emitter, n));
                        signal.emit_batch(&[1, 2, 3].map(|more| (emitter, n + more)));
                    }
                })
            })
            .collect();
        drop(signal);
        let (mut next, mut told, mut missed, mut received) = ([0; EMITTERS], 0, 0, 0);
        for found in &mut receiver {
            match found {
                Ok((emitter, n)) => {
                    assert!(n >= next[emitter], "{overflow:?}: {n} after {}", next[emitter]);
                    missed += n - next[emitter];
                    next[emitter] = n + 1;
                    received += 1;
                    assert!(missed <= told, "{overflow:?}: {missed} are missed, {told} were told");
                }
                Err(Lagged(count)) => told += count,
            }
        }
        emitters.into_iter().for_each(|emitter| emitter.join().expect("it only emits"));
        let figures = receiver.figures();
        assert_eq!(received + told, EMITTERS as u64 * EVENTS, "{overflow:?}: {figures:?}");
        assert_eq!((figures.sent, figures.received, figures.lost()), (received + told, received, told), "{overflow:?}");
    }
}

#[test]
fn receivers_can_be_sent_to_other_threads() {
    fn is_send<T: Send>() {}
    is_send::<Receiver<u32>>();
    is_send::<Receiver<std::cell::Cell<u32>>>();
}

#[test]
fn errors_say_what_to_do() {
    assert_eq!(
        TryRecvError::Lagged(3).to_string(),
        "3 events were lost before the next one: receive again, more often or with more capacity"
    );
    assert_eq!(
        RecvError::Closed(CloseReason::Disconnected).to_string(),
        "no further event comes, for its connection was ended: let go of the receiver"
    );
    assert!(RecvTimeoutError::Timeout.to_string().contains("wait for longer"));
    assert_eq!(CapacityError::Zero.to_string(), "a capacity of 0 has room for no event: ask for 1 at the least");
}

#[test]
fn a_hub_shares_one_clone_between_its_mailboxes_and_makes_none_for_nobody() {
    let (signal, tally) = (Signal::<Tracked>::new(), Tally::new());
    let shared = signal.shared();
    signal.emit(&Tracked::new(&tally));
    assert_eq!(tally.made(), 1, "nobody listens");
    let mut receivers = [(); 3].map(|()| shared.mailbox(4, Overflow::DropNewest).expect("a fair capacity"));
    signal.emit_batch(&[(); 2].map(|()| Tracked::new(&tally)));
    assert_eq!(tally.made(), 1 + 2 + 2, "one clone each");
    let [first, second, third] = receivers.each_mut().map(|receiver| receiver.recv().expect("there are two"));
    assert!(Arc::ptr_eq(&first, &second) && Arc::ptr_eq(&second, &third));
    drop(shared);
    assert!(receivers[0].recv().is_ok());
    assert_eq!(receivers[0].recv().err(), Some(RecvError::Closed(CloseReason::Disconnected)));
    drop((first, second, third, receivers));
    assert!(signal.is_empty());
    collect_all(signal.domain());
    collect_all(signal.domain());
    tally.assert_all_dropped();
}

#[test]
fn a_hub_does_not_write_over_what_somebody_holds() {
    let signal = Signal::<Vec<u32>>::new();
    let shared = signal.shared();
    let mut receiver = shared.mailbox(1000, Overflow::DropNewest).expect("a fair capacity");
    let mut held = Vec::new();
    for n in 0..500 {
        signal.emit(&vec![n; 3]);
        let event = receiver.recv().expect("it was emitted");
        assert_eq!(*event, [n; 3]);
        if n % 3 == 0 {
            held.push((n, event));
        }
    }
    assert!(held.iter().all(|(n, event)| **event == [*n; 3]));
}
