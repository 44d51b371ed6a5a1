//! Promises of mailboxes and rings in the corners, once more: events that are made in their place, runs that are shown together.

use pulsebus::{
    CloseReason, Overflow, RecvTimeoutError, Ring, RingFull, RingPublisher, RingReader, Signal, TryRecvError, Wait,
};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

/// Long enough for whatever is to happen.
const LONG: Duration = Duration::from_secs(10);

/// A publisher of whatever kind.
trait Publish<E> {
    fn with(&mut self, make: impl FnOnce() -> E);
    fn try_with<F: FnOnce() -> E>(&mut self, make: F) -> Result<(), RingFull<F>>;
    fn reader(&self) -> RingReader<E>;
}

impl<E> Publish<E> for Ring<E> {
    fn with(&mut self, make: impl FnOnce() -> E) {
        self.publish_with(make);
    }
    fn try_with<F: FnOnce() -> E>(&mut self, make: F) -> Result<(), RingFull<F>> {
        self.try_publish_with(make)
    }
    fn reader(&self) -> RingReader<E> {
        self.subscribe()
    }
}

impl<E> Publish<E> for RingPublisher<E> {
    fn with(&mut self, make: impl FnOnce() -> E) {
        self.publish_with(make);
    }
    fn try_with<F: FnOnce() -> E>(&mut self, make: F) -> Result<(), RingFull<F>> {
        self.try_publish_with(make)
    }
    fn reader(&self) -> RingReader<E> {
        self.subscribe()
    }
}

fn lossy<E>(capacity: usize) -> Ring<E> {
    Ring::lossy(capacity).expect("a capacity")
}

fn gated<E>(capacity: usize) -> Ring<E> {
    Ring::gated(capacity).expect("a capacity")
}

fn single<E>(capacity: usize) -> RingPublisher<E> {
    RingPublisher::gated(capacity).expect("a capacity")
}

fn panics<R>(f: impl FnOnce() -> R) {
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err(), "it panics");
}

/// Says how often one of its kind was dropped.
struct Noted<'a>(u32, &'a Cell<u32>);

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.1.set(self.1.get() + 1);
    }
}

fn numbers(reader: &mut RingReader<Noted<'_>>) -> Vec<u32> {
    let mut found = Vec::new();
    while reader.try_read(2, |event| found.push(event.0)).is_ok() {}
    found
}

// --- made in place ---------------------------------------------------------------------------------------------------

