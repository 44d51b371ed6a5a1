//! The broadcast ring between threads: who waits is woken, and everybody sees one and the same order.

mod common;

use common::Tally;
use pulsebus::{CloseReason, RecvError, Ring, RingPublisher, RingReader, TryRecvError, Wait};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

const WAITS: [Wait; 3] = [Wait::Spin, Wait::Yield, Wait::Park];

/// So many events: of threads that spin there may be more than cores, and then each hand-over takes a slice of time.
fn events(wait: Wait) -> u32 {
    if wait == Wait::Spin { 20 } else { 300 }
}

fn both<E>(capacity: usize) -> [Ring<E>; 2] {
    [Ring::lossy(capacity).expect("a capacity"), Ring::gated(capacity).expect("a capacity")]
}

/// All that a reader gets until the end; what it has lost, as numbers.
fn to_the_end<E: Clone>(mut reader: RingReader<E>) -> (Vec<E>, u64) {
    let (mut got, mut lost) = (Vec::new(), 0);
    loop {
        match reader.recv() {
            Ok(event) => got.push(event),
            Err(RecvError::Lagged(count)) => lost += count,
            Err(_) => return (got, lost),
        }
    }
}

#[test]
fn a_reader_that_waits_is_woken_by_an_event_and_by_the_end() {
    for wait in WAITS {
        for ring in both(2) {
            let ring = ring.with_wait(wait);
            let mut reader = ring.subscribe();
            let (got, tell) = (Arc::new(AtomicU64::new(0)), channel());
            let seen = got.clone();
            let reading = thread::spawn(move || {
                while let Ok(event) = reader.recv() {
                    seen.store(event, SeqCst);
                    tell.0.send(()).expect("somebody listens");
                }
                reader.recv()
            });
            for n in 1..u64::from(events(wait) / 5) {
                ring.publish(n);
                tell.1.recv().expect("it is reading");
                assert_eq!(got.load(SeqCst), n);
            }
            drop(ring);
            let end = reading.join().expect("it reads");
            assert_eq!(end, Err(RecvError::Closed(CloseReason::PublishersGone)));
        }
    }
}

#[test]
fn a_publisher_that_waits_goes_on_when_the_reader_does() {
    for wait in WAITS {
        let ring = Ring::gated(1).expect("a capacity").with_wait(wait);
        let reader = ring.subscribe();
        let publishing = thread::spawn(move || (0..events(wait)).for_each(|n| ring.publish(n)));
        assert_eq!(to_the_end(reader), ((0..events(wait)).collect(), 0));
        publishing.join().expect("it publishes");
    }
}

#[test]
fn a_publisher_that_waits_goes_on_when_the_reader_leaves_in_mid_stream() {
    for wait in WAITS {
        let ring = Ring::gated(2).expect("a capacity").with_wait(wait);
        let (mut leaves, stays) = (ring.subscribe(), ring.subscribe());
        let publishing = thread::spawn(move || (0..events(wait)).for_each(|n| ring.publish(n)));
        let staying = thread::spawn(move || to_the_end(stays));
        assert_eq!((leaves.recv(), leaves.recv()), (Ok(0), Ok(1)));
        drop(leaves);
        publishing.join().expect("it publishes");
        assert_eq!(staying.join().expect("it reads"), ((0..events(wait)).collect(), 0));
    }
}

