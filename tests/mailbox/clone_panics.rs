//! Clones that panic: a panic of the slot, and nobody waits for what does not come; of `wait` and `next`, too.

use crate::shared::{LONG, POLICIES};
use pulsebus::{CloseReason, Overflow, PanicPolicy, RecvError, Signal, TryRecvError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

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