fn publishes_what_is_made(mut publisher: impl Publish<u32>) {
    let mut reader = publisher.reader();
    for number in 0..10 {
        publisher.with(|| number);
        assert_eq!(publisher.try_with(|| number + 100).map_err(|_| ()), Ok(()));
        assert_eq!((reader.try_recv(), reader.try_recv()), (Ok(number), Ok(number + 100)));
    }
    assert_eq!(reader.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn what_is_made_in_its_place_is_published() {
    for capacity in [2, 3, 8] {
        publishes_what_is_made(lossy(capacity));
        publishes_what_is_made(gated(capacity));
        publishes_what_is_made(single(capacity));
    }
}

fn makes_nothing_when_full(mut publisher: impl Publish<String>, capacity: usize) {
    let mut reader = publisher.reader();
    for number in 0..capacity {
        publisher.with(|| number.to_string());
    }
    let made = Cell::new(0);
    let make = || {
        made.set(made.get() + 1);
        "late".to_string()
    };
    let Err(RingFull(make)) = publisher.try_with(make) else { panic!("it is full") };
    assert_eq!(made.get(), 0, "not asked for what there is no room for");
    assert_eq!(reader.recv().as_deref(), Ok("0"));
    assert!(publisher.try_with(make).is_ok());
    assert_eq!(made.get(), 1);
    assert_eq!(reader.drain(99).last().as_deref(), Some("late"));
}

#[test]
fn what_there_is_no_room_for_is_not_made() {
    for capacity in [1, 3, 4] {
        makes_nothing_when_full(gated(capacity), capacity);
        makes_nothing_when_full(single(capacity), capacity);
    }
}

#[test]
fn what_would_have_made_an_event_comes_back_with_what_it_holds() {
    let (mut ring, held) = (gated(1), Arc::new(()));
    let reader = ring.reader();
    ring.publish(held.clone());
    let moved = held.clone();
    let back = ring.try_with(move || moved).expect_err("it is full");
    assert_eq!(Arc::strong_count(&held), 3);
    drop(back);
    assert_eq!(Arc::strong_count(&held), 2);
    drop((ring, reader));
    assert_eq!(Arc::strong_count(&held), 1);
}

fn a_panic_publishes_nothing<'a>(mut publisher: impl Publish<Noted<'a>>, dropped: &'a Cell<u32>, places: u32) {
    let mut reader = publisher.reader();
    // In the first round, and where there was something.
    for round in 0..3 * places {
        publisher.with(|| Noted(round, dropped));
        panics(|| publisher.with(|| panic!("no event")));
        panics(|| _ = publisher.try_with(|| panic!("no event")).is_ok());
        publisher.with(|| Noted(round + 1000, dropped));
        assert_eq!(numbers(&mut reader), [round, round + 1000]);
    }
    drop((publisher, reader));
    assert_eq!(dropped.get(), 6 * places, "each once");
}

#[test]
fn a_panic_while_an_event_is_made_publishes_nothing_and_drops_nothing_twice() {
    for capacity in [4_u32, 5, 8] {
        let (a, b, c) = (Cell::new(0), Cell::new(0), Cell::new(0));
        a_panic_publishes_nothing(lossy(capacity as usize), &a, capacity);
        a_panic_publishes_nothing(gated(capacity as usize), &b, capacity);
        a_panic_publishes_nothing(single(capacity as usize), &c, capacity);
    }
}

fn a_panic_leaves_plain_events(mut publisher: impl Publish<[u64; 9]>) {
    let mut reader = publisher.reader();
    for round in 0..50 {
        publisher.with(|| [round; 9]);
        panics(|| publisher.with(|| panic!("no event")));
        publisher.with(|| [round + 1000; 9]);
        let mut found = Vec::new();
        while reader.try_read(9, |event| found.push(*event)).is_ok() {}
        assert_eq!(found, [[round; 9], [round + 1000; 9]]);
    }
}

#[test]
fn a_panic_while_a_plain_event_is_made_publishes_nothing() {
    for capacity in [3, 4, 7] {
        a_panic_leaves_plain_events(lossy(capacity));
        a_panic_leaves_plain_events(gated(capacity));
        a_panic_leaves_plain_events(single(capacity));
    }
}

/// Another publisher's event lies behind a place that is being made; then making panics.
fn wakes_behind_a_skipped_place(ring: Ring<String>) {
    let mut reader = ring.subscribe();
    let (asked, told) = std::sync::mpsc::channel();
    let reading = thread::spawn(move || {
        asked.send(()).expect("somebody listens");
        reader.recv_timeout(LONG)
    });
    told.recv().expect("it begins");
    let other = ring.clone();
    panics(|| {
        ring.publish_with(|| {
            other.publish("behind".to_string());
            // The reader sleeps, or is about to, and has found nothing that it can read.
            thread::sleep(Duration::from_millis(100));
            panic!("no event")
        })
    });
    assert_eq!(reading.join().expect("it waits").as_deref(), Ok("behind"));
}

#[test]
fn a_sleeping_reader_is_woken_for_what_lies_behind_an_event_that_was_not_made() {
    wakes_behind_a_skipped_place(lossy(4));
    wakes_behind_a_skipped_place(gated(4));
}

#[test]
fn what_is_published_while_an_event_of_a_lossy_ring_is_made_comes_before_it() {
    let ring = lossy(2);
    let mut reader = ring.subscribe();
    ring.publish_with(|| {
        ring.publish_batch(&[1, 2]);
        assert_eq!(reader.drain(9).collect::<Vec<_>>(), [1, 2], "nobody is held up");
        3
    });
    assert_eq!(reader.recv(), Ok(3));
}

#[test]
fn a_publisher_that_waits_for_room_makes_its_event_once_and_its_panic_goes_on() {
    let mut publisher = single(1).with_wait(Wait::Park);
    let mut reader = publisher.subscribe();
    publisher.publish(1);
    let made = AtomicUsize::new(0);
    thread::scope(|scope| {
        let publishing = scope.spawn(|| {
            publisher.publish_with(|| {
                made.fetch_add(1, SeqCst);
                2
            });
            let failed = catch_unwind(AssertUnwindSafe(|| {
                publisher.publish_with(|| {
                    made.fetch_add(1, SeqCst);
                    panic!("no event")
                })
            }));
            assert!(failed.is_err());
            publisher.publish_with(|| 3);
        });
        let mut found = Vec::new();
        while found.len() < 3 {
            found.push(reader.recv_timeout(LONG).expect("it comes"));
        }
        assert_eq!(found, [1, 2, 3]);
        publishing.join().expect("it publishes");
    });
    assert_eq!(made.load(SeqCst), 2);
}

#[test]
fn an_event_of_no_size_goes_through_a_ring_and_a_mailbox() {
    let (mut ring, mut publisher) = (gated(3), single(3));
    let (mut marked, mut plain) = (ring.reader(), publisher.reader());
    for _ in 0..600 {
        ring.with(|| ());
        publisher.with(|| ());
        assert_eq!((marked.recv(), plain.recv()), (Ok(()), Ok(())));
    }
    let signal = Signal::<()>::new();
    let mut mailbox = signal.mailbox(3, Overflow::DropNewest).expect("a capacity");
    for _ in 0..600 {
        signal.emit_batch(&[(), ()]);
        assert_eq!(mailbox.drain(9).expect("two").count(), 2);
    }
}

#[derive(Clone, Debug, PartialEq)]
#[repr(align(256))]
struct Wide(String);

#[test]
fn events_of_a_large_alignment_lie_aligned() {
    let (mut ring, mut publisher, signal) = (gated(3), single(3), Signal::new());
    let (mut marked, mut plain) = (ring.reader(), publisher.reader());
    let mut mailbox = signal.mailbox(3, Overflow::Disconnect).expect("a capacity");
    let aligned = |event: &Wide| assert_eq!(std::ptr::from_ref(event).addr() % 256, 0);
    for number in 0..20 {
        let event = Wide(number.to_string());
        ring.with(|| event.clone());
        publisher.with(|| event.clone());
        signal.emit(&event);
        assert_eq!(marked.try_read(1, aligned), Ok(1));
        assert_eq!(plain.try_read(1, aligned), Ok(1));
        assert_eq!(mailbox.try_recv(), Ok(event));
    }
}

// --- runs ------------------------------------------------------------------------------------------------------------

/// Yields numbers, and panics at one of them.
struct Breaking {
    next: u32,
    at: u32,
    len: u32,
}

impl Iterator for Breaking {
    type Item = String;
    fn next(&mut self) -> Option<String> {
        assert_ne!(self.next, self.at, "no such number");
        self.next += 1;
        (self.next <= self.len).then(|| (self.next - 1).to_string())
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        ((self.len - self.next) as usize, Some((self.len - self.next) as usize))
    }
}

impl ExactSizeIterator for Breaking {}

#[test]
fn a_batch_that_breaks_off_in_whatever_run_leaves_what_came_before_and_the_ring_goes_on() {
    for at in [0, 1, 31, 32, 33, 63, 64, 65, 99] {
        let (ring, mut publisher) = (gated(100), single(100));
        let (mut marked, mut plain) = (ring.subscribe(), publisher.subscribe());
        let mut after = marked.then().expect("a gated ring");
        // Also where there was something before.
        for _ in 0..3 {
            panics(|| ring.publish_iter(Breaking { next: 0, at, len: 100 }));
            panics(|| publisher.publish_iter(Breaking { next: 0, at, len: 100 }));
            let expected: Vec<String> = (0..at).map(|number| number.to_string()).collect();
            assert_eq!(marked.drain(usize::MAX).collect::<Vec<_>>(), expected);
            assert_eq!(plain.drain(usize::MAX).collect::<Vec<_>>(), expected);
            assert_eq!(after.drain(usize::MAX).collect::<Vec<_>>(), expected);
            ring.publish("next".into());
            publisher.publish("next".into());
            assert_eq!(marked.recv().as_deref(), Ok("next"));
            assert_eq!(after.recv().as_deref(), Ok("next"));
            assert_eq!(plain.recv().as_deref(), Ok("next"));
            assert_eq!(marked.try_recv(), Err(TryRecvError::Empty));
        }
    }
}

/// Its clone panics, if it says so.
#[derive(Debug, PartialEq)]
struct Fragile<T>(u32, bool, T);

impl<T: Clone> Clone for Fragile<T> {
    fn clone(&self) -> Self {
        assert!(!self.1, "no clone of it");
        Self(self.0, false, self.2.clone())
    }
}

fn clones_that_panic_leave_the_others<T: Clone + Send + 'static>(filling: T) {
    for broken in [vec![0], vec![31], vec![32], vec![33], vec![0, 1, 2], vec![31, 32, 63, 64, 65], (0..70).collect()] {
        let signal = Signal::new();
        let mut mailbox = signal.mailbox(70, Overflow::DropNewest).expect("a capacity");
        let events: Vec<_> = (0..70).map(|n| Fragile(n, broken.contains(&n), filling.clone())).collect();
        for _ in 0..5 {
            signal.emit_batch(&events);
            let expected: Vec<u32> = (0..70).filter(|n| !broken.contains(n)).collect();
            let mut found = Vec::new();
            while let Ok(drain) = mailbox.drain(usize::MAX) {
                found.extend(drain.map(|event| event.0));
            }
            assert_eq!(found, expected);
            // What was given back is there again.
            let whole: Vec<_> = (0..70).map(|n| Fragile(n, false, filling.clone())).collect();
            signal.emit_batch(&whole);
            assert_eq!(mailbox.drain(usize::MAX).expect("all").count(), 70);
            assert_eq!(mailbox.try_recv().map(|_| ()), Err(TryRecvError::Empty));
        }
    }
}