#[test]
fn a_publisher_that_waits_for_a_reader_that_is_joining_goes_on_when_it_has_joined() {
    const LONG: Duration = Duration::from_secs(10);
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
fn a_single_publisher_and_its_readers_wait_for_each_other() {
    for (wait, capacity) in WAITS.into_iter().flat_map(|wait| [1, 3, 64].map(|capacity| (wait, capacity))) {
        let mut publisher = RingPublisher::gated(capacity).expect("a capacity").with_wait(wait);
        let readers: Vec<_> = (0..2).map(|_| publisher.subscribe()).collect();
        let reading: Vec<_> = readers.into_iter().map(|reader| thread::spawn(move || to_the_end(reader))).collect();
        (0..10).for_each(|n| publisher.publish(n));
        publisher.publish_iter(10..events(wait));
        drop(publisher);
        for reading in reading {
            assert_eq!(reading.join().expect("it reads"), ((0..events(wait)).collect(), 0));
        }
    }
}

#[test]
fn a_reader_that_is_inside_an_event_for_ever_holds_no_lossy_publisher_back() {
    let tally = Tally::new();
    let ring = Ring::lossy(4).expect("a capacity");
    let mut reader = ring.subscribe();
    ring.publish(tally.guard());
    let (inside, go_on) = (channel(), channel::<()>());
    let reading = thread::spawn(move || {
        let count = reader.try_read(1, |event| {
            inside.0.send(()).expect("somebody listens");
            go_on.1.recv().expect("somebody says so");
            event.check();
        });
        assert_eq!(count, Ok(1));
        reader.try_read(1, |_| {})
    });
    inside.1.recv().expect("it goes inside");
    ring.publish_iter((0..1000).map(|_| tally.guard()));
    assert_eq!(tally.dropped(), 1001 - 5, "four in the ring, and the one that is being read");
    assert_eq!(ring.figures().spares, 1);
    go_on.0.send(()).expect("it waits");
    assert_eq!(reading.join().expect("it reads"), Err(TryRecvError::Lagged(996)));
    assert_eq!(tally.dropped(), 1001 - 4);
    drop(ring);
    tally.assert_all_dropped();
}

/// Publishers write `(who, number)`; of each, a reader sees the numbers in order, each once; and what it lost is all that is missing.
fn check_streams(streams: &[(Vec<(usize, u32)>, u64)], publishers: usize, each: u32, may_lose: bool) {
    for (got, lost) in streams {
        assert_eq!(got.len() as u64 + lost, publishers as u64 * u64::from(each));
        assert!(may_lose || *lost == 0);
        for who in 0..publishers {
            let numbers: Vec<u32> = got.iter().filter(|event| event.0 == who).map(|event| event.1).collect();
            assert!(numbers.is_sorted_by(|a, b| a < b), "out of order, or twice");
        }
    }
    if !may_lose {
        assert!(streams.windows(2).all(|pair| pair[0] == pair[1]), "all readers see one order");
    }
}

#[test]
fn many_publishers_many_readers_one_order() {
    const EACH: u32 = 500;
    for capacity in [1, 3, 16] {
        for ring in both::<(usize, u32)>(capacity) {
            let is_lossy = ring.subscribe().then().is_err();
            let readers: Vec<_> = (0..3).map(|_| ring.subscribe()).collect();
            let reading: Vec<_> = readers.into_iter().map(|reader| thread::spawn(move || to_the_end(reader))).collect();
            let publishing: Vec<_> = (0..3)
                .map(|who| {
                    let ring = ring.clone();
                    thread::spawn(move || {
                        if who == 2 {
                            ring.publish_iter((0..EACH).map(|n| (who, n)));
                        } else {
                            (0..EACH).for_each(|n| ring.publish((who, n)));
                        }
                    })
                })
                .collect();
            drop(ring);
            publishing.into_iter().for_each(|thread| thread.join().expect("it publishes"));
            let streams: Vec<_> = reading.into_iter().map(|thread| thread.join().expect("it reads")).collect();
            check_streams(&streams, 3, EACH, is_lossy);
        }
    }
}

#[test]
fn events_are_dropped_once_whatever_the_threads_do() {
    let tally = Tally::new();
    for ring in both(3) {
        let stop = Arc::new(AtomicBool::new(false));
        let reading: Vec<_> = (0..3)
            .map(|who| {
                let (ring, stop) = (ring.clone(), stop.clone());
                thread::spawn(move || {
                    while !stop.load(SeqCst) {
                        // Comes and goes, in mid-stream.
                        let mut reader = if who == 0 { ring.subscribe_oldest() } else { ring.subscribe() };
                        for _ in 0..50 {
                            let _ = reader.try_read(2, |event: &common::Guard| event.check());
                        }
                    }
                })
            })
            .collect();
        let publishing: Vec<_> = (0..2)
            .map(|_| {
                let (ring, tally) = (ring.clone(), tally.clone());
                thread::spawn(move || {
                    for _ in 0..200 {
                        ring.publish(tally.guard());
                        ring.publish_iter((0..2).map(|_| tally.guard()));
                    }
                })
            })
            .collect();
        publishing.into_iter().for_each(|thread| thread.join().expect("it publishes"));
        stop.store(true, SeqCst);
        reading.into_iter().for_each(|thread| thread.join().expect("it reads"));
        drop(ring);
        tally.assert_all_dropped();
    }
}

// --- the shapes of LMAX ----------------------------------------------------------------------------------------------

const EVENTS: u64 = 20_000;

/// An event on which each step leaves its mark, by what is after it.
#[derive(Default)]
struct Order {
    number: u64,
    steps: [AtomicU64; 2],
}

fn order(number: u64) -> Order {
    Order { number, ..Order::default() }
}

/// Reads to the end; returns how many.
fn consume<E: Send + Sync + 'static>(
    mut reader: RingReader<E>,
    f: impl Fn(&E) + Send + 'static,
) -> thread::JoinHandle<u64> {
    thread::spawn(move || {
        let mut count = 0;
        while let Ok(read) = reader.read(64, &f) {
            count += read as u64;
        }
        count
    })
}

