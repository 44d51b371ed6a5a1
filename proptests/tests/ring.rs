//! Random programs over a broadcast ring: one thing at a time, compared with a model; and on threads, where what holds under any order
//! is checked.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use pulsebus::{RecvError, Ring, RingReader, Wait};
use pulsebus_proptests::config::config;
use pulsebus_proptests::ring::program::{Program, program};
use pulsebus_proptests::ring::world::run;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

const RING_SHORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/ring_short.txt");
const RING_LONG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/ring_long.txt");
const RING_THREADED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/ring_threaded.txt");

fn check(program: &Program) -> Result<(), TestCaseError> {
    run(program).map(drop).map_err(TestCaseError::fail)
}

proptest! {
    #![proptest_config(config(RING_SHORT, 30_000))]

    #[test]
    fn short_programs_do_what_the_model_says(program in program(15)) {
        check(&program)?;
    }
}

proptest! {
    #![proptest_config(config(RING_LONG, 4_000))]

    #[test]
    fn long_programs_do_what_the_model_says(program in program(120)) {
        check(&program)?;
    }
}

#[test]
fn the_programs_are_worth_running() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..500 {
        let program = program(80).new_tree(&mut runner).expect("nothing is filtered").current();
        let tally = run(&program).unwrap_or_else(|error| panic!("{error}\nof {program:#?}"));
        tally.into_iter().for_each(|(what, times)| *counts.entry(what).or_default() += times);
    }
    let expected = [
        "published",
        "full",
        "a batch",
        "a short batch",
        "a batch panicked",
        "no room for a batch",
        "goes after",
        "read",
        "panicked while reading",
        "lagged",
        "empty",
        "publishers gone",
        "reader ahead gone",
    ];
    let rare: Vec<_> = expected.into_iter().filter(|what| counts.get(what).is_none_or(|count| *count < 20)).collect();
    assert!(rare.is_empty(), "{rare:?} of {counts:#?}");
}

// --- on threads ------------------------------------------------------------------------------------------------------

#[derive(Debug, Clone)]
struct Setting {
    lossy: bool,
    capacity: usize,
    wait: Wait,
    /// The size of each publisher's batches.
    batches: Vec<usize>,
    /// How many events each reader takes at once; and after how many it leaves.
    readers: Vec<(usize, Option<usize>)>,
    /// How many readers go after all the others.
    after: usize,
}

fn setting() -> BoxedStrategy<Setting> {
    let waits = prop::sample::select(&[Wait::Yield, Wait::Park, Wait::Park][..]);
    let readers = prop::collection::vec((1..9_usize, prop::option::weighted(0.3, 0..100_usize)), 1..4);
    (any::<bool>(), 1..9_usize, waits, prop::collection::vec(1..7_usize, 1..4), readers, 0..2_usize)
        .prop_map(|(lossy, capacity, wait, batches, readers, after)| Setting {
            lossy,
            capacity,
            wait,
            batches,
            readers,
            after: if lossy { 0 } else { after },
        })
        .boxed()
}

/// Who has published it, and as the how-manieth.
type Event = Arc<(usize, usize)>;

/// What a reader has got, what it has lost, and whether it has come to the end.
type Stream = (Vec<Event>, u64, bool);

const EACH: usize = 120;

fn follow(mut reader: RingReader<Event>, at_once: usize, leaves_after: Option<usize>) -> Stream {
    let (mut got, mut lost) = (Vec::new(), 0);
    while leaves_after.is_none_or(|most| got.len() < most) {
        match reader.read(at_once, |event| got.push(event.clone())) {
            Ok(_) => {}
            Err(RecvError::Lagged(count)) => lost += count,
            Err(_) => return (got, lost, true),
        }
    }
    (got, lost, false)
}

fn run_threads(setting: &Setting) -> Result<(), TestCaseError> {
    let ring = if setting.lossy { Ring::lossy(setting.capacity) } else { Ring::gated(setting.capacity) };
    let ring = ring.expect("a capacity").with_wait(setting.wait);
    let first: Vec<RingReader<Event>> = setting.readers.iter().map(|_| ring.subscribe()).collect();
    let ahead: Vec<&RingReader<Event>> = first.iter().collect();
    let after: Vec<_> = (0..setting.after).map(|_| ring.subscribe_after(&ahead).expect("gated")).collect();
    let mut threads = Vec::new();
    for (reader, &(at_once, leaves_after)) in first.into_iter().zip(&setting.readers) {
        threads.push(thread::spawn(move || follow(reader, at_once, leaves_after)));
    }
    for reader in after {
        threads.push(thread::spawn(move || follow(reader, 4, None)));
    }
    let publishing: Vec<_> = setting
        .batches
        .iter()
        .enumerate()
        .map(|(who, &batch)| {
            let ring = ring.clone();
            thread::spawn(move || {
                let events: Vec<Event> = (0..EACH).map(|n| Arc::new((who, n))).collect();
                for part in events.chunks(batch) {
                    match part {
                        [event] => ring.publish(event.clone()),
                        part => ring.publish_batch(part),
                    }
                }
                events
            })
        })
        .collect();
    drop(ring);
    let events: Vec<Event> = publishing.into_iter().flat_map(|thread| thread.join().expect("it publishes")).collect();
    let streams: Vec<Stream> = threads.into_iter().map(|thread| thread.join().expect("it reads")).collect();
    for (got, lost, to_the_end) in &streams {
        if *to_the_end && setting.after == 0 {
            prop_assert_eq!(got.len() as u64 + lost, events.len() as u64, "what is not read is lost, and is said so");
        }
        prop_assert!(setting.lossy || *lost == 0);
        for who in 0..setting.batches.len() {
            let numbers: Vec<usize> = got.iter().filter(|event| event.0 == who).map(|event| event.1).collect();
            prop_assert!(numbers.is_sorted_by(|a, b| a < b), "out of order, or twice: {:?}", numbers);
            if !setting.lossy {
                prop_assert!(
                    numbers.iter().enumerate().all(|(place, number)| place == *number),
                    "a gap: {:?}",
                    numbers
                );
            }
        }
    }
    if !setting.lossy {
        let longest = streams.iter().max_by_key(|stream| stream.0.len()).expect("there are readers");
        for stream in &streams {
            prop_assert!(longest.0.starts_with(&stream.0), "two orders");
        }
        // Batches that fit are in a row.
        for (who, &batch) in setting.batches.iter().enumerate().filter(|(_, batch)| **batch <= setting.capacity) {
            let places: Vec<usize> = (0..longest.0.len()).filter(|&place| longest.0[place].0 == who).collect();
            for part in places.chunks(batch) {
                prop_assert!(part.windows(2).all(|pair| pair[1] == pair[0] + 1), "a batch with something in between");
            }
        }
    }
    drop(streams);
    prop_assert!(events.iter().all(|event| Arc::strong_count(event) == 1), "an event that was not dropped");
    Ok(())
}

proptest! {
    #![proptest_config(config(RING_THREADED, 150))]

    #[test]
    fn on_threads_what_must_hold_holds(setting in setting()) {
        run_threads(&setting)?;
    }
}