#[test]
fn clones_that_panic_in_whatever_run_leave_the_others() {
    clones_that_panic_leave_the_others(());
    clones_that_panic_leave_the_others("x".to_string());
}

/// A sender that has lost something, a batch whose clones panic after that, and an event behind.
#[test]
fn a_loss_that_a_batch_without_clones_has_taken_is_told_once_and_in_its_place() {
    let signal = Signal::new();
    let mut mailbox = signal.mailbox(3, Overflow::DropNewest).expect("a capacity");
    let whole: Vec<_> = (0..5).map(|n| Fragile(n, false, ())).collect();
    let broken: Vec<_> = (0..3).map(|n| Fragile(n, true, ())).collect();
    signal.emit_batch(&whole);
    assert_eq!(mailbox.drain(9).expect("three").count(), 3);
    signal.emit_batch(&broken);
    signal.emit_batch(&whole[..2]);
    assert_eq!(mailbox.try_recv().map(|_| ()), Err(TryRecvError::Lagged(2)));
    assert_eq!(mailbox.drain(9).expect("two").count(), 2);
    signal.emit_batch(&whole);
    assert_eq!(mailbox.drain(9).expect("three").count(), 3);
    signal.emit_batch(&broken);
    assert_eq!(mailbox.try_recv().map(|_| ()), Err(TryRecvError::Lagged(2)));
    assert_eq!(mailbox.try_recv().map(|_| ()), Err(TryRecvError::Empty));
    drop(signal);
    assert_eq!(mailbox.try_recv().map(|_| ()), Err(TryRecvError::Closed(CloseReason::SignalDropped)));
}

