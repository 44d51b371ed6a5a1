//! Promises of mailboxes, rings and loops in the corners: clones that panic, readers that join, capacities that are too large.

use pulsebus::{CapacityError, CloseReason, EventLoop, Overflow, Ring, Signal, TryRecvError, Wait};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

/// Long enough for whatever is to happen.
const LONG: Duration = Duration::from_secs(10);

/// Its clone emits another one where there is no room for it, and panics.
#[derive(Debug, PartialEq)]
struct Restless(u32);

static RESTLESS: Signal<Restless> = Signal::new();

impl Clone for Restless {
    fn clone(&self) -> Self {
        if self.0 == 1 {
            RESTLESS.emit(&Restless(2));
            panic!("no clone of the first");
        }
        Self(self.0)
    }
}

#[test]
fn next_and_wait_go_on_to_the_next_event_when_clones_of_the_first_ones_were_lost() {
    #[cfg(feature = "async")]
    {
        use std::future::Future;
        use std::pin::pin;
        use std::task::{Context, Poll, Waker};

        let mut next = pin!(RESTLESS.next());
        RESTLESS.emit(&Restless(1));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(next.as_mut().poll(&mut context), Poll::Pending);
        RESTLESS.emit(&Restless(3));
        assert_eq!(next.poll(&mut context), Poll::Ready(Ok(Restless(3))));
    }

    let waiting = thread::spawn(|| RESTLESS.wait(Duration::MAX));
    while !waiting.is_finished() {
        RESTLESS.emit(&Restless(1));
        RESTLESS.emit(&Restless(3));
        thread::yield_now();
    }
    // The second one, if it begins to wait between the first one and that.
    assert!(matches!(waiting.join().expect("it waits"), Ok(Restless(2 | 3))));
}

/// Its clone says that it has begun, stays for a while, and panics.
struct Slow(u32);

static BEGUN: AtomicBool = AtomicBool::new(false);

impl Clone for Slow {
    fn clone(&self) -> Self {
        if self.0 == 1 {
            BEGUN.store(true, SeqCst);
            // The other sender goes to sleep meanwhile. If it does not, it has nothing to be woken from.
            thread::sleep(Duration::from_millis(100));
            panic!("no clone of the first");
        }
        Self(self.0)
    }
}

#[test]
fn a_sender_that_waits_has_the_room_that_a_clone_that_panics_gives_back() {
    let signal = Arc::new(Signal::<Slow>::new());
    let mut receiver = signal.mailbox(1, Overflow::Block(Duration::MAX)).expect("a capacity");
    let first = thread::spawn({
        let signal = signal.clone();
        move || signal.emit(&Slow(1))
    });
    while !BEGUN.load(SeqCst) {
        thread::yield_now();
    }
    let second = thread::spawn({
        let signal = signal.clone();
        move || signal.emit(&Slow(2))
    });
    let got = receiver.recv_timeout(LONG).map(|event| event.0);
    drop(receiver); // lets go of a sender that was not woken
    first.join().expect("the panic was the slot's");
    second.join().expect("nothing panics");
    assert_eq!(got, Ok(2));
}

#[test]
fn a_publisher_that_waits_for_a_reader_that_is_joining_goes_on_when_it_has_joined() {
    let ring = Ring::gated(1).expect("a capacity").with_wait(Wait::Park);
    let publishers: Vec<_> = (0..2)
        .map(|_| {
            let ring = ring.clone();
            let go_on = Arc::new(AtomicBool::new(true));
            let thread = thread::spawn({
                let go_on = go_on.clone();
                move || {
                    while go_on.load(SeqCst) {
                        ring.publish(());
                    }
                }
            });
            (go_on, thread)
        })
        .collect();
    let mut woken = true;
    for round in 0..2_000 {
        let mut reader = if round % 2 == 0 { ring.subscribe() } else { ring.subscribe_oldest() };
        woken &= reader.recv_timeout(LONG).is_ok();
        if !woken {
            break;
        }
    }
    for (go_on, thread) in publishers {
        go_on.store(false, SeqCst);
        thread.join().expect("it publishes");
    }
    assert!(woken, "publishers and reader wait for each other");
}

#[test]
fn a_reader_is_told_that_the_one_ahead_has_left_events_unread_also_when_the_publishers_have_gone() {
    let ring = Ring::gated(8).expect("a capacity");
    let mut first = ring.subscribe();
    let mut second = first.then().expect("a gated ring");
    let mut whole = first.then().expect("a gated ring");
    ring.publish_batch(&[1, 2, 3]);
    assert_eq!(first.try_recv(), Ok(1));
    drop((first, ring));
    assert_eq!(second.try_recv(), Ok(1));
    assert_eq!(second.try_recv(), Err(TryRecvError::Closed(CloseReason::ReaderAheadGone)));
    assert_eq!(whole.try_recv(), Ok(1));
    assert_eq!(whole.try_recv(), Err(TryRecvError::Closed(CloseReason::ReaderAheadGone)));
}

#[test]
fn a_reader_that_has_read_all_is_told_that_the_publishers_have_gone() {
    let ring = Ring::gated(8).expect("a capacity");
    let mut first = ring.subscribe();
    let mut second = first.then().expect("a gated ring");
    ring.publish(1);
    assert_eq!(first.try_recv(), Ok(1));
    drop((first, ring));
    assert_eq!(second.try_recv(), Ok(1));
    assert_eq!(second.try_recv(), Err(TryRecvError::Closed(CloseReason::PublishersGone)));
}

#[test]
fn what_there_is_no_memory_for_is_refused_and_nothing_aborts() {
    let refused = CapacityError::NoMemory { asked: 1 << 50 };
    assert_eq!(EventLoop::bounded(1 << 50).err(), Some(refused));
    // More than addresses: 2^48 bytes.
    type Large = [u8; 1 << 26];
    let asked = 1 << 22;
    let rings = move || [Ring::<Large>::lossy(asked).err(), Ring::<Large>::gated(asked).err()];
    // Room on the stack for one, in case that a compiler wants it.
    let made = thread::Builder::new().stack_size(1 << 30).spawn(rings).expect("a thread");
    assert_eq!(made.join().expect("nothing panics"), [Some(CapacityError::NoMemory { asked }); 2]);
}

#[test]
fn what_a_drain_was_about_to_hand_out_makes_no_room_and_is_received_next() {
    let signal = Signal::<u32>::new();
    let mut receiver = signal.mailbox(16, Overflow::DropOldest).expect("a capacity");
    signal.emit_batch(&(0..16).collect::<Vec<_>>());
    assert_eq!(receiver.drain(16).expect("events").next(), Some(0));
    signal.emit_batch(&(16..32).collect::<Vec<_>>());
    assert!(receiver.len() <= receiver.capacity() + 31, "{} of {}", receiver.len(), receiver.capacity());
    let (got, lost): (Vec<_>, Vec<_>) = receiver.try_iter().partition(Result::is_ok);
    assert_eq!(got.first(), Some(&Ok(1)));
    let lost: u64 = lost.into_iter().filter_map(Result::err).map(|lagged| lagged.0).sum();
    assert_eq!(got.len() as u64 + lost, 31, "each is received, or known to be lost");
}