fn all_of_them(consumers: impl IntoIterator<Item = thread::JoinHandle<u64>>) {
    consumers.into_iter().for_each(|thread| assert_eq!(thread.join().expect("it reads"), EVENTS));
}

#[test]
fn unicast() {
    let mut publisher = RingPublisher::gated(256).expect("a capacity");
    let consumer = consume(publisher.subscribe(), |_: &u64| {});
    (0..EVENTS).for_each(|n| publisher.publish(n));
    drop(publisher);
    all_of_them([consumer]);
}

#[test]
fn a_pipeline_of_three_steps() {
    let ring = Ring::gated(256).expect("a capacity");
    let first = ring.subscribe();
    let second = first.then().expect("a gated ring");
    let third = second.then().expect("a gated ring");
    let consumers = [
        consume(first, |order: &Order| order.steps[0].store(order.number + 1, SeqCst)),
        consume(second, |order| order.steps[1].store(order.steps[0].load(SeqCst) * 2, SeqCst)),
        consume(third, |order| assert_eq!(order.steps[1].load(SeqCst), (order.number + 1) * 2)),
    ];
    (0..EVENTS).for_each(|n| ring.publish(order(n)));
    drop(ring);
    all_of_them(consumers);
}

#[test]
fn multicast() {
    let ring = Ring::gated(256).expect("a capacity");
    let consumers: Vec<_> = (0..3)
        .map(|_| {
            let next = AtomicU64::new(0);
            consume(ring.subscribe(), move |n: &u64| assert_eq!(*n, next.fetch_add(1, SeqCst)))
        })
        .collect();
    (0..EVENTS).for_each(|n| ring.publish(n));
    drop(ring);
    all_of_them(consumers);
}

#[test]
fn a_diamond() {
    let mut publisher = RingPublisher::gated(256).expect("a capacity");
    let (left, right) = (publisher.subscribe(), publisher.subscribe());
    let last = publisher.subscribe_after(&[&left, &right]).expect("a gated ring");
    let consumers = [
        consume(left, |order: &Order| order.steps[0].store(order.number + 1, SeqCst)),
        consume(right, |order| order.steps[1].store(order.number + 2, SeqCst)),
        consume(last, |order| {
            let steps = [0, 1].map(|step| order.steps[step].load(SeqCst));
            assert_eq!(steps, [order.number + 1, order.number + 2]);
        }),
    ];
    publisher.publish_iter((0..EVENTS as u32).map(|n| order(n.into())));
    drop(publisher);
    all_of_them(consumers);
}