/// Its destructor panics, if it says so.
struct Angry(bool, u32);

impl Drop for Angry {
    fn drop(&mut self) {
        if std::mem::take(&mut self.0) {
            panic!("let go of");
        }
    }
}

#[test]
fn a_destructor_that_panics_in_the_middle_of_a_batch_ends_it_there_and_what_is_written_is_read() {
    for at in [0, 31, 32, 40] {
        let (ring, mut publisher) = (gated(64), single(64));
        let (mut marked, mut plain) = (ring.subscribe(), publisher.subscribe());
        let first = || (0..64).map(move |n| Angry(n == at, n)).collect::<Vec<_>>();
        ring.publish_iter(first());
        publisher.publish_iter(first());
        assert_eq!((marked.try_read(99, |_| ()), plain.try_read(99, |_| ())), (Ok(64), Ok(64)));
        panics(|| ring.publish_iter((0..64).map(|n| Angry(false, n)).collect::<Vec<_>>()));
        panics(|| publisher.publish_iter((0..64).map(|n| Angry(false, n)).collect::<Vec<_>>()));
        for reader in [&mut marked, &mut plain] {
            let mut found = Vec::new();
            while reader.try_read(7, |event| found.push(event.1)).is_ok() {}
            assert_eq!(found, (0..=at).collect::<Vec<_>>());
        }
    }
}

// --- looks -----------------------------------------------------------------------------------------------------------

#[test]
fn a_reader_that_goes_by_what_it_knows_finds_the_rest_and_the_end() {
    let mut publisher = single(16);
    let (mut reader, mut waiting) = (publisher.subscribe(), publisher.subscribe());
    publisher.publish_iter(0..6);
    assert_eq!(reader.try_read(4, |_| ()), Ok(4));
    assert_eq!(waiting.try_read(4, |_| ()), Ok(4));
    publisher.publish_iter(6..12);
    drop(publisher);
    let mut found = Vec::new();
    let end = loop {
        match reader.try_read(64, |event| found.push(*event)) {
            Ok(count) => assert!(count > 0),
            Err(error) => break error,
        }
    };
    assert_eq!((found, end), ((4..12).collect(), TryRecvError::Closed(CloseReason::PublishersGone)));
    assert_eq!(waiting.drain(99).collect::<Vec<_>>(), (4..12).collect::<Vec<_>>());
    assert_eq!(waiting.recv_timeout(LONG), Err(RecvTimeoutError::Closed(CloseReason::PublishersGone)));
}

#[test]
fn a_reader_behind_skipped_places_only_is_at_the_end() {
    let ring = gated::<String>(64);
    let mut first = ring.subscribe();
    let mut second = first.then().expect("a gated ring");
    panics(|| ring.publish_iter(Breaking { next: 0, at: 0, len: 60 }));
    assert_eq!(second.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(first.try_recv(), Err(TryRecvError::Empty));
    drop(ring);
    assert_eq!(second.try_recv(), Err(TryRecvError::Closed(CloseReason::PublishersGone)));
    assert_eq!(first.try_recv(), Err(TryRecvError::Closed(CloseReason::PublishersGone)));
}

#[test]
fn a_panic_in_what_reads_leaves_the_reader_behind_that_event() {
    let (ring, mut publisher) = (gated(8), single(8));
    let (marked, plain) = (ring.subscribe(), publisher.subscribe());
    let after = marked.then().expect("a gated ring");
    ring.publish_batch(&[1, 2, 3]);
    publisher.publish_batch(&[1, 2, 3]);
    for mut reader in [marked, after, plain] {
        panics(|| _ = reader.try_read(9, |event| assert_ne!(*event, 2)));
        assert_eq!(reader.drain(9).collect::<Vec<_>>(), [3]);
    }
}

// --- mailboxes -------------------------------------------------------------------------------------------------------

#[test]
fn a_drain_that_was_forgotten_holds_no_sender_up_and_drops_nothing_twice() {
    let held = Arc::new(());
    let signal = Signal::<Arc<()>>::new();
    let mut mailbox = signal.mailbox(4, Overflow::Block(LONG)).expect("a capacity");
    for _ in 0..3 {
        signal.emit_batch(&vec![held.clone(); 4]);
        let mut drain = mailbox.drain(9).expect("four");
        drop((drain.next(), drain.next()));
        std::mem::forget(drain);
        assert_eq!(mailbox.try_recv().map(|_| ()), Ok(()));
        signal.emit_batch(&vec![held.clone(); 3]);
        assert_eq!(mailbox.drain(9).expect("four").count(), 4);
    }
    signal.emit_batch(&vec![held.clone(); 4]);
    let mut drain = mailbox.drain(9).expect("four");
    drop(drain.next());
    std::mem::forget(drain);
    drop((signal, mailbox));
    pulsebus::collect();
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn a_sender_that_sleeps_is_woken_after_a_drain_was_forgotten() {
    let signal = Signal::<u32>::new();
    let mut mailbox = signal.mailbox(2, Overflow::Block(LONG)).expect("a capacity");
    signal.emit_batch(&[1, 2]);
    let mut drain = mailbox.drain(9).expect("two");
    assert_eq!((drain.next(), drain.next()), (Some(1), Some(2)));
    std::mem::forget(drain);
    thread::scope(|scope| {
        scope.spawn(|| signal.emit(&3));
        thread::sleep(Duration::from_millis(50));
        assert_eq!(mailbox.recv_timeout(LONG), Ok(3));
    });
    assert_eq!(mailbox.figures().timed_out, 0);
}

/// One sender, and a receiver that is mostly done: each loss is told exactly where it was.
#[test]
fn a_loss_beside_a_receiver_that_has_caught_up_is_told_in_its_place() {
    const BATCHES: u32 = if cfg!(miri) { 50 } else { 1_000_000 };
    for size in [2, 6] {
        let signal = Signal::<u32>::new();
        let mut mailbox = signal.mailbox(1, Overflow::DropNewest).expect("a capacity");
        let sending = thread::spawn(move || {
            let mut batch: Vec<u32> = (0..size).collect();
            for _ in 0..BATCHES {
                signal.emit_batch(&batch);
                batch.iter_mut().for_each(|number| *number += size);
            }
        });
        let mut next = 0;
        let mut wrong = 0;
        loop {
            match mailbox.try_recv() {
                Ok(number) => {
                    wrong += u32::from(number != next);
                    next = number + 1;
                }
                Err(TryRecvError::Lagged(lost)) => next += lost as u32,
                Err(TryRecvError::Empty) => {}
                Err(_) => break,
            }
        }
        sending.join().expect("it sends");
        assert_eq!((next, wrong), (BATCHES * size, 0));
    }
}

/// Three senders, batches of all sizes, clones that panic; a receiver that looks, drains, and forgets drains.
fn received_lost_or_never_made(capacity: usize, overflow: Overflow) {
    const SENDERS: u32 = 3;
    const EMISSIONS: u32 = if cfg!(miri) { 4 } else { 3000 };
    let signal = Arc::new(Signal::new());
    let mut mailbox = signal.mailbox(capacity, overflow).expect("a capacity");
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let signal = signal.clone();
            thread::spawn(move || {
                let (mut next, mut broken) = (0, 0);
                for round in 0..EMISSIONS {
                    let size = if round % 3 == 0 { 1 } else { round % 70 };
                    let events: Vec<_> = (next..next + size)
                        .map(|n| Fragile(sender << 24 | n, n % 97 == 13 || round % 50 == 49, "x".to_string()))
                        .collect();
                    broken += events.iter().filter(|event| event.1).count() as u64;
                    next += size;
                    signal.emit_batch(&events);
                }
                (u64::from(next), broken)
            })
        })
        .collect();
    drop(signal);
    let (mut received, mut lost, mut last) = (0_u64, 0_u64, [None; SENDERS as usize]);
    let mut note = |event: Fragile<String>| {
        received += 1;
        let (sender, number) = ((event.0 >> 24) as usize, event.0 & 0xff_ffff);
        assert!(last[sender] < Some(number), "twice, or out of order");
        last[sender] = Some(number);
    };
    let mut turn = 0;
    let end = loop {
        turn += 1;
        let found = match turn % 3 {
            0 => mailbox.recv_timeout(LONG).map(&mut note),
            1 => mailbox.try_recv().map(&mut note).map_err(|error| match error {
                TryRecvError::Lagged(count) => RecvTimeoutError::Lagged(count),
                TryRecvError::Closed(reason) => RecvTimeoutError::Closed(reason),
                _ => RecvTimeoutError::Lagged(0),
            }),
            _ => {
                match mailbox.drain(40) {
                    Ok(mut drain) => {
                        drain.by_ref().take(turn % 50).for_each(&mut note);
                        if turn % 2 == 0 {
                            std::mem::forget(drain);
                        }
                    }
                    Err(TryRecvError::Lagged(count)) => lost += count,
                    Err(_) => {}
                }
                continue;
            }
        };
        match found {
            Ok(()) => {}
            Err(RecvTimeoutError::Lagged(count)) => lost += count,
            Err(other) => break other,
        }
    };
    assert_eq!(end, RecvTimeoutError::Closed(CloseReason::SignalDropped));
    let (mut sent, mut broken) = (0, 0);
    for sender in senders {
        let (all, some) = sender.join().expect("it sends");
        (sent, broken) = (sent + all, broken + some);
    }
    let figures = mailbox.figures();
    assert_eq!((figures.received, figures.queued), (received, 0));
    // A clone that panics is not made where its event is lost.
    let gone = sent - received - lost;
    if let Overflow::Block(_) | Overflow::DropOldest | Overflow::KeepLatest = overflow {
        assert_eq!(gone, broken, "{received} of {sent} received, {lost} told to be lost");
    } else {
        assert!(gone <= broken, "{received} of {sent} received, {lost} told to be lost");
    }
    assert!(received > 0);
}

#[test]
fn what_several_send_is_received_told_to_be_lost_or_was_never_made() {
    for capacity in [1, 3, 64] {
        for overflow in [Overflow::DropNewest, Overflow::DropOldest, Overflow::KeepLatest, Overflow::Block(LONG)] {
            received_lost_or_never_made(capacity, overflow);
        }
    }
}
